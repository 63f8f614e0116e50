"""Who is told now, and who in a digest: hours, holidays, clock changes and budgets; nothing is ever dropped."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.calendar import FOR_EVER, WHOLE_DAY, Calendar
from monitor.core.telling import (
    FOLDED,
    NO_CAP,
    Cap,
    Limits,
    Person,
    Quiet,
    Sent,
    Verdict,
    Waiting,
    decide,
    digest_at,
)
from monitor.model import Notice, NoticeReason, Recipient, Severity

ROUND_THE_CLOCK = Calendar("UTC", None)
NIGHT = {day: ((time(22), time(7)),) for day in range(7)}
OFFICE = {day: ((time(9), time(17)),) for day in range(5)}
ROOM = Recipient("room")
JANE = Recipient("jane-phone", "jane")
JANE_MAIL = Recipient("jane-mail", "jane")
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca"]
HOUR = timedelta(hours=1)
Key = tuple[str, Recipient]


def notice(
    at: datetime, severity: Severity = Severity.HIGH, reason: NoticeReason = "first", alert_id: str = "0a"
) -> Notice:
    return Notice(
        id=0, brand="shop", brand_name="The Shop", timezone="UTC", alert_id=alert_id, reason=reason, says="new",
        rule="angry", rule_title="Angry", severity=severity, created_at=at, threads=(), n_threads=1,
    )  # fmt: skip


def local(zone: str, *parts: int, fold: int = 0) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)  # type: ignore[misc,arg-type]


def limits(
    quiet: Quiet | None = None, jane: Calendar = ROUND_THE_CLOCK, cap: Cap = NO_CAP, personal: Cap = NO_CAP
) -> Limits:
    person = Person("jane", "Jane", ("jane-phone", "jane-mail"), jane, cap=personal)
    return Limits({"jane": person}, {"shop": quiet} if quiet else {}, {"shop": ROUND_THE_CLOCK}, {"room": cap})


def only(verdicts: list[Verdict]) -> Verdict:
    assert len(verdicts) == 1
    return verdicts[0]


def ask(at: datetime, to: Recipient, within: Limits, asked: Notice | None = None) -> Verdict:
    return only(decide([(asked or notice(at), [to])], within, {}, {}, at))


def test_a_room_is_told_by_day_and_has_the_night_in_a_digest_of_the_morning():
    berlin = limits(Quiet((Calendar("Europe/Berlin", NIGHT),)))
    assert ask(local("Europe/Berlin", 2026, 11, 18, 21, 59), ROOM, berlin).now == (ROOM,)
    verdict = ask(local("Europe/Berlin", 2026, 11, 18, 23), ROOM, berlin)
    assert verdict.now == ()
    assert (verdict.held[0].until, verdict.held[0].why) == (local("Europe/Berlin", 2026, 11, 19, 7), "quiet hours")


def test_quiet_hours_of_rooms_are_nothing_to_people_who_have_hours_of_their_own():
    night = limits(Quiet((Calendar("UTC", NIGHT),)))
    assert ask(datetime(2026, 11, 18, 23, tzinfo=UTC), JANE, night).now == (JANE,)


def test_a_person_has_what_came_up_on_friday_evening_on_monday_morning():
    office = limits(jane=Calendar("Europe/Berlin", OFFICE))
    verdict = ask(local("Europe/Berlin", 2026, 11, 20, 17), JANE, office)
    assert verdict.held[0].until == local("Europe/Berlin", 2026, 11, 23, 9)
    assert verdict.held[0].why == "outside the hours of Jane"


@pytest.mark.parametrize("reason", ["repeat", "escalated", "reopened", "more", "severity_rose", "resolved"])
def test_reminders_and_escalations_wait_for_hours_like_all_else(reason: NoticeReason):
    at = datetime(2026, 11, 21, 12, tzinfo=UTC)
    office = limits(jane=Calendar("UTC", OFFICE))
    assert ask(at, JANE, office, notice(at, reason=reason)).held
    assert ask(at, JANE, office, notice(at, Severity.CRISIS, reason)).now == (JANE,)


def test_what_passes_is_a_setting():
    at = datetime(2026, 11, 21, 12, tzinfo=UTC)
    office = replace(limits(jane=Calendar("UTC", OFFICE)), passes=Severity.HIGH)
    assert ask(at, JANE, office).now == (JANE,)
    assert ask(at, JANE, office, notice(at, Severity.MEDIUM)).held


def test_a_holiday_is_a_day_off_and_quiet_rooms_may_be_told_otherwise():
    christmas = datetime(2026, 12, 25, 11, tzinfo=UTC)  # a Friday
    office = Calendar("Europe/London", OFFICE, "GB-ENG")
    assert ask(christmas, JANE, limits(jane=office)).held[0].until == datetime(2026, 12, 29, 9, tzinfo=UTC)
    nights_only = Quiet((Calendar("Europe/London", NIGHT),))
    assert ask(christmas, ROOM, limits(nights_only)).now == (ROOM,)
    holidays_too = Quiet(
        (Calendar("Europe/London", NIGHT), Calendar("Europe/London", {}, "GB-ENG", WHOLE_DAY)),
    )
    # Saturday is Boxing Day, and the night after it is a night.
    assert ask(christmas, ROOM, limits(holidays_too)).held[0].until == datetime(2026, 12, 27, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "evening", "morning", "length"),
    [
        ("Europe/Berlin", (2026, 3, 28, 22), (2026, 3, 29, 7), 8),
        ("Europe/Berlin", (2026, 10, 24, 22), (2026, 10, 25, 7), 10),
        ("America/New_York", (2026, 3, 7, 22), (2026, 3, 8, 7), 8),
        ("America/New_York", (2026, 10, 31, 22), (2026, 11, 1, 7), 10),
        ("Australia/Lord_Howe", (2026, 4, 4, 22), (2026, 4, 5, 7), 9.5),
        ("Australia/Lord_Howe", (2026, 10, 3, 22), (2026, 10, 4, 7), 8.5),
        ("Asia/Kolkata", (2026, 3, 28, 22), (2026, 3, 29, 7), 9),
    ],
)
def test_the_night_ends_at_seven_when_the_clock_changes_too(zone, evening, morning, length):
    quiet = limits(Quiet((Calendar(zone, NIGHT),)))
    begins, ends = local(zone, *evening), local(zone, *morning)
    assert ends - begins == timedelta(hours=length)
    step = timedelta(minutes=10)
    at = begins
    while at < ends:
        assert ask(at, ROOM, quiet).held[0].until == ends
        at += step
    assert ask(begins - step, ROOM, quiet).now
    assert ask(ends, ROOM, quiet).now


@pytest.mark.parametrize("reason", ["resolved", "repeat"])
def test_the_end_and_the_reminders_of_what_was_not_told_yet_are_folded_into_the_digest(reason: NoticeReason):
    at = datetime(2026, 11, 18, 12, tzinfo=UTC)
    due = at + HOUR
    waiting = {("shop", ROOM): Waiting({"0a"}, due)}
    verdict = only(decide([(notice(at, reason=reason), [ROOM])], limits(), {}, waiting, at))
    assert (verdict.held[0].until, verdict.held[0].why) == (due, FOLDED[reason])
    other = notice(at, reason=reason, alert_id="0b")
    assert only(decide([(other, [ROOM])], limits(), {}, waiting, at)).now == (ROOM,)


def test_the_overflow_of_an_hour_waits_for_the_next_and_of_a_day_for_hourly_digests_then_for_the_next_day():
    at = datetime(2026, 11, 18, 12, 20, tzinfo=UTC)
    capped = limits(cap=Cap(per_hour=3, per_day=10))
    verdicts = decide([(notice(at), [ROOM])] * 5, capped, {}, {}, at)
    assert [len(each.now) for each in verdicts] == [1, 1, 1, 0, 0]
    assert {each.held[0].until for each in verdicts[3:]} == {datetime(2026, 11, 18, 13, tzinfo=UTC)}
    assert verdicts[3].held[0].why == "more than 3 in an hour"
    eight = [Sent(datetime(2026, 11, 18, hour, tzinfo=UTC)) for hour in range(8)]
    verdict = only(decide([(notice(at), [ROOM])], capped, {"room": eight}, {}, at))
    assert (verdict.held[0].until.hour, verdict.held[0].why) == (13, "near the 10 of a day")
    ten = [Sent(datetime(2026, 11, 18, hour, tzinfo=UTC)) for hour in range(10)]
    verdict = only(decide([(notice(at), [ROOM])], capped, {"room": ten}, {}, at))
    assert verdict.held[0].until == datetime(2026, 11, 19, tzinfo=UTC)


def test_a_persons_budget_is_for_all_their_channels_together_and_not_for_what_others_get_there():
    at = datetime(2026, 11, 18, 12, 20, tzinfo=UTC)
    capped = limits(personal=Cap(per_hour=2))
    verdicts = decide([(notice(at), [JANE, JANE_MAIL]), (notice(at), [JANE, ROOM])], capped, {}, {}, at)
    assert verdicts[0].now == (JANE, JANE_MAIL)
    assert verdicts[1].now == (ROOM,)
    others = {"jane-phone": [Sent(at, "jack")] * 9, "jane-mail": [Sent(at)] * 9}
    assert only(decide([(notice(at), [JANE])], capped, others, {}, at)).now == (JANE,)


def test_severe_alerts_pass_a_spent_budget_and_count_in_it():
    at = datetime(2026, 11, 18, 12, 20, tzinfo=UTC)
    crisis = notice(at, Severity.CRISIS)
    verdicts = decide([(crisis, [ROOM]), (crisis, [ROOM]), (notice(at), [ROOM])], limits(cap=Cap(1)), {}, {}, at)
    assert [bool(each.now) for each in verdicts] == [True, True, False]


@dataclass
class _World:
    """What a notifier and a digest flow would do with the verdicts, minute by minute."""

    limits: Limits
    brand: str = "shop"
    ledger: dict[str, list[Sent]] = field(default_factory=dict)
    free: set[tuple[datetime, str]] = field(default_factory=set)  # (when, channel) of what passed
    held: dict[Recipient, list[int]] = field(default_factory=dict)
    alerts: dict[Recipient, set[str]] = field(default_factory=dict)
    due: dict[Recipient, datetime] = field(default_factory=dict)
    told: Counter[tuple[int, Recipient]] = field(default_factory=Counter)
    in_digests: Counter[tuple[int, Recipient]] = field(default_factory=Counter)
    n_passed: Counter[str] = field(default_factory=Counter)

    def tell(self, number: int, asked: Notice, recipients: list[Recipient], at: datetime) -> None:
        waiting = {(self.brand, to): Waiting(self.alerts[to], self.due[to]) for to in self.held}
        verdict = only(decide([(asked, recipients)], self.limits, self.ledger, waiting, at))
        for to in verdict.now:
            self.told[number, to] += 1
            self._count(to, at)
        for hold in verdict.held:
            assert hold.until >= at
            to = hold.recipient
            self.held.setdefault(to, []).append(number)
            self.alerts.setdefault(to, set()).add(asked.alert_id)
            self.due[to] = min(self.due.get(to, FOR_EVER), hold.until)

    def _count(self, to: Recipient, at: datetime) -> None:
        self.ledger.setdefault(to.channel, []).append(Sent(at, to.person))

    def digests(self, at: datetime) -> None:
        for to in [to for to, due in self.due.items() if due <= at]:
            free_at = digest_at(to, self.brand, self.limits, self.ledger, at)
            if free_at > at:
                self.due[to] = free_at
                continue
            for number in self.held.pop(to):
                self.in_digests[number, to] += 1
            del self.due[to], self.alerts[to]
            self._count(to, at)


CAPS = st.builds(Cap, st.sampled_from([0, 1, 2, 5]), st.sampled_from([0, 1, 4, 12]))
HOURS = st.sampled_from([None, OFFICE, {0: ((time(2, 30), time(3)),), 6: ((time(23), time(1)),)}])
QUIETS = st.sampled_from([None, NIGHT, {6: WHOLE_DAY}])
BEGINNINGS = st.sampled_from(
    [datetime(2026, 3, 28, 20, tzinfo=UTC), datetime(2026, 10, 24, 20, tzinfo=UTC), datetime(2026, 4, 4, 9, tzinfo=UTC)]
)
SAID = st.tuples(
    st.integers(0, 400),  # minutes since the last
    st.sampled_from([Severity.HIGH, Severity.HIGH, Severity.LOW, Severity.CRISIS]),
    st.sampled_from(["first", "repeat", "escalated", "resolved"]),
    st.lists(st.sampled_from([ROOM, JANE, JANE_MAIL]), min_size=1, max_size=3, unique=True),
    st.sampled_from(["0a", "0b", "0c"]),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(SAID, max_size=40),
    st.sampled_from(ZONES), HOURS, QUIETS, CAPS, CAPS, BEGINNINGS, st.sampled_from(["", "2026-03-30", "US"]),
)  # fmt: skip
def test_everyone_is_told_everything_once_now_or_in_one_digest_and_no_budget_is_exceeded(
    said, zone, hours, quiet, room_cap, jane_cap, at, holidays
):
    jane = Calendar(zone, hours, holidays)
    within = limits(Quiet((Calendar(zone, quiet),)) if quiet else None, jane, room_cap, jane_cap)
    world = _World(within)
    asked: set[tuple[int, Recipient]] = set()
    passing: set[tuple[int, Recipient]] = set()
    for number, (minutes, severity, reason, recipients, alert_id) in enumerate(said):
        until = at + timedelta(minutes=minutes)
        while at < until:  # the digest flow looks every quarter of an hour here, late or not
            at = min(at + timedelta(minutes=15), until)
            world.digests(at)
        world.tell(number, notice(at, severity, reason, alert_id), recipients, at)
        asked |= {(number, to) for to in recipients}
        passing |= {(number, to) for to in recipients if severity == Severity.CRISIS}
    while world.due:
        at = max(at, min(world.due.values()))
        world.digests(at)
    assert set(world.told) | set(world.in_digests) == asked
    assert not set(world.told) & set(world.in_digests)
    assert set((world.told + world.in_digests).values()) <= {1}
    assert all(key in world.told for key in passing)
    n_passing = Counter(to.channel for _, to in passing)
    _assert_kept(world.ledger.get("room", []), room_cap, ROUND_THE_CLOCK, n_passing["room"])
    janes = [sent for name in ("jane-phone", "jane-mail") for sent in world.ledger.get(name, [])]
    _assert_kept(janes, jane_cap, jane, n_passing["jane-phone"] + n_passing["jane-mail"])


def _assert_kept(sent: list[Sent], cap: Cap, days: Calendar, n_passing: int) -> None:
    """No hour and no day has more than it may, beyond what passed."""
    by_hour = Counter(each.at.replace(minute=0) for each in sent)
    by_day = Counter(days.day_of(each.at) for each in sent)
    assert not cap.per_hour or all(n <= cap.per_hour + n_passing for n in by_hour.values())
    assert not cap.per_day or all(n <= cap.per_day + n_passing for n in by_day.values())


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_a_local_day_holds_every_instant_of_it_and_ends_where_the_next_begins(zone, at):
    calendar = Calendar(zone, None)
    begins, ends = calendar.day_of(at)
    assert begins <= at < ends
    assert calendar.day_of(ends)[0] == ends
    assert calendar.day_of(begins) == (begins, ends)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.sampled_from([OFFICE, NIGHT, {6: WHOLE_DAY}, {5: WHOLE_DAY, 6: ((time(0), time(2, 30)),)}]),
    st.sampled_from(["", "DE", "2026-12-31, 2027-01-01"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 2, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_hours_open_and_close_where_their_time_begins_and_ends_to_pass(zone, hours, holidays, at):
    calendar = Calendar(zone, hours, holidays)
    second = timedelta(seconds=1)
    opens, closes = calendar.opens(at), calendar.closes(at)
    assert calendar.elapsed(at, opens) == timedelta(0)
    assert calendar.elapsed(opens, opens + second) > timedelta(0)
    assert calendar.elapsed(at, closes) == closes - at
    assert calendar.elapsed(closes, closes + timedelta(microseconds=1)) == timedelta(0)
    assert at in (opens, closes)
