"""Alerts: opened, joined and resolved by the assessment; told, acknowledged and snoozed afterwards; and silences."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from monitor.model import Alert, AlertStatus, Flag, Severity, Silence, show_id
from monitor.store import due, schema, threads
from monitor.store.engine import is_postgres
from monitor.store.instants import from_us, opt_at, opt_us, to_us

_T = schema.alerts
_F = schema.flags


def load_open(connection: Connection, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Alert]:
    """The unresolved alerts with these (brand, group key), locked on Postgres until the transaction ends."""
    by_brand: dict[str, list[str]] = {}
    for brand, group_key in keys:
        by_brand.setdefault(brand, []).append(group_key)
    found: list[Any] = []
    for brand, group_keys in by_brand.items():
        statement = select(_T).where(_T.c.brand == brand, _T.c.group_key.in_(group_keys), _T.c.resolved_at.is_(None))
        found += connection.execute(statement.with_for_update() if is_postgres(connection) else statement).all()
    return {(alert.brand, alert.group_key): alert for alert in _with_members(connection, found)}


def load(connection: Connection, keys: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Alert]:
    """These alerts by (brand, id)."""
    found: list[Any] = []
    for brand in {key[0] for key in keys}:
        ids = [key[1] for key in keys if key[0] == brand]
        found += connection.execute(select(_T).where(_T.c.brand == brand, _T.c.id.in_(ids))).all()
    return {(alert.brand, alert.id): alert for alert in _with_members(connection, found)}


def listing(connection: Connection, brand: str | None, statuses: Sequence[AlertStatus], limit: int) -> list[Alert]:
    """Alerts for people, the latest opened first."""
    statement = select(_T).where(_T.c.status.in_(statuses)).order_by(_T.c.opened_at.desc()).limit(limit)
    if brand is not None:
        statement = statement.where(_T.c.brand == brand)
    return _with_members(connection, connection.execute(statement).all())


def _with_members(connection: Connection, rows: Sequence[Any]) -> list[Alert]:
    members: dict[int, dict[str, Severity]] = {}
    for brand in {row.brand for row in rows}:
        ids = [row.id for row in rows if row.brand == brand]
        statement = select(_F.c.alert_id, _F.c.rule, _F.c.thread_id, _F.c.severity).where(
            _F.c.brand == brand, _F.c.alert_id.in_(ids), _F.c.alert_id.is_not(None), _F.c.cleared_at.is_(None)
        )
        for alert_id, rule, thread_id, severity in connection.execute(statement):
            members.setdefault(alert_id, {})[f"{rule}:{show_id(thread_id)}"] = Severity(severity)
    return [_read(row, members.get(row.id, {})) for row in rows]


def _read(row: Any, members: dict[str, Severity]) -> Alert:
    if row.says and row.resolved_at is None and not members:
        members = {row.group_key: Severity(row.severity)}  # an operator's alert stands for itself
    return Alert(
        brand=row.brand,
        id=row.id,
        rule=row.rule,
        group_key=row.group_key,
        severity=Severity(row.severity),
        status=row.status,
        opened_at=from_us(row.opened_at),
        members=members,
        told=frozenset(json.loads(row.told)),
        told_severity=Severity(row.told_severity) if row.told_severity else None,
        last_told_at=opt_at(row.last_told_at),
        n_told=row.n_told,
        snoozed_until=opt_at(row.snoozed_until),
        acknowledged_by=row.acknowledged_by,
        acknowledged_at=opt_at(row.acknowledged_at),
        resolved_at=opt_at(row.resolved_at),
        playbook=row.playbook,
        route=row.route,
        platform=row.platform,
        says=row.says,
    )


def save(connection: Connection, alerts: Sequence[Alert], due_at: datetime, *, says: str = "") -> None:
    """Write alerts that an assessment opened or changed and make them due; the notifier decides what to tell."""
    insert = postgres_insert if is_postgres(connection) else sqlite_insert
    for alert in alerts:
        values = _values(alert)
        statement = insert(_T).values(brand=alert.brand, id=alert.id, says=alert.says or says, **values)
        kept = {name: value for name, value in values.items() if name in _CHANGING}
        connection.execute(statement.on_conflict_do_update(index_elements=["brand", "id"], set_=kept))
    due.mark_due(connection, "alerts", [(alert.brand, alert.id) for alert in alerts], due_at)


_CHANGING = frozenset(("severity", "status", "resolved_at", "playbook", "route", "platform"))


def _values(alert: Alert) -> dict[str, Any]:
    return {
        "rule": alert.rule,
        "group_key": alert.group_key,
        "severity": alert.severity.value,
        "status": alert.status,
        "opened_at": to_us(alert.opened_at),
        "resolved_at": opt_us(alert.resolved_at),
        "playbook": alert.playbook,
        "route": alert.route,
        "platform": alert.platform,
    }


def told_values(alert: Alert) -> dict[str, Any]:
    """The columns that a notice changes, of an alert as it stands after being told, for `due.release`."""
    return {
        "told": json.dumps(sorted(alert.told)),
        "told_severity": alert.told_severity.value if alert.told_severity else "",
        "last_told_at": opt_us(alert.last_told_at),
        "n_told": alert.n_told,
    }


def flags_of(connection: Connection, alert: Alert) -> list[Flag]:
    """The flags that an alert tells of: those that stand, or, once it is resolved, those that stood."""
    statement = select(*threads.FLAG_COLUMNS).where(_F.c.brand == alert.brand, _F.c.alert_id == alert.id)
    if alert.status != "resolved":
        statement = statement.where(_F.c.cleared_at.is_(None))
    return [threads.read_flag(tuple(row)) for row in connection.execute(statement)]


def acknowledge(connection: Connection, alert: Alert, who: str, now: datetime) -> None:
    """A person owns it: repeats stop."""
    change(connection, alert, now, status="acknowledged", acknowledged_by=who, acknowledged_at=to_us(now))


def snooze(connection: Connection, alert: Alert, until: datetime, now: datetime) -> None:
    change(connection, alert, now, snoozed_until=to_us(until))


def change(connection: Connection, alert: Alert, now: datetime, **values: Any) -> None:
    """Write what a person decided about an alert and let the notifier look again."""
    one = (_T.c.brand == alert.brand, _T.c.id == alert.id, _T.c.resolved_at.is_(None))
    connection.execute(update(_T).where(*one).values(**values))
    due.mark_due(connection, "alerts", [(alert.brand, alert.id)], now)


def load_silences(connection: Connection, now: datetime) -> list[Silence]:
    """The silences that are not over yet."""
    table = schema.silences
    statement = select(table).where(table.c.ends_at > to_us(now)).order_by(table.c.ends_at)
    return [
        Silence(**{**row._mapping, "starts_at": from_us(row.starts_at), "ends_at": from_us(row.ends_at)})
        for row in connection.execute(statement)
    ]


def add_silence(connection: Connection, silence: Silence) -> None:
    values = {name: getattr(silence, name) for name in Silence.__dataclass_fields__}
    values |= {"starts_at": to_us(silence.starts_at), "ends_at": to_us(silence.ends_at)}
    connection.execute(schema.silences.insert().values(**values))


def end_silence(connection: Connection, silence_id: int, now: datetime) -> bool:
    """End a silence now; what it held back is looked at again. Whether there was one to end."""
    table = schema.silences
    statement = update(table).where(table.c.id == silence_id, table.c.ends_at > to_us(now))
    if connection.execute(statement.values(ends_at=to_us(now))).rowcount == 0:
        return False
    due.mark_all_due(connection, "alerts", _T.c.resolved_at.is_(None), now)
    return True


def resolve(connection: Connection, alert: Alert, now: datetime) -> None:
    """What the alert was about is over; the notifier tells it if it ever told the alert."""
    change(connection, alert, now, status="resolved", resolved_at=to_us(now))
