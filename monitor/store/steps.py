"""The steps of a playbook that people have taken on, or finished, for one alert."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from monitor.core.crisis import Step
from monitor.model import Alert
from monitor.store import due, schema
from monitor.store.engine import is_postgres
from monitor.store.instants import opt_at, opt_us, to_us

_T = schema.steps


def of_alerts(connection: Connection, brand: str, alert_ids: Iterable[int]) -> dict[int, dict[int, Step]]:
    """By alert and number of the step."""
    statement = select(_T).where(_T.c.brand == brand, _T.c.alert_id.in_(list(alert_ids)))
    found: dict[int, dict[int, Step]] = {}
    for row in connection.execute(statement):
        found.setdefault(row.alert_id, {})[row.number] = Step(row.who, opt_at(row.done_at))
    return found


def take(connection: Connection, alert: Alert, number: int, who: str, now: datetime) -> None:
    """A person takes a step on."""
    _save(connection, alert, number, now, who=who, taken_at=to_us(now), done_at=None)


def finish(connection: Connection, alert: Alert, number: int, who: str, now: datetime) -> None:
    """A person says that a step is done."""
    _save(connection, alert, number, now, who=who, taken_at=to_us(now), done_at=opt_us(now))


def give_back(connection: Connection, alert: Alert, number: int, now: datetime) -> None:
    """Nobody has the step, and it is not done."""
    one = (_T.c.brand == alert.brand, _T.c.alert_id == alert.id, _T.c.number == number)
    connection.execute(delete(_T).where(*one))
    _look_again(connection, alert, now)


def _save(connection: Connection, alert: Alert, number: int, now: datetime, **values: Any) -> None:
    insert_ = postgres_insert if is_postgres(connection) else sqlite_insert
    statement = insert_(_T).values(brand=alert.brand, alert_id=alert.id, number=number, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["brand", "alert_id", "number"], set_=values))
    _look_again(connection, alert, now)


def _look_again(connection: Connection, alert: Alert, now: datetime) -> None:
    """Let the notifier bring what people see of the alert up to date."""
    due.mark_due(connection, "alerts", [(alert.brand, alert.id)], now)
    due.announce(connection, "alerts")
