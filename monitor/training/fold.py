"""Folding: what was fitted, as one table of int8 and a few numbers an output, which is all that ships."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.signals.weights import OUTPUTS, Calibration, Columns, Output, Stack
from monitor.training import recipe
from monitor.training.heads import Head
from monitor.training.small import Kinds, Languages
from monitor.training.stack import Fitted

Table = NDArray[np.int8]

_LARGEST = 127
_DIGITS = 5  # of every number in the stack: more is noise, and differs between machines
_LEAST_WEIGHT = 1e-3


def fold(fitted: Mapping[str, Fitted], kinds: Kinds, languages: Languages) -> tuple[Stack, dict[str, Table]]:
    """The shipped form of all outputs, kinds and languages."""
    tables = {
        "outputs": _table(OUTPUTS, [fitted[name].head for name in OUTPUTS]),
        "kinds": _table(tuple(kinds.heads), list(kinds.heads.values())),
        "languages": _table(tuple(languages.heads), list(languages.heads.values())),
    }
    stack = Stack(
        tables={name: columns for name, (columns, _) in tables.items()},
        stack={name: _output(name, fitted[name]) for name in OUTPUTS},
        kinds={name: _of_kind(name, kinds) for name in kinds.heads},
        kind_from=_rounded(fitted["mistake"].threshold / 2),
        language_lead=_rounded(languages.lead),
    )
    return stack, {name: table for name, (_, table) in tables.items()}


def _table(names: Sequence[str], heads: Sequence[Head]) -> tuple[Columns, Table]:
    columns = [_column(head.weights) for head in heads]
    scales = tuple(scale for scale, _ in columns)
    bias = tuple(_rounded(head.bias) for head in heads)
    return Columns(tuple(names), scales, bias), np.column_stack([column for _, column in columns])


def _column(weights: NDArray[np.float32]) -> tuple[float, Table]:
    """The scale of a column, and its weights as int8 with the smallest pruned."""
    size = np.abs(weights)
    least = np.quantile(size[size > 0], 1 - recipe.KEPT_OF_TABLE) if size.any() else 0.0
    kept = np.where(size >= least, weights, 0.0)
    scale = float(np.float32(size.max() / _LARGEST)) or 1.0
    return scale, np.clip(np.rint(kept / scale), -_LARGEST, _LARGEST).astype(np.int8)


def _output(name: str, one: Fitted) -> Output:
    by_hand = {feature: weight / one.slope for feature, weight in recipe.RECIPES[name].by_hand.items()}
    weights = {f"model.{name}": 1.0} | {
        feature: _rounded(weight)
        for feature, weight in (dict(one.features) | by_hand).items()
        if abs(weight) >= _LEAST_WEIGHT
    }
    calibration = Calibration(_rounded(one.slope), _rounded(one.offset))
    return Output(_rounded(one.bias), weights, round(one.threshold, 4), calibration)


def _of_kind(name: str, kinds: Kinds) -> Output:
    weights = {feature: _rounded(weight) for feature, weight in kinds.features[name].items()}
    return Output(_rounded(kinds.bias[name]), {f"kind.{name}": _rounded(kinds.of_head[name])} | weights, 0.5)


def _rounded(value: float) -> float:
    return round(float(value), _DIGITS)
