"""Working off a channel's line: one thread sends what waits for it, one message after the other."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from sqlalchemy import Engine

from monitor.flows.leases import Leases
from monitor.flows.plan import Plan
from monitor.store import outbox
from monitor.store.due import Claim
from monitor.store.engine import writing

TURN_S = 2.0  # for which a thread stays with one channel, so that others have theirs when there are more than threads


@dataclass(frozen=True, slots=True)
class Lines:
    """Threads may share one. `deliver` sends one claimed delivery."""

    engine: Engine
    plan: Callable[[], Plan]
    now: Callable[[], datetime]
    deliver: Callable[[Claim], None]
    leases: Leases
    is_stopping: Callable[[], bool]

    def work_off(self, channel: str, claimed: Claim) -> None:
        """Send a claimed delivery and those after it: from hand to hand each would wait for three threads to wake.

        Raises: ClaimLost: a lease ended while sending; what is left of the line is due.
        """
        ends = monotonic() + TURN_S
        lease, now = self.plan().lease, self.now()
        following: Claim | None = claimed
        while following is not None:
            self.leases.holding(self.deliver, now, lease)(following)
            if self.is_stopping() or monotonic() > ends or self._wants_a_pause(channel):
                return
            now = self.now()
            following = self._next(channel, now)

    def _wants_a_pause(self, channel: str) -> bool:
        found = self.plan().channels.get(channel)
        return found is None or bool(found.min_gap)

    def _next(self, channel: str, now: datetime) -> Claim | None:
        with writing(self.engine) as connection:
            taken = outbox.claim(connection, [channel], now, self.plan().lease)
        return taken[0][1] if taken else None
