"""Page bytes to stored, measured, assessed, flagged and in the outbox, against raw SQL upserts of the same rows."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from time import process_time
from typing import Any

from sqlalchemy import Engine

from benchmarks.world import BASE, PageReader, raw_page
from connectors.base import Known
from monitor.core.alerts import Timings
from monitor.core.calendar import Calendar
from monitor.core.routing import Route
from monitor.core.rules import load_rules
from monitor.core.threads import FoldPolicy
from monitor.files import read_toml, shipped
from monitor.flows import assess, notify
from monitor.flows.memory import Memory
from monitor.flows.plan import Brand, Plan
from monitor.flows.poll import Poller
from monitor.model import Team
from monitor.store import migrate, sources
from monitor.store.engine import open_engine, reading, writing
from monitor.store.rows import COLUMNS

SOURCE, BRAND = "bench", "bakery"
PAGES_PER_BATCH = 9  # a page has about 33 threads; assess.BATCH is 300
NOW = BASE + timedelta(hours=1)


class NoChannel:
    """A channel that exists, so that outbox rows are made; nothing is sent here."""

    min_gap = timedelta(0)


def plan(reader: Any) -> Plan:
    return Plan(
        brands={BRAND: Brand(BRAND, "Bench Bakery", "Europe/London", Calendar("Europe/London", None), Team())},
        intervals={SOURCE: timedelta(minutes=1)},
        reader=lambda _source: reader,
        known=Known,
        channels={"slack": NoChannel()},  # type: ignore[dict-item]
        routes=(Route(("slack",)),),
        rules=load_rules([("rules.toml", read_toml(shipped("config", "rules.toml")))]),
        timings=Timings(group_wait=timedelta(0)),
        playbooks={},
        fold=FoldPolicy(),
        lease=timedelta(minutes=2),
    )


@dataclass
class Pipeline:
    """The flows on one thread, driven as the daemon drives them."""

    engine: Engine
    plan: Plan
    memory: Memory
    now: datetime = NOW

    def poll_all(self) -> None:
        """Read every page; meanwhile due threads gather, and the assessor takes as many as it works at once."""
        poller = Poller(self.engine, lambda: self.plan, self.memory, lambda: self.now, _ignore)
        for n_polls in count(1):
            with writing(self.engine) as connection:
                claims = sources.claim(connection, self.now, self.plan.lease, 1, {}, 1)
            if claims:
                poller.poll(claims[0][1])
            if not claims or n_polls % PAGES_PER_BATCH == 0:
                self.settle()
            if not claims:
                return

    def settle(self) -> None:
        while assess.assess_due(self.engine, self.plan, lambda: self.now, _ignore, self.memory.fresh):
            pass
        while notify.notify_due(self.engine, self.plan, lambda: self.now, _ignore):
            pass


def _ignore(_queue: str) -> None:
    """Nobody to wake: this thread does everything."""


def opened(url: str) -> Engine:
    engine = open_engine(url)
    migrate.upgrade(engine, shipped("migrations"))
    with writing(engine) as connection:
        sources.sync(connection, [sources.Wanted(SOURCE, BRAND, "tube", "account")], BASE - timedelta(days=1))
    return engine


def cpu(work: Callable[[], Any]) -> float:
    """CPU seconds of this process: robust to noisy neighbours."""
    start = process_time()
    work()
    return process_time() - start


def run_pipeline(directory: Path, pages: list[bytes]) -> tuple[Engine, Pipeline, float]:
    engine = opened(f"sqlite:///{directory}/pipeline.db")
    pipeline = Pipeline(engine, plan(PageReader(pages)), Memory())
    return engine, pipeline, cpu(pipeline.poll_all)


def reread(pipeline: Pipeline) -> float:
    """CPU seconds of reading every page again, unchanged."""
    with writing(pipeline.engine) as connection:
        sources.request_poll(connection, [SOURCE], pipeline.now)
        connection.exec_driver_sql("UPDATE sources SET cursor = 'null'")
    return cpu(pipeline.poll_all)


def stored_rows(engine: Engine) -> Sequence[tuple[Any, ...]]:
    with reading(engine) as connection:
        names = ", ".join(COLUMNS)
        return [tuple(row) for row in connection.exec_driver_sql(f"SELECT {names} FROM comments ORDER BY created_at")]


def raw_upserts(directory: Path, rows: Sequence[tuple[Any, ...]], page_size: int) -> float:
    """CPU seconds of the same rows by sqlite3 executemany upserts, a page to a transaction, into the same table."""
    engine = opened(f"sqlite:///{directory}/raw.db")
    engine.dispose()
    connection = sqlite3.connect(directory / "raw.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    changes = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS)
    statement = (
        f"INSERT INTO comments ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
        f" ON CONFLICT (brand, id) DO UPDATE SET {changes} WHERE excluded.content_hash <> comments.content_hash"
    )

    def write() -> None:
        for start in range(0, len(rows), page_size):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(statement, rows[start : start + page_size])
            connection.execute("COMMIT")

    spent = cpu(write)
    connection.close()
    return spent


def pages_of(n_comments: int, size: int = 100) -> list[bytes]:
    return [raw_page(page, size) for page in range(n_comments // size)]
