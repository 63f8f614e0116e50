"""What a server may answer instead of what it answered: one change at one place of one answer.

A place is a path of keys and numbers. Nothing here knows a platform.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]

LONG = "long words, " * 3_000
# Emoji of several code points, a text from right to left with an override that nobody closes, letters under stacks.
STRANGE = "👩🏽‍🚒🏳️‍🌈 \u202eتأخر الطلب כבר שבוע H̴̢̛̱ę̷̛̣l̵̨̛p̴̢̧̛ \u0000\ufeff\u200b"
UNKNOWN = "SOMETHING_NEW"


@dataclass(frozen=True, slots=True)
class Mutation:
    """One change: what it does (`name`), where, and the change of the value at that place's parent."""

    name: str
    path: Path
    body: Any

    @property
    def place(self) -> str:
        """The path without the numbers of list entries."""
        return place_of(self.path)

    def __str__(self) -> str:
        return f"{self.name} {self.place}"


def place_of(path: Path) -> str:
    """A path as words: "data[].author.id"."""
    said = "".join("[]" if isinstance(step, int) else f".{step}" for step in path)
    return said.removeprefix(".")


def at(body: Any, path: Path) -> Any:
    for step in path:
        body = body[step]
    return body


def changed(body: Any, path: Path, change: Callable[[Any, Any], None]) -> Any:
    """A copy of the body, with `change(parent, last step)` done to it."""
    body = copy.deepcopy(body)
    change(at(body, path[:-1]), path[-1])
    return body


def put(body: Any, path: Path, value: Any) -> Any:
    """A copy of the body with this value there."""
    if not path:
        return value

    def change(parent: Any, step: Any) -> None:
        parent[step] = value

    return changed(body, path, change)


def without(body: Any, path: Path) -> Any:
    """A copy of the body without what is there."""

    def change(parent: Any, step: Any) -> None:
        del parent[step]

    return changed(body, path, change)


def places(body: Any, path: Path = ()) -> Iterator[Path]:
    """Every place of a body, itself the first."""
    yield path
    inner = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for step, value in inner:
        yield from places(value, (*path, step))


def values_of(body: Any) -> set[str]:
    """All scalar values of a body as text."""
    if isinstance(body, dict):
        return {one for value in body.values() for one in values_of(value)}
    if isinstance(body, list):
        return {one for value in body for one in values_of(value)}
    return {str(body)}


def of_value(body: Any, path: Path) -> Iterator[Mutation]:
    """What may happen to one key: to be missing, empty, of another type or of an unknown value."""
    value = at(body, path)
    if isinstance(path[-1], str):
        yield Mutation("without", path, without(body, path))
    for name, other in others(value):
        yield Mutation(name, path, put(body, path, other))


def others(value: Any) -> Iterator[tuple[str, Any]]:
    """What may stand in the place of a value, each with a name."""
    if value is not None:
        yield "null", None
    if isinstance(value, str):
        yield from (("empty", ""), ("unknown", UNKNOWN), ("strange", f"{value}{STRANGE}"), ("long", value + LONG))
        if value.isdecimal() and (value == "0" or value[0] != "0"):
            yield "as number", int(value)
    elif isinstance(value, bool):
        yield "other", not value
    elif isinstance(value, int | float):
        yield from (("as text", str(value)), ("zero", 0), ("negative", -1))
        if isinstance(value, int):
            yield "as float", float(value)
    elif isinstance(value, list) and value:
        yield "empty", []
    elif isinstance(value, dict) and value:
        yield "empty", {}
        yield "wordy", UNKNOWN


def of_object(body: Any, path: Path) -> Iterator[Mutation]:
    """A newer server's fields in an object."""
    more = {"new_field": {"deep": [{"deeper": [None, 1, "two"]}]}, "zz_plugin": None}
    yield Mutation("more keys", path, put(body, path, {**at(body, path), **more}))


NOVELTIES: tuple[Any, ...] = (
    None,
    {},
    [],
    "words",
    7,
    {"id": None, "type": UNKNOWN},
    {"kind": "zz", "type": UNKNOWN, "data": {}},
)


def of_list(body: Any, path: Path) -> Iterator[Mutation]:
    """Entries twice, in another order, or of a kind that nobody knows."""
    entries = at(body, path)
    yield Mutation("twice", path, put(body, path, [*entries, *entries]))
    yield Mutation("first again", path, put(body, path, [*entries, entries[0]]))
    yield Mutation("turned round", path, put(body, path, entries[::-1]))
    for novelty in NOVELTIES:
        yield Mutation(f"with {novelty!r} first", path, put(body, path, [novelty, *entries]))


def unread(body: Any, path: Path, is_read: Callable[[str], bool]) -> Iterator[Mutation]:
    """All keys at once that the connector never names, below one entry."""
    entry = at(body, path)
    found = [one for one in places(entry) if one and isinstance(one[-1], str) and not is_read(one[-1])]
    tops = [one for one in found if not any(one[: len(other)] == other for other in found if other != one)]
    if not tops:
        return
    for name, other in (("null", None), ("empty", ""), ("a list of", []), ("an object of", {"new": 1}), ("number", 7)):
        changed_entry = copy.deepcopy(entry)
        for one in tops:
            at(changed_entry, one[:-1])[one[-1]] = other
        yield Mutation(f"{name} unread keys", path, put(body, path, changed_entry))
    bare = copy.deepcopy(entry)
    for one in tops:
        del at(bare, one[:-1])[one[-1]]
    yield Mutation("without unread keys", path, put(body, path, bare))
