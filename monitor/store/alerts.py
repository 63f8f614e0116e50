"""Alerts: opened, joined and resolved by the assessment; told, acknowledged and snoozed afterwards; and silences."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from monitor.model import Alert, AlertStatus, Flag, Recipient, Severity, Silence, show_id
from monitor.store import due, hot, schema, threads
from monitor.store.engine import among, is_postgres, mark
from monitor.store.instants import from_us, opt_at, opt_us, to_us

_T = schema.alerts
_COLUMNS = ", ".join(column.name for column in _T.columns)
_SELECT = f"SELECT {_COLUMNS} FROM alerts"  # noqa: S608 - our own names
_F = schema.flags


def load_open(connection: Connection, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Alert]:
    """The unresolved alerts with these (brand, group key), locked on Postgres until the transaction ends."""
    found: list[Any] = []
    one = mark(connection)
    for brand, group_keys in due.by_brand(keys).items():
        condition, parameter = among(connection, group_keys)
        statement = f"{_SELECT} WHERE brand = {one} AND group_key {condition} AND resolved_at IS NULL"
        if is_postgres(connection):
            statement += " FOR UPDATE"
        found += connection.exec_driver_sql(statement, (brand, parameter)).all()
    return {(alert.brand, alert.group_key): alert for alert in _with_members(connection, found)}


def load_past(connection: Connection, keys: Iterable[tuple[str, str]], since: datetime) -> dict[tuple[str, str], Alert]:
    """The latest alert of each (brand, group key) that was resolved after `since`, locked like the open ones."""
    found: list[Any] = []
    one = mark(connection)
    for brand, group_keys in due.by_brand(keys).items():
        condition, parameter = among(connection, group_keys)
        statement = (
            f"{_SELECT} WHERE brand = {one} AND group_key {condition} AND resolved_at > {one} ORDER BY resolved_at"
        )
        if is_postgres(connection):
            statement += " FOR UPDATE"
        found += connection.exec_driver_sql(statement, (brand, parameter, to_us(since))).all()
    return {(row.brand, row.group_key): _read(row, {}, frozenset()) for row in found}


def load_crises(connection: Connection, brand: str) -> list[Alert]:
    """The alerts of severity crisis that are not over."""
    statement = f"{_SELECT} WHERE brand = {mark(connection)} AND severity = 'crisis' AND resolved_at IS NULL"
    return _with_members(connection, connection.exec_driver_sql(statement, (brand,)).all())


def look_again(connection: Connection, brand: str, held_by: str, now: datetime) -> int:
    """Make those due whose `why` names what held them back and is over; how many that were."""
    condition = (_T.c.brand == brand) & _T.c.resolved_at.is_(None) & _T.c.why.contains(held_by, autoescape=True)
    return due.mark_all_due(connection, "alerts", condition, now)


def open_group_keys(connection: Connection, brand: str, prefix: str) -> list[str]:
    """The group keys of a brand's unresolved alerts that begin so; the prefix is ASCII."""
    beyond = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    statement = select(_T.c.group_key).where(
        _T.c.brand == brand, _T.c.group_key >= prefix, _T.c.group_key < beyond, _T.c.resolved_at.is_(None)
    )
    return list(connection.execute(statement).scalars())


def load(connection: Connection, keys: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Alert]:
    """These alerts by (brand, id)."""
    found: list[Any] = []
    for brand, ids in due.by_brand(keys).items():
        found += hot.select_by_ids(connection, _COLUMNS, "alerts", brand, ids)
    return {(alert.brand, alert.id): alert for alert in _with_members(connection, found)}


def listing(connection: Connection, brand: str | None, statuses: Sequence[AlertStatus], limit: int) -> list[Alert]:
    """Alerts for people, the latest opened first."""
    statement = select(_T).where(_T.c.status.in_(statuses)).order_by(_T.c.opened_at.desc()).limit(limit)
    if brand is not None:
        statement = statement.where(_T.c.brand == brand)
    return _with_members(connection, connection.execute(statement).all())


def _with_members(connection: Connection, rows: Sequence[Any]) -> list[Alert]:
    members: dict[int, dict[str, Severity]] = {}
    evidence: dict[int, set[str]] = {}
    columns = "alert_id, rule, thread_id, severity, cleared_at, evidence"
    for brand in {row.brand for row in rows}:
        ids = [row.id for row in rows if row.brand == brand]
        for alert_id, rule, thread_id, severity, cleared_at, comments in hot.select_by_ids(
            connection, columns, "flags", brand, ids, key="alert_id"
        ):
            if cleared_at is None:
                members.setdefault(alert_id, {})[f"{rule}:{show_id(thread_id)}"] = Severity(severity)
                if severity == Severity.CRISIS:
                    evidence.setdefault(alert_id, set()).update(f"comment:{show_id(i)}" for i in json.loads(comments))
    return [_read(row, members.get(row.id, {}), frozenset(evidence.get(row.id, ()))) for row in rows]


def _read(row: Any, members: dict[str, Severity], evidence: frozenset[str]) -> Alert:
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
        evidence=evidence,
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
        source_id=row.source_id,
        says=row.says,
        n_repeats=row.n_repeats,
        unowned_since=opt_at(row.unowned_since),
        step=row.step,
        n_reopened=row.n_reopened,
        why=row.why,
        shown=row.shown,
    )


_WRITTEN = (
    "brand", "id", "rule", "group_key", "severity", "status", "opened_at", "resolved_at", "playbook", "route",
    "platform", "source_id", "says", "acknowledged_by", "acknowledged_at", "snoozed_until", "unowned_since", "step",
    "n_repeats", "n_reopened", "due_at",
)  # fmt: skip
_KEPT = ("brand", "id", "rule", "group_key", "says", "due_at")
_SAVE = (
    f"INSERT INTO alerts ({', '.join(_WRITTEN)}) VALUES ({', '.join(['{0}'] * len(_WRITTEN))})"  # noqa: S608
    " ON CONFLICT (brand, id) DO UPDATE SET"
    f" {', '.join(f'{name} = excluded.{name}' for name in _WRITTEN if name not in _KEPT)},"
    " claim_no = alerts.claim_no + 1,"
    " due_at = CASE WHEN alerts.due_at < excluded.due_at THEN alerts.due_at ELSE excluded.due_at END"
)


def save(connection: Connection, alerts: Sequence[Alert], due_at: datetime) -> None:
    """Write alerts that an assessment opened or changed and make them due; the notifier decides what to tell.

    They were loaded by `load_open` or `load_past` in this transaction, so that no person's act is overwritten.
    """
    rows = [
        (
            alert.brand, alert.id, alert.rule, alert.group_key, alert.severity.value, alert.status,
            to_us(alert.opened_at), opt_us(alert.resolved_at), alert.playbook, alert.route, alert.platform,
            alert.source_id, alert.says, alert.acknowledged_by, opt_us(alert.acknowledged_at),
            opt_us(alert.snoozed_until), opt_us(alert.unowned_since), alert.step, alert.n_repeats, alert.n_reopened,
            to_us(due_at),
        )
        for alert in alerts
    ]  # fmt: skip
    if rows:
        connection.exec_driver_sql(_SAVE.format(mark(connection)), rows)


_DECIDED = (
    "due_at", "told", "told_severity", "last_told_at", "n_told", "n_repeats", "unowned_since", "step", "status",
    "acknowledged_by", "acknowledged_at", "snoozed_until", "why",
)  # fmt: skip


def release(connection: Connection, decided: Sequence[tuple[due.Claim, Alert, datetime | None]]) -> None:
    """Give alerts back as the notifier leaves them, each with when it is due again; their claims must hold."""
    one = mark(connection)
    statement = (
        f"UPDATE alerts SET {', '.join(f'{name} = {one}' for name in _DECIDED)}"  # noqa: S608
        f" WHERE brand = {one} AND id = {one} AND claim_no = {one}"
    )
    rows = [
        (
            opt_us(due_at), json.dumps(sorted(alert.told)), alert.told_severity.value if alert.told_severity else "",
            opt_us(alert.last_told_at), alert.n_told, alert.n_repeats, opt_us(alert.unowned_since), alert.step,
            alert.status, alert.acknowledged_by, opt_us(alert.acknowledged_at), opt_us(alert.snoozed_until), alert.why,
            claimed.brand, claimed.id, claimed.claim_no,
        )
        for claimed, alert, due_at in decided
    ]  # fmt: skip
    if rows:
        connection.exec_driver_sql(statement, rows)


def flags_of(connection: Connection, brand: str, alerts: Sequence[Alert]) -> dict[int, list[Flag]]:
    """The flags that these alerts tell of: those that stand, or, once resolved, those that stood."""
    resolved = {alert.id for alert in alerts if alert.status == "resolved"}
    found: dict[int, list[Flag]] = {}
    ids = [alert.id for alert in alerts]
    for row in hot.select_by_ids(connection, threads.FLAG_COLUMNS, "flags", brand, ids, key="alert_id"):
        flag = threads.read_flag(row)
        if flag.alert_id is not None and (row[-1] is None or flag.alert_id in resolved):
            found.setdefault(flag.alert_id, []).append(flag)
    return found


def flags_under(connection: Connection, brand: str, posts: Iterable[int]) -> list[Flag]:
    """The standing flags of the threads that await an answer under these posts, the oldest first."""
    condition, parameter = among(connection, list(posts))
    statement = (
        f"SELECT id FROM threads WHERE brand = {mark(connection)} AND subject_id {condition}"  # noqa: S608
        " AND awaiting_since IS NOT NULL AND subject_id IS NOT NULL"
    )
    ids = [row[0] for row in connection.exec_driver_sql(statement, (brand, parameter))]
    found = [flag for listed in threads.load_flags(connection, brand, ids).values() for flag in listed]
    return sorted(found, key=lambda flag: (flag.raised_at, flag.fingerprint))


def told_to(connection: Connection, brand: str, alerts: Sequence[Alert]) -> dict[int, list[Recipient]]:
    """Who has been told of each of these alerts, or has it in a digest to come, since it was (last) opened."""
    found: dict[int, dict[Recipient, None]] = {}
    if not alerts:
        return {}
    notices, deliveries, held = schema.notices, schema.deliveries, schema.held
    begun = {alert.id: to_us(alert.opened_at) for alert in alerts}
    for table, condition in (
        (deliveries, (deliveries.c.status != "abandoned") & ~deliveries.c.is_edit),
        (held, held.c.id.is_not(None)),
    ):
        statement = (
            select(notices.c.alert_id, notices.c.created_at, table.c.channel, table.c.person)
            .join(table, (table.c.brand == notices.c.brand) & (table.c.notice_id == notices.c.id))
            .where(notices.c.brand == brand, notices.c.alert_id.in_(begun), condition)
            .order_by(notices.c.created_at, table.c.id)
        )
        for alert_id, created_at, channel, person in connection.execute(statement):
            if created_at >= begun[alert_id]:
                found.setdefault(alert_id, {})[Recipient(channel, person)] = None
    return {alert_id: list(each) for alert_id, each in found.items()}


def acknowledge(connection: Connection, alert: Alert, who: str, now: datetime) -> None:
    """A person has it now: reminders begin anew, a day apart at least, and nobody further up is asked."""
    taken = {"status": "acknowledged", "acknowledged_by": who, "acknowledged_at": to_us(now)}
    change(connection, alert, now, **taken, unowned_since=None, step=0, n_repeats=0)


def hand_back(connection: Connection, alert: Alert, now: datetime) -> None:
    """Nobody has it any more: its ladder and its reminders count from now."""
    free = {"status": "open", "acknowledged_by": "", "acknowledged_at": None}
    change(connection, alert, now, **free, unowned_since=to_us(now), n_repeats=0)


def snooze(connection: Connection, alert: Alert, until: datetime, now: datetime) -> None:
    """Nobody is told until then; its ladder counts from there."""
    counted = {} if alert.unowned_since is None else {"unowned_since": to_us(until)}
    change(connection, alert, now, snoozed_until=to_us(until), **counted)


def change(connection: Connection, alert: Alert, now: datetime, **values: Any) -> None:
    """Write what a person decided about an alert and let the notifier look again."""
    one = (_T.c.brand == alert.brand, _T.c.id == alert.id, _T.c.resolved_at.is_(None))
    connection.execute(update(_T).where(*one).values(**values))
    due.mark_due(connection, "alerts", [(alert.brand, alert.id)], now)
    due.announce(connection, "alerts")


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
    is_open, counts_later = _T.c.resolved_at.is_(None), _T.c.unowned_since > to_us(now)
    connection.execute(update(_T).where(is_open, counts_later).values(unowned_since=to_us(now)))
    due.mark_all_due(connection, "alerts", is_open, now)
    return True


def resolve(connection: Connection, alert: Alert, now: datetime) -> None:
    """What the alert was about is over; the notifier tells it if it ever told the alert."""
    change(connection, alert, now, status="resolved", resolved_at=to_us(now))
