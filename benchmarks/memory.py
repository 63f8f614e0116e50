"""Connectors for the daemon's own process, named in its configuration by dotted path: they answer from memory."""

import time
from datetime import datetime
from random import Random
from typing import Any, ClassVar

from connectors.base import Abilities, ConnectorSettings, Known, Page, Rechecked
from monitor.http import HttpClient
from monitor.model import Author, Comment


class Quiet:
    """A place where nothing new is ever said."""

    platform: ClassVar[str] = "memory"
    Settings: ClassVar[type[ConnectorSettings]] = ConnectorSettings
    abilities: ClassVar[Abilities] = Abilities()

    def __init__(self, settings: ConnectorSettings, http: HttpClient) -> None:
        pass

    def fetch_page(self, cursor: Any, now: datetime) -> Page:
        return Page([], "here")

    def normalise(self, raw: Any) -> Comment | None:
        raise ValueError(f"nothing was said, and yet: {raw!r}")

    def recheck(self, known: Any) -> Rechecked:
        raise AssertionError("abilities say that there is none")


class StreamSettings(ConnectorSettings):
    n: int
    """How many comments it says."""
    pause: float
    """Seconds that an answer takes on average."""


class Stream:
    """An angry customer with each answer, which carries the instant at which it was in hand."""

    platform: ClassVar[str] = "memory"
    Settings: ClassVar[type[ConnectorSettings]] = StreamSettings
    abilities: ClassVar[Abilities] = Abilities()

    def __init__(self, settings: StreamSettings, http: HttpClient) -> None:
        self._settings, self._chance = settings, Random(7)

    def fetch_page(self, cursor: Any, now: datetime) -> Page:
        number = cursor or 0
        if number >= self._settings.n:
            return Page([], number)
        time.sleep(self._settings.pause * self._chance.uniform(0.5, 1.5))  # the platform takes its time
        raw = {"number": number, "at": now, "returned_ns": time.monotonic_ns()}
        return Page([raw], number + 1, more=number + 1 < self._settings.n)

    def normalise(self, raw: Any) -> Comment:
        number = raw["number"]
        return Comment(
            native_id=f"c{number}",
            kind="comment",
            text=f"Visit {number}: this is UNACCEPTABLE, the worst service ever, you should be ashamed!!!",
            author=Author(f"person{number}", f"Person {number}"),
            created_at=raw["at"],
            permalink=f"https://p.example/c/{number}?returned_ns={raw['returned_ns']}",
            subject_native_id=f"post{number}",
        )

    def recheck(self, known: list[Known]) -> Rechecked:
        raise AssertionError("abilities say that there is none")
