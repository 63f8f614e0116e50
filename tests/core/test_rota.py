"""Rotas: who is on call, on the local clock through summer and winter, and by calendars that people keep elsewhere."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.calendar import Calendar
from monitor.core.rota import Cover, Rota, on_call_by_calendar, parse_calendar
from monitor.core.telling import Person

LONDON = ZoneInfo("Europe/London")
ALWAYS = Calendar("UTC", None)
PEOPLE = {
    "ana": Person("ana", "Ana Ng", ("a",), ALWAYS, email="ana@bakery.example"),
    "ben": Person("ben", "Ben", ("b",), ALWAYS, email="ben@bakery.example"),
    "benny": Person("benny", "Ben Oakes", ("c",), ALWAYS),
}
WEEKLY = Rota(("ana", "ben", "cy"), datetime(2026, 1, 5, 9), zone=LONDON)  # noqa: DTZ001


def _at(text: str, zone: ZoneInfo = LONDON, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "who"),
    [
        ("2026-01-05 08:59", ()),
        ("2026-01-05 09:00", ("ana",)),
        ("2026-01-12 08:59", ("ana",)),
        ("2026-01-12 09:00", ("ben",)),
        ("2026-01-26 09:00", ("ana",)),
        ("2026-06-29 08:59", ("ana",)),
        ("2026-06-29 09:00", ("ben",)),
        ("2026-12-21 10:00", ("cy",)),
    ],
)
def test_turns_change_at_the_same_time_of_the_local_day_in_summer_and_in_winter(at: str, who: tuple[str, ...]) -> None:
    assert WEEKLY.on_call(_at(at)) == who


def test_a_turn_that_begins_in_the_hour_that_comes_twice_begins_once() -> None:
    nightly = Rota(("ana", "ben"), datetime(2026, 10, 24, 1, 30), timedelta(days=1), LONDON)  # noqa: DTZ001
    looks = [("01:29", 0), ("01:30", 0), ("01:00", 1), ("01:45", 1), ("02:00", 0)]
    told = [nightly.on_call(_at(f"2026-10-25 {clock}", fold=fold)) for clock, fold in looks]
    assert told == [("ana",), ("ben",), ("ben",), ("ben",), ("ben",)]


def test_a_turn_that_begins_in_the_hour_that_is_skipped_begins_when_it_would_have() -> None:
    nightly = Rota(("ana", "ben"), datetime(2026, 3, 28, 1, 30), timedelta(days=1), LONDON)  # noqa: DTZ001
    change = datetime(2026, 3, 29, 1, tzinfo=UTC)  # from one o'clock to two
    assert nightly.on_call(change - timedelta(minutes=1)) == ("ana",)
    assert nightly.on_call(change + timedelta(minutes=31)) == ("ben",)


def test_who_stands_in_is_on_call_in_place_of_the_turn() -> None:
    cover = Cover("ben", _at("2026-01-06 09:00"), _at("2026-01-07 09:00"))
    rota = replace(WEEKLY, covers=(cover,))
    days = [rota.on_call(_at(f"2026-01-0{day} 12:00")) for day in (5, 6, 7)]
    assert days == [("ana",), ("ben",), ("ana",)]


@given(
    st.datetimes(datetime(2026, 1, 6), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from([timedelta(hours=12), timedelta(days=1), timedelta(days=7), timedelta(hours=5)]),
    st.sampled_from(["Europe/London", "America/New_York", "Australia/Lord_Howe", "UTC"]),
)
def test_somebody_is_always_on_call_and_the_turns_go_round(at: datetime, turn: timedelta, zone: str) -> None:
    rota = Rota(("ana", "ben", "cy"), datetime(2026, 1, 5, 1, 45), turn, ZoneInfo(zone))  # noqa: DTZ001
    [now] = rota.on_call(at)
    [later] = rota.on_call(at + turn)
    order = rota.people
    steps = (order.index(later) - order.index(now)) % 3
    assert steps in (0, 1, 2)
    if at.astimezone(rota.zone).utcoffset() == (at + turn).astimezone(rota.zone).utcoffset():
        assert steps == 1


def _calendar(*entries: str) -> str:
    body = "".join(
        f"BEGIN:VEVENT\r\nUID:{n}@x.example\r\nDTSTAMP:20260101T000000Z\r\n{entry}\r\nEND:VEVENT\r\n"
        for n, entry in enumerate(entries)
    )
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\n{body}END:VCALENDAR\r\n"


WEEK = "DTSTART;TZID=Europe/London:20260105T090000\r\nDTEND;TZID=Europe/London:20260112T090000"


@pytest.mark.parametrize(
    ("entry", "who"),
    [
        ("SUMMARY:Support\r\nATTENDEE;CN=Ana:mailto:Ana@Bakery.example", ("ana",)),
        ("SUMMARY:ben\r\nATTENDEE:mailto:ana@bakery.example", ("ana",)),
        ("SUMMARY:x\r\nATTENDEE:mailto:ben@bakery.example\r\nATTENDEE:mailto:ana@bakery.example", ("ben", "ana")),
        ("SUMMARY:On call: Ana Ng (day)", ("ana",)),
        ("SUMMARY:BEN", ("ben",)),
        ("SUMMARY:Ben Oakes", ("benny",)),
        ("SUMMARY:Ben Oakes\\, then ben@bakery.example and ana", ("benny", "ben", "ana")),
        ("SUMMARY:Benjamin", ()),
        ("SUMMARY:on call\r\nATTENDEE:mailto:nobody@bakery.example", ()),
        ("DESCRIPTION:no summary", ()),
    ],
)
def test_an_entry_names_people_by_address_or_in_its_title(entry: str, who: tuple[str, ...]) -> None:
    assert on_call_by_calendar(_calendar(f"{WEEK}\r\n{entry}"), _at("2026-01-07 12:00"), PEOPLE) == who


def test_an_entry_that_repeats_is_on_the_local_clock_and_leaves_out_what_it_leaves_out() -> None:
    text = _calendar(
        "DTSTART;TZID=Europe/London:20260105T180000\r\nDTEND;TZID=Europe/London:20260106T080000\r\n"
        "RRULE:FREQ=WEEKLY;BYDAY=MO,WE\r\nEXDATE;TZID=Europe/London:20260701T180000\r\nSUMMARY:Ana Ng"
    )
    looks = {"2026-01-05 18:00": True, "2026-01-06 08:00": False, "2026-07-01 19:00": False, "2026-07-06 18:00": True}
    told = {at: on_call_by_calendar(text, _at(at), PEOPLE) == ("ana",) for at in looks}
    assert told == looks


def test_a_whole_day_counts_and_several_entries_name_several_people() -> None:
    text = _calendar(
        "DTSTART;VALUE=DATE:20260105\r\nDTEND;VALUE=DATE:20260106\r\nSUMMARY:ana", f"{WEEK}\r\nSUMMARY:ben"
    )
    assert set(on_call_by_calendar(text, datetime(2026, 1, 5, 12, tzinfo=UTC), PEOPLE)) == {"ana", "ben"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no calendar"),
        ("<html>Log in</html>", "no calendar"),
        ("BEGIN:VCALENDAR", "no calendar"),
        ("BEGIN:VEVENT\r\nEND:VEVENT", "no calendar"),
        (_calendar(f"{WEEK}\r\nRRULE:FREQ=SECONDLY"), "every minute or second"),
        (_calendar(*["SUMMARY:x"] * 5_001), "more than 5,000 entries"),
    ],
)
def test_what_is_no_calendar_is_refused_in_words(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        on_call_by_calendar(text, _at("2026-01-07 12:00"), PEOPLE)


@given(st.text(max_size=300))
def test_any_text_is_a_calendar_or_refused(text: str) -> None:
    for given_text in (text, _calendar(text.replace("\n", " "))):
        with suppress(ValueError):
            assert set(on_call_by_calendar(given_text, datetime(2026, 1, 7, tzinfo=UTC), PEOPLE)) <= PEOPLE.keys()
    parse_calendar.cache_clear()
