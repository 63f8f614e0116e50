"""Summing up: the figures of a brand's morning and of its week, from what is stored."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from monitor.core import digests as core
from monitor.core.answering import answered, asked_before
from monitor.core.precision import count, verdicts
from monitor.flows.assess import team_of
from monitor.flows.plan import Brand, Plan
from monitor.model import Severity, StoredComment, Team, show_id
from monitor.store import backlog, comments, corrections, summing
from monitor.store.summing import Moved

URGENT = (Severity.CRISIS, Severity.HIGH)


def morning(connection: Connection, plan: Plan, brand: Brand, since: datetime, now: datetime) -> core.Morning:
    """The backlog of a brand, and what has changed since an instant."""
    counts = backlog.counts(connection, brand.id)
    by_platform: Counter[str] = Counter()
    for (platform, _), n in counts.items():
        by_platform[platform] += n
    moved = summing.moved(connection, brand.id, since)
    replied = _replied(connection, plan, brand, moved, since)
    beyond = 0
    if brand.answer_within is not None:
        promised = asked_before(brand.calendar, now, brand.answer_within)
        beyond = summing.n_waiting(connection, brand.id, before=promised)
    return core.Morning(
        since=since,
        by_platform=by_platform,
        n_urgent=sum(n for (_, severity), n in counts.items() if severity in URGENT),
        n_new=summing.n_waiting(connection, brand.id, since=since),
        n_beyond=beyond,
        oldest=[_waiting(line) for line in summing.oldest(connection, brand.id, now, core.MOST_OLD)],
        answers=core.answers(replied.waits(since), brand.answer_within),
        n_closed=sum(1 for each in moved if each.closed_at is not None and each.closed_at >= since),
    )


def _waiting(line: backlog.Waiting) -> core.WaitingThread:
    return core.WaitingThread(
        line.shown_id,
        line.platform,
        line.severity,
        line.awaiting_since,
        line.n_comments,
        line.assignee,
        line.permalink,
    )


def weekly(connection: Connection, plan: Plan, brand: Brand, now: datetime) -> core.Week:
    """A brand's last seven days, and the seven before where they can be compared."""
    since, before = now - core.WEEK, now - 2 * core.WEEK
    moved = summing.moved(connection, brand.id, before)
    replied = _replied(connection, plan, brand, moved, since)
    raised = corrections.raised(connection, brand.id, since)
    flags = _by_title(plan, (rule for _, rule, _ in raised))
    earlier = _by_title(plan, (rule for _, rule, _ in corrections.raised(connection, brand.id, before))) - flags
    agreed = count(raised, verdicts(corrections.of_brand(connection, brand.id)))
    return core.Week(
        since=since,
        answers=core.answers(replied.waits(since), brand.answer_within),
        answers_before=core.answers(replied.waits(before, since), brand.answer_within),
        flags=flags,
        flags_before=earlier,
        agreed={_title(plan, rule): found for rule, found in agreed.items()},
        busiest=replied.busiest(core.MOST_BUSY),
        n_comments=replied.said.total(),
        n_told=summing.n_told(connection, brand.id, plan.channels.keys(), since),
        n_held=summing.n_held(connection, brand.id, since),
        n_waiting=summing.n_waiting(connection, brand.id),
    )


def _by_title(plan: Plan, rules: Iterable[str]) -> Counter[str]:
    return Counter(_title(plan, rule) for rule in rules)


def _title(plan: Plan, rule: str) -> str:
    return plan.rules.titles.get(rule, rule)


@dataclass(slots=True)
class _Replied:
    """What was asked and answered in some threads, and how much was said since an instant under each post."""

    brand: Brand
    turns: list[tuple[datetime, datetime]] = field(default_factory=list)
    said: Counter[int] = field(default_factory=Counter)  # by post, or by thread where it hangs under none
    shown: dict[int, tuple[str, str]] = field(default_factory=dict)  # how each is called, and where it is

    def waits(self, since: datetime, before: datetime | None = None) -> list[timedelta]:
        """The business time that the answers given since an instant took."""
        return [
            self.brand.calendar.elapsed(asked_at, answered_at)
            for asked_at, answered_at in self.turns
            if since <= answered_at and (before is None or answered_at < before)
        ]

    def busiest(self, most: int) -> Sequence[core.Busy]:
        return [core.Busy(self.shown[key][0], n, self.shown[key][1]) for key, n in self.said.most_common(most)]


def _replied(
    connection: Connection, plan: Plan, brand: Brand, moved: Sequence[Moved], counted_since: datetime
) -> _Replied:
    team, found = team_of(connection, brand), _Replied(brand)
    by_id = {each.id: each for each in moved}
    for ids in summing.in_batches(by_id):
        for thread_id, held in comments.load_threads(connection, brand.id, ids).items():
            found.turns += answered(held, team, plan.fold)
            _count(found, by_id[thread_id], held, team, counted_since)
    return found


def _count(found: _Replied, thread: Moved, held: Sequence[StoredComment], team: Team, since: datetime) -> None:
    """Count what customers said since an instant."""
    said = [
        it.comment
        for it in held
        if it.comment.created_at >= since and it.comment.kind != "post" and not team.owns(it.platform, it.comment)
    ]
    if not said:
        return
    key = thread.subject_id or thread.id
    found.said[key] += len(said)
    what = "under one post" if thread.subject_id else f"thread {show_id(thread.id)}"
    link = next((comment.subject_url for comment in said if comment.subject_url), thread.permalink)
    found.shown.setdefault(key, (f"{thread.platform} · {what}", link))
