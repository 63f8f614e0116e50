"""heedful silence: nothing is sent, everything is recorded."""

from dataclasses import asdict
from datetime import timedelta

import click

from monitor.cli import show
from monitor.cli.call import DURATION, Call, complete_brand, complete_source, pass_call
from monitor.cli.family import Family
from monitor.core.phrasing import local_time, waiting
from monitor.errors import NotFound
from monitor.model import Severity, Silence, make_id, show_id

COLUMNS = (
    show.Column("ID"),
    show.Column("BRAND"),
    show.Column("SILENCES", flexible=True, least=20),
    show.Column("STARTS IN", right=True),
    show.Column("ENDS IN", right=True),
    show.Column("BY", flexible=True, least=6),
    show.Column("WHY", flexible=True, least=10),
)


@click.group(cls=Family)
def silence() -> None:
    """Tell nobody about some alerts for a while; everything is still recorded."""


@silence.command()
@click.option(
    "--brand", "-b", default="", shell_complete=complete_brand, help="Of this brand; needed if there are several."
)
@click.option("--for", "duration", type=DURATION, required=True, metavar="DURATION", help='How long ("2h", "3d").')
@click.option("--in", "start", type=DURATION, default=timedelta(0), metavar="DURATION", help="Beginning only then.")
@click.option("--rule", default="", help="Only alerts of this rule.")
@click.option("--platform", "-p", default="", help="Only alerts about this platform.")
@click.option("--source", "-s", default="", shell_complete=complete_source, help="Only alerts about this source.")
@click.option(
    "--severity",
    default="",
    type=click.Choice(["", *Severity]),
    show_choices=False,
    help="Only this severity and what is less urgent.",
)
@click.option("--why", "-m", "comment", default="", help="The reason, for the record.")
@pass_call
def add(
    call: Call, /, brand: str, duration: timedelta, start: timedelta, rule: str, platform: str, source: str,
    severity: str, comment: str,
) -> None:  # fmt: skip
    """Begin a silence; what you do not name is silenced whatever it is."""
    from monitor.store import alerts

    brand = _the_brand(call, brand)
    call.known("source", source)
    if rule:
        call.known("rule", rule, call.settings.rules.titles)
    made = Silence(
        id=make_id(
            brand, "silence", f"{call.now.isoformat()} {call.who} {rule} {platform} {source} {severity} {start}"
        ),
        brand=brand,
        starts_at=call.now + start,
        ends_at=call.now + start + duration,
        created_by=call.who,
        comment=comment,
        rule=rule,
        platform=platform,
        source_id=source,
        severity=severity,
    )
    with call.writing() as connection:
        alerts.add_silence(connection, made)
    until = local_time(made.ends_at, call.glance.timezone(brand))
    click.echo(f"{show_id(made.id)[: show.ID_LENGTH]}  {_matches(made)} of {brand}: silent until {until}")


def _the_brand(call: Call, brand: str) -> str:
    if brand:
        return call.known("brand", brand)
    if len(call.glance.brands) == 1:
        return next(iter(call.glance.brands))
    raise click.UsageError(f"name the brand: --brand {'|'.join(call.glance.brands) or 'NAME'}")


def _matches(silence: Silence) -> str:
    named = {
        "rule": silence.rule,
        "platform": silence.platform,
        "source": silence.source_id,
        "severity": silence.severity,
    }
    return ", ".join(f"{what} {name}" for what, name in named.items() if name) or "everything"


@silence.command("list")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines.")
@pass_call
def list_(call: Call, /, as_json: bool) -> None:
    """Show the silences that are not over."""
    from monitor.store import alerts

    with call.reading() as connection:
        found = alerts.load_silences(connection, call.now)
    if as_json:
        for one in found:
            show.json_line({**asdict(one), "id": show_id(one.id)})
    elif found:
        show.table(COLUMNS, [_row(call, one) for one in found])
    else:
        click.echo("Nothing is silenced.")


def _row(call: Call, one: Silence) -> list[str]:
    starts = waiting(one.starts_at - call.now) if one.starts_at > call.now else ""
    ends = waiting(one.ends_at - call.now)
    return [show_id(one.id)[: show.ID_LENGTH], one.brand, _matches(one), starts, ends, one.created_by, one.comment]


@silence.command()
@click.argument("silence")
@pass_call
def expire(call: Call, /, silence: str) -> None:
    """End a silence now; what it held back is told if it still stands."""
    from monitor.store import alerts

    with call.writing() as connection:
        there = alerts.load_silences(connection, call.now)
        found = [one for one in there if len(silence) >= 4 and show_id(one.id).startswith(silence.strip().lower())]
        if len(found) != 1:
            shown = ", ".join(show_id(one.id)[: show.ID_LENGTH] for one in there) or "none"
            raise NotFound(f'no single silence begins with "{silence}"; there are: {shown}')
        alerts.end_silence(connection, found[0].id, call.now)
    click.echo(f"{show_id(found[0].id)[: show.ID_LENGTH]}  ended")
