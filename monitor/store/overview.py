"""What people ask of the store beside the backlog: how one thread stands, and everything in order, to write it out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, func, select
from sqlalchemy import tuple_ as row_of

from monitor.model import StoredComment
from monitor.store import schema
from monitor.store.instants import from_us, opt_at, to_us
from monitor.store.rows import COLUMNS, read_comment

_T = schema.threads
_C = schema.comments
PAGE = 1_000


@dataclass(frozen=True, slots=True)
class ThreadOverview:
    """A thread's row, as its last assessment left it."""

    brand: str
    id: int
    source_id: str
    platform: str
    title: str
    author_name: str
    excerpt: str
    permalink: str
    n_comments: int
    severity: str
    standing: str
    assignee: str
    awaiting_since: datetime | None
    last_at: datetime | None
    closed_at: datetime | None
    closed_by: str
    snoozed_until: datetime | None


_TEXTS = (
    "brand", "id", "source_id", "platform", "title", "author_name", "excerpt", "permalink", "n_comments", "severity",
    "standing", "assignee", "closed_by",
)  # fmt: skip
_INSTANTS = ("awaiting_since", "last_at", "closed_at", "snoozed_until")


def thread(connection: Connection, brand: str, thread_id: int) -> ThreadOverview:
    """One thread that exists (`acts.find` found it)."""
    return _read(connection.execute(_threads().where(_T.c.brand == brand, _T.c.id == thread_id)).one())


def _threads() -> Select[Any]:
    return select(*(_T.c[name] for name in (*_TEXTS, *_INSTANTS)))


def _read(row: Any) -> ThreadOverview:
    values: dict[str, Any] = {name: getattr(row, name) for name in _TEXTS}
    values |= {name: opt_at(getattr(row, name)) for name in _INSTANTS}
    return ThreadOverview(**values)


def all_threads(connection: Connection, brand: str, since: datetime | None = None) -> Iterator[ThreadOverview]:
    """A brand's threads in order of id, those with a comment since an instant; read in pages."""
    recent = (_T.c.last_at >= to_us(since),) if since else ()
    statement = _threads().where(_T.c.brand == brand, *recent)
    for row in _paged(connection, statement, _T):
        yield _read(row)


def all_comments(connection: Connection, brand: str, since: datetime | None = None) -> Iterator[StoredComment]:
    """A brand's comments in order of id, those created since an instant; read in pages."""
    recent = (_C.c.created_at >= to_us(since),) if since else ()
    statement = select(*(_C.c[name] for name in COLUMNS)).where(_C.c.brand == brand, *recent)
    for row in _paged(connection, statement, _C):
        yield read_comment(tuple(row))


def _paged(connection: Connection, statement: Select[Any], table: Any) -> Iterator[Any]:
    page, last = statement.order_by(table.c.brand, table.c.id).limit(PAGE), None
    while True:
        beyond = page.where(row_of(table.c.brand, table.c.id) > row_of(*last)) if last else page
        rows = connection.execute(beyond).all()
        yield from rows
        if len(rows) < PAGE:
            return
        last = (rows[-1].brand, rows[-1].id)


def count(connection: Connection, what: str, brand: str, since: datetime | None = None) -> int:
    """How many `all_threads` or `all_comments` would give."""
    table, at = (_T, _T.c.last_at) if what == "threads" else (_C, _C.c.created_at)
    recent = (at >= to_us(since),) if since else ()
    return int(
        connection.execute(select(func.count()).select_from(table).where(table.c.brand == brand, *recent)).scalar_one()
    )


def source_ids(connection: Connection) -> list[str]:
    """Every source that a stored thread came from, those of imports too."""
    return sorted(connection.execute(select(schema.threads.c.source_id).distinct()).scalars())


def brands(connection: Connection) -> list[str]:
    """Every brand of which anything is stored."""
    found = select(schema.sources.c.brand).union(select(_T.c.brand)).order_by("brand")
    return list(connection.execute(found).scalars())


@dataclass(frozen=True, slots=True)
class SourcesStand:
    """How many sources are well and how many are not."""

    n: int
    n_failing: int
    n_closed: int
    n_unread: int
    last_read_at: datetime | None


def sources_stand(connection: Connection) -> SourcesStand:
    table = schema.sources
    is_open = table.c.closed_at.is_(None)
    row = connection.execute(
        select(
            func.count().filter(is_open),
            func.count().filter(is_open, table.c.n_failures > 0),
            func.count().filter(table.c.closed_at.is_not(None)),
            func.count().filter(is_open, table.c.last_read_at.is_(None)),
            func.max(table.c.last_read_at),
        )
    ).one()
    return SourcesStand(row[0], row[1], row[2], row[3], opt_at(row[4]))


def held_accounts(connection: Connection, now: datetime) -> list[tuple[str, datetime, str]]:
    """The accounts that wait, each until when and why."""
    table = schema.accounts
    statement = select(table).where(table.c.held_until > to_us(now)).order_by(table.c.id)
    return [(row.id, from_us(row.held_until), row.hold_reason) for row in connection.execute(statement)]


def n_quarantined(connection: Connection, since: timedelta, now: datetime) -> int:
    """How many payloads could not be read lately."""
    table = schema.quarantine
    statement = select(func.count()).select_from(table).where(table.c.received_at >= to_us(now - since))
    return int(connection.execute(statement).scalar_one())
