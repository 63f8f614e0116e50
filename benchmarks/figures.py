"""Every key that `make bench` writes: its bar, which side of it is good, and how it is measured."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Key:
    """One figure; `bar` None: it is noted and nothing is demanded of it."""

    part: str
    how: str
    bar: float | None = None
    good: Literal["at least", "at most", ""] = ""
    unit: str = ""

    def is_met(self, value: float) -> bool | None:
        if self.bar is None:
            return None
        return value >= self.bar if self.good == "at least" else value <= self.bar

    def shown_bar(self) -> str:
        return "noted" if self.bar is None else f"{'>=' if self.good == 'at least' else '<='} {self.bar:g}"


@dataclass(slots=True)
class Measured:
    """What one part of the benchmark found: values by key, what lies behind them, and what was left out."""

    values: dict[str, float]
    behind: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


KEYS: Mapping[str, Key] = {
    "pipeline_ratio_to_raw": Key(
        "pipeline",
        "CPU time of bare sqlite3 executemany upserts of every row that the pipeline leaves behind (comments, threads,"
        " flags, alerts, notices, deliveries; as many transactions as there were pages), divided by the CPU time of the"
        " flows from page bytes to the outbox; medians of interleaved rounds.",
        0.25,
        "at least",
    ),
    "pipeline_ratio_to_raw_comments": Key(
        "pipeline",
        "As pipeline_ratio_to_raw, but against upserts of the comments' rows alone, which is less than the pipeline"
        " stores.",
    ),
    "pipeline_comments_per_cpu_s": Key(
        "pipeline",
        "Comments from page bytes to stored, measured, assessed, flagged and in the outbox, for each second of CPU time"
        " of one thread; nothing is sent.",
        8_000,
        "at least",
        "/s",
    ),
    "reread_speedup": Key(
        "pipeline",
        "CPU time of reading pages for the first time divided by that of reading the same pages again unchanged, right"
        " after, in the same process.",
        10,
        "at least",
        "x",
    ),
    "vs_vader_pipeline": Key(
        "pipeline",
        "Our rate over the rate of the same pipeline with VADER as its only signal; computed, because the signals are"
        " no argument of the flow: (pipeline - our signals + VADER) / pipeline, each timed on the same comments in the"
        " same rounds.",
        unit="x",
    ),
    "signals_texts_per_cpu_s": Key(
        "signals",
        "Texts of about 120 characters that get all their signals in a second of CPU time of one thread, in pages of"
        " 100; median of rounds.",
        15_000,
        "at least",
        "/s",
    ),
    "signals_vs_vader_speed": Key(
        "signals",
        "CPU time of VADER on the same texts in the same rounds, divided by that of all our signals.",
        unit="x",
    ),
    "signals_load_s": Key(
        "signals",
        "CPU time of the first measurement in a fresh process: numpy imported, phrases compiled, weights read and"
        " checked.",
        0.3,
        "at most",
        "s",
    ),
    "signals_weights_mib": Key(
        "signals", "Size of the files of the shipped weights, as they are in the wheel.", 5, "at most", "MiB"
    ),
    "backlog_1m_over_10k": Key(
        "backlog",
        "Median time of a page of 50 of the backlog at 1,000,000 stored comments over that at 10,000, the databases"
        " asked in turn; the worst of first page and 90 % depth, on SQLite and Postgres.",
        1.5,
        "at most",
        "x",
    ),
    "sweep_idle_ms": Key(
        "backlog",
        "Median milliseconds to see that none of the threads of 1,000,000 comments is due; the worse of SQLite and"
        " Postgres.",
        1,
        "at most",
        "ms",
    ),
    "idle_10k_sources_core_share": Key(
        "idle",
        "CPU time over wall time of the daemon's process with 10,000 configured sources, none of them due, ticks of 1 s"
        " as shipped, on SQLite; median of windows.",
        0.03,
        "at most",
    ),
    "daemon_rss_mib": Key(
        "idle",
        "Resident memory of the daemon's process, idle with 10,000 sources for 20 s and its health port open.",
        110,
        "at most",
        "MiB",
    ),
    "daemon_rss_after_metrics_mib": Key(
        "idle",
        "Resident memory of the idle daemon with 10,000 sources after /metrics (three series for each) was read once.",
        unit="MiB",
    ),
    "busy_10k_sources_core_share": Key(
        "busy",
        "CPU time over wall time of the daemon's process with 10,000 sources, each polled once a minute through a"
        " connector that answers from memory that there is nothing new; median of windows.",
    ),
    "alert_latency_p99_ms": Key(
        "latency",
        "From the return of fetch_page in the daemon's process to the moment at which a webhook receiver on loopback"
        " has answered; group_wait 0, one new comment every 0.1 s or so, each an alert of its own; 99th percentile.",
        250,
        "at most",
        "ms",
    ),
    "alert_latency_p50_ms": Key(
        "latency", "The median of the times of which alert_latency_p99_ms is the 99th percentile.", unit="ms"
    ),
    "cli_backlog_over_bare_sqlalchemy_import": Key(
        "cli",
        "Wall time of `heedful backlog` on a store with thousands of waiting threads over that of"
        ' `python -c "import sqlalchemy"` with the same interpreter; medians of interleaved runs.',
        2,
        "at most",
        "x",
    ),
}
