"""Comments as rows: what is a column because a query looks at it, and what lies in the JSON of `details`."""

import json
from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any

from monitor.model import Author, Comment, Signals, StoredComment
from monitor.store.instants import from_us, opt_at, to_us

COLUMNS = (
    "brand",
    "id",
    "source_id",
    "platform",
    "native_id",
    "thread_id",
    "parent_id",
    "subject_id",
    "kind",
    "text",
    "author_key",
    "details",
    "content_hash",
    "created_at",
    "seen_at",
    "text_changed_at",
    "deleted_at",
    "is_history",
    "signals",
    "signals_version",
    "stirs",
)
_PLACE = {name: place for place, name in enumerate(COLUMNS)}
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

_AUTHOR_FIELDS = (
    ("native_id", ""),
    ("name", ""),
    ("handle", ""),
    ("url", ""),
    ("n_followers", None),
    ("is_bot", False),
)
_COMMENT_FIELDS = (
    ("permalink", ""),
    ("parent_native_id", None),
    ("root_native_id", None),
    ("subject_native_id", None),
    ("subject_title", ""),
    ("subject_url", ""),
    ("language", ""),
    ("stars", None),
    ("n_likes", 0),
    ("n_replies", None),
    ("is_ours", None),
    ("is_liked_by_us", False),
    ("is_hidden", False),
    ("is_private", False),
)


def storable(text: str) -> str:
    """Text as both databases take it: no NUL (Postgres refuses it), no half of a surrogate pair."""
    if "\0" in text:
        text = text.replace("\0", "�")
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def encode_details(comment: Comment) -> str:
    """The fields of a comment and its author that no query looks at; those at their default are left out."""
    author = comment.author
    details: dict[str, Any] = {
        name: value for name, default in _COMMENT_FIELDS if (value := getattr(comment, name)) != default
    }
    details["author"] = {name: value for name, default in _AUTHOR_FIELDS if (value := getattr(author, name)) != default}
    if comment.mentions:
        details["mentions"] = comment.mentions
    if comment.edited_at:
        details["edited_at"] = to_us(comment.edited_at)
    return storable(_encode(details)).replace("\\u0000", "")


def content_hash(comment: Comment, details: str) -> int:
    """What tells two versions of a comment apart: 63 bits over everything that the platform says of it."""
    said = f"{comment.kind}\0{to_us(comment.created_at)}\0{comment.text}\0{details}"
    digest = blake2b(said.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def encode_signals(signals: Signals) -> str:
    return _encode({name: round(value, 4) if isinstance(value, float) else value for name, value in signals.items()})


def read_comment(row: Sequence[Any]) -> StoredComment:
    """A stored comment from a row of COLUMNS, in their order."""
    (
        brand,
        comment_id,
        source_id,
        platform,
        native_id,
        thread_id,
        parent_id,
        subject_id,
        kind,
        text,
        _author_key,
        details_json,
        _hash,
        created_at,
        seen_at,
        text_changed_at,
        deleted_at,
        is_history,
        signals,
        signals_version,
        stirs,
    ) = row
    details = json.loads(details_json)
    author = details.pop("author")
    edited_at = details.pop("edited_at", None)
    mentions = details.pop("mentions", ())
    comment = Comment(
        native_id=native_id,
        kind=kind,
        text=text,
        author=Author(author.pop("native_id", ""), author.pop("name", ""), **author),
        created_at=from_us(created_at),
        edited_at=opt_at(edited_at),
        mentions=tuple(mentions),
        **details,
    )
    return StoredComment(
        brand,
        platform,
        source_id,
        comment_id,
        thread_id,
        parent_id,
        subject_id,
        comment,
        from_us(seen_at),
        opt_at(text_changed_at),
        opt_at(deleted_at),
        bool(is_history),
        json.loads(signals),
        signals_version,
        bool(stirs),
    )


def place(name: str) -> int:
    """Where a column stands in a row."""
    return _PLACE[name]


def is_history(created_at: datetime, added_at: datetime) -> bool:
    """Whether a comment was already there when its source was added."""
    return created_at < added_at
