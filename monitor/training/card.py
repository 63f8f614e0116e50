"""The model card in Markdown: what the weights were made of, what they reach, and where they fail."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from monitor.signals.weights import KINDS, OUTPUTS, parse
from monitor.training import corpus, data, recipe
from monitor.training.judged import Judge, Judged, held_back
from monitor.training.metrics import Bin
from monitor.training.train import Trained

_BAR = 20
_WORDS = (
    Path(__file__).parent / "card.md"
)  # what people wrote: limits, known failures, how often the evaluation was looked at


def written(trained: Trained, folder: Path, ours: Path = corpus.FOLDER) -> str:
    """The card of these weights; what is not in the folder is not measured, and the card says so."""
    judge = Judge(trained)
    words = _WORDS.read_text(encoding="utf-8")
    told = {
        "version": parse(trained.stack_json.encode()).version,
        "data": _data(trained),
        "corpus": _corpus(trained, ours),
        "rates": _rates(trained),
        "crossvalidated": _crossvalidated(trained),
        "labelled": _labelled(judge, folder),
        "languages": _languages(judge, folder),
        "traffic": _traffic(judge, folder),
        "calibration": _calibration(judge.on_labelled(folder)),
    }
    for name, text in told.items():
        words = words.replace(f"<!-- {name} -->", text)
    return words


def _data(trained: Trained) -> str:
    n = Counter(one.source.partition(".")[0] for one in trained.public)
    ours = Counter(one.domain for one in trained.rows.texts if set(one.labels) - {"negative"})
    rows: list[Sequence[object]] = [
        (one.title, one.licence, f"{one.repository}@{one.commit}", n[one.name])
        for one in data.sources().values()
        if one.repository
    ]
    rows.append(("Our own texts (`monitor/signals/corpus`)", "as this repository", "", ours["own"]))
    rows.append(("Our own labels of texts of those sets", "as this repository", "", sum(ours.values()) - ours["own"]))
    return _table(("data", "licence", "from", "texts trained on"), rows)


def _corpus(trained: Trained, ours: Path) -> str:
    texts = [one for one in trained.rows.texts if one.domain == "own"]
    labels = ("angry", "mistake", "needs_reply", "closing", "tagging_only", "urgent", "threat")
    rows: list[Sequence[object]] = []
    for language, n in Counter(one.language for one in texts).most_common():
        here = [one for one in texts if one.language == language]
        rows.append((language, n, *(sum(one.labels.get(label, 0) for one in here) for label in labels)))
    kinds = Counter(one.kind for one in trained.rows.texts if one.kind)
    told = _table(("language", "texts", *labels), rows)
    told += "\n\nKinds of mistakes: " + ", ".join(f"{kind} {kinds[kind]}" for kind in KINDS) + "."
    agreement = ours / "agreement.json"
    if agreement.is_file():
        found = json.loads(agreement.read_text(encoding="utf-8"))
        told += "\n\nOne wrote and labelled, another labelled blind:\n\n" + _table(
            ("label", "texts", "agreed", "Cohen's kappa"),
            [(name, one["texts"], f"{one['agreed']:.3f}", f"{one['kappa']:.2f}") for name, one in found.items()],
        )
    return told


def _rates(trained: Trained) -> str:
    stack = parse(trained.stack_json.encode()).stack
    return _table(
        ("output", "declared rate", "flag from", "texts", "positive"),
        [
            (name, recipe.RECIPES[name].rate, f"{stack[name].threshold:.3f}", len(one.rows), int(one.labels.sum()))
            for name, one in trained.fitted.items()
        ],
    )


def _crossvalidated(trained: Trained) -> str:
    rows = []
    for name in OUTPUTS:
        report, parts = held_back(trained, name)
        rows.append((name, *(_measured(report[one]) for one in ("auc", "f1", "ece")), _parts(parts)))
    told = _table(("output", "AUC", "F1", "ECE", "AUC by domain (texts, positives)"), rows)
    return (
        f"{told}\n\nThe kind of a mistake is named as we named it in {trained.kinds.right:.0%} of mistakes held back."
    )


def _labelled(judge: Judge, folder: Path) -> str:
    found = judge.on_labelled(folder)
    if not found:
        return "Not measured in this training: the labelled sets were not in the folder."
    rows = [
        (
            one.signal,
            one.report["n"],
            one.report["positives"],
            *(_measured(one.report[name]) for name in ("auc", "f1", "precision", "recall", "ece")),
            "" if one.vader is None else f"{one.vader:.3f}",
        )
        for one in found
    ]
    told = _table(("signal", "texts", "positive", "AUC", "F1", "precision", "recall", "ECE", "VADER's AUC"), rows)
    told += "\n\nAUC by source (texts, positives):\n\n" + "\n".join(
        f"- {one.signal}: {_parts(one.parts)}" for one in found
    )
    wrongly = judge.closed_wrongly(folder)
    return told + (
        f"\n\nOf the texts that need a reply {wrongly:.1%} are flagged as closings." if wrongly is not None else ""
    )


def _languages(judge: Judge, folder: Path) -> str:
    found = judge.on_languages(folder)
    rows: list[Sequence[object]] = [
        (name, f"{value:.3f} ({low:.3f} to {high:.3f})", f"{theirs:.3f}")
        for name, (value, low, high, theirs) in found.items()
    ]
    mean, theirs = (sum(one[column] for one in found.values()) / max(len(found), 1) for column in (0, 3))
    rows.append(("mean", f"{mean:.3f}", f"{theirs:.3f}"))
    return _table(("language", "macro-F1 (95 %)", "VADER, at its best threshold for each language"), rows)


def _traffic(judge: Judge, folder: Path) -> str:
    found = judge.on_traffic(folder)
    if not found:
        return "Not measured in this training: the traffic was not in the folder."
    rows = [(name, *(f"{rates[one]:.1%}" for one in OUTPUTS)) for name, rates in found.items()]
    return _table(("traffic", *OUTPUTS), rows)


def _calibration(found: Sequence[Judged]) -> str:
    return "\n\n".join(f"{one.signal}\n\n```\n{_plot(one.bins)}\n```" for one in found)


def _plot(bins: Sequence[Bin]) -> str:
    lines = ["predicted observed  share"]
    for one in bins:
        bar = "".join(
            "|" if place == round(one.predicted * _BAR) else "#" if place < round(one.observed * _BAR) else "."
            for place in range(_BAR + 1)
        )
        lines.append(f"     {one.predicted:.2f}     {one.observed:.2f}   {one.share:4.0%}  {bar}")
    return "\n".join(lines)


def _measured(one: Mapping[str, Any]) -> str:
    value, low, high = one["value"], one["low"], one["high"]
    return "-" if value is None else f"{value:.3f} ({low:.3f} to {high:.3f})"


def _parts(parts: Mapping[str, tuple[int, int, float]]) -> str:
    return ", ".join(f"{name} {value:.2f} ({n}, {positives})" for name, (n, positives, value) in parts.items())


def _table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
