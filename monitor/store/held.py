"""What is held: notices that wait for somebody's hours or budget, and what was told to whom lately."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from monitor.core.telling import Hold, Ledger, Sent, Waiting
from monitor.model import Notice, Recipient, make_id, parse_id_prefix, show_id
from monitor.store import digests, hot, schema
from monitor.store.engine import among, mark
from monitor.store.instants import from_us, to_us

_H, _N, _D = schema.held, schema.notices, schema.deliveries
COUNTED = timedelta(hours=50)  # the longest that any hour or day of anybody can have begun ago
BATCH = 500


@dataclass(frozen=True, slots=True)
class HeldNotice:
    """One notice that one recipient has not had."""

    id: int
    notice_id: int
    alert_id: int
    reason: str
    held_at: datetime
    why: str


def hold(connection: Connection, holds: Sequence[tuple[Notice, Hold]], now: datetime) -> None:
    """Keep notices, that are stored already, for digests, and make these due."""
    rows = [
        {
            "brand": notice.brand,
            "id": make_id(notice.brand, "held", f"{notice.id}:{hold.recipient.channel}:{hold.recipient.person}"),
            "notice_id": notice.id,
            "channel": hold.recipient.channel,
            "person": hold.recipient.person,
            "held_at": to_us(now),
            "why": hold.why,
        }
        for notice, hold in holds
    ]
    if not rows:
        return
    connection.execute(insert(_H), rows)
    until: dict[tuple[str, str], datetime] = {}
    for notice, hold in holds:
        key = notice.brand, digests.held_id(hold.recipient)
        until[key] = min(until.get(key, hold.until), hold.until)
    digests.make_due(connection, until)


def load(connection: Connection, brand: str, recipient: Recipient) -> list[HeldNotice]:
    """What waits for a recipient, in the order in which it was held."""
    one = mark(connection)
    statement = (
        "SELECT held.id, held.notice_id, notices.alert_id, notices.reason, held.held_at, held.why FROM held"  # noqa: S608
        " JOIN notices ON notices.brand = held.brand AND notices.id = held.notice_id"
        f" WHERE held.brand = {one} AND held.channel = {one} AND held.person = {one} AND held.released_at IS NULL"
        " ORDER BY held.held_at, held.id"
    )
    found = connection.exec_driver_sql(statement, (brand, recipient.channel, recipient.person))
    return [HeldNotice(row[0], row[1], row[2], row[3], from_us(row[4]), row[5]) for row in found]


def release(connection: Connection, brand: str, ids: Sequence[int], now: datetime) -> None:
    """These have been told, in a digest that is written in the same transaction."""
    for start in range(0, len(ids), BATCH):
        chosen = _H.c.id.in_(ids[start : start + BATCH])
        connection.execute(update(_H).where(_H.c.brand == brand, chosen).values(released_at=to_us(now)))


def waiting(connection: Connection, told: Iterable[Notice]) -> dict[tuple[str, Recipient], Waiting]:
    """For whom something waits in the brands of these notices, and which of the alerts that they tell of are in it."""
    found: dict[tuple[str, Recipient], Waiting] = {}
    alerts: dict[str, set[int]] = {}
    for notice in told:
        alerts.setdefault(notice.brand, set()).add(parse_id_prefix(notice.alert_id)[0])
    for brand, ids in alerts.items():
        due_at = digests.held_due(connection, brand)
        about = _alerts_held(connection, brand, ids) if due_at else {}
        for recipient, at in due_at.items():
            found[brand, recipient] = Waiting(frozenset(map(show_id, about.get(recipient, ()))), at)
    return found


def _alerts_held(connection: Connection, brand: str, alert_ids: Collection[int]) -> dict[Recipient, set[int]]:
    one = mark(connection)
    chosen, parameter = among(connection, sorted(alert_ids))
    statement = (
        # A cross join is read in this order by SQLite, too: from few notices to what is held of them.
        "SELECT held.channel, held.person, notices.alert_id FROM notices CROSS JOIN held"  # noqa: S608
        f" WHERE notices.brand = {one} AND notices.alert_id {chosen}"
        " AND held.brand = notices.brand AND held.notice_id = notices.id AND held.released_at IS NULL"
    )
    found: dict[Recipient, set[int]] = {}
    for channel, person, alert_id in connection.exec_driver_sql(statement, (brand, parameter)):
        found.setdefault(Recipient(channel, person), set()).add(alert_id)
    return found


def ledger(connection: Connection, channels: Collection[str], now: datetime) -> Ledger:
    """What was told through these channels lately, whether or not it has arrived; changed messages call nobody."""
    if not channels:
        return {}
    statement = select(_D.c.channel, _D.c.created_at, _D.c.person).where(
        _D.c.channel.in_(sorted(channels)), _D.c.created_at >= to_us(now - COUNTED), _D.c.is_edit.is_(False)
    )
    found: dict[str, list[Sent]] = {}
    for channel, created_at, person in connection.execute(statement):
        found.setdefault(channel, []).append(Sent(from_us(created_at), person))
    return found


def stored_notices(connection: Connection, brand: str, notice_ids: Sequence[int]) -> dict[int, str]:
    """The stored text of these notices by id."""
    return dict(hot.select_by_ids(connection, "id, payload", "notices", brand, notice_ids))
