"""A fake Matrix homeserver with one room: it knows repetitions by their transaction id."""

import json
from typing import Any
from urllib.parse import unquote

from tests.channels.fakes import Fake, Reply

MATRIX_TOKEN = "syt_5ecretmatrixaccesstoken_abc"
ROOM = "!room/1:server.example"


def _json(status: int, answer: object) -> Reply:
    return status, json.dumps(answer).encode(), {}


class FakeHomeserver(Fake):
    """Events by their transaction id, as a device's token sent them."""

    is_encrypted = False

    def __init__(self) -> None:
        super().__init__()
        self._event_ids: dict[str, str] = {}

    def reply(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        if headers.get("authorization") != f"Bearer {MATRIX_TOKEN}":
            return _json(401, {"errcode": "M_UNKNOWN_TOKEN", "error": "…", "soft_logout": False})
        parts = path.split("/")
        if parts[:5] != ["", "_matrix", "client", "v3", "rooms"] or unquote(parts[5]) != ROOM:
            return _json(403, {"errcode": "M_FORBIDDEN", "error": "not in the room"})
        if method == "GET":
            encryption = {"algorithm": "m.megolm.v1.aes-sha2"}
            return _json(200, encryption) if self.is_encrypted else _json(404, {"errcode": "M_NOT_FOUND", "error": "…"})
        return self._sent(parts[-1], json.loads(body))

    def _sent(self, transaction: str, event: dict[str, Any]) -> Reply:
        if transaction not in self._event_ids:
            if len(json.dumps(event).encode()) > 60_000:
                return _json(413, {"errcode": "M_TOO_LARGE", "error": "…"})
            if event.get("m.mentions") != {} or not event["body"] or event["format"] != "org.matrix.custom.html":
                return _json(400, {"errcode": "M_BAD_JSON", "error": "somebody could be mentioned"})
            self._event_ids[transaction] = f"$event{len(self.accepted)}"
            self.accepted.append(event)
        return _json(200, {"event_id": self._event_ids[transaction]})
