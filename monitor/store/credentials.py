"""What a platform has granted to an account: sealed tokens, when they end, and who is renewing them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Connection, CursorResult, or_, select, update

from monitor.store import schema
from monitor.store.instants import opt_at, opt_us, to_us

_T = schema.credentials


@dataclass(frozen=True, slots=True)
class Credential:
    """One account's grant. `refresh_no` counts renewals: it is the fencing number of whoever renews."""

    account: str
    platform: str
    sealed: str
    expires_at: datetime | None
    refresh_expires_at: datetime | None
    scopes: tuple[str, ...]
    granted_at: datetime | None
    refresh_no: int
    warned_days: int | None
    is_renewable: bool


@dataclass(frozen=True, slots=True)
class Granted:
    """What a token endpoint has answered, sealed."""

    sealed: str
    expires_at: datetime | None
    refresh_expires_at: datetime | None
    scopes: Sequence[str]
    is_renewable: bool  # without a person


def save(connection: Connection, account: str, platform: str, granted: Granted, now: datetime) -> None:
    """Keep a new grant; an older one of the account is replaced."""
    connection.execute(_T.delete().where(_T.c.account == account))
    values = {"account": account, "platform": platform, "granted_at": to_us(now)}
    connection.execute(_T.insert().values(**values, **_values(granted)))


def _values(granted: Granted) -> dict[str, Any]:
    return {
        "sealed": granted.sealed,
        "expires_at": opt_us(granted.expires_at),
        "refresh_expires_at": opt_us(granted.refresh_expires_at),
        "scopes": json.dumps(list(granted.scopes)),
        "is_renewable": granted.is_renewable,
    }


def load(connection: Connection, account: str) -> Credential | None:
    """The account's grant, if there is one."""
    row = connection.execute(select(_T).where(_T.c.account == account)).first()
    return _read(row) if row else None


def load_all(connection: Connection) -> list[Credential]:
    """Every grant, by account."""
    return [_read(row) for row in connection.execute(select(_T).order_by(_T.c.account))]


def _read(row: Any) -> Credential:
    return Credential(
        row.account,
        row.platform,
        row.sealed,
        opt_at(row.expires_at),
        opt_at(row.refresh_expires_at),
        tuple(json.loads(row.scopes)),
        opt_at(row.granted_at),
        row.refresh_no,
        row.warned_days,
        bool(row.is_renewable),
    )


def begin_refresh(connection: Connection, account: str, seen_no: int, now: datetime, lease: timedelta) -> bool:
    """Whether it is ours to renew: nobody has since `seen_no`, and nobody is at it."""
    free = or_(_T.c.refreshing_until.is_(None), _T.c.refreshing_until <= to_us(now))
    statement = update(_T).where(_T.c.account == account, _T.c.refresh_no == seen_no, free)
    return _touched(connection, statement.values(refreshing_until=to_us(now + lease)))


def end_refresh(connection: Connection, account: str, seen_no: int, granted: Granted | None, now: datetime) -> bool:
    """Keep what was renewed (None: it failed, somebody else may try); whether nobody has renewed it meanwhile."""
    statement = update(_T).where(_T.c.account == account, _T.c.refresh_no == seen_no)
    if granted is None:
        return _touched(connection, statement.values(refreshing_until=None))
    values = {**_values(granted), "refreshed_at": to_us(now), "refreshing_until": None, "refresh_no": seen_no + 1}
    return _touched(connection, statement.values(**values, warned_days=None))


def expire(connection: Connection, account: str, now: datetime) -> None:
    """The platform refuses the token: renew it at its next use, whatever it said about its end."""
    connection.execute(update(_T).where(_T.c.account == account).values(expires_at=to_us(now)))


def note_warned(connection: Connection, account: str, days: int) -> None:
    """People were warned that it ends within so many days."""
    connection.execute(update(_T).where(_T.c.account == account).values(warned_days=days))


def _touched(connection: Connection, statement: Any) -> bool:
    return cast("CursorResult[Any]", connection.execute(statement)).rowcount == 1
