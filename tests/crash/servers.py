"""The forum and the receiver of alerts as one HTTP server, which notes who asked when and what arrived how often."""

import json
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.crash.world import World


@dataclass(frozen=True, slots=True)
class Received:
    """One arrival of a delivery."""

    webhook_id: str
    at: float
    event: dict[str, Any]

    @property
    def alert_id(self) -> str:
        return str(self.event["data"]["alert_id"])

    @property
    def reason(self) -> str:
        return str(self.event["data"]["reason"])


@dataclass
class Town:
    """Serves a world and takes alerts. `patience` and `hook_patience` say how many seconds each answer takes."""

    world: World
    patience: Callable[[], float] = lambda: 0.0
    hook_patience: Callable[[], float] = lambda: 0.0
    received: list[Received] = field(default_factory=list)
    polls: list[tuple[float, float, str]] = field(default_factory=list)  # (from, until, page)
    overlaps: list[str] = field(default_factory=list)  # pages that were asked for while they were being answered
    at_work: Counter[str] = field(default_factory=Counter)
    n_hooks_at_work: int = 0
    n_asked: int = 0

    def __enter__(self) -> Self:
        self._lock = Lock()
        self._server = _Server(("127.0.0.1", 0), _Connection)
        self._server.town = self
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def n_repeated(self) -> int:
        """How many arrivals were of a delivery that had arrived before."""
        with self._lock:
            return len(self.received) - len({arrival.webhook_id for arrival in self.received})

    def answer(self, path: str, query: dict[str, list[str]]) -> Any:
        page, began = path.split("/")[2], monotonic()
        with self._lock:
            self.n_asked += 1
            if self.at_work[page]:
                self.overlaps.append(page)
            self.at_work[page] += 1
        try:
            changes = self.world.changes(page, int(query["after"][0]), int(query["limit"][0]))
            sleep(self.patience())
        finally:
            with self._lock:
                self.at_work[page] -= 1
                self.polls.append((began, monotonic(), page))
        return [asdict(said) for said in changes]

    def take(self, webhook_id: str, event: dict[str, Any]) -> None:
        with self._lock:
            self.received.append(Received(webhook_id, monotonic(), event))
            self.n_hooks_at_work += 1
        sleep(self.hook_patience())
        with self._lock:
            self.n_hooks_at_work -= 1


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 100
    town: Town

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever is killed hangs up; anything else is a defect of the harness and must be seen."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self._send(200, json.dumps(self.server.town.answer(parts.path, parse_qs(parts.query)), default=_text).encode())

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        body = self.rfile.read(length)
        if len(body) < length:  # whoever sent it was killed: nothing has arrived
            self.close_connection = True
            return
        self.server.town.take(self.headers["webhook-id"], json.loads(body))
        self._send(204, b"")

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


def _text(at: Any) -> str:
    return str(at.isoformat())
