"""Business time: hours, nights, holidays, and the two days a year on which the clock changes."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.calendar import BEGINNING, FOR_EVER, Calendar

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = {day: ((time(9), time(17)),) for day in range(5)}
WITH_LUNCH = {day: ((time(9), time(12)), (time(13), time(17))) for day in range(5)}
BAR = {4: ((time(20), time(2)),), 5: ((time(20), time(2)),)}
HOUR = timedelta(hours=1)
INSTANTS = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ZONES = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC", "Africa/Casablanca"]
WEEKS = [None, OFFICE, WITH_LUNCH, BAR, {6: ((time(0), time(0)),)}, {6: ((time(1, 30), time(3, 15)),)}]
CALENDARS = st.sampled_from(
    [Calendar(zone, hours, closed) for zone in ZONES for hours in WEEKS for closed in ("", "2026-12-24, 2026-12-25")]
)


def berlin(*parts: int, fold: int = 0) -> datetime:
    return datetime(*parts, tzinfo=BERLIN, fold=fold).astimezone(UTC)  # type: ignore[misc,arg-type]


def test_an_hour_promised_on_friday_afternoon_is_due_on_monday_morning():
    office = Calendar("Europe/Berlin", OFFICE)
    assert office.add(berlin(2026, 11, 20, 16, 30), HOUR) == berlin(2026, 11, 23, 9, 30)
    assert office.elapsed(berlin(2026, 11, 20, 16, 30), berlin(2026, 11, 23, 9, 30)) == HOUR


def test_a_duration_that_just_fits_is_due_at_closing_and_not_the_next_morning():
    office = Calendar("Europe/Berlin", OFFICE)
    assert office.add(berlin(2026, 11, 20, 16), HOUR) == berlin(2026, 11, 20, 17)


def test_the_clock_starts_at_opening_for_a_comment_of_the_night():
    assert Calendar("Europe/Berlin", OFFICE).add(berlin(2026, 11, 18, 3), HOUR) == berlin(2026, 11, 18, 10)


def test_lunch_does_not_count():
    calendar = Calendar("Europe/Berlin", WITH_LUNCH)
    assert calendar.elapsed(berlin(2026, 11, 18, 11), berlin(2026, 11, 18, 14)) == 2 * HOUR
    assert calendar.add(berlin(2026, 11, 18, 11, 30), HOUR) == berlin(2026, 11, 18, 13, 30)


def test_hours_after_midnight_belong_to_the_evening_before():
    bar = Calendar("Europe/Berlin", BAR)
    assert bar.elapsed(berlin(2026, 11, 20, 18), berlin(2026, 11, 22, 12)) == 12 * HOUR
    assert bar.add(berlin(2026, 11, 20, 20), 7 * HOUR) == berlin(2026, 11, 21, 21)


def test_new_years_night_is_counted_once():
    bar = Calendar("Europe/Berlin", {3: ((time(20), time(2)),), 4: ((time(0), time(3)),)})
    assert date(2026, 12, 31).weekday() == 3
    assert bar.elapsed(berlin(2026, 12, 31), berlin(2027, 1, 2)) == 7 * HOUR


def test_windows_that_overlap_are_counted_once():
    calendar = Calendar("UTC", {0: ((time(9), time(12)), (time(11), time(14)), (time(14), time(15)))})
    assert calendar.elapsed(BEGINNING + timedelta(days=2), BEGINNING + timedelta(days=9)) == 6 * HOUR


def test_holidays_of_the_region_and_single_days_are_closed():
    calendar = Calendar("Europe/Berlin", OFFICE, "de-by, 2026-01-07")
    # Tuesday 6 January is a holiday in Bavaria, the 7th is the operator's own
    assert calendar.add(berlin(2026, 1, 5, 16, 30), HOUR) == berlin(2026, 1, 8, 9, 30)
    assert Calendar("Europe/Berlin", OFFICE, "DE-BE").add(berlin(2026, 1, 5, 16, 30), HOUR) == berlin(2026, 1, 6, 9, 30)


def test_holidays_close_a_brand_that_is_otherwise_open_round_the_clock():
    calendar = Calendar("Europe/Berlin", None, "DE")
    assert calendar.elapsed(berlin(2026, 12, 24), berlin(2026, 12, 28)) == 48 * HOUR


def test_a_night_of_spring_has_one_hour_less_and_one_of_autumn_one_more():
    night = Calendar("Europe/Berlin", {5: ((time(22), time(6)),)})
    assert night.elapsed(berlin(2026, 3, 28), berlin(2026, 3, 30)) == 7 * HOUR
    assert night.elapsed(berlin(2026, 10, 24), berlin(2026, 10, 26)) == 9 * HOUR


def test_an_opening_time_that_the_clock_skips_opens_when_the_clock_goes_on():
    calendar = Calendar("Europe/Berlin", {6: ((time(2, 30), time(4)),)})
    assert calendar.add(berlin(2026, 3, 29), timedelta(minutes=1)) == berlin(2026, 3, 29, 3, 1)
    assert calendar.elapsed(berlin(2026, 3, 29), berlin(2026, 3, 30)) == HOUR


def test_office_hours_stay_at_nine_when_the_clock_changes():
    office = Calendar("Europe/Berlin", OFFICE)
    assert office.add(berlin(2026, 3, 27, 16, 30), HOUR) == datetime(2026, 3, 30, 7, 30, tzinfo=UTC)
    assert office.add(berlin(2026, 10, 23, 16, 30), HOUR) == datetime(2026, 10, 26, 8, 30, tzinfo=UTC)


def test_dates_from_platforms_that_are_nonsense_cost_nothing_and_do_not_raise():
    office = Calendar("America/New_York", OFFICE)
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    assert office.elapsed(first, berlin(2026, 1, 1)) == office.elapsed(BEGINNING, berlin(2026, 1, 1))
    assert office.elapsed(first, last) > timedelta(days=17_000)
    assert office.add(last, HOUR) == FOR_EVER
    assert office.add(berlin(2026, 1, 1), timedelta(days=10**6)) == FOR_EVER
    assert Calendar("UTC", None).add(berlin(2026, 1, 1), timedelta.max) == FOR_EVER
    assert office.add(first, HOUR) > BEGINNING


@pytest.mark.parametrize(
    ("timezone", "hours", "holidays", "says"),
    [
        ("Mars/Olympus", None, "", "no time zone"),
        ("../../etc/passwd", None, "", "no time zone"),
        ("UTC", {}, "", "no opening time"),
        ("UTC", {7: ((time(9), time(17)),)}, "", "weekdays"),
        ("UTC", None, "XX", "country 'XX'"),
        ("UTC", None, "DE-ZZ", "region 'ZZ'"),
    ],
)
def test_a_calendar_that_cannot_be_used_says_why(timezone: str, hours: object, holidays: str, says: str):
    with pytest.raises(ValueError, match=says):
        Calendar(timezone, hours, holidays)  # type: ignore[arg-type]


def minutes_open(calendar: Calendar, since: datetime, n_minutes: int) -> int:
    """The slow oracle: looks at the local clock at each minute (for windows that do not pass midnight)."""
    found = 0
    for minute in range(n_minutes):
        wall = (since + timedelta(minutes=minute)).astimezone(calendar.zone)
        windows = (calendar.hours or {}).get(wall.weekday(), ())
        found += any(start <= wall.time() < end for start, end in windows)
    return found


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(ZONES), st.sampled_from([OFFICE, WITH_LUNCH]), INSTANTS, st.integers(0, 3000))
def test_elapsed_equals_a_count_of_open_minutes(zone: str, hours: dict, since: datetime, n_minutes: int):
    calendar, since = Calendar(zone, hours), since.replace(second=0, microsecond=0)
    elapsed = calendar.elapsed(since, since + timedelta(minutes=n_minutes))
    assert elapsed == timedelta(minutes=minutes_open(calendar, since, n_minutes))


@settings(max_examples=60, deadline=None)
@given(CALENDARS, INSTANTS, st.timedeltas(timedelta(microseconds=1), timedelta(days=200)))
def test_adding_is_the_inverse_of_what_elapses_and_gives_the_first_such_instant(calendar, since, duration):
    until = calendar.add(since, duration)
    assert calendar.elapsed(since, until) == duration
    assert calendar.elapsed(since, until - timedelta(microseconds=1)) < duration


@settings(max_examples=60, deadline=None)
@given(CALENDARS, INSTANTS, INSTANTS, INSTANTS)
def test_time_elapses_in_parts_as_in_one(calendar, one, two, three):
    first, middle, last = sorted((one, two, three))
    assert calendar.elapsed(first, middle) + calendar.elapsed(middle, last) == calendar.elapsed(first, last)
    assert timedelta(0) <= calendar.elapsed(first, last) <= last - first
    assert calendar.elapsed(last, first) == timedelta(0)
