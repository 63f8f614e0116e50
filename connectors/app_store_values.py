"""What both connectors of the App Store read from settings and answers, checked."""

import re


def checked_app(value: object) -> str:
    """An Apple ID, with or without "id" before the number.

    Raises: ValueError, fit to be shown.
    """
    number = str(value).strip().removeprefix("id")
    if not re.fullmatch("[0-9]{1,20}", number):
        raise ValueError(f'"{number[:40]}" is not the Apple ID of an app (a number)')
    return number
