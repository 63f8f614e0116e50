"""Fakes of the chats in which heedful is a bot: its messages can be changed, and stand below one another."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.channels.fakes import Fake, Reply, slack_fault
from tests.channels.rooms import mattermost_fault

SLACK_TOKEN = "xoxb-000000000000-s3cr3tB0tT0ken"
SLACK_CHANNEL = "C0123ABCDEF"
SIGNING_SECRET = "s1gn1ngS3cretOfTheApp0123456789a"
MATTERMOST_TOKEN = "mmb0tacc3sst0ken0123456789"
MATTERMOST_CHANNEL = "channel0123456789abcdefghi"


def _json(status: int, answer: object, **headers: str) -> Reply:
    return status, json.dumps(answer).encode(), headers


class FakeSlackBot(Fake):
    """One workspace with one channel, in which the bot is."""

    may_read = True

    def reply(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        if headers.get("authorization") != f"Bearer {SLACK_TOKEN}":
            return self._refuses("invalid_auth")
        parts = urlsplit(path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        content = json.loads(body) if body else asked
        if content.get("channel") != SLACK_CHANNEL:
            return self._refuses("channel_not_found")
        match parts.path.rpartition("/")[2]:
            case "chat.postMessage":
                return self._post(content)
            case "chat.update":
                return self._update(content)
            case "conversations.history" | "conversations.replies":
                return self._history(content)
        return self._refuses("unknown_method")

    def _post(self, content: dict[str, Any]) -> Reply:
        if not content.get("text"):
            return self._refuses("no_text")
        if content["metadata"]["event_type"] != "heedful_delivery" or (fault := self._fault(content)):
            return self._refuses(fault or "invalid_metadata_format")
        if content.get("thread_ts") and content["thread_ts"] not in self.wall:
            return self._refuses("thread_not_found")
        ts = f"1740823205.{len(self.accepted):06}"
        self.accepted.append(content)
        self.wall[ts] = content
        return _json(200, {"ok": True, "channel": SLACK_CHANNEL, "ts": ts, "message": content})

    def _update(self, content: dict[str, Any]) -> Reply:
        if content["ts"] not in self.wall:
            return self._refuses("message_not_found")
        if fault := self._fault({"unfurl_links": False, "unfurl_media": False, **content}):
            return self._refuses(fault)
        self.wall[content["ts"]] = {**self.wall[content["ts"]], **content}
        return _json(200, {"ok": True, "channel": SLACK_CHANNEL, "ts": content["ts"]})

    def _history(self, asked: dict[str, Any]) -> Reply:
        if not self.may_read:
            return self._refuses("missing_scope")
        root = asked.get("ts")
        found = [
            {"ts": ts, "metadata": each["metadata"]} for ts, each in self.wall.items() if each.get("thread_ts") == root
        ]
        start = int(asked.get("cursor", "0"))
        page = {"ok": True, "messages": found[start : start + 2], "has_more": len(found) > start + 2}
        return _json(200, {**page, "response_metadata": {"next_cursor": str(start + 2) if page["has_more"] else ""}})

    def _fault(self, content: dict[str, Any]) -> str:
        return "invalid_blocks" if slack_fault(content) else ""

    def _refuses(self, word: str) -> Reply:
        return _json(200, {"ok": False, "error": word})


class FakeMattermostBot(Fake):
    """One server with one channel, in which the bot is."""

    def __init__(self) -> None:
        super().__init__()
        self._pending: dict[str, str] = {}

    def reply(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        if headers.get("authorization") != f"Bearer {MATTERMOST_TOKEN}":
            return self._refuses("api.context.session_expired", 401)
        if method == "GET":
            is_ours = path == f"/api/v4/channels/{MATTERMOST_CHANNEL}"
            return _json(200, {"id": MATTERMOST_CHANNEL}) if is_ours else self._refuses("api.context.permissions", 403)
        content = json.loads(body)
        if fault := mattermost_fault(content["message"]):
            return 400, b"", {"x-fault": fault.encode("ascii", "replace").decode()[:200]}
        if method == "PUT":
            return self._patch(path.split("/")[4], content)
        return self._post(content)

    def _post(self, content: dict[str, Any]) -> Reply:
        known = self._pending.get(content["pending_post_id"])
        if known:
            return _json(201, self.wall[known])
        if content["channel_id"] != MATTERMOST_CHANNEL:
            return self._refuses("api.context.permissions", 403)
        if "root_id" in content and content["root_id"] not in self.wall:
            return self._refuses("api.post.create_post.root_id", 400)
        post_id = f"post{len(self.accepted):022}"
        self._pending[content["pending_post_id"]] = post_id
        self.accepted.append(content)
        self.wall[post_id] = {**content, "id": post_id}
        return _json(201, self.wall[post_id])

    def _patch(self, post_id: str, content: dict[str, Any]) -> Reply:
        if post_id not in self.wall:
            return self._refuses("api.context.permissions", 403)
        self.wall[post_id] |= content
        return _json(200, self.wall[post_id])

    def _refuses(self, what: str, status: int) -> Reply:
        return _json(status, {"id": f"{what}.app_error", "message": "…", "status_code": status})
