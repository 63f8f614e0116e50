"""A server that does everything wrong that a server can do, over real sockets: for the tests of whatever reads HTTP.

A script is a function that is called with one `Exchange` and does what it likes with the connection. `FAULTS` names
the usual ones; `FaultServer` plays one script, or another for each path.
"""

import gzip
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self


@dataclass
class Exchange:
    """One request as it came, and the connection on which to misbehave."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: socket.socket
    stopping: threading.Event

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def reset(self) -> None:
        """Close with RST rather than FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


Script = Callable[[Exchange], None]


def answer(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Script:
    """A whole and honest answer."""

    def play(exchange: Exchange) -> None:
        lines = {"content-length": str(len(body)), "connection": "close", **(headers or {})}
        exchange.send(_head(status, lines) + body)

    return play


def redirect(location: str, status: int = 302) -> Script:
    return answer(status, headers={"location": location})


def reset(exchange: Exchange) -> None:
    """Reset before a byte of the answer."""
    exchange.reset()


def reset_midway(exchange: Exchange) -> None:
    exchange.send(_head(200, {"content-length": "100"}) + b'{"half": ')
    exchange.reset()


def never_answers(exchange: Exchange) -> None:
    exchange.stopping.wait(60)


def drips_body(exchange: Exchange) -> None:
    """A byte now and then: no single read ever times out."""
    exchange.send(_head(200, {"content-length": "1000000"}))
    _drip(exchange, b"[" + b" " * 1_000)


def drips_head(exchange: Exchange) -> None:
    _drip(exchange, b"HTTP/1.1 200 OK\r\nx-slow: " + b"a" * 1_000)


def cut_short(exchange: Exchange) -> None:
    """Content-Length promises more than comes before an orderly close."""
    exchange.send(_head(200, {"content-length": "1000"}) + b'[{"id": 1}, {"id"')


def cut_gzip(exchange: Exchange) -> None:
    packed = gzip.compress(b'{"a": 1}' * 500)
    exchange.send(_head(200, {"content-encoding": "gzip", "connection": "close"}) + packed[: len(packed) // 2])


def huge(n_bytes: int, *, announced: bool) -> Script:
    """A body of this size, sent as fast as it is taken."""

    def play(exchange: Exchange) -> None:
        exchange.send(_head(200, {"content-length": str(n_bytes)} if announced else {"connection": "close"}))
        for _ in range(n_bytes // 65_536):
            exchange.send(b"x" * 65_536)

    return play


def bomb(n_megabytes: int, encoding: str = "gzip") -> Script:
    """A small body that says it becomes this many megabytes; "gzip, gzip" packs it twice."""
    packed = gzip.compress(bytes(1_000_000)) * n_megabytes
    for _ in range(encoding.count(",")):
        packed = gzip.compress(packed)
    return answer(200, packed, {"content-encoding": encoding})


FAULTS: dict[str, Script] = {
    "429": answer(429, b"slow down", {"retry-after": "120"}),
    "401": answer(401, b"who are you"),
    "403": answer(403, b"not you"),
    "404": answer(404, b"nothing here"),
    "410": answer(410, b"nothing here any more"),
    "500": answer(500, b"oops"),
    "503": answer(503, b"back soon", {"retry-after": "60"}),
    "reset": reset,
    "reset midway": reset_midway,
    "timeout": never_answers,
    "slow drip": drips_body,
    "slow drip of headers": drips_head,
    "truncated JSON": answer(200, b'[{"id": 1}, {"id"', {"content-type": "application/json"}),
    "cut short": cut_short,
    "HTML": answer(200, b"<!doctype html><title>Sign in</title>", {"content-type": "text/html"}),
    "huge body": huge(52_428_800, announced=False),
    "gzip bomb": bomb(200),
    "redirect to a private address": redirect("http://169.254.169.254/latest/meta-data/"),
    "redirect loop": redirect("/again"),
}


class FaultServer:
    """Plays `script` to every request, or the one that `paths` holds for its path; `seen` is what was asked."""

    def __init__(self, script: Script = FAULTS["404"], paths: Mapping[str, Script] | None = None) -> None:
        self.script, self.paths = script, dict(paths or {})
        self.seen: list[Exchange] = []
        self.n_connections = 0
        self._stopping = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    @property
    def port(self) -> int:
        port: int = self._socket.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopping.set()
        self._socket.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self._socket.close()
        for thread in self._threads:
            thread.join(timeout=5)

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.n_connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):  # the client may leave whenever it likes
            for exchange in _requests(connection, self._stopping):
                self.seen.append(exchange)
                self.paths.get(exchange.path.partition("?")[0], self.script)(exchange)
                return  # one exchange for each connection: what follows a fault is not to be trusted


def _requests(connection: socket.socket, stopping: threading.Event) -> Iterator[Exchange]:
    with connection.makefile("rb") as lines:
        while first := lines.readline().decode("latin-1").split():
            headers = {}
            while line := lines.readline().decode("latin-1").strip():
                name, _, value = line.partition(":")
                headers[name.strip().lower()] = value.strip()
            body = lines.read(int(headers.get("content-length", "0")))
            yield Exchange(first[0], first[1], headers, body, connection, stopping)


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Scripted\r\n{lines}\r\n".encode("latin-1")


def _drip(exchange: Exchange, data: bytes) -> None:
    for byte in data:
        exchange.send(bytes([byte]))
        if exchange.stopping.wait(0.05):
            return


def json_answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Script:
    body = json.dumps(value).encode()
    return answer(status, body, {"content-type": "application/json", **(headers or {})})
