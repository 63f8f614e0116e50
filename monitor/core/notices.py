"""Notices: whether people are told of an alert now, and why.

An alert may owe several notices, each from an instant on (`_owed`): news, the next step of its ladder, a reminder.
Silences and a snooze push each of them to their end; the first that is free is told. Everything here follows from
these two, so that nothing owed is ever without an instant at which it is looked at again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from monitor.core.alerts import Timings
from monitor.core.phrasing import counted, waiting
from monitor.model import Alert, NoticeReason, Severity, Silence

LEAST_GROWTH = 3  # comments by which a crisis must grow for people to hear of it again
OWNERS_PEACE = timedelta(days=1)  # in which whoever has an alert is not reminded of it
LOOK_AGAIN = timedelta(minutes=10)  # at what a crisis holds back, should its end go unheard


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether to tell now (`reason` is None if not), why in words, and when to look again (None: not by the clock).

    `alert` is how it stands after this decision, with its `why`: save it in the transaction of the notice.
    """

    reason: NoticeReason | None
    says: str
    due_at: datetime | None
    alert: Alert


@dataclass(frozen=True, slots=True)
class _Owed:
    """A notice that an alert owes: it may be told from `since` on."""

    reason: NoticeReason
    since: datetime
    says: str


@dataclass(frozen=True, slots=True)
class _Next:
    """What is told next, from `at` on, and what holds it back until then ("": only the time)."""

    owed: _Owed
    at: datetime
    held_by: str


def next_notice(
    alert: Alert,
    silences: Sequence[Silence],
    now: datetime,
    timings: Timings,
    ladder: Sequence[timedelta] = (),
    inhibited: Mapping[str, str] | None = None,
) -> Decision:
    """Whether anyone is told of this alert at `now`.

    `ladder` is after how long each step is told while nobody has the alert; `inhibited` are its members that a crisis
    tells of (fingerprint: the crisis in words). A person's act or a changed member makes the alert due at once,
    whatever `due_at` says.
    """
    view = _without(alert, inhibited or {})
    if view is None:
        return _held_back(alert, inhibited or {}, now)
    view = _counted_anew(view, silences, now, ladder)
    coming = _next(view, silences, now, timings, ladder)
    if coming is None or coming.at > now:
        says = _why_not_now(view, coming, now)
        return Decision(None, says, _look_at(coming, inhibited, now), _whole(view, alert, says))
    told = _told(view, coming.owed.reason, now)
    then = _next(told, silences, now, timings, ladder)
    why = _why_not_now(told, then, now)
    return Decision(coming.owed.reason, coming.owed.says, _look_at(then, inhibited, now), _whole(told, alert, why))


def _without(alert: Alert, inhibited: Mapping[str, str]) -> Alert | None:
    """The alert as if what a crisis tells of were not in it; None if nothing else is."""
    if alert.status == "resolved" or not inhibited:
        return alert
    members = {name: severity for name, severity in alert.members.items() if name not in inhibited}
    if not members:
        return None
    return replace(alert, members=members, severity=min(members.values(), key=lambda severity: severity.rank))


def _whole(view: Alert, alert: Alert, why: str) -> Alert:
    return replace(view, members=alert.members, severity=alert.severity, why=why)


def _held_back(alert: Alert, inhibited: Mapping[str, str], now: datetime) -> Decision:
    crises = " and ".join(dict.fromkeys(inhibited[name] for name in alert.members if name in inhibited))
    says = f"held back: {crises} counts it and tells of it"
    at = now + LOOK_AGAIN
    # The time in which nobody was asked to take it on does not count for its ladder.
    waits = replace(alert, unowned_since=at) if alert.unowned_since is not None else alert
    return Decision(None, says, at, replace(waits, why=says))


def _look_at(coming: _Next | None, inhibited: Mapping[str, str] | None, now: datetime) -> datetime | None:
    """When to look again; sooner where a crisis holds a part of it back."""
    instants = [coming.at] if coming else []
    if inhibited:
        instants.append(now + LOOK_AGAIN)
    return min(instants, default=None)


def _next(
    alert: Alert, silences: Sequence[Silence], now: datetime, timings: Timings, ladder: Sequence[timedelta]
) -> _Next | None:
    """The notice that may be told first; of several at one instant the most pressing."""
    owed = [_Next(one, *_first_free(alert, silences, max(one.since, now))) for one in _owed(alert, timings, ladder)]
    return min(owed, key=lambda one: one.at, default=None)


def _counted_anew(alert: Alert, silences: Sequence[Silence], now: datetime, ladder: Sequence[timedelta]) -> Alert:
    """The ladder of an alert counts anew from the end of what holds its next step back."""
    step = _escalation(alert, ladder)
    if step is None:
        return alert
    free, held_by = _first_free(alert, silences, max(step.since, now))
    return replace(alert, unowned_since=free) if held_by else alert


def _owed(alert: Alert, timings: Timings, ladder: Sequence[timedelta]) -> Iterator[_Owed]:
    """Every notice that comes if nothing but the clock moves, the most pressing first."""
    if alert.status == "resolved":
        yield from _owed_resolution(alert)
    elif not alert.told or alert.last_told_at is None:
        yield _owed_beginning(alert, timings)
    else:
        yield from _owed_news(alert, alert.last_told_at, timings)
        if step := _escalation(alert, ladder):
            yield step
        yield from _owed_reminder(alert, alert.last_told_at, timings)


def _owed_resolution(alert: Alert) -> Iterator[_Owed]:
    """The all-clear, once, and only to people who were told; the all-clear itself leaves nothing told."""
    if alert.told and alert.resolved_at is not None:
        yield _Owed("resolved", alert.resolved_at, "resolved: nothing of it stands any more")


def _owed_beginning(alert: Alert, timings: Timings) -> _Owed:
    since = alert.opened_at + timings.group_wait
    if not alert.n_told:
        return _Owed("first", since, f"new{_how_many(alert)}")
    when = f", {waiting(alert.opened_at - alert.last_told_at)} after it was last told" if alert.last_told_at else ""
    return _Owed("reopened", since, f"it has come up again{when}{_how_many(alert)}")


def _owed_news(alert: Alert, last_told_at: datetime, timings: Timings) -> Iterator[_Owed]:
    if alert.told_severity is not None and alert.severity.rank < alert.told_severity.rank:
        had = f"; {alert.acknowledged_by} had taken it on before" if alert.status == "acknowledged" else ""
        says = f"more urgent now: {alert.severity}, it was {alert.told_severity}{had}"
        yield _Owed("severity_rose", last_told_at, says)
    n_new = sum(fingerprint not in alert.told for fingerprint in alert.members)
    if n_new:
        says = f"{counted(n_new, 'thread', 'threads')} more since the last notice, {len(alert.members):,} in all"
        yield _Owed("more", last_told_at + timings.interval(alert.severity, alert.n_told), says)
    elif n_more := _n_joined(alert):
        says = f"it grows: {counted(n_more, 'comment', 'comments')} more since the last notice"
        yield _Owed("more", last_told_at + timings.interval(alert.severity, alert.n_told), says)


def _n_joined(alert: Alert) -> int:
    """How many comments have joined what a crisis rests on, once it has grown by half; before that none."""
    known = alert.evidence & alert.told
    n_more = len(alert.evidence) - len(known)
    return n_more if n_more >= max(LEAST_GROWTH, len(known) / 2) else 0


def _escalation(alert: Alert, ladder: Sequence[timedelta]) -> _Owed | None:
    """The next step of its ladder, while people were told and nobody has taken it on."""
    if alert.status != "open" or not alert.told or alert.unowned_since is None or alert.step >= len(ladder):
        return None
    after = ladder[alert.step]
    says = f"nobody has taken it on for {waiting(after)}{_how_many(alert)}"
    return _Owed("escalated", alert.unowned_since + after, says)


def _owed_reminder(alert: Alert, last_told_at: datetime, timings: Timings) -> Iterator[_Owed]:
    """The end of its snooze, or the next of the reminders, ever rarer; whoever has it is spared the quick ones."""
    is_taken = alert.status == "acknowledged"
    says = f"still open, and {f'{alert.acknowledged_by} has it' if is_taken else 'nobody has taken it on'}"
    if alert.snoozed_until is not None:
        yield _Owed("repeat", alert.snoozed_until, f"its snooze is over; {says}{_how_many(alert)}")
    elif timings.repeat:
        wait = timings.repeat[min(alert.n_repeats, len(timings.repeat) - 1)]
        wait = max(wait, OWNERS_PEACE) if is_taken else wait
        since = max(last_told_at, alert.acknowledged_at or last_told_at)
        yield _Owed("repeat", since + wait, f"{says}{_how_many(alert)}")


def _told(alert: Alert, reason: NoticeReason, now: datetime) -> Alert:
    """The alert as it stands once a notice for this reason has been written."""
    if reason == "escalated":  # only those of the step hear of it: for all others nothing has been said
        return replace(alert, step=alert.step + 1, n_told=alert.n_told + 1)
    heard = replace(
        alert,
        told=frozenset(alert.members) | alert.evidence or frozenset({alert.group_key}),
        told_severity=alert.severity,
        last_told_at=now,
        n_told=alert.n_told + 1,
        n_repeats=alert.n_repeats + 1 if reason == "repeat" else 0,
        snoozed_until=None,  # whatever held this back is over
    )
    if reason == "resolved":
        return replace(heard, told=frozenset(), unowned_since=None, step=0)
    if reason == "severity_rose":  # it was not this that somebody took on
        return replace(heard, status="open", acknowledged_by="", acknowledged_at=None, unowned_since=now, step=0)
    return replace(heard, unowned_since=(alert.unowned_since or now) if heard.status == "open" else None)


def _first_free(alert: Alert, silences: Sequence[Silence], at: datetime) -> tuple[datetime, str]:
    """The first instant from `at` on at which nothing holds the alert back, and what holds it back first."""
    held_by = ""
    matching = [silence for silence in silences if matches(silence, alert)]
    while True:
        holds = [(each.ends_at, _says_silenced(each)) for each in matching if each.starts_at <= at < each.ends_at]
        if alert.snoozed_until is not None and at < alert.snoozed_until:
            holds.append((alert.snoozed_until, f"snoozed until {_clock(alert.snoozed_until)}"))
        if not holds:
            return at, held_by
        at, says = max(holds)
        held_by = held_by or says


def matches(silence: Silence, alert: Alert) -> bool:
    """Whether a silence is about this alert; one with a severity covers that severity and what is less urgent."""
    return (
        silence.brand in ("", alert.brand)
        and silence.rule in ("", alert.rule)
        and silence.platform in ("", alert.platform)
        and silence.source_id in ("", alert.source_id)
        and (not silence.severity or alert.severity.rank >= Severity(silence.severity).rank)
    )


def _says_silenced(silence: Silence) -> str:
    why = f": {silence.comment}" if silence.comment else ""
    return f"silenced until {_clock(silence.ends_at)} by {silence.created_by}{why}"


def _why_not_now(alert: Alert, coming: _Next | None, now: datetime) -> str:
    if coming is None:
        return _why_nothing(alert)
    if coming.held_by and coming.owed.since <= now:
        return coming.held_by
    if coming.at <= now:
        return f"at once: {coming.owed.says}"
    return f"not before {_clock(coming.at)}: {coming.owed.says}"


def _why_nothing(alert: Alert) -> str:
    if alert.status == "resolved":
        return "resolved, and that was told" if alert.n_told else "resolved before anyone was told"
    if alert.status == "acknowledged":
        return f"taken on by {alert.acknowledged_by}, and nothing is new"
    return "told, and it is not repeated"


def _how_many(alert: Alert) -> str:
    """How many threads it is about; an operator's alert is about none."""
    return "" if alert.group_key in alert.members else f": {counted(len(alert.members), 'thread', 'threads')}"


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
