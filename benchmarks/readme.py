"""`python -m benchmarks.readme` writes the figures of latest.json into the README, between its two marks.

`make bench` does it after each whole run, so that the README never says what was not measured.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LATEST, README = ROOT / "benchmarks" / "latest.json", ROOT / "README.md"
_PLACE = re.compile(r"(<!-- figures: [^\n]*-->\n)(.*?)(<!-- end of figures -->)", re.DOTALL)

# What each figure says to somebody who has not read the code, and how it is written.
ROWS: Mapping[str, tuple[str, str]] = {
    "pipeline_comments_per_cpu_s": ("comments read, stored, measured and judged in a second of one core", "{:,.0f}"),
    "pipeline_ratio_to_raw": (
        "that speed against bare SQLite, which stores the same rows and does nothing else",
        "{:.2f}",
    ),
    "reread_speedup": ("how much less a page costs in which nothing is new", "{:.1f} times"),
    "alert_latency_p99_ms": ("from the platform's answer to the chat's, 99 of 100 times", "{:.0f} ms"),
    "backlog_1m_over_10k": ("a page of the backlog with 1,000,000 comments stored, against 10,000", "{:.2f} times"),
    "sweep_idle_ms": ("seeing that none of 1,000,000 comments' threads is due", "{:.2f} ms"),
    "idle_10k_sources_core_share": ("one core's share with 10,000 sources of which none is due", "{:.1%}"),
    "daemon_rss_mib": ("memory with 10,000 sources", "{:.0f} MiB"),
    "cli_backlog_over_bare_sqlalchemy_import": (
        "`heedful backlog`, against Python importing SQLAlchemy",
        "{:.1f} times",
    ),
    "vs_vader_pipeline": ("our speed against the same program with VADER as its only signal", "{:.2f} times"),
}


def section(report: Mapping[str, Any]) -> str:
    """The part of the README between the marks."""
    machine = report["machine"]
    taken = datetime.fromisoformat(machine["taken_at"]).strftime("%d %B %Y").lstrip("0")
    rows = [_row(name, report["keys"][name]) for name in ROWS if name in report["keys"]]
    return (
        f"One run of `make bench` on {taken}: {machine['cpu']}, {machine['cores']} cores, Python {machine['python']},"
        f" SQLite {machine['sqlite']}, Postgres {machine['postgres'] or 'not there'}; load before it:"
        f" {machine['load_average_at_start'][0]:g}. [How each is measured](benchmarks/README.md); a missed limit"
        f" stays here until it is met.\n\n"
        "| | measured | wanted |\n|---|---|---|\n" + "".join(rows)
    )


def _row(name: str, found: Mapping[str, Any]) -> str:
    what, form = ROWS[name]
    wanted = "" if found["bar"] is None else f"{found['good']} {form.format(found['bar'])}"
    missed = ", **missed**" if found["is_met"] is False else ""
    return f"| {what} | {form.format(found['value'])}{missed} | {wanted} |\n"


def filled(readme: str, report: Mapping[str, Any]) -> str:
    """The README with these figures."""
    if not _PLACE.search(readme):
        raise ValueError("the README has lost the marks between which its figures stand")
    return _PLACE.sub(lambda found: found[1] + section(report) + found[3], readme)


def main() -> None:
    README.write_text(filled(README.read_text("utf-8"), json.loads(LATEST.read_text("utf-8"))), "utf-8")


if __name__ == "__main__":
    main()
