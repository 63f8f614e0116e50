"""The due-queues: claim, release, mark due, lag. One shape for all seven.

A row is due when `due_at` has passed. Claiming pushes `due_at` a lease ahead and increments `claim_no`, the
fencing number: only who holds the present number may write the row's verdict. `mark_due` increments it too, so
that a verdict made from facts that have since moved is refused instead of overwriting them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Connection, CursorResult, Table, func, or_, select, update

from monitor.errors import ClaimLost
from monitor.store import schema
from monitor.store.engine import among, is_postgres, mark
from monitor.store.instants import from_us, opt_at, to_us

QUEUES: Mapping[str, Table] = {
    "sources": schema.sources,
    "threads": schema.threads,
    "alerts": schema.alerts,
    "deliveries": schema.deliveries,
    "links": schema.links,
    "second_opinions": schema.second_opinions,
    "digests": schema.digests,
}

Key = tuple[str, Any]

CHANNEL = "heedful"  # of Postgres, on which hosts wake each other (see store.wake)
NOTIFY = f"SELECT pg_notify('{CHANNEL}', %s)"


@dataclass(frozen=True, slots=True)
class Claim:
    """One claimed row: its key (brand, id) and the fencing number under which its verdict may be written."""

    brand: str
    id: Any
    claim_no: int

    @property
    def key(self) -> tuple[str, Any]:
        return self.brand, self.id


def is_any_due(connection: Connection, queue: str, now: datetime) -> bool:
    """Whether a claim would find anything: a read, so that an idle tick takes no write lock."""
    statement = f"SELECT 1 FROM {queue} WHERE due_at <= {mark(connection)} LIMIT 1"  # noqa: S608 - our own names
    return connection.exec_driver_sql(statement, (to_us(now),)).first() is not None


def next_after(connection: Connection, queue: str, now: datetime) -> datetime | None:
    """When the first row becomes due that is not due yet."""
    statement = f"SELECT due_at FROM {queue} WHERE due_at > {mark(connection)} ORDER BY due_at LIMIT 1"  # noqa: S608
    return opt_at(connection.exec_driver_sql(statement, (to_us(now),)).scalar())


def claim(connection: Connection, queue: str, now: datetime, lease: timedelta, limit: int) -> list[Claim]:
    """Take up to `limit` due rows, longest due first, for as long as the lease.

    On Postgres rows that another host is claiming at this moment are skipped.
    """
    one = mark(connection)
    statement = f"SELECT brand, id FROM {queue} WHERE due_at <= {one} ORDER BY due_at LIMIT {one}"  # noqa: S608
    if is_postgres(connection):
        statement += " FOR UPDATE SKIP LOCKED"
    found = connection.exec_driver_sql(statement, (to_us(now), limit))
    return claim_rows(connection, queue, [tuple(row) for row in found], now, lease)


def claim_rows(connection: Connection, queue: str, keys: Sequence[Key], now: datetime, lease: timedelta) -> list[Claim]:
    """Take these rows (brand, id) as far as they are still due; in the order given."""
    claims: list[Claim] = []
    for brand, ids in by_brand(keys).items():
        wanted, parameter = among(connection, ids)
        one = mark(connection)
        statement = (
            f"UPDATE {queue} SET due_at = {one}, claim_no = claim_no + 1"  # noqa: S608
            f" WHERE brand = {one} AND id {wanted} AND due_at <= {one} RETURNING brand, id, claim_no"
        )
        found = connection.exec_driver_sql(statement, (to_us(now + lease), brand, parameter, to_us(now)))
        claims += [Claim(*row) for row in found]
    order = {key: place for place, key in enumerate(keys)}
    return sorted(claims, key=lambda claimed: order[claimed.key])


def by_brand(keys: Iterable[Key]) -> dict[str, list[Any]]:
    """Ids by brand. Brand by brand is the form that both databases look up by index: a row value IN a list makes
    SQLite read every row of the brand.
    """
    found: dict[str, list[Any]] = {}
    for brand, row_id in keys:
        found.setdefault(brand, []).append(row_id)
    return found


def release(connection: Connection, queue: str, claimed: Claim, due_at: datetime | None, **values: Any) -> None:
    """Give a row back with its next due time (None: never by the clock) and its verdict's values.

    Raises: ClaimLost: the lease ended and another took the row, or the facts moved. Roll back; it is due again.
    """
    one = mark(connection)
    changes = ", ".join(f"{name} = {one}" for name in ("due_at", *values))
    statement = f"UPDATE {queue} SET {changes} WHERE brand = {one} AND id = {one} AND claim_no = {one}"  # noqa: S608
    verdict = (None if due_at is None else to_us(due_at), *values.values())
    if connection.exec_driver_sql(statement, (*verdict, *claimed.key, claimed.claim_no)).rowcount != 1:
        raise ClaimLost(f"the claim on {queue} {claimed.id} was lost")


def still_ours(connection: Connection, queue: str, claims: Sequence[Claim]) -> list[Claim]:
    """Those of these claims that still hold, locked until the transaction ends; the rest drop out alone."""
    present: dict[Key, int] = {}
    for brand, ids in by_brand([claimed.key for claimed in claims]).items():
        wanted, parameter = among(connection, ids)
        statement = f"SELECT id, claim_no FROM {queue} WHERE brand = {mark(connection)} AND id {wanted}"  # noqa: S608
        if is_postgres(connection):
            statement += " FOR UPDATE"
        for row_id, claim_no in connection.exec_driver_sql(statement, (brand, parameter)):
            present[brand, row_id] = claim_no
    return [claimed for claimed in claims if present.get(claimed.key) == claimed.claim_no]


def mark_due(connection: Connection, queue: str, keys: Iterable[Key], at: datetime) -> None:
    """Make rows due at this instant at the latest, and refuse the verdict of whoever is at work on them now."""
    rows = sorted(set(keys))
    if not rows:
        return
    one, at_us = mark(connection), to_us(at)
    statement = (
        f"UPDATE {queue} SET due_at = CASE WHEN due_at < {one} THEN due_at ELSE {one} END, claim_no = claim_no + 1"  # noqa: S608
        f" WHERE brand = {one} AND id = {one}"
    )
    connection.exec_driver_sql(statement, [(at_us, at_us, brand, row_id) for brand, row_id in rows])


def announce(connection: Connection, queue: str) -> None:
    """Wake the daemons on all hosts for this queue when this transaction commits; on SQLite nothing."""
    if is_postgres(connection):
        connection.exec_driver_sql(NOTIFY, (queue,))


def mark_all_due(connection: Connection, queue: str, condition: Any, at: datetime) -> int:
    """Make every row that meets a condition due now (a rule changed); how many that were."""
    table = QUEUES[queue]
    statement = (
        update(table)
        .where(condition, or_(table.c.due_at.is_(None), table.c.due_at > to_us(at)))
        .values(due_at=to_us(at), claim_no=table.c.claim_no + 1)
    )
    return int(cast("CursorResult[Any]", connection.execute(statement)).rowcount)


def lag(connection: Connection, queue: str, now: datetime) -> timedelta:
    """How long the oldest due row has waited to be worked on; zero when nothing is due.

    What waits for a channel that refuses us or asked for a pause does not wait for the daemon.
    """
    table = QUEUES[queue]
    statement = select(func.min(table.c.due_at)).where(table.c.due_at <= to_us(now))
    if queue == "deliveries":
        channels = schema.channels
        busy = or_(channels.c.held_since.is_not(None), channels.c.free_at > to_us(now))
        statement = statement.where(table.c.channel.not_in(select(channels.c.id).where(busy)))
    oldest = connection.execute(statement).scalar()
    return timedelta(0) if oldest is None else now - from_us(oldest)
