"""What people do about a thread: from the command line, the API, the page and chat, all through these functions.

Each act is written down with who did it and makes the thread due, so that the assessment draws the consequences.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, insert, select, update

from monitor.core.corrections import corrections_of, news_of
from monitor.errors import NotFound
from monitor.model import make_id, parse_id_prefix, show_id
from monitor.store import comments, corrections, due, schema, threads
from monitor.store.instants import from_us, opt_us, to_us

_T = schema.threads


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that a person did about a thread."""

    at: datetime
    who: str
    act: str
    detail: str


def find(connection: Connection, table_name: str, typed: str) -> tuple[str, int]:
    """The (brand, id) of the thread or alert whose shown id begins with what a person typed.

    Raises: NotFound: there is none, or more than one (the text lists them); show it.
    """
    table = {"thread": schema.threads, "alert": schema.alerts}[table_name]
    first, last = parse_id_prefix(typed)
    statement = select(table.c.brand, table.c.id).where(table.c.id.between(first, last)).limit(6)
    rows = connection.execute(statement).all()
    if len(rows) == 1:
        return rows[0][0], rows[0][1]
    if not rows:
        raise NotFound(f'there is no {table_name} "{typed}"')
    raise NotFound(f'"{typed}" could be {", ".join(show_id(row[1]) for row in rows)}; type more of it')


def close(connection: Connection, brand: str, thread_id: int, who: str, now: datetime, why: str = "") -> None:
    """A person says that nothing more is needed; a later comment of a customer opens the thread again."""
    _change(connection, brand, thread_id, now, closed_at=to_us(now), closed_by=who, snoozed_until=None)
    _record(connection, brand, thread_id, who, "close", why, now)


def reopen(connection: Connection, brand: str, thread_id: int, who: str, now: datetime) -> None:
    """A person takes back a close."""
    _change(connection, brand, thread_id, now, closed_at=None, closed_by="")
    _record(connection, brand, thread_id, who, "reopen", "", now)


def snooze(connection: Connection, brand: str, thread_id: int, who: str, until: datetime | None, now: datetime) -> None:
    """Leave a thread out of the backlog until an instant (None: show it again)."""
    _change(connection, brand, thread_id, now, snoozed_until=opt_us(until))
    _record(connection, brand, thread_id, who, "snooze", until.isoformat() if until else "", now)


def assign(connection: Connection, brand: str, thread_id: int, who: str, assignee: str, now: datetime) -> None:
    """Say who takes care of it ("" for nobody)."""
    _change(connection, brand, thread_id, now, assignee=assignee)
    _record(connection, brand, thread_id, who, "assign", assignee, now)


def note(connection: Connection, brand: str, thread_id: int, who: str, text: str, now: datetime) -> None:
    """Write something down beside a thread; nobody outside sees it."""
    _change(connection, brand, thread_id, now)
    _record(connection, brand, thread_id, who, "note", text, now)


def mark_flag(
    connection: Connection, brand: str, thread_id: int, rule: str, who: str, now: datetime, *, is_wrong: bool
) -> bool:
    """A person says that a rule's flag was wrong (it is not raised again for these comments) or right (a taking back).

    Returns whether that is news. Raises: NotFound: the rule has never flagged this thread; the text says which have.
    """
    raised = threads.load_flags(connection, brand, [thread_id], with_cleared=True).get(thread_id, [])
    flag = next((flag for flag in raised if flag.rule == rule), None)
    if flag is None:
        others = ", ".join(sorted(one.rule for one in raised)) or "no rule has"
        raise NotFound(f'"{rule}" has not flagged thread {show_id(thread_id)}: {others}')
    evidence = comments.load_comments(connection, brand, flag.evidence)
    earlier = corrections.of_threads(connection, brand, [thread_id]).get(thread_id, [])
    standing = threads.load_flags(connection, brand, [thread_id]).get(thread_id, [])
    said = corrections_of(flag, evidence, is_wrong, who, now)
    if not is_wrong and rule not in [one.rule for one in standing]:
        said += [replace(one, is_wrong=False, who=who, at=now) for one in earlier if one.rule == rule and one.is_wrong]
    news = news_of(said, earlier, evidence)
    if not news:
        return False
    corrections.save(connection, news)
    _change(connection, brand, thread_id, now)
    _record(connection, brand, thread_id, who, "mark_wrong" if is_wrong else "mark_right", rule, now)
    return True


def of_thread(connection: Connection, brand: str, thread_id: int) -> list[Act]:
    """What people did about a thread, oldest first."""
    table = schema.acts
    statement = select(table).where(table.c.brand == brand, table.c.thread_id == thread_id).order_by(table.c.at)
    return [Act(from_us(row.at), row.who, row.act, row.detail) for row in connection.execute(statement)]


def _change(connection: Connection, brand: str, thread_id: int, now: datetime, **values: Any) -> None:
    statement = update(_T).where(_T.c.brand == brand, _T.c.id == thread_id)
    if values and connection.execute(statement.values(**values)).rowcount == 0:
        raise NotFound(f'there is no thread "{show_id(thread_id)}"')
    due.mark_due(connection, "threads", [(brand, thread_id)], now)
    due.announce(connection, "threads")


def _record(connection: Connection, brand: str, thread_id: int, who: str, act: str, detail: str, now: datetime) -> None:
    row = {"brand": brand, "thread_id": thread_id, "at": to_us(now), "who": who, "act": act, "detail": detail}
    connection.execute(insert(schema.acts).values(id=make_id(brand, "act", uuid4().hex), **row))
