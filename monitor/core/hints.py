"""Hints: what a platform tells us by itself. A hint makes its sources due; what is true is still what a poll reads."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from monitor.core.signatures import Signature

SHARE = 5  # hints may make a source's polls this many times as frequent as its interval, and no more


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


def gap(every: timedelta) -> timedelta:
    """The least time between two polls that hints ask for."""
    return max(every / SHARE, timedelta(seconds=1))


def is_welcome(source: Standing, every: timedelta, now: datetime) -> bool:
    """Whether a poll may be asked for now: not where it will come anyway, nor where the platform asked for patience.

    A next poll further away than the interval is one that the platform put off.
    """
    is_patient = source.is_held or source.is_failing or source.next_poll_at > now + every
    return not (source.is_closed or is_patient or source.is_requested)
