"""Second opinions: which comments another model is to be asked about, what it said, and what that has cost today."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from monitor.core.opinions import Opinion
from monitor.store import due, hot
from monitor.store.due import Claim
from monitor.store.engine import mark
from monitor.store.instants import to_us


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about one comment: these signals of the text with this hash."""

    comment_id: int
    thread_id: int
    text_hash: int
    signals: Sequence[str]
    n_failures: int = 0


def note(connection: Connection, brand: str, questions: Iterable[Question], now: datetime) -> None:
    """Ask these from now on; a text that was asked about already is not asked about again."""
    at = to_us(now)
    rows = [(brand, q.comment_id, q.thread_id, q.text_hash, json.dumps(list(q.signals)), at, at) for q in questions]
    if not rows:
        return
    names = ("brand", "id", "thread_id", "text_hash", "signals", "created_at", "due_at")
    anew = ", ".join(f"{name} = excluded.{name}" for name in names[2:])
    statement = (
        f"INSERT INTO second_opinions ({', '.join(names)}) VALUES ({', '.join([mark(connection)] * len(names))})"  # noqa: S608
        f" ON CONFLICT (brand, id) DO UPDATE SET {anew}, model = '', answer = '{{}}', n_failures = 0,"
        " claim_no = second_opinions.claim_no + 1 WHERE second_opinions.text_hash <> excluded.text_hash"
    )
    connection.exec_driver_sql(statement, sorted(rows))


def of_threads(connection: Connection, brand: str, thread_ids: Iterable[int]) -> dict[int, Opinion]:
    """What was asked and said about comments of these threads, by comment."""
    columns = "id, text_hash, model, answer"
    rows = hot.select_by_ids(connection, columns, "second_opinions", brand, thread_ids, key="thread_id")
    return {row[0]: Opinion(row[1], row[2], json.loads(row[3])) for row in rows}


def load(connection: Connection, claimed: Claim) -> Question | None:
    """The claimed question; None if nobody waits in its thread any more."""
    one = mark(connection)
    statement = (
        "SELECT q.id, q.thread_id, q.text_hash, q.signals, q.n_failures FROM second_opinions q"  # noqa: S608
        " JOIN threads t ON t.brand = q.brand AND t.id = q.thread_id"
        f" WHERE q.brand = {one} AND q.id = {one} AND t.awaiting_since IS NOT NULL"
    )
    row = connection.exec_driver_sql(statement, (claimed.brand, claimed.id)).first()
    return None if row is None else Question(row[0], row[1], row[2], json.loads(row[3]), row[4])


def save(
    connection: Connection, claimed: Claim, asked: Question, model: str, values: Mapping[str, float], now: datetime
) -> None:
    """Keep an answer, whose thread is then judged again; without values it says nothing and is not asked for again.

    Raises: ClaimLost.
    """
    due.release(connection, "second_opinions", claimed, None, model=model, answer=json.dumps(dict(values)))
    if values:
        due.mark_due(connection, "threads", [(claimed.brand, asked.thread_id)], now)


def put_off(connection: Connection, claimed: Claim, until: datetime | None, n_failures: int) -> None:
    """Ask again at this instant, or (None) never.

    Raises: ClaimLost.
    """
    due.release(connection, "second_opinions", claimed, until, n_failures=n_failures)


def spend(connection: Connection, what: str, day: str, most: int) -> bool:
    """Take one of the day's budget, which all hosts share; False, and nothing is taken, where it is spent."""
    one = mark(connection)
    statement = (
        f"INSERT INTO budgets (name, day, spent) VALUES ({one}, {one}, 1)"  # noqa: S608
        " ON CONFLICT (name) DO UPDATE SET day = excluded.day,"
        " spent = CASE WHEN budgets.day = excluded.day THEN budgets.spent + 1 ELSE 1 END"
        f" WHERE budgets.day <> excluded.day OR budgets.spent < {one} RETURNING spent"
    )
    return connection.exec_driver_sql(statement, (what, day, most)).first() is not None
