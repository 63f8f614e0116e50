"""What Trustpilot sends for a review, and the comments that it becomes: the review, and the company's reply to it.

Nothing else of an answer is kept: private lists hold e-mail addresses and order numbers.
Source: developers.trustpilot.com/service-reviews-api.
"""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from connectors.base import Json
from connectors.fields import Text, read_instant
from connectors.lenient import OrNone
from connectors.trustpilot_api import read_id
from monitor.core.text import excerpt
from monitor.model import Author, Comment

SITE = "https://www.trustpilot.com"
_KEPT = ("id", "stars", "title", "text", "language", "createdAt", "updatedAt", "status", "numberOfLikes")
_PARTS = {
    "consumer": ("id", "displayName", "name"),
    "businessUnit": ("id", "identifyingName", "displayName"),
    "companyReply": ("text", "createdAt", "updatedAt"),
}


def _instant(value: object) -> datetime | None:
    if value is not None and read_instant(value) is None:
        raise ValueError("not a time with its zone")
    return read_instant(value)


def _checked_id(value: object) -> str:
    if not (found := read_id(value)):
        raise ValueError("not an id")
    return found


def _count(value: object) -> int:
    """Source: some counts are numbers in one answer and objects in another."""
    value = value.get("total") if isinstance(value, dict) else value
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else 0


_Id = Annotated[str, BeforeValidator(_checked_id)]
_Later = Annotated[datetime | None, BeforeValidator(_instant)]
_Instant = Annotated[datetime, BeforeValidator(_instant)]
_Count = Annotated[int, BeforeValidator(_count)]
_MaybeId = Annotated[str, BeforeValidator(read_id)]
_OBJECT = BeforeValidator(lambda value: value if isinstance(value, dict) else {})


class _Payload(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class _Consumer(_Payload):
    """Source: an API answer has displayName, a webhook name."""

    id: _MaybeId = ""
    display_name: Text = ""
    name: Text = ""


class _Unit(_Payload):
    identifying_name: Text = ""
    display_name: Text = ""


class _Reply(_Payload):
    text: Text = ""
    created_at: _Later = None
    updated_at: OrNone[_Later] = None


class _Review(_Payload):
    id: _Id
    created_at: _Instant
    updated_at: OrNone[_Later] = None
    stars: OrNone[Annotated[int, Field(ge=1, le=5)]] = None
    title: Text = ""
    text: Text = ""
    language: Text = ""
    status: Text = ""
    number_of_likes: _Count = 0
    consumer: Annotated[_Consumer, _OBJECT] = _Consumer()
    business_unit: Annotated[_Unit, _OBJECT] = _Unit()

    @property
    def words(self) -> str:
        """Title and text; a title that was made of the text's beginning is left out."""
        title, text = self.title.strip(), self.text.strip()
        if text.startswith(title.removesuffix("…").removesuffix("...").strip()):
            return text
        return "\n\n".join(part for part in (title, text) if part)


class _Raw(BaseModel):
    """A review, or the company's reply to one with what it takes of the review."""

    unit: _Id
    review: _Review
    reply: _Reply | None = None


def raws_of(review: Json, unit: str) -> list[Json]:
    """The raw comments that are in a review, without what we need not know."""
    if not isinstance(review, dict):
        return [{"unit": unit, "unread": review}]
    bare = {name: review[name] for name in _KEPT if name in review}
    for name in ("consumer", "businessUnit"):
        if review.get(name) is not None:
            bare[name] = _pruned(review[name], _PARTS[name])
    raws: list[Json] = [{"unit": unit, "review": bare}]
    if (reply := review.get("companyReply")) is not None:
        place = {name: bare[name] for name in ("id", "createdAt", "businessUnit", "status") if name in bare}
        raws.append({"unit": unit, "review": place, "reply": _pruned(reply, _PARTS["companyReply"])})
    return raws


def _pruned(part: Json, names: tuple[str, ...]) -> Json:
    return {name: part[name] for name in names if name in part} if isinstance(part, dict) else part


def read_raw(raw: Json) -> Comment:
    """The comment that a raw one is.

    Raises: ValueError for what cannot be read.
    """
    told = _Raw.model_validate(raw)
    return _review(told) if told.reply is None else _reply(told, told.reply)


def _review(told: _Raw) -> Comment:
    review, person = told.review, told.review.consumer
    edited_at = review.updated_at
    return Comment(
        native_id=review.id,
        kind="review",
        text=review.words,
        author=Author(
            person.id or review.id,
            (person.display_name or person.name).strip(),
            url=f"{SITE}/users/{person.id}" if person.id else "",
        ),
        created_at=review.created_at,
        permalink=f"{SITE}/reviews/{review.id}",
        root_native_id=review.id,
        edited_at=edited_at if edited_at is not None and edited_at > review.created_at else None,
        language=review.language.replace("_", "-"),
        stars=review.stars,
        n_likes=review.number_of_likes,
        is_hidden=review.status.lower() not in ("", "active"),
        **_subject(told),
    )


def _reply(told: _Raw, reply: _Reply) -> Comment:
    review, name = told.review, told.review.business_unit.display_name
    created_at, updated_at = reply.created_at or reply.updated_at, reply.updated_at
    if created_at is None:
        raise ValueError("a reply without any time")
    return Comment(
        native_id=f"{review.id}/reply",
        kind="comment",
        text=reply.text.strip(),
        author=Author(told.unit, name.strip() or "Company"),
        created_at=created_at,
        permalink=f"{SITE}/reviews/{review.id}#reply",
        parent_native_id=review.id,
        root_native_id=review.id,
        edited_at=updated_at if updated_at is not None and updated_at > created_at else None,
        is_ours=True,
        **_subject(told),
    )


def _subject(told: _Raw) -> dict[str, Any]:
    unit = told.review.business_unit
    domain = unit.identifying_name.strip()
    is_plain = bool(domain) and all(one.isalnum() or one in ".-_" for one in domain) and len(domain) < 254
    return {
        "subject_native_id": f"unit/{told.unit}",
        "subject_title": excerpt(unit.display_name.strip() or domain) or told.unit,
        "subject_url": f"{SITE}/review/{domain}" if is_plain else "",
    }
