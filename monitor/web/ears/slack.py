"""Slack: the buttons below our messages, and the slash command /heedful.

Source: docs.slack.dev, verifying requests from Slack, handling user interaction, slash commands; read 2026-11.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from fastapi import Request
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, PlainTextResponse, Response

from monitor.channels import render
from monitor.channels.buttons import BY_ACT
from monitor.channels.slack_blocks import escape
from monitor.core.signatures import is_same
from monitor.flows.chat import Answer, Call
from monitor.http import HttpClient
from monitor.web.ears import base
from monitor.web.ears.base import DOOR, Ear, Heard, inner, read_form, read_object, text_of
from monitor.web.inbound import Refused, Replays

KIND = "slack"
MAX_TEXT = 3_000
_ID = re.compile("[0-9a-z]{4,13}")
_HOSTS = (".slack.com", ".slack-gov.com")


@dataclass(frozen=True, slots=True)
class SlackEar(Ear):
    """Hears one Slack app."""

    secrets: tuple[str, ...]

    kind: ClassVar[str] = KIND
    patience: ClassVar[float | None] = 2.0  # it gives up after three seconds

    @classmethod
    def of(cls, settings: Any) -> Self | None:
        secrets = settings.signing_secret.get_secret_value().split() if settings.signing_secret else []
        return cls(tuple(secrets)) if secrets else None

    def address(self, url: str) -> str:
        return f"its app must be told {url}: under Interactivity, and as the URL of a slash command /heedful"

    def believe(self, request: Request, body: bytes, path: str, replays: Replays, now: datetime) -> None:
        """`v0=` and the HMAC over version, time and body; nothing older than five minutes."""
        given = request.headers.getlist("x-slack-signature")
        at = request.headers.getlist("x-slack-request-timestamp")
        if path:
            raise Refused(DOOR, "unknown", 404)
        if len(given) != 1 or len(at) != 1:
            raise Refused(DOOR, "signature")
        signed = [self._signed(at[0], body, secret, given[0]) for secret in self.secrets]
        if not any(signed):
            raise Refused(DOOR, "signature")
        base.check_sent(replays, at[0], now)

    def _signed(self, at: str, body: bytes, secret: str, given: str) -> bool:
        text = b"v0:" + at.encode("utf-8", "surrogatepass") + b":" + body
        return is_same("v0=" + hmac.new(secret.encode(), text, sha256).hexdigest(), given)

    def hear(self, body: bytes, path: str) -> Heard:  # noqa: ARG002
        form = read_form(body)
        if "payload" in form:
            return _pressed(read_object(form["payload"].encode("utf-8", "surrogatepass")))
        if form.get("ssl_check") == "1":
            return Heard(pong={})
        said = Call(KIND, form.get("user_id", ""), form.get("trigger_id", ""), form.get("text", ""))
        return Heard(said if form.get("command") and said.id else None, back={"url": form.get("response_url", "")})

    def reply(self, heard: Heard, answer: Answer | None, http: HttpClient) -> Response:
        """A command is answered in its own answer; a press by what the message shows, or beside it."""
        if answer is None or not (is_press := heard.back.get("is_press")):
            return PlainTextResponse("") if answer is None else JSONResponse(_body(answer))
        is_seen = is_press and answer.is_done  # the message itself shows it
        task = None if is_seen else BackgroundTask(self.follow, heard, answer, http)
        return PlainTextResponse("", background=task)

    def follow(self, heard: Heard, answer: Answer | None, http: HttpClient) -> None:
        """Answer at the address that came with what was said: only one of Slack's own."""
        url = heard.back.get("url", "")
        if answer is not None and is_slacks(url):
            base.call(http, KIND, "POST", url, _body(answer), public=True)


def is_slacks(url: str) -> bool:
    """Whether an address that came from outside is one of Slack's."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    is_plain = parts.scheme == "https" and port in (None, 443) and not parts.username and not parts.password
    return is_plain and (parts.hostname or "").endswith(_HOSTS)


def _pressed(payload: Mapping[str, Any]) -> Heard:
    actions = payload.get("actions")
    action = actions[0] if isinstance(actions, list) and actions and isinstance(actions[0], dict) else {}
    button, alert, at = BY_ACT.get(text_of(action, "action_id")), text_of(action, "value"), text_of(action, "action_ts")
    if payload.get("type") != "block_actions" or button is None or not at or not _ID.fullmatch(alert):
        return Heard()
    call = Call(KIND, text_of(inner(payload, "user"), "id"), f"{at}:{button.act}:{alert}", button.command(alert), alert)
    return Heard(call, back={"url": text_of(payload, "response_url"), "is_press": True})


def _body(answer: Answer) -> dict[str, Any]:
    short = render.Shortener()
    kind = "in_channel" if answer.is_done else "ephemeral"
    text = base.fitted(answer.text, MAX_TEXT, lambda line: escape(line, 10 * MAX_TEXT, short))
    return {
        "response_type": kind,
        "replace_original": False,
        "text": text,
        "unfurl_links": False,  # a hostile link is not previewed in the room
        "unfurl_media": False,
    }
