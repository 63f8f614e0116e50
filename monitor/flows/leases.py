"""Keeping what is being worked on ours: a poll may take longer than the lease, on a slow platform with many requests.

Without it the source would be read a second time at the same time, and the first reading be refused: a source that
is slower than the lease would never be stored.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from monitor import log
from monitor.store import leases
from monitor.store.due import Claim
from monitor.store.engine import writing

_log = log.get()

MOST_LEASES = 15  # that one piece of work may last; then it hangs, and another may try


@dataclass(slots=True, eq=False)
class _Held:
    claimed: Claim
    since: datetime
    ends_at: datetime


class Leases:
    """The claims of one queue that this process is working on. Threads may use it side by side."""

    def __init__(self, queue: str, engine: Engine, now: Callable[[], datetime]) -> None:
        self._queue, self._engine, self._now = queue, engine, now
        self._held: dict[tuple[str, Any], _Held] = {}
        self._lock = threading.Lock()

    def holding(self, work: Callable[[Claim], Any], since: datetime, lease: timedelta) -> Callable[[Claim], Any]:
        """The same work, whose claim, made at `since`, is renewed for as long as it takes."""

        def hold(claimed: Claim) -> Any:
            held = _Held(claimed, since, since + lease)
            with self._lock:
                self._held[claimed.key] = held
            try:
                return work(claimed)
            finally:
                self._forget(held)

        return hold

    def renew(self, lease: timedelta) -> int:
        """Renew what has less than two thirds of its lease left; how many that were. Call it every third of a lease."""
        now = self._now()
        with self._lock:
            ageing = [held for held in self._held.values() if held.ends_at - now < lease * 2 / 3]
        hanging = [held for held in ageing if now - held.since >= lease * MOST_LEASES]
        for held in hanging:
            self._forget(held)
            _log.warning("lease.given_up", queue=self._queue, id=str(held.claimed.id), since=held.since.isoformat())
        renewing = [held for held in ageing if held not in hanging]
        if renewing:
            self._renew(renewing, now + lease)
        return len(renewing)

    def _renew(self, renewing: Sequence[_Held], until: datetime) -> None:
        with writing(self._engine) as connection:
            kept = [leases.renew(connection, self._queue, held.claimed, held.ends_at, until) for held in renewing]
        for held, is_ours in zip(renewing, kept, strict=True):
            if is_ours:
                held.ends_at = until
            else:
                self._forget(held)

    def _forget(self, held: _Held) -> None:
        with self._lock:
            if self._held.get(held.claimed.key) is held:
                del self._held[held.claimed.key]
