"""How good a signal is: precision, recall, F1, AUC, average precision and calibration, each with a bootstrap interval.

Every measure takes a weight for each row. The bootstrap is made of weights (how often a row was drawn), and so is
another base rate than the sample's own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_DRAWS = 1000
_PERCENTILES = (2.5, 97.5)
_BINS = 10  # of probability, all of one width, as in the literature


@dataclass(frozen=True)
class Rows:
    """Labels (0 or 1), scores and flags of the same texts, in ascending order of score; `tie_ends` ends each tie."""

    labels: Floats
    scores: Floats
    flags: Floats
    tie_ends: NDArray[np.int64]

    @classmethod
    def of(cls, labels: ArrayLike, scores: ArrayLike, flags: ArrayLike) -> "Rows":
        """Raises: ValueError where they differ in length, are empty, or hold what is no label or number: mend them."""
        truth, values, raised = (np.asarray(one, np.float64) for one in (labels, scores, flags))
        if not len(truth) or not truth.shape == values.shape == raised.shape:
            raise ValueError(f"{truth.shape} labels, {values.shape} scores and {raised.shape} flags")
        if not np.isfinite(values).all() or not np.isin(truth, (0, 1)).all() or not np.isin(raised, (0, 1)).all():
            raise ValueError("labels and flags are 0 or 1, and scores are numbers")
        order = np.argsort(values, kind="stable")
        values = values[order]
        return cls(truth[order], values, raised[order], np.flatnonzero(np.append(np.diff(values) != 0, True)))


Measure = Callable[[Rows, Floats], float]


def precision(rows: Rows, weights: Floats) -> float:
    return _ratio((weights * rows.flags * rows.labels).sum(), (weights * rows.flags).sum())


def recall(rows: Rows, weights: Floats) -> float:
    return _ratio((weights * rows.flags * rows.labels).sum(), (weights * rows.labels).sum())


def f1(rows: Rows, weights: Floats) -> float:
    hits = (weights * rows.flags * rows.labels).sum()
    return _ratio(2 * hits, (weights * rows.flags).sum() + (weights * rows.labels).sum(), if_none=0.0)


def auc(rows: Rows, weights: Floats) -> float:
    """The chance that a positive scores above a negative, ties counting half; not a number without both."""
    negative = np.cumsum(weights * (1 - rows.labels))[rows.tie_ends]
    positive = np.diff(np.cumsum(weights * rows.labels)[rows.tie_ends], prepend=0.0)
    below = np.append(0.0, negative[:-1])
    return _ratio((positive * (below + negative)).sum() / 2, positive.sum() * negative[-1])


def average_precision(rows: Rows, weights: Floats) -> float:
    hits = np.cumsum((weights * rows.labels)[::-1])
    flagged = np.cumsum(weights[::-1])
    last = len(weights) - 1 - np.append(-1, rows.tie_ends[:-1])[::-1] - 1  # where a tie ends, from the highest down
    gained = np.diff(hits[last], prepend=0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        precise = np.where(flagged[last] > 0, hits[last] / flagged[last], 0.0)
    return _ratio((gained * precise).sum(), hits[-1])


def calibration_error(rows: Rows, weights: Floats) -> float:
    """How far probability and frequency lie apart: the mean over ten bins, weighted by what is in them (ECE)."""
    return sum(abs(one.predicted - one.observed) * one.share for one in reliability(rows, weights))


@dataclass(frozen=True)
class Bin:
    """One bin of a calibration plot: mean probability, observed frequency, and its share of the rows."""

    predicted: float
    observed: float
    share: float


def reliability(rows: Rows, weights: Floats) -> list[Bin]:
    """The bins that hold anything, in ascending order of probability."""
    number = np.clip((rows.scores * _BINS).astype(int), 0, _BINS - 1)
    size, predicted, observed = (
        np.bincount(number, weights * one, _BINS) for one in (np.ones_like(weights), rows.scores, rows.labels)
    )
    return [
        Bin(predicted[at] / size[at], observed[at] / size[at], size[at] / size.sum()) for at in np.flatnonzero(size > 0)
    ]


MEASURES: Mapping[str, Measure] = {
    "precision": precision,
    "recall": recall,
    "f1": f1,
    "auc": auc,
    "average_precision": average_precision,
    "ece": calibration_error,
}


def evaluate(
    labels: ArrayLike, scores: ArrayLike, flags: ArrayLike, seed: int = 0, draws: int = _DRAWS
) -> dict[str, Any]:
    """All measures of one signal: {"n", "positives", "flagged", and for each measure {"value", "low", "high"}}.

    low and high hold 95 % of bootstrap draws with this seed. What cannot be measured (no positives, no flags) is None.
    Raises: ValueError for rows that cannot be measured; its text says why.
    """
    rows = Rows.of(labels, scores, flags)
    n = len(rows.labels)
    once = np.ones(n)
    drawn = [_draw(n, np.random.default_rng([seed, number])) for number in range(draws)]
    report: dict[str, Any] = {"n": n, "positives": int(rows.labels.sum()), "flagged": int(rows.flags.sum())}
    for name, measure in MEASURES.items():
        low, high = _interval([measure(rows, weights) for weights in drawn])
        report[name] = {"value": _number(measure(rows, once)), "low": low, "high": high}
    return report


def interval(values: Callable[[Floats], float], n: int, seed: int = 0, draws: int = _DRAWS) -> tuple[Any, Any]:
    """The bootstrap interval of any measure that takes n weights, such as a difference between two signals."""
    return _interval([values(_draw(n, np.random.default_rng([seed, number]))) for number in range(draws)])


def best_threshold(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> tuple[float, float]:
    """The threshold (a flag is "at least") with the best F1 on these rows, and that F1."""
    rows = Rows.of(labels, scores, np.zeros(len(np.asarray(labels))))
    order = np.argsort(np.asarray(scores, np.float64), kind="stable")
    each = np.ones(len(order)) if weights is None else np.asarray(weights, np.float64)[order]
    hits = np.cumsum((each * rows.labels)[::-1])[::-1]
    flagged = np.cumsum(each[::-1])[::-1]
    starts = np.append(0, rows.tie_ends[:-1] + 1)
    scored = 2 * hits[starts] / np.maximum(flagged[starts] + hits[0], 1e-12)
    best = int(np.argmax(scored))
    below = rows.scores[starts[best] - 1] if best else 0.0
    return float((rows.scores[starts[best]] + below) / 2), float(scored[best])


def kappa(first: Sequence[object], second: Sequence[object]) -> float:
    """Cohen's kappa: how far two people agree beyond chance; 1.0 where chance leaves nothing to disagree on."""
    n = len(first)
    if not n or n != len(second):
        raise ValueError(f"{n} and {len(second)} labels of the same texts")
    agreed = sum(one == other for one, other in zip(first, second, strict=True)) / n
    by_chance = sum(list(first).count(one) * list(second).count(one) for one in set(first) | set(second)) / n**2
    return 1.0 if by_chance == 1.0 else (agreed - by_chance) / (1.0 - by_chance)


def _draw(n: int, random: np.random.Generator) -> Floats:
    return np.bincount(random.integers(0, n, n), minlength=n).astype(np.float64)


def _interval(values: Sequence[float]) -> tuple[float | None, float | None]:
    finite = [value for value in values if value == value]
    if not finite:
        return None, None
    low, high = np.percentile(finite, _PERCENTILES)
    return float(low), float(high)


def _number(value: float) -> float | None:
    return float(value) if value == value else None


def _ratio(part: float, whole: float, if_none: float = float("nan")) -> float:
    return float(part / whole) if whole > 0 else if_none
