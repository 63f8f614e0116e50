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
            related = event.get("m.relates_to", {})
            shown = event["m.new_content"] if related.get("rel_type") == "m.replace" else event
            if event.get("m.mentions") != {} or _fault(shown, event):
                return _json(400, {"errcode": "M_BAD_JSON", "error": "somebody could be mentioned"})
            self._take(transaction, event, shown, related)
        return _json(200, {"event_id": self._event_ids[transaction]})

    def _take(self, transaction: str, event: dict[str, Any], shown: dict[str, Any], related: dict[str, Any]) -> None:
        self._event_ids[transaction] = f"$event{len(self._event_ids)}"
        if shown is not event:
            if related["event_id"] in self.wall:  # a change of what was deleted is kept, and nobody sees it
                self.wall[related["event_id"]] |= shown
            return
        self.accepted.append(event)
        self.wall[self._event_ids[transaction]] = dict(event)


def _fault(shown: dict[str, Any], event: dict[str, Any]) -> bool:
    is_whole = bool(shown["body"]) and shown["format"] == "org.matrix.custom.html" and shown["m.mentions"] == {}
    return not is_whole or (shown is not event and "m.relates_to" in shown)
