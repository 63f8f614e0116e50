"""What every door for platforms and chats needs: the raw body within its limits, refusals, replays, counts."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from threading import Lock
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from prometheus_client import Counter
from starlette.requests import ClientDisconnect

from monitor import log
from monitor.app import App
from monitor.core.signatures import Signature, is_signed

_log = log.get()

MAX_BODY = 1 << 20  # bytes. A batch of 1,000 updates by Meta has less than half of that
AHEAD = timedelta(minutes=5)  # of our clock may a sender's be
TELL_EVERY = timedelta(minutes=1)


class Refused(Exception):
    """A request that is not let in. `why` is one of a few fixed words: it is logged and counted, and never answered."""

    def __init__(self, door: str, why: str, status: int = 403) -> None:
        super().__init__(f"{door}: {why}")
        self.door, self.why, self.status = door, why, status


async def raw_body(request: Request) -> bytes:
    """The body as it was sent, before anybody reads anything into it.

    Raises: Refused for a body that is too long, compressed, or cut.
    """
    door = door_of(request)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refused(door, "compressed", 415)
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced[:20]) > MAX_BODY:
        raise Refused(door, "too_long", 413)
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                raise Refused(door, "too_long", 413)
    except ClientDisconnect:
        raise Refused(door, "cut", 400) from None
    return bytes(body)


RawBody = Annotated[bytes, Depends(raw_body)]


def door_of(request: Request) -> str:
    """Which door a request came to, as counts and log lines name it; never what the sender wrote."""
    route = request.scope.get("route")
    tags = getattr(route, "tags", None)
    return str(tags[0]) if tags else "none"


def check_signature(door: str, how: Signature, secrets: Sequence[str], request: Request, body: bytes) -> None:
    """Raises: Refused unless exactly one header of this name signs the body with one of the secrets."""
    given = request.headers.getlist(how.header)
    if len(given) != 1 or not is_signed(how, secrets, body, given[0]):
        raise Refused(door, "signature")


class Replays:
    """Remembers what was let in, so that it is not let in again; what is older than the window is refused anyway.

    It lives in memory: what comes again after a restart, or to another host, costs one poll or meets an alert that
    was acted on already. At most `most` are remembered; beyond that the oldest are forgotten first.
    """

    def __init__(self, window: timedelta, most: int = 20_000) -> None:
        self.window, self._most = window, most
        self._lock = Lock()
        self._seen: OrderedDict[bytes, datetime] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seen)

    def check_time(self, door: str, at: datetime, now: datetime) -> None:
        """Raises: Refused for what was sent longer ago than the window, or is too far ahead."""
        if not now - self.window <= at <= now + AHEAD:
            raise Refused(door, "time")

    def is_known(self, what: str | bytes, now: datetime) -> bool:
        """Whether this id, signature or body was remembered, for as long as `check_time` would let it in again."""
        with self._lock:
            at = self._seen.get(_mark(what))
            return at is not None and now - at <= self.window + AHEAD

    def remember(self, what: str | bytes, now: datetime) -> None:
        """Note what was let in and done: not before, because the sender must be able to repeat what we failed at."""
        with self._lock:
            self._seen[_mark(what)] = now
            self._seen.move_to_end(_mark(what))
            while len(self._seen) > self._most or now - next(iter(self._seen.values())) > self.window + AHEAD:
                self._seen.popitem(last=False)


def _mark(what: str | bytes) -> bytes:
    return sha256(what.encode("utf-8", "surrogatepass") if isinstance(what, str) else what).digest()[:16]


class Tally:
    """Counts what comes in, for /metrics, and says once in a while in the log what was refused."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.counter = Counter(
            "heedful_inbound", "Requests by platforms and chats.", ["door", "outcome"], registry=None
        )
        self._now = now
        self._lock = Lock()
        self._told: dict[tuple[str, str], datetime] = {}
        self._untold: dict[tuple[str, str], int] = {}

    def accepted(self, door: str, outcome: str = "accepted") -> None:
        """Count one that was let in; `outcome` is one of a few words."""
        self.counter.labels(door, outcome).inc()

    def refused(self, door: str, why: str) -> None:
        """Count one that was not, and say so: the first at once, then how many in a minute."""
        self.counter.labels(door, f"refused_{why}").inc()
        now, key = self._now(), (door, why)
        with self._lock:
            n = self._untold.get(key, 0) + 1
            told_at = self._told.get(key)
            is_time = told_at is None or now - told_at >= TELL_EVERY
            self._untold[key] = 0 if is_time else n
            if is_time:
                self._told[key] = now
        if is_time:
            _log.warning("inbound.refused", door=door, why=why, n=n)


@dataclass(frozen=True, slots=True)
class Inbound:
    """What a door is built with. Ask `app` for settings and plan at each request: a reload replaces them."""

    app: App
    wake: Callable[[str], None]
    tally: Tally


@dataclass(frozen=True, slots=True)
class Chore:
    """What a door must do now and then; the daemon's clock does it, in a thread."""

    name: str
    every: timedelta
    work: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Door:
    """One module's addresses, what it must do now and then, and what is left to do at the end."""

    router: APIRouter
    chores: Sequence[Chore] = field(default_factory=tuple)
    close: Callable[[], object] = lambda: None
