"""What was said to us in chats, by its id: so that nothing is done twice, whichever host hears it."""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, cast

from sqlalchemy import Connection, CursorResult, delete
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from monitor.store import schema
from monitor.store.engine import is_postgres
from monitor.store.instants import to_us

KEPT = timedelta(days=7)  # longer than any chat repeats itself
LONGEST = 300  # characters
_T = schema.chat_calls


def is_first(connection: Connection, call_id: str, now: datetime) -> bool:
    """Note a call; whether it is new. Do what it says in the same transaction."""
    insert_ = postgres_insert if is_postgres(connection) else sqlite_insert
    statement = insert_(_T).values(id=_mark(call_id), seen_at=to_us(now)).on_conflict_do_nothing()
    return connection.execute(statement.returning(_T.c.id)).first() is not None


def _mark(call_id: str) -> str:
    """The id as it is kept: whatever was sent can be stored, and two that differ stay two."""
    if call_id.isascii() and call_id.isprintable() and len(call_id) <= LONGEST:
        return call_id
    return sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()


def forget_old(connection: Connection, now: datetime) -> int:
    """Forget calls that nobody can repeat any more; how many."""
    statement = delete(_T).where(_T.c.seen_at < to_us(now - KEPT))
    return int(cast("CursorResult[Any]", connection.execute(statement)).rowcount)
