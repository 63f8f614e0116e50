"""Comments as rows: what is a column because a query looks at it, and what lies in the JSON of `details`."""

import json
from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from operator import attrgetter
from typing import Any

from pydantic_core import from_json, to_json

from monitor.core.text import storable
from monitor.model import Author, Comment, Remains, Signals, StoredComment
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
    "refreshed_at",
    "forget_at",
    "remains",
)
_PLACE = {name: place for place, name in enumerate(COLUMNS)}

_AUTHOR_DEFAULTS = {"native_id": "", "name": "", "handle": "", "url": "", "n_followers": None, "is_bot": False}
_COMMENT_DEFAULTS = {
    "permalink": "",
    "parent_native_id": None,
    "root_native_id": None,
    "subject_native_id": None,
    "subject_title": "",
    "subject_url": "",
    "language": "",
    "stars": None,
    "n_likes": 0,
    "n_replies": None,
    "is_ours": None,
    "is_liked_by_us": False,
    "is_hidden": False,
    "is_private": False,
}
_AUTHOR_FIELDS, _COMMENT_FIELDS = tuple(_AUTHOR_DEFAULTS.items()), tuple(_COMMENT_DEFAULTS.items())
_of_author, _of_comment = attrgetter(*_AUTHOR_DEFAULTS), attrgetter(*_COMMENT_DEFAULTS)


def encode_details(comment: Comment) -> tuple[str, bool]:
    """The fields of a comment and its author that no query looks at; those at their default are left out.

    And whether they will be read back as they are: what a database refuses is left out too.
    """
    said = zip(_COMMENT_FIELDS, _of_comment(comment), strict=True)
    details: dict[str, Any] = {name: value for (name, default), value in said if value != default}
    known = zip(_AUTHOR_FIELDS, _of_author(comment.author), strict=True)
    details["author"] = {name: value for (name, default), value in known if value != default}
    if comment.mentions:
        details["mentions"] = comment.mentions
    if comment.edited_at:
        details["edited_at"] = to_us(comment.edited_at)
    return _encode(details)


def _encode(value: Any) -> tuple[str, bool]:
    """Compact JSON that both databases take, and whether nothing had to be left out for that."""
    try:
        text = to_json(value).decode()
    except ValueError:  # half of a surrogate pair
        return storable(json.dumps(value, ensure_ascii=False)).replace("\\u0000", ""), False
    return (text.replace("\\u0000", ""), False) if "\\u0000" in text else (text, True)


def content_hash(comment: Comment, created_us: int, details: str) -> int:
    """What tells two versions of a comment apart: 63 bits over everything that the platform says of it."""
    said = f"{comment.kind}\0{created_us}\0{comment.text}\0{details}"
    digest = blake2b(said.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def rounded(signals: Signals) -> Signals:
    """Signals as they are stored."""
    known = _ROUNDED
    return {name: known[value] if type(value) is float else value for name, value in signals.items()}


class _Rounded(dict[float, float]):
    """Values as they are stored: a signal of ours has a few thousand different ones, and rounding takes longer."""

    def __missing__(self, value: float) -> float:
        found = round(value, 4)
        if len(self) < _MOST_ROUNDED:
            self[value] = found
        return found


_MOST_ROUNDED = 10_000
_ROUNDED = _Rounded()


def encode_signals(signals: Signals) -> str:
    return _encode(rounded(signals))[0]


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
        _refreshed_at,
        _forget_at,
        remains,
    ) = row
    details = from_json(details_json)
    author = Author(**{"native_id": "", "name": "", **details.pop("author")})
    if "edited_at" in details:
        details["edited_at"] = from_us(details["edited_at"])
    if "mentions" in details:
        details["mentions"] = tuple(details["mentions"])
    comment = Comment(native_id, kind, text, author, from_us(created_at), **details)
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
        from_json(signals),
        signals_version,
        bool(stirs),
        read_remains(remains),
    )


def encode_remains(remains: Remains | None) -> str:
    if remains is None:
        return ""
    return json.dumps(
        {"text": remains.has_text, "author": remains.has_author, "traits": sorted(remains.traits)},
        separators=(",", ":"),
    )


def read_remains(encoded: str) -> Remains | None:
    if not encoded:
        return None
    told = json.loads(encoded)
    return Remains(told["text"], told["author"], frozenset(told["traits"]))


def stars_in(details: str) -> float | None:
    """How many stars a stored comment gives, from its `details`."""
    stars = from_json(details).get("stars")
    return stars if isinstance(stars, float | int) else None


def place(name: str) -> int:
    """Where a column stands in a row."""
    return _PLACE[name]


def is_history(created_at: datetime, added_at: datetime) -> bool:
    """Whether a comment was already there when its source was added."""
    return created_at < added_at
