"""What Google Play sends for a review, and the comments that it becomes: the review, and our answer to it.

Source: developers.google.com/android-publisher/reply-to-reviews and the discovery document androidpublisher.v3.
"""

import re
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from connectors.base import Json
from connectors.fields import Text
from connectors.lenient import Count, OrNone
from monitor.model import Author, Comment

_REVIEW_ID = re.compile(r"[A-Za-z0-9:_.-]{1,200}")
PACKAGE = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+")  # Source: applicationId of Android


def read_review_id(value: object) -> str:
    """The id of a review, "" for what cannot be one."""
    return value if isinstance(value, str) and _REVIEW_ID.fullmatch(value) else ""


def modified_at(part: Json) -> datetime | None:
    """When a userComment or developerComment was last modified; its seconds are text, as int64 are in JSON."""
    told = part.get("lastModified") if isinstance(part, dict) else None
    try:
        stamp = _Stamp.model_validate(told)
    except ValueError:
        return None
    return stamp.at


def part_of(review: Json, name: str) -> Json:
    """The userComment or developerComment of a review, in whatever order they come; None where there is none."""
    comments = review.get("comments") if isinstance(review, dict) else None
    parts = (
        [one[name] for one in comments if isinstance(one, dict) and name in one] if isinstance(comments, list) else []
    )
    return parts[0] if parts else None


def _checked_id(value: object) -> str:
    if not (found := read_review_id(value)):
        raise ValueError("not an id")
    return found


_Id = Annotated[str, BeforeValidator(_checked_id)]


class _Payload(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class _Stamp(_Payload):
    seconds: Annotated[int, Field(ge=0, lt=32_503_680_000)]  # until the year 3000
    nanos: OrNone[Annotated[int, Field(ge=0, lt=1_000_000_000)]] = None

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC).replace(microsecond=(self.nanos or 0) // 1_000)


class _User(_Payload):
    """All but text, stars and time may be absent. Source: discovery document."""

    text: Text = ""
    original_text: Text = ""
    last_modified: _Stamp
    star_rating: OrNone[Annotated[int, Field(ge=1, le=5)]] = None
    reviewer_language: Text = ""
    thumbs_up_count: Count = None

    @property
    def words(self) -> str:
        """What was typed, not its translation; a tab parts the title of an older review from its body."""
        title, _, body = (self.original_text or self.text).partition("\t")
        return "\n\n".join(part for part in (title.strip(), body.strip()) if part)


class _Developer(_Payload):
    text: Text = ""
    last_modified: _Stamp


class _Raw(BaseModel):
    """A review or the answer to it: whose app, which review, and when we first saw it if it changed since."""

    package: Annotated[str, Field(pattern=rf"^{PACKAGE.pattern}$", max_length=300)]
    id: _Id
    author: Text = ""
    user: _User | None = None
    developer: _Developer | None = None
    first_at: Annotated[int, Field(ge=0, lt=32_503_680_000)] | None = None


def raws_of(review: Json, package: str, first_at: int | None) -> list[Json]:
    """The raw comments that are in a review; one that cannot be told from others stays as it is, for quarantine."""
    review_id = read_review_id(review.get("reviewId")) if isinstance(review, dict) else ""
    user, developer = part_of(review, "userComment"), part_of(review, "developerComment")
    if not review_id or (user is None and developer is None):
        return [{"package": package, "unread": review}]
    place = {"package": package, "id": review_id}
    raws: list[Json] = []
    if user is not None:
        raws.append({**place, "author": review.get("authorName"), "user": user, "first_at": first_at})
    if developer is not None:
        raws.append({**place, "developer": developer})
    return raws


def read_raw(raw: Json) -> Comment:
    """The comment that a raw one is.

    Raises: ValueError for what cannot be read.
    """
    told = _Raw.model_validate(raw)
    if told.user is not None:
        return _review(told, told.user)
    if told.developer is not None:
        return _answer(told, told.developer)
    raise ValueError("neither a review nor an answer")


def _review(told: _Raw, user: _User) -> Comment:
    at = datetime.fromtimestamp(user.last_modified.seconds, UTC)
    created_at = at if told.first_at is None else min(at, datetime.fromtimestamp(told.first_at, UTC))
    native_id = f"{told.package}/{told.id}"
    return Comment(
        native_id=native_id,
        kind="review",
        text=user.words,
        # Google tells no id of a person, and many are "A Google user"; each has one review of an app.
        author=Author(native_id, told.author.strip() or "A Google user"),
        created_at=created_at,
        permalink=_link(told),
        root_native_id=native_id,
        subject_native_id=told.package,
        subject_title=told.package,
        subject_url=_page(told.package),
        edited_at=at if at > created_at else None,
        language=user.reviewer_language.replace("_", "-"),
        stars=user.star_rating,
        n_likes=user.thumbs_up_count or 0,
    )


def _answer(told: _Raw, developer: _Developer) -> Comment:
    review = f"{told.package}/{told.id}"
    return Comment(
        native_id=f"{review}/reply",
        kind="comment",
        text=developer.text.strip(),
        author=Author(developer_id(told.package), "Developer"),
        created_at=developer.last_modified.at,
        permalink=f"{_link(told)}#reply",
        parent_native_id=review,
        root_native_id=review,
        subject_native_id=told.package,
        subject_title=told.package,
        subject_url=_page(told.package),
        is_ours=True,
    )


def developer_id(package: str) -> str:
    """How we name the author of all answers of an app."""
    return f"{package}/developer"


def _page(package: str) -> str:
    return f"https://play.google.com/store/apps/details?id={package}"


def _link(told: _Raw) -> str:
    return f"{_page(told.package)}&reviewId={quote(told.id, safe='')}"
