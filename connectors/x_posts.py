"""One post of X as a comment: pure, in either dialect of X's field names."""

import re
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from connectors.base import Json
from connectors.fields import Instant, Text, Told
from connectors.lenient import Count, OrNone, Readable
from connectors.x_api import history, read_id, referenced, time_of
from monitor.core.text import excerpt
from monitor.model import Author, Comment, Kind

_TITLE = 80  # of the post that others hang under: short, because the cursor keeps some
_WEB = re.compile(r"https?://\S{1,2000}$")
_HANDLE = re.compile(r"[A-Za-z0-9_]{1,50}")
_NO_LANGUAGE = ("und", "zxx", "art")


def _checked_id(value: object) -> str:
    if not (found := read_id(value)):
        raise ValueError("not an id")
    return found


# X sends id and text whatever is asked for, and anything else only where it is asked for and known.
_Id = Annotated[str, BeforeValidator(_checked_id)]
_IdOrNone = Annotated[str, BeforeValidator(lambda value: "" if value in (None, "") else _checked_id(value))]


class _Model(BaseModel):
    model_config = ConfigDict(populate_by_name=True)


class _Link(_Model):
    url: Told = ""
    expanded_url: Told = ""


class _Mention(_Model):
    id: _IdOrNone = ""
    username: Told = ""


class _Entities(_Model):
    urls: Readable[_Link] = []
    mentions: Readable[_Mention] = []


class _Note(_Model):
    text: Text
    entities: OrNone[_Entities] = None


class _Metrics(_Model):
    like_count: Count = None
    reply_count: Count = None


class _UserMetrics(_Model):
    followers_count: Count = None


class _User(_Model):
    id: _Id
    name: Told = ""
    username: Told = ""
    protected: OrNone[bool] = None
    public_metrics: OrNone[_UserMetrics] = None


class _Post(_Model):
    id: _Id
    text: Text
    author_id: _IdOrNone = ""
    conversation_id: _IdOrNone = ""
    in_reply_to_user_id: _IdOrNone = ""
    created_at: OrNone[Instant] = None  # the id tells it too
    lang: Told = ""
    public_metrics: OrNone[_Metrics] = None
    entities: OrNone[_Entities] = None
    note: OrNone[_Note] = Field(None, validation_alias=AliasChoices("note_tweet", "note_post"))


class _Root(_Model):
    id: _Id
    title: Text = ""


class _Placed(_Model):
    """A post with its place: its author, who we are, our post that it hangs under, the first id of what it answers."""

    post: _Post
    author: OrNone[_User] = None
    own: _IdOrNone = ""
    root: _Root | None = None
    parent: _IdOrNone = ""


def title_of(post: Json) -> str:
    """How a post is named above what hangs under it."""
    try:
        return excerpt(_text(_Post.model_validate(post)), _TITLE)
    except ValueError:
        return ""


def address(post_id: str) -> str:
    """Where people read it: without the author's handle, which may change."""
    return f"https://x.com/i/web/status/{post_id}"


def read_post(raw: Json) -> Comment | None:
    """Read one placed post; None for a repost, which says nothing of its own.

    Raises: ValueError.
    """
    placed = _Placed.model_validate(raw)
    given: dict[str, Any] = raw["post"]
    if referenced(given, "retweeted"):
        return None
    post, versions = placed.post, history(given)
    is_edited = len(versions) > 1
    written_at = (time_of(versions[0]) if is_edited else None) or post.created_at or time_of(versions[0])
    if written_at is None:
        raise ValueError("an id of before 2010, and no time")
    subject = placed.root if placed.root and placed.root.id != versions[0] else None
    metrics = post.public_metrics or _Metrics()
    return Comment(
        native_id=versions[0],
        kind=_kind(placed, given),
        text=_text(post),
        author=_author(placed),
        created_at=written_at,
        permalink=address(post.id),
        parent_native_id=_parent(placed, given, subject),
        root_native_id=_root(placed, versions[0], subject),
        subject_native_id=subject.id if subject else None,
        subject_title=subject.title if subject else "",
        subject_url=address(subject.id) if subject else "",
        edited_at=time_of(versions[-1]) if is_edited else None,
        language="" if post.lang in _NO_LANGUAGE or post.lang.startswith("q") else post.lang,
        n_likes=metrics.like_count or 0,
        n_replies=metrics.reply_count,
        mentions=tuple(dict.fromkeys(filter(None, (one.id or one.username for one in _mentions(post))))),
        is_ours=True if placed.own and post.author_id == placed.own else None,
        is_private=bool(placed.author and placed.author.protected),
    )


def _kind(placed: _Placed, given: dict[str, Any]) -> Kind:
    """The same for a post in whatever way it was found, or two sources would edit it to and fro."""
    post = placed.post
    is_reply = bool(referenced(given, "replied_to") or post.in_reply_to_user_id)
    if placed.own and post.author_id == placed.own:
        return "comment" if is_reply else "post"
    addresses_us = placed.own in {post.in_reply_to_user_id, *(one.id for one in _mentions(post))} - {""}
    under_ours = placed.root is not None and placed.root.id != post.id
    return "comment" if under_ours or (is_reply and not addresses_us) else "mention"


def _parent(placed: _Placed, given: dict[str, Any], subject: _Root | None) -> str | None:
    answered = placed.parent or referenced(given, "replied_to")
    return answered if answered and not (subject and answered == subject.id) else None


def _root(placed: _Placed, native_id: str, subject: _Root | None) -> str | None:
    """The first post of somebody else's conversation; under a post of ours only its direct replies are known roots."""
    if subject is None:
        return native_id if placed.root else placed.post.conversation_id or None
    return native_id if placed.parent == subject.id else None


def _mentions(post: _Post) -> list[_Mention]:
    entities = post.note.entities if post.note and post.note.entities else post.entities
    return entities.mentions if entities else []


def _text(post: _Post) -> str:
    """The whole text as it was typed: X cuts `text` at 280 characters, escapes & < > and shortens links."""
    text = post.note.text if post.note else post.text
    for entities in (post.entities, post.note.entities if post.note else None):
        for link in entities.urls if entities else []:
            if link.url.startswith("https://t.co/") and _WEB.match(link.expanded_url):
                text = text.replace(link.url, link.expanded_url)
    return text[:100_000].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _author(placed: _Placed) -> Author:
    user = placed.author
    if user is None:
        return Author(placed.post.author_id, "")
    metrics = user.public_metrics
    return Author(
        native_id=user.id,
        name=user.name or user.username,
        handle=user.username,
        url=f"https://x.com/{user.username}" if _HANDLE.fullmatch(user.username) else "",
        n_followers=metrics.followers_count if metrics else None,
    )
