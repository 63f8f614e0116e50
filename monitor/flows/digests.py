"""Digests: what was held for somebody, the morning's backlog and the week, each told once when it is due.

A digest's notice, its outbox row, the release of what was held and the next due time are one transaction.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from pydantic import TypeAdapter
from sqlalchemy import Connection, Engine

from monitor import log
from monitor.core import digests as core
from monitor.core.calendar import FOR_EVER
from monitor.core.telling import digest_at
from monitor.core.text import excerpt
from monitor.errors import ClaimLost
from monitor.flows.composing import OPERATOR_TITLE
from monitor.flows.plan import Plan
from monitor.flows.summing import morning, weekly
from monitor.flows.telling import ledger, limits
from monitor.model import Alert, Notice, Recipient, make_id, show_id
from monitor.store import alerts, digests, due, held, outbox
from monitor.store.due import Claim
from monitor.store.engine import reading, writing
from monitor.store.held import HeldNotice
from monitor.store.instants import to_us

_log = log.get()
_notices: TypeAdapter[Notice] = TypeAdapter(Notice)

BATCH = 20
DAY = timedelta(days=1)
MOST_SAYS = 200  # characters of an operator's alert in a digest


def tell_due(engine: Engine, plan: Plan, now: Callable[[], datetime], wake: Callable[[str], None]) -> int:
    """Claim and tell one batch of due digests; how many were claimed."""
    at = now()
    with reading(engine) as connection:
        if not due.is_any_due(connection, "digests", at):
            return 0
    with writing(engine) as connection:
        was_due = digests.due_times(connection, at, BATCH)
        claims = due.claim(connection, "digests", at, plan.lease, BATCH)
    for claimed in claims:
        kind, whom = digests.parse_id(claimed.id)
        try:
            told = tell(engine, plan, claimed, was_due.get(claimed.key, at), now())
        except ClaimLost:
            continue  # something was held for it meanwhile: it is due again, and told with that
        except Exception:
            # One that cannot be made must not keep the others back; it is tried again when its lease ends.
            _log.exception("digest.failed", kind=kind, brand=claimed.brand, channel=whom.channel)
            continue
        if told:
            wake("deliveries")
            _log.info("digest.told", kind=kind, brand=claimed.brand, channel=whom.channel, says=told.says)
    return len(claims)


def tell(engine: Engine, plan: Plan, claimed: Claim, was_due_at: datetime, now: datetime) -> Notice | None:
    """Tell one claimed digest, or put it off to when its recipient may be told; None where nothing was told.

    Raises: ClaimLost: something was held for it meanwhile; it is due again, and told with that.
    """
    composed = _compose_scheduled(engine, plan, claimed, now)
    with writing(engine) as connection:
        kind, recipient = digests.parse_id(claimed.id)
        recipient = _reachable(connection, plan, recipient)
        spent = ledger(connection, plan, {recipient}, now)
        free_at = digest_at(recipient, claimed.brand, limits(plan), spent, now)
        if free_at > now:
            due.release(connection, "digests", claimed, free_at)
            return None
        if kind == digests.HELD:
            return _tell_held(connection, plan, claimed, recipient, was_due_at, now)
        return _tell_scheduled(connection, plan, claimed, recipient, composed, now)


def _reachable(connection: Connection, plan: Plan, recipient: Recipient) -> Recipient:
    """The recipient, or whoever stands in for a channel that refuses us or is no longer configured."""
    dead = outbox.held_channels(connection)
    if recipient.channel in plan.channels and recipient.channel not in dead:
        return recipient
    person = plan.people.get(recipient.person)
    own = {name: each.id for each in plan.people.values() for name in each.channels}
    names = [*(person.channels if person else ()), *(name for name in plan.channels if name not in own), *plan.channels]
    living = [name for name in names if name in plan.channels and name not in dead]
    if not living:
        return recipient
    return Recipient(living[0], own.get(living[0], ""))


def _tell_held(
    connection: Connection, plan: Plan, claimed: Claim, recipient: Recipient, was_due_at: datetime, now: datetime
) -> Notice | None:
    there = held.load(connection, claimed.brand, digests.parse_id(claimed.id)[1])
    if not there:
        due.release(connection, "digests", claimed, None)
        return None
    zone = _zone(plan, claimed.brand, recipient)
    lateness = core.late(was_due_at, now, zone)
    told = core.held_back(held_back(connection, plan, claimed.brand, there), zone, lateness)
    notice = _notice(plan, claimed.brand, claimed.id, told, zone, now)
    outbox.add(connection, [(notice, [recipient])], now)
    held.release(connection, claimed.brand, [each.id for each in there], now)
    due.release(connection, "digests", claimed, None, last_told_at=to_us(now))
    return notice


def _tell_scheduled(
    connection: Connection, plan: Plan, claimed: Claim, recipient: Recipient, told: core.Told | None, now: datetime
) -> Notice | None:
    schedule = plan.digests.get(claimed.key)
    if schedule is None or told is None:  # no longer configured
        due.release(connection, "digests", claimed, None)
        return None
    notice = _notice(plan, claimed.brand, claimed.id, told, _zone(plan, claimed.brand, recipient), now)
    outbox.add(connection, [(notice, [recipient])], now)
    next_at = schedule.next(now)
    values = {"last_told_at": to_us(now)}
    due.release(connection, "digests", claimed, None if next_at >= FOR_EVER else next_at, **values)
    return notice


def _compose_scheduled(engine: Engine, plan: Plan, claimed: Claim, now: datetime) -> core.Told | None:
    """A digest of the calendar, read before the transaction that writes it: it may look at many threads."""
    schedule = plan.digests.get(claimed.key)
    if schedule is None or schedule.brand not in plan.brands:
        return None
    with reading(engine) as connection:
        last_told_at = digests.last_told_at(connection, claimed.key)
        zone = _zone(plan, schedule.brand, schedule.recipient)
        return compose(connection, plan, schedule, last_told_at, zone, now)


def compose(
    connection: Connection, plan: Plan, schedule: core.Schedule, last_told_at: datetime | None, zone: str, now: datetime
) -> core.Told:
    """What a digest of the calendar would say now."""
    brand = plan.brands[schedule.brand]
    last = schedule.last(now)
    lateness = core.late(last if last and (last_told_at is None or last_told_at < last) else None, now, zone)
    if schedule.kind == "weekly":
        return core.weekly(weekly(connection, plan, brand, now), zone, lateness)
    since = max(last_told_at, now - core.WEEK) if last_told_at else now - DAY
    return core.morning(morning(connection, plan, brand, since, now), zone, now, lateness)


def preview(connection: Connection, plan: Plan, brand_id: str, kind: core.Kind, now: datetime) -> core.Told:
    """What a digest of a brand would say if it were told now, the last one a day or a week ago."""
    brand = plan.brands[brand_id]
    if kind == "weekly":
        return core.weekly(weekly(connection, plan, brand, now), brand.timezone)
    return core.morning(morning(connection, plan, brand, now - DAY, now), brand.timezone, now)


def waiting(connection: Connection, plan: Plan, brand: str) -> Iterator[tuple[Recipient, datetime, core.Told]]:
    """For whom something is held, when they have it, and what they would be told now."""
    for recipient, due_at in digests.held_due(connection, brand).items():
        if there := held.load(connection, brand, recipient):
            zone = _zone(plan, brand, recipient)
            yield recipient, due_at, core.held_back(held_back(connection, plan, brand, there), zone)


def _zone(plan: Plan, brand: str, recipient: Recipient) -> str:
    """In whose time a digest speaks."""
    person = plan.people.get(recipient.person)
    if person:
        return person.calendar.zone.key
    return plan.brands[brand].timezone if brand in plan.brands else "UTC"


def held_back(connection: Connection, plan: Plan, brand: str, there: Sequence[HeldNotice]) -> core.HeldBack:
    """What waits for one recipient, with how its alerts stand now."""
    by_alert: dict[int, list[HeldNotice]] = {}
    for each in there:
        by_alert.setdefault(each.alert_id, []).append(each)
    found = alerts.load(connection, [(brand, alert_id) for alert_id in by_alert])
    links = _links(connection, brand, {alert_id: listed[-1].notice_id for alert_id, listed in by_alert.items()})
    about = [
        _held_alert(plan, found[brand, alert_id], len(listed), links.get(alert_id, ""))
        for alert_id, listed in by_alert.items()
        if (brand, alert_id) in found
    ]
    return core.HeldBack(there[0].held_at, Counter(each.why for each in there), about)


def _held_alert(plan: Plan, alert: Alert, n_held: int, link: str) -> core.HeldAlert:
    return core.HeldAlert(
        shown_id=show_id(alert.id),
        title=OPERATOR_TITLE if alert.says else plan.rules.titles.get(alert.rule, alert.rule),
        severity=alert.severity,
        n_held=n_held,
        n_threads=len(alert.members),
        owner=alert.acknowledged_by,
        resolved_at=alert.resolved_at,
        link=link,
        says=excerpt(alert.says, MOST_SAYS),
    )


def _links(connection: Connection, brand: str, latest: dict[int, int]) -> dict[int, str]:
    """By alert where its first thread is, as its latest notice says."""
    stored = held.stored_notices(connection, brand, sorted(latest.values()))
    found = {}
    for alert_id, notice_id in latest.items():
        threads = _notices.validate_json(stored[notice_id]).threads if notice_id in stored else ()
        found[alert_id] = next((brief.permalink for brief in threads if brief.permalink), "")
    return found


def _notice(plan: Plan, brand_id: str, digest_id: str, told: core.Told, zone: str, now: datetime) -> Notice:
    brand = plan.brands.get(brand_id)
    return Notice(
        id=make_id(brand_id, "notice", f"digest:{digest_id}:{now.isoformat()}"),
        brand=brand_id,
        brand_name=brand.name if brand else brand_id,
        timezone=zone,
        alert_id="",
        reason="digest",
        says=told.says,
        rule="digest",
        rule_title=told.title,
        severity=told.severity,
        created_at=now,
        threads=(),
        n_threads=0,
        sections=told.sections,
    )


def sync(connection: Connection, plan: Plan, now: datetime) -> None:
    """Make the store's digests of the calendar those of the configuration."""
    wanted = {key: schedule.next(now) for key, schedule in plan.digests.items()}
    digests.sync(connection, {key: at for key, at in wanted.items() if at < FOR_EVER}, now)
