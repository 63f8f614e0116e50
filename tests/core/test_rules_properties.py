"""Whatever the rules, the thread and the calendar: a verdict stays the same until its due_at, and says so."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.calendar import Calendar
from monitor.core.rules import Facts, Verdict, load_rules
from monitor.model import Flag, ThreadActs
from tests.core.threads_to_judge import post_with, rules_where, thread_of

DAYS = {day: ((time(9), time(12, 30)), (time(13), time(17))) for day in range(5)}
CALENDARS = [
    Calendar("UTC", None),
    Calendar("Europe/Berlin", DAYS),
    Calendar("America/New_York", {**DAYS, 6: ((time(0), time(4)),)}),
    Calendar("Australia/Lord_Howe", {5: ((time(20), time(3)),), 6: ((time(0), time(0)),)}),
    Calendar("Europe/Berlin", DAYS, "2026-10-26,2026-03-30"),
]
# Around the nights on which the clocks of these zones change, where business time is easiest to get wrong.
CHANGES = [
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 3, 8, 7, tzinfo=UTC),
    datetime(2026, 11, 1, 6, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),
]
MINUTES = st.integers(-4 * 1440, 4 * 1440).map(lambda n: timedelta(minutes=n))
INSTANTS = st.builds(lambda change, by: change + by, st.sampled_from(CHANGES), MINUTES)
LENGTHS = st.sampled_from(["1m", "30m", "1h", "4h", "8h", "1d", "2d", "1w"])

LEAVES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.fixed_dictionaries({"waiting": LENGTHS, "clock": st.sampled_from(["business", "clock"])}),
    st.fixed_dictionaries({"older_than": LENGTHS}),
    st.fixed_dictionaries({"younger_than": LENGTHS}),
    st.fixed_dictionaries({"people": st.integers(1, 3), "within": LENGTHS, "lasts": LENGTHS}),
    st.fixed_dictionaries({"phrases": st.sampled_from([["hello"], ["bye"]])}),
    st.sampled_from([{"is_bot": True}, {"is_bot": False}]),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"not": inner}),
    ),
    max_leaves=6,
)
EXAMPLES = st.fixed_dictionaries(
    {
        "author": st.sampled_from(["Ana", "Ben", "Cem"]),
        "text": st.sampled_from(["hello", "bye", "x"]),
        "ago": st.integers(0, 8 * 1440).map(lambda n: f"{n}m"),
        "is_bot": st.booleans(),
        "is_history": st.booleans(),
    }
)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Facts, datetime]:
    """A thread (or a post with people under it) and an instant."""
    now = draw(INSTANTS)
    snoozed = draw(st.none() | INSTANTS)
    due_at = draw(st.none() | INSTANTS)
    people = draw(st.lists(EXAMPLES, max_size=5))
    facts = thread_of(
        draw(st.lists(EXAMPLES, min_size=1, max_size=4)),
        now,
        draw(st.sampled_from(CALENDARS)),
        ThreadActs(snoozed_until=snoozed),
        due_at,
    )
    return replace(facts, subject_people=post_with(people, now).subject_people if people else ()), now


def _timeless(verdict: Verdict) -> list[Flag]:
    """The flags without when they were raised, and without the words: another branch of `any` may come to hold too."""
    return [replace(flag, raised_at=CHANGES[0], reasons=()) for flag in verdict.flags]


def _standing(verdict: Verdict) -> list[Flag]:
    """The flags as far as the clock must not change them unseen: which branch of `any` they rest on may change."""
    return [replace(flag, evidence=(), is_history=False) for flag in _timeless(verdict)]


@settings(deadline=None)
@given(worlds(), TREES, st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_a_verdict_stays_the_same_until_it_is_due(
    world: tuple[Facts, datetime], when: dict[str, Any], moments: list[float]
) -> None:
    facts, now = world
    rules = load_rules(rules_where(when))
    verdict = rules.evaluate(facts, now)
    end = verdict.due_at or now + timedelta(days=60)
    assert end > now
    for part in moments:
        at = now + min((end - now) * part, end - now - timedelta(microseconds=1))
        assert _standing(rules.evaluate(facts, at)) == _standing(verdict)


@settings(deadline=None)
@given(worlds(), TREES)
def test_following_due_at_misses_no_change_for_two_weeks(world: tuple[Facts, datetime], when: dict[str, Any]) -> None:
    facts, now = world
    rules = load_rules(rules_where(when))
    at, seen = now, rules.evaluate(facts, now)
    for hours in range(0, 14 * 24, 3):
        moment = now + timedelta(hours=hours)
        while seen.due_at is not None and seen.due_at <= moment:
            assert seen.due_at > at
            at, seen = seen.due_at, rules.evaluate(facts, seen.due_at)
        assert _standing(rules.evaluate(facts, moment)) == _standing(seen)


@settings(deadline=None)
@given(worlds(), LENGTHS, st.sampled_from(["business", "clock"]))
def test_one_waiting_rule_is_due_exactly_when_it_becomes_true(
    world: tuple[Facts, datetime], length: str, clock: str
) -> None:
    facts, now = world
    fresh = {number: replace(it, is_history=False) for number, it in facts.comments.items()}
    state = replace(facts.state, due_at=None)
    facts = replace(facts, acts=ThreadActs(), state=state, subject_people=(), comments=fresh)
    rules = load_rules(rules_where({"waiting": length, "clock": clock}))
    before = rules.evaluate(facts, now)
    if before.due_at is not None:
        after = rules.evaluate(facts, before.due_at)
        assert after.flags
        assert _timeless(after) != _timeless(before)


@settings(deadline=None)
@given(worlds(), TREES)
def test_the_explanation_agrees_with_the_verdict(world: tuple[Facts, datetime], when: dict[str, Any]) -> None:
    facts, now = world
    facts = replace(facts, acts=ThreadActs())
    rules = load_rules(rules_where(when))
    assert any(trial.holds for trial in rules.explain(facts, now)) is bool(rules.evaluate(facts, now).flags)
