"""Quarantine: payloads that could not be read, kept raw, so that nothing is lost while its neighbours go on."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from monitor.model import make_id
from monitor.store import schema
from monitor.store.instants import to_us


def keep(connection: Connection, brand: str, source_id: str, unread: Sequence[tuple[str, str]], now: datetime) -> int:
    """Keep payloads that could not be read, as (error, payload); the same one again is kept once."""
    if not unread:
        return 0
    table = schema.quarantine
    rows = {
        make_id(brand, source_id, payload): {
            "brand": brand,
            "source_id": source_id,
            "received_at": to_us(now),
            "error": error[:2_000],
            "payload": payload[:200_000],
        }
        for error, payload in unread
    }
    known = set(connection.execute(select(table.c.id).where(table.c.id.in_(rows))).scalars())
    new = [{"id": row_id, **row} for row_id, row in rows.items() if row_id not in known]
    if new:
        connection.execute(insert(table), new)
    return len(new)


def n_by_source(connection: Connection, since: datetime) -> dict[str, int]:
    """How many unreadable payloads each source has brought since an instant; those with none are left out."""
    table = schema.quarantine
    statement = select(table.c.source_id, func.count()).where(table.c.received_at >= to_us(since))
    return {row[0]: row[1] for row in connection.execute(statement.group_by(table.c.source_id))}
