"""Fakes of what rings on telephones: ntfy and Telegram's Bot API, as strict as they are about text and addresses."""

import json
import re
from html.parser import HTMLParser
from typing import Any

from tests.channels.fakes import Fake, Reply

TOPIC = "care-x81hq0zt5m2k"
NTFY_TOKEN = "tk_5ecretntfyaccesstoken0123456"
BOT_TOKEN = "110201543:AAHdqTcvCH1vGWJxfSe_fSAs0K5PALDsaw"
CALLBACK_SECRET = "c4llb4ck-s3cr3t_0123456789"
CHAT = -1001800000001


def _json(status: int, answer: object) -> Reply:
    return status, json.dumps(answer).encode(), {}


class FakeNtfy(Fake):
    """A server that asks for a token; a repetition by its sequence id replaces what it repeats."""

    def reply(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        if headers.get("authorization") != f"Bearer {NTFY_TOKEN}":
            return _json(401, {"code": 40101, "http": 401, "error": "unauthorized"})
        if method == "GET":
            return _json(200, {"success": True}) if path == f"/{TOPIC}/auth" else _json(404, {"code": 40401})
        payload = json.loads(body)
        if path != "/" or payload.pop("topic") != TOPIC:
            return _json(403, {"code": 40301, "http": 403, "error": "forbidden"})
        if fault := ntfy_fault(payload, len(body)):
            return _json(400, {"code": 40017, "http": 400, "error": fault})
        sequence = payload["sequence_id"]
        self.accepted = [shown for shown in self.accepted if shown["sequence_id"] != sequence] + [payload]
        return _json(200, {"id": "hwQ2YpKdmg", "event": "message", "sequence_id": sequence})


def ntfy_fault(payload: dict[str, Any], size: int) -> str:
    """What would be refused, or become a file that nobody opens."""
    if size > 32_768 or not 0 < len(payload["message"].encode()) <= 4_096 or len(payload["title"].encode()) > 250:
        return "too long"
    if "markdown" in payload or payload["priority"] not in range(1, 6) or len(payload.get("actions", [])) > 3:
        return "markdown, priority or actions"
    addresses = [payload.get("click", "https://"), *(action["url"] for action in payload.get("actions", []))]
    if not all(address.startswith(("https://", "http://")) for address in addresses):
        return "a link to nowhere"
    return "" if re.fullmatch("[-_A-Za-z0-9]{1,64}", payload["sequence_id"]) else "the sequence id"


class FakeTelegram(Fake):
    """One bot that is a member of one group."""

    def reply(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        token, _, call = path.removeprefix("/bot").partition("/")
        if token != BOT_TOKEN:
            return self._refuses(404, "Not Found")
        payload = json.loads(body)
        if payload.get("chat_id") != CHAT:
            return self._refuses(400, "Bad Request: chat not found")
        if call == "getChat":
            return _json(200, {"ok": True, "result": {"id": CHAT, "type": "supergroup"}})
        if fault := telegram_fault(payload):
            return self._refuses(400, f"Bad Request: {fault}")
        if call == "editMessageText":
            return self._edited(str(payload["message_id"]), payload)
        self.accepted.append(payload)
        self.wall[str(len(self.accepted))] = payload
        return _json(200, {"ok": True, "result": {"message_id": len(self.accepted)}})

    def _edited(self, message_id: str, payload: dict[str, Any]) -> Reply:
        if message_id not in self.wall:
            return self._refuses(400, "Bad Request: message to edit not found")
        if {**self.wall[message_id], **payload} == self.wall[message_id]:
            return self._refuses(400, "Bad Request: message is not modified: specified new message content …")
        self.wall[message_id] = payload
        return _json(200, {"ok": True, "result": {"message_id": int(message_id)}})

    def _refuses(self, status: int, says: str, **parameters: Any) -> Reply:
        more = {"parameters": parameters} if parameters else {}
        return _json(status, {"ok": False, "error_code": status, "description": says, **more})


class TelegramHtml(HTMLParser):
    """Telegram's HTML: few tags, each closed; what is left is what people see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen, self.fault = "", ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        known = tag in ("b", "code", "blockquote") and not attrs
        address = (attrs[0][1] or "") if tag == "a" and len(attrs) == 1 and attrs[0][0] == "href" else ""
        if not known and not address.startswith(("https://", "http://")):
            self.fault = f"can't parse entities: unsupported start tag {tag}"

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.fault = f"can't parse entities: unexpected end tag {tag}"

    def handle_data(self, data: str) -> None:
        self.seen += data

    def handle_comment(self, data: str) -> None:
        self.fault = "can't parse entities: a comment"

    handle_decl = handle_pi = unknown_decl = handle_comment


def telegram_fault(payload: dict[str, Any]) -> str:
    """What Telegram would refuse, or notify somebody of."""
    seen = payload["text"]
    if payload.get("parse_mode") == "HTML":
        parser = TelegramHtml()
        parser.feed(payload["text"])
        parser.close()
        if parser.fault or parser.open or re.search(r"&(?!amp;|lt;|gt;|quot;|#x27;)", payload["text"]):
            return parser.fault or "can't parse entities: something is open"
        seen = parser.seen
    if not seen.strip() or len(seen.encode("utf-16-le")) // 2 > 4_096:
        return "message is too long"
    rows = payload.get("reply_markup", {}).get("inline_keyboard", [])
    if any(len(row) > 8 or not all(0 < len(each["callback_data"].encode()) <= 64 for each in row) for row in rows):
        return "BUTTON_DATA_INVALID"
    if payload.get("link_preview_options") != {"is_disabled": True}:
        return "links would be previewed"
    return "it names a member" if re.search(r"@\w|(?<![\w/])/\w", re.sub(r"https?://\S+", "", seen)) else ""
