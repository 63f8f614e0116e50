"""Instants as the tables hold them: microseconds since 1970 UTC."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_us(at: datetime) -> int:
    """An aware instant as the tables hold it."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def from_us(us: int) -> datetime:
    """An instant of the tables, aware UTC."""
    return _EPOCH + timedelta(0, 0, us)


def opt_us(at: datetime | None) -> int | None:
    return None if at is None else to_us(at)


def opt_at(us: int | None) -> datetime | None:
    return None if us is None else from_us(us)
