"""The trained weights, as they ship, measured on what they were not trained on; VADER beside them."""

import csv
import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.signals.model import Model, as_probabilities, load
from monitor.signals.weights import OUTPUTS, parse
from monitor.training import heads, recipe
from monitor.training.heads import Floats
from monitor.training.metrics import MEASURES, Bin, Rows, evaluate, interval, reliability
from monitor.training.stack import macro_f1
from monitor.training.train import Trained

EVALUATED = (
    ("angry", "anger_eval_dev.jsonl", "angry"),
    ("needs_reply", "anger_eval_dev.jsonl", "needs_reply"),
    ("closing", "anger_eval_dev.jsonl", "closing_thanks"),
    ("mistake", "mistake_eval_dev.jsonl", "mistake_related"),
)
TRAFFIC = (("airline.csv.gz", "tweets to airlines"), ("twcs_spotify_inbound.csv.gz", "tweets to a music service"))
_LANGUAGES = "xlmt_umsab.csv.gz"
_MOST_TRAFFIC = 6000
_LEAST_OF_A_PART = 3  # positives, and negatives, of a source for an AUC that says anything
_DRAWS = 1000


@dataclass(frozen=True)
class Judged:
    """One signal on one labelled set: `report` as of `evaluate`, VADER's AUC, and the AUC of each source."""

    signal: str
    report: Mapping[str, Any]
    vader: float | None
    parts: Mapping[str, tuple[int, int, float]]  # name: rows, positives, AUC
    bins: Sequence[Bin]


class Judge:
    """The weights that training made, read as the product reads them."""

    def __init__(self, trained: Trained) -> None:
        self.model: Model = load(parse(trained.stack_json.encode()), trained.tables_npz)
        self.thresholds = {name: self.model.stack.stack[name].threshold for name in OUTPUTS}

    def probabilities(self, texts: Sequence[str]) -> Floats:
        return as_probabilities(self.model.logits(heads.prepared(texts)))

    def on_labelled(self, folder: Path) -> list[Judged]:
        """On the labelled halves that we may look at, where they are there."""
        judged = []
        for signal, file, label in EVALUATED:
            if (folder / file).is_file():
                rows = [json.loads(line) for line in (folder / file).read_text(encoding="utf-8").splitlines()]
                labels = np.array([float(row[label]) for row in rows])
                parts = np.array([row["source"] for row in rows])
                judged.append(self._judged(signal, [row["text"] for row in rows], labels, parts))
        return judged

    def closed_wrongly(self, folder: Path) -> float | None:
        """The share of texts that need a reply and are flagged as closings."""
        path = folder / EVALUATED[0][1]
        if not path.is_file():
            return None
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        found = self.probabilities([row["text"] for row in rows if row["needs_reply"]])
        return float((found[:, OUTPUTS.index("closing")] >= self.thresholds["closing"]).mean())

    def on_languages(self, folder: Path) -> dict[str, tuple[float, float, float, float]]:
        """Negative against the rest by language: macro-F1, its interval, and VADER's with its own best threshold."""
        rows = [row for row in _table(folder / _LANGUAGES) if row["split"] == "val"]
        labels = np.array([float(row["label"] == "0") for row in rows])
        languages = np.array([row["lang"] for row in rows])
        texts = [row["text"] for row in rows]
        flags = self.probabilities(texts)[:, OUTPUTS.index("negative")] >= self.thresholds["negative"]
        theirs = vader(texts)
        return {name: _of_language(labels, flags, theirs, languages == name) for name in sorted(set(languages))}

    def on_traffic(self, folder: Path) -> dict[str, dict[str, float]]:
        """How much of real traffic each flag is raised on."""
        found = {}
        for file, name in TRAFFIC:
            if (folder / file).is_file():
                texts = [row["text"] for row in _table(folder / file)[:_MOST_TRAFFIC]]
                said = self.probabilities(texts)
                found[name] = {
                    one: float((said[:, column] >= self.thresholds[one]).mean()) for column, one in enumerate(OUTPUTS)
                }
        return found

    def _judged(self, signal: str, texts: Sequence[str], labels: Floats, parts: NDArray[np.str_]) -> Judged:
        said = self.probabilities(texts)[:, OUTPUTS.index(signal)]
        report = evaluate(labels, said, said >= self.thresholds[signal], recipe.SEED, _DRAWS)
        theirs = evaluate(labels, vader(texts) * (1 if signal == "closing" else -1), labels, draws=1)["auc"]["value"]
        bins = reliability(Rows.of(labels, said, said >= 0.5), np.ones(len(labels)))
        return Judged(signal, report, theirs, _by_part(labels, said, parts), bins)


def held_back(trained: Trained, signal: str) -> tuple[dict[str, Any], dict[str, tuple[int, int, float]]]:
    """The same by cross-validation on training data, at the declared rates: measures, and the AUC of each domain."""
    fitted = trained.fitted[signal]
    said = fitted.probabilities()
    order = np.argsort(said, kind="stable")
    rows = Rows.of(fitted.labels, said, said >= fitted.threshold)
    report: dict[str, Any] = {"n": len(said), "positives": int(fitted.labels.sum())}
    for name in ("auc", "f1", "ece"):
        weighted = MEASURES[name]
        low, high = interval(_weighted(weighted, rows, fitted.weights[order]), len(said), recipe.SEED, 200)
        report[name] = {"value": weighted(rows, fitted.weights[order]), "low": low, "high": high}
    parts = np.array([trained.rows.texts[n].domain for n in fitted.rows])
    return report, _by_part(fitted.labels, said, parts)


def vader(texts: Sequence[str]) -> Floats:
    """VADER's compound value of each text, -1 to 1."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyzer = SentimentIntensityAnalyzer()
    return np.array([analyzer.polarity_scores(text)["compound"] for text in texts])


def _weighted(measure: Callable[[Rows, Floats], float], rows: Rows, weights: Floats) -> Callable[[Floats], float]:
    return lambda drawn: measure(rows, drawn * weights)


def _by_part(labels: Floats, said: Floats, parts: NDArray[np.str_]) -> dict[str, tuple[int, int, float]]:
    found = {}
    for name in sorted(set(parts.tolist())):
        here = parts == name
        n, positives = int(here.sum()), int(labels[here].sum())
        if min(positives, n - positives) >= _LEAST_OF_A_PART:
            found[name] = n, positives, evaluate(labels[here], said[here], labels[here], draws=1)["auc"]["value"]
    return found


def _of_language(
    labels: Floats, flags: NDArray[np.bool_], theirs: Floats, here: NDArray[np.bool_]
) -> tuple[float, float, float, float]:
    truth, said = labels[here], flags[here]
    value = macro_f1(truth, said, np.ones(len(truth)))
    low, high = interval(lambda drawn: macro_f1(truth, said, drawn), len(truth), recipe.SEED, _DRAWS)
    best = max(macro_f1(truth, theirs[here] <= at, np.ones(len(truth))) for at in np.arange(-0.9, 0.9, 0.05))
    return value, low, high, best


def _table(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
