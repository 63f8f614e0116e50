"""How soon `heedful backlog` answers, beside what importing SQLAlchemy alone takes."""

import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks import backlog, daemon
from benchmarks.figures import Measured
from monitor.files import shipped
from monitor.store import migrate
from monitor.store.engine import open_engine

BARE = [sys.executable, "-c", "import sqlalchemy"]


def measure(quick: bool) -> Measured:
    n_comments, n_runs = (10_000, 3) if quick else (100_000, 15)
    with TemporaryDirectory(prefix="heedful-bench-") as name:
        directory = Path(name)
        engine = open_engine(f"sqlite:///{directory}/daemon.db")
        migrate.upgrade(engine, shipped("migrations"))
        backlog.fill(engine, n_comments)
        engine.dispose()
        config = directory / "heedful.toml"
        config.write_text(daemon.HEAD.format(port=0) + '[channels.console]\nkind = "console"\n')
        ours = [str(daemon.HEEDFUL), "--config", str(config), "backlog"]
        times: dict[str, list[float]] = {"ours": [], "bare": []}
        for command in (ours, BARE):
            _wall_s(command)  # compiled files and the page cache are warm for both
        for _ in range(n_runs):
            times["ours"].append(_wall_s(ours))
            times["bare"].append(_wall_s(BARE))
    ms = {name: median(each) * 1_000 for name, each in times.items()}
    return Measured(
        {"cli_backlog_over_bare_sqlalchemy_import": ms["ours"] / ms["bare"]},
        {"ms": {name: round(each, 1) for name, each in ms.items()}, "runs": n_runs, "waiting": n_comments // 15},
    )


def _wall_s(command: list[str]) -> float:
    start = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return perf_counter() - start
