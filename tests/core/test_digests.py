"""What digests say: what is open first, how times compare, and when the calendar asks for one."""

from collections import Counter
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.answering import answered, asked_before
from monitor.core.calendar import Calendar
from monitor.core.digests import (
    MOST_OPEN,
    Answers,
    HeldAlert,
    HeldBack,
    Morning,
    Schedule,
    WaitingThread,
    Week,
    answers,
    held_back,
    late,
    morning,
    times,
    weekly,
)
from monitor.core.precision import Counts
from monitor.core.threads import FoldPolicy
from monitor.model import Author, Comment, Recipient, Section, Severity, StoredComment, Team

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
OFFICE = Calendar("UTC", {day: ((time(9), time(17)),) for day in range(5)})


def alert(number: int, severity: Severity = Severity.MEDIUM, resolved_at: datetime | None = None) -> HeldAlert:
    return HeldAlert(f"{number:04}", f"Rule {number}", severity, 1, 2, "", resolved_at, f"https://p.example/{number}")


def texts(sections: tuple[Section, ...], heading: str) -> list[str]:
    return [line.text for section in sections if section.heading.startswith(heading) for line in section.lines]


def test_what_is_open_stands_first_the_most_urgent_on_top_and_what_is_over_below():
    held = HeldBack(
        NOON - 9 * HOUR,
        Counter({"quiet hours": 4, "over before they were told": 1}),
        [alert(1), alert(2, Severity.LOW, NOON), alert(3, Severity.HIGH)],
    )
    told = held_back(held, "Europe/London")
    assert told.title == "5 messages were held back"
    assert told.says == "since Wed 18 Nov 2026, 03:00 GMT: quiet hours (4), over before they were told (1)"
    assert [section.heading for section in told.sections] == ["Still open: 2", "Over meanwhile: 1"]
    assert texts(told.sections, "Still open")[0] == "HIGH · Rule 3 · 2 threads · nobody has it · alert 0003"
    assert told.sections[0].lines[0].link == "https://p.example/3"
    assert told.severity == Severity.HIGH


def test_of_very_many_the_first_are_told_and_the_rest_is_counted():
    told = held_back(HeldBack(NOON, Counter({"quiet hours": 40}), [alert(n) for n in range(40)]), "UTC")
    lines = texts(told.sections, "Still open: 40")
    assert len(lines) == MOST_OPEN + 1
    assert lines[-1] == f"… and {40 - MOST_OPEN} more"


def test_a_digest_says_that_it_is_late_only_if_it_is():
    assert late(NOON - timedelta(minutes=5), NOON, "UTC") == ""
    assert late(None, NOON, "UTC") == ""
    assert late(NOON - 3 * HOUR, NOON, "UTC") == "late, it was due Wed 18 Nov 2026, 09:00 UTC; "


def test_response_times_are_told_with_their_middle_their_tail_and_the_share_in_time():
    found = answers([HOUR * n for n in (1, 2, 3, 4, 30)], 4 * HOUR)
    assert found.share == 0.8
    week = Week(NOON, found, answers([HOUR], None), {"Angry": 5}, {"Angry": 7}, {"Angry": Counts(3, 1)}, [], 9, 8, 7, 6)
    told = weekly(week, "UTC")
    assert (
        texts(told.sections, "Answers")
        == [
            "5 answers: half of them within 3 h · nine of ten within 30 h · 80% within the 4 h promised"
            " · the week before: 1, half within 60 min"
        ]
        or "the week before: 1" in texts(told.sections, "Answers")[0]
    )
    assert texts(told.sections, "Flags by rule") == [
        "Angry: 5 (7 the week before) · 75% of 4 that people looked at were right"
    ]
    assert texts(told.sections, "Alerts") == ["8 messages told at once · 7 held for digests"]
    assert "9 comments, 5 flags; 6 threads wait now" in told.says


def test_an_empty_morning_says_so_without_empty_sections():
    told = morning(Morning(NOON, {}, 0, 0, 0, [], Answers(), 0), "UTC", NOON)
    assert told.says == "0 threads wait for an answer"
    assert [section.heading for section in told.sections] == ["Since Wed 18 Nov 2026, 12:00 UTC"]
    assert all(section.lines for section in told.sections)


def test_a_morning_names_who_waits_longest_and_what_is_beyond_the_promise():
    old = WaitingThread("0abc", "mastodon", "high", NOON - 72 * HOUR, 3, "jane", "https://p.example/1")
    told = morning(Morning(NOON, {"mastodon": 2, "x": 5}, 1, 3, 2, [old], Answers(), 4), "UTC", NOON)
    assert told.says == "7 threads wait for an answer, 1 of them urgent, 2 longer than promised"
    assert texts(told.sections, "Waiting longest") == [
        "3 days · mastodon · 3 comments · high · with jane · thread 0abc"
    ]
    assert texts(told.sections, "By platform") == ["x: 5", "mastodon: 2"]
    assert "4 closed without one" in texts(told.sections, "Since")[0]


ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"]


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_a_daily_digest_is_told_once_on_every_local_day_when_the_clock_changes_too(zone, at, since):
    schedule = Schedule("morning", "shop", Recipient("room"), times(zone, range(7), at))
    days = []
    for _ in range(9):
        since = schedule.next(since)
        local = since.astimezone(ZoneInfo(zone))
        days.append(local.date())
        assert local.time() >= at
        assert schedule.last(since) == since
    assert [(after - before).days for before, after in pairwise(days)] == [1] * 8


@pytest.mark.parametrize("month", [3, 10])
def test_a_time_that_the_clock_skips_or_shows_twice_is_told_once(month: int):
    schedule = Schedule("morning", "shop", Recipient("room"), times("Europe/Berlin", range(7), time(2, 30)))
    at = datetime(2026, month, 23, 12, tzinfo=UTC)
    told = []
    while (at := schedule.next(at)) < datetime(2026, month, 30, 12, tzinfo=UTC):
        told.append(at)
    assert len(told) == 7


def test_holidays_have_no_digest_and_one_that_never_comes_has_no_last():
    schedule = Schedule("morning", "shop", Recipient("r"), times("UTC", (2,), time(8), "2026-11-18"))
    assert schedule.next(NOON - 12 * HOUR) == datetime(2026, 11, 25, 8, tzinfo=UTC)
    assert schedule.last(NOON) == datetime(2026, 11, 11, 8, tzinfo=UTC)


def said(number: int, who: str, hours: float, parent: int | None = None) -> StoredComment:
    comment = Comment(str(number), "comment", f"Where is my order {number}?", Author(who, who), NOON + hours * HOUR)
    return StoredComment("shop", "tiny", "s", number, 1, parent, None, comment, comment.created_at)


TEAM = Team(author_ids=frozenset({("tiny", "us")}))


def test_each_question_counts_from_when_it_was_asked_to_the_first_answer():
    thread = [
        said(1, "kim", 0), said(2, "kim", 1, 1), said(3, "us", 2, 2), said(4, "kim", 5, 1), said(5, "us", 9, 4),
        said(6, "us", 10, 4), said(7, "kim", 11, 1),
    ]  # fmt: skip
    found = answered(thread, TEAM, FoldPolicy())
    assert [(asked - NOON, replied - NOON) for asked, replied in found] == [
        (timedelta(0), 2 * HOUR), (5 * HOUR, 9 * HOUR),
    ]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.permutations(range(1, 8)), st.lists(st.booleans(), min_size=7, max_size=7))
def test_answers_do_not_depend_on_the_order_in_which_comments_came(order, ours):
    thread = {n: said(n, "us" if ours[n - 1] else f"kim{n % 2}", n, 1 if n > 1 else None) for n in range(1, 8)}
    in_order = answered([thread[n] for n in range(1, 8)], TEAM, FoldPolicy())
    assert answered([thread[n] for n in order], TEAM, FoldPolicy()) == in_order
    assert all(asked <= replied for asked, replied in in_order)


@settings(max_examples=60, deadline=None)
@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(1, 40).map(lambda n: n * HOUR),
)
def test_whoever_asked_before_that_instant_has_waited_longer_than_was_promised(now, promised):
    instant = asked_before(OFFICE, now, promised)
    second = timedelta(seconds=2)
    assert OFFICE.elapsed(instant - second, now) >= promised
    assert OFFICE.elapsed(instant, now) <= promised
