"""Subscriptions at WebSub hubs (YouTube): asked for, confirmed by the hub, and renewed before they end.

Source: W3C WebSub, 5.1 to 5.3. The hub confirms with a request to our own address, perhaps at another host of ours:
what was asked and confirmed is therefore in the store.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Connection, Engine

from monitor import log
from monitor.core.hints import Subscription
from monitor.core.signatures import unguessable
from monitor.errors import RemoteError
from monitor.flows.hints import Listener
from monitor.flows.plan import Plan
from monitor.http import HttpClient
from monitor.store import hints as store
from monitor.store.engine import reading, writing
from monitor.store.threads import remember, remembered

_log = log.get()

WANTED = timedelta(days=5)  # of a lease
RENEW_EVERY = timedelta(days=1)  # a hub may forget a subscription; asking again is free
ASK_AGAIN = timedelta(minutes=30)  # where no confirmation came
SHORTEST_LEASE, LONGEST_LEASE = timedelta(minutes=10), timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """What our accounts are subscribed to; threads and hosts may share them."""

    engine: Engine
    plan: Callable[[], Plan]
    http: HttpClient
    now: Callable[[], datetime]
    public_url: Callable[[], str]

    def renew(self) -> None:
        """Ask the hubs for whatever is not subscribed to, or not for long any more."""
        base = self.public_url()
        for account, listener in self.plan().listeners.items() if base else ():
            for wanted in self._wanted(listener):
                callback = f"{base.rstrip('/')}/push/{account}/{path_of(account, listener)[0]}"
                if self._is_time(account, wanted.topic, callback):
                    self._ask(account, listener, wanted, callback)

    def _wanted(self, listener: Listener) -> Iterator[Subscription]:
        """A subscription for each of our accounts there that a source has learned of."""
        build = listener.push.subscription
        if build is None:
            return
        with reading(self.engine) as connection:
            standing = store.standings(connection, listener.sources, self.now())
        found = [
            build(listener.sources[source.id], own)
            for source in standing
            for own in sorted(source.own_author_ids)
            if not source.is_closed
        ]
        yield from dict.fromkeys(found)

    def _is_time(self, account: str, topic: str, callback: str) -> bool:
        with reading(self.engine) as connection:
            known = _load(connection, account, topic)
        if known.get("to") != _mark(callback):
            return True  # never asked, or from another address or under another secret
        return self.now().timestamp() >= float(known["again_at"])

    def _ask(self, account: str, listener: Listener, wanted: Subscription, callback: str) -> None:
        form = {
            "hub.mode": "subscribe",
            "hub.topic": wanted.topic,
            "hub.callback": callback,
            "hub.secret": listener.secrets[0],
            "hub.verify": "async",  # of PubSubHubbub 0.3, which Google's hub speaks as well
            "hub.lease_seconds": str(int(WANTED.total_seconds())),
        }
        with writing(self.engine) as connection:  # before the hub asks us whether we did
            again_at = (self.now() + ASK_AGAIN).timestamp()
            _save(connection, account, wanted.topic, {"to": _mark(callback), "again_at": again_at})
        try:
            headers = {"content-type": "application/x-www-form-urlencoded"}
            self.http.request("POST", wanted.hub, headers=headers, content=urlencode(form).encode())
        except RemoteError as error:
            _log.warning("subscription.refused", account=account, topic=wanted.topic, says=str(error)[:300])
            return
        _log.info("subscription.asked", account=account, topic=wanted.topic)

    def confirm(self, account: str, mode: str, topic: str, lease: str) -> bool:
        """What we answer a hub that asks whether this is what we want; `lease` is in seconds, as it was sent."""
        listener = self.plan().listeners.get(account)
        is_wanted = listener is not None and any(one.topic == topic for one in self._wanted(listener))
        if mode == "unsubscribe":
            return not is_wanted
        if mode != "subscribe" or not is_wanted:
            return False
        seconds = int(lease) if lease.isascii() and lease.isdigit() and len(lease) < 10 else WANTED.total_seconds()
        lasts = min(max(timedelta(seconds=seconds), SHORTEST_LEASE), LONGEST_LEASE)
        with writing(self.engine) as connection:
            known = _load(connection, account, topic)
            again_at = (self.now() + min(lasts / 2, RENEW_EVERY)).timestamp()
            _save(connection, account, topic, {"to": known.get("to"), "again_at": again_at})
        until = (self.now() + lasts).isoformat(timespec="seconds")
        _log.info("subscription.confirmed", account=account, topic=topic, until=until)
        return True

    def denied(self, account: str, topic: str) -> None:
        """A hub says that it does not subscribe us (any more): it is asked again in a while."""
        _log.warning("subscription.refused", account=account, topic=topic[:200], says="the hub denies it")


def path_of(account: str, listener: Listener) -> list[str]:
    """The last part of this account's address, for each of its secrets: only the hub is told it."""
    return [unguessable(secret, f"push {account}") for secret in listener.secrets]


def _mark(callback: str) -> str:
    """Tells one address from another without holding it: a part of it is secret."""
    return sha256(callback.encode()).hexdigest()[:16]


def _load(connection: Connection, account: str, topic: str) -> dict[str, Any]:
    stored = remembered(connection, f"subscription {account} {topic}")
    return json.loads(stored) if stored else {}


def _save(connection: Connection, account: str, topic: str, state: dict[str, Any]) -> None:
    remember(connection, f"subscription {account} {topic}", json.dumps(state))
