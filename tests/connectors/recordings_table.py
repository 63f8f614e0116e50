"""`python -m tests.connectors.recordings_table`: what every recorded answer is expected to bring, and what it brings.

Runs the recordings' tests, which replay each recording through the connector's real fetch path and say one line of it,
and puts the lines into one table. Needs the recordings (HEEDFUL_SHARED).
"""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click
import pytest

HERE = Path(__file__).parent
_LINE = re.compile(
    r"^(?P<name>.+?)\s*\| expected\s+(?P<expected>\d+) \| (?:stored|obtained)\s+(?P<stored>\d+)(?P<why>.*)$"
)


@dataclass(frozen=True, slots=True)
class Row:
    """What one recording, or several that were served together, brought."""

    platform: str
    recording: str
    expected: int
    stored: int
    why: str = ""


def rows_in(platform: str, said: str) -> list[Row]:
    """The rows that a test's output tells."""
    found = [match for line in said.splitlines() if (match := _LINE.match(line))]
    return [
        Row(platform, one["name"], int(one["expected"]), int(one["stored"]), one["why"].strip(" |,;")) for one in found
    ]


@dataclass
class Collector:
    """A pytest plugin that gathers the rows of the tests that passed, and the names of those that did not."""

    rows: list[Row] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed or report.skipped:
            self.failed.append(report.nodeid)
        elif report.when == "call":
            platform = Path(report.fspath).stem.removeprefix("test_").removesuffix("_recordings")
            self.rows += rows_in(platform, report.capstdout)


def unexplained(rows: Sequence[Row]) -> list[Row]:
    """The rows with a difference that nobody explained."""
    return [row for row in rows if row.expected != row.stored and not row.why]


def as_table(rows: Sequence[Row]) -> str:
    """The rows as Markdown."""
    lines = ["| platform | recording | expected | stored | difference |", "|---|---|---|---|---|"]
    in_order = sorted(set(rows), key=lambda one: (one.platform, one.recording))
    lines += [f"| {row.platform} | {row.recording} | {row.expected} | {row.stored} | {row.why} |" for row in in_order]
    total, stored = sum(row.expected for row in in_order), sum(row.stored for row in in_order)
    return "\n".join([*lines, f"| all | {len(in_order)} | {total} | {stored} | |"])


def main() -> int:
    """Print the table; 1 where a test failed or a difference is unexplained."""
    collector = Collector()
    files = [str(path) for path in sorted(HERE.glob("test_*_recordings.py"))]
    pytest.main(["-q", "--no-header", "--no-summary", "-p", "no:xdist", *files], plugins=[collector])
    click.echo(as_table(collector.rows))
    wrong = [*collector.failed, *(f"unexplained: {row}" for row in unexplained(collector.rows))]
    for one in wrong:
        click.echo(one, err=True)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
