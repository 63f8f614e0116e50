"""`python -m benchmarks`: every performance figure, in one run on one machine, as a table and as JSON."""

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks import backlog, ingest, latency, machine, readme, signals, sources, start
from benchmarks.figures import KEYS, Measured
from monitor import log

LATEST = Path(__file__).with_name("latest.json")
PARTS: Mapping[str, Callable[[bool], Measured]] = {
    "pipeline": ingest.measure,
    "signals": signals.measure,
    "backlog": backlog.measure,
    "cli": start.measure,
    "idle": sources.measure_idle,
    "busy": sources.measure_busy,
    "latency": latency.measure,
}


def main() -> int:
    wanted = _arguments()
    parts = {KEYS[name].part if name in KEYS else name for name in wanted.only} or set(PARTS)
    report: dict[str, Any] = {"machine": machine.describe(), "is_quick": wanted.quick, "keys": {}, "parts": {}}
    with Path(os.devnull).open("w") as nowhere:
        log.start("json", nowhere)  # the log lines are made, as they are in life, and thrown away
        for part, measure in PARTS.items():
            if part in parts:
                _take(part, measure, wanted.quick, report)
    _print(report)
    is_whole = parts == set(PARTS) and not wanted.quick
    output = wanted.output or (LATEST if is_whole else None)
    if output:
        output.write_text(json.dumps(report, indent=2) + "\n")
        print(f"written: {output}")
        if output == LATEST:
            readme.main()
    else:
        print(f"not written: only a whole run replaces {LATEST.name} (--output FILE writes elsewhere)")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [*PARTS, *KEYS]
    parser.add_argument("--only", action="append", default=[], metavar="NAME", choices=names, help="a part or a key")
    parser.add_argument("--quick", action="store_true", help="small worlds: whether it works, not how fast it is")
    parser.add_argument("--output", type=Path, metavar="FILE", help="where the JSON goes")
    return parser.parse_args()


def _take(part: str, measure: Callable[[bool], Measured], quick: bool, report: dict[str, Any]) -> None:
    print(f"{part} ...", file=sys.stderr, flush=True)
    began = time.monotonic()
    measured = measure(quick)
    report["parts"][part] = {
        "took_s": round(time.monotonic() - began, 1),
        "notes": measured.notes,
        **measured.behind,
    }
    for name, value in measured.values.items():
        if not math.isfinite(value):
            raise RuntimeError(f"{name} is {value}")
        key = KEYS[name]
        report["keys"][name] = {
            "value": round(value, 4),
            "unit": key.unit,
            "bar": key.bar,
            "good": key.good,
            "is_met": key.is_met(value),
            "how": key.how,
        }


def _print(report: dict[str, Any]) -> None:
    print("  ".join(f"{name}: {value}" for name, value in report["machine"].items()))
    if report["is_quick"]:
        print("A quick run on small worlds: no figure to be quoted.")
    words = {True: "met", False: "MISSED", None: ""}
    for name, found in report["keys"].items():
        value = f"{found['value']:,.4g}" if found["value"] < 1_000 else f"{found['value']:,.0f}"
        print(f"{name:<42} {value:>9} {found['unit']:<4} {KEYS[name].shown_bar():>10}  {words[found['is_met']]}")
    for part, behind in report["parts"].items():
        print(f"{part}: {json.dumps({k: v for k, v in behind.items() if v != []})}")


if __name__ == "__main__":
    sys.exit(main())
