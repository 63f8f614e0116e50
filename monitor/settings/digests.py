"""The digests that are told by the calendar: the morning's backlog, and the week."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import time
from typing import Literal

from pydantic import Field

from monitor.core.digests import Kind, Schedule, times
from monitor.core.nearest import nearest
from monitor.core.telling import Person
from monitor.model import Recipient
from monitor.settings.brands import BrandSettings
from monitor.settings.hours import read_days
from monitor.settings.reading import Raw, Reading, Table

_TIME = re.compile(r"(\d\d?):(\d\d)")
DAYS = {"morning": "mon-fri", "weekly": "mon"}


class DigestTable(Table):
    """[digests.<id>]"""

    kind: Literal["morning", "weekly"]
    """ "morning": who waits and what has changed since the last one; "weekly": how the last seven days went."""
    at: str = "08:30"
    """When it is told, in the brand's time zone."""
    days: str = ""
    """On which days: "mon-fri" for a morning and "mon" for a week, where nothing else is said."""
    on_holidays: bool = False
    """Whether it is told on the brand's holidays too."""
    brands: list[str] = Field(default_factory=list)
    """Of which brands; of all of them where none is named. Each brand has its own."""
    channels: list[str] = Field(default_factory=list)
    """The rooms that have it."""
    people: list[str] = Field(default_factory=list)
    """The people who have it, by their first channel."""


@dataclass(frozen=True)
class DigestSettings:
    """One [digests.<id>] table, ready to be laid out for each brand and recipient."""

    id: str
    kind: Kind
    at: time
    days: tuple[int, ...]
    on_holidays: bool
    brands: tuple[str, ...]
    recipients: tuple[Recipient, ...]

    def schedules(self, brands: Mapping[str, BrandSettings]) -> Iterator[Schedule]:
        for name in self.brands or brands:
            holidays = "" if self.on_holidays else brands[name].holidays
            calendar = times(brands[name].timezone, self.days, self.at, holidays)
            for recipient in self.recipients:
                yield Schedule(self.kind, name, recipient, calendar, self.id)


def read_digests(reading: Reading, raw: Raw, people: Mapping[str, Person]) -> dict[str, DigestSettings]:
    """The [digests] tables, with what they name checked."""
    found = {}
    for name, table in reading.table(raw, "digests").items():
        key = f"digests.{name}"
        if not isinstance(table, dict):
            reading.refuse(key, "must be a table")
        elif digest := reading.read(DigestTable, table, key):
            n_errors = len(reading.errors)
            read = _read_digest(reading, raw, people, name, digest)
            if read and len(reading.errors) == n_errors:
                found[name] = read
    return found


def _read_digest(
    reading: Reading, raw: Raw, people: Mapping[str, Person], name: str, table: DigestTable
) -> DigestSettings | None:
    key = f"digests.{name}"
    for where, there in (("brands", "brands"), ("channels", "channels"), ("people", "people")):
        for named in getattr(table, where):
            if named not in (known := reading.table(raw, there)):
                reading.refuse(f"{key}.{where}", f'there is no {where.rstrip("s")} "{named}"{nearest(named, known)}')
    if not (table.channels or table.people):
        reading.refuse(key, "nobody would have it: give it channels or people")
    at, days = _read_time(reading, table.at, key), _read_days(reading, table.days or DAYS[table.kind], key)
    if at is None or days is None:
        return None
    rooms = [Recipient(channel) for channel in table.channels]
    known_people = [people[who] for who in table.people if who in people]
    recipients = (*rooms, *(Recipient(person.channels[0], person.id) for person in known_people))
    once = tuple({each.channel: each for each in recipients}.values())
    return DigestSettings(name, table.kind, at, days, table.on_holidays, tuple(table.brands), once)


def _read_time(reading: Reading, text: str, key: str) -> time | None:
    match = _TIME.fullmatch(text.strip())
    try:
        if match:
            return time(int(match[1]), int(match[2]))
    except ValueError:
        pass  # 24:61
    reading.refuse(f"{key}.at", f'"{text}" is no time of day; write one like "08:30"')
    return None


def _read_days(reading: Reading, text: str, key: str) -> tuple[int, ...] | None:
    try:
        return tuple(sorted(set(read_days(text))))
    except ValueError as error:
        reading.refuse(f"{key}.days", str(error))
        return None
