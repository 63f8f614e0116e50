"""The statements that every stored page runs, compiled once for each database and sent as plain tuples.

SQLAlchemy still owns the pool, the dialect and the transaction; only its per-row parameter processing, which
costs more than the write itself, is left out.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection

from monitor.store.engine import among, is_postgres, mark
from monitor.store.rows import COLUMNS

COPY_FROM = 1_000  # rows; below that Postgres is as fast with executemany

_CHANGING = tuple(
    name for name in COLUMNS if name not in ("brand", "id", "native_id", "source_id", "seen_at", "is_history", "stirs")
)


def select_by_ids(
    connection: Connection, columns: str, table: str, brand: str, ids: Iterable[int], key: str = "id"
) -> Sequence[Any]:
    """The rows of one brand whose `key` is among these ids; one statement text whatever their number."""
    wanted = list(ids)
    if not wanted:
        return ()
    condition, parameter = among(connection, wanted)
    statement = f"SELECT {columns} FROM {table} WHERE brand = {mark(connection)} AND {key} {condition}"  # noqa: S608 - our own names
    return connection.exec_driver_sql(statement, (brand, parameter)).fetchall()


def upsert_comments(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write new and changed comments (tuples of COLUMNS).

    A row whose key is another comment's (an id collision: two in ten million million) is left as it stands.
    """
    if not rows:
        return
    if is_postgres(connection) and len(rows) >= COPY_FROM:
        _copy_and_merge(connection, rows)
    else:
        connection.exec_driver_sql(_upsert_statement(is_postgres(connection)), sorted(rows, key=_key))


@cache
def _upsert_statement(postgres: bool) -> str:
    marks = ", ".join(["%s" if postgres else "?"] * len(COLUMNS))
    return f"INSERT INTO comments ({', '.join(COLUMNS)}) VALUES ({marks}) {_on_conflict()}"  # noqa: S608


def _on_conflict() -> str:
    changes = ", ".join(f"{name} = excluded.{name}" for name in _CHANGING)
    return f"ON CONFLICT (brand, id) DO UPDATE SET {changes} WHERE comments.native_id = excluded.native_id"


def _copy_and_merge(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    names = ", ".join(COLUMNS)
    connection.exec_driver_sql("CREATE TEMP TABLE IF NOT EXISTS incoming (LIKE comments) ON COMMIT DELETE ROWS")
    connection.exec_driver_sql("TRUNCATE incoming")
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY incoming ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    connection.exec_driver_sql(f"INSERT INTO comments ({names}) SELECT {names} FROM incoming {_on_conflict()}")  # noqa: S608


def touch_threads(connection: Connection, rows: Sequence[tuple[Any, ...]], now_us: int) -> None:
    """Make these threads exist and be due now: tuples of (brand, id, source_id, platform, subject_id, title).

    The fencing number is incremented, so that a verdict being made from the old facts is refused.
    """
    if not rows:
        return
    statement = _TOUCH.format(marks=", ".join([mark(connection)] * 8))
    connection.exec_driver_sql(statement, [(*row, now_us, check_at_us(now_us)) for row in sorted(rows, key=_key)])


_TOUCH = (
    "INSERT INTO threads (brand, id, source_id, platform, subject_id, title, due_at, check_at) VALUES ({marks})"
    " ON CONFLICT (brand, id) DO UPDATE SET claim_no = threads.claim_no + 1,"
    " due_at = CASE WHEN threads.due_at < excluded.due_at THEN threads.due_at ELSE excluded.due_at END,"
    " subject_id = coalesce(threads.subject_id, excluded.subject_id),"
    " title = CASE WHEN threads.title = '' THEN excluded.title ELSE threads.title END,"
    " check_at = CASE WHEN threads.check_at < excluded.check_at THEN threads.check_at ELSE excluded.check_at END"
)


def _key(row: tuple[Any, ...]) -> tuple[Any, Any]:
    return row[0], row[1]  # one order for all writers, so that two transactions never wait for each other


FIRST_CHECK_US = 5 * 60 * 1_000_000


def check_at_us(now_us: int) -> int:
    """When a thread that has just changed is first looked at again."""
    return now_us + FIRST_CHECK_US
