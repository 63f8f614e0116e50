"""Telling the operator what is wrong with heedful itself, through the same alerts as everything else.

An operator's alert has no thread: it stands for itself until what it reports is over.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from monitor.model import Alert, Severity, make_id
from monitor.store import alerts


def report(connection: Connection, brand: str, key: str, says: str, now: datetime) -> bool:
    """Open an alert for the operator, once; whether it is new. `key` names what is broken ("channel:team-slack")."""
    group_key = f"operator:{key}"
    if (brand, group_key) in alerts.load_open(connection, [(brand, group_key)]):
        return False
    alert = Alert(
        brand=brand,
        id=make_id(brand, "alert", f"{group_key}@{now.isoformat()}"),
        rule="operator",
        group_key=group_key,
        severity=Severity.HIGH,
        status="open",
        opened_at=now,
        says=says,
    )
    alerts.save(connection, [alert], now)
    return True


def over(connection: Connection, brand: str, key: str, now: datetime) -> bool:
    """What was reported is over: resolve the alert; whether there was one."""
    group_key = f"operator:{key}"
    alert = alerts.load_open(connection, [(brand, group_key)]).get((brand, group_key))
    if alert is None:
        return False
    alerts.resolve(connection, alert, now)
    return True


def open_keys(connection: Connection, brand: str, prefixes: Sequence[str]) -> set[str]:
    """What people were told of and is not over, of the keys that begin so."""
    return {
        key.removeprefix("operator:")
        for prefix in prefixes
        for key in alerts.open_group_keys(connection, brand, f"operator:{prefix}")
    }
