"""heedful digest: what a digest would say now; nothing is sent and nothing is marked as told."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from monitor.cli import show
from monitor.cli.call import Call, complete_brand, pass_call

if TYPE_CHECKING:
    from monitor.core.digests import Told

KINDS = ("morning", "weekly", "held")


@click.command()
@click.argument("kind", type=click.Choice(KINDS), default="morning")
@click.option("--brand", "-b", default="", shell_complete=complete_brand, help="Only this brand.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines.")
@pass_call
def digest(call: Call, /, kind: str, brand: str, as_json: bool) -> None:
    """Print the morning's backlog, the week, or what is held for whom at present. Nothing is sent."""
    call.known("brand", brand, call.settings.brands)
    reports = [report for name in ([brand] if brand else call.settings.brands) for report in _reports(call, name, kind)]
    if as_json:
        for report, told in reports:
            show.json_line({**report, **asdict(told)})
        return
    for place, (report, told) in enumerate(reports):
        if place:
            click.echo()
        _print(report, told)
    if not reports:
        click.echo("Nothing is held." if kind == "held" else "There is no brand.")


def _reports(call: Call, brand: str, kind: str) -> list[tuple[dict[str, Any], "Told"]]:
    """What each digest of a brand would say; of what is held there is one for each recipient."""
    from monitor.flows import digests

    plan = call.app.plan
    with call.reading() as connection:
        if kind != "held":
            told = digests.preview(connection, plan, brand, "weekly" if kind == "weekly" else "morning", call.now)
            return [({"brand": brand, "kind": kind}, told)]
        return [
            ({"brand": brand, "kind": kind, "channel": whom.channel, "person": whom.person, "due_at": due_at}, told)
            for whom, due_at, told in digests.waiting(connection, plan, brand)
        ]


def _print(report: dict[str, Any], told: "Told") -> None:
    whom = report.get("person") or report.get("channel")
    head = " · ".join([report["brand"], told.title, *([f"for {whom}"] if whom else [])])
    click.echo(click.style(show.words(head), bold=show.has_colour()))
    click.echo(show.words(told.says, 300))
    for section in told.sections:
        click.echo(f"\n{show.words(section.heading)}")
        for line in section.lines:
            click.echo(f"  {show.words(line.text, 300)}")
            if line.link:
                click.echo(f"    {show.words(line.link, 500)}")
