"""Threads and the backlog in the few lines that a chat has room for; private messages are not quoted there."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from monitor.channels.render import link
from monitor.core.phrasing import local_time, waiting
from monitor.core.storage import shown_text
from monitor.core.text import excerpt
from monitor.model import StoredComment, show_id
from monitor.store import backlog as store_backlog
from monitor.store import comments as store

LINES = 10  # of a backlog or a thread
PRIVATE = "(private message; read it there)"
_EXCERPT, _NAME = 160, 40


def thread(connection: Connection, brand: str, thread_id: int, zone: str) -> list[str]:
    """A thread: where it is, and the newest that was said in it."""
    comments = store.load_threads(connection, brand, [thread_id])[thread_id]
    ordered = sorted(comments, key=lambda it: (it.comment.created_at, it.id))
    address = next((found for it in ordered if (found := link(it.comment.permalink))), "")
    lines = [f"Thread {show_id(thread_id)} {address}".rstrip()]
    if len(ordered) > LINES:
        lines.append(f"({len(ordered) - LINES} earlier)")
    return lines + [_comment(it, zone) for it in ordered[-LINES:]]


def _comment(it: StoredComment, zone: str) -> str:
    said = PRIVATE if it.comment.is_private else excerpt(shown_text(it), _EXCERPT)
    gone = " (deleted)" if it.deleted_at else ""
    return f"{local_time(it.comment.created_at, zone)} · {excerpt(it.comment.author.name, _NAME)}{gone}: {said}"


def backlog(connection: Connection, brands: Sequence[str], now: datetime) -> list[str]:
    """Who waits for an answer, most urgent first."""
    found = store_backlog.page(connection, store_backlog.Filters(brands=tuple(brands)), now, LINES + 1)
    if not found:
        return ["Nobody is waiting for an answer."]
    shown = [
        f"{line.shown_id[:8]} · {line.severity or 'no flag'} · waiting {waiting(now - line.awaiting_since)} · "
        f"{excerpt(line.author_name, _NAME)} on {line.platform}"
        for line in found[:LINES]
    ]
    more = ["and more: heedful backlog"] if len(found) > LINES else []
    return ["Who waits, most urgent first:", *shown, *more]
