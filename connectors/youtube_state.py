"""What is remembered of a YouTube channel between two pages, and how raw comments carry their place with them."""

from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, Self

from connectors.base import Json
from connectors.youtube_api import part_of
from monitor.core.text import excerpt

MOST_CREDIT = 120.0  # units that may be spent at once on walks through videos


@dataclass(slots=True)
class State:
    """What is remembered between two pages: the cursor.

    `mark` is when the newest thread was written, `new_at` when the newest were last asked for. `todo` are the steps of
    this poll that are still to come, `position` is where the first of them stands. `replies`
    are the threads whose replies are to be listed, `counts` how many replies the large ones had (by a digest of their
    id), `videos` how many comments each video had and in which hour it was last walked through, `queue` the videos
    to walk through.
    """

    since: str
    mark: str = ""
    new_at: str = ""
    channel: str = ""
    uploads: str = ""
    asked_at: str = ""
    n_again: int = 0
    todo: list[str] = field(default_factory=list)
    position: dict[str, Any] = field(default_factory=dict)
    replies: list[list[Any]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    videos: dict[str, list[int]] = field(default_factory=dict)
    queue: list[str] = field(default_factory=list)
    round_at: str = ""
    credit: float = MOST_CREDIT
    credited_at: str = ""
    refused_at: str = ""

    @classmethod
    def read(cls, cursor: Json, since: datetime) -> Self:
        """The cursor as stored, or a new one where there is none or it is of another make."""
        if isinstance(cursor, dict) and cursor.get("v") == 1:
            return cls(**{one.name: _copied(cursor[one.name]) for one in fields(cls) if one.name in cursor})
        return cls(since.isoformat())

    def as_json(self) -> Json:
        """What is stored."""
        return {"v": 1, **asdict(self)}


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(inner) for key, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, list) else value


def thread_raw(thread: Json, own: str, title: str, held: str = "") -> Json:
    """The raw comment on top of a thread."""
    bare = {name: value for name, value in thread.items() if name not in ("replies", "etag")}
    return {"thread": bare, "own": own, "title": title, "held": held}


def reply_raw(reply: Json, thread: str, video: str, own: str, title: str, held: str = "") -> Json:
    """The raw comment that answers a thread."""
    bare = {name: value for name, value in reply.items() if name != "etag"} if isinstance(reply, dict) else reply
    return {"reply": bare, "root": thread, "video": video, "own": own, "title": title, "held": held}


def video_raw(video: Json, own: str) -> Json:
    """The raw post that a video is, without the numbers that change all day."""
    return {"video": {"id": video.get("id"), "snippet": video.get("snippet")}, "own": own}


def is_own_post(video: Json, own: str) -> bool:
    """Whether this is a video of ours that people can see: the owner is shown drafts as well."""
    is_private = part_of(video, "status", "privacyStatus") == "private"
    return part_of(video, "snippet", "channelId") == own and not is_private


def title_of(video: Json) -> str:
    """The title as comments carry it."""
    title = part_of(video, "snippet", "title")
    return excerpt(title) if isinstance(title, str) else ""
