"""Fakes of Google Chat and Rocket.Chat: what they would refuse, ping or misread, these refuse."""

import json
import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.channels.fakes import Fake, Reply

GOOGLE_TOKEN = "g00gleWebhookT0ken_x"
GOOGLE_QUERY = f"key=AIzaSyMadeUpKey&token={GOOGLE_TOKEN}"
ROCKET_TOKEN = "r0cketS3cretT0ken9876543210"


def _json(status: int, answer: object) -> Reply:
    return status, json.dumps(answer).encode(), {}


class FakeGoogleChat(Fake):
    """One space's webhook; a request id that it has seen brings back the first message."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def reply(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        parts = urlsplit(path)
        query = parse_qs(parts.query)
        if parts.path != "/v1/spaces/AAAA1234/messages" or query.get("token") != [GOOGLE_TOKEN]:
            return _json(403, {"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "…"}})
        payload = json.loads(body)
        if not payload:
            return _json(
                400, {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "Message cannot be empty."}}
            )
        if fault := google_fault(payload, len(body), query):
            return _json(400, {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": fault}})
        if query["requestId"][0] not in self.seen:
            self.seen.add(query["requestId"][0])
            self.accepted.append(payload)
        return _json(200, {"name": "spaces/AAAA1234/messages/a.b", "thread": {"name": "spaces/AAAA1234/threads/a"}})


class CardHtml(HTMLParser):
    """The part of a card's HTML that we write."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.is_ours = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        leads_out = tag == "a" and len(attrs) == 1 and (attrs[0][1] or "").startswith(("https://", "http://"))
        self.is_ours &= leads_out or (tag in ("b", "i", "br") and not attrs)
        self.open += [tag] if tag != "br" else []

    def handle_endtag(self, tag: str) -> None:
        self.is_ours &= bool(self.open) and self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        self.is_ours = False


def google_fault(payload: dict[str, Any], size: int, query: dict[str, list[str]]) -> str:
    """What Google Chat would refuse, ping or misread."""
    if size > 32_000 or query.get("messageReplyOption") != ["REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"]:
        return "too large, or in no thread"
    if re.search(r"<(?!\u200b)|(?<!\u200b)[*_~`]", payload["text"]):
        return "markup in the text"
    for card in payload.get("cardsV2", []):
        for section in card["card"]["sections"]:
            parser = CardHtml()
            parser.feed(section["widgets"][0]["textParagraph"]["text"])
            parser.close()
            if not parser.is_ours or parser.open:
                return "markup of a stranger in the card"
    return ""


class FakeRocketChat(Fake):
    """One incoming webhook; an empty body is a success that posts nothing."""

    def reply(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        if path != f"/hooks/5f0c/{ROCKET_TOKEN}":
            return _json(404, {"success": False, "error": "Invalid integration id or token provided."})
        payload = json.loads(body)
        if not payload:
            return _json(200, {"success": True})
        if fault := rocket_fault(payload):
            return _json(400, {"success": False, "error": fault})
        self.accepted.append(payload)
        return _json(200, {"success": True})


def rocket_fault(payload: dict[str, Any]) -> str:
    """What Rocket.Chat would refuse, ping or misread."""
    text = "\n".join([payload["text"], payload["attachments"][0]["text"]])
    if len(text) > 5_000 or payload.get("parseUrls") is not False:
        return "too long, or links would be previewed"
    for ours in (
        r"\[open it\]\(https?://[^\s()<>\[\]]+\)",
        r"`heedful ack \w+`",
        r"\\[*_~`]",
        "[@#<\\[\\](\\\\]\u200b",
    ):
        text = re.sub(ours, "", text)
    text = re.sub(r"(?m)^\*|\*(?=$| ·| on | under |:)", "", text)
    return "markup of a stranger" if re.search(r"[@#<\[\]\\(*_~`]", text) else ""
