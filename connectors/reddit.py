"""Reads Reddit: the posts and comments of subreddits, what addresses our account, or what a search finds.

A poll reads the top of each listing and a few requests' worth of what is still missing below (a gap, a
conversation). Native ids are Reddit's fullnames ("t1_abc" a comment, "t3_abc" a post, "t4_abc" a message).
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import quote

from pydantic import BaseModel, BeforeValidator, SecretStr, field_validator, model_validator

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
    Rechecked,
    StorageRules,
    resumed,
)
from connectors.fields import Text, Told
from connectors.lenient import Count, OrNone
from connectors.oauth import OAuth
from connectors.reddit_api import BATCH, SITE, Api, read_name
from connectors.reddit_app import AppToken
from connectors.reddit_poll import Reading, placed
from connectors.reddit_reading import Stream
from monitor.core.text import excerpt
from monitor.http import HttpClient
from monitor.model import Author, Comment, Kind

_ACCOUNT = r"[A-Za-z0-9_-]{2,40}"
_SUBREDDIT = re.compile(r"[A-Za-z0-9_]{2,40}")


class RedditSettings(ConnectorSettings):
    """As whom to read, and what."""

    own_account: str
    """Our account at Reddit, without "u/": its posts and replies are ours, and Reddit wants each request
    to name it."""
    token: SecretStr | None = None
    """An access token; it lives for an hour to a day, so `heedful auth` is the way for all but trying it out."""
    app_id: str = ""
    """The id of an app of yours, to read what everybody may read without anybody's account (not watch = "account")."""
    app_secret: SecretStr | None = None
    """That app's secret."""
    watch: Literal["subreddit", "account", "search"] = "subreddit"
    """What to read: subreddits, whatever addresses our account with all below its posts, or what a search finds."""
    subreddits: tuple[str, ...] = ()
    """The subreddits to read, or to search in, without "r/"."""
    query: str = ""
    """What to search for (for watch = "search"), in Reddit's own syntax: `"our brand" OR ourbrand`."""
    base_url: Address = "https://oauth.reddit.com"
    """Where the API is."""
    site_url: Address = SITE
    """Where the token of an app is asked for."""

    @field_validator("own_account", mode="before")
    @classmethod
    def _is_an_account(cls, value: object) -> str:
        name = str(value).strip().removeprefix("/").removeprefix("u/")
        if not re.fullmatch(_ACCOUNT, name):
            raise ValueError("give the account's name, without u/")
        return name

    @field_validator("subreddits")
    @classmethod
    def _are_subreddits(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        names = tuple(value.strip().strip("/").removeprefix("r/") for value in values)
        if bad := [name for name in names if not _SUBREDDIT.fullmatch(name)]:
            raise ValueError(f'"{bad[0]}" is not the name of a subreddit')
        return names

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if self.watch == "subreddit" and not self.subreddits:
            raise ValueError('watch = "subreddit" needs subreddits')
        if self.watch == "search" and not self.query.strip():
            raise ValueError('watch = "search" needs a query')
        if bool(self.app_id) != (self.app_secret is not None):
            raise ValueError("app_id and app_secret belong together")
        if self.app_id and (self.watch == "account" or self.token is not None):
            raise ValueError('an app alone has no inbox: leave app_id out where token is given or watch = "account"')
        return self


def _checked_instant(value: object) -> datetime:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise ValueError("not a time")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError):
        raise ValueError("not a time") from None


def _checked_edit(value: object) -> datetime | None:
    # False, or a time, or for edits of the first years just True.
    return None if value is None or isinstance(value, bool) else _checked_instant(value)


def _checked_name(value: object) -> str:
    if not (name := read_name(value)):
        raise ValueError("not the name of a thing")
    return name


_Name = Annotated[str, BeforeValidator(_checked_name)]
_NameOrNone = Annotated[str, BeforeValidator(lambda value: _checked_name(value) if value else "")]
_Instant = Annotated[datetime, BeforeValidator(_checked_instant)]
_Edit = OrNone[Annotated[datetime | None, BeforeValidator(_checked_edit)]]


class _Data(BaseModel):
    """A comment, a post or a message; what one has and another has not is empty."""

    name: _Name
    created_utc: _Instant
    author: Text = ""
    author_fullname: Told = ""
    edited: _Edit = None
    body: Text = ""
    title: Text = ""
    selftext: Text = ""
    url: Text = ""
    is_self: OrNone[bool] = None
    subject: Text = ""
    subreddit: Text = ""
    parent_id: _NameOrNone = ""
    link_id: _NameOrNone = ""
    first_message_name: _NameOrNone = ""
    permalink: Told = ""
    context: Told = ""
    score: Count = None  # below zero is as good as nothing: only likes are kept
    num_comments: Count = None
    removed: OrNone[bool] = None
    spam: OrNone[bool] = None
    banned_by: Json = None
    likes: Json = None

    @property
    def text(self) -> str:
        if self.name.startswith("t4_"):
            parts = ("" if self.parent_id else self.subject.strip(), self.body)
        elif self.name.startswith("t3_"):
            parts = (self.title.strip(), self.selftext or ("" if self.is_self is not False else self.url))
        else:
            parts = ("", self.body)
        return "\n\n".join(part for part in parts if part.strip())


class _Link(BaseModel):
    name: _NameOrNone = ""
    author: Text = ""
    title: Text = ""
    permalink: Text = ""


class _Raw(BaseModel):
    """A thing with its place: whose source reads it, and the post above it."""

    data: _Data
    own: Text = ""
    link: _Link | None = None


def _address(path: str) -> str:
    """Paths are relative, and those of searches and of the inbox carry a query."""
    path = path.split("?", 1)[0]
    return f"{SITE}{quote(path, safe='/%')}" if path.startswith("/") and not path.startswith("//") else ""


class Reddit:
    """One source: subreddits, what addresses an account, or a search."""

    platform: ClassVar[str] = "reddit"
    Settings: ClassVar[type[ConnectorSettings]] = RedditSettings
    # Source: github.com/reddit-archive/reddit/wiki/OAuth2; www.reddit.com/dev/api/oauth names each path's scope.
    oauth: ClassVar[OAuth] = OAuth(
        authorize_url=f"{SITE}/api/v1/authorize",
        token_url=f"{SITE}/api/v1/access_token",
        scopes=("identity", "read", "history", "privatemessages"),
        uses_pkce=False,
        client_auth="client_secret_basic",
        authorize_params={"duration": "permanent"},  # without it there is no refresh token
        token_lives=3600,
    )
    abilities: ClassVar[Abilities] = Abilities(
        quiet_requests=5,
        recheck_batch=BATCH,
        late_reply_delay="one poll where it is in a watched subreddit or answers our account; otherwise (below a post"
        " of ours, or one that a search found) one poll for each 100 posts that are watched, at most 10 polls; 7 days"
        " where as many comments were deleted as were written",
        budget=Budget(1000, timedelta(minutes=10)),
        storage=StorageRules(forgets_deleted=True),
    )

    def __init__(self, settings: RedditSettings, http: HttpClient, access: Access | None = None) -> None:
        self._settings, self._http = settings, http
        # Source: the rules of the API: <platform>:<app id>:<version> (by /u/<name>), or it is throttled.
        self._agent = f"python:heedful:0.1 (by /u/{settings.own_account})"
        self._access = access or GivenToken(settings.token)
        if settings.app_secret is not None:
            self._access = AppToken(settings.site_url, settings.app_id, settings.app_secret, self._agent, http)
        self._mention = re.compile(rf"(?<![\w/-])/?u/{re.escape(settings.own_account)}(?![\w-])", re.IGNORECASE)

    def fetch_page(self, cursor: Json, now: datetime) -> Page:
        """Read the tops and some of what is missing; `cursor` is {"v", "since", "streams", "links", "todo", ...}."""
        state = self._state(cursor, now)
        api = self._api()
        settings = self._settings
        reading = Reading(_streams(settings), settings.own_account, settings.watch == "subreddit", api, state, now)
        reading.read()
        raws, gone = reading.handed_out()
        return Page(raws, state, reading.has_more, gone, frozenset(), api.poll_after, reading.note, float(api.n_spent))

    def recheck(self, known: Sequence[Known]) -> Rechecked:
        """Look again at known comments and posts, 100 in one request; messages cannot be asked for so."""
        api = self._api()
        wanted = [one.native_id for one in known if read_name(one.native_id)[:3] in ("t1_", "t3_")]
        present = api.info(list(dict.fromkeys(wanted)))
        raws, gone = placed(api, present.values(), self._settings.own_account)
        return Rechecked(raws, gone, float(api.n_spent))

    def normalise(self, raw: Json) -> Comment | None:
        """Read one placed thing."""
        placed = _Raw.model_validate(raw)
        data, own = placed.data, placed.own.casefold()
        is_ours = bool(own) and data.author.casefold() == own
        link = placed.link if data.name.startswith("t1_") else None
        subject = link if link and own and link.author.casefold() == own else None
        parent, root = _place(data, link, subject)
        return Comment(
            native_id=data.name,
            kind=self._kind(data, is_ours, subject is not None),
            text=data.text,
            author=_author(data),
            created_at=data.created_utc,
            permalink=_permalink(data),
            parent_native_id=parent,
            root_native_id=root,
            subject_native_id=subject.name if subject else None,
            subject_title=excerpt(subject.title) if subject else "",
            subject_url=_address(subject.permalink) if subject else "",
            edited_at=data.edited,
            n_likes=data.score or 0,
            n_replies=data.num_comments if data.name.startswith("t3_") else None,
            mentions=(self._settings.own_account,) if self._mention.search(data.text) else (),
            is_ours=True if is_ours else None,
            is_hidden=bool(data.removed or data.spam or data.banned_by),
            is_private=data.name.startswith("t4_"),
            is_liked_by_us=data.likes is True,
        )

    def _kind(self, data: _Data, is_ours: bool, is_below_ours: bool) -> Kind:
        """The same for a thing in whatever way it was found, or two sources would edit it to and fro."""
        if data.name.startswith("t4_"):
            return "message"
        if data.name.startswith("t3_"):
            return "post" if is_ours else "mention"
        addresses_us = not is_ours and not is_below_ours and self._mention.search(data.body)
        return "mention" if addresses_us else "comment"

    def _state(self, cursor: Json, now: datetime) -> dict[str, Any]:
        since = (now - self._settings.backfill).timestamp()
        new = {"v": 1, "since": since, "streams": {}, "links": {}, "todo": [], "swept": "", "seen": [], "tops_at": 0.0}
        return resumed(cursor, lambda: new)

    def _api(self) -> Api:
        return Api(self._settings.base_url, self._access, self._agent, self._http)


def _streams(settings: RedditSettings) -> list[Stream]:
    """The listings of a source."""
    where = "+".join(settings.subreddits)
    if settings.watch == "subreddit":
        return [Stream("comments", f"/r/{where}/comments"), Stream("posts", f"/r/{where}/new")]
    if settings.watch == "search":
        params: dict[str, Any] = {"q": settings.query, "sort": "new", "t": "all", "type": "link"}
        restrict = {"restrict_sr": 1} if where else {}
        return [Stream("posts", f"/r/{where}/search" if where else "/search", params | restrict, reads_all=True)]
    own = f"/user/{settings.own_account}"
    newest = {"sort": "new"}
    return [
        Stream("inbox", "/message/inbox", {"mark": "false"}),
        Stream("sent", "/message/sent"),
        Stream("comments", f"{own}/comments", newest),
        Stream("posts", f"{own}/submitted", newest, reads_all=True),
    ]


def _place(data: _Data, link: _Link | None, subject: _Link | None) -> tuple[str | None, str | None]:
    """What it answers and the top of its conversation: a post of others is one itself, a post of ours is not."""
    if data.name.startswith("t3_"):
        return None, None
    if data.name.startswith("t4_"):
        return data.parent_id or None, data.first_message_name or None
    if not data.parent_id:
        raise ValueError("a comment that does not say what it answers")
    if subject is not None:
        is_top = not data.parent_id.startswith("t1_")
        return (None, data.name) if is_top else (data.parent_id, None)
    post = (link.name if link else "") or data.link_id
    return data.parent_id or post or None, post or None


def _author(data: _Data) -> Author:
    name = data.author or (f"r/{data.subreddit}" if data.name.startswith("t4_") and data.subreddit else "[deleted]")
    is_known = data.author not in ("", "[deleted]")
    return Author(
        native_id=data.author_fullname,
        name=name,
        handle=data.author if is_known else "",
        url=f"{SITE}/user/{quote(data.author, safe='')}" if is_known else "",
        is_bot=data.author == "AutoModerator",
    )


def _permalink(data: _Data) -> str:
    if found := _address(data.permalink) or _address(data.context):
        return found
    if data.name.startswith("t4_"):
        return f"{SITE}/message/messages/{data.name[3:]}"
    # Answers of 2016 and before have none.
    return f"{SITE}/comments/{data.link_id[3:]}/_/{data.name[3:]}/" if data.link_id else ""
