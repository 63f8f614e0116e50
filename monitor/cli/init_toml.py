"""A first configuration as commented TOML; pure."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from textwrap import wrap
from typing import Any
from unicodedata import combining, normalize

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")  # TOML allows none of these in a comment
_WIDE = 116


@dataclass
class Part:
    """One table: its settings, what each setting means, and the settings that were left alone with their defaults.

    A default of None has nothing to show but the setting's name.
    """

    values: dict[str, Any]
    says: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Draft:
    """A configuration as far as it was asked for; the names of files are relative to it."""

    database: str
    brand_id: str = ""
    brand: Part = field(default_factory=lambda: Part({}))
    key_file: str = ""
    accounts: dict[str, Part] = field(default_factory=dict)
    sources: dict[str, Part] = field(default_factory=dict)
    channels: dict[str, Part] = field(default_factory=dict)

    def free_name(self, wanted: str, tables: str) -> str:
        """This name, or it with a number behind, that no table of the kind has yet."""
        taken = getattr(self, tables)
        return next(name for name in _numbered(wanted) if name not in taken)


def _numbered(wanted: str) -> Iterator[str]:
    yield wanted
    number = 2
    while True:
        yield f"{wanted}-{number}"
        number += 1


def slug(name: str) -> str:
    """A name for a table out of what people call a thing."""
    plain = "".join(sign for sign in normalize("NFKD", name.casefold()) if not combining(sign))
    found = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return found[:40].strip("-") or "brand"


def render(draft: Draft) -> str:
    """The whole file."""
    return "\n".join(_lines(draft)) + "\n"


def _lines(draft: Draft) -> Iterator[str]:
    yield "# The configuration of heedful, as `heedful init` wrote it. Change what you like; `heedful check` then says"
    yield "# whether it would work. Lines that begin with #name = show settings that were left alone, with their"
    yield "# defaults; take the # away to change one. Secrets are not here: each *_file names the file that holds one."
    yield "# Paths are relative to this file. All other settings: docs/configuration.md."
    yield ""
    yield "# Which situations people are told about; put files of your own behind, see docs/rules.md."
    yield 'rules = ["shipped"]'
    yield from ("", "", "[database]", "# Where everything that was read is kept. Back this file up.")
    yield f"url = {toml(f'sqlite:///{draft.database}')}"
    yield from _table(f"brands.{_key(draft.brand_id)}", draft.brand, "The party that is watched for.")
    if draft.key_file:
        yield from (
            "",
            "",
            "[credentials]",
            "# What platforms have granted is kept encrypted in the database, with this",
        )
        yield "# key. Back it up, but not beside the database."
        yield f"key_file = {toml(draft.key_file)}"
    titles = {
        "accounts": "Credentials; sources that name this account share them and what they may spend.",
        "sources": "A place that is read.",
        "channels": "Where people are told.",
    }
    for kind, title in titles.items():
        for name, part in getattr(draft, kind).items():
            yield from _table(f"{kind}.{_key(name)}", part, title)


def _table(name: str, part: Part, title: str) -> Iterator[str]:
    yield from ("", "", f"# {title}", f"[{name}]")
    for key, value in part.values.items():
        yield from _comment(part.says.get(key, ""))
        yield f"{_key(key)} = {toml(value)}"
    for key, default in part.others.items():
        yield from _comment(part.says.get(key, ""))
        yield f"#{_key(key)} = {toml(default) if default is not None else '...'}"


def _comment(says: str) -> Iterator[str]:
    for line in wrap(" ".join(_CONTROL.sub(" ", says).split()), _WIDE):
        yield f"# {line}"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else toml(name)


def toml(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # JSON's strings are TOML's, but for one control character that JSON lets stand.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(key)} = {toml(one)}" for key, one in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml(one) for one in value)}]"
    return str(value)
