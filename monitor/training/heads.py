"""Heads: logistic regressions over n-grams, each column scaled by its naive Bayes log-count ratio."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from monitor.model import Author, Comment
from monitor.signals.ngrams import BUCKETS, buckets
from monitor.signals.prepared import Prepared, prepare
from monitor.training import recipe
from monitor.training.data import Public

Floats = NDArray[np.float64]
Matrix = Any  # scipy ships no types

_TOLERANCE = 1e-2
_MOST_ITERATIONS = 300
_NOBODY = Author("1", "somebody")
_AT_NO_TIME = datetime(2026, 1, 1, tzinfo=UTC)
_CLEARLY = 0.3  # of a mean rating from -4 to 4
_NEGATIVE, _POSITIVE = -0.4, 0.8

_REDDIT: Mapping[str, frozenset[str]] = {
    "reddit_anger": frozenset({"anger", "annoyance", "disgust"}),
    "reddit_negative": frozenset({"anger", "annoyance", "disgust", "disappointment", "disapproval"}),
    "reddit_disappointment": frozenset({"disappointment", "sadness"}),
    "reddit_gratitude": frozenset({"gratitude"}),
    "reddit_question": frozenset({"confusion", "curiosity"}),
    "reddit_disapproval": frozenset({"disapproval"}),
    "reddit_positive": frozenset(
        {"admiration", "joy", "love", "excitement", "approval", "amusement", "optimism", "caring"}
    ),
}


@dataclass(frozen=True)
class Head:
    """Weights of the n-grams' buckets, for counts divided by the root of their number."""

    weights: NDArray[np.float32]
    bias: float

    def values(self, matrix: Matrix) -> Floats:
        return np.asarray(matrix @ self.weights.astype(np.float64) + self.bias)


def prepared(texts: Sequence[str]) -> list[Prepared]:
    return [prepare(Comment(str(n), "comment", text, _NOBODY, _AT_NO_TIME)) for n, text in enumerate(texts)]


def matrix(batch: Sequence[Prepared]) -> Matrix:
    """The counts of each text's buckets, divided by the root of how many grams it has: [texts, buckets]."""
    pieces = list(buckets([text.seen for text in batch]))
    columns, rows = (np.concatenate([piece[side] for piece in pieces]) for side in (0, 1))
    found = sparse.csr_matrix((np.ones(len(columns), np.float32), (rows, columns)), shape=(len(batch), BUCKETS))
    found.sum_duplicates()
    n = np.maximum(np.asarray(found.sum(axis=1)).ravel(), 1)
    found.data *= np.repeat(1 / np.sqrt(n), np.diff(found.indptr)).astype(np.float32)
    return found


def fit(counts: Matrix, labels: Floats, weights: Floats, offsets: Floats | None = None) -> Head:
    """One head. `offsets` are columns that may explain the labels too, and are then left out of the head."""
    ratio = _log_count_ratio(counts, labels, weights)
    scaled = counts @ sparse.diags(ratio)
    if offsets is not None:
        scaled = sparse.hstack([scaled, sparse.csr_matrix(offsets)]).tocsr()
    model = LogisticRegression(
        C=recipe.HEAD_C,
        solver="liblinear",
        dual=True,
        tol=_TOLERANCE,
        max_iter=_MOST_ITERATIONS,
        random_state=recipe.SEED,
    )
    model.fit(scaled, labels, sample_weight=weights)
    return Head((model.coef_[0][: counts.shape[1]] * ratio).astype(np.float32), float(model.intercept_[0]))


def balanced(labels: Floats) -> Floats:
    """Weights with which both classes count alike."""
    n_positive = max(labels.sum(), 1.0)
    return np.asarray(np.where(labels == 1, len(labels) / 2 / n_positive, len(labels) / 2 / (len(labels) - n_positive)))


def public_heads(public: Sequence[Public], counts: Matrix) -> dict[str, Head]:
    """A head for each label of the public data sets."""
    heads = {}
    for name, (rows, labels) in _public_labels(public).items():
        heads[name] = fit(counts[rows], labels, balanced(labels))
    return heads


def _log_count_ratio(counts: Matrix, labels: Floats, weights: Floats) -> Floats:
    present = counts.copy()
    present.data = np.ones_like(present.data, np.float64)
    positive = np.asarray(present.T @ (weights * labels)).ravel() + recipe.HEAD_SMOOTHING
    negative = np.asarray(present.T @ (weights * (1 - labels))).ravel() + recipe.HEAD_SMOOTHING
    return np.asarray(np.log(positive / positive.sum()) - np.log(negative / negative.sum()))


def _public_labels(public: Sequence[Public]) -> dict[str, tuple[NDArray[np.int64], Floats]]:
    of = np.array([text.source for text in public])
    found: dict[str, tuple[NDArray[np.int64], Floats]] = {}
    reddit = np.flatnonzero(of == "goemotions")
    for name, emotions in _REDDIT.items():
        found[name] = reddit, _truth(public, reddit, emotions)
    found["offensive"] = _with(public, of == "davidson", "offensive")
    languages = np.char.startswith(of, "umsab.")
    found["languages_negative"] = _with(public, languages, "negative")
    found["languages_positive"] = _with(public, languages, "positive")
    return {name: pair for name, pair in (found | _rated(public, of)).items() if 0 < pair[1].sum() < len(pair[1])}


def _rated(public: Sequence[Public], of: NDArray[np.str_]) -> dict[str, tuple[NDArray[np.int64], Floats]]:
    mean = np.array([text.sentiment for text in public])
    clear = np.flatnonzero(np.char.startswith(of, "vader.") & (np.abs(mean) > _CLEARLY))
    reviews = np.flatnonzero(np.isin(of, ("vader.amazonReviewSnippets", "vader.tweets")))
    return {
        "rated_negative": (clear, (mean[clear] < 0).astype(np.float64)),
        "reviewed_negative": (reviews, (mean[reviews] < _NEGATIVE).astype(np.float64)),
        "reviewed_positive": (reviews, (mean[reviews] > _POSITIVE).astype(np.float64)),
    }


def _with(public: Sequence[Public], chosen: NDArray[np.bool_], label: str) -> tuple[NDArray[np.int64], Floats]:
    rows = np.flatnonzero(chosen)
    return rows, _truth(public, rows, frozenset({label}))


def _truth(public: Sequence[Public], rows: NDArray[np.int64], labels: frozenset[str]) -> Floats:
    return np.array([float(not labels.isdisjoint(public[row].labels)) for row in rows])
