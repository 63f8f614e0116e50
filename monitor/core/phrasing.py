"""Times, durations and counts in the words that people read in a message, a table or a page."""

from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
# (until this many seconds, seconds in one, the word for one, the word for many): two of a larger unit are
# reached before its word is used, so that rounding down never hides more than half.
_UNITS = (
    (_HOUR, _MINUTE, "min", "min"),
    (2 * _DAY, _HOUR, "h", "h"),
    (60 * _DAY, _DAY, "day", "days"),
    (730 * _DAY, 30 * _DAY, "month", "months"),
)


def waiting(delta: timedelta) -> str:
    """How long, rounded down to one unit: "under 1 min", "12 min", "3 h", "2 days", "3 months", "2 years".

    It follows the word "waiting" and stands alone in a table. A negative duration (two clocks that disagree)
    reads as no time at all.
    """
    seconds = delta.total_seconds()
    if seconds < _MINUTE:
        return "under 1 min"
    for until, size, one, many in _UNITS:
        if seconds < until:
            return counted(int(seconds // size), one, many)
    return counted(int(seconds // (365 * _DAY)), "year", "years")


def local_time(at: datetime, zone: tzinfo | str) -> str:
    """An aware instant on the clock of `zone` (an IANA name or a zone): "Thu 12 Nov 2026, 14:05 CET".

    The zone is written out because the two hours of an autumn night look alike without it. The words are
    English whatever the locale of the process.
    """
    there = at.astimezone(ZoneInfo(zone) if isinstance(zone, str) else zone)
    day = f"{_DAYS[there.weekday()]} {there.day} {_MONTHS[there.month - 1]} {there.year}"
    return f"{day}, {there:%H:%M} {there.tzname() or ''}".rstrip()


def counted(n: int, one: str, many: str) -> str:
    """A count with its noun: "1 thread", "1,200 threads"."""
    return f"{n:,} {one if n == 1 else many}"
