"""`python -m tests.backfill [--platform NAME] [--small]`: the table, and as JSON the last line."""

import argparse
import json
import logging
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from time import monotonic

import click
import structlog

from tests.backfill.brand import FULL, SMALL
from tests.backfill.cases import CASES
from tests.backfill.harness import Found, Harness

_HEADS = ("platform", "shown", "stored", "read in", "requests", "spent", "most/window", "budget", "day after", "late")


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.backfill", description=__doc__)
    parser.add_argument("--platform", action="append", help="only this one; may be given several times")
    parser.add_argument("--small", action="store_true", help="6 posts and 90 comments")
    asked = parser.parse_args(arguments)
    chosen = [case for case in CASES if not asked.platform or case.name in asked.platform]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    found: list[Found] = []
    click.echo(_row(_HEADS))
    for case in chosen:
        began = monotonic()
        with tempfile.TemporaryDirectory() as folder:
            one = Harness(case, SMALL if asked.small else FULL, Path(folder)).run()
        found.append(one)
        click.echo("  ".join([_row(_cells(one)), f"{monotonic() - began:.0f} s", *one.wrong]))
    click.echo(json.dumps([asdict(one) for one in found]))
    return int(any(one.wrong for one in found))


def _cells(one: Found) -> tuple[str, ...]:
    late = ", ".join(f"{what} {'never' if at is None else f'{at:g}'}" for what, at in one.late.items())
    stated = f" of {one.stated:g} min" if one.stated is not None else ""
    return (
        one.platform,
        f"{one.shown}",
        f"{one.stored}",
        f"{one.read_in:g} min",
        f"{one.requests}",
        f"{one.spent:g} {one.unit}",
        f"{one.most_in_window:g}",
        "none" if one.budget is None else f"{one.budget:g}",
        f"{one.a_day_after:g}",
        (late or "none") + stated,
    )


def _row(cells: tuple[str, ...]) -> str:
    widths = (20, 6, 6, 10, 8, 16, 11, 8, 9, 40)
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


if __name__ == "__main__":
    sys.exit(main())
