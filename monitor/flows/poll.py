"""Polling: one page of one source, or another look at some of the comments that we hold of it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import random, uniform
from time import sleep
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from monitor import log, signals
from monitor.core.backoff import next_try
from monitor.core.text import storable
from monitor.errors import Gone, Malformed, RateLimited, RemoteError, Unauthorized
from monitor.flows import operator, rechecks
from monitor.flows.memory import Memory
from monitor.flows.named import NOTHING, Look, look
from monitor.flows.plan import Plan, Reader
from monitor.flows.spending import Ledger
from monitor.model import Comment, Signals, Source, StorageRules
from monitor.store import comments as store
from monitor.store import credentials, quarantine, sources, spendings
from monitor.store.due import Claim
from monitor.store.engine import is_conflict, reading, writing
from monitor.store.rechecks import set_check_at

_log = log.get()

MOST_COMMITS = 5  # of one page that conflicts with what others write; then it is read again after the lease
TELL_AFTER_FAILURES = 5  # of a source in a row, before the operator is told
RATE_LIMIT_WAIT = timedelta(minutes=1)  # where the platform does not say how long
HOLD_BASE = timedelta(minutes=5)  # of an account whose credentials are refused
_PAYLOAD_SHOWN = 200_000
FAR_FUTURE = datetime(9998, 1, 1, tzinfo=UTC)  # what was there before it is history, and everything was


@dataclass(frozen=True, slots=True)
class Haul:
    """What one poll brought: read comments with their signals, and what could not be read."""

    comments: Sequence[Comment] = ()
    signals: Sequence[Signals] = ()
    marks: Sequence[tuple[int, str]] = ()
    unread: Sequence[tuple[str, str]] = ()  # (error, payload)
    n_same: int = 0
    gone: Sequence[str] = ()
    n_raws: int = 0
    signals_version: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a poll did to its source: where it goes on, and which threads were looked at again."""

    haul: Haul
    cursor: Any
    next_poll_at: datetime
    is_complete: bool
    own_author_ids: frozenset[str] = frozenset()
    note: str = ""
    spent: float = 1.0
    named: Look = NOTHING
    checked: Sequence[tuple[str, int, datetime | None]] = field(default_factory=tuple)
    is_look: bool = False


@dataclass(frozen=True, slots=True)
class Poller:
    """Polls claimed sources; threads may share one."""

    engine: Engine
    plan: Callable[[], Plan]
    memory: Memory
    now: Callable[[], datetime]
    wake: Callable[[str], None]

    @property
    def _ledger(self) -> Ledger:
        return Ledger(self.plan().budgets)

    def poll(self, claimed: Claim) -> None:
        """Work one claimed source: fetch, read, measure, store, and say when it is due again.

        Raises: ClaimLost: the lease ended meanwhile; nothing was stored and the source is due again.
        """
        with reading(self.engine) as connection:
            source = sources.load(connection, claimed.id)
        started_at = self.now()
        try:
            reader = self.plan().reader(source.id)
            if source.next_poll_at <= started_at or not reader.abilities.recheck_batch:
                turn = self._read_page(reader, source, started_at)
            else:
                turn = self._look_again(reader, source, started_at)
        except RemoteError as error:
            self._failed(claimed, source, error)
            return
        except Exception as error:
            # A connector of the user's own may raise anything; its source slows down and the others go on.
            _log.exception("source.crashed", source=source.id)
            self._failed(claimed, source, RemoteError(f"{type(error).__name__} in the connector; see the log"))
            return
        for n_left in reversed(range(MOST_COMMITS)):
            try:
                self._commit(claimed, source, reader, turn, started_at)
                return
            except DBAPIError as error:
                if not n_left or not is_conflict(error):
                    raise
            # Who won goes on and has yet to end: who begins at once may take its row again, and lose again.
            sleep(uniform(0.05, 0.2))  # noqa: S311

    def _read_page(self, reader: Reader, source: Source, now: datetime) -> Turn:
        page = reader.fetch_page(source.cursor, now)
        if page.more and page.cursor == source.cursor:
            raise Malformed(f"{source.id}: the same cursor again, with more to come: a loop")
        named = look(self.engine, reader, source.id, self.plan().known)
        raws = [*page.raws, *named.raws]
        haul = read(reader, source, self.memory, raws, page.gone, self.plan().own_signals)
        every = self.plan().intervals[source.id]
        after = now if page.more else now + every
        if page.poll_after is not None:
            after = max(after, min(page.poll_after, now + timedelta(days=1)))
        spent = page.spent + named.spent
        return Turn(haul, page.cursor, after, not page.more, page.own_author_ids, page.note, spent, named=named)

    def _look_again(self, reader: Reader, source: Source, now: datetime) -> Turn:
        with reading(self.engine) as connection:
            choice = rechecks.choose(connection, source, reader.abilities.recheck_batch, self.plan().known, now)
        found = reader.recheck(choice.known) if choice.known else None
        own = self.plan().own_signals
        haul = read(reader, source, self.memory, found.raws, found.gone, own) if found else Haul()
        spent = found.spent if found else 0.0
        return Turn(haul, source.cursor, source.next_poll_at, False, checked=choice.checked, spent=spent, is_look=True)

    def _commit(self, claimed: Claim, source: Source, reader: Reader, turn: Turn, started_at: datetime) -> None:
        now, haul = self.now(), turn.haul
        with writing(self.engine) as connection:
            rules = self.plan().storage.get(source.id, StorageRules())
            added_at = FAR_FUTURE if reader.abilities.is_history else source.added_at
            incoming = _incoming(source, haul, added_at, rules)
            saved = store.save_page(connection, incoming, haul.gone, now)
            turn.named.settle(connection, source.id)
            n_bad = quarantine.keep(connection, source.brand, source.id, haul.unread, now)
            set_check_at(connection, turn.checked)
            due_at = self._due_at(connection, source, reader, turn, now)
            own = source.own_author_ids | turn.own_author_ids
            outcome = sources.Outcome(
                due_at,
                turn.next_poll_at,
                cursor=turn.cursor,
                own_author_ids=own if own != source.own_author_ids else None,
                is_complete=turn.is_complete,
            )
            sources.release(connection, claimed, outcome, now)
            was_failing = source.n_failures > 0 or source.account_is_held
            ledger = self._ledger
            if was_failing:
                if not ledger.is_spent(connection, source.account, now):
                    sources.free_account(connection, source.account)
                operator.over(connection, source.brand, f"source:{source.id}", now)
                operator.over(connection, source.brand, f"account:{source.account}", now)
            paid = spendings.Turn(turn.spent, turn.is_complete, saved.n_new)
            spent_until = ledger.pay(connection, source, paid, now)
        if spent_until:
            _log.info("account.budget_spent", account=source.account, until=spent_until.isoformat())
        if haul.gone:
            self.memory.forget(source.id)
        self.memory.remember(source.id, haul.marks)
        self.memory.fresh.put(source.brand, saved.fresh)
        if was_failing:
            _log.info("source.recovered", source=source.id)
            self.wake("alerts")
        if turn.note:
            _log.warning("source.noted", source=source.id, says=turn.note)
        if n_bad:
            _log.warning("source.quarantined", source=source.id, n=n_bad, of=haul.n_raws)
        if saved.thread_ids:
            self.wake("threads")
        _log.info(
            "source.polled",
            source=source.id,
            new=saved.n_new,
            edited=saved.n_edited,
            unchanged=saved.n_unchanged + haul.n_same,
            gone=saved.n_gone,
            took_ms=round((self.now() - started_at).total_seconds() * 1_000),
        )

    def _due_at(self, connection: Connection, source: Source, reader: Reader, turn: Turn, now: datetime) -> datetime:
        if not reader.abilities.recheck_batch:
            return turn.next_poll_at
        budget = self.plan().budgets.get(source.account)
        look_at = rechecks.next_at(connection, source, budget, turn.spent, turn.is_look, now)
        return turn.next_poll_at if look_at is None else min(turn.next_poll_at, look_at)

    def _failed(self, claimed: Claim, source: Source, error: RemoteError) -> None:
        now = self.now()
        with writing(self.engine) as connection:
            if isinstance(error, RateLimited):
                self._let_account_wait(connection, claimed, source, error, now)
                return
            first = source.n_failures == 0
            n_failures = source.n_failures + 1
            if isinstance(error, Malformed) and error.payload:
                unread = [(str(error), storable(error.payload[:_PAYLOAD_SHOWN]))]
                quarantine.keep(connection, source.brand, source.id, unread, now)
            due_at = self._next_try(connection, source, error, n_failures, now)
            if isinstance(error, Unauthorized):
                credentials.expire(connection, source.account, now)  # it may have been withdrawn: renew it next time
            says = str(error)[:500]
            outcome = sources.Outcome(due_at, due_at or now, error=says, n_failures=n_failures)
            sources.release(connection, claimed, outcome, now)
            if due_at is None:
                sources.close(connection, source.id, says, now)
            told = self._tell(connection, source, error, n_failures, due_at is None, now)
            # An answer that is refused counts for most platforms; where none came nothing was spent.
            spent_until = self._ledger.pay(connection, source, spendings.Turn(1.0), now) if error.status else None
        if spent_until:
            _log.info("account.budget_spent", account=source.account, until=spent_until.isoformat())
        if first:
            _log.warning("source.lost", source=source.id, error=type(error).__name__, says=str(error)[:300])
        if told:
            self.wake("alerts")

    def _let_account_wait(
        self, connection: Connection, claimed: Claim, source: Source, error: RateLimited, now: datetime
    ) -> None:
        until = max(error.retry_at or now + RATE_LIMIT_WAIT, now + timedelta(seconds=1))
        outcome = sources.Outcome(until, max(source.next_poll_at, until), n_failures=source.n_failures)
        sources.release(connection, claimed, outcome, now)
        if sources.hold_account(connection, source.account, until, str(error)[:500]):
            _log.info("account.rate_limited", account=source.account, until=until.isoformat())

    def _next_try(
        self, connection: Connection, source: Source, error: RemoteError, n_failures: int, now: datetime
    ) -> datetime | None:
        """When a failed source is tried again; None: never, it has said itself that it is gone for good."""
        if isinstance(error, Gone) and error.status == 410:
            return None
        if isinstance(error, Unauthorized):
            until = next_try(n_failures, now, base=HOLD_BASE, spread=random() / 4)  # noqa: S311 - spreads load
            sources.hold_account(connection, source.account, until, str(error)[:500])
            return until
        wanted = next_try(n_failures, now, spread=random() / 4)  # noqa: S311
        return max(wanted, error.retry_at) if error.retry_at else wanted

    def _tell(
        self,
        connection: Connection,
        source: Source,
        error: RemoteError,
        n_failures: int,
        is_closed: bool,
        now: datetime,
    ) -> bool:
        if isinstance(error, Unauthorized):
            says = f"{source.platform} refuses the credentials of {source.account}, so nothing is read: {error}"
            return operator.report(connection, source.brand, f"account:{source.account}", says, now)
        if is_closed:
            says = f"{source.id} is gone for good and is no longer read: {error}"
            return operator.report(connection, source.brand, f"source:{source.id}", says, now)
        if n_failures >= TELL_AFTER_FAILURES:
            says = f"{source.id} has failed {n_failures} times in a row and is tried more slowly: {error}"
            return operator.report(connection, source.brand, f"source:{source.id}", says, now)
        return False


def read(
    reader: Reader,
    source: Source,
    memory: Memory,
    raws: Sequence[Any],
    gone: Sequence[str],
    own_signals: signals.Beside,
) -> Haul:
    """Read and measure raw comments; what is unchanged since lately is left out, what is unreadable set aside."""
    comments: list[Comment] = []
    marks: list[tuple[int, str]] = []
    unread: list[tuple[str, str]] = []
    fresh = memory.unknown(source.id, raws)
    for mark, raw in fresh:
        try:
            comment = reader.normalise(raw)
        except ValueError as error:
            unread.append((storable(_short(error)), storable(_payload(raw))))
            continue
        if comment is not None:
            comments.append(comment)
            marks.append((mark, comment.native_id))
    measured = signals.measure(comments, own_signals) if comments else []
    version, n_same = signals.version(own_signals), len(raws) - len(fresh)
    return Haul(comments, measured, marks, unread, n_same, tuple(gone), len(raws), version)


def _short(error: ValueError) -> str:
    return " ".join(str(error).split())[:1_000]


def _payload(raw: Any) -> str:
    try:
        return json.dumps(raw, ensure_ascii=False)
    except (TypeError, ValueError):
        return repr(raw)


def _incoming(source: Source, haul: Haul, added_at: datetime, rules: StorageRules) -> store.Incoming:
    return store.Incoming(
        source.brand,
        source.platform,
        source.id,
        added_at,
        haul.comments,
        haul.signals,
        haul.signals_version,
        rules,
    )
