"""What has vanished, on its way through an assessment: the surroundings of each suspect, and what was found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from monitor.core import cover_up
from monitor.core.cover_up import Surroundings, Vanished
from monitor.model import StoredComment, Team, ThreadActs
from monitor.store import comments as store

_MOST_POSTS = 50


@dataclass(frozen=True, slots=True)
class Missing:
    """By thread: what vanished, by comment; the suspects among the comments; and when to look at it again."""

    found: Mapping[int, Mapping[int, Vanished]] = field(default_factory=dict)
    suspects: Mapping[int, frozenset[int]] = field(default_factory=dict)
    again_at: Mapping[int, datetime] = field(default_factory=dict)


def look(
    connection: Connection,
    brand: str,
    team: Team,
    held: Mapping[int, Sequence[StoredComment]],
    acts: Mapping[int, ThreadActs],
    under: Mapping[int, Sequence[StoredComment]],
    now: datetime,
) -> Missing:
    """Look for what vanished from these threads; asks the store only where anything did."""
    suspected = {
        thread_id: frozenset(it.id for it in cover_up.suspects(comments, acts.get(thread_id, ThreadActs()), now))
        for thread_id, comments in held.items()
    }
    suspected = {thread_id: ids for thread_id, ids in suspected.items() if ids}
    if not suspected:
        return Missing()
    gone = [it for thread_id, ids in suspected.items() for it in held[thread_id] if it.id in ids]
    posts = store.load_comments(connection, brand, {it.subject_id for it in gone if it.subject_id is not None})
    standing = store.n_standing(connection, brand, {it.comment.author.key for it in gone if it.has_author})
    found: dict[int, Mapping[int, Vanished]] = {}
    again_at: dict[int, datetime] = {}
    for thread_id in suspected:
        subject_id = next((it.subject_id for it in held[thread_id] if it.subject_id is not None), None)
        around = Surroundings(
            team,
            acts.get(thread_id, ThreadActs()),
            posts.get(subject_id) if subject_id is not None else None,
            standing,
            under.get(thread_id, ()),
            _later(connection, brand, team, [it for it in gone if it.thread_id == thread_id]),
        )
        found[thread_id] = cover_up.find(held[thread_id], around, now)
        if again := cover_up.look_again_at(held[thread_id], found[thread_id], around, now):
            again_at[thread_id] = again
    return Missing(found, suspected, again_at)


def _later(connection: Connection, brand: str, team: Team, gone: Sequence[StoredComment]) -> list[StoredComment]:
    """Posts of ours since the posts of ours that are gone."""
    return [
        post
        for it in gone
        if it.comment.kind == "post" and team.owns(it.platform, it.comment)
        for post in store.load_posts(connection, brand, it.source_id, it.comment.created_at, _MOST_POSTS)
        if team.owns(post.platform, post.comment)
    ]
