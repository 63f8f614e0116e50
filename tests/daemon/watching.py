"""Waiting for what a daemon in a process of its own does, and reading it in its log."""

import json
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Any


class Watched:
    """A place with a daemon that logs JSON to `log`."""

    log: Path

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line for line in map(json.loads, lines) if line["event"] == name]

    def wait_for(self, is_so: Callable[[], object], seconds: float = 30) -> None:
        ends = monotonic() + seconds
        while not is_so():
            assert monotonic() < ends, self.log.read_text() if self.log.exists() else "no log"
            sleep(0.02)
