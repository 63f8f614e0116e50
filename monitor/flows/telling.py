"""Telling: of the recipients of notices those that may be told now are, and the others have them in a digest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from monitor import log
from monitor.core.telling import NO_CAP, Ledger, Limits, Verdict, decide
from monitor.flows.plan import Plan
from monitor.model import Notice, Recipient
from monitor.store import held, outbox

_log = log.get()


@dataclass(frozen=True, slots=True)
class Told:
    """One notice, and who is told of it now and who later."""

    notice: Notice
    verdict: Verdict

    def say(self) -> None:
        """Log it; call this once it is committed."""
        notice, verdict = self.notice, self.verdict
        if verdict.now:
            _log.info(
                "alert.told",
                alert=notice.alert_id,
                rule=notice.rule,
                reason=notice.reason,
                threads=notice.n_threads,
                channels=[each.channel for each in verdict.now],
            )
        for hold in verdict.held:
            _log.info(
                "alert.held",
                alert=notice.alert_id,
                reason=notice.reason,
                channel=hold.recipient.channel,
                why=hold.why,
                until=hold.until.isoformat(),
            )


def tell(
    connection: Connection, plan: Plan, telling: Sequence[tuple[Notice, Sequence[Recipient]]], now: datetime
) -> list[Told]:
    """Write notices, with an outbox row for each recipient who is told now and a held row for each other one."""
    if not telling:
        return []
    waiting = held.waiting(connection, [notice for notice, _ in telling])
    spent = ledger(connection, plan, {whom for _, all_of_it in telling for whom in all_of_it}, now)
    verdicts = decide(telling, limits(plan), spent, waiting, now)
    outbox.add(connection, [(notice, v.now) for (notice, _), v in zip(telling, verdicts, strict=True)], now)
    holds = [(notice, hold) for (notice, _), v in zip(telling, verdicts, strict=True) for hold in v.held]
    held.hold(connection, holds, now)
    return [Told(notice, verdict) for (notice, _), verdict in zip(telling, verdicts, strict=True)]


def limits(plan: Plan) -> Limits:
    """What the configuration says of when whom may be told."""
    return Limits(
        people=plan.people,
        quiet={brand.id: brand.quiet for brand in plan.brands.values() if brand.quiet},
        days={brand.id: brand.calendar for brand in plan.brands.values()},
        caps=plan.caps,
        passes=plan.passes,
    )


def ledger(connection: Connection, plan: Plan, recipients: set[Recipient], now: datetime) -> Ledger:
    """What was told lately through the channels whose messages are counted for any of these recipients."""
    capped = {each.channel for each in recipients if plan.caps.get(each.channel, NO_CAP) != NO_CAP}
    people = [plan.people[each.person] for each in recipients if each.person in plan.people]
    personal = {name for person in people if person.cap != NO_CAP for name in person.channels}
    return held.ledger(connection, capped | personal, now)
