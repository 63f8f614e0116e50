"""Taking out of the comments' rows what the platforms' rules of storage do not let us keep."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, exists, select, update

from monitor.core.storage import Terms, forget_at
from monitor.model import StorageRules, StoredComment
from monitor.store import due, quotes, schema
from monitor.store.engine import is_postgres, mark
from monitor.store.instants import from_us, opt_at, opt_us, to_us
from monitor.store.quotes import Change
from monitor.store.rows import COLUMNS, encode_details, encode_remains, place, read_comment, read_remains

_C, _T = schema.comments, schema.threads


@dataclass(frozen=True, slots=True)
class Ended:
    """A comment of which something may have to go."""

    stored: StoredComment
    refreshed_at: datetime | None


def ended(connection: Connection, now: datetime, limit: int) -> list[Ended]:
    """Comments of which something must go by now, locked until the transaction ends; the longest overdue first."""
    one = mark(connection)
    statement = f"SELECT {', '.join(COLUMNS)} FROM comments WHERE forget_at <= {one} ORDER BY forget_at LIMIT {one}"  # noqa: S608
    if is_postgres(connection):
        statement += " FOR UPDATE SKIP LOCKED"
    rows = connection.exec_driver_sql(statement, (to_us(now), limit)).fetchall()
    return [Ended(read_comment(row), opt_at(row[place("refreshed_at")])) for row in rows]


def save(connection: Connection, changes: Sequence[Change], now: datetime) -> None:
    """Write the comments as they are now, and take what is gone out of everything that quotes it."""
    one = mark(connection)
    statement = (
        f"UPDATE comments SET text = {one}, author_key = {one}, details = {one}, remains = {one}, forget_at = {one}"  # noqa: S608
        f" WHERE brand = {one} AND id = {one}"
    )
    rows = [
        (
            change.after.comment.text,
            change.after.comment.author.key,
            encode_details(change.after.comment)[0],
            encode_remains(change.after.remains),
            opt_us(change.forget_at),
            change.after.brand,
            change.after.id,
        )
        for change in changes
    ]
    if rows:
        connection.exec_driver_sql(statement, sorted(rows, key=lambda row: row[-2:]))
    going = [change for change in changes if change.text_goes or change.author_goes]
    for brand in {change.after.brand for change in going}:
        of_brand = [change for change in going if change.after.brand == brand]
        _forget_replaced(connection, brand, [change.after.id for change in of_brand if change.text_goes])
        _clear_threads(connection, brand, of_brand)
        quotes.clear(connection, brand, of_brand)
    due.mark_due(connection, "threads", {(c.after.brand, c.after.thread_id) for c in going}, now)


def _forget_replaced(connection: Connection, brand: str, ids: Sequence[int]) -> None:
    table = schema.revisions
    connection.execute(delete(table).where(table.c.brand == brand, table.c.comment_id.in_(ids)))


def _clear_threads(connection: Connection, brand: str, changes: Sequence[Change]) -> None:
    """The next assessment shows another comment in the list, if there is one; the title may be what a comment told."""
    ids = sorted({change.after.thread_id for change in changes})
    ours = (_T.c.brand == brand, _T.c.id.in_(ids))
    connection.execute(update(_T).where(*ours).values(excerpt="", author_name=""))
    told = exists().where(_C.c.brand == _T.c.brand, _C.c.thread_id == _T.c.id, _C.c.remains == "")
    connection.execute(update(_T).where(*ours, ~told).values(title=""))


def settle(connection: Connection, brand: str, after: int, rules: Mapping[str, StorageRules], limit: int) -> int | None:
    """Note when something must go of a brand's next comments by id; the id to go on after, None at the end.

    `rules` are those of the sources that have any: comments of other sources are left as they are.
    """
    one = mark(connection)
    columns = "id, source_id, seen_at, refreshed_at, deleted_at, remains, forget_at"
    statement = f"SELECT {columns} FROM comments WHERE brand = {one} AND id > {one} ORDER BY id LIMIT {one}"  # noqa: S608
    rows = connection.exec_driver_sql(statement, (brand, after, limit)).fetchall()
    changed = []
    for comment_id, source_id, seen_at, refreshed_at, deleted_at, remains, was in rows:
        if source_id in rules:
            terms = Terms(from_us(seen_at), opt_at(refreshed_at), opt_at(deleted_at), read_remains(remains))
            at = opt_us(forget_at(rules[source_id], terms))
            if at != was:
                changed.append((at, brand, comment_id))
    if changed:
        update_one = f"UPDATE comments SET forget_at = {one} WHERE brand = {one} AND id = {one}"  # noqa: S608
        connection.exec_driver_sql(update_one, changed)
    return rows[-1][0] if len(rows) == limit else None


def old_revisions(
    connection: Connection, brand: str, source_id: str, after: tuple[int, int], before: datetime, limit: int
) -> tuple[int, tuple[int, int]]:
    """Delete texts of a source that were replaced before an instant, a batch at a time from a place (instant, id) on.

    How many went, and the place to go on from.
    """
    one = mark(connection)
    statement = (
        "SELECT r.replaced_at, r.comment_id, c.source_id FROM revisions r"  # noqa: S608
        " LEFT JOIN comments c ON c.brand = r.brand AND c.id = r.comment_id"
        f" WHERE r.brand = {one} AND (r.replaced_at, r.comment_id) > ({one}, {one}) AND r.replaced_at < {one}"
        f" ORDER BY r.replaced_at, r.comment_id LIMIT {one}"
    )
    rows = connection.exec_driver_sql(statement, (brand, *after, to_us(before), limit)).fetchall()
    going = [(brand, row[1], row[0]) for row in rows if row[2] == source_id]
    if going:
        where = f"brand = {one} AND comment_id = {one} AND replaced_at = {one}"
        connection.exec_driver_sql(f"DELETE FROM revisions WHERE {where}", going)  # noqa: S608
    return len(going), (rows[-1][0], rows[-1][1]) if rows else after


def brands_of(connection: Connection, source_ids: Collection[str]) -> dict[str, list[str]]:
    """These sources by brand."""
    table, found = schema.sources, dict[str, list[str]]()
    for row in connection.execute(select(table.c.brand, table.c.id).order_by(table.c.id)):
        if row.id in source_ids:
            found.setdefault(row.brand, []).append(row.id)
    return found
