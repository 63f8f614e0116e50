"""What is remembered of a LinkedIn page between two pages of ours: the cursor."""

from copy import deepcopy
from dataclasses import asdict, dataclass, field, fields
from hashlib import blake2b
from typing import Any, Self

from connectors.base import Json

MOST_POSTS = 1_000
MOST_COUNTS = 4_000
MOST_MET = 1_000
LEAST_CREDIT = 40.0  # requests that walks may spend at first


@dataclass(slots=True)
class State:
    """The cursor. Times are seconds since 1970, but `since`, `begun`, `mark` and those of news are milliseconds.

    `since`: what is older is not read; `begun`: when the source was added; `mark`: the newest that the feed told.
    `todo` are the steps of this poll that are still to come, `news` and `listing` where feed and list of posts stand.
    `seen` and `deleted` are what the feed told lately. `wanted` are the comments and posts that it named and that are
    still to be fetched. `posts` are ours: "a" their name as an activity, "w" when they were last walked through, "p"
    when they were published or last commented on, "n" how many requests that took, "t" their beginning. `queue` are the
    posts to walk through, `walk` is where that stands, `replies` are the comments whose replies are to be listed,
    `crowd` is a walk that does not wait for credit. `counts` are how many replies comments had, and `met` the last ones
    without any (both by a digest of their number).
    """

    since: int
    begun: int
    mark: int = 0
    news_at: float = 0.0
    todo: list[str] = field(default_factory=list)
    news: dict[str, int] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    deleted: dict[str, int] = field(default_factory=dict)
    wanted: list[dict[str, Any]] = field(default_factory=list)
    listed_at: float = 0.0
    whole_at: float = 0.0
    listing: dict[str, Any] = field(default_factory=dict)
    posts: dict[str, dict[str, Any]] = field(default_factory=dict)
    queue: list[str] = field(default_factory=list)
    walk: dict[str, Any] = field(default_factory=dict)
    replies: list[list[Any]] = field(default_factory=list)
    crowd: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    met: dict[str, int] = field(default_factory=dict)
    credit: float = LEAST_CREDIT
    credited_at: float = 0.0
    can_read: bool = False  # whether comments were ever shown to us
    counted_at: float = 0.0
    warned_at: float = 0.0

    @classmethod
    def read(cls, cursor: Json, since: int, now: int, credit: float) -> Self:
        """The cursor as stored, or a new one where there is none or it is of another make."""
        if isinstance(cursor, dict) and cursor.get("v") == 1:
            return cls(**{one.name: deepcopy(cursor[one.name]) for one in fields(cls) if one.name in cursor})
        return cls(since, now, credit=credit)

    def as_json(self) -> Json:
        """What is stored."""
        return {"v": 1, **asdict(self)}

    def post_of(self, thread: str) -> str:
        """The post of ours that an activity is, "" where that is not known yet."""
        if thread in self.posts:
            return thread
        return next((urn for urn, post in self.posts.items() if thread and post["a"] == thread), "")

    def title_of(self, post: str) -> str:
        return str(self.posts[post]["t"]) if post in self.posts else ""

    def add_post(self, urn: str, walked_at: float, active_at: float, title: str) -> None:
        """Remember a post of ours, or its present title."""
        known = self.posts.setdefault(urn, {"a": "", "w": walked_at, "p": active_at, "n": 1, "t": title})
        known["t"] = title
        while len(self.posts) > MOST_POSTS:
            del self.posts[min(self.posts, key=lambda one: self.posts[one]["p"])]

    def count(self, number: str, n_replies: int) -> int | None:
        """Remember how many replies a comment has; returns how many it had, None where it was not known."""
        key = _digest(number)
        before = self.counts.pop(key, self.met.pop(key, None))
        kept, most = (self.counts, MOST_COUNTS) if n_replies else (self.met, MOST_MET)
        kept[key] = n_replies
        if len(kept) > most:
            del kept[next(iter(kept))]
        return before

    def has_met(self, number: str) -> bool:
        """Whether a comment on top was handed out lately, or has replies that were."""
        return _digest(number) in self.counts or _digest(number) in self.met

    def is_got(self, number: str) -> None:
        """Take a comment off what is still to be fetched."""
        self.wanted = [one for one in self.wanted if one["id"] != number]


def _digest(number: str) -> str:
    return blake2b(number.encode(), digest_size=6).hexdigest()
