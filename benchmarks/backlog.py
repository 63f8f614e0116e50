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
_RUNS = 60

Milliseconds = dict[str, list[float]]


def measure(quick: bool) -> Measured:
    small, large = (10_000, 50_000) if quick else (10_000, 1_000_000)
    n_rounds = 2 if quick else 5
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="heedful-bench-")))
        urls = {"sqlite": (f"sqlite:///{directory}/small.db", f"sqlite:///{directory}/large.db")}
        server = stack.enter_context(postgres.server())
        notes = []
        if server:
            urls["postgres"] = (server.new_database(), server.new_database())
        else:
            notes.append(f"Postgres left out: {postgres.MISSING}")
        worlds: dict[tuple[str, str], tuple[Engine, Milliseconds]] = {}
        for name, (url_small, url_large) in urls.items():
            for size, url, n in (("small", url_small, small), ("large", url_large, large)):
                engine = open_engine(url)
                stack.callback(engine.dispose)
                migrate.upgrade(engine, shipped("migrations"))
                fill(engine, n)
                worlds[name, size] = (engine, {})
        for _ in range(n_rounds):
            for engine, times in worlds.values():
                _round(engine, times)
    return _result({place: {k: median(v) for k, v in times.items()} for place, (_, times) in worlds.items()}, notes)


def _round(engine: Engine, times: Milliseconds) -> None:
    for name, value in {**pages(engine), "sweep": idle_sweep(engine)}.items():
        times.setdefault(name, []).append(value)


def _result(ms: dict[tuple[str, str], dict[str, float]], notes: list[str]) -> Measured:
    databases = {name for name, _ in ms}
    ratios = {
        f"{name}_{page}": ms[name, "large"][page] / ms[name, "small"][page]
        for name in sorted(databases)
        for page in ("first", "deep")
    }
    sweeps = {name: ms[name, "large"]["sweep"] for name in sorted(databases)}
    return Measured(
        {"backlog_1m_over_10k": max(ratios.values()), "sweep_idle_ms": max(sweeps.values())},
        {
            "ratios": {k: round(v, 3) for k, v in ratios.items()},
            "ms": {f"{name}_{size}": {k: round(v, 4) for k, v in each.items()} for (name, size), each in ms.items()},
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
