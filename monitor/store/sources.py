"""The sources' queue, what each source last said, and the accounts that must wait."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, case, func, insert, select, update

from monitor.model import Source, make_id
from monitor.store import due, schema
from monitor.store.engine import is_postgres
from monitor.store.instants import from_us, opt_at, opt_us, to_us

_T = schema.sources


@dataclass(frozen=True, slots=True)
class Wanted:
    """A source as the configuration names it."""

    id: str
    brand: str
    platform: str
    account: str


def sync(connection: Connection, wanted: Sequence[Wanted], now: datetime) -> None:
    """Make the sources' rows match the configuration: new ones are due now, ones no longer named are closed.

    What was read stays; a source named again goes on where it stopped.
    """
    stored = {row.id: row for row in connection.execute(select(_T.c.id, _T.c.closed_at, _T.c.closed_reason))}
    new = [w for w in wanted if w.id not in stored]
    if new:
        connection.execute(
            insert(_T),
            [
                {
                    "id": w.id,
                    "brand": w.brand,
                    "platform": w.platform,
                    "account": w.account,
                    "added_at": to_us(now),
                    "next_poll_at": to_us(now),
                    "due_at": to_us(now),
                }
                for w in new
            ],
        )
    named = {w.id for w in wanted}
    for w in wanted:
        row = stored.get(w.id)
        if row is not None:
            connection.execute(update(_T).where(_T.c.id == w.id, _T.c.account != w.account).values(account=w.account))
            if row.closed_at is not None and row.closed_reason == NOT_CONFIGURED:
                _reopen(connection, w.id, now)
    for source_id, row in stored.items():
        if source_id not in named and row.closed_at is None:
            close(connection, source_id, NOT_CONFIGURED, now)


NOT_CONFIGURED = "no longer in the configuration"


def _reopen(connection: Connection, source_id: str, now: datetime) -> None:
    values = {"closed_at": None, "closed_reason": "", "due_at": to_us(now), "next_poll_at": to_us(now)}
    connection.execute(update(_T).where(_T.c.id == source_id).values(**values))


def close(connection: Connection, source_id: str, reason: str, now: datetime) -> None:
    """Stop polling a source; `reason` is shown to people."""
    values = {"closed_at": to_us(now), "closed_reason": reason, "due_at": None}
    connection.execute(update(_T).where(_T.c.id == source_id).values(**values))


def claim(
    connection: Connection, now: datetime, lease: timedelta, limit: int, busy: Mapping[str, int], per_account: int
) -> list[due.Claim]:
    """Take due sources, at most `per_account` of one account, counting those of it at work here (`busy`)."""
    statement = (
        select(_T.c.brand, _T.c.id, _T.c.account)
        .where(_T.c.due_at <= to_us(now))
        .order_by(_T.c.due_at)
        .limit(limit * 4)
    )
    if is_postgres(connection):
        statement = statement.with_for_update(skip_locked=True)
    taken = dict(busy)
    chosen: list[tuple[str, str]] = []
    for brand, source_id, account in connection.execute(statement):
        if len(chosen) < limit and taken.get(account, 0) < per_account:
            taken[account] = taken.get(account, 0) + 1
            chosen.append((brand, source_id))
    if not chosen:
        return []
    claims = due.claim_rows(connection, "sources", chosen, now, lease)
    until = {"claimed_until": to_us(now + lease), "poll_requested": False}
    connection.execute(update(_T).where(_T.c.id.in_([c.id for c in claims])).values(**until))
    return claims


def load(connection: Connection, ids: Iterable[str]) -> dict[str, Source]:
    """These sources by id."""
    return {row.id: _read(row) for row in connection.execute(select(_T).where(_T.c.id.in_(list(ids))))}


def _read(row: Any) -> Source:
    return Source(
        id=row.id,
        brand=row.brand,
        platform=row.platform,
        account=row.account,
        cursor=json.loads(row.cursor),
        added_at=from_us(row.added_at),
        next_poll_at=from_us(row.next_poll_at),
        n_failures=row.n_failures,
        own_author_ids=frozenset(json.loads(row.own_author_ids)),
    )


def own_author_ids(connection: Connection, brand: str) -> frozenset[tuple[str, str]]:
    """Every author that one of this brand's sources has shown to be our own account, with its platform."""
    statement = select(_T.c.platform, _T.c.own_author_ids).where(_T.c.brand == brand, _T.c.own_author_ids != "[]")
    return frozenset((row[0], author) for row in connection.execute(statement) for author in json.loads(row[1]))


def release(
    connection: Connection,
    claimed: due.Claim,
    due_at: datetime | None,
    *,
    next_poll_at: datetime,
    now: datetime,
    **values: Any,
) -> None:
    """Give a source back; a poll requested meanwhile (by a person, a webhook) comes at once.

    Raises: ClaimLost.
    """
    values |= {"claimed_until": None}
    due.release(connection, "sources", claimed, due_at, next_poll_at=to_us(next_poll_at), **values)
    requested = update(_T).where(_T.c.id == claimed.id, _T.c.poll_requested, _T.c.closed_at.is_(None))
    connection.execute(requested.values(due_at=to_us(now), next_poll_at=to_us(now)))


def request_poll(connection: Connection, source_ids: Iterable[str], now: datetime) -> int:
    """Make sources due now; one that is being polled at this moment is polled again right after.

    Unlike `mark_due` this never lets two hosts read one source at the same time. Returns how many were found.
    """
    at_work = _T.c.claimed_until > to_us(now)
    statement = (
        update(_T)
        .where(_T.c.id.in_(list(source_ids)), _T.c.closed_at.is_(None))
        .values(
            poll_requested=True,
            next_poll_at=to_us(now),
            due_at=case((at_work, _T.c.due_at), else_=to_us(now)),
        )
    )
    return int(connection.execute(statement).rowcount)


def hold_account(connection: Connection, account: str, until: datetime, reason: str) -> bool:
    """Let a whole account wait; none of its sources is due before. Whether it was free until now."""
    table = schema.accounts
    was = connection.execute(select(table.c.held_until).where(table.c.id == account)).first()
    values = {"held_until": to_us(until), "hold_reason": reason}
    if was is None:
        connection.execute(insert(table).values(id=account, **values))
    else:
        connection.execute(update(table).where(table.c.id == account).values(**values))
    waiting = (_T.c.account == account, _T.c.claimed_until.is_(None), _T.c.due_at < to_us(until))
    connection.execute(update(_T).where(*waiting).values(due_at=to_us(until)))
    return was is None or was[0] is None


def free_account(connection: Connection, account: str) -> bool:
    """End an account's wait after a read that worked; whether it was held."""
    table = schema.accounts
    statement = update(table).where(table.c.id == account, table.c.held_until.is_not(None))
    return bool(connection.execute(statement.values(held_until=None, hold_reason="")).rowcount)


@dataclass(frozen=True, slots=True)
class SourceReport:
    """How a source stands, for people."""

    id: str
    brand: str
    platform: str
    account: str
    added_at: datetime
    last_read_at: datetime | None
    due_at: datetime | None
    n_failures: int
    failing_since: datetime | None
    last_error: str
    closed_at: datetime | None
    closed_reason: str
    held_until: datetime | None
    hold_reason: str
    n_quarantined: int


def report(connection: Connection) -> list[SourceReport]:
    """Every source, ordered by brand and id."""
    accounts, quarantine = schema.accounts, schema.quarantine
    bad = select(func.count()).where(quarantine.c.source_id == _T.c.id).scalar_subquery()
    statement = (
        select(_T, accounts.c.held_until, accounts.c.hold_reason, bad.label("n_quarantined"))
        .join(accounts, accounts.c.id == _T.c.account, isouter=True)
        .order_by(_T.c.brand, _T.c.id)
    )
    return [
        SourceReport(
            row.id,
            row.brand,
            row.platform,
            row.account,
            from_us(row.added_at),
            opt_at(row.last_read_at),
            opt_at(row.due_at),
            row.n_failures,
            opt_at(row.failing_since),
            row.last_error,
            opt_at(row.closed_at),
            row.closed_reason,
            opt_at(row.held_until),
            row.hold_reason or "",
            row.n_quarantined,
        )
        for row in connection.execute(statement)
    ]


def quarantine(
    connection: Connection, brand: str, source_id: str, unread: Sequence[tuple[str, str]], now: datetime
) -> int:
    """Keep payloads that could not be read, as (error, payload); the same one again is kept once."""
    table = schema.quarantine
    rows = {
        make_id(brand, source_id, payload): {
            "brand": brand,
            "source_id": source_id,
            "received_at": to_us(now),
            "error": error[:2_000],
            "payload": payload[:200_000],
        }
        for error, payload in unread
    }
    known = set(connection.execute(select(table.c.id).where(table.c.id.in_(rows))).scalars())
    new = [{"id": row_id, **row} for row_id, row in rows.items() if row_id not in known]
    if new:
        connection.execute(insert(table), new)
    return len(new)


def known_to_check(connection: Connection, source_id: str, now: datetime, limit: int) -> list[tuple[str, int]]:
    """Threads of a source that are due for another look, as (brand, id), the longest due first."""
    table = schema.threads
    statement = (
        select(table.c.brand, table.c.id)
        .where(table.c.source_id == source_id, table.c.check_at <= to_us(now))
        .order_by(table.c.check_at)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in connection.execute(statement)]


def next_check_at(connection: Connection, source_id: str) -> datetime | None:
    """When the next thread of a source is due for another look."""
    table = schema.threads
    statement = select(func.min(table.c.check_at)).where(table.c.source_id == source_id, table.c.check_at.is_not(None))
    return opt_at(connection.execute(statement).scalar())


def set_check_at(connection: Connection, checks: Iterable[tuple[str, int, datetime | None]]) -> None:
    """When each of these threads (brand, id) is next looked at again; None: no more."""
    table = schema.threads
    for brand, thread_id, at in checks:
        statement = update(table).where(table.c.brand == brand, table.c.id == thread_id)
        connection.execute(statement.values(check_at=opt_us(at)))
