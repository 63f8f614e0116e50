"""What is remembered of a TikTok account between two pages."""

from copy import deepcopy
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, Self

from connectors.base import Json

MOST_VIDEOS, _MOST_COUNTS = 2_000, 2_000


@dataclass(slots=True)
class State:
    """What is remembered between two pages: the cursor; its times are seconds since 1970.

    `videos` has for each how many comments it had, in which hour all of them were last walked through, and when the
    newest was written. `queue` are the walks that are to come, `walk` is the one under way. `counts` says how many
    replies the comments with many had, `replies` which of them are to be listed. `todo` are the steps of this poll,
    `at` is where the list of videos stands, `sweep` are the videos to be walked through as a whole.
    """

    since: float
    business: str = ""
    username: str = ""
    name: str = ""
    asked_at: float = 0.0
    begun_at: float = 0.0
    round_at: float = 0.0
    is_round: bool = False
    sweep: list[str] = field(default_factory=list)
    n_again: int = 0
    n_walked: int = 0
    todo: list[str] = field(default_factory=list)
    at: int = 0
    n_listed: int = 0
    videos: dict[str, list[Any]] = field(default_factory=dict)
    queue: list[dict[str, Any]] = field(default_factory=list)
    walk: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    replies: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def read(cls, cursor: Json, since: datetime) -> Self:
        """The cursor as stored, or a new one where there is none or it is of another make."""
        if isinstance(cursor, dict) and cursor.get("v") == 1:
            return cls(**{one.name: deepcopy(cursor[one.name]) for one in fields(cls) if one.name in cursor})
        return cls(since.timestamp())

    def as_json(self) -> Json:
        """What is stored."""
        return {"v": 1, **asdict(self)}

    def keep_video(self, video: str, known: list[Any]) -> None:
        """Remember a video; the one that was not met for longest makes room."""
        self.videos.pop(video, None)
        self.videos[video] = known
        if len(self.videos) > MOST_VIDEOS:
            del self.videos[next(iter(self.videos))]

    def count_anew(self, key: str, n: int) -> int | None:
        """Remember how many replies a comment has; how many there were, None where that is not known."""
        before = self.counts.pop(key, None)
        self.counts[key] = n
        if len(self.counts) > _MOST_COUNTS:
            del self.counts[next(iter(self.counts))]
        return before
