"""Discord: the command /heedful of an application of one's own, and its commands in the menu of a message.

Source: discord.com/developers/docs/interactions: overview, receiving and responding, application commands; read
2026-11.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Self
from urllib.parse import urljoin

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from monitor.channels.discord import escape
from monitor.core.chat import NAME
from monitor.flows.chat import Answer, Call
from monitor.http import HttpClient
from monitor.web.ears import base
from monitor.web.ears.base import DOOR, Ear, Heard, alert_in, inner, read_object, text_of
from monitor.web.inbound import Refused, Replays

KIND = "discord"
MAX_TEXT = 1_900
_PING, _COMMAND = 1, 2  # types of interactions
_TYPED, _ON_MESSAGE = 1, 3  # types of commands
_PONG, _MESSAGE, _LATER = 1, 4, 5  # types of answers
_EPHEMERAL = 64
_REPEATED = "That was heard already."


@dataclass(frozen=True, slots=True)
class DiscordEar(Ear):
    """Hears one application."""

    public_key: bytes
    home: str

    kind: ClassVar[str] = KIND
    patience: ClassVar[float | None] = 2.0  # it gives up after three seconds

    @classmethod
    def of(cls, settings: Any) -> Self | None:
        if not settings.public_key:
            return None
        return cls(bytes.fromhex(settings.public_key), urljoin(settings.url.get_secret_value(), "/api/v10/"))

    def address(self, url: str) -> str:
        return f"its application's Interactions Endpoint URL must be {url}"

    def believe(self, request: Request, body: bytes, path: str, replays: Replays, now: datetime) -> None:
        """An Ed25519 signature over time and body; Discord itself tries wrong ones and wants them refused with 401."""
        given = request.headers.getlist("x-signature-ed25519")
        at = request.headers.getlist("x-signature-timestamp")
        if path:
            raise Refused(DOOR, "unknown", 404)
        if len(given) != 1 or len(at) != 1 or not re.fullmatch("[0-9a-f]{128}", given[0]):
            raise Refused(DOOR, "signature", 401)
        try:
            key = Ed25519PublicKey.from_public_bytes(self.public_key)
            key.verify(bytes.fromhex(given[0]), at[0].encode("utf-8", "surrogatepass") + body)
        except InvalidSignature:
            raise Refused(DOOR, "signature", 401) from None
        base.check_sent(replays, at[0], now)

    def hear(self, body: bytes, path: str) -> Heard:  # noqa: ARG002
        said = read_object(body)
        if said.get("type") == _PING:
            return Heard(pong={"type": _PONG})
        who = text_of(inner(said, "member", "user") or inner(said, "user"), "id")
        call_id = text_of(said, "id")
        words = _words(inner(said, "data")) if said.get("type") == _COMMAND else None
        if words is None or not call_id:
            return Heard(pong={"type": _MESSAGE, "data": _data("I hear only commands.", is_public=False)})
        back = {"application": text_of(said, "application_id"), "token": text_of(said, "token")}
        return Heard(Call(KIND, who, call_id, words, _alert(inner(said, "data"))), back=back)

    def reply(self, heard: Heard, answer: Answer | None, http: HttpClient) -> Response:  # noqa: ARG002
        if heard.pong is not None:
            return JSONResponse(dict(heard.pong))
        return JSONResponse({"type": _MESSAGE, "data": _told(answer)}) if heard.call else PlainTextResponse("")

    def defer(self) -> Response:
        return JSONResponse({"type": _LATER, "data": {"flags": _EPHEMERAL}})

    def follow(self, heard: Heard, answer: Answer | None, http: HttpClient) -> None:
        """Put the answer in the place of the "thinking" that was shown meanwhile."""
        application, token = heard.back["application"], heard.back["token"]
        if re.fullmatch("[0-9]{1,20}", application) and re.fullmatch("[A-Za-z0-9._-]{1,500}", token):
            url = urljoin(self.home, f"webhooks/{application}/{token}/messages/@original")
            told = {name: value for name, value in _told(answer).items() if name != "flags"}
            base.call(http, KIND, "PATCH", url, told)


def _told(answer: Answer | None) -> dict[str, Any]:
    return _data(answer.text if answer else _REPEATED, is_public=answer is not None and answer.is_done)


def _data(text: str, *, is_public: bool) -> dict[str, Any]:
    data: dict[str, Any] = {"content": base.fitted(text, MAX_TEXT, escape), "allowed_mentions": {"parse": []}}
    return data if is_public else {**data, "flags": _EPHEMERAL}


def _words(data: Mapping[str, Any]) -> str | None:
    """What was typed behind /heedful, or the name of the command that was chosen in a message's menu."""
    if data.get("type") == _ON_MESSAGE:
        return text_of(data, "name")
    if data.get("type", _TYPED) != _TYPED or text_of(data, "name") != NAME:
        return None
    options = data.get("options")
    first = options[0] if isinstance(options, list) and options else {}
    return text_of(first, "value")


def _alert(data: Mapping[str, Any]) -> str:
    """The alert that the message is about in whose menu a command was chosen."""
    message = inner(data, "resolved", "messages", text_of(data, "target_id"))
    embeds = message.get("embeds")
    first = embeds[0] if isinstance(embeds, list) and embeds else {}
    return alert_in(text_of(first, "description")) or alert_in(text_of(message, "content"))
