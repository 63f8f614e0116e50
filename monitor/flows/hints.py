"""Hints: they are gathered for a moment, and then make the sources that they are about due, each at most once."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from sqlalchemy import Engine

from monitor import log
from monitor.core.hints import (
    Allowance,
    Hint,
    Named,
    Push,
    allowance,
    concerns,
    has_settled,
    is_allowed,
    is_welcome,
    spend,
)
from monitor.flows.plan import Plan
from monitor.store import hints as store
from monitor.store import sources
from monitor.store.engine import reading, writing

_log = log.get()

KEPT_FOR = timedelta(days=7)  # what was named and nobody could read
MOST_KINDS = 10_000  # of hints that are gathered; a platform would have to name as many accounts of ours


@dataclass(frozen=True, slots=True)
class Listener:
    """An account whose platform may tell us something: with which secrets, and which sources it can be about.

    `sources` are all of that connector's sources whose account has the same secret (one app of Meta serves several
    accounts at one address), with their settings.
    """

    push: Push
    secrets: Sequence[str] = field(repr=False)
    verify_token: str = field(repr=False)
    sources: Mapping[str, Any] = field(repr=False)


class Hints:
    """What platforms hinted at and no poll was asked for yet; threads share it.

    A hint costs no look into the database, but for what it names and no list shows: that is stored before the platform
    is told that we have it. The rest is in memory, because a poll would find it anyway.
    """

    def __init__(
        self,
        engine: Engine,
        plan: Callable[[], Plan],
        now: Callable[[], datetime],
        wake: Callable[[str], None],
    ) -> None:
        self._engine, self._plan, self._now, self._wake = engine, plan, now, wake
        self._lock, self._flushing = Lock(), Lock()
        self._fresh: dict[tuple[str, Hint], None] = {}
        self._came: tuple[datetime, datetime] | None = None  # the first and the last of them
        self._waiting: set[str] = set()
        self._allowances: dict[str, Allowance] = {}

    def take(self, account: str, hints: Sequence[Hint]) -> None:
        """Take what a platform told to this account's address."""
        listener = self._plan().listeners.get(account)
        if listener is None:
            return
        if any(hint.named for hint in hints):
            self._note(listener, [hint for hint in hints if hint.named])
        now = self._now()
        with self._lock:
            self._came = (self._came[0] if self._came else now, now)
            for hint in hints:
                if len(self._fresh) < MOST_KINDS:
                    self._fresh[account, replace(hint, at=None, named=None)] = None

    def _note(self, listener: Listener, hints: Sequence[Hint]) -> None:
        with writing(self._engine) as connection:
            for source_id, found in self._about(connection, listener, hints).items():
                named: list[Named] = [hint.named for hint in found if hint.named]
                store.note(connection, source_id, named, self._now())

    def _about(self, connection: Any, listener: Listener, hints: Iterable[Hint]) -> dict[str, list[Hint]]:
        """The sources that hints are about; for a source that is closed there are none."""
        wanted = list(hints)
        found = {}
        for source in store.standings(connection, listener.sources, self._now()):
            watch = getattr(listener.sources[source.id], "watch", "")
            about = [hint for hint in wanted if concerns(hint, watch, source.own_author_ids)]
            if about and not source.is_closed:
                found[source.id] = about
        return found

    def flush(self, *, at_once: bool = False) -> int:
        """Ask for the polls that were hinted at, as far as their sources may be polled again; how many they are.

        While hints come in one after the other they are waited for, unless `at_once`: that is for the end.
        """
        with self._flushing:
            fresh = self._settled(at_once)
            if not fresh and not self._ripe(self._waiting, self._plan(), self._now()):
                return 0
            try:
                return self._ask(fresh)
            except Exception:
                with self._lock:
                    self._fresh = fresh | self._fresh
                raise

    def _settled(self, at_once: bool) -> dict[tuple[str, Hint], None]:
        with self._lock:
            if self._came and not at_once and not has_settled(*self._came, self._now()):
                return {}
            fresh, self._fresh, self._came = self._fresh, {}, None
            return fresh

    def _ask(self, fresh: Iterable[tuple[str, Hint]]) -> int:
        now, plan = self._now(), self._plan()
        with reading(self._engine) as connection:
            wanted = self._hinted(connection, fresh, plan) | self._waiting
            ripe = self._ripe(wanted, plan, now)
            standing = store.standings(connection, ripe, now)
        welcome = [one.id for one in standing if is_welcome(one, _every(one.id, plan), now)]
        if welcome:
            with writing(self._engine) as connection:
                sources.request_poll(connection, welcome, now)
            self._allowances |= {one: spend(self._allowance(one, plan, now)) for one in welcome}
            self._wake("sources")
            _log.info("sources.hinted", n=len(welcome))
        self._waiting = wanted - ripe
        return len(welcome)

    def _ripe(self, source_ids: Iterable[str], plan: Plan, now: datetime) -> set[str]:
        return {one for one in source_ids if is_allowed(self._allowance(one, plan, now), _every(one, plan))}

    def _hinted(self, connection: Any, fresh: Iterable[tuple[str, Hint]], plan: Plan) -> set[str]:
        told: dict[str, list[Hint]] = {}
        for account, hint in fresh:
            told.setdefault(account, []).append(hint)
        return {
            source_id
            for account, hints in told.items()
            if account in plan.listeners
            for source_id in self._about(connection, plan.listeners[account], hints)
        }

    def _allowance(self, source_id: str, plan: Plan, now: datetime) -> Allowance:
        return allowance(self._allowances.get(source_id), _every(source_id, plan), now)

    def prune(self) -> None:
        """Forget what was named so long ago that it cannot be read."""
        with writing(self._engine) as connection:
            store.forget_old(connection, self._now() - KEPT_FOR)


def _every(source_id: str, plan: Plan) -> timedelta:
    """How often a source is read; what is no longer in the configuration is refused elsewhere."""
    return plan.intervals.get(source_id, timedelta(days=1))
