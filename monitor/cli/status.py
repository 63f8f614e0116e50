"""heedful status: how heedful itself is doing."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from monitor.cli import show
from monitor.cli.call import Call, pass_call
from monitor.cli.endings import ATTENTION
from monitor.core.phrasing import counted, local_time, waiting
from monitor.files import shipped

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from monitor.store.overview import SourcesStand

LATE = timedelta(minutes=5)  # a queue that is so far behind is not being worked
LATELY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything that `heedful status` tells."""

    revision: str | None
    wanted_revision: str
    lags: dict[str, timedelta]
    sources: "SourcesStand"
    held_accounts: list[tuple[str, datetime, str]]
    held_channels: dict[str, str]
    deliveries: dict[tuple[str, str], int]
    n_quarantined: int
    backlog: dict[str, tuple[int, datetime | None]] = field(default_factory=dict)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@pass_call
def status(call: Call, /, as_json: bool) -> None:
    """Say how heedful itself is doing: queues, sources, channels, backlog. Exit code 3: something needs you."""
    from monitor.store import migrate

    present, wanted = migrate.present(call.engine), migrate.newest(shipped("migrations"))
    if present != wanted:
        click.echo(f"The database is at revision {present or 'none'}, this version wants {wanted}: heedful db upgrade")
        raise SystemExit(ATTENTION)
    with call.reading() as connection:
        standing = _look(connection, call.now, present, wanted)
    troubles = list(_troubles(standing, call.now))
    if as_json:
        show.json_line(_as_json(standing, troubles))
    else:
        _print(call, standing, troubles)
    if troubles:
        raise SystemExit(ATTENTION)


def _look(connection: "Connection", now: datetime, present: str | None, wanted: str) -> Standing:
    from monitor.store import backlog, due, outbox, overview

    return Standing(
        present,
        wanted,
        {queue: due.lag(connection, queue, now) for queue in due.QUEUES},
        overview.sources_stand(connection),
        overview.held_accounts(connection, now),
        outbox.held_channels(connection),
        outbox.counts(connection),
        overview.n_quarantined(connection, LATELY, now),
        {
            brand: (sum(backlog.counts(connection, brand).values()), backlog.oldest(connection, brand))
            for brand in overview.brands(connection)
        },
    )


def _troubles(standing: Standing, now: datetime) -> Iterator[str]:
    """What needs a person, each with what to do."""
    for queue, lag in standing.lags.items():
        if lag > LATE:
            yield f"The queue of {queue} is {waiting(lag)} behind: is `heedful run` running?"
    if standing.sources.n_failing:
        yield f"{counted(standing.sources.n_failing, 'source fails', 'sources fail')}: heedful sources --failing"
    for account, until, reason in standing.held_accounts:
        yield f"The account {account} waits another {waiting(until - now)}: {show.words(reason, 300)}"
    for channel, reason in standing.held_channels.items():
        yield f"The channel {channel} takes no messages: {show.words(reason, 300)}"
    for (channel, state), n in standing.deliveries.items():
        if state == "abandoned":
            yield f"{counted(n, 'message', 'messages')} to {channel} never arrived"


def _print(call: Call, standing: Standing, troubles: list[str]) -> None:
    sources = standing.sources
    read_at = f", last read {waiting(call.now - sources.last_read_at)} ago" if sources.last_read_at else ""
    closed = f", {sources.n_closed} closed" if sources.n_closed else ""
    click.echo(f"Sources: {sources.n - sources.n_failing} of {sources.n} well{closed}{read_at}")
    behind = {queue: lag for queue, lag in standing.lags.items() if lag > timedelta(seconds=10)}
    click.echo(
        f"Queues: {', '.join(f'{queue} {waiting(lag)} behind' for queue, lag in behind.items()) or 'up to date'}"
    )
    pending = sum(n for (_, state), n in standing.deliveries.items() if state == "pending")
    sent = sum(n for (_, state), n in standing.deliveries.items() if state == "sent")
    click.echo(f"Messages: {sent:,} sent, {pending:,} waiting")
    if standing.n_quarantined:
        click.echo(f"Unreadable since yesterday: {counted(standing.n_quarantined, 'payload', 'payloads')}")
    for brand, (n, oldest) in standing.backlog.items():
        since = f", the longest for {waiting(call.now - oldest)}" if oldest else ""
        zone = call.glance.timezone(brand)
        click.echo(
            f"Backlog of {brand} ({local_time(call.now, zone)}): {counted(n, 'thread waits', 'threads wait')}{since}"
        )
    for trouble in troubles:
        click.echo(click.style(trouble, fg="red") if show.has_colour() else f"! {trouble}")


def _as_json(standing: Standing, troubles: list[str]) -> dict[str, Any]:
    sources = standing.sources
    return {
        "revision": standing.revision,
        "lag_s": {queue: lag.total_seconds() for queue, lag in standing.lags.items()},
        "sources": {name: getattr(sources, name) for name in sources.__dataclass_fields__},
        "held_accounts": [{"id": a, "until": until, "reason": why} for a, until, why in standing.held_accounts],
        "held_channels": standing.held_channels,
        "deliveries": [{"channel": c, "status": s, "n": n} for (c, s), n in standing.deliveries.items()],
        "n_quarantined": standing.n_quarantined,
        "backlog": {brand: {"n": n, "oldest": oldest} for brand, (n, oldest) in standing.backlog.items()},
        "troubles": troubles,
    }
