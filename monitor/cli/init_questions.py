"""What a platform or chat needs to be told, as questions for a person: from its settings alone; pure."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from monitor.core.durations import show_duration
from monitor.settings.reading import Reading, secret_names

Way = Literal["text", "secret", "yes_no", "choice", "list", "toml"]
_HOW = re.compile(
    r"[\s,;:.]*(?:\ba secret: )?(?:\bso )?(?:\b(?:give|by)\b(?: it as)?)? ?\b\w+_env or \w+_file\b\.?", re.IGNORECASE
)
YES, NO = ("y", "yes", "true"), ("n", "no", "false")


@dataclass(frozen=True, slots=True)
class Question:
    """One setting. `is_usual`: nobody can guess its answer; the others have a value that suits nearly everybody."""

    name: str
    says: str
    way: Way
    choices: tuple[str, ...] = ()
    default: Any = None  # as TOML has it; None where there is none
    is_required: bool = False
    is_usual: bool = False
    is_path: bool = False


def questions(model: type[BaseModel]) -> list[Question]:
    """A question for each setting, those that nobody can guess first, both in the order of the settings."""
    secrets = secret_names(model)
    found = []
    for name, info in model.model_fields.items():
        default = None if info.is_required() else info.get_default(call_default_factory=True)
        way, choices = ("secret", ()) if name in secrets else _way(info.annotation)
        is_open = default in (None, "", (), []) and way != "toml"
        is_usual = info.is_required() or is_open or way in ("secret", "choice")
        says = _for_people(info.description or "") if way == "secret" else _joined(info.description or "")
        is_path = Path in (info.annotation, *get_args(info.annotation))
        found.append(Question(name, says, way, choices, in_toml(default), info.is_required(), is_usual, is_path))
    return [one for one in found if one.is_usual] + [one for one in found if not one.is_usual]


def _joined(text: str) -> str:
    return " ".join(text.split())


def _for_people(says: str) -> str:
    """What a secret is, without how a file would name it: here it is typed."""
    kept = _HOW.sub("", _joined(says))
    return kept if kept.endswith((".", ")", "?")) else f"{kept}."


def _way(annotation: Any) -> tuple[Way, tuple[str, ...]]:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _way(inner[0])
    if origin in (Union, UnionType):
        ways = [_way(part) for part in inner if part is not NoneType]
        return next((way for way in ways if way[0] != "toml"), ("toml", ()))
    if origin is Literal and all(isinstance(one, str) for one in inner):
        return "choice", inner
    if origin in (tuple, list, set, frozenset):
        return ("toml" if not inner or _way(inner[0])[0] == "toml" else "list"), ()
    if annotation is bool:
        return "yes_no", ()
    is_simple = isinstance(annotation, type) and issubclass(annotation, str | int | float | Path | timedelta)
    return ("text" if is_simple else "toml"), ()


def in_toml(value: Any) -> Any:
    """A default as it would stand in the file; None where there is nothing to show."""
    if isinstance(value, timedelta):
        return show_duration(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple | set | frozenset | list):
        return [in_toml(one) for one in value]
    return value if isinstance(value, str | bool | int | float | dict) else None


def read_typed(question: Question, typed: str) -> Any:
    """What was typed, as TOML has it; None for nothing.

    Raises: ValueError, in words for whoever typed it.
    """
    if not typed:
        return None
    if question.way == "yes_no":
        return read_yes(typed)
    if question.way == "choice":
        return read_choice(typed, question.choices)
    if question.way == "list":
        return [part.strip() for part in typed.split(",") if part.strip()]
    if question.is_path:
        return str(Path(typed).expanduser().absolute())
    return _read_toml(typed) if question.way == "toml" else typed


def read_yes(typed: str) -> bool:
    """Raises: ValueError."""
    if typed.casefold() in YES:
        return True
    if typed.casefold() in NO:
        return False
    raise ValueError('Please answer "y" for yes or "n" for no.')


def read_choice(typed: str, choices: Sequence[str]) -> str:
    """One of the choices, by its name, its number (from 1), or a beginning that no other has.

    Raises: ValueError.
    """
    if typed.isdecimal() and 1 <= int(typed) <= len(choices):
        return choices[int(typed) - 1]
    wanted = typed.casefold()
    begin = [one for one in choices if one.casefold().startswith(wanted)]
    if wanted in choices or len(begin) == 1:
        return wanted if wanted in choices else begin[0]
    from monitor.core.nearest import nearest

    raise ValueError(f'"{typed}" is none of the answers{nearest(typed, choices)}. Type a number or a name of the list.')


def _read_toml(typed: str) -> Any:
    try:
        return tomllib.loads(f"x = {typed}")["x"]
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"This one is written as TOML writes it; {error}.") from None


def fault(model: type[BaseModel], name: str, value: Any) -> str:
    """Why this answer cannot be right whatever the others are; "" where it can."""
    reading = Reading("", Path(), {})
    reading.validate(model, reading.prepare(model, {name: value}, "x"), "x")
    return next((error.reason for error in reading.errors if error.key.split(".")[1:2] == [name]), "")
