"""What hints need of the store: how sources stand, and what was named and waits to be read by its id."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, func, select, update

from monitor.core.hints import Named, Standing
from monitor.store import schema
from monitor.store.instants import from_us, to_us

_T = schema.hints
MOST = 500  # that wait for one source; what is named beyond is not remembered
MOST_TRIES = 5


def standings(connection: Connection, source_ids: Iterable[str], now: datetime) -> list[Standing]:
    """How these sources stand."""
    t, accounts = schema.sources, schema.accounts
    is_held = accounts.c.held_until > to_us(now)
    columns = (t.c.id, t.c.own_author_ids, t.c.next_poll_at, t.c.closed_at, t.c.n_failures, t.c.poll_requested)
    statement = (
        select(*columns, func.coalesce(is_held, False), t.c.due_at)
        .join(accounts, accounts.c.id == t.c.account, isouter=True)
        .where(t.c.id.in_(list(source_ids)))
    )
    return [
        Standing(
            id=row[0],
            own_author_ids=frozenset(json.loads(row[1])),
            next_poll_at=from_us(row[2]),
            is_closed=row[3] is not None,
            is_failing=row[4] > 0,
            is_requested=bool(row[5]) or (row[2] <= to_us(now) and row[7] is not None and row[7] <= to_us(now)),
            is_held=bool(row[6]),
        )
        for row in connection.execute(statement)
    ]


def note(connection: Connection, source_id: str, named: Sequence[Named], now: datetime) -> int:
    """Remember what was named until its source has read it; how many of these were new."""
    known = set(connection.execute(select(_T.c.native_id).where(_T.c.source_id == source_id)).scalars())
    new = {one.native_id: one for one in named if one.native_id not in known}
    rows = [
        {
            "source_id": source_id,
            "native_id": one.native_id,
            "subject_native_id": one.subject_native_id,
            "root_native_id": one.root_native_id,
            "noted_at": to_us(now),
        }
        for one in list(new.values())[: max(0, MOST - len(known))]
    ]
    if rows:
        connection.execute(_T.insert(), rows)
    return len(rows)


def waiting(connection: Connection, source_id: str, limit: int) -> list[Named]:
    """What was named and has not been read, the least tried and then the oldest first."""
    columns = (_T.c.native_id, _T.c.subject_native_id, _T.c.root_native_id)
    statement = (
        select(*columns).where(_T.c.source_id == source_id).order_by(_T.c.n_tries, _T.c.noted_at, _T.c.native_id)
    )
    return [Named(*row) for row in connection.execute(statement.limit(limit))]


def done(connection: Connection, source_id: str, native_ids: Sequence[str]) -> None:
    """Forget what was read."""
    if native_ids:
        connection.execute(delete(_T).where(_T.c.source_id == source_id, _T.c.native_id.in_(native_ids)))


def failed(connection: Connection, source_id: str, native_ids: Sequence[str]) -> int:
    """Count a try that failed; how many were tried too often and are forgotten."""
    if not native_ids:
        return 0
    ours = (_T.c.source_id == source_id, _T.c.native_id.in_(native_ids))
    connection.execute(update(_T).where(*ours).values(n_tries=_T.c.n_tries + 1))
    return connection.execute(delete(_T).where(*ours, _T.c.n_tries >= MOST_TRIES)).rowcount


def forget_old(connection: Connection, before: datetime) -> int:
    """Forget what nobody has read for so long (its source is closed, or no longer there)."""
    return connection.execute(delete(_T).where(_T.c.noted_at < to_us(before))).rowcount
