"""Columns of somebody's export as comments: the mapping that the file connector and the one-off import share; pure."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from html import unescape
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from monitor.core.text import plain_text, storable
from monitor.model import Author, Comment, Kind

TextIs = Literal["plain", "html", "escaped"]
_KINDS: dict[str, Kind] = {
    "comment": "comment", "mention": "mention", "review": "review", "message": "message", "post": "post",
}  # fmt: skip
_TRUE = frozenset({"true", "1", "1.0", "yes", "y", "t"})
_FALSE = frozenset({"false", "0", "0.0", "no", "n", "f"})
_EPOCHS = {"epoch": 1, "epoch_ms": 1_000, "epoch_us": 1_000_000}


def _text(value: object) -> str:
    if isinstance(value, str):
        return storable(value).strip()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"a text was expected, not {type(value).__name__}")
    return str(value)


def _id(value: object) -> str:
    """An id as text; tools that take it for a number make 3 into 3.0, which is undone where nothing was lost."""
    if isinstance(value, float):
        if not value.is_integer() or abs(value) >= 2**53:
            raise ValueError("an id that was rounded to a floating-point number")
        return str(int(value))
    text = _text(value)
    if re.fullmatch(r"[0-9](\.[0-9]+)?[eE]\+[0-9]+", text):
        raise ValueError(f"an id that a spreadsheet has rounded ({text[:40]})")
    return text.partition(".")[0] if re.fullmatch(r"[0-9]+\.0+", text) else text


def _web(value: object) -> str:
    text = _text(value)
    return text if urlsplit(text).scheme in ("http", "https") else ""


def _truth(value: object) -> bool:
    word = str(value).strip().casefold()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(f"neither true nor false: {word[:40]}")


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("not a number")
    try:
        number = float(value)
    except OverflowError:
        raise ValueError("a number too large") from None
    if not abs(number) < 2**53:
        raise ValueError("not a number that can be counted with")
    return number


def _count(value: object) -> int:
    return max(0, int(_number(value)))


def _names(value: object) -> tuple[str, ...]:
    names = value if isinstance(value, list) else re.split(r"[\s,;|]+", _text(value))
    return tuple(found for name in names if (found := _id(name).lstrip("@")))


def _kind(value: object) -> Kind:
    word = _text(value).lower()
    if word not in _KINDS:
        raise ValueError(f"no kind of comment: {word[:40]}; there are {', '.join(_KINDS)}")
    return _KINDS[word]


# The fields of a comment that a column (or a constant) can fill, and how its value is read. Times need the settings.
FIELDS: dict[str, Callable[[object], Any]] = {
    "native_id": _id,
    "kind": _kind,
    "text": _text,
    "author_native_id": _id,
    "author_name": _text,
    "author_handle": _text,
    "author_url": _web,
    "author_n_followers": _count,
    "author_is_bot": _truth,
    "created_at": _text,
    "edited_at": _text,
    "permalink": _web,
    "parent_native_id": _id,
    "root_native_id": _id,
    "subject_native_id": _id,
    "subject_title": _text,
    "subject_url": _web,
    "language": _text,
    "stars": _number,
    "n_likes": _count,
    "n_replies": _count,
    "mentions": _names,
    "is_ours": _truth,
    "is_hidden": _truth,
    "is_private": _truth,
}


class Reading:
    """How the values of one row become a comment.

    `columns` maps fields to columns; a column that has the name of a field needs no mapping. In nested JSON
    "user.name" is the name inside user. `times` are tried in order.
    """

    def __init__(
        self,
        columns: Mapping[str, str],
        constants: Mapping[str, object],
        times: tuple[str, ...],
        zone: ZoneInfo,
        inbound: tuple[str, frozenset[str]] = ("", frozenset()),
        text_is: TextIs = "plain",
        has_mentions: bool = False,
        prefix: str = "",
    ) -> None:
        self._columns = {name: columns.get(name, name) for name in FIELDS}
        self._constants, self._times, self._zone, self._prefix = constants, times, zone, prefix
        self._inbound, self._customers = inbound
        self._text_is, self._has_mentions = text_is, has_mentions

    def comment(self, values: Mapping[str, object]) -> Comment:
        """The comment that these values are.

        Raises: ValueError, naming the field and its column.
        """
        get = self._getter(values)
        created_at, text = get("created_at"), self._shown(get("text", ""))
        if created_at is None or not text:
            raise ValueError(f"{'created_at' if created_at is None else 'text'}: nothing in this row")
        author_id = get("author_native_id", "")
        author = Author(
            native_id=author_id,
            name=get("author_name", "") or get("author_handle", "") or author_id,
            handle=get("author_handle", ""),
            url=get("author_url", ""),
            n_followers=get("author_n_followers"),
            is_bot=get("author_is_bot", False),
        )
        return Comment(
            native_id=self._own_id(get, author, created_at, text),
            kind=get("kind", "comment"),
            text=text,
            author=author,
            created_at=created_at,
            permalink=get("permalink", ""),
            parent_native_id=self._prefixed(get("parent_native_id")),
            root_native_id=self._prefixed(get("root_native_id")),
            subject_native_id=self._prefixed(get("subject_native_id")),
            subject_title=get("subject_title", ""),
            subject_url=get("subject_url", ""),
            edited_at=get("edited_at"),
            language=get("language", ""),
            stars=get("stars"),
            n_likes=get("n_likes", 0),
            n_replies=get("n_replies"),
            mentions=get("mentions", ()) or (tuple(re.findall(r"(?<!\w)@(\w+)", text)) if self._has_mentions else ()),
            is_ours=self._is_ours(values, get),
            is_hidden=get("is_hidden", False),
            is_private=get("is_private", False),
        )

    @property
    def needed(self) -> frozenset[str]:
        """The columns that a file must have: those which the mapping names."""
        named = {column for name, column in self._columns.items() if column != name} | {self._inbound}
        return frozenset(named - {""})

    def _getter(self, values: Mapping[str, object]) -> Callable[..., Any]:
        def get(name: str, default: Any = None) -> Any:
            value = _at(values, self._columns[name])
            if value is None or value == "" or value == []:
                value = self._constants.get(name)
            if value is None or value == "":
                return default
            try:
                return self._time(value) if name in ("created_at", "edited_at") else FIELDS[name](value)
            except ValueError as error:
                column = self._columns[name]
                raise ValueError(f"{name}{f' (column {column})' if column != name else ''}: {error}") from None

        return get

    def _own_id(self, get: Callable[..., Any], author: Author, created_at: datetime, text: str) -> str:
        found = get("native_id")
        if not found:  # the same row gives the same id, wherever it stands
            said = "\0".join((author.key, created_at.isoformat(), text))
            found = f"row-{blake2b(said.encode(), digest_size=10).hexdigest()}"
        return f"{self._prefix}{found}"

    def _prefixed(self, native_id: str | None) -> str | None:
        return f"{self._prefix}{native_id}" if native_id else None

    def _shown(self, text: str) -> str:
        if self._text_is == "html":
            return plain_text(text)
        return storable(unescape(text)).strip() if self._text_is == "escaped" else text

    def _is_ours(self, values: Mapping[str, object], get: Callable[..., Any]) -> bool | None:
        value = _at(values, self._inbound) if self._inbound else None
        if value is None or value == "":
            found: bool | None = get("is_ours")
            return found
        return str(value).strip().casefold() not in self._customers

    def _time(self, value: object) -> datetime:
        text = _text(value)
        for form in self._times:
            try:
                return self._in_utc(self._parsed(text, form))
            except (ValueError, OverflowError):
                continue
        raise ValueError(f"no time in the form {' or '.join(self._times)}: {text[:60]}")

    def _parsed(self, text: str, form: str) -> datetime:
        if form == "iso":
            return datetime.fromisoformat(text)
        if form in _EPOCHS:
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=_number(text) / _EPOCHS[form])
        return datetime.strptime(text, form)  # noqa: DTZ007 - without a zone it is in the settings' one

    def _in_utc(self, at: datetime) -> datetime:
        return (at if at.tzinfo else at.replace(tzinfo=self._zone)).astimezone(UTC)


def _at(values: Mapping[str, object], column: str) -> object:
    """The value of a column; of a nested one where no column has the whole name."""
    if column in values or "." not in column:
        return values.get(column)
    inner: object = values
    for step in column.split("."):
        if not isinstance(inner, Mapping):
            return None
        inner = inner.get(step)
    return inner
