"""Raw SQL upserts of every row that the pipeline leaves behind: what its CPU time is compared with."""

import sqlite3
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Table

from benchmarks.pipeline import cpu, opened
from monitor.store import schema
from monitor.store.engine import reading

TABLES = (schema.comments, schema.threads, schema.flags, schema.alerts, schema.notices, schema.deliveries)

Rows = dict[str, Sequence[tuple[Any, ...]]]


def rows_of(engine: Engine) -> Rows:
    """Every row of these tables, in the order in which they were written first."""
    with reading(engine) as connection:
        return {
            table.name: [
                tuple(row)
                for row in connection.exec_driver_sql(f"SELECT {_columns(table)} FROM {table.name} ORDER BY rowid")
            ]
            for table in TABLES
        }


def upserts(directory: Path, rows: Rows, n_transactions: int) -> float:
    """CPU seconds of writing these rows into empty tables with the same indexes, an even share a transaction."""
    opened(f"sqlite:///{directory}/everything.db").dispose()
    connection = sqlite3.connect(directory / "everything.db", isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "cache_size = -16000", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
    shares = [(_upsert(table), list(_shares(rows[table.name], n_transactions))) for table in TABLES]

    def write() -> None:
        for number in range(n_transactions):
            connection.execute("BEGIN IMMEDIATE")
            for statement, parts in shares:
                connection.executemany(statement, parts[number])
            connection.execute("COMMIT")

    spent = cpu(write)
    connection.close()
    return spent


def _columns(table: Table) -> str:
    return ", ".join(f'"{column.name}"' for column in table.columns)


def _upsert(table: Table) -> str:
    key = {column.name for column in table.primary_key}
    changes = ", ".join(f'"{c.name}" = excluded."{c.name}"' for c in table.columns if c.name not in key)
    condition = " WHERE excluded.content_hash <> comments.content_hash" if table is schema.comments else ""
    return (
        f"INSERT INTO {table.name} ({_columns(table)}) VALUES ({', '.join('?' * len(table.columns))})"
        f" ON CONFLICT ({', '.join(sorted(key))}) DO UPDATE SET {changes}{condition}"
    )


def _shares(rows: Sequence[tuple[Any, ...]], n: int) -> list[Sequence[tuple[Any, ...]]]:
    edges = [len(rows) * number // n for number in range(n + 1)]
    return [rows[start:end] for start, end in pairwise(edges)]
