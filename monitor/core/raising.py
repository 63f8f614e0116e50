"""Raising a flag for a rule that holds: what it rests on, what it is told together with, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.core.facts import Facts, View
from monitor.core.findings import evidence, reasons
from monitor.core.rules_config import Rule
from monitor.model import Flag, Reason, StoredComment, show_id

_MOST_EVIDENCE = 100
_MOST_EXPLAINED = 3  # comments whose reasons a flag carries


@dataclass(frozen=True, slots=True)
class Held:
    """A rule that holds, and for what: open comments, or None for the post itself."""

    rule: Rule
    candidates: list[StoredComment | None]


def raise_flag(held: Held, view: View, before: Mapping[str, Flag]) -> Flag:
    """The flag of a rule that holds, with the evidence of all comments for which it does."""
    rule, facts = held.rule, view.facts
    rests_on = _evidence(held, view)
    fresh = [it for it in rests_on if not it.is_history]
    kept = (fresh or rests_on)[:_MOST_EVIDENCE]
    flag = Flag(
        brand=facts.brand,
        thread_id=facts.thread_id,
        rule=rule.name,
        severity=rule.severity,
        group_key=_group_key(rule, facts, kept),
        reasons=(),
        evidence=tuple(it.id for it in kept),
        raised_at=view.now,
        is_history=bool(rests_on) and not fresh,
        playbook=rule.playbook,
        route=rule.route,
        platform=facts.platform,
        source_id=facts.source_id,
    )
    old = before.get(rule.name)
    stands = old is not None and not is_news(flag, old)
    return replace(flag, reasons=old.reasons if old is not None and stands else _reasons(held, view))


def _reasons(held: Held, view: View) -> tuple[Reason, ...]:
    """Why a rule holds for the first of the comments for which it does."""
    why: list[Reason] = []
    for candidate in held.candidates[:_MOST_EXPLAINED]:
        view.look_at(candidate)
        why += [reason for reason in reasons(held.rule.when, view) if reason not in why]
    return tuple(why)


def is_news(flag: Flag, old: Flag) -> bool:
    """Whether a flag says anything that the same rule's did not say before, or was never handed to an alert."""
    return _essence(old) != _essence(flag) or (old.alert_id is None and not flag.is_history)


def _essence(flag: Flag) -> tuple[object, ...]:
    return flag.severity, flag.group_key, flag.evidence, flag.is_history, flag.playbook, flag.route


def _evidence(held: Held, view: View) -> list[StoredComment]:
    """The comments that the flag rests on, each once, in the order of the thread."""
    found: dict[int, StoredComment] = {}
    for candidate in held.candidates:
        if candidate is not None:
            found[candidate.id] = candidate
            continue
        view.look_at(None)
        numbers = set(evidence(held.rule.when, view))
        found |= {it.id: it for it in view.facts.subject_people if it.id in numbers}
    return list(found.values())


def _group_key(rule: Rule, facts: Facts, rests_on: Sequence[StoredComment]) -> str:
    """What the flag is told together with: the rule, and what the rule groups by."""
    first = rests_on[0] if rests_on else None
    match rule.group_by:
        case "brand":
            return f"{rule.name}@brand"
        case "source":
            return f"{rule.name}@source:{facts.source_id}"
        case "author" if first is not None:
            return f"{rule.name}@author:{facts.platform}:{first.comment.author.key}"
        case "subject":
            subject = first.subject_id if first is not None and first.subject_id is not None else facts.thread_id
            return f"{rule.name}@subject:{show_id(subject)}"
        case _:
            return f"{rule.name}@thread:{show_id(facts.thread_id)}"
