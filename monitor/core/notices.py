"""Notices: whether people are told of an alert now, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.core.alerts import Timings
from monitor.model import Alert, NoticeReason, Silence


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether to tell now (`reason` is None if not), why in words, and when to look again (None: never by the clock).

    After a notice `due_at` is already that of the alert which has been told (see `after_telling`).
    """

    reason: NoticeReason | None
    says: str
    due_at: datetime | None


def next_notice(alert: Alert, silences: Sequence[Silence], now: datetime, timings: Timings) -> Decision:
    """Whether anyone is told of this alert at `now`."""
    raise NotImplementedError


def after_telling(alert: Alert, reason: NoticeReason, now: datetime) -> Alert:
    """The alert as it stands once a notice for this reason has been written; save it in the same transaction."""
    raise NotImplementedError
