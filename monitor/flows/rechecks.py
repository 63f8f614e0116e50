"""Which of the comments that we hold are looked at again, and how soon, for edits, deletions and late replies.

A thread is looked at after a tenth of the time that it has been silent, at most once a day, and once a week when that
is more than 60 days; for as long as we keep its texts, since a platform may want what is deleted there to be deleted
here. Looks of one account are spread evenly over its budget, of which polls need the most.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import random, sample
from typing import Any

from sqlalchemy import Connection

from monitor.core.quota import usable, window
from monitor.model import Budget, Source, StoredComment
from monitor.store import comments as store
from monitor.store import rechecks, sources, spendings, threads

SHARE = 0.3  # of an account's budget, for looks
POLLS_ALONE = 0.8  # of it: once so much is spent, what is left of the window is for polls
UNMETERED = timedelta(seconds=2)  # for each request, where nobody knows what may be asked
FASTEST = timedelta(minutes=5)
SLOWEST = timedelta(days=1)
SELDOM = timedelta(days=7)
FRESH_FOR = timedelta(days=60)
_EARLY = 0.2  # of its interval: a thread that is due so soon fills up a batch
_LONGEST_REST = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Choice:
    """What to ask the platform about, and when the threads that were thought of are next looked at (None: no more)."""

    known: Sequence[Any] = ()
    checked: Sequence[tuple[str, int, datetime | None]] = field(default_factory=tuple)


def interval(silent_for: timedelta) -> timedelta:
    """How long until a thread that has been silent for so long is looked at again."""
    if silent_for > FRESH_FOR:
        return SELDOM
    return min(max(silent_for / 10, FASTEST), SLOWEST)


def choose(
    connection: Connection,
    source: Source,
    batch: int,
    known_of: Callable[[str, str | None, str | None], Any],
    now: datetime,
) -> Choice:
    """As many comments as one request takes: those of threads that are due, filled up with those that soon will be."""
    candidates = rechecks.known_to_check(connection, source.id, now + SELDOM * _EARLY, batch)
    held = store.load_threads(connection, source.brand, [thread_id for _, thread_id, _ in candidates])
    chosen: list[StoredComment] = []
    checked: list[tuple[str, int, datetime | None]] = []
    for brand, thread_id, check_at in candidates:
        present = [one for one in held[thread_id] if one.deleted_at is None]
        if not present or _is_over(present, now):
            checked.append((brand, thread_id, None))
        elif (wait := _wait(present, check_at, now)) is not None:
            if wait:
                checked.append((brand, thread_id, now + wait))
        elif chosen and len(chosen) + len(present) > batch:
            break
        else:
            chosen += present if len(present) <= batch else sample(present, batch)
            checked.append((brand, thread_id, now + _next(present, batch, now)))
    known = [
        known_of(one.comment.native_id, one.comment.subject_native_id, one.comment.root_native_id) for one in chosen
    ]
    return Choice(known, checked)


def _is_over(present: Sequence[StoredComment], now: datetime) -> bool:
    """Whether a thread is old and none of its texts is kept any more."""
    return now - _last_at(present) > FRESH_FOR and not any(one.has_text for one in present)


def _last_at(present: Sequence[StoredComment]) -> datetime:
    """When a thread was last written in; of what was there before its source its own word is all we know."""
    return max(one.comment.created_at if one.is_history else one.seen_at for one in present)


def _wait(present: Sequence[StoredComment], check_at: datetime, now: datetime) -> timedelta | None:
    """None: look at it now. Otherwise how much later; nothing where its time stays as it is."""
    last_at = _last_at(present)
    if check_at > now:
        return None if check_at - now <= interval(now - last_at) * _EARLY else timedelta(0)
    # What has just been read for the first time is not asked for again only because it is new to us.
    seen_at = max(one.seen_at for one in present)
    length = interval(seen_at - last_at)
    return max(seen_at + length * (0.5 + random() / 2) - now, FASTEST) if seen_at + length > now else None  # noqa: S311


def _next(present: Sequence[StoredComment], batch: int, now: datetime) -> timedelta:
    """Of a thread that is larger than a batch a part is asked for each time, and the more often for that."""
    length = interval(now - _last_at(present))
    return max(FASTEST, length * min(1.0, batch / len(present)))


def next_at(
    connection: Connection, source: Source, budget: Budget | None, spent: float, is_look: bool, now: datetime
) -> datetime | None:
    """When a source's next look is due, after a turn that spent so much; None: nothing is to be looked at."""
    if is_look and spent:
        _rest(connection, source, budget, spent, now)
    check_at = rechecks.next_check_at(connection, source.id)
    if check_at is None:
        return None
    rested_at = _rested_at(connection, source)
    if rested_at is not None:
        check_at = max(check_at, rested_at)
    if budget is not None:
        start, end = window(budget, now)
        if spendings.of_account(connection, source.account, start) + spent >= usable(budget) * POLLS_ALONE:
            check_at = max(check_at, end)
    return check_at


def _rest(connection: Connection, source: Source, budget: Budget | None, spent: float, now: datetime) -> None:
    """Remember until when this source asks for no further look."""
    length = UNMETERED * spent
    if budget is not None:
        n_sources = sources.count_of_account(connection, source.account)
        length = budget.per * (spent * n_sources / (usable(budget) * SHARE))
    threads.remember(connection, _name(source), (now + min(length, _LONGEST_REST)).isoformat())


def _rested_at(connection: Connection, source: Source) -> datetime | None:
    remembered = threads.remembered(connection, _name(source))
    return datetime.fromisoformat(remembered) if remembered else None


def _name(source: Source) -> str:
    return f"look:{source.id}"
