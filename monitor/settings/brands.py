"""The brands we watch for: their time zone, business hours, holidays and team."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Literal

from pydantic import Field

from monitor.core.calendar import Calendar, Windows
from monitor.core.matching import Phrase
from monitor.core.telling import Quiet
from monitor.model import Team
from monitor.settings.hours import Hours, check_calendar, join_holidays, read_hours, read_quiet
from monitor.settings.reading import Raw, Reading, Table


class BrandTable(Table):
    """[brands.<id>]"""

    name: str = ""
    """As people read it in alerts; the id where it is not given."""
    timezone: str = "UTC"
    """IANA name, such as "Europe/Berlin": times are shown and business hours are counted in it."""
    hours: dict[str, str] | None = None
    """Business hours, such as { mon-fri = "09:00-17:30", sat = "09:00-12:00" }; round the clock where not given."""
    quiet: dict[str, str] | Literal["outside hours"] | None = None
    """When rooms are not told: { mon-sun = "22:00-07:00", holidays = "all day" }, or "outside hours". What comes up
    then is told in one digest afterwards; severe alerts come through ([alerts] passes)."""
    answer_within: timedelta | None = None
    """How soon customers are to be answered, in business hours: what digests measure response times against."""
    holidays: str | list[str] = ""
    """Days on which nobody is in: a country ("GB"), its region ("GB-ENG", "US-CA") or dates ("2026-12-24")."""
    team: list[str] = Field(default_factory=list)
    """Who speaks for the brand: "@handle", "mastodon:12345" (platform and account id) or "name:Jane of Support"."""
    bot_replies_count: bool = False
    """Whether an answer by a bot of the team counts as an answer."""
    forbidden_words: list[str] = Field(default_factory=list)
    """Words and phrases that must not stand in a post of ours; "*" at an end lets the word go on there."""
    stakeholders: list[str] = Field(default_factory=list)
    """Who must know of a crisis at once, wherever else it is told: people and channels, by name."""
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
    on_holidays: Windows = ()
    quiet: Quiet | None = None
    answer_within: timedelta | None = None
    stakeholders: tuple[str, ...] = ()

    @property
    def bot_replies_count(self) -> bool:
        return self.team.bot_replies_count

    @cached_property
    def calendar(self) -> Calendar:
        return Calendar(self.timezone, self.hours, self.holidays, self.on_holidays)


def read_brand(reading: Reading, brand_id: str, raw: Raw) -> BrandSettings | None:
    """One [brands.<id>] table."""
    key = f"brands.{brand_id}"
    table = reading.read(BrandTable, raw, key)
    if table is None:
        return None
    n_errors = len(reading.errors)
    hours = None if table.hours is None else read_hours(reading, table.hours, f"{key}.hours")
    holidays = join_holidays(table.holidays)
    team = _read_team(reading, table, f"{key}.team")
    forbidden = _read_forbidden(reading, table.forbidden_words, f"{key}.forbidden_words")
    quiet = read_quiet(reading, table.quiet, f"{key}.quiet") if isinstance(table.quiet, dict) else None
    check_calendar(reading, table.timezone, holidays, key)
    if table.quiet == "outside hours" and hours is None:
        reading.refuse(f"{key}.quiet", "outside of which hours? give the brand its business hours")
    if len(reading.errors) > n_errors:
        return None
    return BrandSettings(
        table.name or brand_id,
        table.timezone,
        hours.by_day if hours else None,
        holidays,
        team,
        forbidden,
        table.check_links,
        (hours and hours.on_holidays) or (),
        _quiet(table, hours, quiet, holidays),
        table.answer_within,
        tuple(dict.fromkeys(table.stakeholders)),
    )


def _quiet(table: BrandTable, hours: Hours | None, quiet: Hours | None, holidays: str) -> Quiet | None:
    if table.quiet == "outside hours" and hours:
        return Quiet(outside=Calendar(table.timezone, hours.by_day, holidays, hours.on_holidays or ()))
    inside = [Calendar(table.timezone, quiet.by_day)] if quiet and any(quiet.by_day.values()) else []
    if quiet and quiet.on_holidays:  # beside what that weekday has: the night after a holiday is quiet too
        inside.append(Calendar(table.timezone, {}, holidays, quiet.on_holidays))
    return Quiet(tuple(inside)) if inside else None


def _read_forbidden(reading: Reading, words: Sequence[str], key: str) -> dict[str, Phrase]:
    found = {}
    for word in words:
        try:
            found[word] = Phrase.of(word)
        except ValueError as error:
            reading.refuse(key, str(error))
    return found


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
