"""The crisis room of an alert, from what we hold now: it is composed anew whenever the alert is looked at."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from monitor.core.crisis import Scene, damage, room
from monitor.core.inhibition import crisis_of
from monitor.core.storage import shown_text
from monitor.core.text import excerpt
from monitor.flows.assess import team_of
from monitor.flows.plan import Plan
from monitor.model import Alert, Flag, Notice, Recipient, Section, Severity, StoredComment, Team
from monitor.store import alerts, steps
from monitor.store import comments as store
from monitor.store.threads import ThreadRow

REFRESH = timedelta(minutes=5)  # how old a room may be while its alert is open
SHOWN_THREADS = 3  # below the room; the rest is counted
_LOOKS_BACK = timedelta(days=7)
_MOST_THREADS = 400
_TITLE = 120


def is_crisis(alert: Alert) -> bool:
    """Whether an alert has a room; an operator's alert has none."""
    return alert.severity is Severity.CRISIS and not alert.says


def flags_told(connection: Connection, brand: str, telling: Sequence[Alert]) -> dict[int, list[Flag]]:
    """The flags that each alert tells of; a crisis also counts those of the single alerts under its post."""
    flags = alerts.flags_of(connection, brand, telling)
    for alert in telling:
        crisis = crisis_of(alert)
        if crisis:
            own = flags.setdefault(alert.id, [])
            seen = {flag.thread_id for flag in own}
            for flag in alerts.flags_under(connection, brand, crisis.about):
                if flag.thread_id not in seen and flag.alert_id and flag.severity is not Severity.CRISIS:
                    own.append(flag)
                    seen.add(flag.thread_id)
    return flags


def stakeholders(plan: Plan, alert: Alert, reason: str) -> tuple[Recipient, ...]:
    """Who must know of a crisis at once, besides those whose routes lead to it."""
    brand = plan.brands.get(alert.brand)
    begins = reason in ("first", "reopened", "severity_rose")
    return brand.stakeholders if brand is not None and begins and is_crisis(alert) else ()


def look_again(alert: Alert, due_at: datetime | None, now: datetime) -> datetime | None:
    """When an alert is looked at again, so that its room keeps up with what happens."""
    if alert.status == "resolved" or not alert.n_told or not is_crisis(alert):
        return due_at
    return min(due_at, now + REFRESH) if due_at is not None else now + REFRESH


def with_room(
    connection: Connection,
    plan: Plan,
    alert: Alert,
    notice: Notice,
    flags: Sequence[Flag],
    rows: Mapping[int, ThreadRow],
    now: datetime,
) -> Notice:
    """The notice of a crisis with its room, in which the playbook's steps stand with owners and timers."""
    if alert.status == "resolved" or not is_crisis(alert):
        return notice
    n_inhibited = len({flag.thread_id for flag in flags if flag.alert_id != alert.id})
    found = sections(connection, plan, alert, flags, rows, n_inhibited, now)
    if not found:
        return notice
    playbook = replace(notice.playbook, steps=(), plans=()) if notice.playbook else None
    return replace(notice, sections=found, threads=notice.threads[:SHOWN_THREADS], playbook=playbook)


@dataclass(frozen=True, slots=True)
class _About:
    """What a crisis is about: posts (of whom we may hold no more than the id), and comments around them."""

    posts: Mapping[int, StoredComment]
    comments: Sequence[StoredComment]


def sections(
    connection: Connection,
    plan: Plan,
    alert: Alert,
    flags: Sequence[Flag],
    rows: Mapping[int, ThreadRow],
    n_inhibited: int,
    now: datetime,
) -> tuple[Section, ...]:
    """The room of a crisis as it stands now; nothing for any other alert."""
    brand = plan.brands.get(alert.brand)
    if brand is None or not is_crisis(alert):
        return ()
    about = _about(connection, alert.brand, flags, rows, now)
    team = team_of(connection, brand)
    taken = steps.of_alerts(connection, alert.brand, [alert.id]).get(alert.id, {})
    return room(
        _scene(alert, flags, rows, about, team),
        damage(about.comments, team, now, n_inhibited),
        plan.playbooks.get(alert.playbook),
        taken,
        alert.acknowledged_by,
        alert.opened_at,
        brand.timezone,
        now,
    )


def _about(
    connection: Connection, brand: str, flags: Sequence[Flag], rows: Mapping[int, ThreadRow], now: datetime
) -> _About:
    post_ids = subjects(flags, rows)
    under = store.load_under_posts(connection, brand, post_ids, now - _LOOKS_BACK)
    stirring = [it.thread_id for comments in under.values() for it in comments]
    threads = list(dict.fromkeys((*(flag.thread_id for flag in flags), *stirring)))[:_MOST_THREADS]
    held = store.load_threads(connection, brand, threads)
    return _About(
        store.load_comments(connection, brand, post_ids), [it for comments in held.values() for it in comments]
    )


def subjects(flags: Iterable[Flag], rows: Mapping[int, ThreadRow]) -> set[int]:
    """The posts that these flags are about: those that their threads hang under, or stand for."""
    found = set()
    for flag in flags:
        row = rows.get(flag.thread_id)
        found.add(row.subject_id if row is not None and row.subject_id is not None else flag.thread_id)
    return found


def _scene(alert: Alert, flags: Sequence[Flag], rows: Mapping[int, ThreadRow], about: _About, team: Team) -> Scene:
    post = next(iter(sorted(about.posts.values(), key=lambda it: it.comment.created_at)), None)
    is_ours = post is not None and team.owns(post.platform, post.comment)
    titles = [row.title for flag in flags if (row := rows.get(flag.thread_id)) is not None and row.title]
    words = excerpt(shown_text(post), _TITLE) if post is not None and is_ours else ""
    seen = [it.seen_at for it in about.comments]
    return Scene(
        title=next(iter(titles), "") or words,
        link=post.comment.permalink if post is not None and not post.comment.is_private else "",
        first_seen_at=min(seen, default=alert.opened_at),
        platforms=tuple(sorted({flag.platform for flag in flags if flag.platform})),
    )
