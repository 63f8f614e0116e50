"""heedful step, and the room of a crisis as `heedful alerts ALERT` prints it: its plan, step by step."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from monitor.cli import show
from monitor.cli.call import Call, pass_call
from monitor.core.phrasing import counted
from monitor.errors import NotFound
from monitor.model import Alert, Section, show_id

if TYPE_CHECKING:
    from sqlalchemy import Connection

_LONGEST = 1_000


@click.command()
@click.argument("alert")
@click.argument("number", type=click.IntRange(1, 99), metavar="NUMBER")
@click.option("--done", is_flag=True, help="It is done.")
@click.option("--undo", is_flag=True, help="Nobody has it, and it is not done.")
@pass_call
def step(call: Call, /, alert: str, number: int, done: bool, undo: bool) -> None:
    """Take on a step of an alert's plan, or say that it is done; everybody's messages show it."""
    from monitor.store import acts, alerts, steps

    if done and undo:
        raise click.UsageError("say --done or --undo, not both")
    with call.writing() as connection:
        key = acts.find(connection, "alert", alert)
        found = alerts.load(connection, [key])[key]
        _check(call, found, number)
        if undo:
            steps.give_back(connection, found, number, call.now)
        else:
            (steps.finish if done else steps.take)(connection, found, number, call.who, call.now)
    says = "is nobody's again" if undo else f"is done, says {call.who}" if done else f"taken on by {call.who}"
    click.echo(f"{show_id(found.id)[: show.ID_LENGTH]}  step {number} {says}")


def _check(call: Call, alert: Alert, number: int) -> None:
    """Raises: NotFound: the alert is over, or its plan has no such step."""
    shown = show_id(alert.id)[: show.ID_LENGTH]
    if alert.status == "resolved":
        raise NotFound(f"alert {shown} is resolved already")
    playbook = call.settings.playbooks.get(alert.playbook)
    n = len(playbook.steps) if playbook else 0
    if number > n:
        raise NotFound(f"the plan of alert {shown} has {counted(n, 'step', 'steps')}")


def sections(call: Call, connection: "Connection", alert: Alert) -> Sequence[Section]:
    """The room of a crisis as it stands now; nothing for any other alert."""
    from monitor.flows import crisis
    from monitor.store import threads

    if alert.status == "resolved" or not crisis.is_crisis(alert):
        return ()
    flags = crisis.flags_told(connection, alert.brand, [alert]).get(alert.id, [])
    rows = threads.load_rows(connection, alert.brand, [flag.thread_id for flag in flags])
    n_inhibited = len({flag.thread_id for flag in flags if flag.alert_id != alert.id})
    return crisis.sections(connection, call.app.plan, alert, flags, rows, n_inhibited, call.now)


def lines(found: Sequence[Section]) -> Iterator[str]:
    """The room in lines for a terminal."""
    for section in found:
        yield ""
        yield show.words(section.heading, _LONGEST)
        for line in section.lines:
            yield f"  {show.words(line.text, _LONGEST)}"
            if line.link:
                yield f"    {show.words(line.link, _LONGEST)}"
