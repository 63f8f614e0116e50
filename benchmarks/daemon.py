"""The real daemon as a process of its own: its configuration, its start and end, its CPU time and its memory."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from monitor.app import build, read_settings, utc_now
from monitor.store.engine import writing
from monitor.store.instants import to_us

ROOT = Path(__file__).resolve().parents[1]
HEEDFUL = Path(sys.executable).with_name("heedful")
START_WITHIN, STOP_WITHIN = 60.0, 30.0

HEAD = """
[database]
url = "sqlite:///daemon.db"
[daemon]
health_port = {port}
log_format = "json"
[brands.bakery]
name = "Bench Bakery"
timezone = "Europe/London"
"""


class Process:
    """A running daemon, looked at from outside (Linux's /proc)."""

    def __init__(self, pid: int, port: int) -> None:
        self.pid, self.port = pid, port

    def cpu_s(self) -> float:
        """Time on a CPU of all its threads: to the nanosecond where the kernel counts so, else to its tick."""
        tasks = list(Path(f"/proc/{self.pid}/task").glob("*/schedstat"))
        if tasks:
            return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_mib(self) -> float:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1_024

    def get(self, path: str) -> bytes:
        with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            return bytes(answer.read())

    def core_share(self, n_windows: int, seconds: float) -> float:
        """CPU time over wall time, the median of several windows."""
        return median(self._window(seconds) for _ in range(n_windows))

    def _window(self, seconds: float) -> float:
        cpu, wall = self.cpu_s(), time.monotonic()
        time.sleep(seconds)
        return (self.cpu_s() - cpu) / (time.monotonic() - wall)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def prepare(config: Path, plan: Callable[[int, int], timedelta], n_sources: int) -> None:
    """Make the store as a daemon that has read every source before leaves it: `plan` says when each is due again."""
    app = build(read_settings(config))
    try:
        app.upgrade()
        app.sync()
        now = utc_now()
        due = [to_us(now + plan(number, n_sources)) for number in range(n_sources)]
        with writing(app.engine) as connection:
            statement = "UPDATE sources SET due_at = ?, next_poll_at = ?, last_read_at = ? WHERE id = ?"
            rows = [(at, at, to_us(now), f"s{number}") for number, at in enumerate(due)]
            connection.exec_driver_sql(statement, rows)
    finally:
        app.close()


@contextmanager
def running(config: Path, port: int) -> Iterator[Process]:
    """The daemon while the block runs, from the moment at which its health port answers."""
    command = [str(HEEDFUL), "--config", str(config), "run"]
    with (config.parent / "daemon.log").open("w") as log:
        child = subprocess.Popen(
            command, env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=config.parent, stdout=log, stderr=log
        )
        try:
            _wait_for_health(child, port, config.parent / "daemon.log")
            yield Process(child.pid, port)
        finally:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(STOP_WITHIN)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _wait_for_health(child: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_WITHIN
    while time.monotonic() < deadline and child.poll() is None:
        try:
            with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5):
                return
        except (HTTPError, URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise RuntimeError(f"the daemon did not start:\n{log.read_text()[-2_000:]}")
