"""Fakes of what wakes people: PagerDuty's and Opsgenie's APIs, which know what is open by a key of ours."""

import json
from typing import Any
from urllib.parse import urlsplit

from tests.channels.fakes import Fake, Reply

ROUTING_KEY = "R0ut1ngS3cretKey0123456789abcdef"
GENIE_KEY = "43a29c5c-s3cr-4e7b-k3y0-0123456789ab"


def _json(status: int, answer: object) -> Reply:
    return status, json.dumps(answer).encode(), {}


class FakePagerDuty(Fake):
    """One service; `open` says how each incident stands."""

    def __init__(self) -> None:
        super().__init__()
        self.open: dict[str, str] = {}

    def reply(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        event = json.loads(body)
        if event.get("routing_key") != ROUTING_KEY:
            return _json(400, {"status": "invalid event", "errors": ["Invalid routing key"]})
        action, key = event["event_action"], event["dedup_key"]
        if path != "/v2/enqueue" or not 0 < len(key) <= 255 or len(body) > 512_000 or self._fault(event):
            return _json(400, {"status": "invalid event", "message": "Event object is invalid", "errors": ["…"]})
        success = _json(202, {"status": "success", "message": "Event processed", "dedup_key": key})
        if action != "trigger" and key == "heedful-check":
            return success
        self.accepted.append(event)
        if action == "resolve":
            self.open.pop(key, None)
        elif action == "trigger" or key in self.open:
            self.open[key] = "acknowledged" if action == "acknowledge" else self.open.get(key, "triggered")
        return success

    def _fault(self, event: dict[str, Any]) -> bool:
        payload = event.get("payload", {})
        if event["event_action"] == "trigger" or payload:
            is_known = payload.get("severity") in ("critical", "error", "warning", "info")
            return not (0 < len(payload["summary"]) <= 1_024 and payload["source"] and is_known)
        return event["event_action"] not in ("acknowledge", "resolve")


class FakeOpsgenie(Fake):
    """One account; `open` says how each alert stands, by its alias."""

    def __init__(self) -> None:
        super().__init__()
        self.open: dict[str, dict[str, Any]] = {}

    def reply(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        if headers.get("authorization") != f"GenieKey {GENIE_KEY}":
            return _json(403, {"message": "Key format is not valid!"})
        content, parts = json.loads(body), urlsplit(path)
        if len(content.get("message", "")) > 130 or max(map(len, map(str, content.values())), default=0) > 15_000:
            return _json(422, {"message": "Request body is not processable."})
        alias, _, act = parts.path.removeprefix("/v2/alerts").lstrip("/").partition("/")
        accepted = _json(202, {"result": "Request will be processed", "took": 0.3, "requestId": "43a29c5c"})
        if alias == "heedful-check":
            return accepted
        if alias and parts.query != "identifierType=alias":
            return _json(404, {"message": "Alert does not exist"})
        path = f"/{alias}/{act}?{parts.query}" if alias else ""
        alias = alias or content["alias"]
        self.accepted.append({"method": method, "alias": alias, "path": path, "body": content})
        if act == "close":
            self.open.pop(alias, None)
        elif not act:
            self.open.setdefault(alias, {**content, "status": "open"})
        elif alias in self.open:
            self.open[alias] |= {"status": "acked"} if act == "acknowledge" else content
        return accepted
