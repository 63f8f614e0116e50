"""Alerts: flags that people are told about together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.model import Alert, Flag


@dataclass(frozen=True, slots=True)
class Timings:
    """When people are told: after how long first, how soon of more, how often again."""

    group_wait: timedelta = timedelta(seconds=30)
    group_interval: timedelta = timedelta(minutes=5)
    repeat: timedelta = timedelta(hours=4)


def group(
    raised: Sequence[Flag],
    cleared: Sequence[Flag],
    open_alerts: Mapping[tuple[str, str], Alert],
    now: datetime,
    timings: Timings,
) -> tuple[Alert, ...]:
    """The alerts that these flags open, join, leave or resolve; those that do not change are left out."""
    raise NotImplementedError
