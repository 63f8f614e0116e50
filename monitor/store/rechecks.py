"""When each thread's comments are looked at again, for edits, deletions and late replies that no page shows."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from monitor.store.engine import mark
from monitor.store.instants import from_us, opt_at, opt_us, to_us


def known_to_check(
    connection: Connection, source_id: str, until: datetime, limit: int
) -> list[tuple[str, int, datetime]]:
    """Threads of a source that are to be looked at again until then, as (brand, id, when), the first due first."""
    one = mark(connection)
    statement = (
        "SELECT brand, id, check_at FROM threads"  # noqa: S608
        f" WHERE source_id = {one} AND check_at <= {one} ORDER BY check_at LIMIT {one}"
    )
    found = connection.exec_driver_sql(statement, (source_id, to_us(until), limit))
    return [(row[0], row[1], from_us(row[2])) for row in found]


def next_check_at(connection: Connection, source_id: str) -> datetime | None:
    """When the next thread of a source is due for another look. Every poll asks: the statement is sent as it is."""
    statement = f"SELECT min(check_at) FROM threads WHERE source_id = {mark(connection)} AND check_at IS NOT NULL"  # noqa: S608
    return opt_at(connection.exec_driver_sql(statement, (source_id,)).scalar())


def set_check_at(connection: Connection, checks: Iterable[tuple[str, int, datetime | None]]) -> None:
    """When each of these threads (brand, id) is next looked at again; None: no more."""
    one = mark(connection)
    rows = [(opt_us(at), brand, thread_id) for brand, thread_id, at in sorted(checks, key=lambda check: check[:2])]
    if rows:
        statement = f"UPDATE threads SET check_at = {one} WHERE brand = {one} AND id = {one}"  # noqa: S608
        connection.exec_driver_sql(statement, rows)
