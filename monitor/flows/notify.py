"""Notifying: whether people are told of an alert now, why, and through which channels."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from monitor import log
from monitor.core.notices import Decision, after_telling, next_notice
from monitor.core.routing import route
from monitor.core.text import excerpt
from monitor.errors import ClaimLost
from monitor.flows.plan import Plan
from monitor.model import (
    Alert,
    Flag,
    Notice,
    NoticeReason,
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
EXCERPT = 600  # characters that a notice carries; each channel cuts to its own size


def notify_due(engine: Engine, plan: Plan, now: Callable[[], datetime], wake: Callable[[str], None]) -> int:
    """Claim and decide one batch of due alerts; how many were claimed."""
    at = now()
    with reading(engine) as connection:
        if not due.is_any_due(connection, "alerts", at):
            return 0
    with writing(engine) as connection:
        claims = due.claim(connection, "alerts", at, plan.lease, BATCH)
    told = [notify(engine, plan, claimed, now()) for claimed in claims]
    if any(told):
        wake("deliveries")
    return len(claims)


def notify(engine: Engine, plan: Plan, claimed: Claim, now: datetime) -> bool:
    """Decide one claimed alert, and write the notice and its outbox rows with the decision; whether people are told."""
    with writing(engine) as connection:
        alert = alerts.load(connection, [claimed.key])[claimed.key]
        silences = alerts.load_silences(connection, now)
        decision = next_notice(alert, silences, now, plan.timings)
        if decision.reason is None:
            return _hold(connection, claimed, decision)
        flags = alerts.flags_of(connection, alert)
        notice = build_notice(connection, plan, alert, flags, decision.reason, decision.says, now)
        dead = frozenset(outbox.held_channels(connection))
        channels = route(plan.routes, alert, dead, tuple(plan.channels))
        outbox.add(connection, notice, alert.id, channels, now)
        told = after_telling(alert, decision.reason, now)
        try:
            due.release(connection, "alerts", claimed, decision.due_at, **alerts.told_values(told))
        except ClaimLost:
            connection.rollback()  # a person or a new flag moved it: it is due again and decided anew
            return False
    _log.info(
        "alert.told",
        alert=show_id(alert.id),
        rule=alert.rule,
        reason=decision.reason,
        threads=notice.n_threads,
        channels=list(channels),
    )
    return True


def _hold(connection: Connection, claimed: Claim, decision: Decision) -> bool:
    try:
        due.release(connection, "alerts", claimed, decision.due_at)
    except ClaimLost:
        connection.rollback()
    return False


def build_notice(
    connection: Connection,
    plan: Plan,
    alert: Alert,
    flags: Sequence[Flag],
    reason: NoticeReason,
    says: str,
    now: datetime,
) -> Notice:
    """Everything that a channel needs to tell an alert."""
    brand = plan.brands[alert.brand]
    held = _Held.load(connection, alert.brand, flags)
    ordered = sorted(flags, key=lambda flag: (flag.severity.rank, flag.raised_at))
    return Notice(
        id=make_id(alert.brand, "notice", f"{alert.id}:{alert.n_told}:{reason}"),
        brand=alert.brand,
        brand_name=brand.name,
        timezone=brand.timezone,
        alert_id=show_id(alert.id),
        reason=reason,
        says=alert.says or says,
        rule=alert.rule,
        rule_title=plan.rules.titles.get(alert.rule, alert.rule),
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
            excerpt=excerpt(said.text, EXCERPT) if said else "",
            permalink=said.permalink if said else "",
            created_at=said.created_at if said else flag.raised_at,
            awaiting_since=self.waiting.get(flag.thread_id),
            reasons=flag.reasons,
            subject_title=row.title if row else "",
            is_private=said.is_private if said else False,
        )
