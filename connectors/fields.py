"""Times and texts as most platforms write them."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BeforeValidator

from monitor.core.text import storable


def read_instant(value: object) -> datetime | None:
    """An ISO time with its zone as aware UTC, whatever its number of decimals; None for anything else."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        return at.astimezone(UTC) if at is not None and at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def checked_instant(value: object) -> datetime:
    """The same for what a comment cannot be without.

    Raises: ValueError for anything else.
    """
    if (at := read_instant(value)) is None:
        raise ValueError("not a time with its zone")
    return at


def _text(value: object) -> object:
    return storable(value) if isinstance(value, str) else "" if value is None else value


Instant = Annotated[datetime, BeforeValidator(checked_instant)]
Text = Annotated[str, BeforeValidator(_text)]
"""A text of a comment: null is an empty one, and anything else that is none an error."""
Told = Annotated[str, BeforeValidator(lambda value: storable(value) if isinstance(value, str) else "")]
"""A text that a comment can do without: what is none is an empty one."""
