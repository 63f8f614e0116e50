"""The brands we watch for: their time zone, business hours, holidays and team."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from functools import cached_property
from typing import Any

from pydantic import Field

from monitor.core.calendar import Calendar
from monitor.core.matching import Phrase
from monitor.core.nearest import nearest
from monitor.model import Team
from monitor.settings.reading import Raw, Reading, Table

Windows = tuple[tuple[time, time], ...]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW = re.compile(r"(\d\d?):(\d\d)\s*[-–]\s*(\d\d?):(\d\d)")


class BrandTable(Table):
    """[brands.<id>]"""

    name: str = ""
    """As people read it in alerts; the id where it is not given."""
    timezone: str = "UTC"
    """IANA name, such as "Europe/Berlin": times are shown and business hours are counted in it."""
    hours: dict[str, str] | None = None
    """Business hours, such as { mon-fri = "09:00-17:30", sat = "09:00-12:00" }; round the clock where not given."""
    holidays: str | list[str] = ""
    """Days on which nobody is in: a country ("GB"), its region ("GB-ENG", "US-CA") or dates ("2026-12-24")."""
    team: list[str] = Field(default_factory=list)
    """Who speaks for the brand: "@handle", "mastodon:12345" (platform and account id) or "name:Jane of Support"."""
    bot_replies_count: bool = False
    """Whether an answer by a bot of the team counts as an answer."""
    forbidden_words: list[str] = Field(default_factory=list)
    """Words and phrases that must not stand in a post of ours; "*" at an end lets the word go on there."""
    check_links: bool = True
    """Whether the links in our own posts are opened, to see that they lead somewhere."""


@dataclass(frozen=True)
class BrandSettings:
    """One brand. `hours` maps weekdays (0 is Monday) to opening windows; None is round the clock."""

    name: str
    timezone: str
    hours: dict[int, Windows] | None
    holidays: str
    team: Team
    forbidden: Mapping[str, Phrase] = field(default_factory=dict)
    opens_links: bool = True

    @property
    def bot_replies_count(self) -> bool:
        return self.team.bot_replies_count

    @cached_property
    def calendar(self) -> Calendar:
        return Calendar(self.timezone, self.hours, self.holidays)


def read_brand(reading: Reading, brand_id: str, raw: Raw) -> BrandSettings | None:
    """One [brands.<id>] table."""
    key = f"brands.{brand_id}"
    table = reading.read(BrandTable, raw, key)
    if table is None:
        return None
    n_errors = len(reading.errors)
    hours = None if table.hours is None else _read_hours(reading, table.hours, f"{key}.hours")
    holidays = table.holidays if isinstance(table.holidays, str) else ", ".join(table.holidays)
    team = _read_team(reading, table, f"{key}.team")
    forbidden = _read_forbidden(reading, table.forbidden_words, f"{key}.forbidden_words")
    is_read = len(reading.errors) == n_errors
    _check_calendar(reading, table.timezone, hours if is_read else None, holidays, key)
    if len(reading.errors) > n_errors:
        return None
    return BrandSettings(table.name or brand_id, table.timezone, hours, holidays, team, forbidden, table.check_links)


def _read_forbidden(reading: Reading, words: Sequence[str], key: str) -> dict[str, Phrase]:
    found = {}
    for word in words:
        try:
            found[word] = Phrase.of(word)
        except ValueError as error:
            reading.refuse(key, str(error))
    return found


def _check_calendar(reading: Reading, timezone: str, hours: Any, holidays: str, key: str) -> None:
    """Each of the three alone, so that the error names the key at fault."""
    for name, attempt in (("timezone", (timezone, None, "")), ("holidays", ("UTC", None, holidays))):
        try:
            Calendar(*attempt)
        except ValueError as error:
            reading.refuse(f"{key}.{name}", f"{error}{_hint(name, timezone, holidays)}")
    if hours is not None and not any(hours.values()):
        reading.refuse(f"{key}.hours", "there is no opening time in the whole week; leave it out for round the clock")


def _hint(name: str, timezone: str, holidays: str) -> str:
    if name == "timezone":
        from zoneinfo import available_timezones

        hint = nearest(timezone, sorted(available_timezones()))
    else:
        from holidays import list_supported_countries

        hint = nearest(holidays.partition("-")[0], list_supported_countries())
    return hint if "did you mean" in hint else ""


def _read_hours(reading: Reading, raw: dict[str, str], key: str) -> dict[int, Windows]:
    hours: dict[int, Windows] = {}
    for days, text in raw.items():
        try:
            windows = _read_windows(text)
            for day in _read_days(days):
                if day in hours:
                    raise ValueError(f"{DAYS[day]} is given twice")
                hours[day] = windows
        except ValueError as error:
            reading.refuse(f"{key}.{days}", str(error))
    return hours


def _read_days(text: str) -> list[int]:
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
        raise ValueError(f'"{name}" is no weekday{nearest(name, DAYS)}')
    return DAYS.index(name[:3])


def _read_windows(text: str) -> Windows:
    """The windows of "09:00-12:00, 13:00-17:30"; none for "" and "closed"; past midnight for "22:00-02:00"."""
    if text.strip().casefold() in ("", "closed"):
        return ()
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


def _read_team(reading: Reading, table: BrandTable, key: str) -> Team:
    ids: set[tuple[str, str]] = set()
    handles: set[str] = set()
    names: set[str] = set()
    for place, member in enumerate(table.team):
        kind, separator, rest = member.partition(":")
        if member.startswith("@") or not separator:
            handles.add(member.strip().lstrip("@").casefold())
        elif not rest.strip():
            reading.refuse(f"{key}.{place}", f'"{member}" names nobody')
        elif kind == "name":
            names.add(rest.strip().casefold())
        else:
            ids.add((kind.strip(), rest.strip()))
    return Team(frozenset(ids), frozenset(handles - {""}), frozenset(names), table.bot_replies_count)
