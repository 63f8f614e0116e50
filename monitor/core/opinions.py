"""Second opinions: what another model says of a comment on which ours is not sure, and the two taken together.

Which model said what is kept in the comment's `signals_version` ("angry=3+llm:qwen2.5@0.9"), so that a reason can name
it and a value is measured again when either side has changed.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from math import exp, log

from monitor.model import Signals, StoredComment
from monitor.signals import ALL_OTHERS

_LEAST, _MOST = 0.01, 0.99  # a model that says 1 is sure, not certain
_EDGE = 1e-6
_MARK = re.compile(r"\+llm:([^,=]*)@([0-9.]+)\Z")
_UNFIT = re.compile(r"[^\w./:@-]+")


@dataclass(frozen=True, slots=True)
class Policy:
    """When a second opinion is asked for, and how much it counts.

    `limits` holds, for each signal that is asked about, the values at which something is decided.
    """

    limits: Mapping[str, Collection[float]]
    band: float = 0.15
    weight: float = 0.5
    include_private: bool = False

    def unsure_of(self, signals: Signals) -> tuple[str, ...]:
        """The signals that lie within the band around one of their limits."""
        return tuple(name for name, limits in self.limits.items() if self._is_near(signals.get(name), limits))

    def _is_near(self, value: object, limits: Collection[float]) -> bool:
        return isinstance(value, float) and any(abs(value - limit) <= self.band for limit in limits)

    def may_ask_about(self, stored: StoredComment) -> bool:
        """Whether a comment is of the kind that is shown to another model at all."""
        is_private = stored.comment.is_private or stored.comment.kind == "message"
        is_there = stored.has_text and stored.deleted_at is None
        return not stored.is_history and is_there and (self.include_private or not is_private)


@dataclass(frozen=True, slots=True)
class Opinion:
    """What was asked about one text, and the answer: a number in [0, 1] for each signal, empty while there is none."""

    text_hash: int
    model: str = ""
    values: Mapping[str, float] = field(default_factory=dict)


def combined(ours: float, theirs: float, weight: float) -> float:
    """Two probabilities taken together on the logit scale; between the two, and ours where the weight is 0."""
    if weight == 0:
        return ours
    kept = min(max(theirs, _LEAST), _MOST)
    mixed = (1 - weight) * _logit(ours) + weight * _logit(kept)
    return min(max(1 / (1 + exp(-mixed)), min(ours, theirs)), max(ours, theirs))


def _logit(value: float) -> float:
    kept = min(max(value, _EDGE), 1 - _EDGE)
    return log(kept / (1 - kept))


def hash_of(text: str) -> int:
    """What tells whether an opinion is still about the text that is there: 63 bits."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big") >> 1


def marked(version: str, opinion: Opinion | None) -> str:
    """The version of a comment's signals once this opinion has been heard."""
    if opinion is None or not opinion.values:
        return version
    model, versions = _UNFIT.sub("_", opinion.model), dict(entry.split("=", 1) for entry in version.split(","))
    said = (
        f"{name}={versions.get(name) or versions.get(ALL_OTHERS, '')}+llm:{model}@{round(value, 3):g}"
        for name, value in opinion.values.items()
    )
    return ",".join((*said, version))  # the first word on a signal counts


def heard(stored: StoredComment, opinion: Opinion | None, weight: float) -> StoredComment:
    """A comment, freshly measured by us, with what the other model says of it taken into account."""
    if opinion is None or not opinion.values:
        return stored
    both = {
        name: combined(value, theirs, weight)
        for name, theirs in opinion.values.items()
        if isinstance(value := stored.signals.get(name), float)
    }
    version = marked(stored.signals_version, opinion)
    return replace(stored, signals={**stored.signals, **both}, signals_version=version)


def second_opinion(version: str) -> tuple[str, str] | None:
    """The model and the number that a signal's version names ("3+llm:qwen2.5@0.9"), if it does."""
    found = _MARK.search(version)
    return (found[1], found[2]) if found else None
