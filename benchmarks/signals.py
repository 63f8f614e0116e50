"""What measuring a text costs, beside VADER on the same texts; how the weights load, and how large they are."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.resources.abc import Traversable
from random import Random
from statistics import median
from time import process_time

from benchmarks.figures import Measured
from benchmarks.world import text
from monitor import signals
from monitor.model import Author, Comment
from monitor.signals.weights import FOLDER

PAGE = 100
MIB = 1 << 20
SOMEBODY, NOON = Author("1", "Kim"), datetime(2026, 3, 2, 12, tzinfo=UTC)
BEFORE = ("", "", "", "@bakery ", "@bakery @kim ", "WHY?! ", "Ok so ", "Hallo, ", "¡Hola! ", "Order 48213: ")
AFTER = ("", "", "", " 😡😡", " ❤️", "!!!", " https://example.org/menu", " at 9.30 on the 13th", " thanks", " #bread")
LOAD = """
from time import process_time
from datetime import UTC, datetime
from monitor import signals
from monitor.model import Author, Comment
comment = Comment("1", "comment", "When do you open?", Author("1", "Kim"), datetime(2026, 3, 2, tzinfo=UTC))
before = process_time()
signals.measure([comment])
print(process_time() - before)
"""


def measure(quick: bool) -> Measured:
    n_pages, n_rounds = (10, 3) if quick else (60, 9)
    pages = [page(number) for number in range(n_pages)]
    n = n_pages * PAGE
    ways: dict[str, Callable[[], object]] = {
        "signals": lambda: [signals.measure(page) for page in pages],
        "whole": lambda: signals.measure([comment for page in pages for comment in page]),
        "one by one": lambda: [signals.measure([comment]) for comment in pages[0]],
        "vader": vader(pages),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()  # what is loaded and cached at first is the same for all
    for _ in range(n_rounds):
        for name, way in ways.items():
            times[name].append(cpu_s(way) / (PAGE if name == "one by one" else n))
    each = {name: median(found) for name, found in times.items()}
    return Measured(
        {
            "signals_texts_per_cpu_s": 1 / each["signals"],
            "signals_vs_vader_speed": median(v / s for v, s in zip(times["vader"], times["signals"], strict=True)),
            "signals_load_s": median(load_s() for _ in range(3 if quick else 7)),
            "signals_weights_mib": sum(len(file.read_bytes()) for file in weights()) / MIB,
        },
        {
            "us_per_text": {name: round(seconds * 1e6, 1) for name, seconds in each.items()},
            "texts": n,
            "characters": round(sum(len(comment.text) for page in pages for comment in page) / n),
        },
    )


def page(number: int) -> list[Comment]:
    """A hundred comments, each opened and ended as people do."""
    chance = Random(11_000 + number)
    texts = [f"{chance.choice(BEFORE)}{text(chance)}{chance.choice(AFTER)}" for _ in range(PAGE)]
    return [Comment(str(n), "comment", said, SOMEBODY, NOON) for n, said in enumerate(texts)]


def vader(pages: Sequence[Sequence[Comment]]) -> Callable[[], object]:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer  # type: ignore[import-untyped]

    analyser = SentimentIntensityAnalyzer()
    return lambda: [analyser.polarity_scores(comment.text) for page in pages for comment in page]


def load_s() -> float:
    """CPU time of the first measurement of a fresh process: phrases compiled, numpy imported, weights read."""
    done = subprocess.run([sys.executable, "-c", LOAD], check=True, capture_output=True, text=True)
    return float(done.stdout)


def weights() -> list[Traversable]:
    return [file for file in FOLDER.iterdir() if file.is_file()] if FOLDER.is_dir() else []


def cpu_s(work: Callable[[], object]) -> float:
    before = process_time()
    work()
    return process_time() - before
