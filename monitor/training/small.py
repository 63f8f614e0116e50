"""The two small tables: which kind of mistake is meant, and which language a text is in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from monitor.signals.ngrams import BITS
from monitor.signals.weights import KINDS, TABLES
from monitor.training import heads
from monitor.training.data import Public
from monitor.training.heads import Floats, Head, Matrix
from monitor.training.stack import Rows, logistic

_KIND_C = 0.1
_LANGUAGES = {
    "arabic": "ar",
    "english": "en",
    "french": "fr",
    "german": "de",
    "hindi": "hi",
    "italian": "it",
    "portuguese": "pt",
    "spanish": "es",
}
_LEAST_OF_A_LANGUAGE = 20
_SURE = 0.98  # how often the language must be right where the lead is large enough


@dataclass(frozen=True)
class Kinds:
    """For each kind a head, and how it and the groups of phrases are weighed."""

    heads: Mapping[str, Head]
    of_head: Mapping[str, float]
    features: Mapping[str, Mapping[str, float]]
    bias: Mapping[str, float]
    right: float  # how often the kind of a mistake was named as we named it, of texts that were held back


@dataclass(frozen=True)
class Languages:
    """For each language a head, and by how much the first must lead."""

    heads: Mapping[str, Head]
    lead: float
    right: float  # of texts that were held back, where the lead is large enough
    answered: float  # in how many it is


def fit_kinds(rows: Rows) -> Kinds:
    """One head for each kind of mistake, among mistakes."""
    chosen = np.array([n for n, one in enumerate(rows.texts) if one.kind])
    found = np.array([rows.texts[n].kind for n in chosen])
    counts, folds = _narrow(rows.counts[chosen], "kinds"), rows.finer_folds[chosen]
    columns = [n for n, name in enumerate(rows.names) if name.startswith("group.mistake.")]
    fitted: dict[str, Head] = {}
    weighed: dict[str, Floats] = {}
    values = np.full((len(chosen), len(KINDS)), -np.inf)
    for column, kind in enumerate(KINDS):
        labels = (found == kind).astype(np.float64)
        unseen = np.zeros(len(labels))
        fitted[kind] = _head(counts, labels)
        for fold in np.unique(folds):
            unseen[folds == fold] = _head(counts[folds != fold], labels[folds != fold]).values(counts[folds == fold])
        inputs = np.column_stack([unseen, rows.features[np.ix_(chosen, np.array(columns))]])
        weighed[kind] = logistic(inputs, labels, heads.balanced(labels), None, _KIND_C)
        values[:, column] = inputs @ weighed[kind][:-1] + weighed[kind][-1]
    right = float((np.array(KINDS)[values.argmax(axis=1)] == found).mean())
    names = [rows.names[n] for n in columns]
    features = {kind: dict(zip(names, one[1:-1].tolist(), strict=True)) for kind, one in weighed.items()}
    return Kinds(
        fitted, {kind: float(one[0]) for kind, one in weighed.items()},
        features, {kind: float(one[-1]) for kind, one in weighed.items()}, right,
    )  # fmt: skip


def fit_languages(public: Sequence[Public], counts: Matrix, rows: Rows) -> Languages:
    """One head for each language: of the public texts in eight, and of our own texts."""
    ours = np.array([n for n, one in enumerate(rows.texts) if one.domain == "own"])
    theirs = np.array([n for n, one in enumerate(public) if one.source.startswith("umsab.")], np.int64)
    told = [rows.texts[n].language for n in ours]
    told += [_LANGUAGES[public[n].source.partition(".")[2]] for n in theirs]
    found = np.array(told)
    together = _narrow(_stacked(rows.counts[ours], counts[theirs]), "languages")
    folds = np.arange(len(found)) % 2
    names = [one for one in sorted(set(told)) if told.count(one) >= _LEAST_OF_A_LANGUAGE]
    values = np.zeros((len(found), len(names)))
    fitted = {}
    for column, name in enumerate(names):
        labels = (found == name).astype(np.float64)
        fitted[name] = _head(together, labels)
        for fold in (0, 1):
            train, test = folds != fold, folds == fold
            values[test, column] = _head(together[train], labels[train]).values(together[test])
    return _with_lead(fitted, values, np.array(names)[values.argmax(axis=1)] == found)


def _with_lead(fitted: Mapping[str, Head], values: Floats, right: NDArray[np.bool_]) -> Languages:
    ordered = np.sort(values, axis=1)
    leads = ordered[:, -1] - ordered[:, -2]
    for lead in np.arange(0, 6, 0.1):
        sure = leads >= lead
        if sure.any() and right[sure].mean() >= _SURE:
            return Languages(fitted, float(lead), float(right[sure].mean()), float(sure.mean()))
    return Languages(fitted, 6.0, 1.0, 0.0)


def _head(counts: Matrix, labels: Floats) -> Head:
    if labels.min() == labels.max():  # none of it in these folds
        return Head(np.zeros(counts.shape[1], np.float32), -1.0)
    return heads.fit(counts, labels, heads.balanced(labels))


def _narrow(counts: Matrix, table: str) -> Matrix:
    """Counts in the buckets of a smaller table: the first bits of the large one's numbers."""
    narrow = counts.tocsr(copy=True)
    narrow.indices = narrow.indices >> (BITS - TABLES[table])
    narrow._shape = (counts.shape[0], 1 << TABLES[table])
    narrow.has_canonical_format = False
    narrow.sum_duplicates()
    return narrow


def _stacked(*parts: Matrix) -> Matrix:
    return sparse.vstack(parts, format="csr")
