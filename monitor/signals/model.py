"""The trained model: n-grams and features in, calibrated probabilities out. Imports numpy, so it is imported late.

`weights/tables.npz` holds three arrays of int8: `outputs` [2^18, 8], `kinds` [2^16, 8], `languages` [2^15, up to 16];
`weights/stack.json` (see `weights`) says what their columns are. `dump` writes both, `load` checks them.

Equal texts must have equal values whatever their neighbours, and sums of floats depend on their order. So everything
that is summed is a multiple of a small power of two: then each sum is exact, in any order.
"""

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate, pairwise
from math import exp
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.signals import weights as readable
from monitor.signals.ngrams import OUTPUTS as LANES
from monitor.signals.ngrams import Grams, Words64, alone, grams, lanes, packed, shared, sums
from monitor.signals.prepared import Prepared
from monitor.signals.stack import feature_names, features
from monitor.signals.weights import FOLDER, KINDS, OUTPUTS, TABLES, Columns, Output, Stack, WeightsDamaged, digest

Floats = NDArray[np.float64]
Table = NDArray[np.int8]

_VALUE_STEP = 2.0**-12
_WEIGHT_STEP = 2.0**-20
_LOGIT_STEP = 2.0**-8
_CERTAIN = 16
_N_LOGITS = int(_CERTAIN / _LOGIT_STEP)
_PROBABILITIES = np.array(  # looked up, so that they are the same on every machine
    [round(1.0 / (1.0 + exp(-place * _LOGIT_STEP)), 6) for place in range(-_N_LOGITS, _N_LOGITS + 1)]
)


@dataclass(frozen=True)
class Linear:
    """A table with its columns: texts in, [texts, columns] of values out."""

    parts: tuple[Words64, ...]  # of eight columns each
    scales: Floats
    bias: Floats

    @classmethod
    def of(cls, table: Table, columns: Columns) -> "Linear":
        parts = tuple(packed(table[:, first : first + LANES]) for first in range(0, table.shape[1], LANES))
        return cls(parts, np.array(columns.scales), np.array(columns.bias))

    def values(self, seen: Sequence[str]) -> Floats:
        found = [self.read(piece) for piece in grams(seen)]
        return np.concatenate(found) if found else np.empty((0, len(self.scales)))

    def read(self, piece: Grams) -> Floats:
        return self.scaled(np.concatenate([sums(part, piece) for part in self.parts], axis=1), piece.n)

    def scaled(self, total: NDArray[np.int64], n: NDArray[np.int64]) -> Floats:
        """The values of texts whose `n` grams' weights sum up so: [texts, columns]."""
        return _rounded(total[:, : len(self.scales)] * self.scales / np.sqrt(n)[:, None] + self.bias, _VALUE_STEP)


class Read(NamedTuple):
    """For each output the probability of each text; of each text the kind of mistake that it points out, or ""."""

    columns: list[list[float]]
    kinds: list[str]


class Model:
    """The weights in the form in which they are used."""

    def __init__(self, stack: Stack, tables: Mapping[str, Table]) -> None:
        self.stack = stack
        self.outputs, self.kinds, self.languages = (Linear.of(tables[name], stack.tables[name]) for name in TABLES)
        self._inputs = (*(f"model.{name}" for name in stack.tables["outputs"].names), *feature_names())
        self.weights, self.constant = _columns(self._inputs, [stack.stack[name] for name in OUTPUTS])
        named = (*(f"kind.{name}" for name in stack.tables["kinds"].names), *feature_names())
        of_kinds = [stack.kinds.get(name) or Output(0.0, {f"kind.{name}": 1.0}, 0.5) for name in KINDS]
        self._kind_weights, self._kind_constant = _columns(named, of_kinds)

    def read(self, batch: Sequence[Prepared]) -> "Read":
        """Everything about these texts, their languages aside."""
        seen, found = [text.seen for text in batch], features(batch)[1]
        probabilities = as_probabilities(self._logits(seen, found))
        likely = np.flatnonzero(probabilities[:, _MISTAKE] >= self.stack.kind_from)
        kinds = [""] * len(batch)
        if len(likely):
            named = self._kinds([seen[row] for row in likely], found[likely])
            for row, kind in zip(likely.tolist(), named, strict=True):
                kinds[row] = kind
        return Read(probabilities.T.tolist(), kinds)

    def logits(self, batch: Sequence[Prepared]) -> Floats:
        """Calibrated log odds of each output: [texts, outputs]."""
        return self._logits([text.seen for text in batch], features(batch)[1])

    def _logits(self, seen: Sequence[str], found: Floats) -> Floats:
        return np.concatenate((self.outputs.values(seen), found), axis=1) @ self.weights + self.constant

    def _kinds(self, seen: Sequence[str], found: Floats) -> list[str]:
        values = np.concatenate((self.kinds.values(seen), found), axis=1) @ self._kind_weights + self._kind_constant
        return [KINDS[column] for column in values.argmax(axis=1).tolist()]

    def language(self, batch: Sequence[Prepared]) -> list[str]:
        """The language of each text by its n-grams; "" where the best is not far enough ahead of the second."""
        values = self.languages.values([text.seen for text in batch])
        names = self.stack.tables["languages"].names
        best = values.argmax(axis=1)
        two = np.sort(values, axis=1)[:, -2:]
        is_sure = two[:, 1] - two[:, 0] >= self.stack.language_lead
        return [names[column] if sure else "" for column, sure in zip(best.tolist(), is_sure.tolist(), strict=True)]


class Look:
    """One text looked into, to see what speaks for its values: read once, whatever is asked of it."""

    def __init__(self, model: Model, text: Prepared) -> None:
        self._model, self._seen = model, text.seen
        self._found = features([text])[1][0]
        self._read = alone(self._seen)
        (part,) = model.outputs.parts
        self._added = lanes(part.take(np.concatenate(self._read.ids)))  # of each gram to each output

    def probability(self, column: int) -> float:
        """An output's value, as `Model.read` gives it."""
        values = self._model.outputs.scaled(self._added.sum(axis=0, dtype=np.int64)[None], np.array([len(self._added)]))
        inputs = np.concatenate((values[0], self._found))
        return float(as_probabilities(inputs @ self._model.weights[:, column] + self._model.constant[column]))

    def by_feature(self, column: int) -> Mapping[str, float]:
        """What each input but the words adds to an output's log odds."""
        adds = self._found * self._model.weights[-len(self._found) :, column]
        return dict(zip(feature_names(), adds.tolist(), strict=True))

    def by_word(self, column: int) -> Floats:
        """What each word of `Prepared.seen` adds to an output's log odds."""
        scales = self._model.outputs.scales
        per_lane = np.zeros(LANES)
        per_lane[: len(scales)] = scales * self._model.weights[: len(scales), column]
        adds = self._added @ per_lane / len(self._added) ** 0.5
        ends = list(accumulate(map(len, self._read.ids), initial=0))
        return shared(self._seen, self._read, [adds[start:end] for start, end in pairwise(ends)])


def _columns(inputs: Sequence[str], outputs: Sequence[Output]) -> tuple[Floats, Floats]:
    """The outputs' weights [inputs, outputs] and constants, with their calibration in them."""
    slopes = np.array([one.calibration.slope for one in outputs])
    weights = np.array([[one.weights.get(name, 0.0) for one in outputs] for name in inputs])
    constant = np.array([one.bias for one in outputs]) * slopes + [one.calibration.offset for one in outputs]
    return _rounded(weights * slopes, _WEIGHT_STEP), _rounded(constant, _WEIGHT_STEP)


_MISTAKE = OUTPUTS.index("mistake")


def as_probabilities(logits: Floats) -> Floats:
    places = np.clip(np.rint(logits / _LOGIT_STEP), -_N_LOGITS, _N_LOGITS).astype(np.int64)
    return _PROBABILITIES[places + _N_LOGITS]


def dump(stack: Stack, tables: Mapping[str, Table]) -> tuple[str, bytes]:
    """What `stack.json` and `tables.npz` hold for these weights, with their version; `load` accepts it."""
    raw = {name: np.ascontiguousarray(tables[name], np.int8) for name in TABLES}
    written = io.BytesIO()
    np.savez_compressed(written, allow_pickle=False, **raw)
    versioned = replace(stack, version=digest(stack, {name: table.tobytes() for name, table in raw.items()}))
    return versioned.as_json(), written.getvalue()


def load(stack: Stack, npz: bytes) -> Model:
    """The model of these two files.

    Raises:
        WeightsDamaged: they do not belong together or are not whole; install again.
    """
    try:
        with np.load(io.BytesIO(npz), allow_pickle=False) as archive:
            tables = {name: archive[name] for name in TABLES}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise WeightsDamaged(f"weights/tables.npz cannot be read, install heedful again: {error!r}") from error
    for name, bits in TABLES.items():
        table, columns = tables[name], stack.tables[name]
        if table.dtype != np.int8 or table.shape != (1 << bits, len(columns.names)):
            raise WeightsDamaged(f"weights/tables.npz: {name} is {table.dtype}{table.shape}, install heedful again")
    if digest(stack, {name: table.tobytes() for name, table in tables.items()}) != stack.version:
        raise WeightsDamaged("weights/tables.npz and stack.json are not of one training, install heedful again")
    return Model(stack, tables)


@cache
def model() -> Model:
    """The shipped model, loaded when first needed.

    Raises:
        WeightsDamaged: its files are missing or damaged; install again.
    """
    try:
        npz = (FOLDER / "tables.npz").read_bytes()
    except OSError as error:
        raise WeightsDamaged(f"weights/tables.npz cannot be read, install heedful again: {error}") from error
    return load(readable.stack(), npz)


def _rounded(values: Floats, step: float) -> Floats:
    return np.rint(values / step) * step
