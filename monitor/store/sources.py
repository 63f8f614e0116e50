"""The sources' queue, what each source last said, and the accounts that must wait."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, case, func, insert, select, update

from monitor.errors import ClaimLost
from monitor.model import Source
from monitor.store import due, schema
from monitor.store.engine import among, is_postgres, mark
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
) -> list[tuple[str, due.Claim]]:
    """Take due sources with their accounts, at most `per_account` of one account, counting those at work (`busy`)."""
    one = mark(connection)
    statement = f"SELECT brand, id, account FROM sources WHERE due_at <= {one} ORDER BY due_at LIMIT {one}"  # noqa: S608
    if is_postgres(connection):
        statement += " FOR UPDATE SKIP LOCKED"
    taken = dict(busy)
    chosen: dict[tuple[str, str], str] = {}
    for brand, source_id, account in connection.exec_driver_sql(statement, (to_us(now), limit * 4)):
        if len(chosen) < limit and taken.get(account, 0) < per_account:
            taken[account] = taken.get(account, 0) + 1
            chosen[brand, source_id] = account
    if not chosen:
        return []
    claims = due.claim_rows(connection, "sources", list(chosen), now, lease)
    condition, parameter = among(connection, [claimed.id for claimed in claims])
    noted = f"UPDATE sources SET claimed_until = {one}, poll_requested = false WHERE id {condition}"  # noqa: S608
    connection.exec_driver_sql(noted, (to_us(now + lease), parameter))
    return [(chosen[claimed.key], claimed) for claimed in claims]


_LOADED = (
    "SELECT s.id, s.brand, s.platform, s.account, s.cursor, s.added_at, s.next_poll_at, s.n_failures,"
    " s.own_author_ids, a.held_until FROM sources s LEFT JOIN accounts a ON a.id = s.account WHERE s.id = "
)


def load(connection: Connection, source_id: str) -> Source:
    """A source by its id, which must exist."""
    row = connection.exec_driver_sql(_LOADED + mark(connection), (source_id,)).one()
    return Source(
        id=row[0],
        brand=row[1],
        platform=row[2],
        account=row[3],
        cursor=json.loads(row[4]),
        added_at=from_us(row[5]),
        next_poll_at=from_us(row[6]),
        n_failures=row[7],
        own_author_ids=frozenset(json.loads(row[8])),
        account_is_held=row[9] is not None,
    )


def own_author_ids(connection: Connection, brand: str) -> frozenset[tuple[str, str]]:
    """Every author that one of this brand's sources has shown to be our own account, with its platform."""
    condition = f"brand = {mark(connection)} AND own_author_ids <> '[]'"
    statement = f"SELECT platform, own_author_ids FROM sources WHERE {condition}"  # noqa: S608
    rows = connection.exec_driver_sql(statement, (brand,))
    return frozenset((row[0], author) for row in rows for author in json.loads(row[1]))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a poll leaves its source. An empty `error` means that it worked; `cursor` None leaves the cursor alone."""

    due_at: datetime | None
    next_poll_at: datetime
    cursor: object = None
    own_author_ids: frozenset[str] | None = None
    is_complete: bool = False
    error: str = ""
    n_failures: int = 0


_RELEASE = (
    "UPDATE sources SET claimed_until = NULL,"
    " due_at = CASE WHEN poll_requested AND closed_at IS NULL THEN {0} ELSE {0} END,"
    " next_poll_at = CASE WHEN poll_requested AND closed_at IS NULL THEN {0} ELSE {0} END,"
    " cursor = coalesce({0}, cursor), own_author_ids = coalesce({0}, own_author_ids),"
    " last_read_at = coalesce({0}, last_read_at), last_error = {0}, n_failures = {0},"
    " failing_since = CASE WHEN {0} = 0 THEN NULL ELSE coalesce(failing_since, {0}) END"
    " WHERE brand = {0} AND id = {0} AND claim_no = {0}"
)


def release(connection: Connection, claimed: due.Claim, outcome: Outcome, now: datetime) -> None:
    """Give a source back; a poll requested meanwhile (by a person, a webhook) comes at once.

    Raises: ClaimLost: roll back; the source is due again.
    """
    now_us, own = to_us(now), outcome.own_author_ids
    values = (
        now_us,
        opt_us(outcome.due_at),
        now_us,
        to_us(outcome.next_poll_at),
        None if outcome.cursor is None else json.dumps(outcome.cursor),
        None if own is None else json.dumps(sorted(own)),
        now_us if outcome.is_complete else None,
        outcome.error,
        outcome.n_failures,
        outcome.n_failures,
        now_us,
        claimed.brand,
        claimed.id,
        claimed.claim_no,
    )
    if connection.exec_driver_sql(_RELEASE.format(mark(connection)), values).rowcount != 1:
        raise ClaimLost(f"the claim on source {claimed.id} was lost")


def request_poll(connection: Connection, source_ids: Iterable[str], now: datetime, *, reopen: bool = False) -> int:
    """Make sources due now; one that is being polled at this moment is polled again right after.

    Unlike `mark_due` this never lets two hosts read one source at the same time. `reopen`: also those that were
    closed because the platform called them gone. Returns how many were found.
    """
    at_work = _T.c.claimed_until > to_us(now)
    is_wanted = _T.c.closed_reason != NOT_CONFIGURED if reopen else _T.c.closed_at.is_(None)
    statement = (
        update(_T)
        .where(_T.c.id.in_(list(source_ids)), is_wanted)
        .values(
            closed_at=None,
            closed_reason="",
            poll_requested=True,
            next_poll_at=to_us(now),
            due_at=case((at_work, _T.c.due_at), else_=to_us(now)),
        )
    )
    due.announce(connection, "sources")
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


def count_of_account(connection: Connection, account: str) -> int:
    """How many sources share an account and are read."""
    statement = select(func.count()).where(_T.c.account == account, _T.c.closed_at.is_(None))
    return int(connection.execute(statement).scalar_one())


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
