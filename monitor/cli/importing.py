"""heedful import: comments that were exported elsewhere, as history."""

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli import show
from monitor.cli.call import Call, complete_brand, pass_call
from monitor.cli.endings import ATTENTION
from monitor.core.phrasing import counted
from monitor.errors import ConfigErrors
from monitor.model import Source

if TYPE_CHECKING:
    from monitor.app import App
    from monitor.flows.importing import TakenIn
    from monitor.flows.plan import Reader


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--brand", "-b", required=True, shell_complete=complete_brand, help="The brand that they are about.")
@click.option("--platform", "-p", default="file", show_default=True, help="Where they were said.")
@click.option("--source", "-s", default="", help="What to call their source; otherwise import-<name of the file>.")
@click.option("--column", "columns", multiple=True, metavar="FIELD=COLUMN", help="Which column fills which field.")
@click.option("--constant", "constants", multiple=True, metavar="FIELD=VALUE", help="What a field is where none does.")
@click.option(
    "--time", "times", multiple=True, metavar="FORM", help='How times are written: "iso", "epoch", "%d/%m/%y".'
)
@click.option(
    "--option", "options", multiple=True, metavar="KEY=VALUE", help="Any other setting of `heedful connectors file`."
)
@pass_call
def import_(
    call: Call, /, file: Path, brand: str, platform: str, source: str, columns: Sequence[str],
    constants: Sequence[str], times: Sequence[str], options: Sequence[str],
) -> None:  # fmt: skip
    """Take in a JSON Lines or CSV file of comments (.gz too). None of them alerts; importing again changes nothing.

    Fields are native_id, text, created_at, author_native_id, author_name, parent_native_id and the rest that
    `heedful connectors file` names. Exit code 3: some rows could not be read (they are kept in quarantine).
    """
    from monitor import log

    log.start(call.settings.daemon.log_format, level="warning")
    call.known("brand", brand, call.settings.brands)
    given: dict[str, Any] = {
        **_pairs(options, "--option"),
        "path": str(file.resolve()),
        "columns": _pairs(columns, "--column"),
        "constants": _pairs(constants, "--constant"),
        "settle": "0s",
        "rows_per_page": 1_000,
        **({"times": list(times)} if times else {}),
    }
    app = call.app
    app.upgrade()
    named = source or f"import-{file.name.split('.')[0]}"
    since = Source(named, brand, platform, f"source:{named}", None, call.now, call.now)
    totals = _take_in(app, _reader(given, app), since, call.now)
    _assess(app)
    _sum_up(totals)


def _pairs(given: Sequence[str], option: str) -> dict[str, str]:
    pairs = {}
    for pair in given:
        key, separator, value = pair.partition("=")
        if not separator or not key:
            raise click.BadParameter(f'"{pair}" is not of the form name=value', param_hint=option)
        pairs[key.strip()] = value
    return pairs


def _reader(given: dict[str, Any], app: "App") -> "Reader":
    """The file connector with the settings that were typed.

    Raises: ConfigErrors.
    """
    import os

    from monitor.app import parts
    from monitor.settings.reading import Reading

    found = parts()[0]["file"]
    reading = Reading("the import", Path(), os.environ)
    settings = reading.read(found.Settings, _listed(given), "file")
    if settings is None:
        raise ConfigErrors(reading.errors)
    reader: Reader = found(settings, app.http)
    return reader


def _listed(given: dict[str, Any]) -> dict[str, Any]:
    """Settings that are lists are typed with commas between their parts."""
    return {
        key: value.split(",") if key in ("header", "inbound_values") and isinstance(value, str) else value
        for key, value in given.items()
    }


def _take_in(app: "App", reader: "Reader", source: Source, now: datetime) -> "list[TakenIn]":
    from monitor.flows.importing import take_in

    totals, n = [], 0
    for taken in take_in(app.engine, reader, source, now, app.plan.own_signals):
        totals.append(taken)
        n += taken.n_new + taken.n_edited + taken.n_unchanged
        _progress(f"{n:,} comments read")
    return totals


def _assess(app: "App") -> None:
    n = 0
    for claimed in _batches(app):
        n += claimed
        _progress(f"{n:,} threads assessed")
    _progress("")


def _batches(app: "App") -> Iterator[int]:
    from monitor.flows.assess import assess_due

    while claimed := assess_due(app.engine, app.plan, app.now, lambda _queue: None):
        yield claimed


def _progress(says: str) -> None:
    """One line that changes, when a person is watching."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{says}", nl=False, err=True)


def _sum_up(totals: "list[TakenIn]") -> None:
    n_new, n_same = sum(t.n_new for t in totals), sum(t.n_unchanged for t in totals)
    n_edited, n_unread = sum(t.n_edited for t in totals), sum(t.n_unread for t in totals)
    click.echo(f"{counted(n_new, 'comment', 'comments')} taken in, {n_edited:,} changed, {n_same:,} known already.")
    if n_unread:
        click.echo(f"{counted(n_unread, 'row', 'rows')} could not be read:")
        for error in list(dict.fromkeys(error for taken in totals for error in taken.errors))[:5]:
            click.echo(f"  {show.words(error, 300)}")
        raise SystemExit(ATTENTION)
