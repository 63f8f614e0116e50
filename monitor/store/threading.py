"""Which thread a comment belongs to, whatever the order in which comments arrive.

A thread's id is the id of its root comment. Where the platform does not tell the root, it is found by following
parents as far as we hold them; a parent that we have not seen yet stands in as the root, and when it arrives
with a parent of its own, its thread is merged into the one further up. So any order gives the same threads.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from monitor.model import Comment, make_id
from monitor.store import hot, schema
from monitor.store.due import mark_due
from monitor.store.instants import to_us


def find_threads(connection: Connection, brand: str, platform: str, comments: Mapping[int, Comment]) -> dict[int, int]:
    """The thread id of each of these comments (by comment id)."""

    def named(native_id: str) -> int:
        return make_id(brand, platform, native_id)

    up: dict[int, int] = {}  # one step towards the root
    for comment_id, comment in comments.items():
        if comment.kind == "post":
            continue  # a post is not part of a conversation: it is what conversations hang under
        if comment.root_native_id is not None:
            up[comment_id] = named(comment.root_native_id)
        elif comment.parent_native_id is not None:
            up[comment_id] = named(comment.parent_native_id)
    explicit = {i for i, c in comments.items() if c.root_native_id is not None}
    outside = {above for below, above in up.items() if below not in explicit and above not in comments}
    stored = {row[0]: row[1] for row in hot.select_by_ids(connection, "id, thread_id", "comments", brand, outside)}
    return {comment_id: _root(comment_id, up, explicit, stored) for comment_id in comments}


def _root(comment_id: int, up: Mapping[int, int], explicit: Iterable[int], stored: Mapping[int, int]) -> int:
    seen = set()
    here = comment_id
    while here in up and here not in seen:
        if here in explicit:
            return up[here]
        seen.add(here)
        here = up[here]
    if here in seen:
        return min(seen)  # a loop of parents: any member will do, if it is always the same one
    return stored.get(here, here)


def merge_threads(connection: Connection, brand: str, homes: Mapping[int, int], now: datetime) -> bool:
    """Move what was stored in a thread whose supposed root has turned out to hang elsewhere; whether there was one.

    What people did about the old thread goes along. The threads that receive something must exist already.
    """
    strays = [comment_id for comment_id, home in homes.items() if home != comment_id]
    found = hot.select_by_ids(connection, "id", "threads", brand, strays)
    for (old,) in found:
        new = homes[old]
        while homes.get(new, new) != new:  # the thread it moves to may itself be on the move
            new = homes[new]
        _move(connection, brand, old, new, now)
    return bool(found)


def _move(connection: Connection, brand: str, old: int, new: int, now: datetime) -> None:
    comments, threads, flags, acts = schema.comments, schema.threads, schema.flags, schema.acts
    connection.execute(
        update(comments).where(comments.c.brand == brand, comments.c.thread_id == old).values(thread_id=new)
    )
    for said in (acts, schema.corrections):
        connection.execute(update(said).where(said.c.brand == brand, said.c.thread_id == old).values(thread_id=new))
    alerts_left = connection.execute(
        update(flags)
        .where(flags.c.brand == brand, flags.c.thread_id == old, flags.c.cleared_at.is_(None))
        .values(cleared_at=to_us(now))
        .returning(flags.c.alert_id)
    ).scalars()
    mark_due(connection, "alerts", [(brand, alert_id) for alert_id in alerts_left if alert_id is not None], now)
    person = (threads.c.assignee, threads.c.closed_at, threads.c.closed_by, threads.c.snoozed_until)
    acted = connection.execute(select(*person).where(threads.c.brand == brand, threads.c.id == old)).first()
    if acted is not None and any(acted):
        kept = {column.name: value for column, value in zip(person, acted, strict=True) if value}
        connection.execute(update(threads).where(threads.c.brand == brand, threads.c.id == new).values(**kept))
    connection.execute(delete(threads).where(threads.c.brand == brand, threads.c.id == old))
