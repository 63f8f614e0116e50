"""The pipeline's figures: the flows, the re-read, raw upserts and VADER, in turn, several rounds."""

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks import raw
from benchmarks.figures import Measured
from benchmarks.pipeline import cpu, pages_of, raw_upserts, reread, run_pipeline, stored_rows
from benchmarks.world import PageReader
from monitor import signals
from monitor.model import Comment
from monitor.scheduler import settle_memory

PAGE_SIZE = 100


def measure(quick: bool) -> Measured:
    n_comments, n_rounds = (1_000, 2) if quick else (10_000, 5)
    pages = pages_of(n_comments, PAGE_SIZE)
    comments = _read(pages)
    settle_memory()  # as the daemon does when it starts
    times: dict[str, list[float]] = {}
    n_rows: dict[str, int] = {}
    for _ in range(n_rounds):
        with TemporaryDirectory(prefix="heedful-bench-") as directory:
            _round(Path(directory), pages, comments, times, n_rows)
    return _result(n_comments, {name: median(each) for name, each in times.items()}, n_rows)


def _round(
    directory: Path,
    pages: list[bytes],
    comments: list[list[Comment]],
    times: dict[str, list[float]],
    n_rows: dict[str, int],
) -> None:
    def note(name: str, seconds: float) -> None:
        times.setdefault(name, []).append(seconds)

    engine, pipeline, spent = run_pipeline(directory, pages)
    note("pipeline", spent)
    note("reread", reread(pipeline))
    rows = raw.rows_of(engine)
    note("raw", raw.upserts(directory, rows, len(pages)))
    note("raw_comments", raw_upserts(directory, stored_rows(engine), PAGE_SIZE))
    note("signals", cpu(lambda: [signals.measure(page) for page in comments]))
    note("vader", _vader(comments))
    n_rows.update({name: len(several) for name, several in rows.items()})
    engine.dispose()


def _read(pages: list[bytes]) -> list[list[Comment]]:
    reader = PageReader(pages)
    return [[reader.normalise(found) for found in reader.fetch_page(place, None).raws] for place in range(len(pages))]  # type: ignore[arg-type]


def _vader(comments: list[list[Comment]]) -> float:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer  # type: ignore[import-untyped]

    analyser = SentimentIntensityAnalyzer()
    return cpu(lambda: [analyser.polarity_scores(comment.text) for page in comments for comment in page])


def _result(n_comments: int, seconds: dict[str, float], n_rows: dict[str, int]) -> Measured:
    pipeline = seconds["pipeline"]
    return Measured(
        {
            "pipeline_ratio_to_raw": seconds["raw"] / pipeline,
            "pipeline_ratio_to_raw_comments": seconds["raw_comments"] / pipeline,
            "pipeline_comments_per_cpu_s": n_comments / pipeline,
            "reread_speedup": pipeline / seconds["reread"],
            "vs_vader_pipeline": (pipeline - seconds["signals"] + seconds["vader"]) / pipeline,
        },
        {"cpu_us_per_comment": {k: round(v / n_comments * 1e6, 1) for k, v in seconds.items()}, "rows": n_rows},
    )
