"""Opening the store: one engine for SQLite and Postgres, with transactions that mean it.

SQLite write transactions begin IMMEDIATE: with a plain BEGIN a read-then-write transaction fails with "database
is locked" as soon as there is a second writer.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError

from monitor.errors import ConfigError

BUSY_TIMEOUT_MS = 30_000


def open_engine(url: str, *, pool_size: int = 16) -> Engine:
    """The engine for this URL (`sqlite:///file` or `postgresql://...`).

    Raises: ConfigError where the URL is not one or names another database; show it.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, pool_size=pool_size, max_overflow=8)
        event.listen(engine, "connect", _on_sqlite_connect)
        event.listen(engine, "begin", _on_sqlite_begin)
        return engine
    # Without prepared statements: after five runs Postgres plans a prepared one for any parameter, and then reads a
    # whole table to find that nothing is due. (A pooler between us and it would not keep them either.)
    return create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=8,
        pool_pre_ping=True,
        connect_args={"prepare_threshold": None},
    )


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigError("database", "url", 'is not a database URL; "sqlite:///heedful.db" is one') from None
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise ConfigError("database", "url", "names neither SQLite nor Postgres")
    return parsed


def _on_sqlite_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, below
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA cache_size = -16000")
    cursor.execute("PRAGMA temp_store = MEMORY")
    cursor.execute("PRAGMA wal_autocheckpoint = 10000")  # 40 MB: sooner would write the same busy pages again and again
    cursor.close()


def _on_sqlite_begin(connection: Connection) -> None:
    reads = connection.get_execution_options().get("heedful_reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A write transaction: committed at the end, rolled back by any exception."""
    with engine.begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A read transaction: one consistent view; takes no write lock."""
    with engine.connect().execution_options(heedful_reads=True) as connection, connection.begin():
        yield connection


def is_conflict(error: DBAPIError) -> bool:
    """Whether a transaction met another one (a deadlock, the same row made twice): nothing was written, do it again."""
    return isinstance(error, IntegrityError) or getattr(error.orig, "sqlstate", None) in ("40P01", "40001")


def is_postgres(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"


def mark(connection: Connection) -> str:
    """How the driver writes a parameter."""
    return "%s" if is_postgres(connection) else "?"


def among(connection: Connection, values: Sequence[Any]) -> tuple[str, Any]:
    """The condition that a column is one of these, as one parameter: one statement text whatever their number."""
    if is_postgres(connection):
        return "= ANY(%s)", list(values)
    return "IN (SELECT value FROM json_each(?))", json.dumps(list(values))
