"""Notices: who is told when and why, one by one, and what must hold after any sequence of acts."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from monitor.core.alerts import Timings, group
from monitor.core.notices import LOOK_AGAIN, Decision, matches, next_notice
from monitor.model import Alert, Flag, Severity, Silence

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TIMINGS = Timings()
MEDIUM, CRISIS = Severity.MEDIUM, Severity.CRISIS
FRESH = Alert("bakery", 1, "angry", "angry@brand", MEDIUM, "open", NOON, {"angry:1": MEDIUM}, platform="isso")
TOLD = next_notice(FRESH, [], NOON + 30 * SECOND, TIMINGS).alert
LADDER = (15 * MINUTE, HOUR)
LULL = Silence(1, "bakery", NOON, NOON + HOUR, "ana", "we know")


def _ask(
    alert: Alert, at: datetime, *silences: Silence, timings: Timings = TIMINGS, ladder: Sequence[timedelta] = ()
) -> Decision:
    return next_notice(alert, silences, at, timings, ladder)


def _nothing(decision: Decision) -> tuple[str, datetime | None]:
    """Why nobody is told, and when that is looked at again."""
    assert decision.reason is None
    assert decision.alert.why == decision.says
    return decision.says, decision.due_at


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
    assert _nothing(decision) == ("resolved before anyone was told", None)


def test_more_is_told_a_group_interval_after_the_last_notice_at_the_earliest() -> None:
    more = replace(TOLD, members={"angry:1": MEDIUM, "angry:2": MEDIUM, "angry:3": MEDIUM})
    assert TOLD.last_told_at is not None
    early = _ask(more, TOLD.last_told_at + MINUTE)
    assert (early.reason, early.due_at) == (None, TOLD.last_told_at + 30 * MINUTE)
    then = _ask(more, TOLD.last_told_at + 30 * MINUTE)
    assert (then.reason, then.says) == ("more", "2 threads more since the last notice, 3 in all")


def test_more_is_told_the_sooner_the_more_urgent_it_is() -> None:
    assert [TIMINGS.interval(severity, 1) for severity in Severity] == [5 * MINUTE, 10 * MINUTE, 30 * MINUTE, 2 * HOUR]
    assert {Timings(group_interval=(MINUTE,)).interval(severity, 1) for severity in Severity} == {MINUTE}


def test_what_grows_all_day_is_told_more_and_more_rarely() -> None:
    assert [TIMINGS.interval(MEDIUM, n) / MINUTE for n in (0, 1, 2, 3, 4, 5, 99)] == [30, 30, 60, 120, 240, 240, 240]


def _crisis_of(*comments: str) -> Alert:
    found = frozenset(f"comment:{name}" for name in comments)
    return replace(FRESH, severity=CRISIS, members={"pile-on:p1": CRISIS}, evidence=found)


def test_a_crisis_that_grows_by_half_is_told_again_though_it_is_still_one_thread() -> None:
    told = _ask(_crisis_of(*"abcdef"), NOON + MINUTE).alert
    grown = replace(told, evidence=_crisis_of(*"abcdefghi").evidence)
    assert _ask(grown, NOON + 2 * MINUTE).reason is None
    news = _ask(grown, NOON + 6 * MINUTE)
    assert (news.reason, news.says) == ("more", "it grows: 3 comments more since the last notice")
    assert _ask(news.alert, NOON + HOUR).reason is None
    assert _ask(replace(news.alert, evidence=_crisis_of(*"abcdefghijkl").evidence), NOON + HOUR).reason is None


def test_other_comments_in_the_place_of_those_that_left_are_growth() -> None:
    told = _ask(_crisis_of(*"abcdef"), NOON + MINUTE).alert
    assert _ask(replace(told, evidence=_crisis_of(*"uvwxyz").evidence), NOON + HOUR).reason == "more"
    assert _ask(replace(told, evidence=_crisis_of(*"abc").evidence), NOON + HOUR).reason is None


def test_another_thread_in_the_place_of_one_that_left_is_news() -> None:
    assert _ask(replace(TOLD, members={"angry:2": MEDIUM}), NOON + HOUR).reason == "more"


def test_fewer_threads_are_no_news() -> None:
    both = _ask(replace(FRESH, members={"angry:1": MEDIUM, "angry:2": MEDIUM}), NOON + MINUTE).alert
    assert _ask(replace(both, members={"angry:2": MEDIUM}), NOON + HOUR).reason is None


def test_growing_more_urgent_is_told_at_once() -> None:
    worse = replace(TOLD, severity=CRISIS, members={"angry:1": CRISIS})
    decision = _ask(worse, NOON + 31 * SECOND)
    assert (decision.reason, decision.says) == ("severity_rose", "more urgent now: crisis, it was medium")
    assert _ask(decision.alert, NOON + HOUR).reason is None


def test_growing_less_urgent_is_not_told() -> None:
    assert _ask(replace(TOLD, severity=Severity.LOW), NOON + HOUR).reason is None


def test_an_alert_is_repeated_until_somebody_acknowledges_it() -> None:
    assert _ask(TOLD, NOON + 3 * HOUR).reason is None
    decision = _ask(TOLD, NOON + 5 * HOUR)
    assert decision.says == "still open, and nobody has taken it on: 1 thread"


def test_whoever_has_an_alert_is_reminded_of_it_once_a_day_at_most() -> None:
    owned = replace(TOLD, status="acknowledged", acknowledged_by="ana", acknowledged_at=NOON + 3 * HOUR)
    held = _ask(owned, NOON + 5 * HOUR)
    assert (held.reason, held.due_at) == (None, NOON + 3 * HOUR + DAY)
    reminded = _ask(owned, NOON + 3 * HOUR + DAY)
    assert (reminded.reason, reminded.says) == ("repeat", "still open, and ana has it: 1 thread")
    assert _reminded_after(reminded.alert, 3) == [DAY, 7 * DAY, 7 * DAY]


def test_who_wants_no_reminders_has_none_of_what_was_taken_on_either() -> None:
    owned = replace(TOLD, status="acknowledged", acknowledged_by="ana", acknowledged_at=NOON)
    held = _ask(owned, NOON + DAY, timings=Timings(repeat=()))
    assert _nothing(held) == ("taken on by ana, and nothing is new", None)


def _reminded_after(alert: Alert, n: int) -> list[timedelta]:
    """After how long each of the next reminders comes."""
    waits = []
    for _ in range(n):
        assert alert.last_told_at is not None
        due_at = _ask(alert, alert.last_told_at).due_at
        assert due_at is not None
        waits.append(due_at - alert.last_told_at)
        decision = _ask(alert, due_at)
        assert decision.reason == "repeat"
        alert = decision.alert
    return waits


def test_reminders_grow_rarer_and_go_on_for_ever() -> None:
    assert _reminded_after(TOLD, 5) == [4 * HOUR, DAY, 7 * DAY, 7 * DAY, 7 * DAY]


def test_news_begins_the_reminders_anew() -> None:
    reminded = _ask(TOLD, NOON + 5 * HOUR).alert
    assert reminded.n_repeats == 1
    more = replace(reminded, members={"angry:1": MEDIUM, "angry:2": MEDIUM})
    assert _reminded_after(_ask(more, NOON + 6 * HOUR).alert, 2) == [4 * HOUR, DAY]


def test_reminders_can_be_turned_off() -> None:
    assert _nothing(_ask(TOLD, NOON + 99 * HOUR, timings=Timings(repeat=()))) == ("told, and it is not repeated", None)


def test_what_has_been_told_says_what_comes_next() -> None:
    assert TOLD.why == "not before 2026-11-18 16:00:30 UTC: still open, and nobody has taken it on: 1 thread"


def test_what_nobody_takes_on_climbs_its_ladder_step_by_step() -> None:
    first = _ask(FRESH, NOON + MINUTE, ladder=LADDER)
    assert (first.reason, first.due_at) == ("first", NOON + 16 * MINUTE)
    assert first.alert.unowned_since == NOON + MINUTE
    step = _ask(first.alert, NOON + 16 * MINUTE, ladder=LADDER)
    assert (step.reason, step.says) == ("escalated", "nobody has taken it on for 15 min: 1 thread")
    assert (step.alert.step, step.due_at) == (1, NOON + 61 * MINUTE)
    last = _ask(step.alert, NOON + 61 * MINUTE, ladder=LADDER)
    assert (last.reason, last.alert.step, last.due_at) == ("escalated", 2, NOON + MINUTE + 4 * HOUR)


def test_a_step_is_no_news_to_those_who_were_told_before() -> None:
    first = _ask(FRESH, NOON + MINUTE, ladder=LADDER).alert
    more = replace(first, members={"angry:1": MEDIUM, "angry:2": MEDIUM})
    late = NOON + 40 * MINUTE
    news = _ask(more, late, ladder=LADDER)
    assert (news.reason, news.due_at) == ("more", late), "the step is owed as well, at once"
    step = _ask(news.alert, late, ladder=LADDER)
    assert step.reason == "escalated"
    assert step.alert.told == news.alert.told
    assert step.alert.last_told_at == late


def test_who_takes_it_on_stops_the_ladder() -> None:
    first = _ask(FRESH, NOON + MINUTE, ladder=LADDER).alert
    owned = replace(first, status="acknowledged", acknowledged_by="ana", unowned_since=None)
    assert _ask(owned, NOON + DAY, ladder=LADDER).reason is None


def test_a_silence_over_a_step_begins_the_ladder_anew_at_its_end() -> None:
    first = _ask(FRESH, NOON + MINUTE, ladder=LADDER).alert
    lull = replace(LULL, starts_at=NOON + 2 * MINUTE, ends_at=NOON + 3 * HOUR)
    held = _ask(first, NOON + 16 * MINUTE, lull, ladder=LADDER)
    assert (held.reason, held.alert.unowned_since) == (None, NOON + 3 * HOUR)
    assert held.due_at == NOON + 3 * HOUR + 15 * MINUTE
    assert _ask(held.alert, NOON + 3 * HOUR + 15 * MINUTE, ladder=LADDER).reason == "escalated"


def test_what_grows_more_urgent_was_not_what_somebody_took_on() -> None:
    owned = replace(TOLD, status="acknowledged", acknowledged_by="ana", acknowledged_at=NOON, unowned_since=None)
    worse = replace(owned, severity=CRISIS, members={"angry:1": CRISIS}, step=1)
    decision = _ask(worse, NOON + HOUR, ladder=LADDER)
    assert decision.says == "more urgent now: crisis, it was medium; ana had taken it on before"
    after = decision.alert
    assert (after.status, after.acknowledged_by, after.acknowledged_at) == ("open", "", None)
    assert (after.unowned_since, after.step, decision.due_at) == (NOON + HOUR, 0, NOON + HOUR + 15 * MINUTE)


def test_the_end_of_a_snooze_is_told_once_to_whoever_has_it() -> None:
    owned = replace(TOLD, status="acknowledged", acknowledged_by="ana", snoozed_until=NOON + 2 * HOUR)
    assert _ask(owned, NOON + HOUR).due_at == NOON + 2 * HOUR
    over = _ask(owned, NOON + 2 * HOUR)
    assert (over.reason, over.says) == ("repeat", "its snooze is over; still open, and ana has it: 1 thread")
    assert (over.due_at, over.alert.snoozed_until) == (NOON + 2 * HOUR + DAY, None)


def test_a_snooze_that_nobody_owns_goes_on_with_reminders_and_the_ladder() -> None:
    snoozed = replace(TOLD, snoozed_until=NOON + 6 * HOUR, unowned_since=NOON + 6 * HOUR)
    over = _ask(snoozed, NOON + 6 * HOUR, ladder=LADDER)
    assert (over.reason, over.due_at) == ("repeat", NOON + 6 * HOUR + 15 * MINUTE)


def test_an_alert_that_comes_up_again_after_its_all_clear_says_so() -> None:
    over = _ask(_resolved(TOLD, NOON + HOUR), NOON + HOUR).alert
    again = replace(over, status="open", resolved_at=None, opened_at=NOON + DAY, members=FRESH.members, n_reopened=1)
    assert _ask(again, NOON + DAY).due_at == NOON + DAY + 30 * SECOND
    decision = _ask(again, NOON + DAY + MINUTE)
    assert (decision.reason, decision.says) == (
        "reopened",
        "it has come up again, 23 h after it was last told: 1 thread",
    )
    assert (decision.alert.n_repeats, decision.alert.unowned_since) == (0, NOON + DAY + MINUTE)


CRISIS_THERE = {"angry:1": "the crisis 123"}


def test_what_a_crisis_tells_of_is_held_back_and_looked_at_again() -> None:
    held = next_notice(FRESH, [], NOON + HOUR, TIMINGS, (), CRISIS_THERE)
    assert _nothing(held) == ("held back: the crisis 123 counts it and tells of it", NOON + HOUR + LOOK_AGAIN)
    assert held.alert.members == FRESH.members
    assert _ask(held.alert, NOON + 2 * HOUR).reason == "first"


def test_a_crisis_holds_back_its_part_of_an_alert_and_no_more() -> None:
    both = replace(FRESH, members={"angry:1": Severity.HIGH, "angry:2": MEDIUM}, severity=Severity.HIGH)
    told = next_notice(both, [], NOON + HOUR, TIMINGS, (), CRISIS_THERE)
    assert (told.reason, told.says) == ("first", "new: 1 thread")
    assert (told.alert.told, told.alert.told_severity) == ({"angry:2"}, MEDIUM)
    assert (told.alert.members, told.alert.severity) == (both.members, Severity.HIGH)
    assert told.due_at == NOON + HOUR + LOOK_AGAIN
    assert _ask(told.alert, NOON + 2 * HOUR).reason == "severity_rose", "once the crisis is over"


def test_the_all_clear_of_what_was_told_is_not_held_back() -> None:
    over = _resolved(TOLD, NOON + HOUR)
    assert next_notice(over, [], NOON + HOUR, TIMINGS, (), CRISIS_THERE).reason == "resolved"


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
    assert _nothing(_ask(decision.alert, NOON + 2 * HOUR)) == ("resolved, and that was told", None)


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


STEPS = 2
CRISES = [{}, {"angry:1": "the crisis 123"}, {f"angry:{n}": "the crisis 123" for n in range(1, 40)}]


class TellingPeople(RuleBasedStateMachine):
    """An alert under any sequence of threads, replies, acts, crises and waiting; the flow looks only when it is due."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.alert, self.n_made = NOON, FRESH, 1
        self.silences: list[Silence] = []
        self.inhibited: dict[str, str] = {}
        self.due_at: datetime | None = NOON + TIMINGS.group_wait
        self.sent: list[tuple[str, frozenset[str], datetime]] = []
        self.steps: list[int] = []  # told since somebody last had it, it grew worse, or it began

    @rule(length=st.sampled_from([SECOND, 29 * SECOND, MINUTE, 5 * MINUTE, HOUR, 4 * HOUR, DAY, 7 * DAY]))
    def time_passes(self, length: timedelta) -> None:
        end = self.now + length
        while self.due_at is not None and self.due_at <= end:
            self.now = max(self.now, self.due_at)
            self._look()
        self.now = end

    def _ask(self, alert: Alert) -> Decision:
        return next_notice(alert, self.silences, self.now, TIMINGS, LADDER, self.inhibited)

    def _look(self) -> None:
        """As the flow does: whatever is owed at this instant is told, one after the other."""
        for _ in range(3 + STEPS):
            decision = self._ask(self.alert)
            assert decision.says
            assert decision.alert.why
            before, self.alert, self.due_at = self.alert, decision.alert, decision.due_at
            if decision.reason is None:
                assert self.due_at is None or self.due_at > self.now
                return
            self._check(decision.reason, before)
            self.sent.append((decision.reason, self._heard(before), self.now))
            assert (self.alert.members, self.alert.severity) == (before.members, before.severity)
        raise AssertionError("told again and again at one instant")

    def _heard(self, alert: Alert) -> frozenset[str]:
        return frozenset(alert.members) - self.inhibited.keys()

    def _check(self, reason: str, before: Alert) -> None:
        """Nothing silenced, snoozed or counted in a crisis is told, and nothing twice."""
        assert before.snoozed_until is None or self.now >= before.snoozed_until
        if reason == "resolved":
            assert self.sent
            assert self.sent[-1][0] != "resolved"
            return
        view = replace(before, severity=min((before.members[n] for n in self._heard(before)), key=lambda s: s.rank))
        assert not any(s.starts_at <= self.now < s.ends_at and matches(s, view) for s in self.silences)
        self._check_not_said_before(reason, before)

    def _check_not_said_before(self, reason: str, before: Alert) -> None:
        heard = [one for one in self.sent if one[0] != "escalated"]
        if reason == "first":
            assert not self.sent
        if reason == "reopened":
            assert heard[-1][0] == "resolved"
        if reason == "more":
            assert not self._heard(before) <= heard[-1][1]
        if reason == "repeat":
            least = TIMINGS.repeat[0] if before.status == "open" else DAY
            assert before.snoozed_until is not None or self.now - heard[-1][2] >= least
        if reason == "escalated":
            assert before.status == "open"
            assert before.step not in self.steps
            self.steps.append(before.step)
        if reason in ("first", "reopened", "severity_rose", "resolved"):
            self.steps.clear()

    def _touched(self) -> None:
        """A change makes the alert due at once; the flow looks."""
        self._look()

    @precondition(lambda self: self.alert.status != "resolved")
    @rule(severity=st.sampled_from(list(Severity)))
    def a_thread_joins(self, severity: Severity) -> None:
        self.n_made += 1
        self._members({**self.alert.members, f"angry:{self.n_made}": severity})

    def _members(self, members: dict[str, Severity]) -> None:
        self.alert = replace(self.alert, members=members, severity=min(members.values(), key=lambda s: s.rank))
        self._touched()

    @precondition(lambda self: self.alert.status != "resolved")
    @rule()
    def we_reply_to_one(self) -> None:
        members = dict(list(self.alert.members.items())[1:])
        if members:
            self._members(members)
            return
        self.alert = replace(self.alert, members={}, status="resolved", resolved_at=self.now)
        self._touched()

    @precondition(lambda self: self.alert.status == "resolved")
    @rule(severity=st.sampled_from(list(Severity)))
    def it_comes_up_again(self, severity: Severity) -> None:
        self.n_made += 1
        thread = Flag("bakery", self.n_made, "angry", severity, "angry@author:kim", (), (), self.now)
        past = {("bakery", "angry@author:kim"): replace(self.alert, group_key="angry@author:kim")}
        (self.alert,) = group([thread], [], {}, self.now, TIMINGS, past)
        if self.alert.id != FRESH.id:  # so late that it is another alert
            self.alert, self.sent = replace(self.alert, id=FRESH.id), []
        self.steps = self.steps if self.alert.told else []
        self._touched()

    @precondition(lambda self: self.alert.status != "resolved")
    @rule()
    def somebody_takes_it_on(self) -> None:
        taken: dict[str, Any] = {"status": "acknowledged", "acknowledged_by": "ana", "acknowledged_at": self.now}
        self.alert = replace(
            self.alert, **taken, unowned_since=None, step=0, n_repeats=0
        )  # as store.alerts.acknowledge
        self.steps.clear()
        self._touched()

    @precondition(lambda self: self.alert.status == "acknowledged")
    @rule()
    def it_is_handed_back(self) -> None:
        free: dict[str, Any] = {"status": "open", "acknowledged_by": "", "acknowledged_at": None, "n_repeats": 0}
        self.alert = replace(self.alert, **free, unowned_since=self.now)
        self._touched()

    @rule(length=st.sampled_from([MINUTE, HOUR, 6 * HOUR]))
    def somebody_snoozes(self, length: timedelta) -> None:
        until = self.now + length
        counted = self.alert.unowned_since and until
        self.alert = replace(self.alert, snoozed_until=until, unowned_since=counted)
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

    @rule(which=st.sampled_from(range(len(CRISES))))
    def a_crisis_begins_grows_or_ends(self, which: int) -> None:
        self.inhibited = CRISES[which]
        self._touched()

    @invariant()
    def nothing_owed_is_without_an_instant(self) -> None:
        """What is not looked at again by the clock is over and told."""
        if self.due_at is not None:
            return
        far = next_notice(replace(self.alert, snoozed_until=None), [], self.now + 400 * DAY, TIMINGS, LADDER)
        assert far.reason is None
        assert self.alert.status == "resolved"

    @invariant()
    def it_can_always_be_resolved(self) -> None:
        """Whatever happened: if it is over now, everybody who heard of it hears that, and nobody else does."""
        if self.alert.status == "resolved":
            return
        over = replace(self.alert, members={}, status="resolved", resolved_at=self.now, snoozed_until=None)
        clear = next_notice(over, [], self.now, TIMINGS, LADDER, self.inhibited)
        assert (clear.reason == "resolved") == bool(self.alert.told)
        assert clear.alert.told == frozenset()

    @invariant()
    def nothing_due_is_overlooked(self) -> None:
        assert self.due_at is None or self.due_at > self.now


TellingPeople.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestTellingPeople = TellingPeople.TestCase
