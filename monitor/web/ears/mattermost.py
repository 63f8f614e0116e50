"""Mattermost: the slash command /heedful, outgoing webhooks that hear "heedful ...", and buttons below a bot's posts.

Source: developers.mattermost.com, custom slash commands, outgoing webhooks, interactive messages;
github.com/mattermost/mattermost, model/post.go (what of a button the server shows nobody); read 2026-11.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Self

from fastapi import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from monitor.channels.buttons import BY_ACT
from monitor.channels.mattermost import escape
from monitor.core.chat import addressed
from monitor.core.signatures import is_same, press, unguessable
from monitor.flows.chat import Answer, Call
from monitor.http import HttpClient
from monitor.web.ears import base
from monitor.web.ears.base import DOOR, Ear, Heard, inner, read_form, read_object, text_of
from monitor.web.inbound import Refused, Replays

KIND = "mattermost"
MAX_TEXT = 4_000


@dataclass(frozen=True, slots=True)
class MattermostEar(Ear):
    """Hears the commands and outgoing webhooks of these tokens, and presses that only our own buttons can make."""

    tokens: tuple[str, ...]
    secrets: tuple[str, ...]

    kind: ClassVar[str] = KIND

    @classmethod
    def of(cls, settings: Any) -> Self | None:
        found = [getattr(settings, name, None) for name in ("command_token", "callback_secret")]
        tokens, secrets = (tuple(one.get_secret_value().split()) if one else () for one in found)
        return cls(tokens, secrets) if tokens or secrets else None

    def address(self, url: str) -> str:
        told = [f"a slash command /heedful must be told {url}"] if self.tokens else []
        return "; ".join([*told, *([f"callback_url for buttons is {url}"] if self.secrets else [])])

    def believe(self, request: Request, body: bytes, path: str, replays: Replays, now: datetime) -> None:  # noqa: ARG002
        """The token of the command, which stands in the body; of a press, which has none, an address and a MAC."""
        if path:
            if not any(is_same(unguessable(secret, KIND), path) for secret in self.secrets):
                raise Refused(DOOR, "unknown", 404)
            pressed = inner(read_object(body), "context")
            act, alert, mac = (text_of(pressed, name) for name in ("act", "alert", "mac"))
            known = [is_same(press(secret, act, alert), mac) for secret in self.secrets]
        else:
            given = _fields(body).get("token", "")
            known = [is_same(token, given) for token in self.tokens]
        if not any(known):
            raise Refused(DOOR, "signature")

    def hear(self, body: bytes, path: str) -> Heard:
        if path:
            return _pressed(read_object(body))
        fields = _fields(body)
        text, call_id = fields.get("text", ""), fields.get("trigger_id") or fields.get("post_id", "")
        is_command = bool(fields.get("command"))
        words = text if is_command else addressed(text)
        if words is None or not call_id:
            return Heard()
        return Heard(Call(KIND, fields.get("user_id", ""), call_id, words), back={"is_public": not is_command})

    def reply(self, heard: Heard, answer: Answer | None, http: HttpClient) -> Response:  # noqa: ARG002
        """What an outgoing webhook answers everybody sees: strangers, who may be bots, are not answered there."""
        is_public = heard.back.get("is_public")
        if answer is None or (answer.is_stranger and is_public):
            return PlainTextResponse("")
        text = base.fitted(answer.text, MAX_TEXT, escape)
        if heard.back.get("is_press"):
            return JSONResponse({} if answer.is_done else {"ephemeral_text": text})  # the post itself shows it
        kind = "comment" if is_public else "in_channel" if answer.is_done else "ephemeral"
        return JSONResponse({"response_type": kind, "text": text})


def _pressed(said: Mapping[str, Any]) -> Heard:
    pressed = inner(said, "context")
    button, alert, call_id = BY_ACT.get(text_of(pressed, "act")), text_of(pressed, "alert"), text_of(said, "trigger_id")
    if button is None or not alert or not call_id:
        return Heard()
    return Heard(Call(KIND, text_of(said, "user_id"), call_id, button.command(alert), alert), back={"is_press": True})


def _fields(body: bytes) -> dict[str, str]:
    """The fields of a form or of JSON, whichever was sent."""
    if not body.lstrip().startswith(b"{"):
        return read_form(body)
    found = read_object(body)
    return {name: text_of(found, name) for name in found}
