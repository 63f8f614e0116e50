"""heedful alerts, ack and snooze: what people are being told about."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from monitor.cli import crisis, show
from monitor.cli.call import DURATION, Call, complete_brand, pass_call
from monitor.cli.thread import flag_lines
from monitor.core.phrasing import counted, local_time, waiting
from monitor.model import Alert, AlertStatus, show_id

if TYPE_CHECKING:
    from sqlalchemy import Connection

COLUMNS = (
    show.Column("ID"),
    show.Column("SEVERITY"),
    show.Column("STATUS"),
    show.Column("RULE", flexible=True),
    show.Column("BRAND", flexible=True, least=6),
    show.Column("PLATFORM"),
    show.Column("THREADS", right=True),
    show.Column("OPEN FOR", right=True),
    show.Column("TOLD", right=True),
    show.Column("WITH", flexible=True, least=6),
    show.Column("SAYS", flexible=True, least=20),
)


@click.command()
@click.argument("alert", required=False)
@click.option("--brand", "-b", default="", shell_complete=complete_brand, help="Only this brand.")
@click.option("--all", "with_resolved", is_flag=True, help="Resolved ones too.")
@click.option("--limit", "-n", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many at most.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines.")
@pass_call
def alerts(call: Call, /, alert: str | None, brand: str, with_resolved: bool, limit: int, as_json: bool) -> None:
    """Show what people are being told about; with an ALERT, its threads and why they were flagged.

    Of a crisis also its room: the damage, who has it, and the steps of its plan.
    """
    from monitor.store import alerts as store

    call.known("brand", brand)
    if alert:
        _show_one(call, alert, as_json)
        return
    statuses: list[AlertStatus] = ["open", "acknowledged"]
    if with_resolved:
        statuses.append("resolved")
    with call.reading() as connection:
        found = store.listing(connection, brand or None, statuses, limit)
    if as_json:
        for one in found:
            _print_json(one)
    elif found:
        show.table(COLUMNS, [_row(one, call.now) for one in found])
    else:
        click.echo("No alert is open.")


def _row(alert: Alert, now: datetime) -> list[str]:
    return [
        show_id(alert.id)[: show.ID_LENGTH],
        alert.severity.value,
        "snoozed" if alert.snoozed_until and alert.snoozed_until > now else alert.status,
        alert.rule,
        alert.brand,
        alert.platform,
        str(len(alert.members)),
        waiting((alert.resolved_at or now) - alert.opened_at),
        str(alert.n_told),
        alert.acknowledged_by,
        show.words(alert.says),
    ]


def _print_json(alert: Alert) -> None:
    show.json_line({**asdict(alert), "id": show_id(alert.id)})


def _show_one(call: Call, typed: str, as_json: bool) -> None:
    from monitor.store import alerts as store

    with call.reading() as connection:
        alert = _find(connection, typed)
        flags = store.flags_of(connection, alert.brand, [alert]).get(alert.id, [])
        room = crisis.sections(call, connection, alert)
    if as_json:
        told = {"flags": [show.flag_fields(flag) for flag in flags], "room": [asdict(section) for section in room]}
        show.json_line({**asdict(alert), "id": show_id(alert.id), **told})
        return
    zone = call.glance.timezone(alert.brand)
    click.echo(f"{show_id(alert.id)}  {alert.brand}, {alert.rule}: {alert.severity.value}, {alert.status}")
    click.echo(f"Opened {local_time(alert.opened_at, zone)}; told {counted(alert.n_told, 'time', 'times')}")
    for at, says in (
        (alert.acknowledged_at, f"Taken on by {show.words(alert.acknowledged_by)}"),
        (alert.snoozed_until, "Snoozed until"),
        (alert.resolved_at, "Resolved"),
    ):
        if at:
            click.echo(f"{says}, {local_time(at, zone)}")
    if alert.step and alert.status == "open":
        click.echo(f"Nobody has taken it on: {counted(alert.step, 'step', 'steps')} of its ladder told")
    if alert.n_reopened:
        click.echo(f"Come up again {counted(alert.n_reopened, 'time', 'times')}")
    if alert.why:
        click.echo(f"Now: {show.words(alert.why, 1_000)}")
    if alert.says:
        click.echo(show.words(alert.says, 1_000))
    for line in crisis.lines(room):
        click.echo(line)
    for flag in flags:
        click.echo()
        click.echo(f"thread {show_id(flag.thread_id)}")
        for line in flag_lines(flag, zone):
            click.echo(line)


def _find(connection: "Connection", typed: str) -> Alert:
    """The alert whose id begins so.

    Raises: NotFound.
    """
    from monitor.store import acts
    from monitor.store import alerts as store

    key = acts.find(connection, "alert", typed)
    return store.load(connection, [key])[key]


@click.command()
@click.argument("alerts", nargs=-1, required=True, metavar="ALERT...")
@click.option("--back", is_flag=True, help="Hand it back: nobody has it, and people are asked again.")
@pass_call
def ack(call: Call, /, alerts: tuple[str, ...], back: bool) -> None:
    """Take an alert on: nobody further up is asked, and reminders are rare."""
    from monitor.store import alerts as store

    with call.writing() as connection:
        found = [_find(connection, typed) for typed in alerts]
        for one in found:
            if one.status != "resolved" and back:
                store.hand_back(connection, one, call.now)
            elif one.status != "resolved":
                store.acknowledge(connection, one, call.who, call.now)
    done = "handed back" if back else f"taken on by {call.who}"
    for one in found:
        says = "is resolved already" if one.status == "resolved" else done
        click.echo(f"{show_id(one.id)[: show.ID_LENGTH]}  {says}")


@click.command()
@click.argument("alerts", nargs=-1, required=True, metavar="ALERT...")
@click.option("--for", "duration", type=DURATION, required=True, metavar="DURATION", help='How long ("2h", "1d").')
@pass_call
def snooze(call: Call, /, alerts: tuple[str, ...], duration: timedelta) -> None:
    """Tell nobody about an alert for a while; `heedful thread snooze` is for the backlog."""
    from monitor.store import alerts as store

    with call.writing() as connection:
        found = [_find(connection, typed) for typed in alerts]
        for one in found:
            store.snooze(connection, one, call.now + duration, call.now)
    for one in found:
        click.echo(f"{show_id(one.id)[: show.ID_LENGTH]}  snoozed for {waiting(duration)}")
