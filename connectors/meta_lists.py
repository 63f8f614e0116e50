"""What the lists of Facebook and Instagram are told by: what is asked for, how it is understood, what is remembered."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from connectors.base import Json


@dataclass(frozen=True, slots=True)
class Listing:
    """One list of posts. `fields` has the newest comments embedded; `fallback` is asked for where that is refused.

    `is_optional`: where the token may not read it the others go on. `only_ours`: of the comments only our own are
    wanted (somebody else's post that names us). `needs_next` as in `next_position`.
    """

    name: str
    path: str
    fields: str
    params: tuple[tuple[str, str], ...] = ()
    size: int = 25
    is_optional: bool = False
    only_ours: bool = False
    needs_next: bool = True


class Dialect(Protocol):
    """What differs between Facebook and Instagram."""

    walk_size: int

    def count(self, post: Json) -> int | None:
        """The number of comments below a post, as the platform counts; None where it does not tell."""
        ...

    def on(self, post: Json, own: str, listing: str) -> Json:
        """What each comment must know of the post above it; None where the post cannot be told from others."""
        ...

    def raw_post(self, post: Json, own: str, listing: str) -> Json | None:
        """The raw comment that the post itself is, None where it is none of its own."""
        ...

    def created(self, row: Json) -> int | None:
        """When a post or comment was written, in unix seconds."""
        ...

    def is_ours(self, row: Json, own: str) -> bool: ...

    def is_known(self, post: Json, listing: str, seen: dict[str, Any]) -> bool:  # noqa: ARG002 - for those who need it
        """Whether a post of a list is read as one of another list."""
        return False

    def flat(self, rows: list[Json], above: str = "") -> Iterator[tuple[Json, str]]:
        """The rows, which answer the comment `above`, with those nested in them; each with its id where there are
        more nested in it than came along, and "" otherwise."""
        ...

    def below(self, object_id: str, *, is_comment: bool) -> tuple[str, dict[str, Any]]:
        """The path and parameters that list what is below an object."""
        ...


def new_state(now: datetime, backfill: timedelta) -> dict[str, Any]:
    """The state of a source that was never read; times are unix seconds."""
    since = int((now - backfill).timestamp())
    return {"v": 1, "since": since, "lists": {}, "seen": {}, "walks": [], "top_at": 0, "turn": 0}


def new_list(size: int) -> dict[str, Any]:
    """The state of a list that was never read: `after` is where its sweep goes on, `off` since when it is refused."""
    return {"after": {}, "first": True, "size": size, "off": 0, "again": 0}
