"""What reading has cost: by account in the windows of its budget, by source in hours."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, func, select

from monitor.store import schema
from monitor.store.engine import mark
from monitor.store.instants import from_us, to_us

HOUR = timedelta(hours=1)
_T = schema.spendings
_ADD = (
    "INSERT INTO spendings (account, source_id, starts_at, ends_at, spent, n_polls, n_new, dearest)"
    " VALUES ({0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}) ON CONFLICT (account, source_id, starts_at) DO UPDATE SET"
    " ends_at = excluded.ends_at, spent = spendings.spent + excluded.spent,"
    " n_polls = spendings.n_polls + excluded.n_polls, n_new = spendings.n_new + excluded.n_new,"
    " dearest = CASE WHEN excluded.dearest > spendings.dearest THEN excluded.dearest ELSE spendings.dearest END"
    " RETURNING spent, dearest"
)


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn of a source cost and brought; `is_poll`: it came to the end of what there was."""

    spent: float
    is_poll: bool = False
    n_new: int = 0


@dataclass(frozen=True, slots=True)
class Count:
    """What was spent in one window so far, and the most that one turn in it cost."""

    spent: float
    dearest: float


def add_to_source(connection: Connection, account: str, source_id: str, turn: Turn, now: datetime) -> None:
    """Count a turn among those of its source in this hour."""
    start = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    _add(connection, account, source_id, (start, start + HOUR), turn)


def add_to_account(connection: Connection, account: str, window: tuple[datetime, datetime], turn: Turn) -> Count:
    """Count a turn among those of its account in this window; what the account has spent in it.

    All hosts add to one row, which is locked until the transaction ends: call it last.
    """
    return _add(connection, account, "", window, turn)


def _add(connection: Connection, account: str, source_id: str, window: tuple[datetime, datetime], turn: Turn) -> Count:
    start, end = window
    values = (account, source_id, to_us(start), to_us(end), turn.spent, int(turn.is_poll), turn.n_new, turn.spent)
    return Count(*connection.exec_driver_sql(_ADD.format(mark(connection)), values).one())


def of_account(connection: Connection, account: str, start: datetime) -> float:
    """What an account has spent in the window that began then."""
    one = mark(connection)
    statement = f"SELECT spent FROM spendings WHERE account = {one} AND source_id = '' AND starts_at = {one}"  # noqa: S608
    return float(connection.exec_driver_sql(statement, (account, to_us(start))).scalar() or 0.0)


@dataclass(frozen=True, slots=True)
class Spent:
    """What a source cost and brought since some instant."""

    spent: float
    n_polls: int
    n_new: int

    @property
    def a_poll(self) -> float:
        """What each read cost, with all of its pages and the looks at known comments beside it; 1 if none ended."""
        return self.spent / self.n_polls if self.n_polls else 1.0


def of_sources(connection: Connection, since: datetime) -> dict[str, Spent]:
    """By source, from its first read since then that came to the end: what is read when it is new is no measure."""
    ended = (
        select(_T.c.source_id, func.min(_T.c.starts_at).label("first"))
        .where(_T.c.source_id != "", _T.c.ends_at > to_us(since), _T.c.n_polls > 0)
        .group_by(_T.c.source_id)
        .subquery()
    )
    statement = (
        select(_T.c.source_id, func.sum(_T.c.spent), func.sum(_T.c.n_polls), func.sum(_T.c.n_new))
        .join(ended, ended.c.source_id == _T.c.source_id)
        .where(_T.c.starts_at >= ended.c.first)
        .group_by(_T.c.source_id)
    )
    return {row[0]: Spent(float(row[1]), int(row[2]), int(row[3])) for row in connection.execute(statement)}


def forget(connection: Connection, before: datetime) -> int:
    """Forget windows that ended before an instant."""
    return int(connection.execute(delete(_T).where(_T.c.ends_at < to_us(before))).rowcount)


def held_until(connection: Connection, account: str) -> datetime | None:
    """Until when an account waits, whatever for."""
    table = schema.accounts
    found = connection.execute(select(table.c.held_until).where(table.c.id == account)).scalar()
    return None if found is None else from_us(found)
