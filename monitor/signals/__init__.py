"""What is measured about a text: one file a signal, one line in REGISTRY.

Pure and deterministic; total on any text. `measure` takes what a page of comments holds in one batch.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

from monitor.model import Comment, Signals
from monitor.signals.base import Batch, Signal
from monitor.signals.language import Language
from monitor.signals.personal_data import PersonalData
from monitor.signals.prepared import prepare, ready
from monitor.signals.trained import MistakeKind, Trained

ALL_OTHERS = "*"
"""In a list of versions: the signals of ours that the list does not name."""


def told(signals: Mapping[str, Signal]) -> str:
    """The versions of signals as they are stored with every comment: one that most of them have is told once."""
    versions = Counter(signal.version for signal in signals.values())
    most = versions.most_common(1)[0][0]
    others = (f"{name}={signal.version}" for name, signal in signals.items() if signal.version != most)
    return ",".join((f"{ALL_OTHERS}={most}", *others))


REGISTRY: Mapping[str, Signal] = {
    "angry": Trained("angry"),
    "closing": Trained("closing"),
    "language": Language(),
    "mistake": Trained("mistake"),
    "mistake_kind": MistakeKind(),
    "needs_reply": Trained("needs_reply"),
    "negative": Trained("negative"),
    "personal_data": PersonalData(),
    "tagging_only": Trained("tagging_only"),
    "threat": Trained("threat"),
    "urgent": Trained("urgent"),
}

_AT_ONCE = 128  # texts: what they need together stays in the processor's cache
_EXPLAINED = 512  # words kept: several rules ask for those of one text, and a thread with a flag is judged often
VERSION = told(REGISTRY)

Beside = Mapping[str, Signal]
"""Signals of the user's own by name (see `signals.own`), measured beside ours."""
NONE: Beside = {}


def version(own: Beside = NONE) -> str:
    """The versions of all signals; what was measured under another one is measured again."""
    return ",".join((VERSION, *(f"{name}={signal.version}" for name, signal in own.items()))) if own else VERSION


def measure(comments: Sequence[Comment], own: Beside = NONE) -> list[Signals]:
    """The signals of each comment, in the order given."""
    signals = {**REGISTRY, **own}
    found: list[Signals] = []
    for first in range(0, len(comments), _AT_ONCE):
        batch = Batch(map(prepare, comments[first : first + _AT_ONCE]))
        columns = [signal.measure(batch) for signal in signals.values()]
        found += [dict(zip(signals, values, strict=True)) for values in zip(*columns, strict=True)]
    return found


def explain(name: str, comment: Comment, own: Beside = NONE) -> tuple[str, ...]:
    """The words of a comment that weighed most for a signal; KeyError for a name that is none."""
    if name in REGISTRY:
        return _words(name, comment.text, comment.kind, comment.stars, comment.language)
    return own[name].explain(prepare(comment))


@lru_cache(maxsize=_EXPLAINED)
def _words(name: str, text: str, kind: str, stars: float | None, told_language: str) -> tuple[str, ...]:
    return REGISTRY[name].explain(ready(text, kind, stars, told_language))


def sentence(name: str, comment: Comment) -> str:
    """The sentence of a comment, as written, that speaks most for a trained signal; "" for the others."""
    if not isinstance(REGISTRY.get(name), Trained):
        return ""
    from monitor.signals.evidence import sentence_for

    return sentence_for(name, comment)


def version_of(name: str) -> str:
    """The version of a signal; KeyError for a name that is none."""
    return REGISTRY[name].version
