"""What LinkedIn sends for a comment and a post, and the comment that each becomes.

Native ids are a comment's number and a post's URN. Little is kept of an answer: people are a URN, as LinkedIn does not
tell their names. Source: shares/comments-api, shares/posts-api and shares/little-text-format of its documentation.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

from connectors.base import Json
from connectors.lenient import OrNone
from connectors.linkedin_api import (
    comment_urn,
    part_of,
    read_actor,
    read_comment_urn,
    read_ms,
    read_number,
    read_post,
    read_thread,
)
from monitor.core.text import excerpt, storable
from monitor.model import Author, Comment

SITE = "https://www.linkedin.com"
_EDITED = 1_000  # milliseconds; less is how long it took to store
_KEPT = (
    *("id", "commentUrn", "$URN", "actor", "object", "parentComment", "message", "content", "created", "lastModified"),
    *("likesSummary", "commentsSummary"),
)
_KEPT_OF_POST = ("id", "author", "commentary", "createdAt", "publishedAt", "lastModifiedAt", "lifecycleState")
_BY_AUTHOR = ("lifecycleStateInfo", "isEditedByAuthor")
_COUNTS = ("totalLikes", "aggregatedTotalLikes", "totalFirstLevelComments", "aggregatedTotalComments")
_MENTION = re.compile(r"@\[((?:\\.|[^\]\\])*)\]\((urn:li:[^)\s]{1,200})\)")
_HASHTAG = re.compile(r"\{hashtag\|(?:\\?#|＃)\|((?:\\.|[^}\\])*)\}")
_ESCAPED = re.compile(r"\\([\\|{}@\[\]()<>#*_~])")
_DEEPEST = 5


def _text(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError("not a text")
    return storable(value)


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else 0


_Text = Annotated[str, BeforeValidator(_text)]
_Ms = Annotated[int, BeforeValidator(read_ms)]
_Count = Annotated[int, BeforeValidator(_count)]
_Actor = Annotated[str, BeforeValidator(read_actor)]
_Post = Annotated[str, BeforeValidator(read_post)]
_Thread = Annotated[str, BeforeValidator(read_thread)]
_Number = Annotated[str, BeforeValidator(read_number)]
_Urn = Annotated[tuple[str, str], BeforeValidator(read_comment_urn)]


class _Payload(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class _Stamp(_Payload):
    actor: _Actor = ""
    time: _Ms = 0


class _Message(_Payload):
    text: _Text = ""
    attributes: Any = None


class _Summary(_Payload):
    total_likes: _Count = 0
    aggregated_total_likes: _Count = 0
    total_first_level_comments: _Count = 0
    aggregated_total_comments: _Count = 0


class _Comment(_Payload):
    """Source: a picture alone has no message; `parentComment` is there for replies only."""

    id: _Number = ""
    comment_urn: _Urn = ("", "")
    actor: _Actor = ""
    object: _Thread = ""
    parent_comment: _Urn = ("", "")
    message: _Message | None = None
    created: _Stamp | None = None
    last_modified: OrNone[_Stamp] = None
    likes_summary: OrNone[_Summary] = None
    comments_summary: OrNone[_Summary] = None


class _PostPayload(_Payload):
    id: _Post = ""
    author: _Actor = ""
    commentary: _Text = ""
    created_at: _Ms = 0
    published_at: _Ms = 0
    last_modified_at: _Ms = 0
    title: _Text = ""
    is_edited: bool | None = None


class _Raw(BaseModel):
    """A comment with the post it hangs under, or a post. `root`: the stranger's post that a comment answers."""

    own: _Actor = ""
    comment: _Comment | None = None
    subject: _Thread = ""
    title: _Text = ""
    root: _Post = ""
    post: _PostPayload | None = None
    is_plain: bool = False
    is_shared: bool = False


def comment_raw(comment: Json, own: str, subject: str, title: str, root: str = "") -> Json:
    """The raw comment of what LinkedIn sent."""
    bare = {name: comment[name] for name in _KEPT if name in comment} if isinstance(comment, dict) else comment
    for name in ("likesSummary", "commentsSummary"):
        if isinstance(bare, dict) and isinstance(bare.get(name), dict):
            bare[name] = {one: bare[name][one] for one in _COUNTS if one in bare[name]}  # and not who liked it
    raw = {"comment": bare, "own": own, "subject": subject, "title": title}
    return raw | ({"root": root} if root else {})


def post_raw(post: Json, own: str, **besides: bool) -> Json:
    """The raw post, ours or one that mentions us. `besides`: is_plain (text without markup), is_shared."""
    bare = {name: post[name] for name in _KEPT_OF_POST if name in post} if isinstance(post, dict) else post
    title, is_edited = part_of(post, "content", "article", "title"), part_of(post, *_BY_AUTHOR)
    if isinstance(bare, dict):
        bare |= {"title": title} if isinstance(title, str) else {}
        bare |= {"isEdited": is_edited} if isinstance(is_edited, bool) else {}
    return {"post": bare, "own": own, **besides}


def number_of(comment: Json) -> str:
    """The number of a comment, "" where there is none; which field has it differs."""
    names = (part_of(comment, "commentUrn"), part_of(comment, "$URN"))
    return read_number(part_of(comment, "id")) or next(filter(None, (read_comment_urn(one)[1] for one in names)), "")


def n_replies_of(comment: Json) -> int:
    """How many replies LinkedIn counts below a comment."""
    told = part_of(comment, "commentsSummary", "totalFirstLevelComments")
    return told if isinstance(told, int) and not isinstance(told, bool) and 0 <= told < 2**53 else 0


def title_of(post: Json) -> str:
    """The beginning of a post, as its comments carry it."""
    text = part_of(post, "commentary")
    words = plain(text)[0] if isinstance(text, str) else ""
    title = part_of(post, "content", "article", "title")
    return excerpt(words.strip() or (title if isinstance(title, str) else ""), 100)


def published_ms(post: Json) -> int:
    """When a post was published."""
    return read_ms(part_of(post, "publishedAt")) or read_ms(part_of(post, "createdAt"))


def plain(text: str) -> tuple[str, tuple[str, ...]]:
    """A post's text without LinkedIn's markup, and whom it mentions.

    Source: little text format: `@[Name](urn)`, `{hashtag|\\#|word}`, and a backslash before each reserved sign.
    """
    mentions = tuple(dict.fromkeys(filter(None, (read_actor(found[2]) for found in _MENTION.finditer(text)))))
    shown = _HASHTAG.sub(lambda found: f"#{found[1]}", _MENTION.sub(lambda found: found[1], text))
    return storable(_ESCAPED.sub(r"\1", shown)), mentions


def read_raw(raw: Json) -> Comment | None:
    """The comment that a raw one is; None for a share without words.

    Raises: ValueError for what cannot be read.
    """
    told = _Raw.model_validate(raw)
    if told.comment is not None:
        return _read_comment(told, told.comment, part_of(raw, "comment"))
    if told.post is not None:
        return _read_post(told, told.post)
    raise ValueError("neither a comment nor a post")


def _read_comment(told: _Raw, comment: _Comment, payload: Json) -> Comment:
    number = number_of(payload)
    thread = comment.comment_urn[0] or read_comment_urn(part_of(payload, "$URN"))[0] or comment.object or told.subject
    created_ms, changed_ms = _time(comment.created), _time(comment.last_modified)
    created_ms = created_ms or changed_ms
    if not number or not created_ms or not thread:
        raise ValueError("a comment without its number, its time or what it hangs under")
    parent = comment.parent_comment[1]
    message = comment.message or _Message()
    likes, below = comment.likes_summary or _Summary(), comment.comments_summary
    actor = comment.actor or (comment.created.actor if comment.created else "")
    return Comment(
        native_id=number,
        kind="comment",
        text=message.text,
        author=_author(actor, part_of(payload, "actor~")),
        created_at=_instant(created_ms),
        permalink=f"{_link(thread)}?commentUrn={quote(comment_urn(thread, number), safe='')}",
        parent_native_id=parent or told.root or None,
        root_native_id=told.root or parent or number,
        edited_at=_instant(changed_ms) if changed_ms - created_ms >= _EDITED else None,
        n_likes=max(likes.total_likes, likes.aggregated_total_likes),
        n_replies=below.total_first_level_comments if below and not parent else None,
        mentions=tuple(dict.fromkeys(_actors_in(message.attributes, 0))),
        is_ours=True if told.own and actor == told.own else None,
        **_subject(told, thread),
    )


def _subject(told: _Raw, thread: str) -> dict[str, Any]:
    if told.root:
        return {}
    post = told.subject or thread
    return {
        "subject_native_id": post,
        "subject_title": excerpt(told.title) or "A post on LinkedIn",
        "subject_url": _link(post),
    }


def _read_post(told: _Raw, post: _PostPayload) -> Comment | None:
    is_ours = bool(told.own) and post.author == told.own
    published = post.published_at or post.created_at
    if not post.id or not published:
        raise ValueError("a post without its name or its time")
    text, mentions = (post.commentary, ()) if told.is_plain else plain(post.commentary)
    text = text.strip() or post.title.strip()
    if told.is_shared and not text:
        return None
    # Source: lastModifiedAt moves for other reasons too; only newer versions say whether its author changed it.
    is_edited = post.last_modified_at - published >= _EDITED and post.is_edited is not False
    return Comment(
        native_id=post.id,
        kind="post" if is_ours else "mention",
        text=text,
        author=_author(post.author, None),
        created_at=_instant(published),
        permalink=_link(post.id),
        root_native_id=post.id,
        edited_at=_instant(post.last_modified_at) if is_edited else None,
        mentions=mentions,
        is_ours=True if is_ours else None,
    )


def _author(actor: str, decorated: Json) -> Author:
    """Who wrote. Source: members' names need another permission; a page's may come along."""
    kind, _, number = actor.removeprefix("urn:li:").partition(":")
    name = part_of(decorated, "localizedName")
    if kind in ("organization", "organizationBrand"):
        shown = storable(name).strip() if isinstance(name, str) else ""
        return Author(actor, shown or f"LinkedIn page {number}", url=f"{SITE}/company/{number}/")
    return Author(actor, "A LinkedIn member")


def _actors_in(value: Json, depth: int) -> Iterator[str]:
    """Whom the attributes of a message name; which keys say so differs from version to version."""
    if actor := read_actor(value):
        yield actor
    elif depth < _DEEPEST and isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _actors_in(inner, depth + 1)


def _time(stamp: _Stamp | None) -> int:
    return stamp.time if stamp else 0


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1_000, UTC)


def _link(urn: str) -> str:
    return f"{SITE}/feed/update/{urn}/"
