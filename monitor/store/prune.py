"""Deleting what is finished and old, in batches small enough that nobody waits for the lock."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, select

from monitor.store import schema
from monitor.store.due import by_brand
from monitor.store.instants import to_us

BATCH = 500


def finished_deliveries(connection: Connection, before: datetime) -> int:
    """Forget deliveries that were sent or abandoned before an instant, and notices that have none left."""
    table, notices = schema.deliveries, schema.notices
    done = select(table.c.brand, table.c.id).where(table.c.due_at.is_(None), table.c.created_at < to_us(before))
    n_gone = _n(_delete(connection, table, done))
    left = select(table.c.id).where(table.c.brand == notices.c.brand, table.c.notice_id == notices.c.id).exists()
    held = schema.held
    of_notice = (held.c.brand == notices.c.brand, held.c.notice_id == notices.c.id)
    waits = select(held.c.id).where(*of_notice, held.c.released_at.is_(None)).exists()
    untold = select(notices.c.brand, notices.c.id).where(notices.c.created_at < to_us(before), ~left, ~waits)
    for brand, ids in _delete(connection, notices, untold).items():
        quotes = schema.quotes
        connection.execute(delete(quotes).where(quotes.c.brand == brand, quotes.c.notice_id.in_(ids)))
    return n_gone


def released(connection: Connection, before: datetime) -> int:
    """Forget what was held and has been told in a digest before an instant."""
    table = schema.held
    return _n(_delete(connection, table, select(table.c.brand, table.c.id).where(table.c.released_at < to_us(before))))


def old_quarantine(connection: Connection, before: datetime, source_id: str = "") -> int:
    """Forget payloads that nobody could read since, of all sources or of one."""
    table = schema.quarantine
    old = select(table.c.brand, table.c.id).where(table.c.received_at < to_us(before))
    if source_id:
        old = old.where(table.c.source_id == source_id)
    return _n(_delete(connection, table, old))


def ended_silences(connection: Connection, before: datetime) -> int:
    """Forget silences that have long been over."""
    table = schema.silences
    return _n(_delete(connection, table, select(table.c.brand, table.c.id).where(table.c.ends_at < to_us(before))))


def _delete(connection: Connection, table: Table, chosen: Any) -> dict[str, list[Any]]:
    found = by_brand([(row[0], row[1]) for row in connection.execute(chosen.limit(BATCH))])
    for brand, ids in found.items():
        connection.execute(delete(table).where(table.c.brand == brand, table.c.id.in_(ids)))
    return found


def _n(deleted: dict[str, list[Any]]) -> int:
    return sum(len(ids) for ids in deleted.values())
