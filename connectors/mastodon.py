"""Reads Mastodon and every server that speaks its API: mentions, what hangs under our own posts, hashtags.

A poll reads what is new on each stream (notifications, our own statuses, a hashtag) and one page of what is still
missing below (the backfill, a gap). Where a status answers another one, its conversation is read at once, because
only its top tells whether it hangs under a post of ours. Native ids are "<host>/<id>".
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, BeforeValidator, SecretStr, model_validator

from connectors.base import Abilities, Address, Budget, ConnectorSettings, Json, Known, Page, Rechecked, resumed
from connectors.fields import Instant, Text, Told, read_instant
from connectors.lenient import Count, OrNone, Readable
from connectors.mastodon_api import BATCH, CONTEXT_ANONYMOUS, Api, Threads, has_id, in_time_order, read_id
from connectors.mastodon_reading import Reader, Stream, new_state
from monitor.core.text import excerpt, plain_text
from monitor.http import HttpClient
from monitor.model import Author, Comment, Kind

WHO_WE_ARE = timedelta(days=1)  # how long the answer to "whose token is this" is believed


class MastodonSettings(ConnectorSettings):
    """Where to read, as whom, and what."""

    base_url: Address
    """The server of the account, such as "https://mastodon.example"."""
    token: SecretStr | None = None
    """An access token with the scopes read:notifications, read:statuses and read:accounts; what a server shows to
    everyone (hashtags, public posts) can be read without one."""
    watch: Literal["mentions", "own_posts", "hashtag"] = "mentions"
    """What to read: whoever addresses the account, everything under its own posts, or a hashtag."""
    hashtag: str = ""
    """The hashtag to watch, with or without "#" (for watch = "hashtag")."""
    own_account: str = ""
    """Our account at that server ("brand"), where there is no token to tell it: needed to know our own posts and
    replies from others'."""

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if self.watch == "hashtag" and not re.fullmatch(r"#?\w+", self.hashtag):
            raise ValueError('watch = "hashtag" needs a hashtag of letters, digits and _')
        if self.watch == "mentions" and self.token is None:
            raise ValueError('watch = "mentions" needs a token (token_env or token_file)')
        if self.watch == "own_posts" and self.token is None and not self.own_account:
            raise ValueError('watch = "own_posts" needs a token (token_env or token_file) or own_account')
        return self


def _checked_id(value: object) -> str:
    if not (found := read_id(value)):
        raise ValueError("not an id")
    return found


# Compatible servers leave out or null what Mastodon always sends: only what a comment cannot be without is required.
_Id = Annotated[str, BeforeValidator(_checked_id)]
_IdOrNone = Annotated[str, BeforeValidator(lambda value: "" if value in (None, "") else _checked_id(value))]


class _Account(BaseModel):
    id: _Id
    acct: Told = ""
    display_name: Told = ""
    url: Told = ""
    bot: OrNone[bool] = None
    followers_count: Count = None  # -1 where it is hidden


class _Mention(BaseModel):
    id: _Id


class _Status(BaseModel):
    id: _Id
    created_at: Instant
    account: _Account
    content: Text  # what has none may be no status: a notification that does not say its kind
    spoiler_text: Told = ""
    uri: Told = ""
    url: Told = ""
    edited_at: OrNone[Instant] = None
    in_reply_to_id: _IdOrNone = ""
    in_reply_to_account_id: _IdOrNone = ""
    visibility: Text = "public"
    language: Told = ""
    mentions: Readable[_Mention] = []
    favourites_count: Count = None
    replies_count: Count = None
    reblog: Json = None

    @property
    def is_reply(self) -> bool:
        # When the status above is deleted Mastodon empties in_reply_to_id, and only the account tells what it was.
        return bool(self.in_reply_to_id or self.in_reply_to_account_id)

    @property
    def text(self) -> str:
        return "\n\n".join(part for part in (self.spoiler_text.strip(), plain_text(self.content)) if part)

    @property
    def address(self) -> str:
        return _web_address(self.url) or _web_address(self.uri)


class _Placed(BaseModel):
    """A status with its place: whose token reads it, the top of its conversation, our post above it."""

    status: _Status
    own: _IdOrNone = ""
    root: _IdOrNone = ""
    subject: _Status | None = None


def _web_address(url: str) -> str:
    return url if url.startswith(("https://", "http://")) else ""


def _kind(placed: _Placed) -> Kind:
    """The same for a status in whatever way it was found, or two sources would edit it to and fro."""
    status = placed.status
    if status.visibility == "direct":
        return "message"
    if placed.own and status.account.id == placed.own:
        return "comment" if status.is_reply else "post"
    addresses_us = any(mention.id == placed.own for mention in status.mentions)
    if placed.subject is not None or (status.is_reply and not addresses_us):
        return "comment"
    return "mention"


class Mastodon:
    """One source: the mentions of an account, its own posts with what is below them, or a hashtag."""

    platform: ClassVar[str] = "mastodon"
    Settings: ClassVar[type[ConnectorSettings]] = MastodonSettings
    abilities: ClassVar[Abilities] = Abilities(
        quiet_requests=4,
        recheck_batch=BATCH,
        late_reply_delay="one poll where the reply mentions us, as replies do unless their author took us out; "
        "otherwise when the conversation is looked at again: after a tenth of the time that it has been silent, at"
        " most a day, and 7 days where that is more than 60 days",
        # Source: docs.joinmastodon.org/api/rate-limits: 300 requests in 5 minutes for each account.
        budget=Budget(300, timedelta(minutes=5)),
    )

    def __init__(self, settings: MastodonSettings, http: HttpClient) -> None:
        self._settings, self._http = settings, http
        self._host = urlsplit(settings.base_url).hostname or ""

    def fetch_page(self, cursor: Json, now: datetime) -> Page:
        """Fetch one page of each stream; `cursor` is {"v", "own", "streams": {name: state}}."""
        state = resumed(cursor, lambda: {"v": 1, "streams": {}})
        api = self._api()
        own = self._own(api, state, now)
        threads = Threads(api, own)
        raws: dict[str, Json] = {}
        unreadable: list[Json] = []
        more = False
        for stream in self._streams(own):
            known = state["streams"].setdefault(stream.name, new_state(now - self._settings.backfill))
            reader = Reader(api, stream, known, now)
            statuses = reader.read()
            unreadable += [{"status": status} for status in statuses if not has_id(status)]
            placed = _placed([status for status in statuses if has_id(status)], threads, stream.follows_replies)
            raws |= {key: raw for key, raw in placed.items() if raw["subject"] or not stream.only_under_ours}
            more = more or reader.more
        unreadable += [{"status": status} for status in threads.unreadable]
        own_ids = frozenset({self._native(own)} if own else ())
        return Page([*raws.values(), *unreadable], state, more, (), own_ids, api.poll_after, spent=api.n_spent)

    def recheck(self, known: Sequence[Known]) -> Rechecked:
        """Look again at known statuses and at everything below them, or below the post of ours that they are under."""
        api = self._api()
        threads = Threads(api, self._ask_own(api))
        ids = [self._local(one.native_id) for one in known]
        subjects = [self._local(one.subject_native_id) for one in known if one.subject_native_id]
        present, gone = api.statuses(list(dict.fromkeys(filter(None, (*ids, *subjects)))))
        threads.learn(present.values())
        found = {status_id: status for status_id, status in present.items() if status_id in set(ids)}
        covered: set[str] = set()
        # Ids grow with time: a post comes before what hangs below it, and one context covers them all.
        for target in sorted({self._local(one.subject_native_id or one.native_id) for one in known}, key=in_time_order):
            if not target or target in covered or target in gone:
                continue
            below = {read_id(status["id"]): status for status in threads.below(target)}
            found |= below
            if not api.is_anonymous or len(below) < CONTEXT_ANONYMOUS:
                covered.update(below)
        raws = [threads.place(status) for status in found.values() if not status.get("reblog")]
        raws += [{"status": status} for status in threads.unreadable]
        return Rechecked(raws, [self._native(status_id) for status_id in gone], api.n_spent)

    def normalise(self, raw: Json) -> Comment | None:
        """Read one placed status; None for a boost, which says nothing of its own."""
        placed = _Placed.model_validate(raw)
        status, subject = placed.status, placed.subject
        if status.reblog is not None:
            return None
        is_below = status.in_reply_to_id and not (subject and status.in_reply_to_id == subject.id)
        return Comment(
            native_id=self._native(status.id),
            kind=_kind(placed),
            text=status.text,
            author=self._author(status.account),
            created_at=status.created_at,
            permalink=status.address,
            parent_native_id=self._native(status.in_reply_to_id) if is_below else None,
            root_native_id=self._native(placed.root) if placed.root else None,
            subject_native_id=self._native(subject.id) if subject else None,
            subject_title=excerpt(subject.text) if subject else "",
            subject_url=subject.address if subject else "",
            edited_at=status.edited_at,
            language=status.language,
            n_likes=status.favourites_count or 0,
            n_replies=status.replies_count,
            mentions=tuple(self._native(mention.id) for mention in status.mentions),
            is_ours=True if placed.own and status.account.id == placed.own else None,
            is_private=status.visibility not in ("public", "unlisted", "local"),
        )

    def _streams(self, own: str) -> list[Stream]:
        watch, has_token = self._settings.watch, self._settings.token is not None
        if watch == "hashtag":
            hashtag = self._settings.hashtag.lstrip("#").casefold()
            path = f"/api/v1/timelines/tag/{quote(hashtag)}"
            streams = [Stream(f"tag:{hashtag}", path, {"limit": 40}, is_settled=False)]
        else:
            # A reply to an old post of ours does not bring that post to the first page, but it mentions us.
            streams = [_mentions(only_under_ours=watch == "own_posts")] if has_token else []
        if own:
            path, is_own_posts = f"/api/v1/accounts/{own}/statuses", watch == "own_posts"
            params = {"exclude_reblogs": "true", "limit": 20}
            streams.append(Stream("own", path, params, is_settled=not is_own_posts, follows_replies=is_own_posts))
        return streams

    def _own(self, api: Api, state: dict[str, Any], now: datetime) -> str:
        own: dict[str, str] = state.get("own") or {}
        asked_at = read_instant(own.get("asked_at"))
        if "id" not in own or asked_at is None or now - asked_at > WHO_WE_ARE:
            state["own"] = own = {"id": self._ask_own(api), "asked_at": now.isoformat()}
        return own["id"]

    def _ask_own(self, api: Api) -> str:
        handle = self._settings.own_account.lstrip("@")
        return api.own_id(handle) if handle or not api.is_anonymous else ""

    def _api(self) -> Api:
        token = self._settings.token
        return Api(self._settings.base_url, token.get_secret_value() if token else "", self._http)

    def _author(self, account: _Account) -> Author:
        return Author(
            native_id=self._native(account.id),
            name=account.display_name or account.acct,
            handle=account.acct,
            url=_web_address(account.url),
            n_followers=account.followers_count,
            is_bot=bool(account.bot),
        )

    def _native(self, platform_id: str) -> str:
        return f"{self._host}/{platform_id}"

    def _local(self, native_id: str | None) -> str:
        return read_id((native_id or "").removeprefix(f"{self._host}/"))


def _mentions(only_under_ours: bool) -> Stream:
    # include_types is Pleroma's name for types; include_filtered shows whom the account's policy hides (4.3).
    kinds = {name: ["mention", "quote"] for name in ("types[]", "include_types[]")}
    params = {**kinds, "include_filtered": "true", "limit": 20}
    return Stream("mentions", "/api/v1/notifications", params, is_settled=True, only_under_ours=only_under_ours)


def _placed(statuses: list[Json], threads: Threads, follows_replies: bool) -> dict[str, Json]:
    """These statuses and what was found below them on the way, each with its place, by id."""
    threads.learn(statuses)
    found: dict[str, Json] = {}
    for status in sorted(statuses, key=lambda one: in_time_order(read_id(one["id"]))):
        status_id = read_id(status["id"])
        found[status_id] = status
        if not threads.is_placed(status) or (follows_replies and status.get("replies_count")):
            found |= {read_id(one["id"]): one for one in threads.below(status_id)}
    return {status_id: threads.place(status) for status_id, status in found.items() if not status.get("reblog")}
