"""Reads X (Twitter): whoever addresses an account, its own posts and their conversations, or a keyword search.

A poll reads one page of each list (mentions, our own posts, a search) and searches one batch of the conversations
under our own posts, for replies that no longer address us. Native ids are the ids of a post's first version.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal, Self

from pydantic import SecretStr, field_validator, model_validator

from connectors.base import (
    Abilities,
    Access,
    Budget,
    ConnectorSettings,
    GivenToken,
    Json,
    Known,
    Page,
    Push,
    Rechecked,
    StorageRules,
    resumed,
)
from connectors.oauth import OAuth
from connectors.x_api import BATCH, Api, Dialect, Found, has_id, history, read_id, time_of
from connectors.x_posts import read_post
from connectors.x_push import X_PUSH
from connectors.x_reading import RECENT, Listing, Roots, Walk, new_state
from monitor.http import HttpClient
from monitor.model import Comment

WHO_WE_ARE = timedelta(days=7)  # how long the answer to "whose token is this" is believed: it costs a cent
MOST_QUERY = 512  # characters. Source: docs.x.com, x-api/posts/search/integrate/operators
CONVERSATIONS = 12  # in one query of that length


class XSettings(ConnectorSettings):
    """Whose account it is, and what to read."""

    token: SecretStr | None = None
    """A token given by hand: an app's bearer token (needs `own_account`), or a user's; without one `heedful auth` gets
    a user's token and keeps it fresh."""
    watch: Literal["mentions", "search"] = "mentions"
    """What to read: whoever addresses the account, its own posts and what is said under them; or a keyword search."""
    own_account: str = ""
    """Our account, as its handle ("brand") or better its numeric id, which saves asking for it; "" is the account
    whose token it is (for watch = "search": our own posts and replies are not read)."""
    query: str = ""
    """What to search for (for watch = "search"), in X's own operators, such as '"acme bakery" -is:retweet'."""
    conversations: bool = True
    """Search under our own posts for replies that do not address us; false where the plan has no search."""
    archive: bool = False
    """Search all of X's past instead of the last 7 days, where the plan allows it."""
    owned_reads: bool = False
    """The account owns the developer app as well: X then bills a fifth for its mentions and own posts."""
    recheck_for: timedelta = timedelta(days=7)
    """How old a post may be to be looked at again, for edits and deletions; X bills each look, once a day."""
    dialect: Dialect = "tweet"
    """Which field names to ask with first, those of "tweet" or the newer ones of "post"; where X refuses one, the
    other is used."""
    base_url: str = "https://api.x.com"
    """Where the API is."""

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if not re.fullmatch(r"https?://[A-Za-z0-9.:-]+/?", value):
            raise ValueError('give the address as "https://host"')
        return value.rstrip("/")

    @field_validator("own_account")
    @classmethod
    def _is_an_account(cls, value: str) -> str:
        if not re.fullmatch(r"@?[A-Za-z0-9_]{0,19}", value):
            raise ValueError("give the handle (letters, digits and _) or the numeric id")
        return value.lstrip("@")

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if self.watch == "search" and not self.query.strip():
            raise ValueError('watch = "search" needs a query')
        if len(self.query) > (MOST_QUERY * 2 if self.archive else MOST_QUERY):
            raise ValueError(f"X takes a query of at most {MOST_QUERY} characters ({MOST_QUERY * 2} in the archive)")
        return self


class X:
    """One source: an account, or a search."""

    platform: ClassVar[str] = "x"
    Settings: ClassVar[type[ConnectorSettings]] = XSettings
    abilities: ClassVar[Abilities] = Abilities(
        quiet_requests=3,
        recheck_batch=BATCH,
        late_reply_delay="one poll where the reply addresses us; otherwise 12 hours and, where we have more than 12"
        " posts, one poll for each 12 of them",
        # Source: docs.x.com, x-api/fundamentals/post-cap (2026-08): 3 million post reads a month, at half a cent.
        budget=Budget(1_500_000, timedelta(days=30), "US cents"),
        # Source: X Developer Policy: what is deleted, edited or made private there is so in what was kept of it.
        storage=StorageRules(forgets_deleted=True),
    )
    oauth: ClassVar[OAuth] = OAuth(
        # Source: docs.x.com, fundamentals/authentication/oauth-2-0/authorization-code
        authorize_url="https://x.com/i/oauth2/authorize",
        token_url="https://api.x.com/2/oauth2/token",  # noqa: S106 - an address
        scopes=("tweet.read", "users.read", "offline.access"),
        client_auth="client_secret_basic",
        token_lives=7_200,
    )
    push: ClassVar[Push] = X_PUSH

    def __init__(self, settings: XSettings, http: HttpClient, access: Access | None = None) -> None:
        self._settings, self._http = settings, http
        self._access = access or GivenToken(settings.token)
        self._rechecks_as: dict[str, Any] = {}  # only saves asking: whose token it is never changes

    def fetch_page(self, cursor: Json, now: datetime) -> Page:
        """Fetch one page of each list; `cursor` is {"v", "own", "dialect", "lists", "roots", "search"}."""
        state = resumed(cursor, lambda: {"v": 1, "lists": {}, "roots": {}, "search": {}})
        api = self._api(state.get("dialect") or self._settings.dialect)
        own = self._own(api, state, now)
        roots = Roots(state["roots"], own)
        walks = []
        for name, listing in self._listings(own).items():
            known = state["lists"].setdefault(name, new_state(now - self._settings.backfill))
            walks.append(Walk(api, listing, known, now))
        found = [walk.read() for walk in walks]
        _learn(roots, found)
        is_searching = bool(own) and self._settings.watch == "mentions" and self._settings.conversations
        if is_searching and (search := self._searching(api, roots, state["search"], own, now)):
            walks.append(search)
            found.append(search.read())
            _note_searched(roots, state["search"], now)
        raws = _placed(api, roots, found)
        state["dialect"] = api.dialect
        more = any(walk.more for walk in walks) or (is_searching and roots.is_any_unsearched)
        note = "; ".join(filter(None, (walk.note for walk in walks)))
        poll_after = api.poll_after or (now + timedelta(seconds=1) if self._settings.archive else None)
        return Page(raws, state, more, (), frozenset({own} - {""}), poll_after, note, api.cents)

    def recheck(self, known: Sequence[Known]) -> Rechecked:
        """Look again at known posts that are young enough; what is new below them comes by the lists alone."""
        api = self._api(self._settings.dialect)
        since = datetime.now(UTC) - self._settings.recheck_for
        young = [one for one in known if (at := time_of(read_id(one.native_id) or "0")) is not None and at >= since]
        if not young:
            return Rechecked([], spent=0)
        found = api.lookup([one.native_id for one in young])
        # A look at an edited post's first version may show that one: the last one is asked for then.
        last = [history(post)[-1] for post in found.posts if has_id(post)]
        if newer := [one for one in last if one not in {read_id(post["id"]) for post in found.posts if has_id(post)}]:
            latest = api.lookup(newer)
            found = Found(found.posts + latest.posts, {**found.users, **latest.users}, missing=found.missing)
        roots = Roots({}, self._own(api, self._rechecks_as, datetime.now(UTC)))
        _recall(roots, young, found.posts)
        _learn(roots, [found])
        gone = {one.native_id for one in young} & set(found.missing)
        return Rechecked(_placed(api, roots, [found]), sorted(gone), api.cents)

    def normalise(self, raw: Json) -> Comment | None:
        """Read one placed post; None for a repost."""
        return read_post(raw)

    def _listings(self, own: str) -> dict[str, Listing]:
        settings, most = self._settings, {"max_results": "100"}
        lists: dict[str, Listing] = {}
        if settings.watch == "search":
            lists[f"search:{settings.query}"] = self._search(settings.query)
        elif own:
            lists["mentions"] = Listing(f"/2/users/{own}/mentions", most, "pagination_token", is_own=True, reach=800)
        if own:
            params = {**most, "exclude": "retweets"}
            lists["own"] = Listing(f"/2/users/{own}/tweets", params, "pagination_token", is_own=True, reach=3_200)
        return lists

    def _search(self, query: str) -> Listing:
        path = "/2/tweets/search/all" if self._settings.archive else "/2/tweets/search/recent"
        window = None if self._settings.archive else RECENT
        return Listing(path, {"query": query, "max_results": "100"}, "next_token", window=window)

    def _searching(self, api: Api, roots: Roots, search: dict[str, Any], own: str, now: datetime) -> Walk | None:
        """The search of one batch of conversations, gone on with or begun; none where none is due."""
        if search.get("walk") is None and not search.get("again"):
            if not (batch := roots.due(now, CONVERSATIONS)):
                return None
            mark, looked_at = roots.mark(batch), search.get("looked_at", 0)
            search.update(batch=batch, mark=str(mark), walk=None, looked_at=looked_at, is_new=roots.is_any_unsearched)
        ids = " OR ".join(f"conversation_id:{root}" for root in search["batch"])
        return Walk(api, self._search(f"({ids}) -from:{own}"), search, now)

    def _own(self, api: Api, state: dict[str, Any], now: datetime) -> str:
        account = self._settings.own_account
        if account.isdecimal():
            return account
        if not account and self._settings.watch == "search":
            return ""
        known: dict[str, Any] = state.get("own") or {}
        if known.get("of") != account or now.timestamp() - known.get("asked_at", 0) > WHO_WE_ARE.total_seconds():
            state["own"] = known = {"id": api.own_id(account), "of": account, "asked_at": int(now.timestamp())}
        own: str = known["id"]
        return own

    def _api(self, dialect: Dialect) -> Api:
        return Api(self._settings.base_url, self._access.token, self._http, dialect, self._settings.owned_reads)


def _learn(roots: Roots, found: Iterable[Found]) -> None:
    for one in found:
        for post in sorted(filter(has_id, (*one.posts, *one.included.values())), key=lambda it: int(it["id"])):
            roots.learn(post)


def _note_searched(roots: Roots, search: dict[str, Any], now: datetime) -> None:
    if search.get("batch") and search.get("walk") is None and not search.get("again"):
        roots.searched(search["batch"], int(now.timestamp()), search["mark"])
        search["batch"] = []


def _recall(roots: Roots, known: Iterable[Known], posts: Iterable[Json]) -> None:
    """What we hold tells whose the conversations are, so that only the texts of our own posts are asked for."""
    subjects = {one.native_id: one.subject_native_id for one in known}
    for post in filter(has_id, posts):
        first, root = history(post)[0], roots.root_of(post)
        if subject := subjects.get(first):
            roots.is_ours(read_id(subject))
        elif root and first in subjects and root != first:
            roots.is_not_shown_as_ours(root)


def _placed(api: Api, roots: Roots, found: Sequence[Found]) -> list[Json]:
    """The raw comments of these answers; the tops of their conversations are asked for where they are not known."""
    posts = {read_id(post["id"]): post for one in found for post in one.posts if has_id(post)}
    users = {user_id: user for one in found for user_id, user in one.users.items()}
    _learn(roots, found)
    if unknown := sorted({roots.unknown(post) for post in posts.values()} - {""}, key=int):
        tops = api.lookup(unknown)
        _learn(roots, [tops])
        for root in unknown:
            roots.is_not_shown_as_ours(root)
    unreadable = [{"post": post} for one in found for post in one.posts if not has_id(post)]
    return [*(roots.place(post, users) for post in posts.values()), *unreadable]
