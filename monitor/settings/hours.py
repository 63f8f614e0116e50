"""Hours as people write them: a brand's opening times, its quiet times, and when a person may be told."""

import re
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

from monitor.core.calendar import WHOLE_DAY, Calendar, Windows
from monitor.core.nearest import nearest
from monitor.settings.reading import Reading

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ON_HOLIDAYS = "holidays"  # a key beside those of the weekdays: what holds on a holiday
WEEK = timedelta(days=7)
_WINDOW = re.compile(r"(\d\d?):(\d\d)\s*[-–]\s*(\d\d?):(\d\d)")


class Hours(NamedTuple):
    """What is written about a week: weekdays (0 is Monday) with their windows, and what holds on a holiday instead."""

    by_day: dict[int, Windows]
    on_holidays: Windows | None  # None: nothing was said of holidays


def join_holidays(given: str | list[str]) -> str:
    """Holidays as a Calendar reads them."""
    return given if isinstance(given, str) else ", ".join(given)


def check_calendar(reading: Reading, timezone: str, holidays: str, key: str) -> None:
    """Each of the two alone, so that the error names the key at fault."""
    for name, attempt in (("timezone", (timezone, None, "")), ("holidays", ("UTC", None, holidays))):
        try:
            Calendar(*attempt)
        except ValueError as error:
            reading.refuse(f"{key}.{name}", f"{error}{_hint(name, timezone, holidays)}")


def _hint(name: str, timezone: str, holidays: str) -> str:
    if name == "timezone":
        from zoneinfo import available_timezones

        hint = nearest(timezone, sorted(available_timezones()))
    else:
        from holidays import list_supported_countries

        hint = nearest(holidays.partition("-")[0], list_supported_countries())
    return hint if "did you mean" in hint else ""


def read_hours(reading: Reading, raw: dict[str, str], key: str) -> Hours | None:
    """The hours in which somebody is there; None where they cannot be read or there are none (refused)."""
    hours = _read_week(reading, raw, key)
    if hours and not any(hours.by_day.values()) and not hours.on_holidays:
        reading.refuse(key, "there is no opening time in the whole week; leave it out for round the clock")
        return None
    return hours


def read_quiet(reading: Reading, raw: dict[str, str], key: str) -> Hours | None:
    """The hours in which nobody wants to be told; None where they cannot be read or leave no time (refused)."""
    hours = _read_week(reading, raw, key)
    if hours and any(hours.by_day.values()):
        monday = datetime(2024, 1, 1, tzinfo=UTC)
        if Calendar("UTC", hours.by_day).elapsed(monday + WEEK, monday + 2 * WEEK) == WEEK:
            reading.refuse(key, "the whole week is quiet: nobody would ever be told")
            return None
    return hours


def _read_week(reading: Reading, raw: dict[str, str], key: str) -> Hours | None:
    n_errors = len(reading.errors)
    by_day: dict[int, Windows] = {}
    on_holidays: Windows | None = None
    for days, text in raw.items():
        try:
            windows = _read_windows(text)
            if days.strip().casefold() == ON_HOLIDAYS:
                on_holidays = windows
            else:
                _put(by_day, read_days(days), windows)
        except ValueError as error:
            reading.refuse(f"{key}.{days}", str(error))
    return Hours(by_day, on_holidays) if len(reading.errors) == n_errors else None


def _put(by_day: dict[int, Windows], days: list[int], windows: Windows) -> None:
    for day in days:
        if day in by_day:
            raise ValueError(f"{DAYS[day]} is given twice")
        by_day[day] = windows


def read_days(text: str) -> list[int]:
    """The weekdays of "mon", "mon-fri", "fri-mon" or "mon,wed"."""
    found: list[int] = []
    for part in text.casefold().split(","):
        first, separator, last = part.strip().partition("-")
        start = _read_day(first)
        end = _read_day(last) if separator else start
        found.extend((start + step) % 7 for step in range((end - start) % 7 + 1))
    return found


def _read_day(text: str) -> int:
    name = text.strip()
    if name[:3] not in DAYS:
        raise ValueError(f'"{name}" is no weekday{nearest(name, (*DAYS, ON_HOLIDAYS))}')
    return DAYS.index(name[:3])


def _read_windows(text: str) -> Windows:
    """The windows of "09:00-12:00, 13:00-17:30"; past midnight for "22:00-02:00"; "all day"; none for "closed"."""
    if text.strip().casefold() in ("", "closed"):
        return ()
    if text.strip().casefold() == "all day":
        return WHOLE_DAY
    return tuple(sorted(_read_window(part.strip()) for part in text.split(",")))


def _read_window(text: str) -> tuple[time, time]:
    match = _WINDOW.fullmatch(text)
    if not match:
        raise ValueError(f'"{text}" is no time of opening; write one like "09:00-17:30"')
    hour, minute, end_hour, end_minute = map(int, match.groups())
    if (end_hour, end_minute) == (24, 0):
        end_hour = 0
    try:
        return time(hour, minute), time(end_hour, end_minute)
    except ValueError:
        raise ValueError(f'"{text}": hours go from 00:00 to 24:00') from None
