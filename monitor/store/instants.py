"""Instants as the tables hold them: microseconds since 1970 UTC."""

from datetime import UTC, datetime, timedelta

from monitor.core.instants import micros

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

to_us = micros  # an aware instant as the tables hold it


def from_us(us: int) -> datetime:
    """An instant of the tables, aware UTC."""
    return _EPOCH + timedelta(0, 0, us)


def opt_us(at: datetime | None) -> int | None:
    return None if at is None else to_us(at)


def opt_at(us: int | None) -> datetime | None:
    return None if us is None else from_us(us)
