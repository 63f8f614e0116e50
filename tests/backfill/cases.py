"""The platforms that are read, what each shows to a reader, and how late a reply may be found by its own page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from math import ceil
from typing import Any

from tests.backfill.brand import Size
from tests.platforms import app_store_rss
from tests.platforms.base import Entry, FakePlatform

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


def _newest(fake: FakePlatform) -> set[str]:
    """Yelp and Tripadvisor: the few newest reviews of each place in each language, and what was answered to those."""
    module = import_module(type(fake).__module__)
    places: tuple[str, ...] = getattr(module, "BUSINESSES", ()) or module.LOCATIONS
    found = set[str]()
    for place in places:
        by_language: dict[str, list[Entry]] = {}
        for one in fake.reviews_of(place):  # type: ignore[attr-defined]
            by_language.setdefault(fake.language_of(one), []).append(one)  # type: ignore[attr-defined]
        found |= {fake.native_id(one.key) for some in by_language.values() for one in some[: module.SHOWN]}
    return {one for one in fake.expected() if one.removesuffix("/response") in found}


def _newest_500(fake: FakePlatform) -> set[str]:
    """The App Store's feed: the newest 500 reviews of each app."""
    found = [one for app in app_store_rss.APPS for one in app_store_rss.reviews_of(fake.world, app)[:500]]
    return {fake.native_id(one.key) for one in found}


class _Still(dict[str, int]):
    """Counts of videos that stand still from when they were first asked for."""

    def get(self, key: str, default: Any = None) -> Any:
        return self.setdefault(key, default)


class _Everything(set[str]):
    """Has whatever is asked for."""

    def __contains__(self, _: object) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Case:
    """One platform. `late` are the things written on the year-old post, `stated` within what they must be found."""

    name: str
    variant: str = ""
    told: str = ""  # what is special about it, for the table
    every: timedelta = 5 * MINUTE
    settings: Mapping[str, Any] = field(default_factory=dict)
    budget: float | None = None  # of the account, where it is not what the connector says
    fake: Mapping[str, Any] = field(default_factory=dict)  # what is different about the fake
    page_size: int = 100  # at most; each platform gives less where it does
    is_alive: bool = True  # whether anybody still writes there
    shown: Callable[[FakePlatform], set[str]] = _all
    late: tuple[str, ...] = ("comment", "reply")
    stated: Stated = lambda _size: None
    most_to_read: timedelta = 3 * DAY
    price: float | None = None  # of a comment, at most, with all that is read beside it; in the unit of the budget

    @property
    def label(self) -> str:
        special = self.told or self.variant
        return f"{self.name} ({special})" if special else self.name


def _per(every: timedelta, posts: int) -> Stated:
    """A poll for each so many posts, and one for the posts that were passed at this moment."""
    return lambda size: every * (ceil(size.n_posts / posts) + 1)


_OUR_REPLY = ("our reply",)
# LinkedIn shows the limits of its Standard tier to each application alone; its Development tier has 100 a day, which
# 20,000 comments would take weeks of.
_STANDARD_TIER: Mapping[str, Any] = {"settings": {"sweep_a_day": 4_000}, "budget": 5_000}
CASES = (
    Case("mastodon", "own_posts", stated=lambda _size: DAY),
    Case("facebook", stated=_per(5 * MINUTE, 25)),
    Case("instagram", stated=lambda size: 5 * MINUTE * (ceil(size.n_posts / 20) + 1) + 11 * MINUTE),
    Case("reddit", "account", every=MINUTE, stated=lambda size: MINUTE * min(10, ceil(size.n_posts / 100) + 1)),
    Case("reddit", "search", every=MINUTE, stated=lambda size: MINUTE * min(10, ceil(size.n_posts / 100) + 1)),
    Case(
        "x",
        settings={"archive": True},
        stated=lambda size: 12 * HOUR + 5 * MINUTE * ceil(size.n_posts / 12),
        price=1.6,  # US cents: half a cent, a cent for its author, and what stands above it
    ),
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
    Case(
        "app_store_rss",
        every=30 * MINUTE,
        fake={"deepest": 10},
        page_size=50,
        shown=_newest_500,
        late=("comment",),
        stated=lambda _size: 30 * MINUTE,
    ),
    Case("linkedin", told="5,000 a day", every=30 * MINUTE, **_STANDARD_TIER, stated=lambda _size: 30 * MINUTE),
    Case(
        "linkedin",
        told="5,000 a day, silent feed",
        every=30 * MINUTE,
        **_STANDARD_TIER,
        fake={"silent": _Everything()},
        stated=lambda size: 7 * DAY + 30 * MINUTE + DAY * ((size.n_posts + size.n_comments / 100) / 4_000),
    ),
    Case("tiktok", stated=lambda _size: 25 * MINUTE),
    Case(
        "tiktok",
        told="counts stand still",
        fake={"frozen": _Still()},
        stated=lambda size: DAY + 20 * MINUTE * ceil(size.n_posts / 4),
    ),
    Case("yelp", every=2 * HOUR, shown=_newest, late=("comment",), stated=lambda _size: 2 * HOUR),
    Case(
        "tripadvisor",
        every=3 * HOUR,
        shown=_newest,
        late=("comment", "our reply to the newest"),
        stated=lambda _size: 15 * HOUR,
    ),
    Case("google_plus", "zip of JSON", every=HOUR, is_alive=False, late=()),
)
