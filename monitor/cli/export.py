"""heedful export: what is stored, written out."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from monitor.cli import show
from monitor.cli.call import DURATION, Call, complete_brand, pass_call
from monitor.core.phrasing import counted
from monitor.model import show_id

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from monitor.store.overview import ThreadOverview


@click.command()
@click.argument("what", type=click.Choice(["comments", "threads"]))
@click.option("--brand", "-b", multiple=True, shell_complete=complete_brand, help="Only this brand (may be repeated).")
@click.option("--since", type=DURATION, metavar="DURATION", help='Only what is younger ("30d").')
@click.option("--format", "form", default="jsonl", show_default=True, type=click.Choice(["jsonl", "csv"]))
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="A file; otherwise the terminal.")
@pass_call
def export(
    call: Call, /, what: str, brand: tuple[str, ...], since: timedelta | None, form: str, output: Path | None
) -> None:
    """Write out stored comments or threads, as JSON Lines or CSV."""
    from monitor.store import overview

    start = call.now - since if since else None
    with call.reading() as connection:
        brands = [call.known("brand", name) for name in brand] or overview.brands(connection)
        n = sum(overview.count(connection, what, name, start) for name in brands)
        rows = _rows(connection, what, brands, start)
        with _opened(output) as file:
            n_written = _write(show.watched(rows, n, f"Writing {what}") if output else rows, form, file)
    if output:
        show.hint(f"{counted(n_written, what.removesuffix('s'), what)} written to {output}.")


def _rows(connection: "Connection", what: str, brands: Iterable[str], start: Any) -> Iterator[dict[str, Any]]:
    from monitor.store import overview

    for brand in brands:
        if what == "threads":
            yield from map(_thread, overview.all_threads(connection, brand, start))
        else:
            yield from map(show.comment_fields, overview.all_comments(connection, brand, start))


def _thread(row: "ThreadOverview") -> dict[str, Any]:
    return {**asdict(row), "id": show_id(row.id)}


@contextmanager
def _opened(path: Path | None) -> Iterator[IO[str]]:
    """The output file, or standard output, which stays open."""
    if path is None:
        yield sys.stdout
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        yield file


def _write(rows: Iterator[dict[str, Any]], form: str, file: IO[str]) -> int:
    """Write every row; how many there were."""
    n = 0
    first = next(rows, None)
    if first is None:
        return n
    everything = chain([first], rows)
    if form == "csv":
        return show.csv_lines(list(first), (list(row.values()) for row in everything), file)
    for row in everything:
        show.json_line(row, file)
        n += 1
    return n
