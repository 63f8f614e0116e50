"""The chat targets of the month over real HTTP: what each accepted and when, one dead for two days, one throttled."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(slots=True)
class Targets:
    """What was accepted, as (channel, instant, payload); `trouble` is what a channel answers at an instant instead."""

    now: Callable[[], datetime]
    trouble: Callable[[str, datetime], tuple[int, str] | None]
    accepted: list[tuple[str, datetime, Any]] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)
    url: str = ""

    def take(self, channel: str, body: bytes) -> tuple[int, str]:
        at = self.now()
        refusal = self.trouble(channel, at)
        if refusal is not None:
            self.refused[channel] = self.refused.get(channel, 0) + 1
            return refusal
        self.accepted.append((channel, at, json.loads(body)))
        return (202, "") if channel == "groupme" else (200, "ok")


@contextmanager
def listening(targets: Targets) -> Iterator[Targets]:
    """The targets, at an address of loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            channel = "groupme" if self.path == "/v3/bots/post" else self.path.strip("/")
            status, text = targets.take(channel, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    targets.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield targets
    finally:
        server.shutdown()
        server.server_close()
