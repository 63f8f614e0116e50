"""What a channel is: one configured chat target, with pure rendering and a send that raises `monitor.errors`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from monitor.errors import Malformed
from monitor.http import HttpClient
from monitor.model import Notice


class ChannelSettings(BaseModel):
    """The part of a channel's configuration that its kind defines; each field's docstring is its manual."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True)


class MessageGone(Malformed):
    """The message that was to be changed is no longer there: leave it at that."""


@dataclass(frozen=True, slots=True)
class Message:
    """A rendered notice, ready to send: one or more payloads in order, and whether anything was cut to fit."""

    payloads: tuple[Mapping[str, Any], ...]
    is_truncated: bool = False


class Channel(Protocol):
    """Tells people in one place.

    `min_gap` is the pause that the target wants between two messages. `send` raises RateLimited, Unavailable,
    Unauthorized (hold the channel), Gone (the target is dead: hold it too) or Malformed (this message will
    never be accepted: abandon it).
    """

    kind: ClassVar[str]
    Settings: ClassVar[type[ChannelSettings]]
    min_gap: ClassVar[timedelta]

    def __init__(self, settings: Any, http: HttpClient) -> None: ...

    def render(self, notice: Notice, now: datetime) -> Message:
        """The notice as this target shows it; pure, within the target's limits, hostile text disarmed."""
        ...

    def send(self, message: Message, delivery_id: str, now: datetime) -> None:
        """Post it. The same `delivery_id` is passed at every attempt of the same delivery."""
        ...

    def check(self) -> None:
        """Say whether the target would take a message, without posting one, as far as the target lets us know."""
        ...


@runtime_checkable
class Live(Protocol):
    """What a channel has besides, whose messages can be changed after they were sent.

    Both raise what `Channel.send` raises.
    """

    def post(self, message: Message, delivery_id: str, now: datetime, follows: str) -> str:
        """Post it, below the message `follows` where that is not ""; what the target calls the new message."""
        ...

    def edit(self, ref: str, message: Message, now: datetime) -> None:
        """Put this message in the place of the one that `post` called `ref`.

        Raises: MessageGone where somebody deleted that one: it is not posted again.
        """
        ...


@runtime_checkable
class Searched(Protocol):
    """What a channel has besides, that can look for a message of which we do not know whether it arrived."""

    def find(self, delivery_id: str, since: datetime, follows: str) -> str:
        """What the target calls the message of this delivery, posted below `follows` after `since`; "": not found."""
        ...
