"""The outbox: notices, and one delivery of each to each channel, in order, at least once."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from monitor.model import Delivery, Notice, Recipient, make_id, parse_id_prefix
from monitor.store import due, messages, schema
from monitor.store.engine import is_postgres, mark
from monitor.store.instants import opt_at, opt_us, to_us

_D = schema.deliveries
_notices: TypeAdapter[Notice] = TypeAdapter(Notice)


def add(connection: Connection, told: Sequence[tuple[Notice, Sequence[Recipient]]], now: datetime) -> None:
    """Record decisions to tell, and what is to be sent for them: the outbox rows are due now."""
    connection.execute(
        insert(schema.notices),
        [
            {
                "brand": notice.brand,
                "id": notice.id,
                "alert_id": parse_id_prefix(notice.alert_id)[0],
                "reason": notice.reason,
                "created_at": to_us(notice.created_at),
                "payload": _notices.dump_json(notice).decode(),
            }
            for notice, _ in told
        ],
    )
    quotes = [
        {
            "brand": notice.brand,
            "notice_id": notice.id,
            "thread_id": parse_id_prefix(brief.thread_id)[0],
            "source_id": brief.source_id,
            "created_at": to_us(notice.created_at),
        }
        for notice, _ in told
        for brief in {brief.thread_id: brief for brief in notice.threads}.values()
    ]
    if quotes:
        connection.execute(insert(schema.quotes), quotes)
    for notice, whom in told:
        if notice.reason == "repeat":
            _drop_waiting_repeats(connection, notice, [each.channel for each in whom], now)
    rows = [_delivery_row(notice, each.channel, now, each.person) for notice, whom in told for each in whom]
    if rows:
        connection.execute(insert(_D), rows)


def _drop_waiting_repeats(connection: Connection, notice: Notice, channels: Sequence[str], now: datetime) -> None:
    """A reminder that has not left yet is overtaken by the next: a dead channel that is mended gets one, not forty."""
    notices = schema.notices
    of_alert = select(notices.c.id).where(
        notices.c.brand == notice.brand,
        notices.c.alert_id == parse_id_prefix(notice.alert_id)[0],
        notices.c.reason == "repeat",
    )
    waiting = (_D.c.brand == notice.brand, _D.c.notice_id.in_(of_alert), _D.c.channel.in_(channels))
    statement = update(_D).where(*waiting, _D.c.due_at <= to_us(now))
    values = {"status": "overtaken", "due_at": None, "claim_no": _D.c.claim_no + 1}
    connection.execute(statement.values(**values))


def add_delivery(connection: Connection, notice: Notice, channel: str, now: datetime) -> None:
    """Send a notice to one more channel; it is due now."""
    connection.execute(insert(_D).values(**_delivery_row(notice, channel, now)))


def channels_of(connection: Connection, brand: str, notice_id: int) -> set[str]:
    """The channels that a notice has gone or is to go to."""
    statement = select(_D.c.channel).where(_D.c.brand == brand, _D.c.notice_id == notice_id)
    return set(connection.execute(statement).scalars())


def _delivery_row(notice: Notice, channel: str, now: datetime, person: str = "") -> dict[str, Any]:
    return {
        "brand": notice.brand,
        "id": make_id(notice.brand, "delivery", f"{notice.id}:{channel}"),
        "notice_id": notice.id,
        "channel": channel,
        "person": person,
        "is_edit": notice.reason == "update",
        "status": "pending",
        "created_at": to_us(now),
        "due_at": to_us(now),
    }


def claim(
    connection: Connection, channel_ids: Iterable[str], now: datetime, lease: timedelta
) -> list[tuple[str, due.Claim]]:
    """Take the oldest waiting delivery of each of these channels, if it is due: that keeps each channel's order.

    A delivery that is being sent or waits for its next try holds back the later ones of its channel.
    """
    claims: list[tuple[str, due.Claim]] = []
    for channel in _free_channels(connection, channel_ids, now):
        head = claim_head(connection, channel, now, lease)
        if head is not None:
            claims.append((channel, head))
    return claims


def claim_head(connection: Connection, channel: str, now: datetime, lease: timedelta) -> due.Claim | None:
    """Take the oldest waiting delivery of a channel that may be used, if it is due."""
    one, at = mark(connection), to_us(now)
    found = connection.exec_driver_sql(_CLAIM_HEAD.format(one=one), (to_us(now + lease), channel, at)).first()
    return due.Claim(*found) if found else None


_CLAIM_HEAD = (
    "UPDATE deliveries SET due_at = {one}, claim_no = claim_no + 1 WHERE (brand, id) ="
    " (SELECT brand, id FROM deliveries WHERE channel = {one} AND due_at IS NOT NULL ORDER BY created_at, id LIMIT 1)"
    " AND due_at <= {one} RETURNING brand, id, claim_no"
)


def _free_channels(connection: Connection, channel_ids: Iterable[str], now: datetime) -> list[str]:
    one, at = mark(connection), to_us(now)
    statement = f"SELECT id FROM channels WHERE held_until > {one} OR free_at > {one}"  # noqa: S608
    blocked = {row[0] for row in connection.exec_driver_sql(statement, (at, at))}
    return [channel for channel in channel_ids if channel not in blocked]


def next_free(connection: Connection, now: datetime) -> datetime | None:
    """When the first of the channels that pause may be used again."""
    table = schema.channels
    statement = select(func.min(table.c.free_at)).where(table.c.free_at > to_us(now))
    return opt_at(connection.execute(statement).scalar())


def waiting_channels(connection: Connection, now: datetime) -> list[str]:
    """The channels that have a due delivery."""
    statement = f"SELECT DISTINCT channel FROM deliveries WHERE due_at <= {mark(connection)}"  # noqa: S608
    return [row[0] for row in connection.exec_driver_sql(statement, (to_us(now),))]


def load(connection: Connection, claimed: due.Claim) -> Delivery:
    """A claimed delivery with its notice, and what the first message of the same alert in its channel is called."""
    found = connection.exec_driver_sql(_LOADED.format(one=mark(connection)), (claimed.brand, claimed.id)).one()
    channel, n_attempts, person, is_edit, payload = found
    notice = _notices.validate_json(payload)
    follows = messages.first_ref(connection, claimed.brand, notice.alert_id, channel)
    return Delivery(claimed.brand, claimed.id, channel, notice, n_attempts, person, bool(is_edit), follows)


_LOADED = (
    "SELECT d.channel, d.n_attempts, d.person, d.is_edit, n.payload FROM deliveries d"
    " JOIN notices n ON n.brand = d.brand AND n.id = d.notice_id WHERE d.brand = {one} AND d.id = {one}"
)


def hold_channel(connection: Connection, channel: str, until: datetime, reason: str, now: datetime) -> bool:
    """Let a channel wait; its deliveries stay in order. Whether it was free until now."""
    table = schema.channels
    was = connection.execute(select(table.c.held_since).where(table.c.id == channel)).first()
    _set_channel(connection, channel, held_until=to_us(until), hold_reason=reason)
    if was is None or was[0] is None:
        _set_channel(connection, channel, held_since=to_us(now))
        return True
    return False


def free_channel(connection: Connection, channel: str, free_at: datetime | None) -> bool:
    """A delivery arrived: the channel lives, and may be used again at `free_at` (None: now). Whether it was held."""
    one = mark(connection)
    statement = f"SELECT held_since, held_until, free_at FROM channels WHERE id = {one}"  # noqa: S608
    was = connection.exec_driver_sql(statement, (channel,)).first()
    if free_at is not None or (was is not None and any(value is not None for value in was)):
        connection.exec_driver_sql(_FREED.format(one=one), (channel, opt_us(free_at)))
    return was is not None and was[0] is not None


_FREED = (
    "INSERT INTO channels (id, held_until, hold_reason, held_since, free_at) VALUES ({one}, NULL, '', NULL, {one})"
    " ON CONFLICT (id) DO UPDATE SET held_until = NULL, hold_reason = '', held_since = NULL, free_at = excluded.free_at"
)


def pause_channel(connection: Connection, channel: str, until: datetime) -> None:
    """The target asked for a pause (429): nothing is sent to it before; it is not broken."""
    _set_channel(connection, channel, free_at=to_us(until))


def _set_channel(connection: Connection, channel: str, **values: Any) -> None:
    insert_ = postgres_insert if is_postgres(connection) else sqlite_insert
    statement = insert_(schema.channels).values(id=channel, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))


def held_channels(connection: Connection) -> dict[str, str]:
    """The channels that refuse our messages, with the reason."""
    table = schema.channels
    statement = select(table.c.id, table.c.hold_reason).where(table.c.held_since.is_not(None))
    return {row[0]: row[1] for row in connection.execute(statement)}


def counts(connection: Connection) -> dict[tuple[str, str], int]:
    """How many deliveries of each (channel, status)."""
    statement = select(_D.c.channel, _D.c.status, func.count()).group_by(_D.c.channel, _D.c.status)
    return {(row[0], row[1]): row[2] for row in connection.execute(statement)}
