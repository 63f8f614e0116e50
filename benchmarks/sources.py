"""Ten thousand sources: what the daemon costs when none of them is due, and when each is polled once a minute."""

import time
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import daemon
from benchmarks.figures import Measured
from monitor.store import sources
from monitor.store.engine import open_engine, reading

SETTLE_S = 6.0  # after the start, before the first window


def _configured(directory: Path, n: int, each: str) -> tuple[Path, int]:
    port = daemon.free_port()
    config = directory / "heedful.toml"
    tables = (f'[sources.s{number}]\nbrand = "bakery"\n{each.format(n=number)}\n' for number in range(n))
    config.write_text(daemon.HEAD.format(port=port) + '[channels.console]\nkind = "console"\n' + "".join(tables))
    return config, port


def measure_idle(quick: bool) -> Measured:
    n, n_windows, seconds = (500, 2, 1.0) if quick else (10_000, 5, 4.0)
    each = 'connector = "feeds"\nevery = "1d"\nurl = "https://feeds.example/{n}.xml"'
    with TemporaryDirectory(prefix="heedful-bench-") as name:
        config, port = _configured(Path(name), n, each)
        daemon.prepare(config, lambda number, _n: timedelta(hours=12, seconds=number), n)
        with daemon.running(config, port) as process:
            time.sleep(1.0 if quick else SETTLE_S)
            share = process.core_share(n_windows, seconds)
            rss = process.rss_mib()
            n_bytes = len(process.get("/metrics"))
            after = process.rss_mib()
    return Measured(
        {"idle_10k_sources_core_share": share, "daemon_rss_mib": rss, "daemon_rss_after_metrics_mib": after},
        {"sources": n, "metrics_bytes": n_bytes},
    )


def measure_busy(quick: bool) -> Measured:
    n, n_windows, seconds = (500, 2, 1.0) if quick else (10_000, 5, 4.0)
    each = 'connector = "benchmarks.memory:Quiet"\nevery = "1m"'
    with TemporaryDirectory(prefix="heedful-bench-") as name:
        config, port = _configured(Path(name), n, each)
        daemon.prepare(config, lambda number, n: timedelta(minutes=number / n), n)
        with daemon.running(config, port) as process:
            time.sleep(1.0 if quick else SETTLE_S)
            began = time.time()
            share = process.core_share(n_windows, seconds)
            n_polls, wall = _polled_since(config.parent, began), time.time() - began
            lag = process.get("/readyz").decode()
    return Measured(
        {"busy_10k_sources_core_share": share},
        {"sources": n, "polls_per_s": round(n_polls / wall, 1), "ready_at_the_end": lag},
    )


def _polled_since(directory: Path, began: float) -> int:
    engine = open_engine(f"sqlite:///{directory}/daemon.db")
    with reading(engine) as connection:
        reports = sources.report(connection)
    engine.dispose()
    return sum(1 for report in reports if report.last_read_at and report.last_read_at.timestamp() > began)
