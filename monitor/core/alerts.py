"""Alerts: flags that people are told about together, by the rule and what the rule groups by.

What is compared are sets of fingerprints, never counts: a flag that leaves while another comes is news. An alert
whose last flag leaves is resolved. When the same thread, post or person comes up again soon, the same alert opens
again; what a brand's or a source's alert gathers is not the same, and begins a new one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeGuard

from monitor.model import Alert, Flag, Severity, make_id

MOST_PATIENCE = 8  # times the first interval


@dataclass(frozen=True, slots=True)
class Timings:
    """When people are told: after how long first, how soon of more, and after how long again.

    `group_interval` is by severity, the most urgent first; its last holds for all that are less urgent. It doubles with
    each notice of the same alert, up to eightfold: what grows all day is not told all day. The first reminder comes
    after the first of `repeat`, and so on; the last goes on for ever (empty: no reminder).
    """

    group_wait: timedelta = timedelta(seconds=30)
    group_interval: tuple[timedelta, ...] = (
        timedelta(minutes=5),
        timedelta(minutes=10),
        timedelta(minutes=30),
        timedelta(hours=2),
    )
    repeat: tuple[timedelta, ...] = (timedelta(hours=4), timedelta(days=1), timedelta(days=7))
    reopen_within: timedelta = timedelta(days=7)  # of its resolution

    def interval(self, severity: Severity, n_told: int) -> timedelta:
        """How soon people are told that more has joined an alert of this severity, after so many notices."""
        first = self.group_interval[min(severity.rank // 10, len(self.group_interval) - 1)]
        return first * min(1 << min(max(n_told - 1, 0), 10), MOST_PATIENCE)


Key = tuple[str, str]


def group(
    raised: Sequence[Flag],
    cleared: Sequence[Flag],
    open_alerts: Mapping[Key, Alert],
    now: datetime,
    timings: Timings,
    past: Mapping[Key, Alert] | None = None,
) -> tuple[Alert, ...]:
    """The alerts that these flags open, open again, join, leave or resolve; those that do not change are left out.

    `open_alerts` are, by (brand, group_key), the unresolved ones that these flags are in or could join, `past` the
    latest resolved ones. A flag that is raised again is where it belongs already; one whose group changed moves. The
    order of the flags does not matter, and a flag that is both raised and cleared stands.
    """
    joining = {(flag.brand, flag.fingerprint): flag for flag in raised if not flag.is_history}
    leaving = {(flag.brand, flag.fingerprint) for flag in (*cleared, *raised)}
    members = {key: dict(alert.members) for key, alert in open_alerts.items()}
    for key, within in members.items():
        _take_out(within, key, leaving, joining)
    for flag in joining.values():
        members.setdefault((flag.brand, flag.group_key), {})[flag.fingerprint] = flag.severity
    firsts = {(flag.brand, flag.group_key): flag for flag in sorted(joining.values(), key=_order, reverse=True)}
    sources = _sources(joining.values())
    changed = []
    for key, within in members.items():
        before = open_alerts.get(key)
        alert = before if before is not None else _begin((past or {}).get(key), firsts[key], now, timings)
        after = _with_members(alert, within, sources.get(key, frozenset()), now)
        if after != before:
            changed.append(after)
    return tuple(changed)


def _order(flag: Flag) -> tuple[datetime, str]:
    return flag.raised_at, flag.fingerprint


def _take_out(
    members: dict[str, Severity], key: Key, leaving: set[tuple[str, str]], joining: Mapping[tuple[str, str], Flag]
) -> None:
    """Remove the flags that stand no more, and those that belong into another alert now."""
    for brand, fingerprint in leaving:
        if brand != key[0] or fingerprint not in members:
            continue
        flag = joining.get((brand, fingerprint))
        if flag is None or flag.group_key != key[1]:
            del members[fingerprint]


def _sources(flags: Iterable[Flag]) -> dict[Key, frozenset[str]]:
    found: dict[Key, set[str]] = {}
    for flag in flags:
        found.setdefault((flag.brand, flag.group_key), set()).add(flag.source_id)
    return {key: frozenset(sources) for key, sources in found.items()}


def _open(first: Flag, now: datetime) -> Alert:
    return Alert(
        brand=first.brand,
        id=make_id(first.brand, "alert", f"{first.group_key}@{now.isoformat()}"),
        rule=first.rule,
        group_key=first.group_key,
        severity=first.severity,
        status="open",
        opened_at=now,
        playbook=first.playbook,
        route=first.route,
        platform=first.platform,
        source_id=first.source_id,
    )


_ONE_MATTER = ("thread", "subject", "author")  # what a rule groups by, where coming back means the same again


def can_reopen(group_key: str) -> bool:
    """Whether what comes up under this key again is the same as before."""
    return group_key.partition("@")[2].startswith(tuple(f"{kind}:" for kind in _ONE_MATTER))


def _comes_back(was: Alert | None, now: datetime, timings: Timings) -> TypeGuard[Alert]:
    if was is None or was.resolved_at is None or not can_reopen(was.group_key):
        return False
    return now - was.resolved_at < timings.reopen_within


def _begin(was: Alert | None, first: Flag, now: datetime, timings: Timings) -> Alert:
    return _open_again(was, first, now) if _comes_back(was, now, timings) else _open(first, now)


def _open_again(was: Alert, first: Flag, now: datetime) -> Alert:
    """The alert open again; if nobody heard that it was over, it never was."""
    if was.told:
        return replace(was, status="acknowledged" if was.acknowledged_by else "open", resolved_at=None)
    return replace(
        _open(first, now),
        id=was.id,
        told_severity=was.told_severity,
        last_told_at=was.last_told_at,
        n_told=was.n_told,
        n_reopened=was.n_reopened + 1,
        shown=was.shown,
    )


def _with_members(alert: Alert, members: Mapping[str, Severity], sources: frozenset[str], now: datetime) -> Alert:
    if not members:
        return replace(alert, members={}, status="resolved", resolved_at=now)
    return replace(
        alert,
        members=members,
        severity=min(members.values(), key=lambda severity: severity.rank),
        source_id=alert.source_id if sources <= {alert.source_id} else "",
    )
