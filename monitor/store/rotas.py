"""Calendars of who is on call, as last fetched: kept while a fetch fails."""

from datetime import datetime

from sqlalchemy import Connection, select

from monitor.store import schema
from monitor.store.engine import is_postgres
from monitor.store.instants import opt_at, to_us

_T = schema.rotas


def load(connection: Connection) -> dict[str, str]:
    """The text of each rota's calendar that was ever fetched."""
    return {row.id: row.calendar for row in connection.execute(select(_T.c.id, _T.c.calendar)) if row.calendar}


def states(connection: Connection) -> dict[str, tuple[datetime | None, str]]:
    """When each calendar was last fetched, and what went wrong at the last try."""
    rows = connection.execute(select(_T.c.id, _T.c.fetched_at, _T.c.last_error))
    return {row.id: (opt_at(row.fetched_at), row.last_error) for row in rows}


def keep(connection: Connection, rota: str, calendar: str, now: datetime) -> None:
    _set(connection, rota, fetched_at=to_us(now), calendar=calendar, last_error="")


def note_failure(connection: Connection, rota: str, error: str) -> None:
    """The calendar that there is stays in use."""
    _set(connection, rota, last_error=error[:500])


def _set(connection: Connection, rota: str, **values: int | str) -> None:
    from sqlalchemy.dialects.postgresql import insert as postgres_insert
    from sqlalchemy.dialects.sqlite import insert as sqlite_insert

    insert = postgres_insert if is_postgres(connection) else sqlite_insert
    connection.execute(insert(_T).values(id=rota, **values).on_conflict_do_update(index_elements=["id"], set_=values))
