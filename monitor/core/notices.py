"""Notices: whether people are told of an alert now, and why.

An alert owes at most one notice at a time, from an instant on (`_owed`); snooze and silences push that instant to
their end. Everything here follows from these two, so that nothing owed is ever without an instant at which it is
looked at again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from monitor.core.alerts import Timings
from monitor.core.phrasing import counted
from monitor.model import Alert, NoticeReason, Severity, Silence


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether to tell now (`reason` is None if not), why in words, and when to look again (None: not by the clock).

    After a notice `due_at` is already that of the alert which has been told (see `after_telling`).
    """

    reason: NoticeReason | None
    says: str
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Owed:
    """The next notice of an alert: it may be told from `since` on."""

    reason: NoticeReason
    since: datetime
    says: str


def next_notice(alert: Alert, silences: Sequence[Silence], now: datetime, timings: Timings) -> Decision:
    """Whether anyone is told of this alert at `now`.

    The caller writes the notice and saves `after_telling`, or saves only `due_at`; a person's act or a changed
    member makes it due at once, whatever `due_at` says.
    """
    owed = _owed(alert, timings)
    if owed is None:
        return Decision(None, _why_nothing(alert), None)
    at, held_by = _first_free(alert, silences, max(owed.since, now))
    if at > now:
        return Decision(None, held_by if held_by and owed.since <= now else f"not before {_clock(at)}: {owed.says}", at)
    return Decision(owed.reason, owed.says, _due_after(after_telling(alert, owed.reason, now), silences, now, timings))


def after_telling(alert: Alert, reason: NoticeReason, now: datetime) -> Alert:
    """The alert as it stands once a notice for this reason has been written; save it in the same transaction."""
    return replace(
        alert,
        told=frozenset() if reason == "resolved" else frozenset(alert.members),
        told_severity=alert.severity,
        last_told_at=now,
        n_told=alert.n_told + 1,
    )


def _due_after(told: Alert, silences: Sequence[Silence], now: datetime, timings: Timings) -> datetime | None:
    owed = _owed(told, timings)
    return _first_free(told, silences, max(owed.since, now))[0] if owed else None


def _owed(alert: Alert, timings: Timings) -> _Owed | None:
    """The notice that comes next if nothing but the clock moves; the most pressing one where there are two."""
    if alert.status == "resolved":
        return _owed_resolution(alert)
    if not alert.n_told or alert.last_told_at is None:
        return _Owed("first", alert.opened_at + timings.group_wait, f"new{_how_many(alert)}")
    if alert.told_severity is not None and alert.severity.rank < alert.told_severity.rank:
        says = f"more urgent now: {alert.severity}, it was {alert.told_severity}"
        return _Owed("severity_rose", alert.last_told_at, says)
    news = [fingerprint for fingerprint in alert.members if fingerprint not in alert.told]
    if news:
        says = f"{counted(len(news), 'thread', 'threads')} more since the last notice, {len(alert.members):,} in all"
        return _Owed("more", alert.last_told_at + timings.group_interval, says)
    if alert.status == "acknowledged" or timings.repeat <= timedelta(0):
        return None
    says = f"still open, and nobody has acknowledged it{_how_many(alert)}"
    return _Owed("repeat", alert.last_told_at + timings.repeat, says)


def _owed_resolution(alert: Alert) -> _Owed | None:
    """The all-clear, once, and only to people who were told; the all-clear itself leaves nothing told."""
    if not alert.n_told or not alert.told or alert.resolved_at is None:
        return None
    return _Owed("resolved", alert.resolved_at, "resolved: nothing of it stands any more")


def _first_free(alert: Alert, silences: Sequence[Silence], at: datetime) -> tuple[datetime, str]:
    """The first instant from `at` on at which nothing holds the alert back, and what holds it back first."""
    held_by = ""
    matching = [silence for silence in silences if matches(silence, alert)]
    while True:
        holds = [(each.ends_at, _says_silenced(each)) for each in matching if each.starts_at <= at < each.ends_at]
        if alert.snoozed_until is not None and at < alert.snoozed_until:
            holds.append((alert.snoozed_until, f"snoozed until {_clock(alert.snoozed_until)}"))
        if not holds:
            return at, held_by
        at, says = max(holds)
        held_by = held_by or says


def matches(silence: Silence, alert: Alert) -> bool:
    """Whether a silence is about this alert; one with a severity covers that severity and what is less urgent."""
    return (
        silence.brand in ("", alert.brand)
        and silence.rule in ("", alert.rule)
        and silence.platform in ("", alert.platform)
        and silence.source_id in ("", alert.source_id)
        and (not silence.severity or alert.severity.rank >= Severity(silence.severity).rank)
    )


def _says_silenced(silence: Silence) -> str:
    why = f": {silence.comment}" if silence.comment else ""
    return f"silenced until {_clock(silence.ends_at)} by {silence.created_by}{why}"


def _why_nothing(alert: Alert) -> str:
    if alert.status == "resolved":
        return "resolved, and that was told" if alert.n_told else "resolved before anyone was told"
    if alert.status == "acknowledged":
        return f"acknowledged by {alert.acknowledged_by}, and nothing is new"
    return "told, and it is not repeated"


def _how_many(alert: Alert) -> str:
    """How many threads it is about; an operator's alert is about none."""
    return "" if alert.group_key in alert.members else f": {counted(len(alert.members), 'thread', 'threads')}"


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
