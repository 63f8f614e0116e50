"""Notices: who is told when and why, one by one, and what must hold after any sequence of acts."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from monitor.core.alerts import Timings
from monitor.core.notices import Decision, after_telling, matches, next_notice
from monitor.model import Alert, Severity, Silence

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
TIMINGS = Timings()
MEDIUM, CRISIS = Severity.MEDIUM, Severity.CRISIS
FRESH = Alert("bakery", 1, "angry", "angry@brand", MEDIUM, "open", NOON, {"angry:1": MEDIUM}, platform="isso")
TOLD = after_telling(FRESH, "first", NOON + 30 * SECOND)
LULL = Silence(1, "bakery", NOON, NOON + HOUR, "ana", "we know")


def _ask(alert: Alert, at: datetime, *silences: Silence, timings: Timings = TIMINGS) -> Decision:
    return next_notice(alert, silences, at, timings)


def _resolved(alert: Alert, at: datetime) -> Alert:
    return replace(alert, status="resolved", members={}, resolved_at=at)


def test_nobody_is_told_before_the_group_wait_is_over() -> None:
    early = _ask(FRESH, NOON + 29 * SECOND)
    assert (early.reason, early.due_at) == (None, NOON + 30 * SECOND)
    assert early.says == "not before 2026-11-18 12:00:30 UTC: new: 1 thread"
    first = _ask(FRESH, NOON + 30 * SECOND)
    assert (first.reason, first.says, first.due_at) == ("first", "new: 1 thread", NOON + 30 * SECOND + 4 * HOUR)


def test_an_alert_that_is_over_before_the_group_wait_is_never_told() -> None:
    decision = _ask(_resolved(FRESH, NOON + 10 * SECOND), NOON + HOUR)
    assert decision == Decision(None, "resolved before anyone was told", None)


def test_more_is_told_a_group_interval_after_the_last_notice_at_the_earliest() -> None:
    more = replace(TOLD, members={"angry:1": MEDIUM, "angry:2": MEDIUM, "angry:3": MEDIUM})
    assert TOLD.last_told_at is not None
    early = _ask(more, TOLD.last_told_at + MINUTE)
    assert (early.reason, early.due_at) == (None, TOLD.last_told_at + 5 * MINUTE)
    then = _ask(more, TOLD.last_told_at + 5 * MINUTE)
    assert (then.reason, then.says) == ("more", "2 threads more since the last notice, 3 in all")


def test_another_thread_in_the_place_of_one_that_left_is_news() -> None:
    assert _ask(replace(TOLD, members={"angry:2": MEDIUM}), NOON + HOUR).reason == "more"


def test_fewer_threads_are_no_news() -> None:
    both = after_telling(replace(FRESH, members={"angry:1": MEDIUM, "angry:2": MEDIUM}), "first", NOON)
    assert _ask(replace(both, members={"angry:2": MEDIUM}), NOON + HOUR).reason is None


def test_growing_more_urgent_is_told_at_once() -> None:
    worse = replace(TOLD, severity=CRISIS, members={"angry:1": CRISIS})
    decision = _ask(worse, NOON + 31 * SECOND)
    assert (decision.reason, decision.says) == ("severity_rose", "more urgent now: crisis, it was medium")
    assert _ask(after_telling(worse, "severity_rose", NOON + 31 * SECOND), NOON + HOUR).reason is None


def test_growing_less_urgent_is_not_told() -> None:
    assert _ask(replace(TOLD, severity=Severity.LOW), NOON + HOUR).reason is None


def test_an_alert_is_repeated_until_somebody_acknowledges_it() -> None:
    assert _ask(TOLD, NOON + 3 * HOUR).reason is None
    decision = _ask(TOLD, NOON + 5 * HOUR)
    assert (decision.reason, decision.due_at) == ("repeat", NOON + 9 * HOUR)
    owned = replace(TOLD, status="acknowledged", acknowledged_by="ana")
    assert _ask(owned, NOON + 5 * HOUR) == Decision(None, "acknowledged by ana, and nothing is new", None)


def test_repeating_can_be_turned_off() -> None:
    assert _ask(TOLD, NOON + 99 * HOUR, timings=Timings(repeat=timedelta(0))).due_at is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda alert: replace(alert, members={"angry:1": MEDIUM, "angry:2": MEDIUM}), "more"),
        (lambda alert: replace(alert, severity=CRISIS), "severity_rose"),
        (lambda alert: _resolved(alert, NOON + HOUR), "resolved"),
    ],
)
def test_an_acknowledged_alert_still_tells_what_is_new(change: Callable[[Alert], Alert], reason: str) -> None:
    owned = replace(TOLD, status="acknowledged", acknowledged_by="ana")
    assert _ask(change(owned), NOON + HOUR).reason == reason


def test_the_all_clear_is_told_once() -> None:
    over = _resolved(TOLD, NOON + HOUR)
    decision = _ask(over, NOON + HOUR)
    assert (decision.reason, decision.due_at) == ("resolved", None)
    assert _ask(after_telling(over, "resolved", NOON + HOUR), NOON + 2 * HOUR) == Decision(
        None, "resolved, and that was told", None
    )


def test_a_silence_holds_back_and_what_is_due_is_told_when_it_ends() -> None:
    held = _ask(FRESH, NOON + MINUTE, LULL)
    assert (held.reason, held.due_at) == (None, NOON + HOUR)
    assert held.says == "silenced until 2026-11-18 13:00:00 UTC by ana: we know"
    assert _ask(FRESH, NOON + HOUR, LULL).reason == "first"


def test_a_silence_that_begins_later_is_known_before() -> None:
    later = replace(LULL, starts_at=NOON + 4 * HOUR, ends_at=NOON + 6 * HOUR)
    assert _ask(TOLD, NOON + HOUR, later).due_at == NOON + 6 * HOUR


def test_silences_and_snoozes_that_follow_each_other_hold_until_the_last_ends() -> None:
    second = replace(LULL, id=2, starts_at=NOON + HOUR, ends_at=NOON + 2 * HOUR)
    snoozed = replace(FRESH, snoozed_until=NOON + 3 * HOUR)
    assert _ask(snoozed, NOON + MINUTE, LULL, second).due_at == NOON + 3 * HOUR
    assert _ask(snoozed, NOON + 3 * HOUR, LULL, second).reason == "first"


def test_a_snooze_holds_even_what_grew_more_urgent() -> None:
    snoozed = replace(TOLD, severity=CRISIS, snoozed_until=NOON + HOUR)
    held = _ask(snoozed, NOON + MINUTE)
    assert (held.reason, held.says, held.due_at) == (None, "snoozed until 2026-11-18 13:00:00 UTC", NOON + HOUR)
    assert _ask(snoozed, NOON + HOUR).reason == "severity_rose"


def test_what_is_over_in_silence_without_having_been_told_is_never_told() -> None:
    assert _ask(_resolved(FRESH, NOON + MINUTE), NOON + 2 * HOUR, LULL).due_at is None


@pytest.mark.parametrize(
    ("fields", "is_match"),
    [
        ({}, True),
        ({"brand": ""}, True),
        ({"brand": "cinema"}, False),
        ({"rule": "angry"}, True),
        ({"rule": "mistake"}, False),
        ({"platform": "isso"}, True),
        ({"platform": "feeds"}, False),
        ({"source_id": "blog"}, False),
        ({"severity": "medium"}, True),
        ({"severity": "high"}, True),
        ({"severity": "low"}, False),
    ],
)
def test_a_silence_matches_by_each_of_its_fields(fields: dict[str, Any], is_match: bool) -> None:
    assert matches(replace(LULL, **fields), FRESH) is is_match


def test_an_operators_alert_counts_no_threads() -> None:
    dead = replace(FRESH, rule="channel-dead", group_key="channel:chat", members={"channel:chat": CRISIS})
    assert _ask(dead, NOON + MINUTE).says == "new"


class TellingPeople(RuleBasedStateMachine):
    """An alert under any sequence of threads, replies, acts and waiting; the flow looks only when it is due."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.alert, self.n_made = NOON, FRESH, 1
        self.silences: list[Silence] = []
        self.due_at: datetime | None = NOON + TIMINGS.group_wait
        self.sent: list[tuple[str, frozenset[str], datetime]] = []

    @rule(length=st.sampled_from([SECOND, 29 * SECOND, MINUTE, 5 * MINUTE, HOUR, 4 * HOUR, 24 * HOUR]))
    def time_passes(self, length: timedelta) -> None:
        end = self.now + length
        while self.due_at is not None and self.due_at <= end:
            self.now = max(self.now, self.due_at)
            self._look()
        self.now = end

    def _look(self) -> None:
        decision = next_notice(self.alert, self.silences, self.now, TIMINGS)
        assert decision.says
        assert decision.due_at is None or decision.due_at > self.now
        self.due_at = decision.due_at
        if decision.reason is None:
            return
        assert not any(s.starts_at <= self.now < s.ends_at and matches(s, self.alert) for s in self.silences)
        assert self.alert.snoozed_until is None or self.now >= self.alert.snoozed_until
        self._check_not_said_before(decision.reason)
        self.sent.append((decision.reason, frozenset(self.alert.members), self.now))
        self.alert = after_telling(self.alert, decision.reason, self.now)
        again = next_notice(self.alert, self.silences, self.now, TIMINGS)
        assert (again.reason, again.due_at) == (None, self.due_at)

    def _check_not_said_before(self, reason: str) -> None:
        reasons = [said for said, _, _ in self.sent]
        if reason in ("first", "resolved"):
            assert reason not in reasons
        if reason == "more":
            assert not frozenset(self.alert.members) <= self.sent[-1][1]
        if reason == "repeat":
            assert self.now - self.sent[-1][2] >= TIMINGS.repeat
            assert self.alert.status == "open"
        if reason == "resolved":
            assert reasons

    def _touched(self) -> None:
        """A change makes the alert due at once; the flow looks."""
        self._look()

    @precondition(lambda self: self.alert.status != "resolved")
    @rule(severity=st.sampled_from(list(Severity)))
    def a_thread_joins(self, severity: Severity) -> None:
        self.n_made += 1
        members = {**self.alert.members, f"angry:{self.n_made}": severity}
        self.alert = replace(self.alert, members=members, severity=min(members.values(), key=lambda s: s.rank))
        self._touched()

    @precondition(lambda self: self.alert.status != "resolved")
    @rule()
    def we_reply_to_one(self) -> None:
        members = dict(list(self.alert.members.items())[1:])
        if members:
            severity = min(members.values(), key=lambda s: s.rank)
            self.alert = replace(self.alert, members=members, severity=severity)
        else:
            self.alert = replace(self.alert, members={}, status="resolved", resolved_at=self.now)
        self._touched()

    @precondition(lambda self: self.alert.status == "open")
    @rule()
    def somebody_acknowledges(self) -> None:
        self.alert = replace(self.alert, status="acknowledged", acknowledged_by="ana", acknowledged_at=self.now)
        self._touched()

    @rule(length=st.sampled_from([MINUTE, HOUR, 6 * HOUR]))
    def somebody_snoozes(self, length: timedelta) -> None:
        self.alert = replace(self.alert, snoozed_until=self.now + length)
        self._touched()

    @rule(
        wait=st.sampled_from([timedelta(0), HOUR]),
        length=st.sampled_from([MINUTE, 2 * HOUR]),
        severity=st.sampled_from(["", "high", "low"]),
    )
    def somebody_silences(self, wait: timedelta, length: timedelta, severity: str) -> None:
        starts_at = self.now + wait
        silence = replace(
            LULL, id=len(self.silences), starts_at=starts_at, ends_at=starts_at + length, severity=severity
        )
        self.silences.append(silence)
        self._touched()

    @invariant()
    def nothing_owed_is_without_an_instant(self) -> None:
        if self.due_at is not None:
            return
        far = next_notice(replace(self.alert, snoozed_until=None), [], self.now + timedelta(days=400), TIMINGS)
        assert far.reason is None

    @invariant()
    def nothing_due_is_overlooked(self) -> None:
        assert self.due_at is None or self.due_at > self.now


TellingPeople.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestTellingPeople = TellingPeople.TestCase
