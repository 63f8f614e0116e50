"""Reads feeds of comments: RSS 2.0, Atom and JSON Feed, for any blog or forum without an API of its own.

A feed is a window on the newest entries. So the connector remembers what it has seen, goes on to older pages until
it meets that again, and says so when there are no older pages and something may have passed unseen. Once a day it
looks deeper, for what was approved late or edited. Native ids are "<host of the feed>:<id of the entry>".
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, ClassVar, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import AfterValidator, Field

from connectors.base import Abilities, ConnectorSettings, Json, Known, Page, Rechecked
from connectors.feed_comments import RawEntry, to_comment
from connectors.feed_cursor import Cursor, State, Walk, digest
from connectors.feed_formats import Entry, FeedPage, read_feed
from monitor.errors import Gone, Malformed, RemoteError, Unauthorized
from monitor.http import Answer, HttpClient
from monitor.model import Comment

MAX_PAGES = 200  # of one walk
MAX_STALLED, MAX_STALLED_GUESSING = 50, 2  # pages without anything new, by the feed's own links and by guessed ones
GIVE_UP = timedelta(hours=6)  # a walk that an unreadable older page stops for so long must not stop what is new


def _checked_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("give the address of the feed, beginning with https:// or http://")
    return url


class FeedsSettings(ConnectorSettings):
    """Which feed, and what its entries are."""

    url: Annotated[str, AfterValidator(_checked_url)]
    """The address of the feed, such as https://blog.example/comments/feed/"""
    kind: Literal["comment", "review", "mention"] = "comment"
    """What its entries are: comments, reviews, or mentions (a feed of search results)."""
    follow_comments: bool = False
    """The feed lists posts, and each names the feed of its comments: read those."""
    posts_per_poll: int = Field(default=5, ge=1, le=50)
    """How many comment feeds of posts one poll reads, the longest unread first (with `follow_comments`)."""
    own_authors: tuple[str, ...] = ()
    """Our own people as the feed names them: author addresses, or names where the site lets nobody take them."""
    reread: timedelta = timedelta(days=7)
    """How far back the daily deeper look goes, for comments that were approved late or edited."""
    reread_every: timedelta = timedelta(days=1)
    """How often the deeper look is made."""
    longest_pause: timedelta = timedelta(hours=1)
    """The longest that the feed's own ttl or cache headers may keep us from asking again."""


class Feeds:
    """One feed, with the comment feeds of its posts where it is told to follow them."""

    platform: ClassVar[str] = "feeds"
    Settings: ClassVar[type[FeedsSettings]] = FeedsSettings
    abilities: ClassVar[Abilities] = Abilities(
        deletions="a feed drops old entries and deleted ones alike: that one is missing says nothing",
        own_posts="a feed of comments does not hold the posts; only with follow_comments are they read",
    )

    def __init__(self, settings: FeedsSettings, http: HttpClient) -> None:
        self._settings, self._http = settings, http
        self._host = urlsplit(settings.url).netloc.rpartition("@")[2].lower()
        self._own = frozenset(own.casefold() for own in settings.own_authors)

    def fetch_page(self, cursor: Json, now: datetime) -> Page:
        """Fetch the next page of the read in progress, or begin a new one.

        Raises: what `HttpClient.request` raises, and Malformed for an answer that is no feed.
        """
        at = Cursor.load(cursor)
        if at.walk and now - at.walk.begun_at > GIVE_UP:
            return self._ended(at, at.walk, now, note=f"{self._host}: its older pages cannot be read; going on without")
        walk = at.walk or self._begun(at, now)
        state = at.state(walk)
        try:
            answer = self._get(walk, state)
            page = _read(answer, walk, state)
        except (Gone, Malformed, Unauthorized) as error:
            return self._without(at, walk, error, now)
        if walk.n_pages == 0:
            _keep_validators(answer, page, state)
        if page is None:
            return self._ended(at, walk, now, has_read=False)
        return self._went_on(at, walk, page, answer.url, now)

    def _begun(self, at: Cursor, now: datetime) -> Walk:
        """The walk that is next: over a post's comments where one is in the queue, else over the feed itself."""
        walk = at.walk = Walk(of=at.next_in_queue(), begun_at=now)
        state = at.state(walk)
        if state.deep_at is None:
            walk.back_to = now - self._settings.backfill
        elif now - state.deep_at >= self._settings.reread_every:
            walk.back_to = now - self._settings.reread
        walk.url = self._start(at, walk)
        return walk

    def _start(self, at: Cursor, walk: Walk) -> str:
        return at.posts[walk.of].url if walk.of else self._settings.url

    def _get(self, walk: Walk, state: State) -> Answer:
        headers = {}
        if walk.n_pages == 0 and walk.back_to is None:
            known = {"if-none-match": state.etag, "if-modified-since": state.modified}
            headers = {name: value for name, value in known.items() if value}
        # Only what the operator wrote may lie in our own network; where a feed points to elsewhere may not.
        is_home = urlsplit(walk.url).netloc == urlsplit(self._settings.url).netloc
        return self._http.request("GET", walk.url, headers=headers, follow=True, public_only=not is_home)

    def _went_on(self, at: Cursor, walk: Walk, page: FeedPage, url: str, now: datetime) -> Page:
        state = at.state(walk)
        raws: list[Json] = [{"unreadable": bad.raw, "why": bad.why} for bad in page.unreadable]
        is_known, n_new, oldest = False, 0, now
        for entry in page.entries:
            key = digest(entry.id)
            created = _created(entry, walk.seen.get(key) or state.known.get(key), now)
            is_known = state.known.get(key, (0, ""))[1] == entry.version
            walk.met_known |= is_known
            n_new += key not in walk.seen
            oldest = min(oldest, created)
            walk.seen[key] = (int(created.timestamp()), entry.version)
            raws.append(self._raw(at, walk, entry, created, now))
            if self._settings.follow_comments and not walk.of:
                at.note_post(entry, created)
        walk.n_pages += 1
        # An edited entry may be at the top of what is new, so only the last one tells that the rest is known.
        is_done = is_known if walk.back_to is None else oldest < walk.back_to
        walk.n_stalled = 0 if n_new or walk.n_restarts else walk.n_stalled + 1
        walk.url = "" if is_done else _older(page, walk, url)
        if walk.url and walk.n_pages < MAX_PAGES:
            return Page(raws, at.dump(), more=True)
        return self._ended(at, walk, now, raws, self._gap(walk, state))

    def _raw(self, at: Cursor, walk: Walk, entry: Entry, created: datetime, now: datetime) -> Json:
        post = at.posts.get(walk.of)
        was_edited = entry.updated is not None and created < entry.updated <= now
        raw = RawEntry(
            host=self._host,
            role="post" if self._settings.follow_comments and not walk.of else "comment",
            entry=entry,
            created_at=created,
            edited_at=entry.updated if was_edited else None,
            post_id=walk.of,
            post_title=post.title if post else "",
            post_url=post.link if post else "",
        )
        return raw.model_dump(mode="json", exclude_defaults=True)

    def _gap(self, walk: Walk, state: State) -> str:
        if walk.n_pages >= MAX_PAGES and walk.url:
            return f"{self._host}: stopped after {MAX_PAGES} pages; what is older is not read"
        is_gap = walk.back_to is None and walk.n_pages == 1 and state.known and walk.seen and not walk.met_known
        if not is_gap:
            return ""
        return (
            f"{self._host}: nothing of the last read is in the feed any more and it has no older pages, so comments"
            f" may have been missed: poll it more often (every), or let it show more than {len(walk.seen)} entries"
        )

    def _without(self, at: Cursor, walk: Walk, error: RemoteError, now: datetime) -> Page:
        """How to go on when a page cannot be had, where that is not the failure of the whole source."""
        if walk.n_pages and isinstance(error, Gone) and "paged=" in walk.url:
            return self._ended(at, walk, now)  # past WordPress's last page
        if walk.n_pages and error.status != 200 and not walk.n_restarts:
            # The link to the older page has expired: look for it once more from the start.
            walk.n_restarts, walk.n_pages, walk.url = 1, 0, self._start(at, walk)
            return Page((), at.dump(), more=True)
        if not walk.of and not (walk.n_pages and walk.n_restarts):
            raise error
        if isinstance(error, Gone) and not walk.n_pages:
            del at.posts[walk.of]
        note = f"some comments are not read: {error}"
        return self._ended(at, walk, now, note=note, has_read=walk.n_pages > 0)

    def _ended(
        self, at: Cursor, walk: Walk, now: datetime, raws: Sequence[Json] = (), note: str = "", has_read: bool = True
    ) -> Page:
        at.end_walk(walk, now, has_read)
        if self._settings.follow_comments and not walk.of:
            at.queue = at.longest_unread(self._settings.posts_per_poll)
        # While several pages were read the first one may have changed: a last look, which costs a 304 at most.
        more = bool(at.queue) or (has_read and walk.n_pages > 1)
        pause = min(timedelta(seconds=at.feed.pause_s), self._settings.longest_pause)
        may_wait = bool(pause) and not more and not note
        return Page(raws, at.dump(), more, poll_after=now + pause if may_wait else None, note=note)

    def normalise(self, raw: Json) -> Comment | None:
        """Read one entry.

        Raises: ValueError for one that its feed's format does not allow, or that says nothing.
        """
        if isinstance(raw, dict) and "unreadable" in raw:
            raise ValueError(f"an entry that cannot be read: {raw.get('why')}")
        return to_comment(RawEntry.model_validate(raw), self._settings.kind, self._own)

    def recheck(self, known: Sequence[Known]) -> Rechecked:
        """Nothing: a feed cannot be asked for one entry."""
        del known
        return Rechecked(())


def _read(answer: Answer, walk: Walk, state: State) -> FeedPage | None:
    """The page, or None where nothing changed. Some servers give a new ETag with the same body."""
    is_first = walk.n_pages == 0 and walk.back_to is None
    if answer.status == 304 or (is_first and state.body == digest(answer.body)):
        return None
    return read_feed(answer)


def _keep_validators(answer: Answer, page: FeedPage | None, state: State) -> None:
    """Note how to ask next time, byte for byte as the server said it; a 304 need not repeat it."""
    is_same = answer.status == 304
    state.etag = answer.headers.get("etag", state.etag if is_same else "")
    state.modified = answer.headers.get("last-modified", state.modified if is_same else "")
    state.max_age_s = _max_age(answer.headers.get("cache-control", ""))
    if page is not None:
        state.body = digest(answer.body)
        state.ttl_s = int((page.ttl or timedelta()).total_seconds())


def _max_age(cache_control: str) -> int:
    found = re.search(r"\bmax-age=([0-9]{1,8})\b", cache_control.lower())
    return int(found[1]) if found and "no-cache" not in cache_control.lower() else 0


def _created(entry: Entry, before: tuple[int, str] | None, now: datetime) -> datetime:
    """When it was written: as the feed says, but not in the future and never later than it said before."""
    first = datetime.fromtimestamp(before[0], UTC) if before else None
    said = entry.published or (entry.updated if first is None else None)
    if first is not None and (said is None or said >= first + timedelta(seconds=1)):
        return first
    return min(said, now) if said else now


def _older(page: FeedPage, walk: Walk, url: str) -> str:
    """Where the next older page is, "" where there is none.

    Source: RFC 5005 (rel=next, prev-archive); jsonfeed.org/version/1.1 (next_url); WordPress core,
    wp-includes/class-wp.php: its feeds take `paged` without linking to it, and answer 404 past the end.
    """
    # A page without anything new: comments that came meanwhile push the older ones down. But a server that
    # ignores the page number repeats itself for ever.
    if page.next_url:
        return page.next_url if walk.n_stalled < MAX_STALLED else ""
    if "wordpress.org" not in page.generator or not page.entries or walk.n_stalled >= MAX_STALLED_GUESSING:
        return ""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query)) | {"paged": str(walk.n_pages + 1)}
    return urlunsplit(parts._replace(query=urlencode(query)))
