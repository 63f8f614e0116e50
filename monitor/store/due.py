"""The due-queues: claim, release, mark due, lag. One shape for sources, threads, alerts and deliveries.

A row is due when `due_at` has passed. Claiming pushes `due_at` a lease ahead and increments `claim_no`, the
fencing number: only who holds the present number may write the row's verdict. `mark_due` increments it too, so
that a verdict made from facts that have since moved is refused instead of overwriting them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    CursorResult,
    Table,
    and_,
    bindparam,
    case,
    false,
    func,
    or_,
    select,
    update,
)

from monitor.errors import ClaimLost
from monitor.store import schema
from monitor.store.engine import is_postgres
from monitor.store.instants import from_us, to_us

QUEUES: Mapping[str, Table] = {
    "sources": schema.sources,
    "threads": schema.threads,
    "alerts": schema.alerts,
    "deliveries": schema.deliveries,
}

Key = tuple[str, Any]


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
    table = QUEUES[queue]
    return connection.execute(select(table.c.id).where(table.c.due_at <= to_us(now)).limit(1)).first() is not None


def claim(connection: Connection, queue: str, now: datetime, lease: timedelta, limit: int) -> list[Claim]:
    """Take up to `limit` due rows, longest due first, for as long as the lease.

    On Postgres rows that another host is claiming at this moment are skipped.
    """
    table = QUEUES[queue]
    due = select(table.c.brand, table.c.id).where(table.c.due_at <= to_us(now)).order_by(table.c.due_at).limit(limit)
    return claim_selected(connection, queue, due, now, lease)


def claim_selected(connection: Connection, queue: str, due: Any, now: datetime, lease: timedelta) -> list[Claim]:
    """Take the rows that this SELECT of (brand, id) names, as far as they are still due."""
    table = QUEUES[queue]
    if is_postgres(connection):
        due = due.with_for_update(skip_locked=True, of=table)
    keys = [tuple(row) for row in connection.execute(due)]
    if not keys:
        return []
    statement = (
        update(table)
        .where(is_among(table, keys), table.c.due_at <= to_us(now))
        .values(due_at=to_us(now + lease), claim_no=table.c.claim_no + 1)
        .returning(table.c.brand, table.c.id, table.c.claim_no)
    )
    order = {key: place for place, key in enumerate(keys)}
    claims = [Claim(*row) for row in connection.execute(statement)]
    return sorted(claims, key=lambda claimed: order[claimed.key])


def is_among(table: Table, keys: Sequence[Key]) -> ColumnElement[bool]:
    """The condition that a row's (brand, id) is one of these, in the form that both databases look up by index.

    A row value IN a list is no such form: SQLite then reads every row of the brand.
    """
    by_brand: dict[str, list[Any]] = {}
    for brand, row_id in keys:
        by_brand.setdefault(brand, []).append(row_id)
    return or_(false(), *(and_(table.c.brand == brand, table.c.id.in_(ids)) for brand, ids in by_brand.items()))


def release(connection: Connection, queue: str, claimed: Claim, due_at: datetime | None, **values: Any) -> None:
    """Give a row back with its next due time (None: never by the clock) and its verdict's values.

    Raises: ClaimLost: the lease ended and another took the row, or the facts moved. Roll back; it is due again.
    """
    table = QUEUES[queue]
    statement = (
        update(table)
        .where(table.c.brand == claimed.brand, table.c.id == claimed.id, table.c.claim_no == claimed.claim_no)
        .values(due_at=None if due_at is None else to_us(due_at), **values)
    )
    if cast("CursorResult[Any]", connection.execute(statement)).rowcount != 1:
        raise ClaimLost(f"the claim on {queue} {claimed.id} was lost")


def still_ours(connection: Connection, queue: str, claims: Sequence[Claim]) -> list[Claim]:
    """Those of these claims that still hold, locked until the transaction ends; the rest drop out alone."""
    table = QUEUES[queue]
    keys = [claimed.key for claimed in claims]
    statement = select(table.c.brand, table.c.id, table.c.claim_no).where(is_among(table, keys))
    if is_postgres(connection):
        statement = statement.with_for_update()
    present = {(row[0], row[1]): row[2] for row in connection.execute(statement)}
    return [claimed for claimed in claims if present.get(claimed.key) == claimed.claim_no]


def mark_due(connection: Connection, queue: str, keys: Iterable[Key], at: datetime) -> None:
    """Make rows due at this instant at the latest, and refuse the verdict of whoever is at work on them now."""
    rows = sorted(set(keys))
    if rows:
        named = [{"k_brand": brand, "k_id": row_id, "at": to_us(at)} for brand, row_id in rows]
        connection.execute(_mark_statement(QUEUES[queue]), named)


@cache
def _mark_statement(table: Table) -> Any:
    at = bindparam("at", type_=BigInteger)
    return (
        update(table)
        .where(table.c.brand == bindparam("k_brand"), table.c.id == bindparam("k_id"))
        .values(due_at=case((table.c.due_at < at, table.c.due_at), else_=at), claim_no=table.c.claim_no + 1)
    )


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
    """How long the oldest due row has waited to be worked on; zero when nothing is due."""
    table = QUEUES[queue]
    oldest = connection.execute(select(func.min(table.c.due_at)).where(table.c.due_at <= to_us(now))).scalar()
    return timedelta(0) if oldest is None else now - from_us(oldest)
