"""What a fake platform is: a world that a test changes, served as a platform's real API, able to fail on demand.

The contract suite knows nothing else of a platform: it changes the `World`, lets the connector read the fake and
compares. A fake reads the world at each request (or in `changed`, where it has files to write instead).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from threading import RLock
from typing import Any, ClassVar, Self

from monitor.model import Team

BRAND = "brand"  # the author who is us
START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    """One utterance of the world. `key` is the world's own name for it; each fake has native ids of its own.

    `post` is the key of the post it hangs under (None for a post), `reply_to` that of the comment it answers.
    `created_at` is what the platform says, `arrived_at` when the platform began to show it (later where a
    comment was held for moderation or came from another server).
    """

    key: str
    number: int  # 1, 2, 3... in order of arrival: what native ids are made of
    by: str
    text: str
    created_at: datetime
    arrived_at: datetime
    post: str | None = None
    reply_to: str | None = None
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    is_private: bool = False

    @property
    def is_post(self) -> bool:
        return self.post is None

    @property
    def is_ours(self) -> bool:
        return self.by == BRAND


class World:
    """Posts and comments, and a clock that moves only when the test says so. Threads may use it side by side."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now
        self.lock = RLock()
        self._entries: dict[str, Entry] = {}
        self._listeners: list[Callable[[], None]] = []

    def listen(self, listener: Callable[[], None]) -> None:
        """Call this after each change."""
        self._listeners.append(listener)

    def advance(self, by: timedelta = timedelta(minutes=5)) -> datetime:
        """Move the clock; returns the new now."""
        self.now += by
        return self.now

    def post(self, text: str = "We are open on Sunday.", by: str = BRAND) -> str:
        """Publish a post (by default our own); returns its key."""
        return self._add("p", by, text, self.now)

    def comment(
        self,
        post: str,
        text: str = "",
        by: str = "kim",
        reply_to: str | None = None,
        at: datetime | None = None,
        is_private: bool = False,
    ) -> str:
        """Comment on a post, or answer a comment of it; returns the key.

        `at`: the platform says it was written then, although it shows it only from now on.
        """
        return self._add("c", by, text, at or self.now, post=post, reply_to=reply_to, is_private=is_private)

    def reply(self, to: str, text: str = "We are sorry and will see to it.", by: str = BRAND) -> str:
        """Answer a comment (by default as the brand); returns the key."""
        post = self[to].post
        assert post is not None, "reply answers a comment; to speak under a post use comment"
        return self.comment(post, text, by, reply_to=to)

    def edit(self, key: str, text: str) -> None:
        """Change a text; the platform shows that it was edited, where it can."""
        self._put(replace(self[key], text=text, edited_at=self.now))

    def delete(self, key: str) -> None:
        """Delete one utterance; what hangs below it stays, as far as the platform keeps it."""
        self._put(replace(self[key], deleted_at=self.now))

    def __getitem__(self, key: str) -> Entry:
        return self._entries[key]

    @property
    def entries(self) -> list[Entry]:
        """All of them, the deleted too, in order of arrival."""
        with self.lock:
            return list(self._entries.values())

    @property
    def comments(self) -> list[Entry]:
        """The comments that exist now, in order of arrival."""
        return [entry for entry in self.entries if not entry.is_post and entry.deleted_at is None]

    @property
    def posts(self) -> list[Entry]:
        """The posts that exist now, in order of arrival."""
        return [entry for entry in self.entries if entry.is_post and entry.deleted_at is None]

    def _add(self, prefix: str, by: str, text: str, at: datetime, **place: Any) -> str:
        with self.lock:
            number = len(self._entries) + 1
            key = f"{prefix}{number}"
            self._put(Entry(key, number, by, text or f"Comment number {number}.", at, self.now, **place))
        return key

    def _put(self, entry: Entry) -> None:
        with self.lock:
            self._entries[entry.key] = entry
            for listener in self._listeners:
                listener()


class Fault(StrEnum):
    """How a platform fails; what each must become is the contract suite's table."""

    RATE_LIMITED = "429 with Retry-After"
    UNAUTHORIZED = "401"
    FORBIDDEN = "403"
    NOT_FOUND = "404"
    SERVER_ERROR = "500"
    OVERLOADED = "503"
    RESET = "connection reset"
    SLOW_DRIP = "an answer that drips and never ends"
    TRUNCATED = "a complete answer holding half of the JSON"
    CUT_OFF = "connection closed in the middle of the body"
    HTML = "an HTML page with status 200"
    OVERSIZE = "a body larger than anyone reads"


class FakePlatform(ABC):
    """Serves a world as one platform; use it as a context manager.

    A fake for something that is not read over HTTP (files) sets `exempt_faults` to the reason of each fault that
    cannot happen there.
    """

    secret: ClassVar[str] = ""
    """The credential that `source_settings` hands to the connector, "" where it takes none; the suite looks for it
    in every error text."""
    exempt_faults: ClassVar[Mapping[Fault, str]] = {}
    cursors_never_expire: ClassVar[str] = ""
    """Why positions of this platform cannot expire; "" where they can, and then `expire_cursors` is overridden."""
    shows_no_replies: ClassVar[str] = ""
    """Why not even the brand's own replies can be seen there; "" where they can."""
    variants: ClassVar[tuple[str, ...]] = ("",)
    """The ways in which a source of this platform can be set up; the suite tests each, and says which in `variant`."""

    def __init__(self, world: World, folder: Path) -> None:
        """`folder` is an empty folder that the fake may use."""
        self.world, self.folder = world, folder
        self.page_size = 20
        self.n_requests = 0
        self.variant = self.variants[0]
        world.listen(self.changed)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @abstractmethod
    def start(self) -> None:
        """Begin to serve."""

    @abstractmethod
    def stop(self) -> None:
        """End all threads, sockets and files."""

    @abstractmethod
    def source_settings(self) -> dict[str, Any]:
        """The connector's settings, as they would stand in heedful.toml, to read this fake."""

    @abstractmethod
    def native_id(self, key: str) -> str:
        """The native id that the connector must give to this entry of the world."""

    def expected(self) -> set[str]:
        """The native ids that a complete read gives now: the comments, and the posts where the connector sees them."""
        return {self.native_id(entry.key) for entry in self.world.comments}

    def team(self) -> Team:
        """How the operator would name the brand's people, where the connector cannot learn it from the platform."""
        return Team()

    def changed(self) -> None:  # noqa: B027
        """Called after each change of the world; for fakes that write files."""

    def fail(self, fault: Fault, times: int = 1, after: int = 0, retry_after: int = 7) -> None:
        """Let the next `times` requests fail so, after `after` good ones; `retry_after` is in seconds."""
        raise NotImplementedError(self.exempt_faults.get(fault, f"{type(self).__name__} cannot fail with {fault}"))

    def heal(self) -> None:  # noqa: B027
        """Forget the faults that are still to come."""

    def expire_cursors(self) -> None:
        """Make every position that was handed out until now unknown to the server, as the real platform does it."""
        raise NotImplementedError
