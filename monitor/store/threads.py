"""The materialised thread rows: what the assessment concluded, so that the backlog and the queue need nothing else."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic_core import to_json
from sqlalchemy import Connection, and_, exists, or_, update

from monitor.model import Flag, Reason, Severity, ThreadActs
from monitor.store import hot, schema
from monitor.store.due import Claim, mark_all_due, mark_due
from monitor.store.engine import mark
from monitor.store.instants import from_us, opt_at, opt_us, to_us

_T = schema.threads
_F = schema.flags


@dataclass(frozen=True, slots=True)
class ThreadRow:
    """What an assessment needs of a thread's row besides its comments."""

    brand: str
    id: int
    source_id: str
    platform: str
    subject_id: int | None
    title: str
    acts: ThreadActs


def load_rows(connection: Connection, brand: str, ids: Iterable[int]) -> dict[int, ThreadRow]:
    """These threads' rows by id."""
    columns = "id, source_id, platform, subject_id, title, closed_at, closed_by, snoozed_until, assignee"
    return {
        row[0]: ThreadRow(
            brand, row[0], row[1], row[2], row[3], row[4], ThreadActs(opt_at(row[5]), row[6], opt_at(row[7]), row[8])
        )
        for row in hot.select_by_ids(connection, columns, "threads", brand, ids)
    }


@dataclass(frozen=True, slots=True)
class Assessed:
    """A thread's row as its assessment leaves it."""

    claim: Claim
    due_at: datetime | None
    n_comments: int
    last_at: datetime | None
    awaiting_since: datetime | None
    rank: int
    severity: str
    standing: str
    author_name: str
    excerpt: str
    permalink: str


_ASSESSED = (
    "due_at", "n_comments", "last_at", "awaiting_since", "rank", "severity", "standing", "author_name", "excerpt",
    "permalink",
)  # fmt: skip


def save_assessed(connection: Connection, verdicts: Sequence[Assessed]) -> None:
    """Write the assessments of threads whose claims still hold (see `due.still_ours`), each fenced once more."""
    one = mark(connection)
    changes = ", ".join(f"{name} = {one}" for name in _ASSESSED)
    statement = f"UPDATE threads SET {changes} WHERE brand = {one} AND id = {one} AND claim_no = {one}"  # noqa: S608
    rows = [
        (
            opt_us(v.due_at), v.n_comments, opt_us(v.last_at), opt_us(v.awaiting_since), v.rank, v.severity,
            v.standing, v.author_name, v.excerpt, v.permalink, v.claim.brand, v.claim.id, v.claim.claim_no,
        )
        for v in verdicts
    ]  # fmt: skip
    if rows:
        connection.exec_driver_sql(statement, rows)


def load_flags(
    connection: Connection, brand: str, thread_ids: Iterable[int], *, with_cleared: bool = False
) -> dict[int, list[Flag]]:
    """The standing flags of these threads, or also what each rule raised last."""
    found: dict[int, list[Flag]] = {}
    for row in hot.select_by_ids(connection, FLAG_COLUMNS, "flags", brand, thread_ids, key="thread_id"):
        if row[-1] is None or with_cleared:
            found.setdefault(row[1], []).append(read_flag(row))
    return found


_FLAG_NAMES = (
    "brand", "thread_id", "rule", "severity", "group_key", "reasons", "evidence", "is_history", "playbook", "route",
    "raised_at", "alert_id", "cleared_at",
)  # fmt: skip
FLAG_COLUMNS = ", ".join(_FLAG_NAMES)


def read_flag(row: Sequence[Any]) -> Flag:
    """A flag from a row of FLAG_COLUMNS."""
    return Flag(
        brand=row[0],
        thread_id=row[1],
        rule=row[2],
        severity=Severity(row[3]),
        group_key=row[4],
        reasons=tuple(Reason(**{**reason, "words": tuple(reason["words"])}) for reason in json.loads(row[5])),
        evidence=tuple(json.loads(row[6])),
        is_history=bool(row[7]),
        playbook=row[8],
        route=row[9],
        raised_at=from_us(row[10]),
        alert_id=row[11],
    )


_SAVE_FLAG = (
    f"INSERT INTO flags ({FLAG_COLUMNS}) VALUES ({', '.join(['{0}'] * len(_FLAG_NAMES))})"  # noqa: S608
    " ON CONFLICT (brand, thread_id, rule) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _FLAG_NAMES if name not in ("brand", "thread_id", "rule"))
)


def save_flags(connection: Connection, standing: Sequence[Flag], cleared: Sequence[Flag], now: datetime) -> None:
    """Write standing flags, each with its alert, and mark those that no longer hold."""
    if standing:
        connection.exec_driver_sql(_SAVE_FLAG.format(mark(connection)), [_flag_row(flag) for flag in standing])
    for flag in cleared:
        one = (_F.c.brand == flag.brand, _F.c.thread_id == flag.thread_id, _F.c.rule == flag.rule)
        connection.execute(update(_F).where(*one).values(cleared_at=to_us(now)))


def _flag_row(flag: Flag) -> tuple[Any, ...]:
    return (
        flag.brand,
        flag.thread_id,
        flag.rule,
        flag.severity.value,
        flag.group_key,
        to_json(flag.reasons).decode(),
        json.dumps(flag.evidence),
        flag.is_history,
        flag.playbook,
        flag.route,
        to_us(flag.raised_at),
        flag.alert_id,
        None,
    )


def awaiting(connection: Connection, brand: str, ids: Iterable[int]) -> dict[int, datetime | None]:
    """Since when each of these threads waits, if it does."""
    return {
        row[0]: opt_at(row[1]) for row in hot.select_by_ids(connection, "id, awaiting_since", "threads", brand, ids)
    }


def raise_under_post(connection: Connection, brand: str, post_id: int, severity: Severity) -> None:
    """What is flagged about a post counts for who waits under it: show them as at least so urgent.

    The fencing number is incremented: a verdict made before would put the old rank back.
    """
    one = mark(connection)
    # The + keeps SQLite off the backlog's index, in which it would read every rank below.
    where = f"brand = {one} AND awaiting_since IS NOT NULL AND subject_id = {one} AND +rank > {one}"
    statement = f"UPDATE threads SET rank = {one}, severity = {one}, claim_no = claim_no + 1 WHERE {where}"  # noqa: S608
    connection.exec_driver_sql(statement, (severity.rank, severity.value, brand, post_id, severity.rank))


def ease_under_post(connection: Connection, brand: str, post_id: int, now: datetime) -> None:
    """A post is flagged less urgently than before: judge anew who waits under it."""
    one = mark(connection)
    where = f"brand = {one} AND awaiting_since IS NOT NULL AND subject_id = {one}"
    found = connection.exec_driver_sql(f"SELECT brand, id FROM threads WHERE {where}", (brand, post_id))  # noqa: S608
    mark_due(connection, "threads", [(row[0], row[1]) for row in found], now)


def mark_open_due(connection: Connection, now: datetime, brand: str | None = None) -> int:
    """Make every thread (of a brand) that waits or carries a flag due: the rules or the signals have changed.

    So is what is being judged at this moment, for the first time perhaps: by the old ones.
    """
    flagged = exists().where(_F.c.brand == _T.c.brand, _F.c.thread_id == _T.c.id, _F.c.cleared_at.is_(None))
    is_open = or_(_T.c.awaiting_since.is_not(None), _T.c.due_at.is_not(None), flagged)
    return mark_all_due(connection, "threads", and_(_T.c.brand == brand, is_open) if brand else is_open, now)


def remembered(connection: Connection, name: str) -> str | None:
    """A value that the store remembers about how its verdicts were made (the digest of the rules)."""
    statement = f"SELECT value FROM settings_seen WHERE name = {mark(connection)}"  # noqa: S608
    found: str | None = connection.exec_driver_sql(statement, (name,)).scalar()
    return found


def remember(connection: Connection, name: str, value: str) -> None:
    table = schema.settings_seen
    if connection.execute(update(table).where(table.c.name == name).values(value=value)).rowcount == 0:
        connection.execute(table.insert().values(name=name, value=value))
