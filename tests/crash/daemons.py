"""Real daemons as processes of their own, forked from one that has imported everything, so that a start is cheap."""

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from monitor import log
from monitor.app import build, read_settings
from monitor.scheduler import Daemon

LEASE_S = 1.0

RULES = """
[rules.alarm]
title = "A refund"
severity = "high"
group_by = "thread"
when = { phrases = ["refund at once"] }

[rules.crowd]
title = "Closed again"
severity = "medium"
group_by = "source"
when = { phrases = ["you are closed again"] }
"""

CONFIG = """
rules = ["rules.toml"]
[database]
url = "{database}"
[daemon]
tick = "{tick}"
lease = "{lease}"
per_account = {per_account}
poll_threads = {poll_threads}
health_port = 0
log_format = "json"
[brands.bakery]
name = "Rosewood Bakery"
[channels.hook]
kind = "webhook"
url = "{url}/hook"
secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
allow_private = true
budget_per_hour = 0
budget_per_day = 0
[[routes]]
channels = ["hook"]
[alerts]
group_wait = "0s"
group_interval = "1s"
repeat = "0s"
"""

SOURCE = """
[sources.{page}]
brand = "bakery"
connector = "tests.crash.forum:Forum"
every = "{every}"
url = "{url}"
page = "{page}"
tells_root = {tells_root}
"""


def write_config(
    directory: Path,
    database: str,
    url: str,
    pages: Sequence[str],
    *,
    rootless: frozenset[str] = frozenset(),
    lease: str = f"{LEASE_S}s",
    tick: str = "100ms",
    every: str = "1s",
    per_account: int = 100,
    poll_threads: int = 16,
) -> Path:
    """A configuration with one source for each page and one webhook."""
    (directory / "rules.toml").write_text(RULES)
    top = CONFIG.format(
        database=database, url=url, lease=lease, tick=tick, per_account=per_account, poll_threads=poll_threads
    )
    tables = [
        SOURCE.format(page=page, every=every, url=url, tells_root="false" if page in rootless else "true")
        for page in pages
    ]
    path = directory / "heedful.toml"
    path.write_text(top + "".join(tables))
    return path


def serve(config: Path, log_file: Path) -> None:
    """What the process does: all of `heedful run` but the command line."""
    with log_file.open("a", buffering=1) as lines:
        log.start("json", lines)
        Daemon(build(read_settings(config))).run()


def enter(config: Path) -> None:
    """Make the store and its sources, so that what is said from now on is news."""
    app = build(read_settings(config))
    app.upgrade()
    app.sync()
    app.close()


_context = get_context("forkserver")
_context.set_forkserver_preload(["tests.crash.preloaded"])


@dataclass
class Running:
    """One daemon."""

    process: ForkServerProcess

    @classmethod
    def start(cls, config: Path, log_file: Path) -> "Running":
        process = _context.Process(target=serve, args=(config, log_file), daemon=True)
        process.start()
        return cls(process)

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.join()

    def signal(self, number: signal.Signals) -> None:
        assert self.process.pid
        os.kill(self.process.pid, number)

    def stop(self, timeout: float = 120) -> int | None:
        """SIGTERM; the exit code, None where it has not ended in time."""
        self.process.terminate()
        self.process.join(timeout)
        return self.process.exitcode

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_: Any) -> None:
        if self.process.is_alive():
            self.kill()
