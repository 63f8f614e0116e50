"""Our own posts on their way through an assessment: what surrounds each, and what is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from monitor.core.own_posts import Draft, LinkState, OwnPost, PostFinding, check_post, links_in
from monitor.flows.plan import Brand
from monitor.model import StoredComment, Team, ThreadActs
from monitor.store import comments as store
from monitor.store import links

CHECKED_FOR = timedelta(days=7)  # after it was published; an older slip has done its harm
_HISTORY = timedelta(days=90)
_MOST_POSTS = 200


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found, by thread and checked post, and the links (thread id, URL) that nobody has opened yet."""

    findings: Mapping[int, Mapping[int, Sequence[PostFinding]]] = field(default_factory=dict)
    unopened: Sequence[tuple[int, str]] = ()


def inspect(
    connection: Connection,
    brand: Brand,
    team: Team,
    held: Mapping[int, Sequence[StoredComment]],
    acts: Mapping[int, ThreadActs],
    now: datetime,
) -> Inspection:
    """Check the recent posts of ours among the comments of these threads."""
    ours = [
        it
        for comments in held.values()
        for it in comments
        if it.comment.kind == "post" and _is_checked(it, team, acts.get(it.thread_id, ThreadActs()), now)
    ]
    if not ours:
        return Inspection()
    others = {source_id: _posts(connection, brand, team, source_id, now) for source_id in {it.source_id for it in ours}}
    states = links.states(connection, brand.id, {it.thread_id for it in ours})
    findings: dict[int, dict[int, Sequence[PostFinding]]] = {}
    for it in ours:
        draft = _draft(it, brand, others[it.source_id], states.get(it.thread_id, {}))
        findings.setdefault(it.thread_id, {})[it.id] = check_post(draft)
    unopened = [
        (it.thread_id, url)
        for it in ours
        if brand.opens_links
        for url in links_in(it.comment.text)
        if url not in states.get(it.thread_id, {})
    ]
    return Inspection(findings, unopened)


def unchecked_after(comments: Sequence[StoredComment], findings: Mapping[int, object]) -> datetime | None:
    """When the first of these posts is too old to be checked: then its flags go."""
    return min((it.comment.created_at + CHECKED_FOR for it in comments if findings.get(it.id)), default=None)


def _is_checked(it: StoredComment, team: Team, acts: ThreadActs, now: datetime) -> bool:
    """Whether it is a recent post of ours that is still there, and that nobody has looked at and left as it is."""
    if it.deleted_at is not None or it.is_history or not it.has_text or not team.owns(it.platform, it.comment):
        return False
    changed_at = max(it.seen_at, it.text_changed_at or it.seen_at)
    if acts.closed_at is not None and changed_at <= acts.closed_at:
        return False
    return it.comment.created_at + CHECKED_FOR > now


def _posts(connection: Connection, brand: Brand, team: Team, source_id: str, now: datetime) -> list[OwnPost]:
    recent = store.load_posts(connection, brand.id, source_id, now - _HISTORY, _MOST_POSTS)
    return [_own(it) for it in recent if it.has_text and team.owns(it.platform, it.comment)]


def _own(it: StoredComment) -> OwnPost:
    language = it.signals.get("language")
    return OwnPost(it.id, it.comment.text, it.comment.created_at, language if isinstance(language, str) else "")


def _draft(it: StoredComment, brand: Brand, posts: Sequence[OwnPost], states: Mapping[str, LinkState]) -> Draft:
    others = [post for post in posts if post.id != it.id]
    return Draft(_own(it), others, brand.calendar.zone, brand.forbidden, states)
