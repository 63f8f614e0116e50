"""Delivering: the outbox, each channel in its own order, at least once.

Where a target lets messages be changed, what it calls each message is kept: later news of an alert is posted below
the first one, and the first one is edited (`flows.showing` says when).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import random
from typing import Any

from sqlalchemy import Connection, Engine

from monitor import log
from monitor.channels.base import Channel, Live, Message, MessageGone, Searched
from monitor.core.backoff import next_try
from monitor.errors import Gone, Malformed, RateLimited, RemoteError, Unauthorized
from monitor.flows import operator
from monitor.flows.plan import Plan
from monitor.model import Delivery, show_id
from monitor.store import due, messages, outbox
from monitor.store.due import Claim
from monitor.store.engine import reading, writing
from monitor.store.instants import to_us

_log = log.get()

RETRY_BASE = timedelta(seconds=5)
RETRY_CAP = timedelta(minutes=30)
HOLD_BASE = timedelta(minutes=5)  # of a channel that refuses us
ABANDON_AFTER = timedelta(days=3)
TELL_AFTER_ATTEMPTS = 4  # of one delivery, before the operator is told that the channel does not answer
PAUSE = timedelta(seconds=30)  # after a 429 that does not say how long


Following = Callable[[Connection, datetime], Claim | None]


def _nothing(_connection: Connection, _now: datetime) -> None:
    """This delivery, and no more."""


@dataclass(frozen=True, slots=True)
class Deliverer:
    """Sends claimed deliveries; threads may share one."""

    engine: Engine
    plan: Callable[[], Plan]
    now: Callable[[], datetime]
    wake: Callable[[str], None]

    def deliver(self, claimed: Claim, following: Following = _nothing) -> Claim | None:
        """Send one claimed delivery and write down what became of it.

        If it was sent, `following` may claim another in the transaction that says so: that is what comes back.

        Raises: ClaimLost: the lease ended while sending; it may be sent again (at least once).
        """
        with reading(self.engine) as connection:
            delivery = outbox.load(connection, claimed)
            is_overtaken = delivery.is_edit and messages.is_overtaken(connection, delivery)
        channel = self.plan().channels.get(delivery.channel)
        if channel is None:
            self._abandon(claimed, delivery, "the channel is no longer in the configuration")
            return None
        if delivery.is_edit and (is_overtaken or not delivery.follows or not isinstance(channel, Live)):
            self._drop(claimed, "a later change waits" if is_overtaken else "there is no message to change")
            return None
        started_at = self.now()
        try:
            message = channel.render(delivery.notice, started_at)
            ref = _handed_over(channel, delivery, message, started_at, is_again=claimed.claim_no > 1)
        except MessageGone as error:
            self._message_gone(claimed, delivery, error)
            return None
        except RemoteError as error:
            self._failed(claimed, delivery, error)
            return None
        except Exception as error:
            # Whatever a renderer stumbles over must not block the channel's line for ever.
            _log.exception("delivery.crashed", channel=delivery.channel, delivery=show_id(delivery.id))
            self._failed(claimed, delivery, Malformed(f"{type(error).__name__} while sending; see the log"))
            return None
        return self._sent(claimed, delivery, ref, channel.min_gap, message.is_truncated, started_at, following)

    def _sent(
        self,
        claimed: Claim,
        delivery: Delivery,
        ref: str,
        gap: timedelta,
        is_truncated: bool,
        started_at: datetime,
        following: Following,
    ) -> Claim | None:
        now = self.now()
        values: dict[str, Any] = {"status": "sent", "sent_at": to_us(now), "message_ref": ref}
        values |= {"n_attempts": delivery.n_attempts + 1, "last_error": ""}
        with writing(self.engine) as connection:
            due.release(connection, "deliveries", claimed, None, **values)
            was_held = outbox.free_channel(connection, delivery.channel, now + gap if gap else None)
            told = was_held and operator.over(connection, delivery.brand, f"channel:{delivery.channel}", now)
            then = following(connection, now)
        if was_held:
            _log.info("channel.recovered", channel=delivery.channel)
        if told:
            self.wake("alerts")
        if then is None:
            self.wake("deliveries")
        _log.info(
            "delivery.sent",
            channel=delivery.channel,
            delivery=show_id(delivery.id),
            alert=delivery.notice.alert_id,
            reason=delivery.notice.reason,
            attempts=delivery.n_attempts + 1,
            truncated=is_truncated,
            took_ms=round((now - started_at).total_seconds() * 1_000),
        )
        return then

    def _drop(self, claimed: Claim, why: str) -> None:
        """A change that nobody needs to see any more."""
        with writing(self.engine) as connection:
            due.release(connection, "deliveries", claimed, None, status="overtaken", last_error=why)
        self.wake("deliveries")

    def _message_gone(self, claimed: Claim, delivery: Delivery, error: RemoteError) -> None:
        """Somebody deleted the message: that is respected, and the next news of the alert begins a new one."""
        values = {"status": "overtaken", "n_attempts": delivery.n_attempts + 1, "last_error": str(error)[:500]}
        with writing(self.engine) as connection:
            due.release(connection, "deliveries", claimed, None, **values)
            messages.forget(connection, delivery)
        _log.info("message.gone", channel=delivery.channel, alert=delivery.notice.alert_id, says=str(error)[:300])
        self.wake("deliveries")

    def _failed(self, claimed: Claim, delivery: Delivery, error: RemoteError) -> None:
        if isinstance(error, RateLimited):
            self._pause(claimed, delivery, error)
        elif isinstance(error, (Unauthorized, Gone)):
            self._hold_channel(claimed, delivery, error)
        elif isinstance(error, Malformed):
            self._abandon(claimed, delivery, str(error))
        elif self.now() - delivery.notice.created_at > ABANDON_AFTER:
            self._abandon(claimed, delivery, f"not accepted in {ABANDON_AFTER.days} days; last: {error}")
        else:
            self._retry(claimed, delivery, error)

    def _pause(self, claimed: Claim, delivery: Delivery, error: RateLimited) -> None:
        """The target is busy, not broken: the whole channel waits and no attempt is counted."""
        now = self.now()
        until = max(error.retry_at or now + PAUSE, now + timedelta(seconds=1))
        with writing(self.engine) as connection:
            due.release(connection, "deliveries", claimed, until, last_error=str(error)[:500])
            outbox.pause_channel(connection, delivery.channel, until)
        _log.info("channel.paused", channel=delivery.channel, until=until.isoformat())

    def _retry(self, claimed: Claim, delivery: Delivery, error: RemoteError) -> None:
        now, n_attempts = self.now(), delivery.n_attempts + 1
        wanted = next_try(n_attempts, now, base=RETRY_BASE, cap=RETRY_CAP, spread=random() / 4)  # noqa: S311
        at = max(wanted, error.retry_at) if error.retry_at else wanted
        told = False
        with writing(self.engine) as connection:
            due.release(connection, "deliveries", claimed, at, n_attempts=n_attempts, last_error=str(error)[:500])
            if n_attempts == TELL_AFTER_ATTEMPTS:
                outbox.hold_channel(connection, delivery.channel, at, str(error)[:500], now)
                told = self._tell(connection, delivery, f"does not answer: {error}", now)
        if n_attempts == 1:
            _log.warning("channel.lost", channel=delivery.channel, error=type(error).__name__, says=str(error)[:300])
        if told:
            self.wake("alerts")

    def _hold_channel(self, claimed: Claim, delivery: Delivery, error: RemoteError) -> None:
        """The target refuses us or is gone: its line waits, people are told elsewhere, and this notice goes there."""
        now, n_attempts = self.now(), delivery.n_attempts + 1
        until = next_try(n_attempts, now, base=HOLD_BASE)
        with writing(self.engine) as connection:
            if now - delivery.notice.created_at > ABANDON_AFTER:
                values: dict[str, Any] = {"status": "abandoned", "last_error": str(error)[:500]}
                due.release(connection, "deliveries", claimed, None, n_attempts=n_attempts, **values)
            else:
                due.release(
                    connection, "deliveries", claimed, until, n_attempts=n_attempts, last_error=str(error)[:500]
                )
            is_new = outbox.hold_channel(connection, delivery.channel, until, str(error)[:500], now)
            self._send_elsewhere(connection, delivery, now)
            self._tell(connection, delivery, f"refuses our messages: {error}", now)
        if is_new:
            _log.error("channel.held", channel=delivery.channel, error=type(error).__name__, says=str(error)[:300])
            self.wake("alerts")
        self.wake("deliveries")

    def _abandon(self, claimed: Claim, delivery: Delivery, why: str) -> None:
        values = {"status": "abandoned", "n_attempts": delivery.n_attempts + 1, "last_error": why[:500]}
        now = self.now()
        with writing(self.engine) as connection:
            due.release(connection, "deliveries", claimed, None, **values)
            self._send_elsewhere(connection, delivery, now)
        _log.error("delivery.abandoned", channel=delivery.channel, delivery=show_id(delivery.id), says=why[:300])
        self.wake("deliveries")

    def _send_elsewhere(self, connection: Connection, delivery: Delivery, now: datetime) -> None:
        """A notice that its channel will not take goes to one that lives and has not had it; a change is no news."""
        if delivery.is_edit:
            return
        plan, dead = self.plan(), set(outbox.held_channels(connection)) | {delivery.channel}
        had = outbox.channels_of(connection, delivery.brand, delivery.notice.id)
        other = next((name for name in plan.channels if name not in dead | had), None)
        if other is not None:
            outbox.add_delivery(connection, delivery.notice, other, now)

    def _tell(self, connection: Connection, delivery: Delivery, what: str, now: datetime) -> bool:
        says = f'The channel "{delivery.channel}" {what}. Its messages wait or go elsewhere until it is mended.'
        return operator.report(connection, delivery.brand, f"channel:{delivery.channel}", says, now)


def _handed_over(channel: Channel, delivery: Delivery, message: Message, now: datetime, *, is_again: bool) -> str:
    """Send it in the way that its target allows; what that calls the message, or "".

    Of an earlier attempt we may not know the outcome: where the target can be searched, that is done first.
    """
    delivery_id, follows = show_id(delivery.id), delivery.follows
    if not isinstance(channel, Live):
        channel.send(message, delivery_id, now)
        return ""
    if delivery.is_edit:
        channel.edit(follows, message, now)
        return ""
    if is_again and isinstance(channel, Searched):
        found = channel.find(delivery_id, delivery.notice.created_at, follows)
        if found:
            return found
    return channel.post(message, delivery_id, now, follows)
