"""heedful evaluate: how good the signals are on texts that people have labelled."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from monitor.cli import show
from monitor.cli.classify import BATCH, comment_of, measure
from monitor.cli.endings import UNUSABLE, Failure

ALSO_CALLED = {"mistake_related": "mistake", "closing_thanks": "closing"}
NO_MISTAKE = frozenset({"", "none", "no", "false", "0"})
EVERYTHING = "all"
MEASURES = ("precision", "recall", "f1", "auc", "average_precision", "ece")
COLUMNS = (
    show.Column("OF"),
    show.Column("SIGNAL"),
    show.Column("FROM", right=True),
    show.Column("N", right=True),
    show.Column("POSITIVE", right=True),
    *(show.Column(name.upper().replace("AVERAGE_PRECISION", "AP")) for name in MEASURES),
)


@dataclass
class Measured:
    """The labels of one signal beside what was measured."""

    labels: list[int] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    flags: list[int] = field(default_factory=list)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--by", metavar="COLUMN", help='Also for each value of this column ("source", "language").')
@click.option("--draws", default=1000, show_default=True, type=click.IntRange(10, 100_000), help="Bootstrap draws.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines.")
def evaluate(file: Path, by: str | None, draws: int, as_json: bool) -> None:
    """Score the signals on a FILE of labelled JSON Lines {"text", "angry": 0 or 1, "mistake": 0, 1 or a kind, ...}.

    For each signal with a label: precision, recall and F1 at the shipped threshold, AUC, average precision and how far
    its probabilities lie from the truth (ECE, ten bins), each with the interval that holds 95 % of bootstrap draws.
    Other columns are left alone, and so is a text without a label for a signal. Labels may also be called
    mistake_related and closing_thanks.
    """
    rows = list(_read(file))
    reports = list(_reports(_groups(rows, by), draws))
    if as_json:
        for report in reports:
            show.json_line(report)
        return
    show.table(COLUMNS, [_row(report) for report in reports])
    show.hint("In brackets: the interval that holds 95 % of bootstrap draws.")


def _read(file: Path) -> Iterator[dict[str, Any]]:
    """The rows of a labelled file.

    Raises: Failure naming file, line and what is wrong.
    """
    n_labels, keys = 0, dict[str, None]()
    with file.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            row = _parsed(line, file, number)
            keys |= dict.fromkeys(row)
            row["labels"] = _labels(row, file, number)
            n_labels += len(row["labels"])
            yield row
    if not n_labels:
        raise Failure(
            f"{file}: no row has a label of ours; its keys are {', '.join(keys) or 'none'}, "
            f"labels are {', '.join((*_names(), *ALSO_CALLED))}",
            UNUSABLE,
        )


def _parsed(line: str, file: Path, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Failure(f"{file}, line {number}: {error}", UNUSABLE) from error
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise Failure(f'{file}, line {number}: there is no "text"', UNUSABLE)
    return row


def _names() -> tuple[str, ...]:
    from monitor.signals.flags import numeric

    return numeric()


def _labels(row: Mapping[str, Any], file: Path, number: int) -> dict[str, int]:
    names = _names()
    found = {}
    for key, value in row.items():
        name = ALSO_CALLED.get(key, key)
        if name in names and value is not None:
            try:
                found[name] = _label(name, value)
            except ValueError:
                raise Failure(f'{file}, line {number}: "{key}" is {value!r}; 0 or 1 is a label', UNUSABLE) from None
    return found


def _label(name: str, value: object) -> int:
    """0 or 1; a kind of mistake is a mistake.

    Raises: ValueError.
    """
    if isinstance(value, bool | int | float) and value in (0, 1):
        return int(value)
    if isinstance(value, str) and value in ("0", "1"):
        return int(value)
    if name == "mistake" and isinstance(value, str):
        return int(value.casefold() not in NO_MISTAKE)
    raise ValueError(value)


def _groups(rows: Sequence[Mapping[str, Any]], by: str | None) -> dict[str, dict[str, Measured]]:
    """What was measured beside its labels, by group and signal; all texts are the first group."""
    groups: dict[str, dict[str, Measured]] = {EVERYTHING: {}}
    for row, values in _measured(rows):
        for name, label in row["labels"].items():
            score = values.get(name)
            for group in [EVERYTHING, *([f"{by}={row.get(by, '')}"] if by else [])]:
                _add(groups.setdefault(group, {}).setdefault(name, Measured()), name, label, score)
    return groups


def _add(measured: Measured, name: str, label: int, score: object) -> None:
    """A text that was not measured counts as one of which the signal says no."""
    from monitor.signals.flags import thresholds

    value = score if isinstance(score, float) else 0.0
    measured.labels.append(label)
    measured.scores.append(value)
    measured.flags.append(int(value >= thresholds()[name]))


def _measured(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    for first in range(0, len(rows), BATCH):
        some = rows[first : first + BATCH]
        yield from zip(some, measure([comment_of(row["text"], row) for row in some]), strict=True)


def _reports(groups: Mapping[str, Mapping[str, Measured]], draws: int) -> Iterable[dict[str, Any]]:
    from monitor.signals.flags import thresholds
    from monitor.training import metrics

    for group, by_name in groups.items():
        for name in sorted(by_name):
            one = by_name[name]
            scored = metrics.evaluate(one.labels, one.scores, one.flags, draws=draws)
            yield {"of": group, "signal": name, "threshold": thresholds()[name], **scored}


def _row(report: Mapping[str, Any]) -> list[str]:
    counts = [f"{report['threshold']:.2f}", f"{report['n']:,}", f"{report['positives']:,}"]
    return [report["of"], report["signal"], *counts, *(_figure(report[name]) for name in MEASURES)]


def _figure(measured: Mapping[str, float | None]) -> str:
    value, low, high = measured["value"], measured["low"], measured["high"]
    if value is None:
        return "-"
    return f"{value:.3f}" if low is None or high is None else f"{value:.3f} ({low:.2f}–{high:.2f})"
