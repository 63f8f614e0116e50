"""The texts that we labelled: our own corpus, and public texts that the repository knows by their hashes alone."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from monitor.signals.weights import KINDS
from monitor.training.data import Public, text_hash

FOLDER = Path(str(files("monitor.signals"))) / "corpus"
LABELS = ("angry", "needs_reply", "closing", "tagging_only", "urgent", "threat", "personal_data")
KIND_DISPUTED = "kind_disputed"  # both labellers saw a mistake, of different kinds
_PUBLIC = "public_labels.jsonl"
_DOMAINS = {"goemotions": "reddit", "ibm": "support", "umsab": "languages", "davidson": "tweets"}


class CorpusDamaged(ValueError):
    """A row of our corpus is not as it must be; the text says where."""


@dataclass(frozen=True)
class Labelled:
    """One text with our labels; a label that is disputed, or that nobody gave, is in none of them."""

    text: str
    domain: str  # own, support, reviews, reddit, languages, tweets
    group: str  # texts of one group are held back together: of one situation, or one public text
    language: str
    labels: Mapping[str, int]  # of LABELS, "mistake" and "negative"
    kind: str = ""
    writer: str = ""
    situation: str = ""


def load(public: Sequence[Public], excluded: set[str], folder: Path = FOLDER) -> list[Labelled]:
    """All labelled texts, in a fixed order.

    Raises: CorpusDamaged: a file holds something else; mend it.
    """
    own = [row for path in sorted(folder.glob("*.jsonl")) if path.name != _PUBLIC for row in _own(path)]
    return [row for row in own if len(row.text) < 4 or text_hash(row.text) not in excluded] + _public(folder, public)


def labelled_hashes(folder: Path = FOLDER) -> set[str]:
    """Of the public texts that we labelled: no head trains on them, so that the stack sees them as new."""
    return {row["sha1"] for _, row in _rows(folder / _PUBLIC)}


def domain_of(source: str) -> str:
    if source.startswith("vader"):
        return "reviews" if source == "vader.amazonReviewSnippets" else "tweets"
    return _DOMAINS[source.partition(".")[0]]


def _own(path: Path) -> Iterable[Labelled]:
    for place, row in _rows(path):
        if not isinstance(row.get("text"), str) or not row["text"].strip():
            raise CorpusDamaged(f"{place}: no text")
        yield Labelled(
            row["text"], "own", f"{row['writer']} {row['situation']}", row["language"],
            _labels(row, place), _kind(row), str(row["writer"]), row["situation"],
        )  # fmt: skip


def _public(folder: Path, public: Sequence[Public]) -> list[Labelled]:
    by_hash: dict[str, Public] = {}
    for text in public:
        by_hash.setdefault(text.sha1, text)
    found = []
    for place, row in _rows(folder / _PUBLIC):
        if row["sha1"] in by_hash:  # others are excluded
            text, labels = by_hash[row["sha1"]], _labels(row, place)
            found.append(Labelled(text.text, domain_of(text.source), row["sha1"], "", labels, _kind(row)))
    return found


def _rows(path: Path) -> Iterable[tuple[str, dict[str, Any]]]:
    if not path.is_file():
        return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            yield f"{path.name}:{number}", json.loads(line)
        except ValueError as error:
            raise CorpusDamaged(f"{path.name}:{number}: {error}") from error


def _labels(row: Mapping[str, Any], place: str) -> dict[str, int]:
    labels = {name: row.get(name) for name in LABELS}
    mistake = row.get("mistake")
    if mistake is not None:
        if mistake not in ("", KIND_DISPUTED, *KINDS):
            raise CorpusDamaged(f"{place}: {mistake!r} is no kind of mistake")
        labels["mistake"] = int(bool(mistake))
    if any(value not in (0, 1, None) for value in labels.values()):
        raise CorpusDamaged(f"{place}: labels are 0, 1 or null")
    return {name: value for name, value in labels.items() if value is not None}


def _kind(row: Mapping[str, Any]) -> str:
    return row["mistake"] if row.get("mistake") in KINDS else ""
