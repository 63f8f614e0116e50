"""A platform's token endpoint over real HTTP."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import sleep
from typing import Any
from urllib.parse import parse_qsl

CODE = "the-code-of-the-redirect"


class TokenServer:
    """A platform's token endpoint: each refresh token is valid once."""

    def __init__(self) -> None:
        self.valid, self.n, self.status, self.delay_s = "refresh-0", 0, 200, 0.0
        self.asked: list[dict[str, str]] = []
        self.lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/token"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, fields: dict[str, str]) -> tuple[int, dict[str, Any]]:
        with self.lock:
            self.asked.append(fields)
            sleep(self.delay_s)
            if self.status != 200:
                return self.status, {"error": "temporarily_unavailable"}
            given = fields.get("code") if fields["grant_type"] == "authorization_code" else fields.get("refresh_token")
            if given not in (self.valid, CODE):
                return 400, {"error": "invalid_grant", "error_description": f"{fields}"}
            self.n += 1
            self.valid = f"refresh-{self.n}"
            return 200, {
                "access_token": f"access-{self.n}", "refresh_token": self.valid, "token_type": "bearer",
                "expires_in": 3600, "scope": "read write",
            }  # fmt: skip

    def read(self, body: str) -> dict[str, str]:
        """What a request asks with."""
        return dict(parse_qsl(body))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                status, told = server.answer(server.read(body))
                said = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, format: str, *args: object) -> None: ...

        return Handler

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
