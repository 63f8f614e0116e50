"""Telling: which of a notice's recipients are told now, and which have it in their next digest, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitor.core.calendar import Calendar


@dataclass(frozen=True, slots=True)
class Cap:
    """How many messages there may be in each hour and in each day; 0 is as many as there are."""

    per_hour: int = 0
    per_day: int = 0


NO_CAP = Cap()


@dataclass(frozen=True, slots=True)
class Quiet:
    """When nobody wants to be told: inside the hours of a calendar, or outside of them."""

    calendar: Calendar
    is_inside: bool

    def ends(self, at: datetime) -> datetime:
        """The first instant from `at` on at which they may be told."""
        return self.calendar.closes(at) if self.is_inside else self.calendar.opens(at)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is told: by which channels, when, and how much at most.

    `calendar` has the hours in which they may be told. `handles` is what each kind of chat calls them ("slack"),
    for what they say there.
    """

    id: str
    name: str
    channels: tuple[str, ...]
    calendar: Calendar
    handles: Mapping[str, str] = field(default_factory=dict)
    cap: Cap = NO_CAP
