"""Rehearsing: who would be told of an alert at some time, and after them, without telling anybody."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.core.routing import Ladder, Route, Tried, explain, ladder_of, matching, recipients
from monitor.core.telling import Verdict, decide
from monitor.flows.plan import Plan
from monitor.flows.reaching import reach_with
from monitor.flows.telling import limits
from monitor.model import Alert, Notice, NoticeReason, show_id

N_REMINDERS = 3


@dataclass(frozen=True, slots=True)
class Scene:
    """One notice that would be written, and who would be told of it then and who later."""

    at: datetime
    reason: NoticeReason
    says: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What would become of an alert that is first told at an instant and that nobody takes on."""

    tried: Sequence[Tried]
    ladder: str
    scenes: Sequence[Scene]


def rehearse(
    plan: Plan,
    alert: Alert,
    languages: frozenset[str],
    at: datetime,
    calendars: Mapping[str, str],
    dead: frozenset[str] = frozenset(),
) -> Rehearsal:
    """The way of an alert through the routes, its ladder and its first reminders.

    Hours are looked at, budgets are not: how many messages there will have been by then is not known.
    """
    routes = matching(plan.routes, alert, languages)
    ladder = ladder_of(routes)
    scenes = tuple(_scenes(plan, alert, routes, plan.ladders.get(ladder, ()), at, calendars, dead))
    return Rehearsal(explain(plan.routes, alert, languages), ladder, scenes)


def _scenes(
    plan: Plan, alert: Alert, routes: Sequence[Route], ladder: Ladder, at: datetime, calendars: Mapping[str, str],
    dead: frozenset[str],
) -> Iterator[Scene]:  # fmt: skip
    first = _scene(plan, alert, routes, ladder, at, calendars, dead, "first", "first told")
    yield first
    heard_at = at if first.verdict.now else min((hold.until for hold in first.verdict.held), default=at)
    coming: list[tuple[datetime, int, NoticeReason, str]] = []
    for place, step in enumerate(ladder):
        coming.append((heard_at + step.after, place, "escalated", f"step {place + 1} of the ladder"))
    reminded_at = at
    for wait in (*plan.timings.repeat, *plan.timings.repeat[-1:] * N_REMINDERS)[:N_REMINDERS]:
        reminded_at += wait
        n_steps = sum(heard_at + step.after <= reminded_at for step in ladder)
        coming.append((reminded_at, n_steps, "repeat", "reminder"))
    for then, place, reason, says in sorted(coming, key=lambda one: one[0]):
        yield _scene(plan, replace(alert, step=place), routes, ladder, then, calendars, dead, reason, says)


def _scene(
    plan: Plan, alert: Alert, routes: Sequence[Route], ladder: Ladder, at: datetime, calendars: Mapping[str, str],
    dead: frozenset[str], reason: NoticeReason, says: str,
) -> Scene:  # fmt: skip
    whom = recipients(alert, reason, routes, ladder, reach_with(plan, calendars, dead, at))
    [verdict] = decide([(_notice(alert, reason, at), whom)], limits(plan), {}, {}, at)
    return Scene(at, reason, says, verdict)


def _notice(alert: Alert, reason: NoticeReason, at: datetime) -> Notice:
    return Notice(
        id=0,
        brand=alert.brand,
        brand_name=alert.brand,
        timezone="UTC",
        alert_id=show_id(alert.id),
        reason=reason,
        says="",
        rule=alert.rule,
        rule_title=alert.rule,
        severity=alert.severity,
        created_at=at,
        threads=(),
        n_threads=0,
    )
