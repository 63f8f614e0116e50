"""What YouTube sends for a comment, a reply or a video, and the comment that it becomes.

Field names are those of the discovery document youtube.v3; only what real answers never leave out is required.
"""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from connectors.base import Json
from connectors.fields import Instant, Text, Told
from connectors.lenient import Count, OrNone
from connectors.youtube_api import read_comment_id, read_video_id
from monitor.core.text import storable
from monitor.model import Author, Comment

_NOT_PUBLIC = ("heldForReview", "likelySpam", "rejected")


def _checked_comment_id(value: object) -> str:
    if not (found := read_comment_id(value)):
        raise ValueError("not an id")
    return found


def _web_address(value: object) -> str:
    text = storable(value) if isinstance(value, str) else ""
    try:
        return text if urlsplit(text).scheme in ("http", "https") else ""
    except ValueError:
        return ""


_Id = Annotated[str, BeforeValidator(_checked_comment_id)]
_VideoId = Annotated[str, BeforeValidator(read_video_id)]
_Web = Annotated[str, BeforeValidator(_web_address)]


class _Payload(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class _ChannelId(_Payload):
    value: Told = ""


class _Words(_Payload):
    """The snippet of a comment. Only its time is always there: authors whose account is gone have no id."""

    published_at: Instant
    updated_at: OrNone[Instant] = None
    text_display: Text = ""
    text_original: Text = ""
    author_display_name: Told = ""
    author_channel_url: _Web = ""
    author_channel_id: OrNone[_ChannelId] = None
    like_count: Count = None
    viewer_rating: Told = ""
    moderation_status: Text = ""
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
    total_reply_count: Count = None


class _Thread(_Payload):
    id: _Id
    snippet: _ThreadWords


class _TopRaw(BaseModel):
    thread: _Thread
    own: Text = ""
    title: Text = ""
    held: Text = ""


class _ReplyRaw(BaseModel):
    reply: _Comment
    root: _Id
    video: _VideoId = ""
    own: Text = ""
    title: Text = ""
    held: Text = ""


class _VideoWords(_Payload):
    published_at: Instant
    channel_id: Text
    channel_title: Told = ""
    title: Text = ""
    description: Text = ""
    default_language: Told = ""


class _Video(_Payload):
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{11}$")]
    snippet: _VideoWords


class _VideoRaw(BaseModel):
    video: _Video
    own: Text = ""


def read_raw(raw: Json) -> Comment:
    """The comment that a raw one is.

    Raises: ValueError for what cannot be read.
    """
    if isinstance(raw, dict) and "reply" in raw:
        told = _ReplyRaw.model_validate(raw)
        return _comment(told.reply, told, told.video, root=told.root, n_replies=None)
    if isinstance(raw, dict) and "video" in raw:
        return _post(_VideoRaw.model_validate(raw))
    top = _TopRaw.model_validate(raw)
    words = top.thread.snippet
    return _comment(words.top_level_comment, top, words.video_id, root=None, n_replies=words.total_reply_count)


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
