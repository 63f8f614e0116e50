"""The measures, against what can be counted by hand and against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.training.metrics import Rows, average_precision, best_threshold, evaluate, kappa, reliability

LABELS = [1, 0, 1, 1, 0, 0]
SCORES = [0.9, 0.8, 0.7, 0.4, 0.4, 0.1]
FLAGS = [1, 1, 1, 0, 0, 0]

sampled = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0])), min_size=2, max_size=60
).filter(lambda rows: {label for label, _ in rows} == {0, 1})


def test_the_measures_are_what_one_counts_by_hand() -> None:
    report = evaluate(LABELS, SCORES, FLAGS, draws=50)
    assert (report["n"], report["positives"], report["flagged"]) == (6, 3, 3)
    assert report["precision"]["value"] == report["recall"]["value"] == report["f1"]["value"] == pytest.approx(2 / 3)
    assert report["auc"]["value"] == pytest.approx((3 + 2 + 1.5) / 9)
    assert all(report[name]["low"] <= report[name]["value"] <= report[name]["high"] for name in ("auc", "f1", "recall"))


@given(sampled)
def test_auc_and_average_precision_are_those_of_scikit_learn(rows: list[tuple[int, float]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn comes with the dev dependencies")
    labels, scores = [label for label, _ in rows], [score for _, score in rows]
    report = evaluate(labels, scores, np.zeros(len(rows)), draws=1)
    assert report["auc"]["value"] == pytest.approx(metrics.roc_auc_score(labels, scores))
    assert report["average_precision"]["value"] == pytest.approx(metrics.average_precision_score(labels, scores))


@given(sampled, st.integers(1, 4))
def test_a_row_of_weight_n_counts_like_n_rows(rows: list[tuple[int, float]], n: int) -> None:
    labels, scores = [label for label, _ in rows], [score for _, score in rows]
    once = Rows.of(labels, scores, np.zeros(len(rows)))
    often = Rows.of(labels * n, scores * n, np.zeros(len(rows) * n))
    assert average_precision(once, np.full(len(rows), float(n))) == pytest.approx(
        average_precision(often, np.ones(len(rows) * n))
    )


@given(sampled)
def test_no_threshold_is_better_than_the_best(rows: list[tuple[int, float]]) -> None:
    labels, scores = np.array([label for label, _ in rows]), np.array([score for _, score in rows])
    threshold, best = best_threshold(labels, scores)
    reached = [evaluate(labels, scores, scores >= at, draws=1)["f1"]["value"] for at in (threshold, *scores)]
    assert reached[0] == pytest.approx(best) == pytest.approx(max(reached))


def test_probabilities_that_come_true_have_no_calibration_error() -> None:
    labels, scores = [0, 0, 0, 1, 1, 1, 1, 0], [0.25] * 4 + [0.75] * 4
    assert evaluate(labels, scores, labels, draws=1)["ece"]["value"] == pytest.approx(0.0)
    bins = reliability(Rows.of(labels, scores, labels), np.ones(8))
    assert [(one.predicted, one.observed, one.share) for one in bins] == [(0.25, 0.25, 0.5), (0.75, 0.75, 0.5)]


def test_what_cannot_be_measured_is_none_and_not_a_guess() -> None:
    report = evaluate([0, 0], [0.2, 0.4], [0, 0], draws=5)
    assert report["auc"]["value"] is report["recall"]["value"] is report["precision"]["value"] is None


@pytest.mark.parametrize(
    ("labels", "scores"), [([], []), ([1], [0.1, 0.2]), ([2], [0.1]), ([1], [float("nan")])], ids=str
)
def test_rows_that_are_none_are_refused(labels: list[int], scores: list[float]) -> None:
    with pytest.raises(ValueError):
        evaluate(labels, scores, labels)


def test_kappa_is_one_for_agreement_and_nothing_for_chance() -> None:
    assert kappa([1, 0, 1, 0], [1, 0, 1, 0]) == 1.0
    assert kappa([1, 1, 0, 0], [1, 0, 1, 0]) == pytest.approx(0.0)
    assert kappa(["", "typo", ""], ["", "typo", "wrong_info"]) == pytest.approx(0.5)


def test_the_same_seed_gives_the_same_intervals() -> None:
    assert evaluate(LABELS, SCORES, FLAGS, seed=7, draws=40) == evaluate(LABELS, SCORES, FLAGS, seed=7, draws=40)
