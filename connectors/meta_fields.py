"""The fields of Meta's answers as they are read: ids, times, texts and people, each of which may be missing."""

import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, TypeAdapter

from connectors.base import Json
from connectors.fields import Text, read_instant
from connectors.lenient import Count
from monitor.model import Author

_ID = re.compile(r"[0-9]{1,30}(_[0-9]{1,30}){0,4}")
_COUNT: TypeAdapter[int | None] = TypeAdapter(Count)
_OPAQUE = re.compile(r"[\x21-\x7e]{1,400}")


def read_id(value: object) -> str:
    """The id of a post, comment or person as text, "" for what cannot be one (ids go into URLs)."""
    text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    return text if _ID.fullmatch(text) else ""


def read_seconds(value: object) -> int | None:
    """The same as unix seconds."""
    at = read_instant(value)
    return None if at is None else int(at.timestamp())


def read_count(value: object) -> int | None:
    """A number of comments, None where it is not told."""
    return _COUNT.validate_python(value)


def part(value: Json, name: str) -> Json:
    """A part of an object, None where either is missing."""
    return value.get(name) if isinstance(value, dict) else None


def rows(value: Json, name: str = "") -> list[Json]:
    """The `data` of an edge, or of the edge of this name below an object."""
    data = part(part(value, name) if name else value, "data")
    return data if isinstance(data, list) else []


def web_address(url: str) -> str:
    """The address where it is one of the web, and "" otherwise."""
    return url if url.startswith(("https://", "http://")) else ""


def _checked_id(value: object) -> str:
    if not (found := read_id(value)):
        raise ValueError("not an id")
    return found


def _checked_opaque(value: object) -> str:
    if not (isinstance(value, str) and _OPAQUE.fullmatch(value)):
        raise ValueError("not an id")
    return value


Id = Annotated[str, BeforeValidator(_checked_id)]
IdOrNone = Annotated[str, BeforeValidator(lambda value: "" if value in (None, "") else _checked_id(value))]
Opaque = Annotated[str, BeforeValidator(_checked_opaque)]


class Person(BaseModel):
    """Who wrote; Meta leaves out whom the token may not know."""

    id: IdOrNone = ""
    name: Text = ""
    username: Text = ""


class Named(BaseModel):
    """A reference to something by its id."""

    id: IdOrNone = ""


def author_of(person: Person | None, of: str, site: str = "") -> Author:
    """The author; one who is not told is somebody else for each utterance `of`, so that no two are taken for one."""
    if person is None or not (person.id or person.username or person.name):
        return Author(native_id=f"unknown:{of}", name="")
    handle = person.username
    url = f"{site}/{handle}/" if site and re.fullmatch(r"[A-Za-z0-9._]{1,60}", handle) else ""
    return Author(native_id=person.id, name=person.name or handle, handle=handle, url=url)
