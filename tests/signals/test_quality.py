"""What the signals reach on people's real words: floors, a little below what was measured (docs/model-card.md).

The texts are the dev halves of the shared evaluation sets; no weight was fitted to them.
"""

import csv
import gzip
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.model import Author, Comment, Signals
from monitor.signals import measure
from monitor.signals.flags import thresholds
from tests.signals.evaluation import auc, precision_recall_f1

SHARED = Path(os.environ.get("HEEDFUL_SHARED", Path(__file__).resolve().parents[2] / "../shared"))
DATA = SHARED / "datasets"
needs_data = pytest.mark.skipif(not DATA.exists(), reason="the shared data sets are not here")

FLOORS = (  # file, label, signal, AUC, F1 of its flag
    ("anger_eval_dev.jsonl", "angry", "angry", 0.86, 0.60),
    ("anger_eval_dev.jsonl", "needs_reply", "needs_reply", 0.88, 0.80),
    ("anger_eval_dev.jsonl", "closing_thanks", "closing", 0.95, 0.80),
    ("mistake_eval_dev.jsonl", "mistake_related", "mistake", 0.80, 0.57),
)


def measured(texts: list[str]) -> list[Signals]:
    return measure(
        [
            Comment(str(n), "comment", text, Author("1", "a"), datetime(2026, 1, 1, tzinfo=UTC))
            for n, text in enumerate(texts)
        ]
    )


def numbers(signals: list[Signals], name: str) -> list[float]:
    return [float(one[name] or 0) for one in signals]


@needs_data
@pytest.mark.parametrize(
    ("file", "label", "signal", "least_auc", "least_f1"), FLOORS, ids=[floor[2] for floor in FLOORS]
)
def test_a_signal_reaches_its_floor_on_real_texts(
    file: str, label: str, signal: str, least_auc: float, least_f1: float
):
    rows: list[Mapping[str, object]] = [
        json.loads(line) for line in (DATA / file).read_text(encoding="utf-8").splitlines()
    ]
    values = numbers(measured([str(row["text"]) for row in rows]), signal)
    truth = [int(str(row[label])) for row in rows]
    assert auc(values, truth) >= least_auc
    assert precision_recall_f1(values, truth, thresholds()[signal])[2] >= least_f1


@needs_data
def test_few_texts_that_want_an_answer_are_taken_for_a_closing():
    rows = [json.loads(line) for line in (DATA / "anger_eval_dev.jsonl").read_text(encoding="utf-8").splitlines()]
    wanting = [row["text"] for row in rows if row["needs_reply"]]
    closed = sum(value >= thresholds()["closing"] for value in numbers(measured(wanting), "closing"))
    assert closed <= 0.02 * len(wanting)


@needs_data
def test_of_real_traffic_to_airlines_the_mistake_signal_flags_about_one_in_sixty():
    with gzip.open(DATA / "airline.csv.gz", "rt", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))[:6000]
    signals = measured([row["text"] for row in rows])
    assert sum(value >= thresholds()["mistake"] for value in numbers(signals, "mistake")) <= 0.02 * len(rows)
    assert auc(numbers(signals, "angry"), [int(row["airline_sentiment"] == "negative") for row in rows]) >= 0.755
