"""Reads the comments on a YouTube channel: all threads on its videos and about it, every reply, and its own videos.

With a token of the channel's owner the comments that YouTube holds for review come in too, as hidden ones. Native ids
are YouTube's own: of a comment, of a reply ("<thread>.<reply>"), of a video.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic.alias_generators import to_camel

from connectors.base import (
    Abilities,
    Access,
    Budget,
    ConnectorSettings,
    GivenToken,
    Json,
    Known,
    Page,
    Rechecked,
    StorageRules,
)
from connectors.oauth import OAuth
from connectors.youtube_api import Api, part_of, read_comment_id, read_instant, read_video_id
from connectors.youtube_reading import Reading, State
from connectors.youtube_recheck import Look
from monitor.core.text import storable
from monitor.errors import Gone, Malformed, Unauthorized
from monitor.http import HttpClient
from monitor.model import Author, Comment

WHO_WE_ARE = timedelta(days=1)  # how long the answer to "which channel is this" is believed
_NOT_PUBLIC = ("heldForReview", "likelySpam", "rejected")
_CHANNEL = re.compile(r"UC[A-Za-z0-9_-]{22}|@[^\s/?#&]{3,60}|")


class YouTubeSettings(ConnectorSettings):
    """Which channel to read, and as whom."""

    channel: str = ""
    """The channel: its id ("UC" and 22 more characters) or its handle ("@brand"). Not needed with a token, which
    speaks for one channel."""
    api_key: SecretStr | None = None
    """An API key of a Google Cloud project: reads what everybody sees. Leave it out to read with the token that
    `heedful auth youtube` stores, as the channel's owner."""
    token: SecretStr | None = None
    """An OAuth access token given by hand, for a try: it lives for an hour."""
    spam: bool = False
    """With a token: read what YouTube takes for likely spam as well, as hidden comments."""
    base_url: str = "https://www.googleapis.com/youtube/v3"
    """Where the API answers."""

    @field_validator("channel")
    @classmethod
    def _is_a_channel(cls, value: str) -> str:
        if not _CHANNEL.fullmatch(value):
            raise ValueError('give the channel as "UC..." (24 characters) or "@handle"')
        return value

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or "@" in parts.netloc:
            raise ValueError('must be an address such as "https://www.googleapis.com/youtube/v3"')
        return value.rstrip("/")

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if self.api_key is not None and self.token is not None:
            raise ValueError("give api_key or token, not both")
        if self.api_key is not None and not self.channel:
            raise ValueError("an api_key needs the channel")
        if self.api_key is not None and self.spam:
            raise ValueError("spam = true needs the owner's token: an api_key is shown published comments only")
        return self


def _checked_comment_id(value: object) -> str:
    if not (found := read_comment_id(value)):
        raise ValueError("not an id")
    return found


def _checked_instant(value: object) -> datetime:
    if (at := read_instant(value)) is None:
        raise ValueError("not a time with its zone")
    return at


def _text(value: object) -> object:
    return storable(value) if isinstance(value, str) else "" if value is None else value


def _web_address(value: object) -> str:
    text = storable(value) if isinstance(value, str) else ""
    try:
        return text if urlsplit(text).scheme in ("http", "https") else ""
    except ValueError:
        return ""


_Id = Annotated[str, BeforeValidator(_checked_comment_id)]
_VideoId = Annotated[str, BeforeValidator(read_video_id)]
_Text = Annotated[str, BeforeValidator(_text)]
_Web = Annotated[str, BeforeValidator(_web_address)]
_Instant = Annotated[datetime, BeforeValidator(_checked_instant)]
_Count = Annotated[int, Field(ge=0, lt=2**53)]


class _Payload(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class _ChannelId(_Payload):
    value: _Text = ""


class _Words(_Payload):
    """The snippet of a comment. Only its time is always there: authors whose account is gone have no id."""

    published_at: _Instant
    updated_at: _Instant | None = None
    text_display: _Text = ""
    text_original: _Text = ""
    author_display_name: _Text = ""
    author_channel_url: _Web = ""
    author_channel_id: _ChannelId | None = None
    like_count: _Count | None = None
    viewer_rating: _Text = ""
    moderation_status: _Text = ""
    image_url: _Web = ""

    @property
    def text(self) -> str:
        """What was typed; of a comment that is only a picture, where that is."""
        return (self.text_original or self.text_display).strip() or self.image_url


class _Comment(_Payload):
    id: _Id
    snippet: _Words


class _ThreadWords(_Payload):
    top_level_comment: _Comment
    video_id: _VideoId = ""
    total_reply_count: _Count | None = None


class _Thread(_Payload):
    id: _Id
    snippet: _ThreadWords


class _TopRaw(BaseModel):
    thread: _Thread
    own: _Text = ""
    title: _Text = ""
    held: _Text = ""


class _ReplyRaw(BaseModel):
    reply: _Comment
    root: _Id
    video: _VideoId = ""
    own: _Text = ""
    title: _Text = ""
    held: _Text = ""


class _VideoWords(_Payload):
    published_at: _Instant
    channel_id: _Text
    channel_title: _Text = ""
    title: _Text = ""
    description: _Text = ""
    default_language: _Text = ""


class _Video(_Payload):
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{11}$")]
    snippet: _VideoWords


class _VideoRaw(BaseModel):
    video: _Video
    own: _Text = ""


class YouTube:
    """One source: everything said on one channel."""

    platform: ClassVar[str] = "youtube"
    Settings: ClassVar[type[ConnectorSettings]] = YouTubeSettings
    abilities: ClassVar[Abilities] = Abilities(
        replies="YouTube keeps two levels: a reply to a reply is read as one to the comment on top",
        quiet_requests=8,
        recheck_batch=50,
        late_reply_delay="as a rule 20 minutes and one poll; at most 20 minutes, and 1 minute for each 2 videos and "
        "for each 200 threads of the channel (4 hours for 200 videos with 20,000 threads); where YouTube's own count "
        "of a video stood still, 20 minutes for each video",
        budget=Budget(10_000, timedelta(days=1), "units"),
        storage=StorageRules(text_for=timedelta(days=30), author_for=timedelta(days=30), forgets_deleted=True),
    )
    oauth: ClassVar[OAuth] = OAuth(
        authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
        token_url="https://oauth2.googleapis.com/token",  # noqa: S106 - an address
        # Source: commentThreads.list of the discovery document takes this scope alone.
        scopes=("https://www.googleapis.com/auth/youtube.force-ssl",),
        authorize_params={"access_type": "offline", "prompt": "consent"},
    )

    def __init__(self, settings: YouTubeSettings, http: HttpClient, access: Access | None = None) -> None:
        self._settings, self._http = settings, http
        self._access = access or GivenToken(settings.token)

    def fetch_page(self, cursor: Json, now: datetime) -> Page:
        """Work off some steps of a poll; what the cursor holds is told by `State`."""
        api, state = self._api(), State.read(cursor, now - self._settings.backfill)
        asked_at = read_instant(state.asked_at)
        if not state.channel or asked_at is None or now - asked_at > WHO_WE_ARE:
            state.channel, state.uploads = self._channel(api)
            state.asked_at = now.isoformat()
        reading = Reading(api, state, now, self._settings.spam)
        reading.read()
        return Page(
            reading.raws,
            state.as_json(),
            reading.more,
            own_author_ids=frozenset({state.channel}),
            note=reading.note,
            spent=api.n,
        )

    def recheck(self, known: Sequence[Known]) -> Rechecked:
        """Look again at known comments, what is new in their threads, and known videos."""
        api, named = self._api(), self._settings.channel
        return Look(api, named if named.startswith("UC") else self._channel(api)[0], known).take()

    def normalise(self, raw: Json) -> Comment | None:
        """Read one comment, reply or video."""
        if isinstance(raw, dict) and "video" in raw and "reply" not in raw:
            return _post(_VideoRaw.model_validate(raw))
        if isinstance(raw, dict) and "reply" in raw:
            told = _ReplyRaw.model_validate(raw)
            return _comment(told.reply, told, told.video, root=told.root, n_replies=None)
        top = _TopRaw.model_validate(raw)
        words = top.thread.snippet
        return _comment(words.top_level_comment, top, words.video_id, root=None, n_replies=words.total_reply_count)

    def _api(self) -> Api:
        key = self._settings.api_key
        return Api(self._settings.base_url, self._http, self._access, key.get_secret_value() if key else "")

    def _channel(self, api: Api) -> tuple[str, str]:
        """The id of the channel and of the playlist of its videos."""
        named = self._settings.channel
        found = api.channel(named)
        if found is None and not named:
            raise Unauthorized(
                "this Google account has no YouTube channel: authorise again and choose the brand account"
            )
        if found is None:
            raise Gone(f"YouTube knows no channel {named}", status=404)
        uploads = part_of(found, "contentDetails", "relatedPlaylists", "uploads")
        if not (channel := read_comment_id(part_of(found, "id"))):
            raise Malformed("YouTube answered with a channel that has no id", payload=str(found)[:20_000], status=200)
        return channel, uploads if isinstance(uploads, str) else ""


def _comment(
    told: _Comment, raw: _TopRaw | _ReplyRaw, video: str, *, root: str | None, n_replies: int | None
) -> Comment:
    words = told.snippet
    author_id = words.author_channel_id.value if words.author_channel_id else ""
    edited_at = words.updated_at if words.updated_at and words.updated_at > words.published_at else None
    return Comment(
        native_id=told.id,
        kind="comment",
        text=words.text,
        author=_author(words, author_id),
        created_at=words.published_at,
        permalink=f"{_watch(video)}&lc={told.id}" if video else "",
        parent_native_id=root,
        root_native_id=root or told.id,
        subject_native_id=video or None,
        subject_title=raw.title if video else "",
        subject_url=_watch(video) if video else "",
        edited_at=edited_at,
        n_likes=words.like_count or 0,
        n_replies=n_replies,
        is_ours=True if raw.own and author_id == raw.own else None,
        is_hidden=(words.moderation_status or raw.held) in _NOT_PUBLIC,
        is_liked_by_us=words.viewer_rating == "like",
    )


def _author(words: _Words, author_id: str) -> Author:
    name = words.author_display_name
    handle = name.removeprefix("@") if name.startswith("@") else ""
    return Author(author_id, name, handle, words.author_channel_url)


def _post(told: _VideoRaw) -> Comment:
    words = told.video.snippet
    channel = read_comment_id(words.channel_id)
    return Comment(
        native_id=told.video.id,
        kind="post",
        text="\n\n".join(part for part in (words.title.strip(), words.description.strip()) if part),
        author=Author(
            channel, words.channel_title, url=f"https://www.youtube.com/channel/{channel}" if channel else ""
        ),
        created_at=words.published_at,
        permalink=_watch(told.video.id),
        root_native_id=told.video.id,
        language=words.default_language,
        is_ours=True if told.own and channel == told.own else None,
    )


def _watch(video: str) -> str:
    return f"https://www.youtube.com/watch?v={video}"
