"""Flags about comments of which the platform's rules let us keep no more: what they lack decides nothing."""

from collections.abc import Iterable

from monitor.core.facts import Facts
from monitor.model import Flag, Reason, StoredComment

_OF_TEXT = frozenset({"phrases", "pattern"})
_OF_AUTHOR = frozenset({"author_in", "followers_at_least"})


def verdict_of(raised: Iterable[Flag], before: Iterable[Flag], facts: Facts) -> tuple[Flag, ...]:
    """The flags that count, of those that the rules raise now and those that stood before.

    One that stood stays while it rests on an open comment of which something is gone, unless people called it wrong;
    one that would be news is left out if it rests on what can no longer be seen ("does not say ...").
    """
    if all(c.remains is None for c in facts.comments.values()):
        return tuple(raised)
    stood = {flag.rule: flag for flag in before}
    kept = {flag.rule: flag for flag in raised if flag.rule in stood or not _is_guess(flag, facts)}
    lasting = [flag for rule, flag in stood.items() if rule not in kept and _outlasts(flag, facts)]
    return (*kept.values(), *lasting)


def _outlasts(flag: Flag, facts: Facts) -> bool:
    wrong = facts.refuted.get(flag.rule, frozenset())
    open_ids = frozenset(facts.state.open_ids) - wrong
    held = (facts.comments.get(number) for number in flag.evidence if number in open_ids)
    return any(it is not None and it.remains is not None for it in held)


def _is_guess(flag: Flag, facts: Facts) -> bool:
    return any(_cannot_be_asked(reason, facts.comments.get(reason.comment_id or 0)) for reason in flag.reasons)


def _cannot_be_asked(reason: Reason, about: StoredComment | None) -> bool:
    if about is None:
        return False
    without_text = not about.has_text and reason.condition in _OF_TEXT
    return without_text or (not about.has_author and reason.condition in _OF_AUTHOR)
