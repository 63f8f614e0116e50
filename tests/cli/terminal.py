"""The command line at a real terminal (a pty), as a person has it: typing, what is seen, Ctrl-C, hanging up."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120.0
CTRL_C = b"\x03"
# The terminal must be the process's own, or Ctrl-C reaches nobody and nothing can be typed unseen.
_START = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); from monitor.cli import main; main()"


class Terminal:
    """One call of `heedful` at a terminal of its own; use it as a context manager."""

    def __init__(self, *arguments: str, at: Path, environ: Mapping[str, str] | None = None) -> None:
        self.seen, self._read = "", 0
        self._mine, theirs = pty.openpty()
        told = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "TERM": "dumb", "COLUMNS": "100", **(environ or {})}
        self.process = subprocess.Popen(
            [sys.executable, "-c", _START, *arguments], cwd=at, env={**os.environ, "HEEDFUL_CONFIG": "", **told},
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.hang_up()
        self.process.kill()
        self.process.wait()

    def wait_for(self, words: str) -> str:
        """What was shown since the last time, up to these words."""
        ends = time.monotonic() + PATIENCE_S
        while (found := self.seen.find(words, self._read)) < 0:
            if time.monotonic() > ends or not self._more():
                raise AssertionError(f"{words!r} was never shown:\n{self.seen}")
        start, self._read = self._read, found + len(words)
        return self.seen[start : self._read]

    def answer(self, question: str, typed: str) -> None:
        """Wait for a question and type the answer to it."""
        self.wait_for(question)
        self.wait_for(": ")
        self.press(typed.encode() + b"\n")

    def press(self, keys: bytes) -> None:
        os.write(self._mine, keys)

    def interrupt(self) -> None:
        """Press Ctrl-C until it ends, as a person does: CPython misses one that comes just before it waits for keys."""
        ends, again_at = time.monotonic() + PATIENCE_S, 0.0
        while self._more():
            assert time.monotonic() < ends, f"Ctrl-C does not end it:\n{self.seen}"
            if time.monotonic() >= again_at and self.process.poll() is None:
                self.press(CTRL_C)
                again_at = time.monotonic() + 10

    def finish(self) -> tuple[int, str]:
        """The exit code and everything that was shown."""
        ends = time.monotonic() + PATIENCE_S
        while self._more():
            assert time.monotonic() < ends, f"it does not end:\n{self.seen}"
        return self.process.wait(PATIENCE_S), self.seen

    def hang_up(self) -> None:
        """Close the terminal, as when a connection breaks."""
        if self._mine >= 0:
            os.close(self._mine)
            self._mine = -1

    def _more(self) -> bool:
        """Read what there is; whether more can come."""
        if not select.select([self._mine], [], [], 0.2)[0]:
            return True
        try:
            data = os.read(self._mine, 65_536)
        except OSError:  # the other side is closed
            return False
        self.seen += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(data)
