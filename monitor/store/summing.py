"""What digests count: who waits, what moved lately, what was told. Read seldom: most of it has no index of its own."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, or_, select

from monitor.model import UNFLAGGED_RANK, Severity
from monitor.store import schema
from monitor.store.backlog import Waiting, page_statement, read_waiting
from monitor.store.instants import opt_at, to_us

_T, _D, _H = schema.threads, schema.deliveries, schema.held
RANKS = (*(severity.rank for severity in Severity), UNFLAGGED_RANK)


@dataclass(frozen=True, slots=True)
class Moved:
    """A thread in which something was said or which was closed lately."""

    id: int
    subject_id: int | None
    platform: str
    permalink: str
    last_at: datetime | None
    closed_at: datetime | None


def moved(connection: Connection, brand: str, since: datetime) -> list[Moved]:
    """The threads of a brand with a comment or a closing since an instant."""
    columns = (_T.c.id, _T.c.subject_id, _T.c.platform, _T.c.permalink, _T.c.last_at, _T.c.closed_at)
    lately = or_(_T.c.last_at >= to_us(since), _T.c.closed_at >= to_us(since))
    found = connection.execute(select(*columns).where(_T.c.brand == brand, lately))
    return [Moved(*row[:4], opt_at(row[4]), opt_at(row[5])) for row in found]


def oldest(connection: Connection, brand: str, now: datetime, n: int) -> list[Waiting]:
    """Who has waited longest, snoozed threads aside; a few of each rank, as the index has them."""
    found: list[Waiting] = []
    for rank in RANKS:
        statement = page_statement(brand, n).where(
            _T.c.rank == rank, func.coalesce(_T.c.snoozed_until, 0) <= to_us(now)
        )
        found += [read_waiting(row) for row in connection.execute(statement)]
    return sorted(found, key=lambda line: line.awaiting_since)[:n]


def n_waiting(
    connection: Connection, brand: str, *, since: datetime | None = None, before: datetime | None = None
) -> int:
    """How many threads of a brand wait since an instant or longer than that."""
    chosen = [_T.c.brand == brand, _T.c.awaiting_since.is_not(None)]
    chosen += [_T.c.awaiting_since >= to_us(since)] if since else []
    chosen += [_T.c.awaiting_since < to_us(before)] if before else []
    return int(connection.execute(select(func.count()).select_from(_T).where(*chosen)).scalar_one())


def n_told(connection: Connection, brand: str, channels: Collection[str], since: datetime) -> int:
    """How many messages of a brand have gone or are to go through these channels since an instant."""
    statement = (
        select(func.count())
        .select_from(_D)
        .where(
            _D.c.channel.in_(sorted(channels)),
            _D.c.created_at >= to_us(since),
            _D.c.brand == brand,
            _D.c.is_edit.is_(False),
        )
    )
    return int(connection.execute(statement).scalar_one()) if channels else 0


def n_held(connection: Connection, brand: str, since: datetime) -> int:
    """How many messages of a brand were held since an instant."""
    statement = select(func.count()).select_from(_H).where(_H.c.brand == brand, _H.c.held_at >= to_us(since))
    return int(connection.execute(statement).scalar_one())


def in_batches(ids: Iterable[int], size: int = 500) -> Iterable[list[int]]:
    every = list(ids)
    return (every[start : start + size] for start in range(0, len(every), size))
