"""Assessing threads: from their comments to flags and alerts, in batches."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from monitor import log
from monitor.core import alerts as decide
from monitor.core.opinions import Opinion
from monitor.core.outlasting import verdict_of
from monitor.core.own_posts import PostFinding
from monitor.core.raising import is_news
from monitor.core.rules import Facts, Verdict
from monitor.core.storage import opaque_key, shown_text
from monitor.core.text import excerpt
from monitor.core.threads import fold
from monitor.flows import cover_up, feedback, own_posts
from monitor.flows.cover_up import Missing
from monitor.flows.feedback import Feedback, heed
from monitor.flows.measuring import measured_again
from monitor.flows.memory import Fresh
from monitor.flows.own_posts import Inspection
from monitor.flows.plan import Brand, Plan
from monitor.model import UNFLAGGED_RANK, Flag, Severity, StoredComment, Team, ThreadActs, ThreadState
from monitor.store import alerts, due, links, second_opinions, sources, threads
from monitor.store import comments as store
from monitor.store.due import Claim
from monitor.store.engine import is_conflict, reading, writing
from monitor.store.second_opinions import Question

_log = log.get()

BATCH = 300


@dataclass(frozen=True, slots=True)
class Known:
    """The facts of one brand's claimed threads, loaded with a handful of set queries."""

    rows: Mapping[int, threads.ThreadRow]
    comments: Mapping[int, list[StoredComment]]
    flags: Mapping[int, list[Flag]]  # of the threads, and of the posts that they hang under
    under_posts: Mapping[int, list[StoredComment]]
    n_earlier: Mapping[str, int]
    team: Team
    our_posts: Inspection
    missing: Missing
    feedback: Feedback
    opinions: Mapping[int, Opinion]


@dataclass(frozen=True, slots=True)
class Assessment:
    """One thread's verdict on its way into the store."""

    row: threads.Assessed
    standing: Sequence[Flag]
    cleared: Sequence[Flag]
    measured: Sequence[StoredComment]
    stirred: Sequence[StoredComment]  # those that have begun or ceased to count for rules about their post
    severity: Severity | None
    severity_before: Severity | None
    is_post: bool  # it stands for a post under which others may wait
    questions: Sequence[Question]  # for another model


def assess_due(
    engine: Engine,
    plan: Plan,
    now: Callable[[], datetime],
    wake: Callable[[str], None],
    fresh: Fresh | None = None,
    batch: int = BATCH,
) -> int:
    """Claim and assess one batch of due threads; how many were claimed. `fresh`: what this process has just stored."""
    at = now()
    with reading(engine) as connection:
        if not due.is_any_due(connection, "threads", at):
            return 0
    with writing(engine) as connection:
        claims = due.claim(connection, "threads", at, plan.lease, batch)
    for brand_id in {claimed.brand for claimed in claims}:
        ours = [claimed for claimed in claims if claimed.brand == brand_id]
        assess(engine, plan, ours, now(), wake, fresh.take(ours) if fresh else {})
    return len(claims)


def assess(
    engine: Engine,
    plan: Plan,
    claims: Sequence[Claim],
    now: datetime,
    wake: Callable[[str], None],
    fresh: Mapping[int, list[StoredComment]],
) -> None:
    """Assess claimed threads of one brand. A thread whose facts moved meanwhile drops out and is due again."""
    brand = plan.brands.get(claims[0].brand)
    if brand is None:
        _set_aside(engine, claims)
        return
    with reading(engine) as connection:
        known = _load(connection, plan, brand, [claimed.id for claimed in claims], fresh, now)
    plan.rules.look_ahead(it for i, comments in known.comments.items() if i not in known.flags for it in comments)
    assessments = [_assess_one(plan, brand, known, claimed, now) for claimed in claims if claimed.id in known.rows]
    try:
        with writing(engine) as connection:
            held = {claimed.id for claimed in due.still_ours(connection, "threads", claims)}
            kept = [assessment for assessment in assessments if assessment.row.claim.id in held]
            n_alerts = _save(connection, plan, kept, now)
            links.watch(connection, brand.id, known.our_posts.unopened, now)
            questions = [question for assessment in kept for question in assessment.questions]
            second_opinions.note(connection, brand.id, questions, now)
    except DBAPIError as error:
        if not is_conflict(error):
            raise
        # Another host opened the same alert at the same instant, or each waited for the other: assess again.
        with writing(engine) as connection:
            due.mark_due(connection, "threads", [claimed.key for claimed in claims], now)
        return
    if n_alerts:
        wake("alerts")
    if known.our_posts.unopened:
        wake("links")
    if questions:
        wake("second_opinions")
    n_flags = sum(len(assessment.standing) for assessment in kept)
    _log.info("threads.assessed", n=len(kept), stale=len(claims) - len(kept), flags=n_flags, alerts=n_alerts)


def _set_aside(engine: Engine, claims: Sequence[Claim]) -> None:
    """A brand that is no longer configured keeps its threads; they are not looked at."""
    with writing(engine) as connection:
        for claimed in claims:
            due.release(connection, "threads", claimed, None)


def _load(
    connection: Connection,
    plan: Plan,
    brand: Brand,
    ids: Sequence[int],
    fresh: Mapping[int, list[StoredComment]],
    now: datetime,
) -> Known:
    held = {**fresh, **store.load_threads(connection, brand.id, [i for i in ids if i not in fresh])}
    window = plan.rules.people_window
    under = store.load_under_posts(connection, brand.id, ids, now - window) if window else {}
    everyone = [c for comments in held.values() for c in comments]
    rows = threads.load_rows(connection, brand.id, ids)
    posts = {row.subject_id for row in rows.values() if row.subject_id is not None}
    team = team_of(connection, brand)
    acts = {thread_id: row.acts for thread_id, row in rows.items()}
    return Known(
        rows,
        held,
        threads.load_flags(connection, brand.id, posts.union(ids)),
        under,
        n_by_author(connection, brand.id, everyone) if plan.rules.needs_first_timer else {},
        team,
        own_posts.inspect(connection, brand, team, held, acts, now),
        cover_up.look(connection, brand.id, team, held, acts, under, now),
        feedback.load(connection, brand.id, ids),
        plan.adviser.load(connection, brand.id, ids) if plan.adviser else {},
    )


def team_of(connection: Connection, brand: Brand) -> Team:
    """Who speaks for a brand: what the configuration says and the accounts that its sources have shown."""
    shown = sources.own_author_ids(connection, brand.id)
    return replace(brand.team, author_ids=brand.team.author_ids | shown) if shown else brand.team


def _assess_one(plan: Plan, brand: Brand, known: Known, claimed: Claim, now: datetime) -> Assessment:
    row = known.rows[claimed.id]
    comments, measured = measured_again(plan, known.comments[claimed.id], known.opinions)
    state = fold(comments, known.team, row.acts, now, plan.fold)
    under_post, findings = known.under_posts.get(claimed.id, ()), known.our_posts.findings.get(claimed.id, {})
    facts = facts_of(brand, known.team, row, comments, state, under_post, known.n_earlier, findings)
    facts = heed(_with_missing(facts, known.missing, claimed.id), known.feedback)
    before = known.flags.get(claimed.id, ())
    verdict = plan.rules.evaluate(facts, now, before)
    flags = verdict_of(plan.rules, verdict.flags, before, facts)
    standing, cleared = _compare(flags, before)
    stirred = [c for c in comments if c.stirs != (c.id in verdict.stirring)]
    about_post = known.flags.get(row.subject_id, ()) if row.subject_id is not None else ()
    shown = _worst((*flags, *about_post))
    return Assessment(
        _row(
            claimed,
            row,
            comments,
            state,
            _due_at(verdict, state, comments, findings, known.missing.again_at.get(claimed.id)),
            shown,
        ),
        standing,
        cleared,
        measured,
        stirred,
        _worst(flags),
        _worst(before),
        bool(facts.subject_people) or any(c.comment.kind == "post" for c in comments),
        plan.adviser.questions([facts.comments[i] for i in state.open_ids], known.opinions) if plan.adviser else (),
    )


def facts_of(
    brand: Brand,
    team: Team,
    row: threads.ThreadRow,
    comments: Sequence[StoredComment],
    state: ThreadState,
    under_post: Sequence[StoredComment] = (),
    n_earlier: Mapping[str, int] | None = None,
    post_findings: Mapping[int, Sequence[PostFinding]] | None = None,
) -> Facts:
    """What the rules look at."""
    return Facts(
        brand=brand.id,
        source_id=row.source_id,
        platform=row.platform,
        calendar=brand.calendar,
        team=team,
        state=state,
        comments={c.id: c for c in comments},
        acts=row.acts,
        thread_id=row.id,
        subject_people=under_post,
        n_earlier_by_author=_elsewhere(comments, n_earlier or {}),
        post_findings=post_findings or {},
    )


def _with_missing(facts: Facts, missing: Missing, thread_id: int) -> Facts:
    suspects = missing.suspects.get(thread_id)
    if not suspects:
        return facts
    return replace(facts, vanished=missing.found.get(thread_id, {}), suspects=suspects)


def _due_at(
    verdict: Verdict,
    state: ThreadState,
    comments: Sequence[StoredComment],
    findings: Mapping[int, object],
    missing_at: datetime | None,
) -> datetime | None:
    """When the clock alone could change anything."""
    unchecked = own_posts.unchecked_after(comments, findings) if findings else None
    return min([at for at in (verdict.due_at, state.due_at, unchecked, missing_at) if at is not None], default=None)


def n_by_author(connection: Connection, brand: str, comments: Iterable[StoredComment]) -> dict[str, int]:
    """How many comments we hold of each of these authors, with those that no longer name them."""
    names = {c.comment.author.key: opaque_key(brand, c.platform, c.comment.author) for c in comments if c.has_author}
    names |= {c.comment.author.key: "" for c in comments if not c.has_author}
    counts = store.count_by_authors(connection, brand, sorted({*names, *names.values()} - {""}))
    return {key: counts.get(key, 0) + counts.get(hidden, 0) for key, hidden in names.items()}


def _elsewhere(comments: Sequence[StoredComment], n_by_author: Mapping[str, int]) -> dict[str, int]:
    """How many comments each author has written outside this thread."""
    if not n_by_author:
        return {}
    if any(not c.has_author for c in comments):
        names = {
            c.id: opaque_key(c.brand, c.platform, c.comment.author) if c.has_author else c.comment.author.key
            for c in comments
        }
    else:
        names = {c.id: c.comment.author.key for c in comments}
    here = Counter(names.values())
    return {c.comment.author.key: n_by_author.get(c.comment.author.key, 0) - here[names[c.id]] for c in comments}


def _compare(flags: Iterable[Flag], before: Iterable[Flag]) -> tuple[list[Flag], list[Flag]]:
    """The flags that are new or changed, and those that no longer hold; a flag stays in its alert."""
    was = {flag.rule: flag for flag in before}
    changed = []
    for flag in flags:
        old = was.pop(flag.rule, None)
        if old is None:
            changed.append(flag)
        elif is_news(flag, old):
            changed.append(replace(flag, alert_id=old.alert_id, raised_at=old.raised_at))
    return changed, list(was.values())


def _row(
    claimed: Claim,
    row: threads.ThreadRow,
    comments: Sequence[StoredComment],
    state: ThreadState,
    due_at: datetime | None,
    worst: Severity | None,
) -> threads.Assessed:
    shown = _shown(comments, state)
    return threads.Assessed(
        claim=claimed,
        due_at=due_at,
        n_comments=state.n_comments,
        last_at=state.last_at,
        awaiting_since=state.awaiting_since,
        rank=worst.rank if worst is not None else UNFLAGGED_RANK,
        severity=worst.value if worst is not None else "",
        standing=_standing(state, row.acts),
        author_name=shown.comment.author.name if shown else "",
        excerpt=excerpt(shown_text(shown), 200) if shown else "",
        permalink=shown.comment.permalink if shown else "",
    )


def _worst(flags: Iterable[Flag]) -> Severity | None:
    return min((flag.severity for flag in flags), key=lambda severity: severity.rank, default=None)


def _shown(comments: Sequence[StoredComment], state: ThreadState) -> StoredComment | None:
    """The comment that stands for the thread in a list: the oldest open one, else the first that is there."""
    by_id = {c.id: c for c in comments}
    if state.open_ids:
        return by_id[state.open_ids[0]]
    return min(comments, key=lambda c: (c.deleted_at is not None, c.comment.created_at, c.id), default=None)


def _standing(state: ThreadState, acts: ThreadActs) -> str:
    standings = {customer.standing for customer in state.customers}
    for standing in ("awaiting", "handed_off", "answered", "closed"):
        if standing in standings:
            return standing
    return "closed" if acts.closed_at else "no_reply_needed"


def _tell_those_under(connection: Connection, assessment: Assessment, now: datetime) -> None:
    """If this thread stands for a post, who waits under it is as urgent as what is flagged about it."""
    severity, before, claimed = assessment.severity, assessment.severity_before, assessment.row.claim
    if severity is before or not (assessment.is_post or before is not None):
        return
    if severity is not None and (before is None or severity.rank < before.rank):
        threads.raise_under_post(connection, claimed.brand, claimed.id, severity)
    else:
        threads.ease_under_post(connection, claimed.brand, claimed.id, now)


def _save(connection: Connection, plan: Plan, assessments: Sequence[Assessment], now: datetime) -> int:
    """Write verdicts, flags and the alerts that they open, join or resolve; how many alerts that were."""
    threads.save_assessed(connection, [assessment.row for assessment in assessments])
    store.update_signals(connection, [c for assessment in assessments for c in assessment.measured])
    store.update_stirs(connection, [c for assessment in assessments for c in assessment.stirred], now)
    for assessment in assessments:
        _tell_those_under(connection, assessment, now)
    standing = [flag for assessment in assessments for flag in assessment.standing]
    cleared = [flag for assessment in assessments for flag in assessment.cleared]
    if not standing and not cleared:
        return 0
    keys = {(flag.brand, flag.group_key) for flag in (*standing, *cleared)}
    open_alerts = alerts.load_open(connection, keys)
    raised = [flag for flag in standing if not flag.is_history]
    coming = {(flag.brand, flag.group_key) for flag in raised} - open_alerts.keys()
    past = alerts.load_past(connection, coming, now - plan.timings.reopen_within)
    changed = decide.group(raised, cleared, open_alerts, now, plan.timings, past)
    current = open_alerts | {(alert.brand, alert.group_key): alert for alert in changed}
    joined = [
        replace(flag, alert_id=None if flag.is_history else current[flag.brand, flag.group_key].id) for flag in standing
    ]
    threads.save_flags(connection, joined, cleared, now)
    alerts.save(connection, changed, now)
    return len(changed)
