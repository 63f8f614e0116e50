"""The whole training, from texts to what ships."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from monitor.signals.model import dump
from monitor.signals.stack import features
from monitor.signals.weights import OUTPUTS
from monitor.training import corpus, data, heads, small, stack
from monitor.training.corpus import Labelled
from monitor.training.data import Public, Source
from monitor.training.fold import fold
from monitor.training.small import Kinds, Languages
from monitor.training.stack import Fitted, Rows

_BATCH = 5000


@dataclass(frozen=True)
class Trained:
    """What training made, and what it was made of."""

    public: list[Public]
    rows: Rows
    fitted: dict[str, Fitted]
    kinds: Kinds
    languages: Languages
    stack_json: str
    tables_npz: bytes


def train(
    folder: Path,
    known: Mapping[str, Source],
    ours: Path = corpus.FOLDER,
    say: Callable[[str], Any] = lambda _: None,
) -> Trained:
    """The weights of these data sets and this corpus: the same each time.

    Raises: DataMissing, CorpusDamaged: what is missing or wrong, and where.
    """
    public = data.load(folder, known)
    texts = corpus.load(public, data.excluded(folder, known), ours)
    labelled = corpus.labelled_hashes(ours)
    public = [one for one in public if one.source != "ibm" and one.sha1 not in labelled]
    say(f"{len(public)} public texts, {len(texts)} labelled by us")
    counts = _matrix([one.text for one in public])
    rows = _rows(texts, public, counts)
    say("read")
    fitted = {}
    for name in OUTPUTS:
        fitted[name] = stack.fit(name, rows)
        say(f"{name}: fitted to {len(fitted[name].rows)} texts, {int(fitted[name].labels.sum())} of them positive")
    kinds, languages = small.fit_kinds(rows), small.fit_languages(public, counts, rows)
    say("kinds and languages: fitted")
    stack_json, tables_npz = dump(*fold(fitted, kinds, languages))
    return Trained(public, rows, fitted, kinds, languages, stack_json, tables_npz)


def _rows(texts: list[Labelled], public: list[Public], counts: Any) -> Rows:
    """Our labelled texts, and behind them the public ones whose own label is a signal of ours: negative."""
    batch = heads.prepared([one.text for one in texts])
    in_languages = [n for n, one in enumerate(public) if one.source.startswith("umsab.")]
    told = [
        Labelled(public[n].text, "languages", public[n].sha1, "", {"negative": int("negative" in public[n].labels)})
        for n in in_languages
    ]
    batch += heads.prepared([one.text for one in told])
    names, found = features(batch)
    together = sparse.vstack([heads.matrix(batch[: len(texts)]), counts[in_languages]], format="csr")
    all_texts = [*texts, *told]
    public_heads = heads.public_heads(public, counts)
    return Rows(
        all_texts, together, found, names, stack.folds(all_texts), stack.folds(all_texts, by_writer=False), public_heads
    )


def _matrix(texts: list[str]) -> Any:
    parts = [heads.matrix(heads.prepared(texts[n : n + _BATCH])) for n in range(0, len(texts), _BATCH)]
    return sparse.vstack(parts, format="csr") if parts else sparse.csr_matrix((0, 1), dtype=np.float32)
