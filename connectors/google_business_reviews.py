"""What Google sends for a review of a location, and the comments that it becomes: the review, and our reply to it.

Source: developers.google.com/my-business/reference/rest/v4/accounts.locations.reviews.
"""

import re
from datetime import datetime, timedelta
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator
from pydantic.alias_generators import to_camel

from connectors.base import Json
from connectors.fields import Text, read_instant
from connectors.google_business_api import read_parent, read_review_id
from connectors.lenient import OrNone
from monitor.core.text import excerpt, storable
from monitor.model import Author, Comment

OWNER = "owner"  # how we name the author of all replies: Google does not say which of us wrote one
_STARS = {"ONE": 1, "TWO": 2, "THREE": 3, "FOUR": 4, "FIVE": 5}
_PROFILE = "https://business.google.com/reviews"  # where a location has no address of its own
_TRANSLATED = re.compile(r"(?:^|\n)[ \t]*\(Translated by Google\)[ \t]*")
_ORIGINAL = re.compile(r"(?:^|\n)[ \t]*\(Original\)[ \t]*")
_SAME = timedelta(seconds=2)  # two times of one write


def typed(text: str) -> str:
    """What was typed, without Google's translation of it, which comes in the same text.

    Source: seen both ways: "(Translated by Google) ... (Original) ..." and "... (Translated by Google) ...".
    """
    translated = _TRANSLATED.search(text)
    if translated is None:
        return text.strip()
    original = _ORIGINAL.search(text, translated.end())
    parts = (text[original.end() :] if original else "", text[: translated.start()], text[translated.end() :])
    return next((part.strip() for part in parts if part.strip()), "")


def web_address(value: object) -> str:
    """An address of the web, "" for anything else."""
    if not isinstance(value, str) or len(value) > 2_000:
        return ""
    try:
        parts = urlsplit(value)
        return storable(value) if parts.scheme in ("http", "https") and parts.hostname else ""
    except ValueError:
        return ""


def _instant(value: object) -> datetime | None:
    if value is not None and read_instant(value) is None:
        raise ValueError("not a time with its zone")
    return read_instant(value)


def _checked(read: Any) -> Any:
    def check(value: object) -> str:
        if not (found := read(value)):
            raise ValueError("not a name or id")
        return str(found)

    return BeforeValidator(check)


_Instant = Annotated[datetime | None, BeforeValidator(_instant)]
_Address = Annotated[str, BeforeValidator(web_address)]
_Stars = Annotated[int | None, BeforeValidator(lambda value: _STARS.get(value) if isinstance(value, str) else None)]


class _Payload(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class _Reviewer(_Payload):
    display_name: Text = ""


class _Review(_Payload):
    """A rating without words has no comment; one of the times may be absent."""

    reviewer: OrNone[_Reviewer] = None
    star_rating: _Stars = None
    comment: Text = ""
    create_time: _Instant = None
    update_time: OrNone[_Instant] = None

    @property
    def begun_at(self) -> datetime:
        found = self.create_time or self.update_time
        assert found is not None, "it was validated"
        return found

    @model_validator(mode="after")
    def _has_a_time(self) -> Self:
        if self.create_time is None and self.update_time is None:
            raise ValueError("a review without any time")
        return self


class _Reply(_Payload):
    comment: Text = ""
    update_time: _Instant = None


class Place(BaseModel):
    """A location: its name in v4, what it is called, and its page."""

    name: Annotated[str, _checked(read_parent)]
    title: Text = ""
    url: _Address = ""

    @property
    def number(self) -> str:
        return self.name.rpartition("/")[2]


class _Raw(BaseModel):
    """A review or our reply to one, where it is, and what of the other one matters."""

    place: Place
    id: Annotated[str, _checked(read_review_id)]
    url: _Address = ""
    review: _Review | None = None
    replied_at: _Instant = None
    reply: _Reply | None = None
    state: Text = ""
    reviewed_at: _Instant = None


def raws_of(review: Json, place: dict[str, str]) -> list[Json]:
    """The raw comments that are in a review; one that cannot be told from others stays as it is, for quarantine."""
    review_id = read_review_id(review.get("reviewId") or _last(review.get("name"))) if isinstance(review, dict) else ""
    if not review_id:
        return [{"place": place, "unread": review}]
    reply = review.get("reviewReply")
    reply = reply if isinstance(reply, dict) and reply else None
    bare = {name: value for name, value in review.items() if name not in ("reviewReply", "reviewReplyState", "state")}
    common = {"place": place, "id": review_id, "url": review.get("reviewReplyUrl")}
    raws: list[Json] = [{**common, "review": bare, "replied_at": reply.get("updateTime") if reply else None}]
    if reply:
        at = review.get("updateTime") or review.get("createTime")
        raws.append({**common, "reply": reply, "state": state_of(review), "reviewed_at": at})
    return raws


def state_of(review: dict[str, Any]) -> str:
    """What became of our reply: PENDING, APPROVED, REJECTED, or "" where Google does not say.

    Source: public code disagrees about the name, and about whether it stands in the reply or beside it.
    """
    for part in (review.get("reviewReply"), review):
        for name in ("reviewReplyState", "state"):
            if isinstance(part, dict) and isinstance(part.get(name), str):
                return str(part[name])
    return ""


def _last(name: object) -> str:
    return name.rpartition("/")[2] if isinstance(name, str) else ""


def read_raw(raw: Json) -> Comment:
    """The comment that a raw one is.

    Raises: ValueError for what cannot be read.
    """
    told = _Raw.model_validate(raw)
    if told.review is not None:
        return _review(told, told.review)
    if told.reply is not None:
        return _reply(told, told.reply)
    raise ValueError("neither a review nor a reply")


def _review(told: _Raw, review: _Review) -> Comment:
    native_id = f"{told.place.number}/{told.id}"
    name = review.reviewer.display_name.strip() if review.reviewer else ""
    return Comment(
        native_id=native_id,
        kind="review",
        text=typed(review.comment),
        # Google tells no id of a person, and many are "A Google user"; each has one review of a location.
        author=Author(native_id, name or "A Google user"),
        created_at=review.begun_at,
        permalink=told.url or _link(told, told.id),
        root_native_id=native_id,
        edited_at=_edited_at(review, told.replied_at),
        stars=review.star_rating,
        **_subject(told.place),
    )


def _edited_at(review: _Review, replied_at: datetime | None) -> datetime | None:
    """When the reviewer changed it. Source: whether our own reply moves updateTime is documented nowhere."""
    at = review.update_time
    if at is None or at - review.begun_at < timedelta(seconds=1):
        return None
    return None if replied_at is not None and abs(at - replied_at) <= _SAME else at


def _reply(told: _Raw, reply: _Reply) -> Comment:
    review = f"{told.place.number}/{told.id}"
    at = reply.update_time or told.reviewed_at
    if at is None:
        raise ValueError("a reply without any time")
    return Comment(
        native_id=f"{review}/reply",
        kind="comment",
        text=typed(reply.comment),
        author=Author(OWNER, told.place.title or "Owner"),
        created_at=at,
        permalink=_link(told, f"{told.id}/reply"),
        parent_native_id=review,
        root_native_id=review,
        is_ours=True,
        is_hidden=told.state == "REJECTED",  # nobody sees it, so it answers nothing
        **_subject(told.place),
    )


def _subject(place: Place) -> dict[str, Any]:
    title = excerpt(place.title) if place.title.strip() else f"Location {place.number}"
    return {"subject_native_id": place.name, "subject_title": title, "subject_url": place.url}


def _link(told: _Raw, what: str) -> str:
    """Few reviews have a page of their own: the fragment only tells one address from the other."""
    return f"{told.place.url.partition('#')[0] or _PROFILE}#{what}"
