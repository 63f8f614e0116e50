"""Where comments are quoted beside their own rows: reasons of flags, notices, names of groups of alerts."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import Connection, delete, exists, select, update

from monitor.core.storage import NOT_KEPT, unquoted
from monitor.model import Notice, Reason, StoredComment, ThreadBrief, parse_id_prefix
from monitor.store import hot, schema
from monitor.store.due import by_brand
from monitor.store.instants import to_us

_A, _F, _N, _Q = schema.alerts, schema.flags, schema.notices, schema.quotes
_BY_AUTHOR = "@author:"
_notices: TypeAdapter[Notice] = TypeAdapter(Notice)
_reasons: TypeAdapter[tuple[Reason, ...]] = TypeAdapter(tuple[Reason, ...])


@dataclass(frozen=True, slots=True)
class Change:
    """A comment before and after something of it went, and when the next part of it must go."""

    before: StoredComment
    after: StoredComment
    forget_at: datetime | None

    @property
    def text_goes(self) -> bool:
        return self.before.has_text and not self.after.has_text

    @property
    def author_goes(self) -> bool:
        return self.before.has_author and not self.after.has_author


def clear(connection: Connection, brand: str, changes: Sequence[Change]) -> None:
    """Take what is gone of these comments of one brand out of flags, notices and alerts."""
    # A flag about a post rests on comments that hang under it, in threads of their own.
    threads = sorted({i for c in changes for i in (c.after.thread_id, c.after.subject_id) if i is not None})
    ids, renamed = {c.after.id for c in changes}, _renamed(changes)
    said_at = {c.after.comment.created_at for c in changes}
    alert_ids = _clear_flags(connection, brand, threads, ids, renamed)

    def is_about(brief: ThreadBrief) -> bool:
        is_there = parse_id_prefix(brief.thread_id)[0] in threads
        return is_there and (brief.created_at in said_at or any(reason.comment_id in ids for reason in brief.reasons))

    found = hot.select_by_ids(connection, "notice_id", "quotes", brand, threads, key="thread_id")
    alert_ids |= _clear_notices(connection, brand, {row[0] for row in found}, is_about)
    if renamed:
        _rename_alerts(connection, brand, alert_ids, renamed)


def _renamed(changes: Iterable[Change]) -> dict[str, str]:
    """What the groups of alerts "by author" end in, and what they are to end in."""
    return {_group(c.before): _group(c.after) for c in changes if c.author_goes and _group(c.before) != _group(c.after)}


def _group(stored: StoredComment) -> str:
    return f"{_BY_AUTHOR}{stored.platform}:{stored.comment.author.key}"


def _in_other_words(group_key: str, renamed: Mapping[str, str]) -> str:
    rule, at, author = group_key.partition(_BY_AUTHOR)
    return rule + renamed.get(at + author, at + author)


def _clear_flags(
    connection: Connection, brand: str, threads: Sequence[int], ids: set[int], renamed: Mapping[str, str]
) -> set[int]:
    """Clear the reasons that are about these comments; the alerts that the threads' flags are in."""
    columns = "thread_id, rule, group_key, reasons, alert_id"
    alert_ids: set[int] = set()
    for thread_id, rule, group_key, told, alert_id in hot.select_by_ids(
        connection, columns, "flags", brand, threads, key="thread_id"
    ):
        reasons = _reasons.validate_json(told)
        cleared = tuple(unquoted(reason) if reason.comment_id in ids else reason for reason in reasons)
        values = {
            "reasons": _reasons.dump_json(cleared).decode(),
            "group_key": _in_other_words(group_key, renamed),
        }
        one = (_F.c.brand == brand, _F.c.thread_id == thread_id, _F.c.rule == rule)
        connection.execute(update(_F).where(*one).values(**values))
        if alert_id is not None:
            alert_ids.add(alert_id)
    return alert_ids


def _clear_notices(
    connection: Connection, brand: str, notice_ids: Iterable[int], is_about: Callable[[ThreadBrief], bool]
) -> set[int]:
    """Clear what these notices quote of some threads; the alerts that they tell of."""
    alert_ids: set[int] = set()
    rows = hot.select_by_ids(connection, "id, alert_id, payload", "notices", brand, sorted(notice_ids))
    for notice_id, alert_id, payload in rows:
        alert_ids.add(alert_id)
        notice = _notices.validate_json(payload)
        gone = {brief.thread_id for brief in notice.threads if is_about(brief)}
        if gone:
            told = tuple(_without_quotes(it) if it.thread_id in gone else it for it in notice.threads)
            text = _notices.dump_json(replace(notice, threads=told)).decode()
            connection.execute(update(_N).where(_N.c.brand == brand, _N.c.id == notice_id).values(payload=text))
            threads = [parse_id_prefix(thread_id)[0] for thread_id in gone]
            cleared = (_Q.c.brand == brand, _Q.c.notice_id == notice_id, _Q.c.thread_id.in_(threads))
            connection.execute(delete(_Q).where(*cleared))
    return alert_ids


def _without_quotes(brief: ThreadBrief) -> ThreadBrief:
    reasons = tuple(map(unquoted, brief.reasons))
    return replace(brief, author_name="", excerpt=NOT_KEPT, subject_title="", reasons=reasons)


def _rename_alerts(connection: Connection, brand: str, alert_ids: Iterable[int], renamed: Mapping[str, str]) -> None:
    for alert_id, was in hot.select_by_ids(connection, "id, group_key", "alerts", brand, sorted(alert_ids)):
        is_now = _in_other_words(was, renamed)
        if is_now == was:
            continue
        other = _A.alias()
        taken = exists().where(
            other.c.brand == brand, other.c.group_key == is_now, other.c.resolved_at.is_(None), other.c.id != alert_id
        )
        one = (_A.c.brand == brand, _A.c.id == alert_id)
        done = connection.execute(update(_A).where(*one, ~taken).values(group_key=is_now)).rowcount
        if not done:  # two names of one person: the flags say which of the alerts goes on
            connection.execute(update(_A).where(*one).values(group_key=f"{is_now}#{alert_id}"))


def clear_old(connection: Connection, source_id: str, before: datetime, limit: int) -> int:
    """Clear what notices quote of a source since before an instant, up to `limit`; how many of them there were.

    A copy is not renewed with its comment.
    """
    chosen = (
        select(_Q.c.brand, _Q.c.notice_id)
        .where(_Q.c.source_id == source_id, _Q.c.created_at < to_us(before))
        .order_by(_Q.c.created_at)
        .limit(limit)
    )
    keys = [(row[0], row[1]) for row in connection.execute(chosen)]
    for brand, notice_ids in by_brand(keys).items():
        _clear_notices(connection, brand, set(notice_ids), lambda brief: brief.source_id == source_id)
    return len(keys)
