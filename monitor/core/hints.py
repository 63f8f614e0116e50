"""Hints: what a platform tells us by itself. A hint makes its sources due; what is true is still what a poll reads."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from monitor.core.signatures import Signature

BURST = 10  # polls that hints may ask for at once; what is used comes back at two in an interval
LEAST_GAP = timedelta(seconds=10)  # between two of them
SETTLES_IN = timedelta(seconds=1)  # so long nothing more must have come before a poll is asked for
SETTLES_BY = timedelta(seconds=5)  # and so long it is waited for that at most


@dataclass(frozen=True, slots=True)
class Named:
    """What a hint names and no list of the platform shows: it can only be read by its id (as connectors.base.Known)."""

    native_id: str
    subject_native_id: str | None = None
    root_native_id: str | None = None


@dataclass(frozen=True, slots=True)
class Hint:
    """That there is something new: `about` which account of ours, and for sources that `watch` what ("": any)."""

    about: str = ""
    watch: str = ""
    at: datetime | None = None  # when it happened, where the platform says so
    named: Named | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """What we ask a WebSub hub for."""

    hub: str
    topic: str


@dataclass(frozen=True, slots=True)
class Push:
    """How a platform tells us something; the `push` of a connector's class.

    `read` is pure and raises ValueError for a body that it cannot read. `challenge` is how the platform makes sure
    that the address is ours: by a "token" that we chose (Meta), a "crc" to be signed (X), or a "topic" that we
    subscribed to (WebSub), for which `subscription` is built from a source's settings and the id of our account.
    `window` is for how long a delivery may be repeated.
    """

    signature: Signature
    read: Callable[[bytes], Sequence[Hint]]
    challenge: Literal["token", "crc", "topic"]
    window: timedelta
    media_types: Sequence[str] = ("application/json",)
    subscription: Callable[[Any, str], Subscription] | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A source, as it is decided whether a hint makes it due."""

    id: str
    own_author_ids: Collection[str]
    next_poll_at: datetime
    is_closed: bool = False
    is_held: bool = False  # its account waits, as its platform asked
    is_failing: bool = False
    is_requested: bool = False  # a poll was asked for already and has not begun


def concerns(hint: Hint, watch: str, own_author_ids: Collection[str]) -> bool:
    """Whether a hint is about a source that watches this, and whose own accounts are these (none: not learned yet)."""
    is_watched = not hint.watch or not watch or hint.watch == watch
    return is_watched and (not hint.about or not own_author_ids or hint.about in own_author_ids)


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many polls hints may still ask for, as it was at an instant, and when they last did."""

    n: float
    at: datetime
    asked_at: datetime | None = None


def allowance(was: Allowance | None, every: timedelta, now: datetime) -> Allowance:
    """What it has grown to by now: hints that never end make no more than two polls in a source's interval."""
    if was is None:
        return Allowance(BURST, now)
    return Allowance(min(float(BURST), was.n + 2 * (now - was.at) / every), now, was.asked_at)


def is_allowed(present: Allowance, every: timedelta) -> bool:
    """Whether hints may ask for a poll at the instant of this allowance."""
    waited = None if present.asked_at is None else present.at - present.asked_at
    return present.n >= 1 and (waited is None or waited >= min(LEAST_GAP, every))


def spend(present: Allowance) -> Allowance:
    """The allowance after one poll was asked for."""
    return Allowance(present.n - 1, present.at, present.at)


def has_settled(first_at: datetime, last_at: datetime, now: datetime) -> bool:
    """Whether what came between these instants is made polls of now: a flood is waited for, but not for long."""
    return now - last_at >= SETTLES_IN or now - first_at >= SETTLES_BY


def is_welcome(source: Standing, every: timedelta, now: datetime) -> bool:
    """Whether a poll may be asked for now: not where it will come anyway, nor where the platform asked for patience.

    A next poll further away than the interval is one that the platform put off.
    """
    is_patient = source.is_held or source.is_failing or source.next_poll_at > now + every
    return not (source.is_closed or is_patient or source.is_requested)
