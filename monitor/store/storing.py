"""Comments that come again, under rules of storage: what may be taken in of those we hold no more of, and how long
those that are unchanged may stay.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from monitor.core.storage import Terms, admitted, ends, forget_at
from monitor.model import Comment, Remains, StorageRules, StoredComment
from monitor.store import hot
from monitor.store.engine import mark
from monitor.store.instants import from_us, opt_us, to_us
from monitor.store.rows import COLUMNS, place, read_comment, read_remains

_RENEWED_WITHIN = 10  # a renewal is written once it gains a tenth of the time: most reads change nothing


def has_text(remains: str) -> bool:
    """Whether the text is there of a row with these `remains`."""
    read = read_remains(remains)
    return read is None or read.has_text


@dataclass(frozen=True, slots=True)
class Admission:
    """The comments on a page of which we hold no more than remains."""

    rules: StorageRules
    now: datetime
    held: Mapping[int, StoredComment] = field(default_factory=dict)

    @classmethod
    def load(
        cls, connection: Connection, rules: StorageRules, brand: str, ids: Sequence[int], now: datetime
    ) -> "Admission":
        rows = hot.select_by_ids(connection, ", ".join(COLUMNS), "comments", brand, ids)
        return cls(rules, now, {row[place("id")]: read_comment(row) for row in rows})

    def restores(self, comment_id: int) -> bool:
        """Whether something that had to go may be kept again."""
        held = self.held.get(comment_id)
        if held is None:
            return False
        text_at, author_at = ends(self.rules, Terms(held.seen_at, self.now))
        text_returns = not held.has_text and (text_at is None or text_at > self.now)
        return text_returns or (not held.has_author and (author_at is None or author_at > self.now))

    def admit(self, comment_id: int, comment: Comment) -> tuple[Comment, Remains | None]:
        """What may be stored of it, and what is missing then."""
        return admitted(comment, self.held[comment_id], self.rules, self.now)


class _Known(Protocol):
    """An unchanged comment's row, in part."""

    @property
    def id(self) -> int: ...
    @property
    def seen_at(self) -> int: ...
    @property
    def refreshed_at(self) -> int | None: ...
    @property
    def remains(self) -> str: ...


def refresh(connection: Connection, rules: StorageRules, brand: str, known: Sequence[_Known], now: datetime) -> None:
    """The platform has shown these again, unchanged: they may stay longer."""
    shortest = rules.shortest
    if shortest is None:
        return
    stale_at = to_us(now - shortest / _RENEWED_WITHIN)
    one = mark(connection)
    rows = []
    for row in known:
        if (row.refreshed_at or row.seen_at) <= stale_at:
            terms = Terms(from_us(row.seen_at), now, None, read_remains(row.remains))
            rows.append((to_us(now), opt_us(forget_at(rules, terms)), brand, row.id))
    if rows:
        statement = f"UPDATE comments SET refreshed_at = {one}, forget_at = {one} WHERE brand = {one} AND id = {one}"  # noqa: S608
        connection.exec_driver_sql(statement, sorted(rows, key=lambda row: row[3]))
