"""Fake chat targets over real HTTP, as strict as the real ones: what they would refuse, these refuse."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from standardwebhooks import Webhook, WebhookVerificationError

Reply = tuple[int, bytes, dict[str, str]]

TOKEN = "T0000/B0000/s3cr3tH00kT0ken"
BOT_ID = "5ecretb0t1d0123456789abcde"
SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
OLD_SECRET = "whsec_" + "b2xk" * 10


class Fake:
    """A target on loopback. `fail_with` answers everything so until it is taken away; `accepted` is what was posted.

    `wall` is what people see now, by what the target calls each message, where messages can be changed.
    """

    def __init__(self) -> None:
        self.accepted: list[dict[str, Any]] = []
        self.wall: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.fail_with: Reply | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def reply(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(fake) -> type[BaseHTTPRequestHandler]:  # noqa: N805  # two objects, of which this is the outer
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                headers = {name.lower(): value for name, value in self.headers.items()}
                fake.requests.append((self.command, self.path, headers, body))
                status, answer, more = fake.fail_with or fake.reply(self.command, self.path, headers, body)
                self.send_response(status)
                for name, value in {"content-length": str(len(answer)), **more}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer)

            do_GET = do_HEAD = do_PUT = do_PATCH = do_POST  # noqa: N815  # http.server's names

            def log_message(self, *args: object) -> None:
                pass

        return Handler


class FakeSlack(Fake):
    """Accepts what Slack's documented limits and markup allow, for one webhook."""

    def reply(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        if path != f"/services/{TOKEN}":
            return 404, b"no_service", {}
        try:
            payload = json.loads(body)
        except ValueError:
            return 400, b"invalid_payload", {}
        if not payload.get("text"):
            return 400, b"no_text", {}
        fault = slack_fault(payload)
        if fault:
            return 400, b"invalid_blocks", {"x-fault": fault.encode("ascii", "replace").decode()[:200]}
        self.accepted.append(payload)
        return 200, b"ok", {}


def slack_fault(payload: dict[str, Any]) -> str:
    """What Slack would refuse of a message, or "". Pings count as a fault, because none of ours may ping."""
    if payload.get("unfurl_links") is not False or payload.get("unfurl_media") is not False:
        return "links would be unfolded"
    if len(payload["text"]) > 4_000 or len(payload.get("blocks", [])) > 50:
        return "too long"
    faults = [_markup_fault(payload["text"]), *(_block_fault(block) for block in payload.get("blocks", []))]
    return next((fault for fault in faults if fault), "")


def _block_fault(block: dict[str, Any]) -> str:
    match block["type"]:
        case "header":
            return _text_fault(block["text"], "plain_text", 150)
        case "section":
            return _text_fault(block["text"], "mrkdwn", 3_000)
        case "context":
            if not 1 <= len(block["elements"]) <= 10:
                return "a context has 1 to 10 elements"
            return next(filter(None, (_text_fault(text, "mrkdwn", 3_000) for text in block["elements"])), "")
        case "divider":
            return ""
        case "actions":
            return buttons_fault(block)
    return f"no such block: {block['type']}"


def _text_fault(text: dict[str, Any], kind: str, limit: int) -> str:
    if text["type"] != kind or not 1 <= len(text["text"]) <= limit:
        return f"{text['type']} of {len(text['text'])} characters"
    if kind == "mrkdwn" and text.get("verbatim") is not True:
        return "names would be linked"
    return _markup_fault(text["text"])


def _markup_fault(text: str) -> str:
    if set(re.findall(r"&(?!amp;|lt;|gt;)", text)):
        return "a bare ampersand"
    without_links = re.sub(r"<https?://[^\s<>|]+\|open it>", "", text)
    quoted = re.sub(r"^>", "", without_links, flags=re.MULTILINE)
    return "a control sequence" if re.search("[<>]", quoted) else ""


def buttons_fault(block: dict[str, Any]) -> str:
    """What Slack would refuse of a row of buttons, or ""."""
    names = [element["action_id"] for element in block["elements"]]
    if not 1 <= len(names) <= 25 or len(set(names)) != len(names):
        return "the buttons"
    for element in block["elements"]:
        label, value = element["text"]["text"], element["value"]
        if element["type"] != "button" or not 0 < len(label) <= 75 or not re.fullmatch("[0-9a-z]{13}", value):
            return "a button"
    return ""


class FakeGroupMe(Fake):
    """Takes posts of one bot, as bots/post does: 202 and nothing else."""

    def reply(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        if method == "GET":
            return 401, b'{"meta":{"code":401,"errors":["unauthorized"]},"response":null}', {}
        try:
            payload = json.loads(body)
        except ValueError:
            return 400, b'{"meta":{"code":400,"errors":["bad JSON"]},"response":null}', {}
        if payload.get("bot_id") != BOT_ID:
            return 404, b"", {}
        text = payload.get("text", "")
        if not text or len(text) > 1_000 or set(payload) != {"bot_id", "text"}:
            return 400, b'{"meta":{"code":400,"errors":["text is too long"]},"response":null}', {}
        self.accepted.append(payload)
        return 202, b"", {}


class FakeReceiver(Fake):
    """Verifies each message with the standard's own library, and drops what it has seen."""

    secret = SECRET

    def reply(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        if method == "HEAD":
            return 405, b"", {}
        if len(body) > 20_000:
            return 413, b"", {}
        try:
            event = Webhook(self.secret).verify(body, headers)
        except WebhookVerificationError:
            return 401, b"", {}
        self.accepted.append({"id": headers["webhook-id"], **event})
        return 204, b"", {}
