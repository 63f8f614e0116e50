"""Fakes of the chat rooms that take markdown or cards: what the real ones would refuse or misread, these refuse."""

import json
import re
from typing import Any

from tests.channels.fakes import Fake, Reply

DISCORD_TOKEN = "d1sc0rd-S3cr3t_t0ken"
MATTERMOST_KEY = "mm5ecretkey0123456789abcde"
NAMED = re.compile(r"@(?!\u200b)\w")


def _json(status: int, answer: object, **headers: str) -> Reply:
    return status, json.dumps(answer).encode(), headers


def markdown_fault(text: str, *ours: str) -> str:
    """What of a text is markup and not ours, or "". An escaped character is taken out, and so is what `ours` match."""
    for pattern in (r"\\[!-/:-@\[-`{-~]", r"`heedful ack \w+`", *ours):
        text = re.sub(pattern, "", text, flags=re.MULTILINE)
    found = re.search(r"[\\*_`~<>\[\]|#]", text)
    return f"markup of a stranger: {text[max(0, found.start() - 30) : found.end() + 30]}" if found else ""


class FakeDiscord(Fake):
    """One webhook, by Discord's documented limits."""

    remaining = 4

    def reply(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        address, _, query = path.partition("?")
        if address != f"/api/webhooks/100200300400500600/{DISCORD_TOKEN}":
            return _json(404, {"message": "Unknown Webhook", "code": 10015})
        if method == "GET":
            return _json(200, {"id": "100200300400500600", "channel_id": "7", "name": "heedful"})
        payload = json.loads(body)
        fault = "not waited for" if "wait=true" not in query else discord_fault(payload)
        if fault:
            return _json(400, {"code": 50035, "message": "Invalid Form Body"})
        self.accepted.append(payload)
        bucket = {"x-ratelimit-remaining": str(self.remaining), "x-ratelimit-reset-after": "1.5"}
        return 200, b'{"id": "900", "channel_id": "7"}', bucket


def discord_fault(payload: dict[str, Any]) -> str:
    """What Discord would refuse of a message, or show otherwise than we mean it."""
    if payload.get("allowed_mentions") != {"parse": []}:
        return "somebody could be pinged"
    if set(payload) == {"allowed_mentions", "content"}:
        return "" if 0 < len(payload["content"]) <= 2_000 else "content"
    (embed,) = payload["embeds"]
    if not 0 < len(embed["title"]) <= 256 or not 0 < len(embed["description"]) <= 4_096:
        return "too long"
    if len(embed["title"]) + len(embed["description"]) > 6_000 or not 0 <= embed["color"] <= 0xFFFFFF:
        return "too long, or no colour"
    if NAMED.search(re.sub(r"\]\(<[^>]*>\)", "", embed["title"] + embed["description"])):
        return "names somebody"
    ours = (r"\[open it\]\(<https?://[^\s<>()]+>\)", r"^> ", r"^\*\*|\*\*(?=$| ·| on | under |:)")
    return markdown_fault(embed["title"]) or markdown_fault(embed["description"], *ours)


class FakeMattermost(Fake):
    """One incoming webhook; checks in the order of the real server."""

    def reply(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        payload = json.loads(body)
        if not payload.get("text"):
            return self._refuses("text", 400)
        if path != f"/sub/hooks/{MATTERMOST_KEY}":
            return self._refuses("invalid", 400)
        if "channel" in payload:
            return self._refuses("channel", 404)
        if fault := mattermost_fault(payload["text"]):
            return 400, b"", {"x-fault": fault.encode("ascii", "replace").decode()[:200]}
        self.accepted.append(payload)
        return 200, b"ok", {"content-type": "text/plain"}

    def _refuses(self, what: str, status: int) -> Reply:
        return _json(status, {"id": f"web.incoming_webhook.{what}.app_error", "message": "…", "status_code": status})


def mattermost_fault(text: str) -> str:
    """What of a post would name somebody, or be read as markup that is not ours."""
    if len(text) > 4_000:
        return "it would be split"
    visible = re.sub(r"\[open it\]\([^\s()]+\)", "", text)
    if NAMED.search(visible) or re.search(r"~(?!\u200b)\w|<[!@]", visible):
        return "names somebody"
    if re.search(r"^> .*\n.", visible, re.MULTILINE):
        return "a quotation that goes on"
    return markdown_fault(visible, r"^#### ", r"^> ", r"^\*\*|\*\*(?=$| ·| on | under |:)")
