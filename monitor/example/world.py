"""The example's story: people and what they say, as a pure function of world.toml, the start and the present."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MENTION = re.compile(r"(?<![\w/])@(\w+)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_THURSDAY = 3
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True, slots=True)
class Person:
    """An account on the simulated platform."""

    id: str
    handle: str
    name: str
    n_followers: int = 0


@dataclass(frozen=True, slots=True)
class Edit:
    """What an author made of a status later."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Status:
    """One utterance on the simulated platform, with its whole future."""

    id: str
    author: Person
    created_at: datetime
    text: str
    answers: str | None = None  # the id of the status answered
    answers_author: Person | None = None  # stays when what it answers is deleted, as on Mastodon
    addresses: tuple[Person, ...] = ()  # whom it answers and whom it names; stays when what it answers is deleted
    edits: tuple[Edit, ...] = ()
    deleted_at: datetime | None = None
    edited_at: datetime | None = None
    n_likes: int = 0

    def at(self, now: datetime) -> Self | None:
        """The status as it stands at `now`; None before it is written and after it is deleted."""
        if self.created_at > now or (self.deleted_at is not None and self.deleted_at <= now):
            return None
        done = [edit for edit in self.edits if edit.at <= now]
        return replace(self, text=done[-1].text, edited_at=done[-1].at) if done else self


@dataclass(frozen=True)
class Scene:
    """All that the platform shows at one instant, in order of time."""

    statuses: Mapping[str, Status]
    brand: Person

    def answered_by(self, status: Status) -> Status | None:
        """The status that this one answers, if it still stands."""
        return self.statuses.get(status.answers or "")

    def ancestors(self, status: Status) -> list[Status]:
        """What it answers, root first."""
        above = self.answered_by(status)
        return [] if above is None else [*self.ancestors(above), above]

    def descendants(self, status: Status) -> list[Status]:
        """All that stands below it, each answer after what it answers."""
        found = []
        for answer in self.answers.get(status.id, ()):
            found += [answer, *self.descendants(answer)]
        return found

    @cached_property
    def answers(self) -> Mapping[str, Sequence[Status]]:
        """The direct answers of each status that has any."""
        below: dict[str, list[Status]] = {}
        for status in self.statuses.values():
            if status.answers is not None:
                below.setdefault(status.answers, []).append(status)
        return below


@dataclass(frozen=True)
class World:
    """The whole story from its history to its end, with the instant at which it starts."""

    brand: Person
    people: tuple[Person, ...]
    statuses: tuple[Status, ...]
    started_at: datetime
    ends_at: datetime = field(default=_EPOCH)

    def scene(self, now: datetime) -> Scene:
        """What there is to see at `now`."""
        standing = (status.at(now) for status in self.statuses)
        return Scene({status.id: status for status in standing if status is not None}, self.brand)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Person(_Strict):
    name: str
    followers: int = 0


class _Edit(_Strict):
    at: float
    text: str


class _Line(_Strict):
    """One [[say]] of world.toml; seconds after the start in `at`, hours before it in `hours_before`."""

    by: str
    text: str
    id: str = ""
    to: str = ""
    at: float | None = Field(default=None, ge=0)
    hours_before: float | None = Field(default=None, gt=0)
    deleted: float | None = None
    edit: tuple[_Edit, ...] = ()
    likes: int = 0

    @model_validator(mode="after")
    def has_one_time(self) -> Self:
        if (self.at is None) == (self.hours_before is None):
            raise ValueError(f'give either "at" or "hours_before": {self.text[:40]!r}')
        return self

    @property
    def seconds(self) -> float:
        return self.at if self.at is not None else -3_600 * (self.hours_before or 0)


class _Story(_Strict):
    brand: str
    people: dict[str, _Person]
    say: tuple[_Line, ...]


def load_world(file: Path, started_at: datetime) -> World:
    """The story of this world.toml, started at `started_at`: the same arguments give the same world."""
    story = _Story.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    people = {
        handle: Person(str(1_001 + place), handle, person.name, person.followers)
        for place, (handle, person) in enumerate(story.people.items())
    }
    words = _words(started_at.date())
    lines = sorted(enumerate(story.say), key=lambda numbered: (numbered[1].seconds, numbered[0]))
    statuses: dict[str, Status] = {}
    named: dict[str, str] = {}
    for place, (_, line) in enumerate(lines):
        status = _status(line, place, people, statuses, named, started_at, words)
        statuses[status.id] = status
        if line.id:
            named[line.id] = status.id
    last = max(change for line in story.say for change in _changes(line))
    return World(
        people[story.brand],
        tuple(people.values()),
        tuple(statuses.values()),
        started_at,
        started_at + timedelta(seconds=last),
    )


def _status(
    line: _Line,
    place: int,
    people: Mapping[str, Person],
    statuses: Mapping[str, Status],
    named: Mapping[str, str],
    started_at: datetime,
    words: Mapping[str, str],
) -> Status:
    def moment(seconds: float) -> datetime:
        return started_at + timedelta(seconds=seconds)

    created_at = moment(line.seconds)
    text = line.text.strip().format_map(words)
    above = statuses[named[line.to]] if line.to else None
    return Status(
        id=_snowflake(created_at, place),
        author=people[line.by],
        created_at=created_at,
        text=text,
        answers=above.id if above else None,
        answers_author=above.author if above else None,
        addresses=_addressed(text, above, people[line.by], people),
        edits=tuple(Edit(moment(edit.at), edit.text.strip().format_map(words)) for edit in line.edit),
        deleted_at=None if line.deleted is None else moment(line.deleted),
        n_likes=line.likes,
    )


def _addressed(text: str, above: Status | None, author: Person, people: Mapping[str, Person]) -> tuple[Person, ...]:
    """Whom it answers comes first, as Mastodon's own composer does it; nobody addresses themselves."""
    heard = [*above.addresses, above.author] if above else []
    named = [people[handle] for handle in MENTION.findall(text) if handle in people]
    everyone = dict.fromkeys(([above.author] if above else []) + heard + named)
    return tuple(person for person in everyone if person != author)


def _changes(line: _Line) -> list[float]:
    return [line.seconds, *(edit.at for edit in line.edit), *([] if line.deleted is None else [line.deleted])]


def _snowflake(at: datetime, place: int) -> str:
    """An id as Mastodon makes them (lib/mastodon/snowflake.rb): milliseconds since 1970, then 16 bits."""
    return str(((at - _EPOCH) // timedelta(milliseconds=1)) << 16 | place & 0xFFFF)


def _words(today: date) -> dict[str, str]:
    """What the texts say of the date: the next 13th that is not a Thursday, so that "Thursday the 13th" is wrong."""
    year, month = today.year, today.month
    while date(year, month, 13) <= today or date(year, month, 13).weekday() == _THURSDAY:
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return {"month": _MONTHS[month - 1], "weekday": _WEEKDAYS[date(year, month, 13).weekday()]}
