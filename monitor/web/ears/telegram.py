"""Telegram: the buttons below our messages, commands to the bot, and answers to its messages.

Source: core.telegram.org/bots/api, setWebhook, CallbackQuery, "Making requests when getting updates"; read 2026-11.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Self

from fastapi import Request
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, PlainTextResponse, Response

from monitor.channels.telegram import escape
from monitor.core.chat import NAME, addressed, is_verb
from monitor.core.signatures import is_same
from monitor.flows.chat import Answer, Call
from monitor.http import HttpClient
from monitor.web.ears import base
from monitor.web.ears.base import DOOR, Ear, Heard, alert_in, inner, read_object, text_of
from monitor.web.inbound import Refused, Replays

KIND = "telegram"
MAX_TEXT, MAX_TOAST = 4_000, 190
_COMMAND = re.compile(r"/(?P<word>[a-z]+)(@\w+)?(?P<rest>\s.*)?", re.IGNORECASE | re.DOTALL | re.ASCII)


@dataclass(frozen=True, slots=True)
class TelegramEar(Ear):
    """Hears one bot."""

    secret: str
    bot_id: str
    api: str

    kind: ClassVar[str] = KIND

    @classmethod
    def of(cls, settings: Any) -> Self | None:
        secret, token = settings.callback_secret, settings.token.get_secret_value()
        api = f"{settings.base_url}/bot{token}"
        return cls(secret.get_secret_value(), token.partition(":")[0], api) if secret else None

    def address(self, url: str) -> str:
        asked = (
            f'{{"url": "{url}", "secret_token": "<callback_secret>", "allowed_updates": ["message", "callback_query"]}}'
        )
        return f"its webhook must be set once: POST {self.api.rpartition('/bot')[0]}/bot<token>/setWebhook {asked}"

    def believe(self, request: Request, body: bytes, path: str, replays: Replays, now: datetime) -> None:  # noqa: ARG002
        """The secret that Telegram was given with the webhook; updates carry no time, their ids are remembered."""
        if path:
            raise Refused(DOOR, "unknown", 404)
        given = request.headers.getlist("x-telegram-bot-api-secret-token")
        if len(given) != 1 or not is_same(self.secret, given[0]):
            raise Refused(DOOR, "signature")

    def hear(self, body: bytes, path: str) -> Heard:  # noqa: ARG002
        update = read_object(body)
        pressed, message, number = inner(update, "callback_query"), inner(update, "message"), update.get("update_id")
        if not isinstance(number, int):
            raise Refused(DOOR, "unreadable", 400)
        call_id = f"{self.bot_id}:{number}"  # updates are counted for each bot
        if not pressed:
            return self._said(call_id, message)
        said = alert_in(text_of(inner(pressed, "message"), "text"))
        call = Call(KIND, text_of(inner(pressed, "from"), "id"), call_id, text_of(pressed, "data"), said)
        return Heard(call, back={"query": text_of(pressed, "id"), "chat": _chat(inner(pressed, "message"))})

    def _said(self, call_id: str, message: Mapping[str, Any]) -> Heard:
        sender, answered = inner(message, "from"), inner(message, "reply_to_message")
        is_ours = text_of(inner(answered, "from"), "id") == self.bot_id
        is_private = text_of(inner(message, "chat"), "type") == "private"
        words = _words(text_of(message, "text"), is_private=is_private, is_meant=is_ours or is_private)
        if sender.get("is_bot") is not False or words is None:
            return Heard()
        alert = alert_in(text_of(answered, "text")) if is_ours else ""
        back = {"chat": _chat(message), "message": message.get("message_id")}
        return Heard(Call(KIND, text_of(sender, "id"), call_id, words, alert), back=back)

    def reply(self, heard: Heard, answer: Answer | None, http: HttpClient) -> Response:
        """Told in the answer to the update itself, so that no further call is needed, but to end a button's waiting."""
        query = heard.back.get("query")
        if answer is None or (answer.is_stranger and query is None):
            return PlainTextResponse("")
        if query is not None and (answer.is_done or len(answer.text) <= MAX_TOAST or not heard.back["chat"]):
            text = base.fitted(answer.text, MAX_TOAST)
            toast = {"callback_query_id": query, "text": text, "show_alert": not answer.is_done}
            return JSONResponse({"method": "answerCallbackQuery", **toast})
        ended = {"callback_query_id": query}
        task = (
            BackgroundTask(base.call, http, KIND, "POST", f"{self.api}/answerCallbackQuery", ended) if query else None
        )
        return JSONResponse({"method": "sendMessage", **_message(heard.back, answer)}, background=task)


def _message(back: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
    message = {"chat_id": back["chat"], "text": base.fitted(answer.text, MAX_TEXT, escape), "parse_mode": "HTML"}
    if back.get("message"):
        message["reply_parameters"] = {"message_id": back["message"], "allow_sending_without_reply": True}
    return {**message, "link_preview_options": {"is_disabled": True}}


def _chat(message: Mapping[str, Any]) -> Any:
    found = inner(message, "chat").get("id")
    return found if isinstance(found, int) else None


def _words(text: str, *, is_private: bool, is_meant: bool) -> str | None:
    """What was said to us: a command, anything in private or below a message of ours, or what begins with our name.

    A group may have other bots, whose commands we get as well.
    """
    command = _COMMAND.fullmatch(text.strip())
    if command:
        word, rest = command["word"].lower(), (command["rest"] or "").strip()
        if word == NAME or (word == "start" and is_private):
            return rest
        return f"{word} {rest}".strip() if is_meant or is_verb(word) else None
    called = addressed(text)
    return called if called is not None or not is_meant else text
