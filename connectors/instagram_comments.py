"""What an Instagram account's media and comments are asked for and how they become comments.

Source: developers.facebook.com/docs/instagram-platform: instagram-graph-api/reference/ig-media, ig-comment, ig-user;
the field names are those of facebook-python-business-sdk (adobjects/igcomment.py, igmedia.py).
"""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from connectors.base import Json
from connectors.fields import Instant, Text
from connectors.lenient import Count, OrNone
from connectors.meta_api import next_position
from connectors.meta_fields import (
    Id,
    IdOrNone,
    Named,
    Person,
    author_of,
    part,
    read_count,
    read_id,
    read_seconds,
    rows,
    web_address,
)
from connectors.meta_lists import Dialect, Listing
from monitor.core.text import excerpt
from monitor.model import Comment

_COMMENT = "id,text,timestamp,username,from{id,username},user{id},hidden,like_count,parent_id"
COMMENT_FIELDS = f"{_COMMENT},replies.limit(50){{{_COMMENT}}}"
_MEDIA = "id,caption,comments_count,like_count,media_type,permalink,timestamp,username"
MEDIA_FIELDS = f"{_MEDIA},comments.limit(20){{{_COMMENT},replies.limit(20){{{_COMMENT}}}}}"
LOOK_FIELDS = f"{_MEDIA},comments.limit(50){{{COMMENT_FIELDS}}}"
MENTIONED_FIELDS = ("id,text,timestamp,like_count,username,media{id}", "id,text,timestamp,like_count")
# Source: reference/ig-media/comments: at most 50 a query, no filter by time.
WALK_SIZE = 50
SITE = "https://www.instagram.com"


def media_of(own: str) -> Listing:
    """Our own media, newest first, at most 10,000."""
    return Listing("media", f"{own}/media", MEDIA_FIELDS, size=20)


def tags_of(own: str) -> Listing:
    """Media of others in which we are tagged. Their comments are shown to their owners only, and the link to the next
    page may be missing. Source: reference/ig-user/tags."""
    return Listing("tags", f"{own}/tags", _MEDIA, size=50, only_ours=True, needs_next=False)


class Media(Dialect):
    """Instagram's ways, as meta_reading asks for them."""

    walk_size = WALK_SIZE

    def __init__(self, us: str) -> None:
        self._us = us  # our user name

    def count(self, post: Json) -> int | None:
        """In practice replies and hidden comments are among the number."""
        return read_count(part(post, "comments_count"))

    def on(self, post: Json, own: str, listing: str) -> Json:  # noqa: ARG002 - Facebook needs them
        """What each comment must know of the media above it."""
        if not (media_id := read_id(part(post, "id"))):
            return None
        caption, address = part(post, "caption"), part(post, "permalink")
        return {
            "id": media_id,
            "title": excerpt(caption) if isinstance(caption, str) else "",
            "url": address if isinstance(address, str) else "",
            "us": self._us,
        }

    def raw_post(self, post: Json, own: str, listing: str) -> Json | None:
        """The media without its comments, and without the number of them, which changes with each."""
        left_out = ("comments", "comments_count")
        bare = {k: v for k, v in post.items() if k not in left_out} if isinstance(post, dict) else post
        return {"post": bare, "own": own, "us": self._us, "list": listing}

    def created(self, row: Json) -> int | None:
        return read_seconds(part(row, "timestamp"))

    def is_ours(self, row: Json, own: str) -> bool:
        return _is_ours(row, own, self._us)

    def flat(self, rows: list[Json], above: str = "") -> Iterator[tuple[Json, str]]:
        """Comments with their replies behind them; a reply says what it answers, also where Instagram does not."""
        for row in rows:
            if not isinstance(row, dict):
                yield row, ""
                continue
            replies = row.get("replies")
            row_id = read_id(row.get("id"))
            yield _bare(row, above), row_id if next_position(replies) else ""
            for reply in _replies(row):
                yield (_bare(reply, row_id) if isinstance(reply, dict) else reply), ""

    def below(self, object_id: str, *, is_comment: bool) -> tuple[str, dict[str, Any]]:
        if is_comment:
            return f"{object_id}/replies", {"fields": _COMMENT}
        return f"{object_id}/comments", {"fields": COMMENT_FIELDS}


def _replies(row: Json) -> list[Json]:
    return rows(row, "replies")


def _bare(row: dict[str, Any], above: str) -> Json:
    bare = {key: value for key, value in row.items() if key != "replies"}
    if above and not bare.get("parent_id"):
        bare["parent_id"] = above
    return bare


def _is_ours(row: Json, own: str, us: str) -> bool:
    """`user` is only told of comments that the account itself wrote."""
    by, name = read_id(part(part(row, "from"), "id")), part(row, "username") or part(part(row, "from"), "username")
    return (bool(own) and by == own) or (bool(us) and name == us) or bool(read_id(part(part(row, "user"), "id")))


class _Comment(BaseModel):
    id: Id
    text: Text = ""
    timestamp: Instant
    username: Text = ""
    hidden: OrNone[bool] = None
    like_count: Count = None
    parent_id: IdOrNone = ""
    media: Named | None = None


class _Media(BaseModel):
    id: Id
    caption: Text = ""
    timestamp: Instant
    username: Text = ""
    permalink: Text = ""
    like_count: Count = None


class _On(BaseModel):
    id: Id
    title: Text = ""
    url: Text = ""
    us: Text = ""


def read_raw(raw: dict[str, Any]) -> Comment:
    """Read one raw media, comment, or comment elsewhere that mentions us.

    Raises: ValueError for anything else.
    """
    own, us = read_id(raw.get("own")), raw.get("us")
    us = us if isinstance(us, str) else ""
    if "post" in raw:
        return _read_media(raw["post"], own, us, raw.get("list") == "tags")
    if "mentioned" in raw:
        return _read_mention(raw["mentioned"], own, us, read_id(raw.get("on")))
    return _read_comment(raw.get("comment"), _On.model_validate(raw.get("on")), own)


def _person(payload: Json, username: str) -> Person:
    who = part(payload, "from")
    person = Person.model_validate(who) if who is not None else Person()
    return person if person.username or not username else person.model_copy(update={"username": username})


def _read_media(payload: Json, own: str, us: str, is_tag: bool) -> Comment:
    media = _Media.model_validate(payload)
    is_ours = not is_tag or (bool(us) and media.username == us)
    by = Person(id=own, username=media.username or us) if is_ours else Person(username=media.username)
    return Comment(
        native_id=media.id,
        kind="post" if is_ours else "mention",
        text=media.caption,
        author=author_of(by, media.id, SITE),
        created_at=media.timestamp,
        permalink=web_address(media.permalink),
        root_native_id=media.id,
        n_likes=media.like_count or 0,
        is_ours=True if is_ours else None,
    )


def _read_comment(payload: Json, on: _On, own: str) -> Comment:
    comment = _Comment.model_validate(payload)
    above = comment.parent_id if comment.parent_id != on.id else ""
    page = web_address(on.url)
    return Comment(
        native_id=comment.id,
        kind="comment",
        text=comment.text,
        author=author_of(_person(payload, comment.username), comment.id, SITE),
        created_at=comment.timestamp,
        permalink=f"{page.rstrip('/')}/c/{comment.id}/" if page else "",
        parent_native_id=above or None,
        root_native_id=above or comment.id,
        subject_native_id=on.id,
        subject_title=on.title,
        subject_url=page,
        n_likes=comment.like_count or 0,
        is_ours=True if _is_ours(payload, own, on.us) else None,
        is_hidden=bool(comment.hidden),
    )


def _read_mention(payload: Json, own: str, us: str, on: str) -> Comment:
    """A comment below media of others, which is the root of its conversation: we are shown none beside it.

    Its media is its subject all the same, because by that it is told from media when it is looked at again.
    """
    comment = _Comment.model_validate(payload)
    return Comment(
        native_id=comment.id,
        kind="mention",
        text=comment.text,
        author=author_of(_person(payload, comment.username), comment.id, SITE),
        created_at=comment.timestamp,
        root_native_id=comment.id,
        subject_native_id=on or (comment.media.id if comment.media else "") or None,
        n_likes=comment.like_count or 0,
        is_ours=True if _is_ours(payload, own, us) else None,
        is_hidden=bool(comment.hidden),
    )
