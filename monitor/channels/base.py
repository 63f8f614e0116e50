"""What a channel is: one configured chat target, with pure rendering and a send that raises `monitor.errors`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

from monitor.http import HttpClient
from monitor.model import Notice


class ChannelSettings(BaseModel):
    """The part of a channel's configuration that its kind defines; each field's docstring is its manual."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True)


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
