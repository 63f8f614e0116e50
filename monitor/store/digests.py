"""The queue of digests: what was held for somebody, and what is told by the calendar, each when it is due."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from monitor.model import Recipient
from monitor.store import schema
from monitor.store.engine import mark
from monitor.store.instants import from_us, opt_at, to_us

_T = schema.digests
HELD = "held"
Key = tuple[str, str]  # brand, id

_MAKE_DUE = (
    "INSERT INTO digests (brand, id, due_at) VALUES ({0}, {0}, {0}) ON CONFLICT (brand, id) DO UPDATE SET"
    " due_at = CASE WHEN digests.due_at < excluded.due_at THEN digests.due_at ELSE excluded.due_at END,"
    " claim_no = digests.claim_no + 1"
)


def make_id(kind: str, recipient: Recipient, name: str = "") -> str:
    """A digest's id; names in the configuration have no colon."""
    return f"{kind}:{name}:{recipient.channel}:{recipient.person}"


def held_id(recipient: Recipient) -> str:
    """The digest of what was held for a recipient."""
    return make_id(HELD, recipient)


def parse_id(digest_id: str) -> tuple[str, Recipient]:
    """A digest's kind, and who has it."""
    kind, _, channel, person = digest_id.split(":")
    return kind, Recipient(channel, person)


def make_due(connection: Connection, until: Mapping[Key, datetime]) -> None:
    """Let digests be told at these instants at the latest; whoever tells one just now does so again with the rest."""
    rows = [(*key, to_us(at)) for key, at in sorted(until.items())]
    if rows:
        connection.exec_driver_sql(_MAKE_DUE.format(mark(connection)), rows)


def held_due(connection: Connection, brand: str) -> dict[Recipient, datetime]:
    """For whom something is held in a brand, and when they have it."""
    first, beyond = f"{HELD}:", f"{HELD};"
    chosen = (_T.c.brand == brand, _T.c.id >= first, _T.c.id < beyond, _T.c.due_at.is_not(None))
    found = connection.execute(select(_T.c.id, _T.c.due_at).where(*chosen))
    return {parse_id(digest_id)[1]: from_us(due_at) for digest_id, due_at in found}


def last_told_at(connection: Connection, key: Key) -> datetime | None:
    """When a digest was last told."""
    statement = select(_T.c.last_told_at).where(_T.c.brand == key[0], _T.c.id == key[1])
    return opt_at(connection.execute(statement).scalar())


def due_times(connection: Connection, now: datetime, limit: int) -> dict[Key, datetime]:
    """When those that are due have become so; read this before they are claimed."""
    statement = select(_T.c.brand, _T.c.id, _T.c.due_at).where(_T.c.due_at <= to_us(now))
    found = connection.execute(statement.order_by(_T.c.due_at).limit(limit))
    return {(brand, digest_id): from_us(due_at) for brand, digest_id, due_at in found}


def sync(connection: Connection, wanted: Mapping[Key, datetime], now: datetime) -> None:
    """Make the digests of the calendar those of the configuration, with when each is next due.

    One that is due by now stays so: it was missed, and is told late.
    """
    table = select(_T.c.brand, _T.c.id, _T.c.due_at)
    there = {(row.brand, row.id): opt_at(row.due_at) for row in connection.execute(table)}
    for key, due_at in there.items():
        if parse_id(key[1])[0] == HELD:
            continue
        chosen = (_T.c.brand == key[0], _T.c.id == key[1])
        if key not in wanted:
            connection.execute(delete(_T).where(*chosen))
        elif due_at is None or due_at > now:
            values = {"due_at": to_us(wanted[key]), "claim_no": _T.c.claim_no + 1}
            connection.execute(update(_T).where(*chosen).values(**values))
    new = {key: at for key, at in wanted.items() if key not in there}
    make_due(connection, new)
