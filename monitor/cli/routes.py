"""heedful routes: who is told of what, tried on an alert and a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from monitor.cli import show
from monitor.cli.call import Call, complete_brand, pass_call
from monitor.cli.family import Family
from monitor.core.durations import show_duration
from monitor.core.phrasing import local_time
from monitor.model import Alert, Recipient, Severity

if TYPE_CHECKING:
    from monitor.core.routing import Route, Step
    from monitor.flows.rehearsing import Rehearsal, Scene


@click.group(cls=Family, invoke_without_command=True)
@click.pass_context
def routes(ctx: click.Context) -> None:
    """Show who is told of what, or try it on an alert and a time. Nobody is told."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_)


@dataclass(frozen=True, slots=True)
class Stored:
    """What only the store knows: calendars of rotas with how their fetching went, and channels that are dead."""

    calendars: Mapping[str, str]
    states: Mapping[str, tuple[datetime | None, str]]
    dead: frozenset[str]


def _stored(call: Call) -> Stored:
    """Nothing of it where there is no store yet."""
    from sqlalchemy.exc import SQLAlchemyError

    from monitor.errors import NotFound
    from monitor.store import outbox, rotas

    try:
        with call.reading() as connection:
            dead = frozenset(outbox.held_channels(connection))
            return Stored(rotas.load(connection), rotas.states(connection), dead)
    except (NotFound, SQLAlchemyError):
        return Stored({}, {}, frozenset())


@routes.command("list")
@pass_call
def list_(call: Call, /) -> None:
    """Show the tree of routes, the ladders, and who is on call now."""
    plan, stored = call.app.plan, _stored(call)
    for line in _tree(plan.routes):
        click.echo(line)
    if not plan.routes:
        click.echo("There are no routes: every alert goes to every channel that is nobody's own.")
    for name, ladder in plan.ladders.items():
        click.echo(f"\nladder {name}")
        for step in ladder:
            click.echo(f"  after {show_duration(step.after)}: {_targets(step)}")
    for name in plan.rotas:
        click.echo(f"\nrota {name}: {_on_call(call, name, stored, call.now)}")


def _tree(found: "Sequence[Route]", depth: int = 0) -> Iterator[str]:
    for each in found:
        yield "  " * depth + _route_line(each)
        yield from _tree(each.routes, depth + 1)


def _route_line(route: "Route") -> str:
    to = _targets(route) or "as above"
    ladder = f", ladder {route.ladder}" if route.ladder else ""
    further = ", and further routes" if route.continue_ else ""
    return f"{_matches(route)} -> {to}{ladder}{further}"


def _matches(route: "Route") -> str:
    several = {
        "brand": route.brand,
        "platform": route.platform,
        "rule": route.rule,
        "language": route.language,
    }
    words = [f"{what} {' or '.join(names)}" for what, names in several.items() if names]
    if route.severity:
        words.append(f"at least {route.severity}")
    named = f'"{route.name}": ' if route.name else ""
    return f"{named}{', '.join(words) or 'everything'}"


def _targets(targets: "Route | Step") -> str:
    return ", ".join((*targets.channels, *targets.people, *(f"on call in {rota}" for rota in targets.on_call)))


def _on_call(call: Call, name: str, stored: Stored, at: datetime) -> str:
    from monitor.flows.reaching import on_call

    plan = call.app.plan
    who = ", ".join(on_call(plan, stored.calendars, name, at)) or "nobody"
    if not plan.rotas[name].is_calendar:
        return who
    fetched_at, error = stored.states.get(name, (None, ""))
    when = f"calendar read {local_time(fetched_at, 'UTC')}" if fetched_at else "its calendar was never read"
    return f"{who} ({when}{f'; the last try failed: {show.words(error)}' if error else ''})"


@routes.command()
@click.argument("alert", required=False)
@click.option("--brand", "-b", default="", shell_complete=complete_brand, help="An alert of this brand.")
@click.option("--platform", "-p", default="", help="About this platform.")
@click.option(
    "--severity",
    default="high",
    show_default=True,
    type=click.Choice([each.value for each in Severity]),
    help="So urgent.",
)
@click.option("--rule", default="", help="Of this rule.")
@click.option("--language", default="", help='About comments in this language ("de").')
@click.option("--at", "typed_at", default="", help='First told then, on the brand\'s clock ("2026-12-24 22:00").')
@click.option("--json", "as_json", is_flag=True, help="JSON: one line.")
@pass_call
def test(call: Call, /, alert: str | None, typed_at: str, as_json: bool, **about: str) -> None:
    """Say who would be told of an alert, through which channels, when, and who after them; and why.

    It is either made of the options or a stored ALERT. Nobody is told.
    """
    from monitor.flows.rehearsing import rehearse

    tested, languages = _load(call, alert) if alert else _made(call, about)
    zone = call.settings.brands[tested.brand].timezone if tested.brand in call.settings.brands else "UTC"
    at = _instant(typed_at, zone) if typed_at else call.now
    stored = _stored(call)
    rehearsal = rehearse(call.app.plan, tested, languages, at, stored.calendars, stored.dead)
    if as_json:
        show.json_line(_json(rehearsal))
        return
    _print(rehearsal, tested, zone)
    if alert:
        click.echo(f"\nAs it is: {tested.status}; {show.words(tested.why, 300) or 'not looked at yet'}")


def _made(call: Call, about: dict[str, str]) -> tuple[Alert, frozenset[str]]:
    """An alert that nobody has had: of the only brand, and of the rule's own route, where they are not said."""
    settings = call.settings
    brand = about["brand"] or next(iter(settings.brands), "")
    if brand:
        call.known("brand", brand, settings.brands)
    call.known("rule", about["rule"], settings.rules.titles)
    route = next((rule.route for rule in settings.rules.rules if rule.name == about["rule"]), "")
    severity = Severity(about["severity"])
    alert = Alert(brand, 0, about["rule"], "", severity, "open", call.now, platform=about["platform"], route=route)
    return alert, frozenset(filter(None, [about["language"]]))


def _load(call: Call, typed: str) -> tuple[Alert, frozenset[str]]:
    """A stored alert and the languages of what it is about.

    Raises: NotFound.
    """
    from monitor.flows import reaching
    from monitor.store import acts, alerts

    with call.reading() as connection:
        key = acts.find(connection, "alert", typed)
        alert = alerts.load(connection, [key])[key]
        flags = alerts.flags_of(connection, alert.brand, [alert]).get(alert.id, [])
        return alert, reaching.languages(connection, alert.brand, flags)


def _instant(typed: str, zone: str) -> datetime:
    try:
        wall = datetime.fromisoformat(typed.strip())
    except ValueError:
        raise click.UsageError(f'"{typed}" is no time; write one like "2026-12-24 22:00"') from None
    return (wall if wall.tzinfo else wall.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def _print(rehearsal: "Rehearsal", alert: Alert, zone: str) -> None:
    about = [alert.brand, alert.platform, alert.rule, alert.severity.value]
    click.echo(f"An alert of {', '.join(filter(None, about))}:")
    for tried in rehearsal.tried:
        mark = click.style("taken", fg="green") if tried.is_taken else "-----"
        click.echo(f"  {mark}  {'  ' * tried.depth}{_route_line(tried.route)}: {tried.says}")
    if not any(tried.is_taken for tried in rehearsal.tried):
        click.echo("  No route matches: every channel that is nobody's own is told.")
    for scene in rehearsal.scenes:
        click.echo(f"\n{local_time(scene.at, zone)}: {scene.says}")
        for line in _whom(scene, zone):
            click.echo(f"  {line}")
    ladder = f"the ladder {rehearsal.ladder}" if rehearsal.ladder else "no ladder"
    click.echo(f"\nIf nobody takes it on: {ladder}, and the reminders go on. Budgets are not counted here.")


def _whom(scene: "Scene", zone: str) -> Iterator[str]:
    for each in scene.verdict.now:
        yield f"{_name(each)}: at once"
    for hold in scene.verdict.held:
        yield f"{_name(hold.recipient)}: held until {local_time(hold.until, zone)} ({hold.why})"
    if not scene.verdict.now and not scene.verdict.held:
        yield "nobody"


def _name(recipient: Recipient) -> str:
    return f"{recipient.channel} ({recipient.person})" if recipient.person else recipient.channel


def _json(rehearsal: "Rehearsal") -> dict[str, Any]:
    return {
        "routes": [
            {"route": _route_line(one.route), "depth": one.depth, "is_taken": one.is_taken, "why": one.says}
            for one in rehearsal.tried
        ],
        "ladder": rehearsal.ladder,
        "told": [
            {
                "at": scene.at,
                "reason": scene.reason,
                "says": scene.says,
                "now": [_recipient(each) for each in scene.verdict.now],
                "held": [
                    {**_recipient(hold.recipient), "until": hold.until, "why": hold.why} for hold in scene.verdict.held
                ],
            }
            for scene in rehearsal.scenes
        ],
    }


def _recipient(recipient: Recipient) -> dict[str, str]:
    return {"channel": recipient.channel, "person": recipient.person}
