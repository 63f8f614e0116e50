"""Notifying: whether people are told of an alert now, why, who they are, and through which channels."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from monitor.core.inhibition import Crisis, crisis_of, inhibited
from monitor.core.notices import Decision, next_notice
from monitor.core.phrasing import counted
from monitor.core.routing import Ladder, Reach, Route, ladder_of, matching, recipients
from monitor.core.telling import Verdict
from monitor.flows import crisis, reaching
from monitor.flows.composing import Held, compose
from monitor.flows.plan import Plan
from monitor.flows.showing import keep_current
from monitor.flows.telling import Told, tell
from monitor.model import Alert, Flag, Notice, Recipient, Severity, Silence, show_id
from monitor.store import alerts, due, threads
from monitor.store.due import Claim
from monitor.store.engine import is_conflict, reading, writing

BATCH = 100


def notify_due(engine: Engine, plan: Plan, now: Callable[[], datetime], wake: Callable[[str], None]) -> int:
    """Claim and decide one batch of due alerts; how many were claimed."""
    at = now()
    with reading(engine) as connection:
        if not due.is_any_due(connection, "alerts", at):
            return 0
    with writing(engine) as connection:
        claims = due.claim(connection, "alerts", at, plan.lease, BATCH)
    try:
        told = notify(engine, plan, claims, now())
    except DBAPIError as error:
        if not is_conflict(error):
            raise
        with writing(engine) as connection:  # an assessment held one of them and waited for another: decide anew
            due.mark_due(connection, "alerts", [claimed.key for claimed in claims], at)
        return len(claims)
    for each in told:
        each.say()
    if claims:
        wake("deliveries")  # also where nobody is told: messages may be changed
    return len(claims)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What decisions about several alerts look at beside the alerts."""

    silences: Sequence[Silence]
    crises: Mapping[str, Sequence[Crisis]]  # by brand
    flags: Mapping[tuple[str, int], Sequence[Flag]]  # of the alerts, where a crisis or a route asks for them
    subjects: Mapping[tuple[str, int], int | None]  # of those flags' threads: the post that each hangs under
    reach: Reach

    @classmethod
    def load(cls, connection: Connection, plan: Plan, found: Sequence[Alert], now: datetime) -> "Circumstances":
        crises: dict[str, Sequence[Crisis]] = {}
        flags: dict[tuple[str, int], Sequence[Flag]] = {}
        subjects: dict[tuple[str, int], int | None] = {}
        asks = reaching.ask_for_languages(plan.routes)
        for brand in {alert.brand for alert in found}:
            crises[brand] = [crisis for each in alerts.load_crises(connection, brand) if (crisis := crisis_of(each))]
            if not crises[brand] and not asks:
                continue
            of_brand = [alert for alert in found if alert.brand == brand]
            known = alerts.flags_of(connection, brand, of_brand)
            flags |= {(brand, alert_id): listed for alert_id, listed in known.items()}
            ids = {flag.thread_id for listed in known.values() for flag in listed}
            rows = threads.load_rows(connection, brand, sorted(ids))
            subjects |= {(brand, row.id): row.subject_id for row in rows.values()}
        return cls(
            alerts.load_silences(connection, now), crises, flags, subjects, reaching.reach(connection, plan, now)
        )

    def inhibited(self, alert: Alert) -> dict[str, str]:
        """Its members that a crisis tells of: fingerprint, and which crisis in words."""
        places = {flag.fingerprint: self._places(flag) for flag in self.flags.get((alert.brand, alert.id), ())}
        return inhibited(alert, places, self.crises.get(alert.brand, ()))

    def _places(self, flag: Flag) -> frozenset[int]:
        subject = self.subjects.get((flag.brand, flag.thread_id))
        return frozenset({flag.thread_id} if subject is None else {flag.thread_id, subject})


@dataclass(frozen=True, slots=True)
class Decided:
    """One claimed alert with what is to become of it. `alert` is how it stood before."""

    claim: Claim
    alert: Alert
    decision: Decision
    routes: Sequence[Route]
    ladder: Ladder


def notify(engine: Engine, plan: Plan, claims: Sequence[Claim], now: datetime) -> list[Told]:
    """Decide claimed alerts, and write notices and outbox rows with the decisions; what people are told, and where.

    An alert that a person or a new flag moved meanwhile drops out alone: it is due again and decided anew.
    """
    with writing(engine) as connection:
        held = due.still_ours(connection, "alerts", claims)
        found = alerts.load(connection, [claimed.key for claimed in held])
        around = Circumstances.load(connection, plan, list(found.values()), now)
        decided = [_decide(connection, plan, around, claimed, found[claimed.key], now) for claimed in held]
        telling = [each for each in decided if each.decision.reason is not None]
        told = _write(connection, plan, around, telling, now) if telling else []
        heard = {(each.notice.brand, each.notice.alert_id): each.verdict for each in told}
        left = [
            (each.claim, alert, crisis.look_again(alert, each.decision.due_at, now))
            for each, alert in ((each, _left(each, heard)) for each in decided)
        ]
        alerts.release(connection, left)
        keep_current(connection, plan, [alert for _, alert, _ in left], [each.notice for each in told], now)
    _look_at_what_was_held(engine, [each.alert for each in decided], now)
    return told


def _decide(
    connection: Connection, plan: Plan, around: Circumstances, claimed: Claim, alert: Alert, now: datetime
) -> Decided:
    spoken: frozenset[str] = frozenset()
    if reaching.ask_for_languages(plan.routes):
        spoken = reaching.languages(connection, alert.brand, around.flags.get((alert.brand, alert.id), ()))
    routes = matching(plan.routes, alert, spoken)
    ladder = plan.ladders.get(ladder_of(routes), ())
    steps = [step.after for step in ladder]
    held_back = around.inhibited(alert)
    decision = next_notice(alert, around.silences, now, plan.timings, steps, held_back)
    return Decided(claimed, alert, decision, routes, ladder)


def _left(decided: Decided, heard: Mapping[tuple[str, str], Verdict]) -> Alert:
    """The alert as it is left: its ladder counts from when somebody has heard of it."""
    alert, reason = decided.decision.alert, decided.decision.reason
    if reason is None:
        return alert
    verdict = heard.get((alert.brand, show_id(alert.id)))
    if verdict is None:
        return replace(alert, why="put off: a thread of it is snoozed")
    if reason in ("first", "reopened", "severity_rose") and verdict.held and not verdict.now and alert.unowned_since:
        return replace(alert, unowned_since=min(hold.until for hold in verdict.held))
    return alert


def _write(
    connection: Connection, plan: Plan, around: Circumstances, telling: Sequence[Decided], now: datetime
) -> list[Told]:
    wanted: list[tuple[Notice, tuple[Recipient, ...]]] = []
    for brand in {each.alert.brand for each in telling}:
        of_brand = [each for each in telling if each.alert.brand == brand]
        flags = crisis.flags_told(connection, brand, [each.alert for each in of_brand])
        held = Held.load(connection, brand, [flag for listed in flags.values() for flag in listed])
        spread = [each.alert for each in of_brand if each.decision.reason in ("resolved", "severity_rose")]
        already = alerts.told_to(connection, brand, spread)
        for each in of_brand:
            listed, reason = flags.get(each.alert.id, []), each.decision.reason
            assert reason is not None
            if reason == "resolved" and held.any_snoozed(listed, now):
                continue  # it is only put off: nothing is over, and it will be told anew when the snooze ends
            decision = replace(each.decision, says=each.decision.says + _says_counted(each.alert, listed))
            shown = _as_told(each)
            notice = compose(plan, held, shown, listed, decision, now)
            notice = crisis.with_room(connection, plan, shown, notice, listed, held.rows, now)
            before = already.get(each.alert.id, ())
            whom = recipients(each.alert, reason, each.routes, each.ladder, around.reach, before)
            whom = (*whom, *crisis.stakeholders(plan, each.alert, reason))
            wanted.append((notice, tuple(dict.fromkeys(whom))))
    return tell(connection, plan, wanted, now)


def _as_told(each: Decided) -> Alert:
    """The alert as a notice shows it: whose it is once this has been told."""
    after = each.decision.alert
    return replace(each.alert, status=after.status, acknowledged_by=after.acknowledged_by)


def _says_counted(alert: Alert, flags: Sequence[Flag]) -> str:
    n_others = len({flag.alert_id for flag in flags} - {alert.id})
    return f"; counts {counted(n_others, 'single alert', 'single alerts')} under it" if n_others else ""


def _look_at_what_was_held(engine: Engine, looked_at: Sequence[Alert], now: datetime) -> None:
    """What a crisis held back is looked at again once it is over or has eased; else that happens by the clock."""
    eased = [
        alert
        for alert in looked_at
        if alert.told_severity is Severity.CRISIS and (alert.status == "resolved" or alert.severity.rank > 0)
    ]
    for alert in eased:
        with writing(engine) as connection:
            alerts.look_again(connection, alert.brand, show_id(alert.id), now)
