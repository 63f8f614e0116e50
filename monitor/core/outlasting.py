"""Flags about comments of which the platform's rules let us keep no more: what they lack decides nothing."""

from collections.abc import Iterable, Iterator

from monitor.core.facts import Facts
from monitor.core.rules import RuleSet
from monitor.core.truth import Condition
from monitor.model import Flag

_OF_TEXT = frozenset({"phrases", "pattern"})
_OF_AUTHOR = frozenset({"author_in", "followers_at_least"})


def verdict_of(rules: RuleSet, raised: Iterable[Flag], before: Iterable[Flag], facts: Facts) -> tuple[Flag, ...]:
    """The flags that count, of those that the rules raise now and those that stood before.

    One that stood stays while it rests on an open comment of which something is gone (or, about us, on one that has
    vanished), unless people called it wrong;
    one that would be news is left out if it rests on what can no longer be seen ("does not say ...").
    """
    if all(c.remains is None for c in facts.comments.values()):
        return tuple(raised)
    stood = {flag.rule: flag for flag in before}
    denied = {rule.name: frozenset(_denied(rule.when)) for rule in rules.rules}
    kept = {flag.rule: flag for flag in raised if flag.rule in stood or not _is_guess(flag, facts, denied[flag.rule])}
    about_us = {rule.name for rule in rules.rules if rule.is_about_us}
    lasting = [flag for rule, flag in stood.items() if rule not in kept and _outlasts(flag, facts, rule in about_us)]
    return (*kept.values(), *lasting)


def _outlasts(flag: Flag, facts: Facts, is_about_us: bool) -> bool:
    wrong = facts.refuted.get(flag.rule, frozenset())
    lasting = (facts.suspects if is_about_us else frozenset(facts.state.open_ids)) - wrong
    held = (facts.comments.get(number) for number in flag.evidence if number in lasting)
    return any(it is not None and it.remains is not None for it in held)


def _is_guess(flag: Flag, facts: Facts, denied: frozenset[str]) -> bool:
    """Whether its rule asks for the lack of what is gone of the comments that it rests on."""
    rests_on = [it for number in flag.evidence if (it := facts.comments.get(number))]
    lacks_text = any(not it.has_text for it in rests_on) and not denied.isdisjoint(_OF_TEXT)
    return lacks_text or (any(not it.has_author for it in rests_on) and not denied.isdisjoint(_OF_AUTHOR))


def _denied(condition: Condition, is_within: bool = False) -> Iterator[str]:
    """The names of all conditions below a "not": only there can what is missing make a rule hold."""
    if is_within:
        yield condition.name
    for child in condition.children:
        yield from _denied(child, is_within or condition.name == "not")
