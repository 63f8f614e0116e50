"""A fake platform over real HTTP: a threading server on a free loopback port that answers, and fails when told to."""

import json
import socket
import struct
import sys
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.platforms.base import FakePlatform, Fault, World

STATUS = {
    Fault.RATE_LIMITED: 429,
    Fault.UNAUTHORIZED: 401,
    Fault.FORBIDDEN: 403,
    Fault.NOT_FOUND: 404,
    Fault.SERVER_ERROR: 500,
    Fault.OVERLOADED: 503,
}
OVERSIZE_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in; `query` has every value of a repeated parameter, header names are lower case."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes = b""
    raw_query: str = ""  # as it was sent, for platforms that care how it is encoded

    def get(self, name: str, default: str = "") -> str:
        """The last value of a parameter."""
        return self.query.get(name, [default])[-1]


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer: `body` is sent as it is when it is bytes or text, and as JSON otherwise."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def payload(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


class HttpFakePlatform(FakePlatform):
    """A fake platform that answers HTTP; a subclass says in `answer` what."""

    def __init__(self, world: World, folder: Path) -> None:
        super().__init__(world, folder)
        self.requests: list[Request] = []
        self.stopping = Event()
        self._faults: list[tuple[Fault, int] | None] = []

    @abstractmethod
    def answer(self, request: Request) -> Reply:
        """What the healthy platform answers; called under the world's lock."""

    def error_body(self, status: int) -> Any:
        """The body of this platform's errors."""
        return {"error": f"status {status}"}

    def rate_limit_headers(self, retry_after: int) -> dict[str, str]:
        """How this platform says when to come back."""
        return {"Retry-After": str(retry_after)}

    def start(self) -> None:
        # named at once: the default asks the resolver for the machine's name, which can take seconds
        self._server = _Server(("127.0.0.1", 0), _Connection)
        self._server.fake = self
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def fail(self, fault: Fault, times: int = 1, after: int = 0, retry_after: int = 7) -> None:
        self._faults = [None] * after + [(fault, retry_after)] * times

    def heal(self) -> None:
        self._faults = []

    def next_fault(self) -> tuple[Fault, int] | None:
        """The fault that the request now coming in shall meet."""
        return self._faults.pop(0) if self._faults else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    fake: HttpFakePlatform

    def server_bind(self) -> None:
        socket.socket.bind(self.socket, self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is part of the tests; anything else is a defect of the fake and must be seen."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10
    disable_nagle_algorithm = True  # or each answer waits 40 ms between its headers and its body
    server: _Server

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: object) -> None:
        """Silent: pytest's output is for tests."""

    def _serve(self) -> None:
        fake = self.server.fake
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        query = parse_qs(parts.query, keep_blank_values=True)
        request = Request(
            self.command,
            parts.path,
            query,
            {name.lower(): value for name, value in self.headers.items()},
            body,
            parts.query,
        )
        with fake.world.lock:
            fake.n_requests += 1
            fake.requests.append(request)
            fault = fake.next_fault()
            reply = Reply(None) if fault and fault[0] in STATUS else fake.answer(request)
        if fault is None:
            self._send(reply)
        else:
            self._fail(*fault, reply)

    def _send(self, reply: Reply, length: int | None = None) -> None:
        payload = reply.payload if reply.status != 304 else b""
        self.send_response(reply.status)
        headers = {"Content-Type": "application/json; charset=utf-8"} | dict(reply.headers)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(payload) if length is None else length))
        self.end_headers()
        self.wfile.write(payload)

    def _fail(self, fault: Fault, retry_after: int, reply: Reply) -> None:
        fake = self.server.fake
        if fault in STATUS:
            headers = fake.rate_limit_headers(retry_after) if fault is Fault.RATE_LIMITED else {}
            self._send(Reply(fake.error_body(STATUS[fault]), STATUS[fault], headers))
        elif fault is Fault.TRUNCATED:
            self._send(Reply(reply.payload[: max(1, len(reply.payload) // 2)], headers=reply.headers))
        elif fault is Fault.CUT_OFF:
            self._send(Reply(reply.payload), length=len(reply.payload) + 100)
            self.close_connection = True
        elif fault is Fault.HTML:
            page = "<!DOCTYPE html><html><body><h1>Just a moment...</h1></body></html>"
            self._send(Reply(page, headers={"Content-Type": "text/html"}))
        elif fault is Fault.OVERSIZE:
            self._send(Reply(b"[" + b" " * OVERSIZE_BYTES + b"]"))
        elif fault is Fault.RESET:
            # linger 0 makes close send RST instead of FIN
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
        elif fault is Fault.SLOW_DRIP:
            self._drip(reply)

    def _drip(self, reply: Reply) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        self.close_connection = True
        while not self.server.fake.stopping.wait(0.05):
            self.wfile.write(b" ")
            self.wfile.flush()
