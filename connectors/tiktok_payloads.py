"""What TikTok sends for a comment, a reply or a video, and the comment that it becomes.

Only what real answers never leave out is required: an id and a time.
"""

import re
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator

from connectors.base import Json
from connectors.tiktok_api import count_of, part_of, read_id, read_instant
from monitor.core.text import excerpt, storable
from monitor.model import Author, Comment

_KEPT = (
    "comment_id", "parent_comment_id", "video_id", "unique_identifier", "user_id", "username", "display_name",
    "create_time", "text", "likes", "replies", "owner", "liked", "status",
)  # fmt: skip
_HANDLE = re.compile(r"[A-Za-z0-9._]{1,30}")


def comment_raw(comment: Json, video: Json, own: str, root: str = "") -> Json:
    """A raw comment with what it takes of its video; `root` is the comment that a reply was listed below."""
    bare = {name: comment[name] for name in _KEPT if name in comment} if isinstance(comment, dict) else comment
    raw: dict[str, Any] = {"comment": bare, "video": video, "own": own}
    return raw | ({"root": root} if root else {})


def video_raw(video: Json, own: str, name: str, business: str) -> Json:
    """The raw post that a video is, without the numbers that change all day."""
    kept = ("item_id", "create_time", "caption", "share_url")
    bare = {field: video[field] for field in kept if field in video} if isinstance(video, dict) else video
    return {"post": bare, "own": own, "name": name, "business": business}


def context_of(video: Json) -> dict[str, str]:
    """What comments take of their video."""
    caption = part_of(video, "caption")
    title = excerpt(storable(caption)) if isinstance(caption, str) else ""
    return {"id": read_id(part_of(video, "item_id")), "title": title, "url": _web(part_of(video, "share_url"))}


def replies_in(comment: Json) -> list[Json]:
    """The few replies that are sent along with a comment."""
    found = part_of(comment, "reply_list")
    return [reply for reply in found if isinstance(reply, dict)] if isinstance(found, list) else []


def _web(value: object) -> str:
    text = storable(value).strip() if isinstance(value, str) else ""
    try:
        return text if urlsplit(text).scheme in ("http", "https") else ""
    except ValueError:
        return ""


def _checked_id(value: object) -> str:
    if not (found := read_id(value)):
        raise ValueError("not an id")
    return found


def _checked_instant(value: object) -> datetime:
    if (at := read_instant(value)) is None:
        raise ValueError("not a time in seconds")
    return at


def _text(value: object) -> str:
    return storable(value) if isinstance(value, str) else ""


_Id = Annotated[str, BeforeValidator(_checked_id)]
_MaybeId = Annotated[str, BeforeValidator(read_id)]
_Instant = Annotated[datetime, BeforeValidator(_checked_instant)]
_Text = Annotated[str, BeforeValidator(_text)]
_Url = Annotated[str, BeforeValidator(_web)]
_Count = Annotated[int | None, BeforeValidator(count_of)]
_Flag = Annotated[bool, BeforeValidator(lambda value: value is True)]


class _Words(BaseModel):
    comment_id: _Id
    create_time: _Instant
    parent_comment_id: _MaybeId = ""
    unique_identifier: _Text = ""
    user_id: _MaybeId = ""
    username: _Text = ""
    display_name: _Text = ""
    text: _Text = ""
    likes: _Count = None
    replies: _Count = None
    owner: _Flag = False
    liked: _Flag = False
    status: _Text = ""


class _Context(BaseModel):
    id: _Id
    title: _Text = ""
    url: _Url = ""


class _CommentRaw(BaseModel):
    comment: _Words
    video: _Context
    own: _Text = ""
    root: _MaybeId = ""


class _Video(BaseModel):
    item_id: _Id
    create_time: _Instant
    caption: _Text = ""
    share_url: _Url = ""


class _PostRaw(BaseModel):
    post: _Video
    own: _Text = ""
    name: _Text = ""
    business: _Text = ""


def read_raw(raw: Json) -> Comment:
    """The comment that a raw one is.

    Raises: ValueError for what cannot be read.
    """
    if isinstance(raw, dict) and "post" in raw:
        return _post(_PostRaw.model_validate(raw))
    return _comment(_CommentRaw.model_validate(raw))


def _comment(told: _CommentRaw) -> Comment:
    words, video = told.comment, told.video
    # Whatever names itself or the video as its parent stands right below the video.
    parent = words.parent_comment_id or told.root
    parent = "" if parent in (words.comment_id, video.id) else parent
    is_ours = words.owner or (bool(told.own) and words.username.casefold() == told.own.casefold())
    return Comment(
        native_id=words.comment_id,
        kind="comment",
        text=words.text.strip(),
        author=_author(words.unique_identifier or words.user_id, words.username, words.display_name),
        created_at=words.create_time,
        # No comment has an address of its own: the fragment only tells one from the other.
        permalink=f"{video.url.partition('#')[0]}#comment-{words.comment_id}" if video.url else "",
        parent_native_id=parent or None,
        root_native_id=parent or words.comment_id,
        subject_native_id=video.id,
        subject_title=video.title.strip() or "TikTok video",
        subject_url=video.url,
        n_likes=words.likes or 0,
        n_replies=None if parent else words.replies,
        is_ours=True if is_ours else None,
        is_hidden=words.status.upper() == "HIDDEN",
        is_liked_by_us=words.liked,
    )


def _author(native_id: str, username: str, name: str) -> Author:
    handle = username.removeprefix("@").strip()
    url = f"https://www.tiktok.com/@{handle}" if _HANDLE.fullmatch(handle) else ""
    return Author(native_id, name.strip() or handle, handle, url)


def _post(told: _PostRaw) -> Comment:
    video = told.post
    return Comment(
        native_id=video.item_id,
        kind="post",
        text=video.caption.strip(),
        author=_author(told.business, told.own, told.name),
        created_at=video.create_time,
        permalink=video.share_url,
        root_native_id=video.item_id,
        is_ours=True,
    )
