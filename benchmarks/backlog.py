"""The backlog and an idle sweep with a million comments, against ten thousand: both must not notice the size."""

from collections.abc import Callable
from datetime import timedelta
from statistics import median
from time import perf_counter
from typing import Any

from sqlalchemy import Connection, Engine

from benchmarks.world import BASE
from monitor.store import backlog, due
from monitor.store.engine import is_postgres, reading, writing
from monitor.store.instants import to_us

BRAND = "bakery"
NOW = BASE + timedelta(days=30)
_RUNS = 60


def fill(engine: Engine, n_comments: int) -> None:
    """Comments, a thread for every three, one thread in five awaiting; nothing is due."""
    with writing(engine) as connection:
        numbers = _numbers(connection, n_comments)
        base = to_us(BASE)
        connection.exec_driver_sql(
            "INSERT INTO comments (brand, id, source_id, platform, native_id, thread_id, kind, text, author_key, details,"
            " content_hash, created_at, seen_at, is_history, signals, signals_version)"
            f" SELECT '{BRAND}', n, 's', 'tube', 'c' || n, n - n % 3, 'comment',"
            " 'Do you have any of the rye bread left today, or shall I come tomorrow? ' || n, 'p' || n % 997,"
            f" '{{\"author\":{{\"name\":\"Kim\"}}}}', n, {base} + n, {base}, false, '{{\"angry\":0.1}}', 'v1' FROM {numbers}"
        )
        connection.exec_driver_sql(
            "INSERT INTO threads (brand, id, source_id, platform, n_comments, last_at, awaiting_since, rank, excerpt)"
            f" SELECT '{BRAND}', n, 's', 'tube', 3, {base} + n,"
            f" CASE WHEN n % 5 = 0 THEN {base} + n END, CASE WHEN n % 7 = 0 THEN 10 WHEN n % 11 = 0 THEN 20 ELSE 50 END,"
            f" 'Do you have any of the rye bread left' FROM {numbers} WHERE n % 3 = 0"
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT", heedful_reads=True) as connection:
        connection.exec_driver_sql("ANALYZE")


def _numbers(connection: Connection, n: int) -> str:
    if is_postgres(connection):
        return f"generate_series(0, {n - 1}) AS numbers(n)"
    return f"(WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < {n - 1}) SELECT n FROM numbers)"


def pages(engine: Engine) -> dict[str, float]:
    """Median milliseconds of the first page and of the page at nine tenths of the backlog's depth."""
    with reading(engine) as connection:
        n_waiting = sum(backlog.counts(connection, BRAND).values())
        deep = connection.exec_driver_sql(
            f"SELECT rank, awaiting_since, id FROM threads WHERE brand = '{BRAND}' AND awaiting_since IS NOT NULL"
            f" ORDER BY rank, awaiting_since, id LIMIT 1 OFFSET {n_waiting * 9 // 10}"
        ).one()
        after = (deep[0], deep[1], deep[2])
        filters = backlog.Filters(brands=(BRAND,))
        return {
            "first": _ms(lambda: backlog.page(connection, filters, NOW, 50)),
            "deep": _ms(lambda: backlog.page(connection, filters, NOW, 50, after)),
        }


def idle_sweep(engine: Engine) -> float:
    """Median milliseconds to see that no thread is due."""
    with reading(engine) as connection:
        assert not due.is_any_due(connection, "threads", NOW)
        return _ms(lambda: due.is_any_due(connection, "threads", NOW))


def _ms(work: Callable[[], Any]) -> float:
    times = []
    for _ in range(_RUNS):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return median(times) * 1_000
