"""Rotas: who is on call at an instant, by turns of one length or by a calendar that people keep elsewhere.

Turns are counted on the local clock: a week begins at nine in summer as in winter. A calendar's entry names its people
by its attendees' addresses, or by its summary.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from monitor.core.telling import Person

if TYPE_CHECKING:
    from icalendar import Calendar as Parsed

MOST_ENTRIES = 5_000  # of one calendar; more is no rota
_TOO_OFTEN = frozenset({"SECONDLY", "MINUTELY"})


@dataclass(frozen=True, slots=True)
class Cover:
    """Somebody stands in for whoever would be on call, from one instant to another."""

    person: str
    begins_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Rota:
    """People who are on call by turns. `starts` is when the first turn begins, on the clock of `zone` (naive).

    `is_calendar`: who is on call is not here but in the calendar that is fetched for it.
    """

    people: tuple[str, ...] = ()
    starts: datetime = datetime(2026, 1, 5, 9)  # noqa: DTZ001  local wall clock
    turn: timedelta = timedelta(days=7)
    zone: tzinfo = UTC
    covers: tuple[Cover, ...] = ()
    is_calendar: bool = False

    def on_call(self, at: datetime) -> tuple[str, ...]:
        """Who is on call; nobody before the first turn."""
        standing_in = tuple(cover.person for cover in self.covers if cover.begins_at <= at < cover.ends_at)
        if standing_in or not self.people:
            return standing_in
        number = self._turn_at(at)
        return (self.people[number % len(self.people)],) if number >= 0 else ()

    def _turn_at(self, at: datetime) -> int:
        """The number of the turn in which an instant lies, from 0."""
        number = (at.astimezone(self.zone).replace(tzinfo=None) - self.starts) // self.turn
        while self._begins(number) > at:  # within the hour that an autumn night has twice
            number -= 1
        while self._begins(number + 1) <= at:
            number += 1
        return number

    def _begins(self, number: int) -> datetime:
        return (self.starts + number * self.turn).replace(tzinfo=self.zone).astimezone(UTC)


@lru_cache(maxsize=16)
def parse_calendar(text: str) -> "Parsed":
    """A calendar in iCalendar's form.

    Raises: ValueError, fit to be shown: keep the one that you have.
    """
    from icalendar import Calendar  # 20 MiB that only those with such a rota pay

    try:
        parsed = Calendar.from_ical(text)
        entries = parsed.walk("VEVENT")
    except Exception as error:  # what a library says of hostile text is anything
        raise ValueError(f"it is no calendar ({type(error).__name__})") from None
    if not isinstance(parsed, Calendar):
        raise ValueError("it is no calendar")
    if len(entries) > MOST_ENTRIES:
        raise ValueError(f"it has more than {MOST_ENTRIES:,} entries")
    if any(_is_too_often(entry) for entry in entries):
        raise ValueError("an entry repeats every minute or second")
    return parsed


def _is_too_often(entry: Any) -> bool:
    rules = entry.get("RRULE", [])
    found = rules if isinstance(rules, list) else [rules]
    return any(str(frequency).upper() in _TOO_OFTEN for rule in found for frequency in rule.get("FREQ", []))


def on_call_by_calendar(text: str, at: datetime, people: Mapping[str, Person]) -> tuple[str, ...]:
    """The ids of the people whom the calendar's entries name at an instant, in their order there.

    Raises: ValueError where it cannot be read.
    """
    import recurring_ical_events

    parsed = parse_calendar(text)
    try:
        entries = recurring_ical_events.of(parsed).between(at, at + timedelta(seconds=1))
    except Exception as error:
        raise ValueError(f"its entries cannot be worked out ({type(error).__name__})") from None
    found = [who for entry in entries for who in _named(entry, people)]
    return tuple(dict.fromkeys(found))


def _named(entry: Any, people: Mapping[str, Person]) -> Sequence[str]:
    by_address = [who for address in _addresses(entry) for who in _with_address(address, people)]
    return by_address or _in_words(str(entry.get("SUMMARY", "")), people)


def _addresses(entry: Any) -> Iterator[str]:
    attendees = entry.get("ATTENDEE", [])
    for attendee in attendees if isinstance(attendees, list) else [attendees]:
        yield str(attendee).strip().casefold().removeprefix("mailto:")


def _with_address(address: str, people: Mapping[str, Person]) -> list[str]:
    return [person.id for person in people.values() if person.email and person.email.casefold() == address]


def _in_words(summary: str, people: Mapping[str, Person]) -> list[str]:
    """The people of a summary such as "On call: Jane, ben"; a name within a longer one counts as the longer."""
    rest, found = f" {_plain(summary)} ", []
    names = sorted(
        ((_plain(name), person.id) for person in people.values() for name in {person.id, person.name, person.email}),
        key=lambda one: -len(one[0]),
    )
    for name, person_id in names:
        if name and f" {name} " in rest:
            found.append((rest.index(f" {name} "), person_id))
            rest = rest.replace(f" {name} ", " " + "\0" * len(name) + " ")
    return [person_id for _, person_id in sorted(found)]


def _plain(text: str) -> str:
    """Words apart by single spaces, whatever stood between them; the signs of an address stay."""
    return " ".join("".join(c if c.isalnum() or c in "@._-" else " " for c in text.casefold()).split()).strip(".")
