"""The people who are told: their channels, their hours, and who they are in each chat."""

from typing import Annotated

from pydantic import Field

from monitor.core.calendar import Calendar
from monitor.core.nearest import nearest
from monitor.core.telling import Cap, Person
from monitor.settings.hours import check_calendar, join_holidays, read_hours
from monitor.settings.reading import Raw, Reading, Table

Count = Annotated[int, Field(ge=0)]
Handle = Annotated[str, Field(max_length=200, coerce_numbers_to_str=True)]


class Handles(Table):
    """[people.<id>.handles]"""

    slack: Handle = ""
    """Their member id ("U012ABCDEF")."""
    telegram: Handle = ""
    """Their numeric user id."""
    groupme: Handle = ""
    """Their numeric user id."""
    mattermost: Handle = ""
    """Their user id (26 letters and digits)."""
    discord: Handle = ""
    """Their numeric user id."""
    matrix: Handle = ""
    """Their full id ("@jane:matrix.example")."""


class PersonTable(Table):
    """[people.<id>]"""

    name: str = ""
    """As colleagues read it; the id where it is not given."""
    channels: Annotated[list[str], Field(min_length=1)]
    """The channels that reach this person alone."""
    timezone: str = "UTC"
    """IANA name, such as "Europe/Berlin": their hours and days are counted in it."""
    hours: dict[str, str] | None = None
    """When they may be told, such as { mon-fri = "08:00-18:00" }; always where not given. What comes up at other times
    is told in one digest afterwards; severe alerts come through ([alerts] passes)."""
    holidays: str | list[str] = ""
    """Days off: a country ("GB"), its region ("GB-ENG") or dates ("2026-12-24")."""
    email: Annotated[str, Field(max_length=254)] = ""
    """Their address, by which a calendar of who is on call names them; nothing is sent there."""
    handles: Handles = Handles()
    """Who they are in each kind of chat: only people who are known there may answer alerts."""
    budget_per_hour: Count = 20
    """How many messages they get in an hour at most, by all channels; the rest is told in one digest. 0: no limit."""
    budget_per_day: Count = 80
    """How many messages they get in a day at most. 0: no limit."""


def read_people(reading: Reading, raw: Raw) -> dict[str, Person]:
    """The [people] tables, with their channels checked."""
    channels = reading.table(raw, "channels")
    found = {}
    for name, table in reading.table(raw, "people").items():
        if not isinstance(table, dict):
            reading.refuse(f"people.{name}", "must be a table")
        elif person := _read_person(reading, name, table, channels):
            found[name] = person
    _refuse_doubles(reading, found)
    return found


def _read_person(reading: Reading, person_id: str, raw: Raw, channels: Raw) -> Person | None:
    key = f"people.{person_id}"
    table = reading.read(PersonTable, raw, key)
    if table is None:
        return None
    n_errors = len(reading.errors)
    for name in table.channels:
        if name not in channels:
            reading.refuse(f"{key}.channels", f'there is no channel "{name}"{nearest(name, channels)}')
    hours = None if table.hours is None else read_hours(reading, table.hours, f"{key}.hours")
    holidays = join_holidays(table.holidays)
    check_calendar(reading, table.timezone, holidays, key)
    if len(reading.errors) > n_errors:
        return None
    on_holidays = (hours and hours.on_holidays) or ()
    return Person(
        person_id,
        table.name or person_id,
        tuple(dict.fromkeys(table.channels)),
        Calendar(table.timezone, hours.by_day if hours else None, holidays, on_holidays),
        {kind: handle for kind, handle in table.handles.model_dump().items() if handle},
        Cap(table.budget_per_hour, table.budget_per_day),
        table.email,
    )


def _refuse_doubles(reading: Reading, people: dict[str, Person]) -> None:
    """Two people with one handle: whoever answers in the chat would be both."""
    seen: dict[tuple[str, str], str] = {}
    for person in people.values():
        for kind, handle in person.handles.items():
            other = seen.setdefault((kind, handle), person.id)
            if other != person.id:
                reading.refuse(f"people.{person.id}.handles.{kind}", f'is that of "{other}" too')
