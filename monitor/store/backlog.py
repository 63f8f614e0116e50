"""The backlog: threads that await an answer, most urgent first, read from the thread rows alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Select, case, exists, func, literal, or_, select
from sqlalchemy import tuple_ as row_of

from monitor.model import show_id
from monitor.store import schema
from monitor.store.instants import from_us, opt_at, to_us

_T = schema.threads
_C = schema.comments


@dataclass(frozen=True, slots=True)
class Waiting:
    """One line of the backlog. `place` is where it stands: pass it as `after` for the lines that follow."""

    brand: str
    id: int
    source_id: str
    platform: str
    severity: str
    standing: str
    awaiting_since: datetime
    last_at: datetime | None
    author_name: str
    excerpt: str
    title: str
    permalink: str
    n_comments: int
    assignee: str
    snoozed_until: datetime | None
    place: tuple[int, int, int]

    @property
    def shown_id(self) -> str:
        return show_id(self.id)


@dataclass(frozen=True, slots=True)
class Filters:
    """Which lines to show; an empty field lets everything through. `waiting_since`: waiting at least since then."""

    brands: Sequence[str] = ()
    platform: str = ""
    source_id: str = ""
    severity: str = ""
    assignee: str = ""
    text: str = ""
    waiting_since: datetime | None = None
    with_snoozed: bool = False


_COLUMNS = (
    _T.c.brand, _T.c.id, _T.c.source_id, _T.c.platform, _T.c.severity, _T.c.standing, _T.c.awaiting_since, _T.c.last_at,
    _T.c.author_name, _T.c.excerpt, _T.c.title, _T.c.permalink, _T.c.n_comments, _T.c.assignee, _T.c.snoozed_until,
    _T.c.rank,
)  # fmt: skip


def page(
    connection: Connection, filters: Filters, now: datetime, limit: int = 50, after: tuple[int, int, int] | None = None
) -> list[Waiting]:
    """Up to `limit` lines, most urgent first and then longest waiting, across the brands asked for."""
    brands = filters.brands or all_brands(connection)
    pages = [_brand_page(connection, brand, filters, now, limit, after) for brand in brands]
    return list(islice(merge(*pages, key=lambda line: line.place), limit))


def _brand_page(
    connection: Connection, brand: str, filters: Filters, now: datetime, limit: int, after: tuple[int, int, int] | None
) -> list[Waiting]:
    statement = page_statement(brand, limit, after)
    for condition in _conditions(filters, now):
        statement = statement.where(condition)
    return [read_waiting(row) for row in connection.execute(statement)]


def page_statement(brand: str, limit: int, after: tuple[int, int, int] | None = None) -> Select[Any]:
    """A page of one brand: one row-value comparison over one partial index (a test reads the plan)."""
    statement = (
        select(*_COLUMNS)
        .where(_T.c.brand == brand, _T.c.awaiting_since.is_not(None))
        .order_by(_T.c.rank, _T.c.awaiting_since, _T.c.id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(row_of(_T.c.rank, _T.c.awaiting_since, _T.c.id) > row_of(*map(literal, after)))
    return statement


def _conditions(filters: Filters, now: datetime) -> list[Any]:
    plain = {_T.c.platform: filters.platform, _T.c.source_id: filters.source_id, _T.c.severity: filters.severity,
             _T.c.assignee: filters.assignee}  # fmt: skip
    conditions: list[Any] = [column == wanted for column, wanted in plain.items() if wanted]
    if filters.waiting_since is not None:
        conditions.append(_T.c.awaiting_since <= to_us(filters.waiting_since))
    if not filters.with_snoozed:
        conditions.append(func.coalesce(_T.c.snoozed_until, 0) <= to_us(now))
    if filters.text:
        said = _C.c.text.icontains(filters.text, autoescape=True)
        conditions.append(
            or_(
                _T.c.excerpt.icontains(filters.text, autoescape=True),
                exists().where(_C.c.brand == _T.c.brand, _C.c.thread_id == _T.c.id, _C.c.deleted_at.is_(None), said),
            )
        )
    return conditions


def read_waiting(row: Any) -> Waiting:
    """A line from a row of `page_statement`."""
    return Waiting(
        brand=row.brand,
        id=row.id,
        source_id=row.source_id,
        platform=row.platform,
        severity=row.severity,
        standing=row.standing,
        awaiting_since=from_us(row.awaiting_since),
        last_at=opt_at(row.last_at),
        author_name=row.author_name,
        excerpt=row.excerpt,
        title=row.title,
        permalink=row.permalink,
        n_comments=row.n_comments,
        assignee=row.assignee,
        snoozed_until=opt_at(row.snoozed_until),
        place=(row.rank, row.awaiting_since, row.id),
    )


def all_brands(connection: Connection) -> list[str]:
    """Every brand that has a source."""
    statement = select(schema.sources.c.brand).distinct().order_by(schema.sources.c.brand)
    return list(connection.execute(statement).scalars())


def counts(connection: Connection, brand: str) -> dict[tuple[str, str], int]:
    """How many threads of a brand wait, by (platform, severity); snoozed ones included."""
    statement = (
        select(_T.c.platform, _T.c.severity, func.count())
        .where(_T.c.brand == brand, _T.c.awaiting_since.is_not(None))
        .group_by(_T.c.platform, _T.c.severity)
    )
    return {(row[0], row[1]): row[2] for row in connection.execute(statement)}


def oldest(connection: Connection, brand: str) -> datetime | None:
    """Since when the longest waiting thread of a brand has waited."""
    waiting = case((_T.c.awaiting_since.is_not(None), _T.c.awaiting_since))
    return opt_at(
        connection.execute(
            select(func.min(waiting)).where(_T.c.brand == brand, _T.c.awaiting_since.is_not(None))
        ).scalar()
    )
