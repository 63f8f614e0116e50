"""What people said about flags, and the calibrations that were made of it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from monitor.core.calibration import Calibration
from monitor.core.corrections import Correction
from monitor.store import hot, schema
from monitor.store.engine import mark
from monitor.store.instants import from_us, to_us

_NAMES = ("brand", "id", "thread_id", "comment_id", "rule", "signal", "value", "version", "is_wrong", "who", "at")
_COLUMNS = ", ".join(_NAMES)
_SAVE = (
    f"INSERT INTO corrections ({_COLUMNS}) VALUES ({', '.join(['{0}'] * len(_NAMES))})"  # noqa: S608 - our own names
    " ON CONFLICT (brand, id) DO UPDATE SET is_wrong = excluded.is_wrong, who = excluded.who, at = excluded.at,"
    " value = excluded.value, version = excluded.version"
)


def save(connection: Connection, said: Sequence[Correction]) -> None:
    """Write what was said, in place of what was said of the same before."""
    rows = [
        (
            one.brand, one.id, one.thread_id, one.comment_id, one.rule, one.signal, one.value, one.version,
            one.is_wrong, one.who, to_us(one.at),
        )
        for one in said
    ]  # fmt: skip
    if rows:
        connection.exec_driver_sql(_SAVE.format(mark(connection)), rows)


def of_threads(connection: Connection, brand: str, thread_ids: Iterable[int]) -> dict[int, list[Correction]]:
    """What was said about the flags of these threads."""
    found: dict[int, list[Correction]] = {}
    for row in hot.select_by_ids(connection, _COLUMNS, "corrections", brand, thread_ids, key="thread_id"):
        found.setdefault(row[2], []).append(_read(row))
    return found


def of_brand(connection: Connection, brand: str) -> list[Correction]:
    """Everything that was said about a brand's flags, oldest first."""
    table = schema.corrections
    statement = select(*(table.c[name] for name in _NAMES)).where(table.c.brand == brand)
    return [_read(row) for row in connection.execute(statement.order_by(table.c.at, table.c.id))]


def raised(connection: Connection, brand: str, since: datetime) -> list[tuple[int, str, bool]]:
    """The flags that were raised (last) since an instant: thread, rule, and whether they stand. History is left out."""
    table = schema.flags
    statement = select(table.c.thread_id, table.c.rule, table.c.cleared_at).where(
        table.c.brand == brand, table.c.raised_at >= to_us(since), table.c.is_history.is_(False)
    )
    return [(thread_id, rule, cleared_at is None) for thread_id, rule, cleared_at in connection.execute(statement)]


def _read(row: Sequence[Any]) -> Correction:
    brand, _, thread_id, comment_id, rule, signal, value, version, is_wrong, who, at = row
    return Correction(brand, thread_id, comment_id, rule, bool(is_wrong), who, from_us(at), signal, value, version)


def load_calibrations(connection: Connection, brand: str) -> dict[str, tuple[Calibration, str]]:
    """A brand's calibrations by signal, each with the version of the signal that it was fitted to."""
    table = schema.calibrations
    statement = select(table.c.signal, table.c.version, table.c.slope, table.c.offset, table.c.n)
    return {
        signal: (Calibration(slope, offset, n), version)
        for signal, version, slope, offset, n in connection.execute(statement.where(table.c.brand == brand))
    }


def save_calibration(
    connection: Connection, brand: str, signal: str, calibration: Calibration, version: str, now: datetime
) -> None:
    """Store how a brand reads a signal, in place of what was there."""
    forget_calibrations(connection, brand, signal)
    numbers = {"slope": calibration.slope, "offset": calibration.offset, "n": calibration.n}
    row = {"brand": brand, "signal": signal, "version": version, "at": to_us(now), **numbers}
    connection.execute(insert(schema.calibrations).values(row))


def forget_calibrations(connection: Connection, brand: str, signal: str | None = None) -> int:
    """Read the signal (or all) as measured again; how many calibrations that were."""
    table = schema.calibrations
    which = (table.c.signal == signal,) if signal else ()
    return connection.execute(delete(table).where(table.c.brand == brand, *which)).rowcount
