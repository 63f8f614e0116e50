"""Starting a real server for one test module and ending exactly that process, by its id."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVERS = ROOT / ".servers"


def installed(name: str) -> Path:
    """Where `make servers` put this server; the calling test is skipped, with the reason, where it did not."""
    place = SERVERS / name
    if not (place / "installed").exists():
        pytest.skip(f"the real {name} server is not installed: run `make servers`")
    return place


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Program:
    """A server process in a process group of its own, its output in `log`."""

    def __init__(self, command: Sequence[str], folder: Path, env: Mapping[str, str] | None = None) -> None:
        self.log = folder / "server.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, **(env or {})},
            )

    def wait_until_it_answers(self, url: str, seconds: float = 120) -> None:
        """Return as soon as it answers anything below 500; fail with its log when it ends or takes too long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self._process.poll() is None:
            try:
                if httpx.get(url, timeout=10).status_code < 500:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.05)
        self.stop()
        pytest.fail(f"{url} did not come up:\n{self.log.read_text(errors='replace')[-2000:]}")

    def wait(self, seconds: float) -> None:
        """Return when it has done its work; fail with its log when it did not."""
        if self._process.wait(seconds) != 0:
            pytest.fail(f"it failed:\n{self.log.read_text(errors='replace')[-2000:]}")

    def stop(self) -> None:
        """End it and what it started."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
