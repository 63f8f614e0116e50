"""Signs that somebody else posts in our name: unlike all that this account has posted before.

Each sign alone is innocent (a guest post, a late evening); two together are told.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from monitor.core.own_posts.draft import Draft, OwnPost, PostFinding
from monitor.core.own_posts.links import links_in

_KNOWN = 8  # posts that an account must have shown before anything can be unlike it
_KNOWN_HOURS = 20
_KNOWN_LINKS = 5
_NEAR_HOURS = 2
_BURST = timedelta(minutes=10)
_BURST_SIZE = 4
_LEAST_SIGNS = 2
_LURES = re.compile(
    r"\b(?:crypto|bitcoin|btc|ethereum|airdrop|nfts?|forex|giveaway|double your|guaranteed (?:profit|returns?)|"
    r"claim (?:now|yours|your)|limited spots|telegram|whats?app \+?\d|dm me|i am selling|ray.?bans?|90 ?% off|"
    r"investment platform|passive income|onlyfans|gewinnspiel|krypto|criptomonedas?|sorteo|cadeau gratuit)\b",
    re.IGNORECASE,
)


def unlike_us(draft: Draft) -> PostFinding | None:
    """Two or more of: another language, a link never used, an hour never used, a burst, the words of a swindle."""
    before = [other for other in draft.others if other.created_at < draft.post.created_at - _BURST]
    if len(before) < _KNOWN:
        return None
    signs = list(_signs(draft, before))
    if len(signs) < _LEAST_SIGNS:
        return None
    words = tuple(dict.fromkeys(match.group() for match in _LURES.finditer(draft.post.text)))[:5]
    return PostFinding("unlike_us", "unlike this account: " + "; ".join(signs), words)


def _signs(draft: Draft, before: Sequence[OwnPost]) -> Iterator[str]:
    post = draft.post
    languages = Counter(other.language for other in before if other.language)
    if post.language and languages.total() >= _KNOWN and not languages[post.language]:
        yield f"written in {post.language}, where it was always {', '.join(sorted(languages))}"
    yield from _strange_links(post, before)
    hours = {other.created_at.astimezone(draft.zone).hour for other in before}
    hour = draft.local_time.hour
    if len(before) >= _KNOWN_HOURS and all(_apart(hour, other) > _NEAR_HOURS for other in hours):
        yield f"posted at {draft.local_time:%H:%M}, when it never posts"
    n_now = _n_within(post, [*draft.others, post])
    if n_now >= _BURST_SIZE and max(_n_within(other, before) for other in before) * 2 <= n_now:
        yield f"{n_now} posts within {_BURST.seconds // 60} minutes"
    if _LURES.search(post.text) and not any(_LURES.search(other.text) for other in before):
        yield "the words of a swindle, which it never used"


def _strange_links(post: OwnPost, before: Sequence[OwnPost]) -> Iterator[str]:
    known = [_domain(link) for other in before for link in links_in(other.text)]
    strange = [domain for link in links_in(post.text) if (domain := _domain(link)) not in known]
    if strange and len(known) >= _KNOWN_LINKS:
        yield f"a link to {strange[0]}, where it never linked"


def _domain(link: str) -> str:
    """The last two labels of a link's host: enough to tell an account's usual places from a new one."""
    return ".".join((urlsplit(link).hostname or "").rsplit(".", 2)[-2:])


def _apart(hour: int, other: int) -> int:
    ahead = (hour - other) % 24
    return min(ahead, 24 - ahead)


def _n_within(post: OwnPost, posts: Sequence[OwnPost]) -> int:
    """How many of these posts were published in the ten minutes that end with this one."""
    return sum(timedelta(0) <= post.created_at - other.created_at <= _BURST for other in posts)
