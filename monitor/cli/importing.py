"""heedful import: comments that were exported elsewhere, or that an archive holds, as history."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_origin

import click

from monitor.cli import show
from monitor.cli.call import Call, complete_brand, pass_call
from monitor.cli.endings import ATTENTION
from monitor.core.phrasing import counted
from monitor.errors import ConfigErrors, NotFound
from monitor.model import Source

if TYPE_CHECKING:
    from monitor.app import App
    from monitor.flows.importing import TakenIn
    from monitor.flows.plan import Reader


_USUAL = {"settle": "0s", "rows_per_page": 1_000}  # nobody writes to the file any more


@click.command("import")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option("--brand", "-b", required=True, shell_complete=complete_brand, help="The brand that they are about.")
@click.option("--connector", "reads_it", default="file", show_default=True, metavar="NAME",
              help="What reads it: any that has a path, such as google_plus for a Takeout archive.")  # fmt: skip
@click.option("--platform", "-p", default="", help="Where they were said; otherwise what the connector says.")
@click.option("--source", "-s", default="", help="What to call their source; otherwise import-<name of the file>.")
@click.option("--column", "columns", multiple=True, metavar="FIELD=COLUMN", help="Which column fills which field.")
@click.option("--constant", "constants", multiple=True, metavar="FIELD=VALUE", help="What a field is where none does.")
@click.option(
    "--time", "times", multiple=True, metavar="FORM", help='How times are written: "iso", "epoch", "%d/%m/%y".'
)
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    help="Any other setting that `heedful connectors NAME` shows.",
)
@pass_call
def import_(
    call: Call, /, file: Path, brand: str, reads_it: str, platform: str, source: str, columns: Sequence[str],
    constants: Sequence[str], times: Sequence[str], options: Sequence[str],
) -> None:  # fmt: skip
    """Take in a JSON Lines or CSV file of comments (.gz too), or what another connector reads from a path.

    None of them alerts; importing again changes nothing. Fields of a file are native_id, text, created_at,
    author_native_id, author_name, parent_native_id and the rest that `heedful connectors file` names. Exit code 3: some
    rows could not be read (they are kept in quarantine).
    """
    from monitor import log

    log.start(call.settings.daemon.log_format, level="warning")
    call.known("brand", brand, call.settings.brands)
    mapped = {
        "columns": _pairs(columns, "--column"),
        "constants": _pairs(constants, "--constant"),
        "times": list(times),
    }
    given: dict[str, Any] = {
        **_pairs(options, "--option"),
        "path": str(file.resolve()),
        **{name: value for name, value in mapped.items() if value},
    }
    app = call.app
    app.upgrade()
    reader = _reader(reads_it, given, app)
    named = source or f"import-{file.name.split('.')[0]}"
    since = Source(named, brand, platform or reader.platform, f"source:{named}", None, call.now, call.now)
    totals = _take_in(app, reader, since, call.now)
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


def _reader(name: str, given: dict[str, Any], app: "App") -> Any:
    """The connector of this name with the settings that were typed.

    Raises: ConfigErrors; NotFound, where there is none or it reads no path.
    """
    import os

    from monitor.app import parts
    from monitor.settings.reading import Reading

    found = _that_reads_a_path(name, parts()[0])
    reading = Reading("the import", Path(), os.environ)
    usual = {key: value for key, value in _USUAL.items() if key in found.Settings.model_fields}
    settings = reading.read(found.Settings, _listed(found.Settings, usual | given), name)
    if settings is None:
        raise ConfigErrors(reading.errors)
    return found(settings, app.http)


def _that_reads_a_path(name: str, there: Mapping[str, Any]) -> Any:
    from monitor.core.nearest import nearest

    if name not in there and ":" not in name:
        raise NotFound(f'there is no connector "{name}"{nearest(name, there)}')
    found = there[name]
    if "path" not in found.Settings.model_fields:
        raise NotFound(f'the connector "{name}" reads no file or folder; configure it as a source')
    return found


def _listed(model: type[Any], given: dict[str, Any]) -> dict[str, Any]:
    """Settings that are lists are typed with commas between their parts."""
    lists = {name for name, info in model.model_fields.items() if get_origin(info.annotation) in (tuple, list)}
    return {key: value.split(",") if key in lists and isinstance(value, str) else value for key, value in given.items()}


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
    for note in filter(None, (taken.note for taken in totals)):
        click.echo(show.words(note, 300))
    n_edited, n_unread = sum(t.n_edited for t in totals), sum(t.n_unread for t in totals)
    click.echo(f"{counted(n_new, 'comment', 'comments')} taken in, {n_edited:,} changed, {n_same:,} known already.")
    if n_unread:
        click.echo(f"{counted(n_unread, 'row', 'rows')} could not be read:")
        for error in list(dict.fromkeys(error for taken in totals for error in taken.errors))[:5]:
            click.echo(f"  {show.words(error, 300)}")
        raise SystemExit(ATTENTION)
