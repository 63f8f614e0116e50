"""tagging_only: nothing but a friend's name, perhaps with the few words that go with it."""

import re
from collections.abc import Sequence

from monitor.model import SignalValue
from monitor.signals.prepared import Prepared

_FRIEND = "tagging.friend"
_NAME = re.compile(r"[A-Z][\w'’.-]+(?: [A-Z][\w'’.-]+){1,3}")  # "Anna Schmidt", as a tag looks where links are lost
_FEW = 8  # words beside the names
_NAMES_ONLY, _FRIENDS_TALK, _A_WORD, _NOT = 0.97, 0.85, 0.3, 0.02


class TaggingOnly:
    name = "tagging_only"
    version = "1"
    range = (0.0, 1.0)

    def measure(self, batch: Sequence[Prepared]) -> list[SignalValue]:
        return [_measure(text) for text in batch]

    def explain(self, text: Prepared) -> tuple[str, ...]:
        names = re.findall(r"@\w[\w.-]*", text.text)[:3]
        return tuple(names) if _measure(text) >= 0.5 else ()


def _measure(text: Prepared) -> float:
    if text.kind in ("mention", "message", "review"):
        return _NOT  # there the name that is tagged is ours
    others = text.n_words - text.n_mentions
    if not text.n_mentions or (text.n_questions and others > 2):
        return _NOT
    if others == 0:
        return _NAMES_ONLY
    if others > _FEW or any(group.startswith(("closing.thanks", "mistake.", "angry.verdict")) for group in text.groups):
        return _NOT
    if _FRIEND in text.groups and "needs_reply.problem" not in text.groups:
        return _FRIENDS_TALK
    return _A_WORD if others <= 2 and "needs_reply.ask" not in text.groups else _NOT
