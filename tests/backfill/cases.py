"""The platforms that are read, what each shows to a reader, and how late a reply may be found by its own page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from math import ceil
from typing import Any

from tests.backfill.brand import Size
from tests.platforms.base import FakePlatform

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Stated = Callable[[Size], timedelta | None]


def _all(fake: FakePlatform) -> set[str]:
    return fake.expected()


def _lately(fake: FakePlatform) -> set[str]:
    """Google Play: what was written or changed in the last week; one day less, since the read takes a while."""
    oldest = fake.world.now - timedelta(days=6)
    comments = {entry.key: entry for entry in fake.world.comments}
    told = [one for one in comments.values() if one.created_at >= oldest]
    fresh = [
        one for one in told if not (one.is_ours and one.reply_to) or comments[one.reply_to or ""].created_at >= oldest
    ]
    answers = {one.reply_to: one for one in fresh if one.is_ours and one.reply_to}
    last = {one.key for one in answers.values()}
    return {fake.native_id(one.key) for one in fresh if not (one.is_ours and one.reply_to) or one.key in last}


@dataclass(frozen=True, slots=True)
class Case:
    """One platform. `late` are the things written on the year-old post, `stated` within what they must be found."""

    name: str
    variant: str = ""
    every: timedelta = 5 * MINUTE
    settings: Mapping[str, Any] = field(default_factory=dict)
    fake: Mapping[str, Any] = field(default_factory=dict)  # what is different about the fake
    shown: Callable[[FakePlatform], set[str]] = _all
    late: tuple[str, ...] = ("comment", "reply")
    stated: Stated = lambda _size: None
    most_to_read: timedelta = 3 * DAY

    @property
    def label(self) -> str:
        return f"{self.name} ({self.variant})" if self.variant else self.name


def _per(every: timedelta, posts: int) -> Stated:
    """A poll for each so many posts, and one for the posts that were passed at this moment."""
    return lambda size: every * (ceil(size.n_posts / posts) + 1)


_OUR_REPLY = ("our reply",)
CASES = (
    Case("mastodon", "own_posts", stated=lambda _size: DAY),
    Case("facebook", stated=_per(5 * MINUTE, 25)),
    Case("instagram", stated=lambda size: 5 * MINUTE * (ceil(size.n_posts / 20) + 1) + 11 * MINUTE),
    Case("reddit", "account", every=MINUTE, stated=lambda size: MINUTE * min(10, ceil(size.n_posts / 100) + 1)),
    Case("reddit", "search", every=MINUTE, stated=lambda size: MINUTE * min(10, ceil(size.n_posts / 100) + 1)),
    Case("x", settings={"archive": True}, stated=lambda size: 12 * HOUR + 5 * MINUTE * ceil(size.n_posts / 12)),
    Case("threads", stated=lambda size: 6 * HOUR + 5 * MINUTE * ceil(size.n_posts / 8)),
    Case("youtube", "owner", stated=lambda size: 20 * MINUTE + MINUTE * (size.n_posts / 2 + size.n_comments / 200)),
    Case("wordpress", "moderator", stated=lambda _size: 5 * MINUTE),
    Case("isso", "latest", stated=lambda _size: 5 * MINUTE),
    Case("google_play", "token", every=10 * MINUTE, shown=_lately, late=()),
    Case(
        "google_business",
        every=30 * MINUTE,
        late=_OUR_REPLY,
        stated=lambda size: 7 * DAY + 30 * MINUTE * ceil(size.n_comments / 250),
    ),
    Case(
        "trustpilot",
        "private",
        every=30 * MINUTE,
        late=_OUR_REPLY,
        stated=lambda size: 7 * DAY + 30 * MINUTE * ceil(size.n_comments / 500),
    ),
    Case("app_store", every=30 * MINUTE, late=_OUR_REPLY, stated=lambda _size: 7 * DAY),
)
