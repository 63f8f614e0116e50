"""Fields of a payload that a comment can do without: what cannot be read there is as if it were not told.

Servers of other makes, plugins and newer versions write such fields in their own ways; a count below zero must not cost
the comment. Not for what tells a comment from others, when it was written, or what it answers.
"""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field, WrapValidator

T = TypeVar("T")


def _or_none(value: Any, read: Callable[[Any], Any]) -> Any:
    try:
        return read(value)
    except ValueError:
        return None


def _each_or_none(value: Any, read: Callable[[Any], list[Any]]) -> list[Any]:
    """The entries that can be read; none where it is no list at all."""
    found: list[Any] = []
    for one in value if isinstance(value, list) else ():
        try:
            found += read([one])
        except ValueError:
            continue
    return found


def _number(value: object) -> object:
    """A count as some write it: as text, or as 3.0."""
    if isinstance(value, bool):
        raise ValueError("not a number")
    if isinstance(value, str) and len(value) <= 16 and value.isascii() and value.isdecimal():
        return int(value)
    return value


OrNone = Annotated[T | None, WrapValidator(_or_none)]
Readable = Annotated[list[T], WrapValidator(_each_or_none)]
Count = OrNone[Annotated[int, BeforeValidator(_number), Field(ge=0, lt=2**53)]]
