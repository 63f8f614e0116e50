"""What a Page's posts, comments and recommendations are asked for and how they become comments.

Source: developers.facebook.com/docs/graph-api/reference: page/feed, object/comments, recommendation; the field names
are those of facebook-python-business-sdk (adobjects/comment.py, pagepost.py, recommendation.py).
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel

from connectors.base import Json
from connectors.fields import Instant, Text
from connectors.lenient import Count, OrNone, Readable
from connectors.meta_api import last_part
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

COMMENT_FIELDS = (
    "id,message,created_time,from{id,name},parent{id},permalink_url,like_count,comment_count,is_hidden,is_private,"
    "user_likes,message_tags,attachment{type,title,url}"
)
EMBEDDED = f"comments.filter(stream).order(reverse_chronological).limit(25).summary(true){{{COMMENT_FIELDS}}}"
POST_FIELDS = (
    "id,message,story,created_time,updated_time,permalink_url,from{id,name},is_hidden,message_tags,"
    "reactions.limit(0).summary(total_count),"
    f"attachments{{title,subattachments{{media_type,target{{id}}}}}},{EMBEDDED}"
)
REEL_FIELDS = f"id,title,description,created_time,updated_time,permalink_url,post_id,from{{id,name}},{EMBEDDED}"
PHOTO_FIELDS = f"id,{EMBEDDED}"
RATING_FIELDS = "created_time,has_rating,rating,has_review,recommendation_type,review_text,reviewer{id,name}"
WALK_SIZE = 100
SITE = "https://www.facebook.com"
_STARS = {"positive": 5.0, "negative": 1.0}


@dataclass(frozen=True, slots=True)
class _Edge:
    """A listing of any Page."""

    name: str
    listing: Listing

    def of(self, page: str) -> Listing:
        return replace(self.listing, path=f"{page}/{self.listing.path}")


def _edge(name: str, fields: str = POST_FIELDS, **more: Any) -> _Edge:
    return _Edge(name, Listing(name, name, fields, **more))


LISTS = (
    _edge("feed", params=(("include_hidden", "true"),)),
    _edge("video_reels", REEL_FIELDS, is_optional=True),
    _edge("ads_posts", params=(("include_inline_create", "true"),), is_optional=True),
    _edge("tagged", is_optional=True, only_ours=True),
)
RATINGS = _edge("ratings", f"{RATING_FIELDS},open_graph_story{{id}}")


class Posts(Dialect):
    """Facebook's ways, as meta_reading asks for them."""

    walk_size = WALK_SIZE

    def count(self, post: Json) -> int | None:
        """With `filter(stream)` the number is that of all levels."""
        return read_count(part(part(part(post, "comments"), "summary"), "total_count"))

    def on(self, post: Json, own: str, listing: str) -> Json:
        """The post as its comments need it; a recommendation is the post of the replies to it."""
        if listing == RATINGS.name:
            return {"id": story, "root": True, "title": "", "url": ""} if (story := story_of(post)) else None
        if not (post_id := read_id(part(post, "id"))):
            return None
        title = next((text for text in _texts(post) if text), "")
        address = part(post, "permalink_url")
        return {
            "id": post_id,
            "root": not (_is_video(post) or self.is_ours(post, own)),
            "title": excerpt(title),
            "url": _address(address) if isinstance(address, str) else "",
        }

    def raw_post(self, post: Json, own: str, listing: str) -> Json | None:
        """The post without the comments, which are raws of their own."""
        if listing == RATINGS.name:
            return {"review": post, "own": own}
        bare = {key: value for key, value in post.items() if key != "comments"} if isinstance(post, dict) else post
        return {"post": bare, "own": own}

    def created(self, row: Json) -> int | None:
        return read_seconds(part(row, "created_time"))

    def is_ours(self, row: Json, own: str) -> bool:
        return bool(own) and read_id(part(part(row, "from"), "id")) == own

    def flat(self, rows: list[Json], above: str = "") -> Iterator[tuple[Json, str]]:
        """With filter=stream nothing is nested."""
        assert not above
        return ((row, "") for row in rows)

    def below(self, object_id: str, *, is_comment: bool) -> tuple[str, dict[str, Any]]:
        assert not is_comment, "with filter=stream no comment has a list of its own"
        order = {"filter": "stream", "order": "reverse_chronological"}
        return f"{object_id}/comments", {"fields": COMMENT_FIELDS, **order}

    def is_known(self, post: Json, listing: str, seen: dict[str, Any]) -> bool:
        """Whether a reel is also a post of the feed, and is read there."""
        post_id = part(post, "post_id") if listing == "video_reels" else None
        return bool(post_id) and last_part(str(post_id)) in seen


def photos_of(post: Json) -> list[str]:
    """The photos of an album: each has comments of its own, beside those of the post."""
    found = []
    for attachment in rows(post, "attachments"):
        within = rows(attachment, "subattachments")
        if len(within) > 1:
            found += [read_id(part(part(one, "target"), "id")) for one in within]
    return [one for one in dict.fromkeys(found) if one and one != read_id(part(post, "id"))]


def story_of(review: Json) -> str:
    """The story of a recommendation, which bears its comments; "" where it has none."""
    return read_id(part(part(review, "open_graph_story"), "id"))


def _is_video(post: Json) -> bool:
    return "_" not in read_id(part(post, "id"))


def _texts(post: Json) -> list[str]:
    names = ("message", "description", "title", "story")
    texts = [part(post, name) for name in names] + [part(one, "title") for one in rows(post, "attachments")]
    return [text for text in texts if isinstance(text, str)]


def _address(path: str) -> str:
    """Reels have their address without the host."""
    return f"{SITE}{path}" if path.startswith("/") and not path.startswith("//") else web_address(path)


class _Total(BaseModel):
    total_count: Count = None


class _Reactions(BaseModel):
    summary: OrNone[_Total] = None


class _Spoken(BaseModel):
    """What posts and comments have in common."""

    id: IdOrNone = ""
    created_time: Instant
    message: Text = ""
    permalink_url: Text = ""
    is_hidden: OrNone[bool] = None
    message_tags: Readable[Named] = []

    @property
    def tagged(self) -> tuple[str, ...]:
        return tuple(tag.id for tag in self.message_tags if tag.id)


class _Post(_Spoken):
    id: Id
    description: Text = ""
    title: Text = ""
    story: Text = ""
    reactions: OrNone[_Reactions] = None


class _Comment(_Spoken):
    parent: Named | None = None
    like_count: Count = None
    comment_count: Count = None
    is_private: bool | None = None
    user_likes: OrNone[bool] = None


class _On(BaseModel):
    id: Id
    root: bool
    title: Text = ""
    url: Text = ""


class _Review(BaseModel):
    created_time: Instant
    rating: Count = None
    recommendation_type: Text = ""
    review_text: Text = ""
    open_graph_story: Named | None = None


def read_raw(raw: dict[str, Any]) -> Comment:
    """Read one raw post, comment or recommendation.

    Raises: ValueError for anything else.
    """
    own = read_id(raw.get("own"))
    if "post" in raw:
        return _read_post(raw["post"], own)
    if "review" in raw:
        return _read_review(raw["review"])
    return _read_comment(raw.get("comment"), _On.model_validate(raw.get("on")), own)


def _person(of: Json, name: str = "from") -> Person | None:
    who = part(of, name)
    return Person.model_validate(who) if who is not None else None


def _read_post(payload: Json, own: str) -> Comment:
    post, by = _Post.model_validate(payload), _person(payload)
    is_ours = (by is not None and bool(own) and by.id == own) or (by is None and "_" not in post.id)
    likes = post.reactions.summary.total_count if post.reactions and post.reactions.summary else None
    author = author_of(by, post.id) if by is not None or not is_ours else author_of(Person(id=own), post.id)
    return Comment(
        native_id=post.id,
        kind="post" if is_ours else "mention",
        text=post.message or post.description or post.title or post.story,
        author=author,
        created_at=post.created_time,
        permalink=_address(post.permalink_url),
        root_native_id=post.id,
        n_likes=likes or 0,
        mentions=post.tagged,
        is_ours=True if is_ours else None,
        is_hidden=bool(post.is_hidden),
    )


def _read_comment(payload: Json, on: _On, own: str) -> Comment:
    comment, by = _Comment.model_validate(payload), _person(payload)
    from_address, above_by_address = _ids_in(comment.permalink_url, on.id)
    native_id = comment.id or from_address
    if not native_id:
        raise ValueError("a comment without an id, and none in its address")
    above = comment.parent.id if comment.parent else ""
    above = above or (above_by_address if above_by_address != native_id else "")
    above = "" if above == on.id else above
    return Comment(
        native_id=native_id,
        kind="comment",
        text=comment.message,
        author=author_of(by, native_id),
        created_at=comment.created_time,
        permalink=_address(comment.permalink_url),
        parent_native_id=above or (on.id if on.root else None),
        root_native_id=on.id if on.root else above or native_id,
        subject_native_id=None if on.root else on.id,
        subject_title="" if on.root else on.title,
        subject_url="" if on.root else web_address(on.url),
        n_likes=comment.like_count or 0,
        n_replies=comment.comment_count,
        mentions=comment.tagged,
        is_ours=True if by is not None and bool(own) and by.id == own else None,
        is_hidden=bool(comment.is_hidden),
        is_private=bool(comment.is_private),
        is_liked_by_us=bool(comment.user_likes),
    )


def _ids_in(address: str, post_id: str) -> tuple[str, str]:
    """A comment's id and that of the one it answers, as its address tells them.

    To a token without the task MODERATE Facebook withholds the ids; the address names them all the same.
    """
    try:
        query = parse_qs(urlsplit(address).query)
    except ValueError:
        return "", ""
    comment, reply = (query.get(name, [""])[-1] for name in ("comment_id", "reply_comment_id"))
    prefix = last_part(post_id)
    top = f"{prefix}_{comment}" if read_id(comment) else ""
    return (f"{prefix}_{reply}", top) if read_id(reply) and top else (top, "")


def _read_review(payload: Json) -> Comment:
    review, by = _Review.model_validate(payload), _person(payload, "reviewer")
    story = review.open_graph_story.id if review.open_graph_story else ""
    who = (by.id or by.name) if by else ""
    if not story and not who:
        raise ValueError("a recommendation without a story and without an author: it cannot be told from others")
    # Rows of /ratings have no id of their own.
    digest = hashlib.sha256(f"{who}\0{review.created_time.isoformat()}".encode()).hexdigest()
    native_id = story or f"rating-{digest[:24]}"
    return Comment(
        native_id=native_id,
        kind="review",
        text=review.review_text,
        author=author_of(by, native_id),
        created_at=review.created_time,
        permalink=f"{SITE}/{story}" if story else "",
        root_native_id=native_id,
        stars=float(min(review.rating, 5)) if review.rating else _STARS.get(review.recommendation_type),
    )
