"""Reading a table of parsed TOML strictly: what is wrong is said with its file, its key and the nearest valid name."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any, NoReturn

from monitor.core.durations import parse_duration
from monitor.core.nearest import nearest
from monitor.errors import ConfigError

_LONGEST = timedelta(days=3660)


class Section:
    """One table of a configuration file, with where it stands; each key that is read is a key that it may have.

    Every method that reads refuses a value of the wrong kind with ConfigError.
    """

    def __init__(self, file: str, path: str, table: object) -> None:
        self.file, self.path = file, path
        if not isinstance(table, Mapping):
            self.refuse("", f"this must be a table, not {table!r}")
        self.table: Mapping[str, Any] = table
        self._asked: set[str] = set()

    def refuse(self, key: str, reason: str) -> NoReturn:
        raise ConfigError(self.file, ".".join(filter(None, (self.path, key))), reason)

    def get(self, key: str) -> Any:
        """The raw value, None where it is missing."""
        self._asked.add(key)
        return self.table.get(key)

    def text(self, key: str, default: str | None = None) -> str:
        value = self.get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or (default is None and not value.strip()):
            self.refuse(key, "this must be some text" if value is not None else "this is missing")
        return value

    def truth(self, key: str, default: bool = False) -> bool:
        value = self.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.refuse(key, f"this must be true or false, not {value!r}")
        return value

    def number(self, key: str, low: float, high: float) -> float:
        value = self.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self.refuse(key, f"this must be a number from {low:g} to {high:g}, not {value!r}")
        return value

    def duration(self, key: str, default: timedelta | None = None) -> timedelta:
        value = self.get(key)
        if value is None and default is not None:
            return default
        try:
            length = parse_duration(value)
        except ValueError as error:
            self.refuse(key, str(error))
        if not timedelta(0) < length <= _LONGEST:
            self.refuse(key, f"{value!r} is no duration that a rule can use: more than nothing, at most ten years")
        return length

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, or a single one; never empty."""
        value = self.get(key)
        given = [value] if isinstance(value, str) else value
        if not isinstance(given, list | tuple) or not given:
            self.refuse(key, "this must be a text or a list of texts")
        for entry in given:
            if not isinstance(entry, str) or not entry.strip():
                self.refuse(key, f"each entry must be some text, not {entry!r}")
        return tuple(given)

    def choice(self, key: str, valid: Collection[str], default: str | None = None) -> str:
        value = self.text(key, default)
        if value not in valid:
            self.refuse(key, f"{value!r} is not one of them{nearest(value, valid)}")
        return value

    def choices(self, key: str, valid: Collection[str] | None, what: str) -> tuple[str, ...]:
        """A list of names (or one), each of them valid; None accepts any name."""
        names = self.texts(key)
        for name in names:
            if valid is not None and name not in valid:
                self.refuse(key, f"there is no {what} {name!r}{nearest(name, valid)}")
        return names

    def finish(self) -> None:
        """Refuse the keys that nobody asked for."""
        for key in self.table:
            if key not in self._asked:
                self.refuse(key, f"unknown key{nearest(key, self._asked)}")
