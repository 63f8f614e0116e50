"""Durations as people write them in the configuration and on the command line: "90s", "5m", "1h30m", "30d"."""

import re
from datetime import timedelta

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)\s*")
LONGEST = timedelta(days=36_500)


def parse_duration(text: object) -> timedelta:
    """The duration that a person wrote.

    Raises: ValueError, fit to be shown.
    """
    if isinstance(text, timedelta):
        return text
    if isinstance(text, int | float) and not isinstance(text, bool):
        raise ValueError(f'{text} has no unit; write "{text}s", "{text}m", "{text}h" or "{text}d"')
    parts = _PART.findall(text) if isinstance(text, str) and _PART.sub("", text) == "" else []
    if not parts:
        raise ValueError(f'{text!r} is no duration; write one like "90s", "5m", "2h" or "30d"')
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if seconds > LONGEST.total_seconds():
        raise ValueError(f"{text!r} is longer than a hundred years")
    return timedelta(seconds=seconds)


def show_duration(duration: timedelta) -> str:
    """The shortest way to write it, as `parse_duration` reads it."""
    seconds = duration.total_seconds()
    if seconds % 1:
        return f"{round(seconds * 1000)}ms"
    rest, parts = int(seconds), []
    for unit in ("d", "h", "m", "s"):
        count, rest = divmod(rest, int(_UNITS[unit]))
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
