"""The backlog and an idle sweep with a million comments, against ten thousand: both must not notice the size."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from sqlalchemy import Connection, Engine

from benchmarks import postgres
from benchmarks.figures import Measured
from benchmarks.world import BASE
from monitor.files import shipped
from monitor.store import backlog, due, migrate
from monitor.store.engine import is_postgres, open_engine, reading, writing
from monitor.store.instants import to_us

BRAND = "bakery"
NOW = BASE + timedelta(days=30)
PAGE = 50

Milliseconds = dict[str, dict[str, float]]  # by size ("small", "large") and what was asked


def measure(quick: bool) -> Measured:
    small, large, n_runs = (10_000, 50_000, 20) if quick else (10_000, 1_000_000, 300)
    found: dict[str, Milliseconds] = {}
    notes: list[str] = []
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="heedful-bench-")))
        sqlite = {"small": f"sqlite:///{directory}/small.db", "large": f"sqlite:///{directory}/large.db"}
        found["sqlite"] = _timed(_filled(stack, sqlite, {"small": small, "large": large}), n_runs)
        if server := stack.enter_context(postgres.server()):
            ours = {"small": server.new_database(), "large": server.new_database()}
            found["postgres"] = _timed(_filled(stack, ours, {"small": small, "large": large}), n_runs)
        else:
            notes.append(f"Postgres left out: {postgres.MISSING}")
    return _result(found, notes)


def _filled(stack: ExitStack, urls: dict[str, str], n_comments: dict[str, int]) -> dict[str, Engine]:
    engines = {size: open_engine(url) for size, url in urls.items()}
    for size, engine in engines.items():
        stack.callback(engine.dispose)
        migrate.upgrade(engine, shipped("migrations"))
        fill(engine, n_comments[size])
    return engines


def _timed(engines: dict[str, Engine], n_runs: int) -> Milliseconds:
    """Median times of each question, the small store and the large asked in turn."""
    with ExitStack() as stack:
        connections = {size: stack.enter_context(reading(engine)) for size, engine in engines.items()}
        questions = {size: _pages(connection) for size, connection in connections.items()}
        times = {size: dict.fromkeys(asked, 0.0) for size, asked in questions.items()}
        for name in ("first", "deep", "sweep"):
            for size, value in _in_turn({size: asked[name] for size, asked in questions.items()}, n_runs).items():
                times[size][name] = value
    return times


def _in_turn(works: dict[str, Callable[[], Any]], n_runs: int) -> dict[str, float]:
    """Median milliseconds of each, called one after the other: a noisy neighbour meets them alike."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(n_runs):
        for name, work in works.items():
            start = perf_counter()
            work()
            times[name].append((perf_counter() - start) * 1_000)
    return {name: median(each) for name, each in times.items()}


def _pages(connection: Connection) -> dict[str, Callable[[], Any]]:
    """The first page, the page at nine tenths of the backlog's depth, and an idle sweep."""
    filters = backlog.Filters(brands=(BRAND,))
    n_waiting = sum(backlog.counts(connection, BRAND).values())
    deep = connection.exec_driver_sql(
        f"SELECT rank, awaiting_since, id FROM threads WHERE brand = '{BRAND}' AND awaiting_since IS NOT NULL"
        f" ORDER BY rank, awaiting_since, id LIMIT 1 OFFSET {n_waiting * 9 // 10}"
    ).one()
    after = (deep[0], deep[1], deep[2])
    assert len(backlog.page(connection, filters, NOW, PAGE, after)) == PAGE
    assert not due.is_any_due(connection, "threads", NOW)
    return {
        "first": lambda: backlog.page(connection, filters, NOW, PAGE),
        "deep": lambda: backlog.page(connection, filters, NOW, PAGE, after),
        "sweep": lambda: due.is_any_due(connection, "threads", NOW),
    }


def _result(ms: dict[str, Milliseconds], notes: list[str]) -> Measured:
    ratios = {
        f"{name}_{page}": found["large"][page] / found["small"][page]
        for name, found in ms.items()
        for page in ("first", "deep")
    }
    return Measured(
        {
            "backlog_1m_over_10k": max(ratios.values()),
            "sweep_idle_ms": max(found["large"]["sweep"] for found in ms.values()),
        },
        {
            "ratios": {name: round(ratio, 3) for name, ratio in ratios.items()},
            "ms": {
                f"{name}_{size}": {asked: round(value, 4) for asked, value in times.items()}
                for name, found in ms.items()
                for size, times in found.items()
            },
        },
        notes,
    )


def fill(engine: Engine, n_comments: int) -> None:
    """Comments, a thread for every three, one thread in five awaiting; nothing is due."""
    with writing(engine) as connection:
        numbers = _numbers(connection, n_comments)
        for statement in (_COMMENTS, _THREADS):
            filled = statement.format(brand=BRAND, base=to_us(BASE), numbers=numbers)
            # psycopg takes a lone % for a parameter
            connection.exec_driver_sql(filled.replace("%", "%%") if is_postgres(connection) else filled)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT", heedful_reads=True) as connection:
        connection.exec_driver_sql("VACUUM ANALYZE" if is_postgres(connection) else "ANALYZE")


_COMMENTS = (
    "INSERT INTO comments (brand, id, source_id, platform, native_id, thread_id, kind, text, author_key, details,"
    " content_hash, created_at, seen_at, is_history, signals, signals_version)"
    " SELECT '{brand}', n, 's', 'tube', 'c' || n, n - n % 3, 'comment',"
    " 'Do you have any of the rye bread left today, or shall I come tomorrow? ' || n, 'p' || n % 997,"
    """ '{{"author":{{"name":"Kim"}}}}', n, {base} + n, {base}, false, '{{"angry":0.1}}', 'v1' FROM {numbers}"""
)
_THREADS = (
    "INSERT INTO threads (brand, id, source_id, platform, n_comments, last_at, awaiting_since, rank, excerpt)"
    " SELECT '{brand}', n, 's', 'tube', 3, {base} + n, CASE WHEN n % 5 = 0 THEN {base} + n END,"
    " CASE WHEN n % 7 = 0 THEN 10 WHEN n % 11 = 0 THEN 20 ELSE 50 END,"
    " 'Do you have any of the rye bread left' FROM {numbers} WHERE n % 3 = 0"
)


def _numbers(connection: Connection, n: int) -> str:
    if is_postgres(connection):
        return f"generate_series(0, {n - 1}) AS numbers(n)"
    counted = f"SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < {n - 1}"
    return f"(WITH RECURSIVE numbers(n) AS ({counted}) SELECT n FROM numbers)"
