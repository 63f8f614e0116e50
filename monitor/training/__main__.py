"""`python -m monitor.training --data FOLDER`: rebuild the shipped weights and their model card."""

import argparse
import sys
from importlib.resources import files
from pathlib import Path

from monitor.training import card, corpus, data
from monitor.training.train import train

_WEIGHTS = Path(str(files("monitor.signals"))) / "weights"
_FAILED = 1


def main(arguments: list[str]) -> int:
    """Exit code 1: a data set is missing or another one, or the corpus is damaged; the last line says which."""
    asked = _parser().parse_args(arguments)
    try:
        known = data.sources(asked.sources)
        if asked.template:
            data.download(asked.data, asked.template, known)
        trained = train(asked.data, known, asked.corpus, _say)
    except (data.DataMissing, corpus.CorpusDamaged) as error:
        _say(f"training: {error}")
        return _FAILED
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / "stack.json").write_text(trained.stack_json, encoding="utf-8")
    (asked.out / "tables.npz").write_bytes(trained.tables_npz)
    if asked.card:
        asked.card.write_text(card.written(trained, asked.data, asked.corpus), encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m monitor.training", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the public data sets (sources.toml)")
    parser.add_argument(
        "--from",
        dest="template",
        help="download what is missing from this address, e.g. .../{repository}/{commit}/{file}",
    )
    parser.add_argument("--sources", type=Path, help="another list of data sets than the shipped sources.toml")
    parser.add_argument("--corpus", type=Path, default=corpus.FOLDER, help="the folder of our own corpus")
    parser.add_argument("--out", type=Path, default=_WEIGHTS, help="where stack.json and tables.npz are written")
    parser.add_argument("--card", type=Path, help="where the model card is written (Markdown)")
    return parser


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
