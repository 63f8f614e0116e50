"""Notifying: whether people are told of an alert now, why, and through which channels."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection, Engine

from monitor import log
from monitor.core.notices import Decision, after_telling, next_notice
from monitor.core.routing import route
from monitor.flows.composing import Held, compose
from monitor.flows.plan import Plan
from monitor.model import (
    Alert,
    Notice,
)
from monitor.store import alerts, due, outbox
from monitor.store.due import Claim
from monitor.store.engine import reading, writing

_log = log.get()

BATCH = 100


def notify_due(engine: Engine, plan: Plan, now: Callable[[], datetime], wake: Callable[[str], None]) -> int:
    """Claim and decide one batch of due alerts; how many were claimed."""
    at = now()
    with reading(engine) as connection:
        if not due.is_any_due(connection, "alerts", at):
            return 0
    with writing(engine) as connection:
        claims = due.claim(connection, "alerts", at, plan.lease, BATCH)
    told = notify(engine, plan, claims, now())
    for notice, channels in told:
        _log.info(
            "alert.told",
            alert=notice.alert_id,
            rule=notice.rule,
            reason=notice.reason,
            threads=notice.n_threads,
            channels=list(channels),
        )
    if told:
        wake("deliveries")
    return len(claims)


Told = tuple[Notice, tuple[str, ...]]


def notify(engine: Engine, plan: Plan, claims: Sequence[Claim], now: datetime) -> list[Told]:
    """Decide claimed alerts, and write notices and outbox rows with the decisions; what people are told, and where.

    An alert that a person or a new flag moved meanwhile drops out alone: it is due again and decided anew.
    """
    with writing(engine) as connection:
        held = due.still_ours(connection, "alerts", claims)
        found = alerts.load(connection, [claimed.key for claimed in held])
        silences = alerts.load_silences(connection, now)
        decided = [
            (claimed, found[claimed.key], next_notice(found[claimed.key], silences, now, plan.timings))
            for claimed in held
        ]
        telling = [(alert, decision) for _, alert, decision in decided if decision.reason is not None]
        told = _write(connection, plan, telling, now) if telling else []
        released = [
            (claimed, after_telling(alert, decision.reason, now) if decision.reason else alert, decision.due_at)
            for claimed, alert, decision in decided
        ]
        alerts.release(connection, released)
    return told


def _write(connection: Connection, plan: Plan, telling: Sequence[tuple[Alert, Decision]], now: datetime) -> list[Told]:
    dead = frozenset(outbox.held_channels(connection))
    told: list[Told] = []
    for brand_id in {alert.brand for alert, _ in telling}:
        of_brand = [(alert, decision) for alert, decision in telling if alert.brand == brand_id]
        flags = alerts.flags_of(connection, brand_id, [alert for alert, _ in of_brand])
        held = Held.load(connection, brand_id, [flag for listed in flags.values() for flag in listed])
        for alert, decision in of_brand:
            if decision.reason == "resolved" and held.any_snoozed(flags.get(alert.id, []), now):
                continue  # it is only put off: nothing is over, and it will be told anew when the snooze ends
            notice = compose(plan, held, alert, flags.get(alert.id, []), decision, now)
            told.append((notice, route(plan.routes, alert, dead, tuple(plan.channels))))
    if told:
        outbox.add(connection, told, now)
    return told
