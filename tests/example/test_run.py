"""`heedful run --example` as a newcomer meets it: a process, a terminal, Ctrl-C, and the same again."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import connect

import pytest

HEEDFUL = Path(sys.executable).with_name("heedful")
ROOMS = ("Slack · #customer-care", "GroupMe · Owners")
FIVE = {  # the rule that tells of each of the five situations, and words of the comments that it must show
    "hacked": ("CRISIS · Our account seems to be hacked", "hacked"),
    "offensive-backlash": ("CRISIS · Several people are hurt by one post of ours", "isgusting"),
    "angry": ("MEDIUM · An angry customer", "Worst workshop in town"),
    "mistake-many": ("HIGH · Several people point out a mistake in one post", "is it tonight"),
    "unanswered": ("LOW · Waiting for an answer", "Are you open on Saturday"),
}
_PANEL = re.compile(r"^╭─ ([^─\n]+?) ─*╮\n(.*?)^╰─*╯$", re.DOTALL | re.MULTILINE)
_PART = re.compile(r"^\(\d+/\d+\) ")


@dataclass(frozen=True)
class Told:
    """One message as people read it, its parts joined and its lines unbroken."""

    room: str
    heading: str
    text: str

    @property
    def alert_id(self) -> str:
        found = re.search(r"Alert ([0-9a-z]{13})", self.text)
        assert found, f"the message names no alert: {self.text}"
        return found.group(1)


def messages(output: str) -> list[Told]:
    """The messages of both rooms, each room's in order: one box each."""
    told = []
    for room, body in _PANEL.findall(output):
        lines = (line.removeprefix("│ ").removesuffix("│").rstrip() for line in body.splitlines())
        text = "\n".join(_PART.sub("", line) for line in lines)
        told.append(Told(room, text.split("\n", 1)[0].strip(), " ".join(text.split())))
    return told


class Running:
    """The example as a process of its own, with what it has printed so far."""

    def __init__(self, directory: Path) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("HEEDFUL")}
        self._output, self._log = directory / "output.txt", directory / "log.txt"
        with self._output.open("wb") as output, self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [HEEDFUL, "run", "--example"], cwd=directory, env=clean | {"COLUMNS": "100"}, stdout=output, stderr=log
            )

    @property
    def output(self) -> str:
        return self._output.read_text(encoding="utf-8")

    @property
    def told(self) -> list[Told]:
        return messages(self.output)

    def wait_until(self, is_so: Callable[[list[Told]], bool], seconds: float = 500) -> list[Told]:
        end = time.monotonic() + seconds
        while not is_so(told := self.told):
            assert self._process.poll() is None, f"it ended by itself:\n{self._log.read_text()}"
            assert time.monotonic() < end, f"not within {seconds} s; told so far:\n{self.output}"
            time.sleep(0.3)
        return told

    def press_ctrl_c(self) -> tuple[int, str]:
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(timeout=60), self._log.read_text(encoding="utf-8")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.mark.slow
def test_a_newcomer_sees_the_five_situations_stops_and_goes_on_with_nothing_told_twice(tmp_path: Path) -> None:
    running = Running(tmp_path)
    try:
        began = time.monotonic()
        told = running.wait_until(lambda told: _have_all(told, [heading for heading, _ in FIVE.values()]))
        n_seconds = time.monotonic() - began
        _read_each(told)
        assert "Ctrl-C stops" in running.output
        backlog = _heedful(tmp_path, "backlog")
        code, log = running.press_ctrl_c()
        first = running.told
    finally:
        running.kill()
    assert code == 0
    assert "Traceback" not in log
    assert "daemon.stopped" in log
    assert "Stopped, and nothing is lost." in running.output
    print(f"the five were told within {n_seconds:.0f} s")  # noqa: T201 - shown by pytest -s
    assert "true wheels" in backlog  # yesterday's question waits there, and nobody was alerted
    assert not any("true wheels" in message.text for message in first)

    running = Running(tmp_path)
    try:
        resolved = [heading.replace(heading.split(" ")[0], "RESOLVED") for heading, _ in FIVE.values()]
        running.wait_until(lambda told: _have_all(told, resolved))
        code, log = running.press_ctrl_c()
        second = running.told
    finally:
        running.kill()
    assert code == 0
    assert "Traceback" not in log
    counted = Counter((message.room, message.alert_id, message.heading) for message in [*first, *second])
    assert [key for key, n in counted.items() if n > 1] == []
    assert len(counted) == _n_sent(tmp_path / "var" / "example" / "heedful.db")


def _have_all(told: list[Told], headings: list[str]) -> bool:
    return {(room, heading) for room in ROOMS for heading in headings} <= {(it.room, it.heading) for it in told}


def _read_each(told: list[Told]) -> None:
    """Every message says what it is about, why it was flagged, and what to do."""
    for rule, (heading, words) in FIVE.items():
        slack, groupme = (next(it for it in told if (it.room, it.heading) == (room, heading)) for room in ROOMS)
        assert f"Why: rule {rule}" in slack.text
        assert "What to do:" in slack.text
        assert "What not to do" in slack.text
        assert f"Why ({rule}): " in groupme.text
        assert "WHAT TO DO" in groupme.text
        for message in (slack, groupme):
            assert "Tidewell Cycles" in message.text
            assert words in message.text
            assert re.search(r"http://127\.0\.0\.1:\d+/@\w+/\d+", message.text)


def _heedful(directory: Path, *words: str) -> str:
    command = [str(HEEDFUL), "--config", str(directory / "var" / "example" / "heedful.toml"), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, env=os.environ | _WIDE)
    return " ".join(done.stdout.split())


_WIDE = {"COLUMNS": "200"}


def _n_sent(database: Path) -> int:
    """How many deliveries the outbox says were sent; each must have gone at its first attempt."""
    with closing(connect(database)) as connection:
        rows = connection.execute("SELECT status, n_attempts FROM deliveries").fetchall()
    assert {status for status, _ in rows} <= {"sent", "pending"}
    return sum(status == "sent" for status, _ in rows)
