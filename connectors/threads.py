"""Reads Threads: the account's own posts with the replies below them at all levels, its own replies, and mentions.

A poll reads the first page of three lists (our posts, our replies, mentions), each on to what is known, and the
conversations under our posts that are due. Native ids are those of Threads, which are of one account and app.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar
from zlib import crc32

from pydantic import SecretStr

from connectors.base import (
    Abilities,
    Access,
    Address,
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
from connectors.meta_api import Api, is_denied, is_missing
from connectors.meta_fields import part, read_id, read_seconds
from connectors.meta_push import THREADS
from connectors.oauth import OAuth
from connectors.threads_media import is_by, read_media, top_of
from connectors.threads_reading import (
    CONVERSATION_WHOLE,
    FIELDS,
    MAX_PAGES,
    POST_FIELDS,
    POSTS_WHOLE,
    Listing,
    Roots,
    Walk,
    following,
    new_list,
)
from monitor.errors import Gone, Malformed, Unauthorized
from monitor.http import HttpClient
from monitor.model import Comment

CONVERSATIONS = 8  # looked at in one poll
SMALL_PAGE = 25  # of lists whose entries may each need their conversation's top
MAX_SEEN = 100
WHO_WE_ARE = TRY_AGAIN = timedelta(days=1)


class ThreadsSettings(ConnectorSettings):
    """Which account to read."""

    token: SecretStr | None = None
    """A long-lived access token of the account; not needed after `heedful auth ACCOUNT`."""
    mentions: bool = True
    """Whether to read who names the account; left out by itself, with a note in the log, where the token may not."""
    reach: timedelta = timedelta(days=730)
    """How old a post of ours may be and still be looked at for new replies ("730d")."""
    api_url: Address = "https://graph.threads.net/v1.0"
    """The API with its version; https://graph.threads.com/v1.0 is the same."""


class Threads:
    """One source: one account."""

    platform: ClassVar[str] = "threads"
    Settings: ClassVar[type[ConnectorSettings]] = ThreadsSettings
    abilities: ClassVar[Abilities] = Abilities(
        quiet_requests=3 + CONVERSATIONS + 1,
        recheck_batch=50,
        late_reply_delay="6 hours and, where more than 8 of our posts have replies, one poll for each 8 of them",
        # Source: documentation/threads/overview: 4,800 calls times impressions, at least 10 of them, in 24 hours.
        budget=Budget(48_000, timedelta(days=1)),
        # Source: Meta Platform Terms, 3.d: what is deleted there must be deleted here.
        storage=StorageRules(forgets_deleted=True),
    )
    oauth: ClassVar[OAuth] = OAuth(
        # Source: documentation/threads/get-started, long-lived-tokens
        authorize_url="https://threads.net/oauth/authorize",
        token_url="https://graph.threads.net/oauth/access_token",  # noqa: S106 - an address
        scopes=("threads_basic", "threads_read_replies", "threads_manage_mentions"),
        scope_separator=",",
        uses_pkce=False,
        refresh_params={"grant_type": "th_refresh_token", "access_token": "{token}"},
        refresh_url="https://graph.threads.net/refresh_access_token",
        renews_by_get=True,
        exchange_url="https://graph.threads.net/access_token",  # the token of the redirect ends after an hour
        exchange_params={"grant_type": "th_exchange_token", "client_secret": "{secret}", "access_token": "{token}"},
        token_lives=60 * 86_400,
    )
    push: ClassVar[Push] = THREADS

    def __init__(self, settings: ThreadsSettings, http: HttpClient, access: Access | None = None) -> None:
        self._settings, self._http = settings, http
        self._access = access or GivenToken(settings.token)

    def fetch_page(self, cursor: Json, now: datetime) -> Page:
        """Fetch one page of each list; `cursor` is {"v", "since", "own", "lists", "roots", "walks", "seen", "off"}."""
        state = resumed(cursor, lambda: _new_state(now - self._settings.backfill))
        api, roots = self._api(), Roots(state)
        own = self._own(api, state, now)
        tops = _Tops(api, own, roots)
        oldest = int((now - self._settings.reach).timestamp())
        posts = Walk(api, _posts(oldest), state["lists"].setdefault("posts", new_list()), now)
        walks, raws, notes = [posts], [], []
        for post in posts.read():
            roots.learn(post, oldest)
            tops.learn(post)
            raws.append({"media": post, "own": own, "root": None})
        for name in ("replies", "mentions") if self._settings.mentions else ("replies",):
            walk = Walk(api, _others(name, state["since"]), state["lists"].setdefault(name, new_list()), now)
            rows, note = _optional(walk, name, state, now)
            walks.append(walk)
            notes.append(note)
            raws += [tops.place(row) for row in _unseen(state, name, rows)]
        found, note = self._conversations(api, state, roots, tops, now)
        raws += found
        notes.append(note)
        more = any(walk.more for walk in walks) or roots.is_any_unread
        wanted = [raw for raw in raws if _is_wanted(raw["media"], state["since"])]
        says = "; ".join(filter(None, notes))
        return Page(wanted, state, more, (), frozenset(), api.poll_after, says, float(api.n_spent))

    def recheck(self, known: Sequence[Known]) -> Rechecked:
        """Look again at known posts and replies, by the conversations that they are in; only what Threads itself does
        not know is gone, not what a list leaves out."""
        api = self._api()
        own = self._ask_own(api)
        tops = _Tops(api, own, None)
        found: dict[str, dict[str, Json]] = {}
        for subject in dict.fromkeys(read_id(one.subject_native_id) for one in known if read_id(one.subject_native_id)):
            rows = _whole_conversation(api, subject)
            found |= {read_id(part(row, "id")): tops.place(row, subject) for row in rows}
        gone = []
        for one in known:
            if not read_id(one.native_id) or one.native_id in found:
                continue
            media = api.single(one.native_id, FIELDS)
            if media is None:
                gone.append(one.native_id)
            else:
                found[one.native_id] = tops.place(media, read_id(one.subject_native_id))
        return Rechecked([*found.values()], gone, float(api.n_spent))

    def normalise(self, raw: Json) -> Comment | None:
        """Read one placed post or reply; None for a repost."""
        return read_media(raw)

    def _conversations(
        self, api: Api, state: dict[str, Any], roots: Roots, tops: "_Tops", now: datetime
    ) -> tuple[list[dict[str, Json]], str]:
        raws: list[dict[str, Json]] = []
        note = ""
        for root in roots.due(now, CONVERSATIONS):
            known = roots.state_of(root)
            every = CONVERSATION_WHOLE if roots.is_young(root, now) else None
            listing = Listing(f"{root}/conversation", FIELDS, state["since"], whole_every=every)
            walk = Walk(api, listing, known, now)
            try:
                rows = walk.read()
            except Gone as error:
                if not is_missing(error):
                    raise
                roots.forget(root)
                continue
            except Malformed as error:
                if error.status != 400:
                    raise
                known["walk"], rows = None, []  # one that cannot be read does not keep the others from being read
                note = f"the conversation below {root} could not be read: {error}"
            roots.keep(root, known, now, again=walk.more and known["walk"] is None)
            wanted = [row for row in rows if _is_wanted(row, state["since"])]
            raws += [tops.place(row, root) for row in wanted]
        return raws, note

    def _own(self, api: Api, state: dict[str, Any], now: datetime) -> str:
        known: dict[str, Any] = state["own"]
        if now.timestamp() - known.get("asked_at", 0) > WHO_WE_ARE.total_seconds():
            state["own"] = known = {"username": self._ask_own(api), "asked_at": int(now.timestamp())}
        own: str = known["username"]
        return own

    def _ask_own(self, api: Api) -> str:
        username = part(api.get("me", {"fields": "id,username"}), "username")
        if not isinstance(username, str) or not username:
            raise Malformed("me answered without a username", status=200)
        return username[:100]

    def _api(self) -> Api:
        return Api(self._settings.api_url, self._access, None, self._http)


class _Tops:
    """The posts above what is placed, asked for once in a call: ours are subjects, those of others are not."""

    def __init__(self, api: Api, own: str, roots: Roots | None) -> None:
        self._api, self._own, self._roots = api, own, roots
        self._known: dict[str, Json | None] = {}

    def learn(self, post: Json) -> None:
        """Remember a post of ours."""
        if post_id := read_id(part(post, "id")):
            self._known[post_id] = post

    def place(self, media: Json, root: str = "") -> dict[str, Json]:
        """The raw comment; `root` is the post of ours in whose conversation it was found."""
        top = root or top_of(media)
        post = self._top(top) if top else None
        is_ours = post is not None and (bool(root) or is_by(post, self._own))
        return {"media": media, "own": self._own, "root": post if is_ours else None}

    def _top(self, post_id: str) -> Json | None:
        if post_id not in self._known:
            try:
                self._known[post_id] = self._api.single(post_id, POST_FIELDS)
            except Unauthorized as error:
                if not is_denied(error):
                    raise
                self._known[post_id] = None  # somebody's who does not show it to us
        return self._known[post_id]


def _new_state(since: datetime) -> dict[str, Any]:
    state: dict[str, Any] = {"v": 1, "since": int(since.timestamp()), "own": {}}
    return state | {"lists": {}, "roots": {}, "walks": {}, "seen": {}, "off": {}}


def _posts(oldest: int) -> Listing:
    return Listing("me/threads", POST_FIELDS, oldest, whole_every=POSTS_WHOLE)


def _others(name: str, since: int) -> Listing:
    return Listing(f"me/{name}", FIELDS, since, size=SMALL_PAGE)


def _optional(walk: Walk, name: str, state: dict[str, Any], now: datetime) -> tuple[list[Json], str]:
    """One page of a list that the token may not reach: it is then left out for a day, and the others go on."""
    if now.timestamp() - state["off"].get(name, 0) < TRY_AGAIN.total_seconds():
        return [], ""
    try:
        return walk.read(), ""
    except Unauthorized as error:
        if not is_denied(error):
            raise
        state["off"][name] = int(now.timestamp())
        return [], f"{name} are left out for a day: {error}"


def _unseen(state: dict[str, Any], name: str, rows: Iterable[Json]) -> list[Json]:
    """Those that were not handed out before as they are now, because placing one may cost a request."""
    seen: dict[str, str] = state["seen"].setdefault(name, {})
    news = []
    for row in rows:
        row_id, version = read_id(part(row, "id")), f"{part(row, 'text')}{part(row, 'hide_status')}"
        mark = f"{crc32(version.encode('utf-8', 'surrogatepass')):x}"
        if not row_id or seen.get(row_id) != mark:
            news.append(row)
        if row_id:
            seen.pop(row_id, None)
            seen[row_id] = mark
    state["seen"][name] = dict(list(seen.items())[-MAX_SEEN:])
    return news


def _is_wanted(media: Json, since: int) -> bool:
    at = read_seconds(part(media, "timestamp"))
    return at is None or at >= since


def _whole_conversation(api: Api, root: str) -> list[Json]:
    rows: list[Json] = []
    position: dict[str, str] = {}
    for _ in range(MAX_PAGES):
        try:
            found, _, answer = api.edge(f"{root}/conversation", {"fields": FIELDS, "limit": 50, **position})
        except Gone as error:
            if not is_missing(error):
                raise
            return []
        rows += found
        if not (position := following(answer, position)):
            break
    return rows
