"""Opening the links of our own posts, some time after they were published and a few times later."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from monitor import log
from monitor.core.own_posts import LinkState
from monitor.errors import ClaimLost, Gone, Malformed, RateLimited, RemoteError, Unauthorized
from monitor.flows.plan import Plan
from monitor.http import HttpClient
from monitor.model import show_id
from monitor.store import due, links
from monitor.store.engine import reading, writing
from monitor.store.links import Link

_log = log.get()

BATCH = 4  # opened one after the other by one thread, well within a lease
LOOKED_AT_AGAIN = (timedelta(hours=1), timedelta(days=1), timedelta(days=3), timedelta(days=7))  # after the post
RETRIES = (timedelta(minutes=2), timedelta(minutes=15), timedelta(hours=2), timedelta(hours=12))
DEAD_AFTER = 2  # failures in a row that may be a passing trouble; "not found" needs no second one


@dataclass(frozen=True, slots=True)
class LinkOpener:
    """Opens due links; only hosts on the open internet are asked."""

    engine: Engine
    plan: Callable[[], Plan]
    http: HttpClient
    now: Callable[[], datetime]
    wake: Callable[[str], None]

    def open_due(self) -> int:
        """Claim and open a few due links; how many were claimed."""
        with reading(self.engine) as connection:
            if not due.is_any_due(connection, "links", self.now()):
                return 0
        with writing(self.engine) as connection:
            claims = due.claim(connection, "links", self.now(), self.plan().lease, BATCH)
            found = links.load(connection, claims)
        for claimed, link in found.items():
            state, is_final = self._open(link.url)
            self._save(claimed, link, state, is_final)
        return len(claims)

    def _open(self, url: str) -> tuple[LinkState, bool]:
        """What came of it, and whether that is a plain answer (True) or perhaps a passing trouble (False)."""
        try:
            try:
                self.http.request("HEAD", url, follow=True, public_only=True)
            except RemoteError as error:
                if error.status in (None, 404, 410):
                    raise  # no server, or a plain word
                self.http.request("GET", url, follow=True, public_only=True)  # many servers do not like HEAD
        except Gone as error:
            return LinkState(True, f"answers {error.status}"), True
        except (Unauthorized, RateLimited, Malformed):
            return LinkState(None), True  # it is there, and does not talk to programs
        except RemoteError as error:
            if error.status is not None and error.status < 500:
                return LinkState(None), True
            return LinkState(True, f"answers {error.status}" if error.status else "cannot be reached"), False
        return LinkState(False), True

    def _save(self, claimed: due.Claim, link: Link, state: LinkState, is_plain: bool) -> None:
        now = self.now()
        n_failures = link.n_failures + 1 if state.is_dead else 0
        if state.is_dead and not is_plain and n_failures < DEAD_AFTER:
            state = LinkState(link.is_dead, state.says)
        try:
            with writing(self.engine) as connection:
                matters = links.save(connection, claimed, link, state, n_failures, _next(link, n_failures, now), now)
        except ClaimLost:
            return  # its lease ended: whoever took it over writes
        if matters:
            if state.is_dead:
                _log.info("link.dead", thread=show_id(link.thread_id), says=state.says)
            else:
                _log.info("link.works", thread=show_id(link.thread_id))
            self.wake("threads")


def _next(link: Link, n_failures: int, now: datetime) -> datetime | None:
    """When a link is opened again; None: no more."""
    last = link.created_at + LOOKED_AT_AGAIN[-1]
    if n_failures:
        at = now + RETRIES[min(n_failures, len(RETRIES)) - 1]
        return at if at <= last + RETRIES[-1] else None
    return min((at for after in LOOKED_AT_AGAIN if (at := link.created_at + after) > now), default=None)
