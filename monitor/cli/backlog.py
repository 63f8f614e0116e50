"""heedful backlog: who waits for an answer."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from monitor.cli import show
from monitor.cli.call import DURATION, Call, complete_brand, complete_source, pass_call
from monitor.core.phrasing import counted, waiting
from monitor.model import Severity, parse_id_prefix, show_id

if TYPE_CHECKING:
    from monitor.store.backlog import Filters, Waiting

COLUMNS = (
    show.Column("ID"),
    show.Column("SEVERITY"),
    show.Column("WAITING", right=True),
    show.Column("BRAND", flexible=True, least=6),
    show.Column("SOURCE", flexible=True),
    show.Column("AUTHOR", flexible=True),
    show.Column("SAYS", flexible=True, least=24),
    show.Column("WITH", flexible=True, least=6),
)
FIELDS = (
    "shown_id", "brand", "source_id", "platform", "severity", "standing", "awaiting_since", "last_at", "author_name",
    "excerpt", "title", "permalink", "n_comments", "assignee", "snoozed_until",
)  # fmt: skip


@click.command()
@click.option("--brand", "-b", multiple=True, shell_complete=complete_brand, help="Only this brand (may be repeated).")
@click.option("--platform", "-p", default="", help="Only this platform.")
@click.option("--source", "-s", default="", shell_complete=complete_source, help="Only this source.")
@click.option("--severity", type=click.Choice([level.value for level in Severity]), help="Only this severity.")
@click.option("--older-than", type=DURATION, metavar="DURATION", help='Only who has waited longer ("2h", "3d").')
@click.option("--assignee", "-a", default="", help="Only what this person takes care of.")
@click.option("--text", "-t", default="", help="Only threads in which this is said.")
@click.option("--all", "with_snoozed", is_flag=True, help="Snoozed threads too.")
@click.option("--limit", "-n", default=25, show_default=True, type=click.IntRange(1, 10_000), help="How many at most.")
@click.option("--after", metavar="PLACE", help="Go on after this place (a full page names it).")
@click.option("--json", "form", flag_value="json", help="JSON Lines.")
@click.option("--csv", "form", flag_value="csv", help="CSV.")
@pass_call
def backlog(call: Call, /, limit: int, after: str | None, form: str | None, **wanted: Any) -> None:
    """Show who waits for an answer, most urgent first, and of these who has waited longest."""
    from monitor.store import backlog as store

    filters = _filters(call, **wanted)
    place = parse_place(after) if after else None
    with call.reading() as connection:
        lines = store.page(connection, filters, call.now, limit, place)
    {"json": _print_json, "csv": _print_csv}.get(form or "", print_table)(call, lines)
    if len(lines) == limit:
        show.hint(f"There may be more: --after {show_place(lines[-1].place)}")


def _filters(
    call: Call, brand: Sequence[str], source: str, severity: str | None, older_than: timedelta | None, **plain: Any
) -> "Filters":
    from monitor.store.backlog import Filters

    return Filters(
        brands=[call.known("brand", name) for name in brand] or list(call.glance.brands),
        source_id=_source(call, source),
        severity=severity or "",
        waiting_since=call.now - older_than if older_than else None,
        **plain,
    )


def _source(call: Call, name: str) -> str:
    """The name of a source: of the configuration, or one that something was imported as.

    Raises: NotFound.
    """
    if name in call.glance.sources or not name:
        return name
    from monitor.store import overview

    with call.reading() as connection:
        there = [*call.glance.sources, *overview.source_ids(connection)]
    return call.known("source", name, dict.fromkeys(there))


def print_table(call: Call, lines: "list[Waiting]") -> None:
    """Who waits, for a person to read."""
    if not lines:
        click.echo("Nobody waits.")
        return
    several = len({line.brand for line in lines}) > 1
    show.table(COLUMNS, [_row(line, call.now, several) for line in lines])
    oldest = min(line.awaiting_since for line in lines)
    show.hint(f"{counted(len(lines), 'thread', 'threads')}; the longest has waited {waiting(call.now - oldest)}.")


def _row(line: "Waiting", now: datetime, with_brand: bool) -> list[str]:
    return [
        line.shown_id[: show.ID_LENGTH],
        line.severity or "-",
        waiting(now - line.awaiting_since),
        line.brand if with_brand else "",
        line.source_id,
        show.words(line.author_name, 60),
        show.words(line.excerpt),
        line.assignee,
    ]


def _print_json(call: Call, lines: "list[Waiting]") -> None:
    for line in lines:
        values = {"id" if name == "shown_id" else name: getattr(line, name) for name in FIELDS}
        waited = round((call.now - line.awaiting_since).total_seconds())
        show.json_line({**values, "waiting_s": waited, "place": show_place(line.place)})


def _print_csv(call: Call, lines: "list[Waiting]") -> None:
    titles = ["id", *FIELDS[1:], "waiting_s"]
    show.csv_lines(
        titles,
        (
            [*(getattr(line, name) for name in FIELDS), round((call.now - line.awaiting_since).total_seconds())]
            for line in lines
        ),
    )


def show_place(place: tuple[int, int, int]) -> str:
    """A place in the backlog as people copy it."""
    return f"{place[0]}.{place[1]}.{show_id(place[2])}"


def parse_place(typed: str) -> tuple[int, int, int]:
    rank, _, rest = typed.partition(".")
    since, _, shown = rest.partition(".")
    first, last = parse_id_prefix(shown)
    if not (rank.isdigit() and since.lstrip("-").isdigit() and first == last):
        raise click.BadParameter(
            f'"{typed}" is no place in the backlog; copy one from a full page', param_hint="--after"
        )
    return int(rank), int(since), first
