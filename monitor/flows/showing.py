"""Showing: messages that were sent before are kept current, where their target lets them be changed.

An alert remembers a digest of what its messages show (`Alert.shown`). When that is no longer how things stand, an
"update" notice is written for the channels that had a message: it calls nobody, and counts for no budget.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b

from sqlalchemy import Connection

from monitor.channels.base import Live
from monitor.core.notices import Decision
from monitor.core.phrasing import local_time
from monitor.flows import crisis
from monitor.flows.composing import Held, compose
from monitor.flows.plan import Plan
from monitor.model import Alert, Notice, Recipient, make_id
from monitor.store import messages, outbox

Draw = Callable[[Connection, Plan, str, Sequence[Alert], datetime], Mapping[int, Notice]]


def drawn(
    connection: Connection, plan: Plan, brand: str, standing: Sequence[Alert], now: datetime
) -> dict[int, Notice]:
    """How these alerts of one brand are shown now, by alert."""
    flags = crisis.flags_told(connection, brand, standing)
    held = Held.load(connection, brand, [flag for listed in flags.values() for flag in listed])
    zone = plan.brands[brand].timezone if brand in plan.brands else "UTC"
    found = {}
    for alert in standing:
        listed = flags.get(alert.id, [])
        if alert.status == "resolved" and held.any_snoozed(listed, now):
            continue  # it is only put off: nothing is over
        decision = Decision("update", _says(alert, zone, now), None, alert)
        notice = compose(plan, held, alert, listed, decision, now)
        found[alert.id] = crisis.with_room(connection, plan, alert, notice, listed, held.rows, now)
    return found


def keep_current(
    connection: Connection,
    plan: Plan,
    standing: Sequence[Alert],
    told: Sequence[Notice],
    now: datetime,
    draw: Draw = drawn,
) -> None:
    """Let messages that were sent before show how these alerts stand now.

    Call it in the transaction in which the alerts are saved, `told` being what it tells of them.
    """
    live = [name for name, channel in plan.channels.items() if isinstance(channel, Live)]
    for brand in sorted({alert.brand for alert in standing}) if live else ():
        of_brand = {alert.id: alert for alert in standing if alert.brand == brand}
        first = messages.first_told(connection, brand, of_brand, live)
        seen = [alert for alert in of_brand.values() if alert.id in first]
        for alert_id, notice in draw(connection, plan, brand, seen, now).items() if seen else ():
            shown = digest(notice)
            if shown != of_brand[alert_id].shown:
                messages.set_shown(connection, brand, alert_id, shown)
                _change(connection, notice, shown, _earlier(first[alert_id], told), now)


def _earlier(first: Mapping[str, int], told: Sequence[Notice]) -> list[str]:
    """The channels whose message is not one that is only now being told, and so shows how things stand anyway."""
    new = {notice.id for notice in told}
    return [channel for channel, notice_id in first.items() if notice_id not in new]


def _change(connection: Connection, notice: Notice, shown: str, channels: Sequence[str], now: datetime) -> None:
    if not channels:
        return
    about = f"{notice.alert_id}:update:{shown}:{now.isoformat()}"
    update = replace(notice, id=make_id(notice.brand, "notice", about))
    outbox.add(connection, [(update, [Recipient(channel) for channel in channels])], now)


def digest(notice: Notice) -> str:
    """What a message shows that people would want to be right; how long ago something was is not of it."""
    shown = (
        *(notice.status, notice.owner, notice.severity, notice.rule_title, notice.says, notice.n_threads),
        *(notice.n_people, [brief.thread_id for brief in notice.threads]),
        [(section.heading, [(line.text, line.link) for line in section.lines]) for section in notice.sections],
    )
    return blake2b(repr(shown).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _says(alert: Alert, zone: str, now: datetime) -> str:
    """Where the alert stands, in words."""
    if alert.status == "resolved":
        return "resolved: nothing of it stands any more"
    if alert.snoozed_until is not None and alert.snoozed_until > now:
        return f"snoozed until {local_time(alert.snoozed_until, zone)}"
    return "acknowledged" if alert.status == "acknowledged" else "still open"
