"""heedful sources and poll: the watched places, and reading them now."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

import click

from monitor.cli import show
from monitor.cli.call import Call, complete_brand, complete_source, pass_call
from monitor.cli.endings import ATTENTION
from monitor.core.phrasing import counted, waiting
from monitor.errors import NotFound

if TYPE_CHECKING:
    from monitor.app import App
    from monitor.store.sources import SourceReport

COLUMNS = (
    show.Column("SOURCE"),
    show.Column("BRAND", flexible=True, least=6),
    show.Column("PLATFORM"),
    show.Column("READ", right=True),
    show.Column("NEXT", right=True),
    show.Column("STATE"),
    show.Column("UNREADABLE", right=True),
    show.Column("SAYS", flexible=True, least=24),
)


@click.command()
@click.option("--brand", "-b", default="", shell_complete=complete_brand, help="Only of this brand.")
@click.option("--failing", is_flag=True, help="Only those that are not well.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines.")
@pass_call
def sources(call: Call, /, brand: str, failing: bool, as_json: bool) -> None:
    """Show each watched place, when it was last read completely, and what is wrong with it."""
    from monitor.store import sources as store

    call.known("brand", brand)
    with call.reading() as connection:
        found = [one for one in store.report(connection) if not brand or one.brand == brand]
    _hint_at_new(call, {one.id for one in found}, brand)
    if failing:
        found = [one for one in found if state(one, call.now) not in ("well", "new")]
    if as_json:
        for one in found:
            show.json_line({**asdict(one), "state": state(one, call.now)})
    elif found:
        show.table(COLUMNS, [_row(one, call.now) for one in found])
    else:
        click.echo("Every source is well." if failing else "No source was read yet.")


def _hint_at_new(call: Call, there: set[str], brand: str) -> None:
    """Name the configured sources that no daemon knows of yet."""
    new = [name for name, of in call.glance.sources.items() if name not in there and (not brand or of == brand)]
    if new:
        shown = ", ".join(new[:5]) + (f" and {len(new) - 5:,} more" if len(new) > 5 else "")
        show.hint(f"Not taken up yet: {shown}. `heedful run` does so at its start, and on SIGHUP.")


def state(one: "SourceReport", now: datetime) -> str:
    """How a source stands, in one word."""
    if one.closed_at:
        return "closed"
    if one.held_until and one.held_until > now:
        return "waits"
    if one.n_failures:
        return "failing"
    return "well" if one.last_read_at else "new"


def _row(one: "SourceReport", now: datetime) -> list[str]:
    says = one.closed_reason or one.last_error or (one.hold_reason if one.held_until and one.held_until > now else "")
    failing = f"for {waiting(now - one.failing_since)}: " if one.failing_since and one.n_failures else ""
    return [
        one.id,
        one.brand,
        one.platform,
        f"{waiting(now - one.last_read_at)} ago" if one.last_read_at else "never",
        "-" if one.due_at is None else f"in {waiting(one.due_at - now)}" if one.due_at > now else "now",
        state(one, now),
        str(one.n_quarantined) if one.n_quarantined else "",
        f"{failing}{show.words(says, 300)}",
    ]


@click.command()
@click.argument("names", nargs=-1, metavar="[SOURCE]...", shell_complete=complete_source)
@click.option("--here", is_flag=True, help="In this process, without a daemon: read, assess, tell people, and end.")
@pass_call
def poll(call: Call, /, names: tuple[str, ...], here: bool) -> None:
    """Read sources now instead of when they are due; all of them if none is named.

    A running daemon does it; with --here this command does it itself (for cron). A source that was closed because the
    platform called it gone is opened again if it is named. Exit code 3: one of them is closed, or no daemon knows of
    it yet.
    """
    for name in names:
        call.known("source", name)
    wanted = names or tuple(call.glance.sources)
    if not wanted:
        raise NotFound("there are no sources in the configuration")
    if here:
        _poll_here(call, wanted)
        return
    from monitor.store import sources as store

    with call.writing() as connection:
        n = store.request_poll(connection, wanted, call.now, reopen=bool(names))
        there = {one.id: one for one in store.report(connection)} if n < len(wanted) else {}
    if n:
        click.echo(f"{counted(n, 'source is', 'sources are')} read as soon as the daemon looks.")
    if n < len(wanted):
        for name in wanted:
            if name not in there:
                click.echo(f"{name}: no daemon has taken it up yet; `heedful run` does, or --here reads it now")
            elif there[name].closed_at:
                click.echo(f"{name}: closed: {show.words(there[name].closed_reason, 300)}")
        raise SystemExit(ATTENTION)


def _poll_here(call: Call, wanted: tuple[str, ...]) -> None:
    from monitor import log
    from monitor.store import sources as store

    log.start(call.settings.daemon.log_format, level="warning")
    app = call.app
    app.upgrade()
    app.sync()
    with call.writing() as connection:
        store.request_poll(connection, wanted, app.now())
    n_pages = sum(1 for _ in pages(app))
    _assess_and_tell(app)
    click.echo(f"{counted(n_pages, 'page', 'pages')} read.")


def pages(app: "App") -> Iterator[str]:
    """Polls whatever source is due until none is, and says which."""
    from monitor.flows.memory import Memory
    from monitor.flows.poll import Poller
    from monitor.store import sources as store
    from monitor.store.engine import writing

    poller = Poller(app.engine, lambda: app.plan, Memory(), app.now, _no_one_to_wake)
    while True:
        with writing(app.engine) as connection:
            claims = store.claim(connection, app.now(), app.plan.lease, 10, {}, 10)
        if not claims:
            return
        for _account, claimed in claims:
            poller.poll(claimed)
            yield str(claimed.id)


def _assess_and_tell(app: "App") -> None:
    from monitor.flows import assess, notify
    from monitor.flows.deliver import Deliverer
    from monitor.store import outbox
    from monitor.store.engine import writing

    while assess.assess_due(app.engine, app.plan, app.now, _no_one_to_wake):
        pass
    while notify.notify_due(app.engine, app.plan, app.now, _no_one_to_wake):
        pass
    deliverer = Deliverer(app.engine, lambda: app.plan, app.now, _no_one_to_wake)
    while True:
        with writing(app.engine) as connection:
            waiting_now = outbox.waiting_channels(connection, app.now())
            claims = outbox.claim(connection, waiting_now, app.now(), app.plan.lease)
        if not claims:
            return
        for _, claimed in claims:
            deliverer.deliver(claimed)


def _no_one_to_wake(_queue: str) -> None:
    """The loops here look at their queues themselves."""
