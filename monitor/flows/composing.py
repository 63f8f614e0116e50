"""Composing: everything that a channel needs to tell an alert, from what we hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from monitor.core.notices import Decision
from monitor.core.storage import shown_text
from monitor.core.text import excerpt
from monitor.flows.plan import Plan
from monitor.model import Alert, Flag, Notice, StoredComment, ThreadBrief, make_id, show_id
from monitor.store import comments as store
from monitor.store import threads

SHOWN_THREADS = 5  # in one notice; the rest is counted
OPERATOR_TITLE = "heedful itself needs help"
EXCERPT = 600  # characters that a notice carries; each channel cuts to its own size


def compose(plan: Plan, held: "Held", alert: Alert, flags: Sequence[Flag], decision: Decision, now: datetime) -> Notice:
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
        status=alert.status,
        owner=alert.acknowledged_by,
    )


@dataclass(frozen=True, slots=True)
class Held:
    """What we hold of an alert's threads and of the comments that its flags rest on."""

    rows: Mapping[int, threads.ThreadRow]
    waiting: Mapping[int, datetime | None]
    evidence: Mapping[int, StoredComment]

    @classmethod
    def load(cls, connection: Connection, brand: str, flags: Sequence[Flag]) -> "Held":
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
