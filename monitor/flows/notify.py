"""Notifying: whether people are told of an alert now, why, and through which channels."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from monitor import log
from monitor.core.notices import Decision, after_telling, next_notice
from monitor.core.routing import route
from monitor.core.storage import shown_text
from monitor.core.text import excerpt
from monitor.flows.plan import Plan
from monitor.model import (
    Alert,
    Flag,
    Notice,
    StoredComment,
    ThreadBrief,
    make_id,
    show_id,
)
from monitor.store import alerts, due, outbox, threads
from monitor.store import comments as store
from monitor.store.due import Claim
from monitor.store.engine import reading, writing

_log = log.get()

BATCH = 100
SHOWN_THREADS = 5  # in one notice; the rest is counted
OPERATOR_TITLE = "heedful itself needs help"
EXCERPT = 600  # characters that a notice carries; each channel cuts to its own size


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
        held = _Held.load(connection, brand_id, [flag for listed in flags.values() for flag in listed])
        for alert, decision in of_brand:
            if decision.reason == "resolved" and held.any_snoozed(flags.get(alert.id, []), now):
                continue  # it is only put off: nothing is over, and it will be told anew when the snooze ends
            notice = build_notice(plan, held, alert, flags.get(alert.id, []), decision, now)
            told.append((notice, route(plan.routes, alert, dead, tuple(plan.channels))))
    if told:
        outbox.add(connection, told, now)
    return told


def build_notice(
    plan: Plan, held: "_Held", alert: Alert, flags: Sequence[Flag], decision: Decision, now: datetime
) -> Notice:
    """Everything that a channel needs to tell an alert."""
    assert decision.reason is not None
    brand = plan.brands.get(alert.brand)
    ordered = sorted(flags, key=lambda flag: (flag.severity.rank, flag.raised_at))
    return Notice(
        id=make_id(alert.brand, "notice", f"{alert.id}:{alert.n_told}:{decision.reason}"),
        brand=alert.brand,
        brand_name=brand.name if brand else alert.brand,
        timezone=brand.timezone if brand else "UTC",
        alert_id=show_id(alert.id),
        reason=decision.reason,
        says=alert.says or decision.says,
        rule=alert.rule,
        rule_title=OPERATOR_TITLE if alert.says else plan.rules.titles.get(alert.rule, alert.rule),
        severity=alert.severity,
        created_at=now,
        threads=tuple(held.brief(flag) for flag in ordered[:SHOWN_THREADS]),
        n_threads=len(flags),
        n_people=held.n_people(flags),
        playbook=plan.playbooks.get(alert.playbook),
    )


@dataclass(frozen=True, slots=True)
class _Held:
    """What we hold of an alert's threads and of the comments that its flags rest on."""

    rows: Mapping[int, threads.ThreadRow]
    waiting: Mapping[int, datetime | None]
    evidence: Mapping[int, StoredComment]

    @classmethod
    def load(cls, connection: Connection, brand: str, flags: Sequence[Flag]) -> "_Held":
        ids = [flag.thread_id for flag in flags]
        evidence = {comment_id for flag in flags for comment_id in flag.evidence}
        return cls(
            threads.load_rows(connection, brand, ids),
            threads.awaiting(connection, brand, ids),
            store.load_comments(connection, brand, evidence),
        )

    def any_snoozed(self, flags: Sequence[Flag], now: datetime) -> bool:
        rows = (self.rows.get(flag.thread_id) for flag in flags)
        return any(row is not None and (row.acts.snoozed_until or now) > now for row in rows)

    def n_people(self, flags: Sequence[Flag]) -> int:
        return len({c.comment.author.key for flag in flags for i in flag.evidence if (c := self.evidence.get(i))})

    def brief(self, flag: Flag) -> ThreadBrief:
        row = self.rows.get(flag.thread_id)
        held = [c for i in flag.evidence if (c := self.evidence.get(i))]
        comment = held[-1] if held else None
        said = comment.comment if comment else None
        return ThreadBrief(
            thread_id=show_id(flag.thread_id),
            platform=row.platform if row else "",
            source_id=row.source_id if row else "",
            author_name=said.author.name if said else "",
            excerpt=excerpt(shown_text(comment), EXCERPT) if comment else "",
            permalink=said.permalink if said else "",
            created_at=said.created_at if said else flag.raised_at,
            awaiting_since=self.waiting.get(flag.thread_id),
            reasons=flag.reasons,
            subject_title=row.title if row else "",
            is_private=said.is_private if said else False,
        )
