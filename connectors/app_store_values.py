"""What both connectors of the App Store read from settings and answers, checked."""

import re
from datetime import UTC, datetime


def checked_app(value: object) -> str:
    """An Apple ID, with or without "id" before the number.

    Raises: ValueError, fit to be shown.
    """
    number = str(value).strip().removeprefix("id")
    if not re.fullmatch("[0-9]{1,20}", number):
        raise ValueError(f'"{number[:40]}" is not the Apple ID of an app (a number)')
    return number


def checked_instant(value: object) -> datetime:
    """An ISO time with its zone as aware UTC.

    Raises: ValueError for anything else.
    """
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        if at is not None and at.tzinfo is not None:
            return at.astimezone(UTC)
    except OverflowError:
        pass
    raise ValueError("not a time with its zone")


def instant_in(text: str) -> datetime | None:
    """The same, None for anything else."""
    try:
        return checked_instant(text)
    except ValueError:
        return None
