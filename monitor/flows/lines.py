"""Working off a channel's line: one thread sends what waits for it, one message after the other."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from sqlalchemy import Connection

from monitor.flows.deliver import Deliverer
from monitor.flows.leases import Leases
from monitor.flows.plan import Plan
from monitor.store import outbox
from monitor.store.due import Claim

TURN_S = 2.0  # for which a thread stays with one channel, so that others have theirs when there are more than threads


@dataclass(frozen=True, slots=True)
class Lines:
    """Threads may share one."""

    plan: Callable[[], Plan]
    deliverer: Deliverer
    leases: Leases
    is_stopping: Callable[[], bool]

    def work_off(self, channel: str, since: datetime, claimed: Claim) -> None:
        """Send a delivery that was claimed at `since`, and those after it.

        From hand to hand each would wait for three threads to wake; and the next is claimed in the transaction that
        writes down that the one before was sent, so that a message costs one commit and not two.

        Raises: ClaimLost: a lease ended while sending; what is left of the line is due.
        """
        ends = monotonic() + TURN_S

        def following(connection: Connection, now: datetime) -> Claim | None:
            nonlocal since
            if self.is_stopping() or monotonic() > ends or self._wants_a_pause(channel):
                return None
            since = now
            return outbox.claim_head(connection, channel, now, self.plan().lease)

        def send(one: Claim) -> Claim | None:
            return self.deliverer.deliver(one, following)

        at_hand: Claim | None = claimed
        while at_hand is not None:
            at_hand = self.leases.holding(send, since, self.plan().lease)(at_hand)

    def _wants_a_pause(self, channel: str) -> bool:
        found = self.plan().channels.get(channel)
        return found is None or bool(found.min_gap)
