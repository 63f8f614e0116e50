"""What the feeds connector remembers between two pages; its cursor is this as JSON."""

from datetime import datetime
from hashlib import blake2b
from typing import Self

from pydantic import BaseModel, Field, ValidationError

from connectors.base import Json
from connectors.feed_formats import Entry

N_KNOWN, N_KNOWN_OF_POST = 400, 40  # entries remembered, of the feed itself and of each post's comment feed
N_POSTS = 50  # whose comment feeds are read


def digest(of: str | bytes) -> str:
    """A short name for an id or a body: the cursor is rewritten at each poll and must stay small."""
    data = of if isinstance(of, bytes) else of.encode("utf-8", "surrogatepass")
    return blake2b(data, digest_size=8).hexdigest()


class State(BaseModel):
    """What we know of one feed. `known`: digest of an entry's id -> (when it was written, its version)."""

    etag: str = ""
    modified: str = ""
    body: str = ""
    ttl_s: int = 0
    max_age_s: int = 0
    known: dict[str, tuple[int, str]] = {}
    deep_at: datetime | None = None  # the last read that went as far back as it should

    @property
    def pause_s(self) -> int:
        return max(self.ttl_s, self.max_age_s)


class Post(BaseModel):
    """A post whose comment feed we read; `n` is how many comments it said to have when we last did."""

    url: str
    title: str = ""
    link: str = ""
    published_at: datetime
    n: int | None = None
    n_now: int | None = None
    read_at: datetime | None = None
    state: State = Field(default_factory=State)


class Walk(BaseModel):
    """A read in progress, page after page: of the comments on one post (its id is `of`) or of the feed itself."""

    begun_at: datetime
    of: str = ""
    url: str = ""  # the next page
    back_to: datetime | None = None  # None: only until something known is met
    seen: dict[str, tuple[int, str]] = {}
    met_known: bool = False
    n_pages: int = 0
    n_stalled: int = 0  # pages in a row without anything new
    n_restarts: int = 0


class Cursor(BaseModel):
    """Where the connector stands. `queue` are the posts whose comments are read next."""

    feed: State = Field(default_factory=State)
    posts: dict[str, Post] = {}
    queue: list[str] = []
    walk: Walk | None = None

    @classmethod
    def load(cls, cursor: Json) -> Self:
        """The stored one; one that another version wrote and this one cannot read means to begin anew."""
        try:
            return cls.model_validate(cursor or {})
        except ValidationError:
            return cls()

    def dump(self) -> Json:
        return self.model_dump(mode="json", exclude_defaults=True)

    def state(self, walk: Walk) -> State:
        return self.posts[walk.of].state if walk.of else self.feed

    def next_in_queue(self) -> str:
        """The id of the post to read now, or "" for the feed itself."""
        while self.queue:
            if (post_id := self.queue.pop(0)) in self.posts:
                return post_id
        return ""

    def note_post(self, entry: Entry, published_at: datetime) -> None:
        """A post stands in the feed: remember where its comments are, and forget the oldest of too many."""
        if not entry.comments_url:
            return
        post = self.posts.setdefault(entry.id, Post(url=entry.comments_url, published_at=published_at))
        post.url, post.title, post.link, post.n_now = entry.comments_url, entry.title, entry.link, entry.n_comments
        if len(self.posts) > N_POSTS:
            del self.posts[min(self.posts, key=lambda post_id: self.posts[post_id].published_at)]

    def longest_unread(self, n: int) -> list[str]:
        """The posts to read next: those whose number of comments changed, then the longest unread."""

        def order(post_id: str) -> tuple[bool, bool, float]:
            post = self.posts[post_id]
            return post.n_now == post.n, post.read_at is not None, post.read_at.timestamp() if post.read_at else 0.0

        return sorted(self.posts, key=order)[:n]

    def end_walk(self, walk: Walk, now: datetime, has_read: bool) -> None:
        """Remember what the walk saw, before what was known earlier."""
        self.walk = None
        if walk.of and walk.of not in self.posts:
            return
        state = self.state(walk)
        if has_read:
            known = walk.seen | {key: value for key, value in state.known.items() if key not in walk.seen}
            state.known = dict(list(known.items())[: N_KNOWN_OF_POST if walk.of else N_KNOWN])
            if walk.back_to is not None:
                state.deep_at = now
        if walk.of:
            post = self.posts[walk.of]
            post.n, post.read_at = post.n_now, now
