"""Saving pages of comments, with revisions and tombstones, and reading them back by thread."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from pydantic_core import to_json
from sqlalchemy import Connection, func, insert, select

from monitor.core.storage import Terms, forget_at
from monitor.core.text import storable
from monitor.model import Comment, Remains, Signals, StorageRules, StoredComment, make_id
from monitor.store import hot, schema, storing, threading
from monitor.store.engine import among, mark
from monitor.store.instants import from_us, opt_us, to_us
from monitor.store.rows import (
    COLUMNS,
    content_hash,
    encode_details,
    encode_remains,
    encode_signals,
    place,
    read_comment,
    rounded,
    stars_in,
)
from monitor.store.storing import Admission, has_text

_NO_RULES = StorageRules()
_COLUMN_LIST = ", ".join(COLUMNS)
_STORED = (
    "id, content_hash, text, thread_id, seen_at, text_changed_at, deleted_at, is_history, native_id, source_id,"
    " refreshed_at, remains, details"
)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A page's comments on their way into the store, measured. `signals` are in the order of `comments`.

    What was created before `added_at` (when the source was added) is history and never alerts; an import passes
    the far future. `storage` is what the platform lets us keep.
    """

    brand: str
    platform: str
    source_id: str
    added_at: datetime
    comments: Sequence[Comment]
    signals: Sequence[Signals]
    signals_version: str
    storage: StorageRules = _NO_RULES


@dataclass(frozen=True, slots=True)
class Saved:
    """What saving a page changed. `thread_ids` are now due.

    `fresh` are the page's new comments by thread, as reading them back would give them.
    """

    n_new: int
    n_edited: int
    n_unchanged: int
    n_gone: int
    thread_ids: frozenset[int]
    fresh: Mapping[int, Sequence[StoredComment]]


@dataclass(frozen=True, slots=True)
class _Stored:
    id: int
    content_hash: int
    text: str
    thread_id: int
    seen_at: int
    text_changed_at: int | None
    deleted_at: int | None
    is_history: bool
    native_id: str
    source_id: str
    refreshed_at: int | None
    remains: str
    details: str


def save_page(connection: Connection, incoming: Incoming, gone: Iterable[str], now: datetime) -> Saved:
    """Store what is new or edited, keep what was replaced, mark what is gone, make the touched threads due.

    Safe to repeat and in any order: ids come from the platform's own, so the same page twice changes nothing.
    """
    brand, platform = incoming.brand, incoming.platform
    by_id = {
        make_id(brand, platform, comment.native_id): (comment, signals)
        for comment, signals in zip(incoming.comments, incoming.signals, strict=True)
    }
    stored = {row[0]: _Stored(*row) for row in hot.select_by_ids(connection, _STORED, "comments", brand, by_id)}
    admission = Admission.load(
        connection, incoming.storage, brand, [old.id for old in stored.values() if old.remains], now
    )
    coming = {}
    added_us = to_us(incoming.added_at)
    for comment_id, (comment, signals) in by_id.items():
        details, is_exact = encode_details(comment)
        created_us = to_us(comment.created_at)  # once: a platform's time zone makes it slow
        digest = content_hash(comment, created_us, details)
        old = stored.get(comment_id)
        if old is None or old.content_hash != digest or old.deleted_at is not None or admission.restores(comment_id):
            is_history = created_us < added_us
            coming[comment_id] = _Coming(
                comment_id, comment, details, is_exact, digest, rounded(signals), old, created_us, is_history
            )
            if comment_id in admission.held:
                coming[comment_id].shorten(admission)
    if incoming.storage.renews:
        storing.refresh(connection, incoming.storage, brand, [stored[i] for i in stored if i not in coming], now)
    homes = threading.find_threads(connection, brand, platform, {c.id: c.comment for c in coming.values()})
    for c in coming.values():
        if c.old and homes[c.id] == c.id:
            homes[c.id] = c.old.thread_id  # a platform that forgets a deleted parent does not undo what we know
    _keep_replaced(connection, brand, coming.values(), now)
    hot.upsert_comments(connection, [_row(incoming, c, homes[c.id], to_us(now)) for c in coming.values()])
    touched = {homes[c.id]: c.comment for c in coming.values()}
    left = {c.old.thread_id for c in coming.values() if c.old and c.old.thread_id != homes[c.id]}
    n_gone, gone_threads = _mark_gone(connection, incoming, gone, now)
    _touch(connection, incoming, touched, gone_threads | left, now)
    _wake(connection, brand, {homes[c.id] for c in coming.values() if c.old is None})
    merged = threading.merge_threads(connection, brand, homes, now)
    n_new = sum(c.old is None for c in coming.values())
    thread_ids = frozenset(touched) | gone_threads | left
    fresh = {} if merged else _fresh(incoming, coming.values(), homes, now)
    return Saved(n_new, len(coming) - n_new, len(by_id) - len(coming), n_gone, thread_ids, fresh)


@dataclass(slots=True)
class _Coming:
    id: int
    comment: Comment
    details: str
    is_exact: bool
    digest: int
    signals: Signals
    old: _Stored | None
    created_us: int
    is_history: bool

    text: str = ""
    remains: Remains | None = None

    def __post_init__(self) -> None:
        self.text = storable(self.comment.text)

    def shorten(self, admission: Admission) -> None:
        """Leave out what the platform's rules of storage do not let us take in again; the digest is of the whole."""
        self.comment, self.remains = admission.admit(self.id, self.comment)
        self.details, self.is_exact = encode_details(self.comment)
        self.text = storable(self.comment.text)

    @property
    def has_new_text(self) -> bool:
        old = self.old
        if old is None:
            return False
        if not has_text(old.remains):  # nobody can compare: the platform's word counts
            edited_at = opt_us(self.comment.edited_at)
            return edited_at is not None and edited_at > (old.refreshed_at or old.seen_at)
        return old.text != self.text

    @property
    def has_new_stars(self) -> bool:
        """Whether a review that we hold was given other stars: that is a change of mind, whatever stands below them."""
        now, before = self.comment.stars, stars_in(self.old.details) if self.old and self.comment.stars else None
        return now is not None and before is not None and now != before


def _fresh(
    incoming: Incoming, coming: Iterable[_Coming], homes: Mapping[int, int], now: datetime
) -> dict[int, list[StoredComment]]:
    """The new comments by thread; not of threads with a comment that was there before, or that is stored altered."""
    found: dict[int, list[StoredComment]] = {}
    known: set[int] = set()
    for c in coming:
        home = homes[c.id]
        if c.old is not None or not c.is_exact or c.text != c.comment.text or not c.comment.native_id.isprintable():
            known.add(home)
        else:
            found.setdefault(home, []).append(_held(incoming, c, home, now))
    return {home: held for home, held in found.items() if home not in known}


def _held(incoming: Incoming, c: _Coming, home: int, now: datetime) -> StoredComment:
    brand, platform, comment = incoming.brand, incoming.platform, c.comment
    return StoredComment(
        brand,
        platform,
        incoming.source_id,
        c.id,
        home,
        _other_id(brand, platform, comment.parent_native_id),
        _other_id(brand, platform, comment.subject_native_id),
        comment,
        now,
        is_history=c.is_history,
        signals=c.signals,
        signals_version=incoming.signals_version,
    )


@lru_cache(maxsize=4_096)
def _other_id(brand: str, platform: str, native_id: str | None) -> int | None:
    """The id of a parent or post, of which many comments in a row name the same."""
    return None if native_id is None else make_id(brand, platform, native_id)


def _row(incoming: Incoming, coming: _Coming, thread_id: int, now_us: int) -> tuple[Any, ...]:
    brand, platform, comment, old = incoming.brand, incoming.platform, coming.comment, coming.old
    return (
        brand,
        coming.id,
        old.source_id if old else incoming.source_id,
        platform,
        storable(comment.native_id),
        thread_id,
        _other_id(brand, platform, comment.parent_native_id),
        _other_id(brand, platform, comment.subject_native_id),
        comment.kind,
        coming.text,
        storable(comment.author.key),
        coming.details,
        coming.digest,
        coming.created_us,
        old.seen_at if old else now_us,
        _text_changed_at(coming, now_us),
        None,
        bool(old.is_history) if old else coming.is_history,
        to_json(coming.signals).decode(),
        incoming.signals_version,
        False,
        *_kept_until(incoming.storage, coming, now_us),
    )


def _kept_until(rules: StorageRules, coming: _Coming, now_us: int) -> tuple[int | None, int | None, str]:
    """When it was refreshed, when something of it must go, and what is left of it."""
    if rules == _NO_RULES:
        return None, None, encode_remains(coming.remains)
    seen_at = from_us(coming.old.seen_at if coming.old else now_us)
    ends_at = forget_at(rules, Terms(seen_at, from_us(now_us), None, coming.remains))
    return now_us, opt_us(ends_at), encode_remains(coming.remains)


def _text_changed_at(coming: _Coming, now_us: int) -> int | None:
    if coming.has_new_text or coming.has_new_stars:
        return min(now_us, opt_us(coming.comment.edited_at) or now_us)
    return coming.old.text_changed_at if coming.old else None


def _keep_replaced(connection: Connection, brand: str, coming: Iterable[_Coming], now: datetime) -> None:
    replaced = [
        {"brand": brand, "comment_id": c.id, "replaced_at": to_us(now), "text": c.old.text}
        for c in coming
        if c.old is not None and c.has_new_text and c.old.text
    ]
    if replaced:
        connection.execute(insert(schema.revisions), replaced)


def _mark_gone(connection: Connection, incoming: Incoming, gone: Iterable[str], now: datetime) -> tuple[int, set[int]]:
    brand = incoming.brand
    ids = [make_id(brand, incoming.platform, native_id) for native_id in gone]
    rows = hot.select_by_ids(connection, "id, thread_id, deleted_at", "comments", brand, ids)
    leaving = [row for row in rows if row[2] is None]
    if leaving:
        table = schema.comments
        statement = table.update().where(table.c.brand == brand, table.c.id.in_([row[0] for row in leaving]))
        forgotten = {"forget_at": to_us(now)} if incoming.storage.forgets_deleted else {}
        connection.execute(statement.values(deleted_at=to_us(now), **forgotten))
    return len(leaving), {row[1] for row in leaving}


def _touch(
    connection: Connection, incoming: Incoming, touched: Mapping[int, Comment], others: Iterable[int], now: datetime
) -> None:
    """Make the threads of these comments due."""
    brand, platform, source_id = incoming.brand, incoming.platform, incoming.source_id
    rows: dict[int, tuple[Any, ...]] = {other: (brand, other, source_id, platform, None, "") for other in others}
    for thread_id, comment in touched.items():
        subject_id = _other_id(brand, platform, comment.subject_native_id)
        rows[thread_id] = (brand, thread_id, source_id, platform, subject_id, storable(comment.subject_title))
    hot.touch_threads(connection, list(rows.values()), to_us(now))


def _wake(connection: Connection, brand: str, thread_ids: Iterable[int]) -> None:
    """A new comment ends a snooze: whoever snoozed the thread did not know of it."""
    condition, parameter = among(connection, list(thread_ids))
    where = f"brand = {mark(connection)} AND id {condition} AND snoozed_until IS NOT NULL"
    connection.exec_driver_sql(f"UPDATE threads SET snoozed_until = NULL WHERE {where}", (brand, parameter))  # noqa: S608


def load_threads(connection: Connection, brand: str, thread_ids: Iterable[int]) -> dict[int, list[StoredComment]]:
    """All comments of these threads, deleted ones too; a thread that holds none is an empty list."""
    ids = list(thread_ids)
    found: dict[int, list[StoredComment]] = {thread_id: [] for thread_id in ids}
    for row in hot.select_by_ids(connection, _COLUMN_LIST, "comments", brand, ids, key="thread_id"):
        found[row[place("thread_id")]].append(read_comment(row))
    return found


def load_under_posts(
    connection: Connection, brand: str, subject_ids: Iterable[int], since: datetime
) -> dict[int, list[StoredComment]]:
    """The stirring comments made under these posts since an instant."""
    found: dict[int, list[StoredComment]] = {}
    condition, parameter = among(connection, list(subject_ids))
    one = mark(connection)
    statement = (
        f"SELECT {_COLUMN_LIST} FROM comments"  # noqa: S608
        f" WHERE brand = {one} AND subject_id {condition} AND created_at >= {one} AND stirs"
    )
    for row in connection.exec_driver_sql(statement, (brand, parameter, to_us(since))):
        found.setdefault(row[place("subject_id")], []).append(read_comment(row))
    return found


def load_posts(connection: Connection, brand: str, source_id: str, since: datetime, most: int) -> list[StoredComment]:
    """The latest posts of a source since an instant, whoever wrote them, that are not deleted; newest first."""
    one = mark(connection)
    statement = (
        f"SELECT {_COLUMN_LIST} FROM comments WHERE brand = {one} AND source_id = {one} AND created_at >= {one}"  # noqa: S608
        f" AND kind = 'post' AND deleted_at IS NULL ORDER BY created_at DESC LIMIT {one}"
    )
    found = connection.exec_driver_sql(statement, (brand, source_id, to_us(since), most))
    return [read_comment(row) for row in found]


def update_stirs(connection: Connection, changed: Sequence[StoredComment], now: datetime) -> None:
    """Note which comments have begun or ceased to stir (`stirs` as it was), and make their posts' threads due."""
    if not changed:
        return
    one = mark(connection)
    statement = f"UPDATE comments SET stirs = {one} WHERE brand = {one} AND id = {one}"  # noqa: S608
    connection.exec_driver_sql(statement, [(not c.stirs, c.brand, c.id) for c in changed])
    posts = {
        (c.brand, c.subject_id): (c.source_id, c.platform, None, storable(c.comment.subject_title))
        for c in changed
        if c.subject_id is not None
    }
    hot.touch_threads(connection, [key + rest for key, rest in posts.items()], to_us(now))


def load_comments(connection: Connection, brand: str, ids: Iterable[int]) -> dict[int, StoredComment]:
    """These comments by id, as far as we have them."""
    rows = hot.select_by_ids(connection, _COLUMN_LIST, "comments", brand, ids)
    return {row[place("id")]: read_comment(row) for row in rows}


def update_signals(connection: Connection, comments: Sequence[StoredComment]) -> None:
    """Store what was measured again (a newer version of the signals)."""
    one = mark(connection)
    statement = f"UPDATE comments SET signals = {one}, signals_version = {one} WHERE brand = {one} AND id = {one}"  # noqa: S608
    rows = [(encode_signals(c.signals), c.signals_version, c.brand, c.id) for c in comments]
    if rows:
        connection.exec_driver_sql(statement, rows)


def revisions_of(connection: Connection, brand: str, comment_ids: Iterable[int]) -> dict[int, list[tuple[int, str]]]:
    """The replaced texts of these comments, oldest first, each with when it was replaced (microseconds UTC)."""
    found: dict[int, list[tuple[int, str]]] = {}
    rows = hot.select_by_ids(
        connection, "comment_id, replaced_at, text", "revisions", brand, comment_ids, key="comment_id"
    )
    for comment_id, replaced_at, text in sorted(rows):
        found.setdefault(comment_id, []).append((replaced_at, text))
    return found


def n_standing(connection: Connection, brand: str, author_keys: Iterable[str]) -> dict[str, int]:
    """How many comments of these authors we hold that are not deleted."""
    table = schema.comments
    statement = (
        select(table.c.author_key, func.count())
        .where(table.c.brand == brand, table.c.author_key.in_(sorted(author_keys)), table.c.deleted_at.is_(None))
        .group_by(table.c.author_key)
    )
    return {row[0]: row[1] for row in connection.execute(statement)}


def count_by_authors(connection: Connection, brand: str, author_keys: Sequence[str]) -> dict[str, int]:
    """How many comments of these authors we hold."""
    table = schema.comments
    statement = (
        select(table.c.author_key, func.count())
        .where(table.c.brand == brand, table.c.author_key.in_(author_keys))
        .group_by(table.c.author_key)
    )
    return {row[0]: row[1] for row in connection.execute(statement)}
