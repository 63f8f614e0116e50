"""The readable half of the trained weights, `weights/stack.json`; the tables beside it are read by `model`, with numpy.

    {"format": 1,
     "version": first 12 hex digits of the SHA-256 of the rest of this file and of the tables (`digest`),
     "tables": {"outputs":   {"names": [...], "scales": [...], "bias": [...]},   one of each for each column
                "kinds":     {... the kinds of mistakes ...},
                "languages": {... ISO 639-1 codes ...}},
     "stack": {"angry": {"bias": number,
                         "weights": {"model.angry": number, "group.angry.insult": number, "surface.shouts": number},
                         "calibration": {"slope": number, "offset": number},
                         "threshold": from which probability on `flags` says yes},
               ... each of OUTPUTS ...},
     "kinds": {"typo": {... the same, of "kind.<kind>" and the names of the features ...},
               ... a kind that is not named is measured by its column alone; the highest wins ...},
     "kind_from": probability of `mistake` from which on its kind is named,
     "language_lead": by how much the best language's value must exceed the second's, where words do not tell}

`weights` may name each "model.<output>" and each name of `stack.features`; what is not named weighs nothing. A signal's
probability is the sigmoid of slope * (bias + sum of weight * feature) + offset.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from importlib.resources import files
from math import isfinite
from typing import Any

OUTPUTS = ("angry", "mistake", "needs_reply", "closing", "tagging_only", "urgent", "threat", "negative")
KINDS = (
    "wrong_info",
    "typo",
    "broken_link",
    "misleading",
    "contradiction_or_confusion",
    "hacked_or_spam",
    "offensive_backlash",
    "accidental_post",
)
TABLES = {"outputs": 18, "kinds": 16, "languages": 15}  # each of 2^n buckets
FOLDER = files("monitor.signals") / "weights"
_FORMAT = 1
_VERSION_DIGITS = 12
_MOST = 1e4  # what a weight cannot reasonably exceed


class WeightsDamaged(ValueError):
    """The shipped weights are not what was trained: the installation is broken; install again."""


@dataclass(frozen=True)
class Columns:
    """What the columns of one table mean, and how their bytes become values."""

    names: tuple[str, ...]
    scales: tuple[float, ...]
    bias: tuple[float, ...]


@dataclass(frozen=True)
class Calibration:
    slope: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True)
class Output:
    """One signal's logistic over the model's values and the features of `stack`."""

    bias: float
    weights: Mapping[str, float]
    threshold: float
    calibration: Calibration = Calibration()


@dataclass(frozen=True)
class Stack:
    """`stack.json`."""

    tables: Mapping[str, Columns]
    stack: Mapping[str, Output]
    kind_from: float
    language_lead: float
    kinds: Mapping[str, Output] = field(default_factory=dict)
    version: str = ""
    format: int = _FORMAT

    def as_json(self) -> str:
        """The file: sorted, so that two trainings can be compared line by line."""
        return json.dumps(asdict(self), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def digest(stack: Stack, tables: Mapping[str, bytes]) -> str:
    """The version of weights: of everything in them that a value depends on."""
    hashed = hashlib.sha256(replace(stack, version="").as_json().encode())
    for name in sorted(tables):
        hashed.update(name.encode() + b"\0" + hashlib.sha256(tables[name]).digest())
    return hashed.hexdigest()[:_VERSION_DIGITS]


def parse(written: bytes) -> Stack:
    """A stack from its file.

    Raises:
        WeightsDamaged: the file says something else than this format; install again.
    """
    try:
        table = json.loads(written)
        if table.pop("format") != _FORMAT:
            raise ValueError("another format")
        columns = {name: _columns(part) for name, part in table.pop("tables").items()}
        outputs = {name: _output(part) for name, part in table.pop("stack").items()}
        kinds = {name: _output(part) for name, part in table.pop("kinds").items()}
        if set(columns) != set(TABLES) or set(outputs) != set(OUTPUTS) or not set(kinds) <= set(KINDS):
            raise ValueError(f"it is of {sorted(columns)} and {sorted(outputs)}")
        kind_from, language_lead = _number(table.pop("kind_from")), _number(table.pop("language_lead"))
        return Stack(columns, outputs, kind_from, language_lead, kinds, **table)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsDamaged(f"weights/stack.json cannot be used, install heedful again: {error!r}") from error


@cache
def stack() -> Stack:
    """The shipped stack, read when first needed.

    Raises:
        WeightsDamaged: it is missing or damaged; install again.
    """
    try:
        return parse((FOLDER / "stack.json").read_bytes())
    except OSError as error:
        raise WeightsDamaged(f"weights/stack.json cannot be read, install heedful again: {error}") from error


def _columns(part: Any) -> Columns:
    names = tuple(map(str, part["names"]))
    columns = Columns(names, tuple(map(_number, part["scales"])), tuple(map(_number, part["bias"])))
    if not len(names) == len(columns.scales) == len(columns.bias):
        raise ValueError(f"names, scales and bias of {names} differ in number")
    return columns


def _output(part: Any) -> Output:
    calibration = Calibration(_number(part["calibration"]["slope"]), _number(part["calibration"]["offset"]))
    weights = {str(name): _number(weight) for name, weight in part["weights"].items()}
    return Output(_number(part["bias"]), weights, _number(part["threshold"]), calibration)


def _number(value: Any) -> float:
    number = float(value)
    if not isfinite(number) or abs(number) > _MOST:
        raise ValueError(f"{value!r} is no weight")
    return number
