"""Messages in chats that can be changed: which message of a channel first told an alert, and what overtakes what."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select, update

from monitor.model import Delivery, parse_id_prefix
from monitor.store import schema
from monitor.store.engine import mark

_D, _N = schema.deliveries, schema.notices
_JOINED = _D.join(_N, and_(_N.c.brand == _D.c.brand, _N.c.id == _D.c.notice_id))


def first_ref(connection: Connection, brand: str, alert_id: str, channel: str) -> str:
    """What the target calls the message that first told this alert in this channel; "": there is none.

    `alert_id` is as people type it; a digest, which is about no alert, has none.
    """
    if not alert_id:
        return ""
    about = (brand, parse_id_prefix(alert_id)[0], channel)
    return connection.exec_driver_sql(_FIRST_REF.format(one=mark(connection)), about).scalar() or ""


_FIRST_REF = (
    "SELECT d.message_ref FROM notices n JOIN deliveries d ON d.brand = n.brand AND d.notice_id = n.id"
    " WHERE n.brand = {one} AND n.alert_id = {one} AND n.reason <> 'digest' AND d.channel = {one}"
    " AND d.message_ref <> '' ORDER BY d.created_at, d.id LIMIT 1"
)


def first_told(
    connection: Connection, brand: str, alert_ids: Collection[int], channels: Collection[str]
) -> dict[int, dict[str, int]]:
    """By alert and channel, the notice whose message there is the first: it was posted, or waits to be."""
    statement = (
        select(_N.c.alert_id, _D.c.channel, _D.c.notice_id)
        .select_from(_JOINED)
        .where(
            _N.c.brand == brand,
            _N.c.alert_id.in_(sorted(alert_ids)),
            _N.c.reason != "digest",
            _D.c.channel.in_(sorted(channels)),
            _D.c.is_edit.is_(False),
            or_(_D.c.message_ref != "", _D.c.due_at.is_not(None)),
        )
        .order_by(_D.c.created_at, _D.c.id)
    )
    found: dict[int, dict[str, int]] = {}
    for alert_id, channel, notice_id in connection.execute(statement):
        found.setdefault(alert_id, {}).setdefault(channel, notice_id)
    return found


def is_overtaken(connection: Connection, delivery: Delivery) -> bool:
    """Whether a later change of the same message waits behind this one."""
    mine = select(_D.c.created_at).where(_D.c.brand == delivery.brand, _D.c.id == delivery.id).scalar_subquery()
    later = or_(_D.c.created_at > mine, and_(_D.c.created_at == mine, _D.c.id > delivery.id))
    statement = (
        select(_D.c.id)
        .select_from(_JOINED)
        .where(*_of_alert(delivery.brand, delivery.notice.alert_id), _D.c.channel == delivery.channel)
        .where(_D.c.is_edit.is_(True), _D.c.due_at.is_not(None), later)
        .limit(1)
    )
    return connection.execute(statement).first() is not None


def set_shown(connection: Connection, brand: str, alert_id: int, shown: str) -> None:
    """Remember what the messages of an alert show from now on."""
    table = schema.alerts
    statement = update(table).where(table.c.brand == brand, table.c.id == alert_id)
    connection.execute(statement.values(shown=shown))


def forget(connection: Connection, delivery: Delivery) -> None:
    """The message that first told this alert is gone: it is not changed any more, and nothing is posted below it."""
    told = select(_N.c.id).where(*_of_alert(delivery.brand, delivery.notice.alert_id))
    statement = update(_D).where(
        _D.c.brand == delivery.brand, _D.c.channel == delivery.channel, _D.c.notice_id.in_(told)
    )
    connection.execute(statement.values(message_ref=""))


def _of_alert(brand: str, alert_id: str) -> tuple[ColumnElement[Any], ...]:
    return _N.c.brand == brand, _N.c.alert_id == parse_id_prefix(alert_id)[0], _N.c.reason != "digest"
