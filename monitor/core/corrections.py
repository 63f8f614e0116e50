"""Corrections: what people say about a flag, that it was wrong or right, and what follows for the rules."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.core.facts import Facts
from monitor.model import Flag, StoredComment, make_id


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person said of one comment that a flag rested on.

    `signal` is one that the rule asked to be high, "" if it asked for none; `value` is that signal's as it was measured
    at the time (before any calibration), `version` the signal's.
    """

    brand: str
    thread_id: int
    comment_id: int
    rule: str
    is_wrong: bool
    who: str
    at: datetime
    signal: str = ""
    value: float | None = None
    version: str = ""

    @property
    def id(self) -> int:
        """The same for whoever says it again; comments can move to another thread, so that is no part of it."""
        return make_id(self.brand, "correction", f"{self.rule}\0{self.comment_id}\0{self.signal}")


def corrections_of(
    flag: Flag, evidence: Mapping[int, StoredComment], is_wrong: bool, who: str, at: datetime
) -> list[Correction]:
    """What it means for each comment, and each signal that the rule asked of it, that a flag was wrong or right."""
    said = []
    for comment_id in flag.evidence or (flag.thread_id,):
        held = evidence.get(comment_id)
        plain = Correction(flag.brand, flag.thread_id, comment_id, flag.rule, is_wrong, who, at)
        said += list(_by_signal(plain, flag, held)) if held else []
        if not said or said[-1].comment_id != comment_id:
            said.append(plain)
    return said


def _by_signal(plain: Correction, flag: Flag, held: StoredComment) -> Iterator[Correction]:
    for name, version in _signals(flag, held.id).items():
        value = held.signals.get(name)
        if isinstance(value, float):
            yield replace(plain, signal=name, value=value, version=version)


def _signals(flag: Flag, comment_id: int) -> dict[str, str]:
    """The signals that had to be high, each with its version; a flag explains only its first comments."""
    asked = [reason for reason in flag.reasons if reason.signal and _was_high(reason.value, reason.threshold)]
    own = [reason for reason in asked if reason.comment_id == comment_id]
    is_explained = any(reason.comment_id == comment_id for reason in flag.reasons)
    return {reason.signal: reason.signal_version for reason in (own if is_explained else asked)}


def _was_high(value: object, threshold: object) -> bool:
    return isinstance(value, float) and isinstance(threshold, int | float) and value >= threshold


def news_of(
    said: Iterable[Correction], earlier: Iterable[Correction], evidence: Mapping[int, StoredComment]
) -> list[Correction]:
    """What was not said before; of a text that was changed since it is news again."""
    before = {one.id: one for one in earlier}
    return [
        one
        for one in {one.id: one for one in said}.values()
        if (old := before.get(one.id)) is None
        or old.is_wrong is not one.is_wrong
        or is_outdated(old, evidence.get(one.comment_id))
    ]


def is_outdated(said: Correction, held: StoredComment | None) -> bool:
    """Whether it was said of a text that is another one now."""
    return held is not None and held.text_changed_at is not None and held.text_changed_at > said.at


def refuted(wrong: Iterable[Correction], comments: Mapping[int, StoredComment]) -> dict[str, frozenset[int]]:
    """For each rule the comments for which it is not raised any more.

    A text that was changed since is another one. History that was there at the time goes along: nobody was told of it.
    """
    found: dict[str, set[int]] = {}
    for one in wrong:
        if is_outdated(one, comments.get(one.comment_id)):
            continue
        found.setdefault(one.rule, set()).add(one.comment_id)
        found[one.rule] |= {it.id for it in comments.values() if it.is_history and it.seen_at <= one.at}
    return {rule: frozenset(ids) for rule, ids in found.items()}


def without(facts: Facts, ids: frozenset[int]) -> Facts:
    """The facts as they are for a rule that is not to be raised for these comments."""
    open_ids = tuple(number for number in facts.state.open_ids if number not in ids)
    return replace(
        facts,
        state=replace(facts.state, open_ids=open_ids),
        subject_people=[it for it in facts.subject_people if it.id not in ids],
        post_findings={number: found for number, found in facts.post_findings.items() if number not in ids},
    )
