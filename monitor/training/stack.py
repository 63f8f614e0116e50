"""The stack: one small logistic regression for each output, over heads and features that had not seen the text.

Texts of one writer (or, for what few writers wrote of, of one situation) are held back together, so that a head's value
for a text is that of a head which never read this writer; stack, calibration and threshold are fitted to such values
alone.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from monitor.training import heads, recipe
from monitor.training.corpus import Labelled
from monitor.training.heads import Floats, Head, Matrix
from monitor.training.metrics import best_threshold
from monitor.training.recipe import Recipe
from monitor.training.second_voice import BY_HAND

_LEAST_SPREAD = 0.05
_LEAST_OF_A_DOMAIN = 100  # a domain with fewer texts than this weighs less than its share
_OFFSET_PENALTY = 0.01
_MOST_ITERATIONS = 1000


@dataclass(frozen=True)
class Rows:
    """The labelled texts with everything that is known of them."""

    texts: Sequence[Labelled]
    counts: Matrix
    features: Floats
    names: tuple[str, ...]
    folds: NDArray[np.int64]  # of writers
    finer_folds: NDArray[np.int64]  # of situations
    public: Mapping[str, Head]


@dataclass(frozen=True)
class Fitted:
    """One output, fitted; `held_back` are its uncalibrated values for texts that the fold had not seen."""

    bias: float
    features: Mapping[str, float]
    head: Head  # all heads in one, as the stack weighs them
    slope: float
    offset: float
    threshold: float
    rows: NDArray[np.int64]
    labels: Floats
    weights: Floats
    held_back: Floats

    def probabilities(self) -> Floats:
        return np.asarray(1 / (1 + np.exp(-np.clip(self.slope * self.held_back + self.offset, -30, 30))))


def folds(texts: Sequence[Labelled], by_writer: bool = True) -> NDArray[np.int64]:
    """To which fold each text belongs: writers (or else what they wrote of one situation), public texts by hash."""
    writers = {name: number for number, name in enumerate(sorted({one.writer for one in texts if one.writer}))}
    return np.array(
        [
            writers[one.writer] % recipe.FOLDS if by_writer and one.writer else _hashed(one.group) % recipe.FOLDS
            for one in texts
        ]
    )


def _hashed(group: str) -> int:
    return int(hashlib.sha256(group.encode()).hexdigest()[:8], 16)


def fit(label: str, rows: Rows) -> Fitted:
    """The output of a label."""
    made = recipe.RECIPES[label]
    chosen = np.array(
        [n for n, one in enumerate(rows.texts) if label in one.labels and made.mix.get(one.domain, 0) > 0]
    )
    labels = np.array([float(rows.texts[n].labels[label]) for n in chosen])
    domains = np.array([rows.texts[n].domain for n in chosen])
    weights = weigh(labels, domains, made)
    offsets = _offsets(domains) if made.own_rate_by_domain else None
    folds = (rows.folds if made.by_writer else rows.finer_folds)[chosen]
    own, unseen = _own_head(rows.counts[chosen], labels, weights, offsets, folds)
    columns = [n for n, name in enumerate(rows.names) if name.startswith(made.features)]
    public = [name for name in made.heads if name in rows.public]
    inputs = np.column_stack(
        [
            rows.features[np.ix_(chosen, np.array(columns))],
            *(rows.public[name].values(rows.counts[chosen]) for name in public),
            unseen,
        ]
    )
    scale = inputs.std(axis=0) + _LEAST_SPREAD
    whole = logistic(inputs / scale, labels, weights, offsets, made.strength)
    held_back = _held_back(inputs / scale, labels, weights, offsets, folds, made.strength)
    second = _second_voice(label, rows.names, made)
    held_back += rows.features[chosen] @ second
    told = _by_domain(labels, domains, made) if made.fitted_to else weights
    slope, offset = _platt(held_back, labels, told)
    by_input, bias = whole[:-1] / scale, float(whole[-1])
    learnt = np.zeros(len(rows.names))
    learnt[columns] = by_input[: len(columns)]
    features = {name: float(weight) for name, weight in zip(rows.names, learnt + second, strict=True) if weight}
    together = _together([*(rows.public[name] for name in public), own], by_input[len(columns) :])
    sure = 1 / (1 + np.exp(-(slope * held_back + offset)))
    threshold = max(_threshold(labels, sure, told, made), _for_traffic(sure[domains == "support"], made))
    return Fitted(
        bias, features, together, slope, offset, threshold, chosen, labels, weights, held_back
    )  # fmt: skip


def _second_voice(label: str, names: Sequence[str], made: Recipe) -> Floats:
    """What our own judgement adds to the weight of each feature."""
    groups = BY_HAND.get(label, {})
    return made.second_voice * np.array([groups.get(name.removeprefix("group."), 0.0) for name in names])


def weigh(labels: Floats, domains: NDArray[np.str_], made: Recipe) -> Floats:
    """Weights with which each domain has its share, and the label its declared rate; their mean is one."""
    weights = np.zeros(len(labels))
    for domain, share in made.mix.items():
        here = domains == domain
        weights[here] = share / max(here.sum(), _LEAST_OF_A_DOMAIN)
    for value, rate in ((1, made.rate), (0, 1 - made.rate)):
        here = labels == value
        weights[here] *= rate / weights[here].sum()
    return weights * len(labels)


def _by_domain(labels: Floats, domains: NDArray[np.str_], made: Recipe) -> Floats:
    """Weights with which what is true and what is not come from the domains that calibration is fitted to."""
    weights = np.zeros(len(labels))
    told_rate = made.told_rate or made.rate
    for domain, shares in made.fitted_to.items():
        for value, share, rate in ((1, shares[0], told_rate), (0, shares[1], 1 - told_rate)):
            here = (domains == domain) & (labels == value)
            weights[here] = share * rate / max(here.sum(), 1)
    return np.asarray(weights * len(labels) / weights.sum())


def _own_head(
    counts: Matrix, labels: Floats, weights: Floats, offsets: Floats | None, folds: NDArray[np.int64]
) -> tuple[Head, Floats]:
    """The head of our own labels, and its values for each text when it had not seen the text's fold."""
    unseen = np.zeros(len(labels))
    for fold in np.unique(folds):
        train, test = folds != fold, folds == fold
        head = heads.fit(counts[train], labels[train], weights[train], None if offsets is None else offsets[train])
        unseen[test] = head.values(counts[test])
    return heads.fit(counts, labels, weights, offsets), unseen


def _held_back(
    inputs: Floats,
    labels: Floats,
    weights: Floats,
    offsets: Floats | None,
    folds: NDArray[np.int64],
    strength: float,
) -> Floats:
    values = np.zeros(len(labels))
    for fold in np.unique(folds):
        train, test = folds != fold, folds == fold
        there = None if offsets is None else offsets[train]
        found = logistic(inputs[train], labels[train], weights[train], there, strength)
        values[test] = inputs[test] @ found[:-1] + found[-1]
    return values


def logistic(inputs: Floats, labels: Floats, weights: Floats, offsets: Floats | None, strength: float) -> Floats:
    """Weights of the inputs, then the bias, of a logistic regression with a quadratic penalty (not on the bias)."""
    n = inputs.shape[1]
    together = inputs if offsets is None else np.column_stack([inputs, offsets])
    penalty = np.append(np.full(n, 1 / strength), np.full(together.shape[1] - n, _OFFSET_PENALTY))
    signs = 2 * labels - 1

    def loss(weights_and_bias: Floats) -> tuple[float, Floats]:
        found, bias = weights_and_bias[:-1], weights_and_bias[-1]
        margins = signs * (together @ found + bias)
        slopes = -signs * weights / (1 + np.exp(np.clip(margins, -500, 500)))
        total = float((weights * np.logaddexp(0, -margins)).sum() + (penalty * found**2).sum() / 2)
        return total, np.append(together.T @ slopes + penalty * found, slopes.sum())

    start = np.zeros(together.shape[1] + 1)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _MOST_ITERATIONS}).x
    return np.append(found[:n], found[-1])


def _platt(values: Floats, labels: Floats, weights: Floats) -> tuple[float, float]:
    """The slope and offset that make values into probabilities."""
    slope, offset = logistic(values[:, None], labels, weights, None, 1e6)
    return float(slope), float(offset)


def _threshold(labels: Floats, probabilities: Floats, weights: Floats, made: Recipe) -> float:
    if not made.macro:
        return best_threshold(labels, probabilities, weights)[0]
    tried = np.unique(np.round(probabilities, 2))
    return float(max(tried, key=lambda at: macro_f1(labels, probabilities >= at, weights)))


def _for_traffic(probabilities: Floats, made: Recipe) -> float:
    """The threshold from which ordinary traffic is not flagged more often than it may be."""
    return float(np.quantile(probabilities, 1 - made.most_of_support)) if len(probabilities) else 0.0


def macro_f1(labels: Floats, flags: NDArray[np.bool_], weights: Floats) -> float:
    both: list[float] = []
    for value in (1, 0):
        truth, said = labels == value, flags == bool(value)
        both.append(float(2 * weights[truth & said].sum() / (weights[truth].sum() + weights[said].sum())))
    return sum(both) / 2


def _offsets(domains: NDArray[np.str_]) -> Floats:
    return np.column_stack([(domains == name) * recipe.OFFSET for name in np.unique(domains)])


def _together(found: Sequence[Head], weights: Floats) -> Head:
    """Several heads as one: they are linear."""
    total = sum(head.weights.astype(np.float64) * weight for head, weight in zip(found, weights, strict=True))
    bias = sum(head.bias * weight for head, weight in zip(found, weights, strict=True))
    return Head(np.asarray(total, np.float32), float(bias))
