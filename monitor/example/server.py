"""Serves the simulated platform on loopback, from threads of this process."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

from monitor.example.page import page
from monitor.example.platform import Platform, Reply
from monitor.example.world import World

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_UNREADABLE = Reply(422, {"error": "Validation failed"})


class PlatformServer:
    """Serves until `close`; `world_now` is asked at each request for the world and the present instant."""

    def __init__(self, port: int, world_now: Callable[[], tuple[World, datetime]]) -> None:
        self._http = _Http(("127.0.0.1", port), _Requests)
        self._http.world_now = world_now
        self.port: int = self._http.server_address[1]
        self.base_url = self._http.base_url = f"http://127.0.0.1:{self.port}"
        self._thread = Thread(target=self._http.serve_forever, args=(0.05,), name="example-platform", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; answers under way are finished."""
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    world_now: Callable[[], tuple[World, datetime]]
    base_url: str


class _Requests(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http
    timeout = 30

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        world, now = self.server.world_now()
        if not url.path.startswith("/api/"):
            status, html = page(world.scene(now), url.path)
            self._send(status, "text/html; charset=utf-8", html.encode(), {"Content-Security-Policy": _POLICY})
            return
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            reply = Platform(world.scene(now), world.people, self.server.base_url).answer(url.path, url.query, token)
        except ValueError:  # an id or a limit that is no number
            reply = _UNREADABLE
        body = json.dumps(reply.body, ensure_ascii=False).encode()
        self._send(reply.status, "application/json; charset=utf-8", body, reply.headers)

    def _send(self, status: int, kind: str, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: the daemon's own log says what it read."""
