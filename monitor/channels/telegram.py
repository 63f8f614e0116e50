"""Telegram, through a bot: messages in its HTML into one chat, group, topic or channel.

Source: core.telegram.org/bots/api, sendMessage, editMessageText, getChat and formatting options;
core.telegram.org/bots/faq (how many messages); python-telegram-bot, error.py (what refusals say); read 2026-11.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from html import escape as entities
from html import unescape
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, SecretStr

from monitor.channels.base import ChannelSettings, Message, MessageGone
from monitor.channels.buttons import offered
from monitor.channels.layout import Layout, Markup, body, fitted
from monitor.channels.targets import answer_object, post, refusal_object, seconds, server_url, wait_for
from monitor.errors import Gone, RateLimited, RemoteError, Unavailable
from monitor.http import Answer, HttpClient
from monitor.model import Notice

MAX_TEXT = 4_096  # UTF-16 units, counted when the tags are gone
_NAMING = re.compile(r"@|(?<![\w/])/(?=\w)")  # names a member; a command that could be tapped
_GONE = ("chat not found", "group chat was deactivated", "chat was deleted", "PEER_ID_INVALID")
_NOT_CHANGED = ("message to edit not found", "message can't be edited", "MESSAGE_ID_INVALID")
_NO_TOPIC = ("message thread not found", "TOPIC_CLOSED", "TOPIC_DELETED")


def _token(token: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[0-9]+:[\w-]{20,}", token.get_secret_value(), re.ASCII):
        raise ValueError("must be the bot's token, as BotFather gave it: digits, a colon, letters")
    return token


def _chat(chat_id: str) -> str:
    if not re.fullmatch(r"-?[0-9]{1,20}|@[A-Za-z]\w{3,}", chat_id, re.ASCII):
        raise ValueError('must be the id of a chat, such as "-1001234567890", or "@name" of a public channel')
    return chat_id


def _callback(secret: SecretStr) -> SecretStr:
    if not re.fullmatch("[A-Za-z0-9_-]{16,256}", secret.get_secret_value()):
        raise ValueError("must be 16 to 256 letters, digits, - and _")
    return secret


class TelegramSettings(ChannelSettings):
    token: Annotated[SecretStr, AfterValidator(_token)]
    """The bot's token; whoever has it can post as the bot: give token_env or token_file."""
    chat_id: Annotated[str, AfterValidator(_chat)]
    """The chat that is told: its id in quotation marks, or "@name" of a public channel."""
    thread_id: Annotated[int, Field(ge=0)] = 0
    """The topic of a group with topics; 0: none."""
    callback_secret: Annotated[SecretStr, AfterValidator(_callback)] | None = None
    """The secret token given to Telegram with the bot's webhook: with it buttons stand below messages, and what is
    pressed is believed. Give callback_secret_env or callback_secret_file."""
    base_url: Annotated[str, AfterValidator(server_url)] = "https://api.telegram.org"
    """Where the Bot API is."""
    show_private: bool = False
    """Whether the text of private messages is copied into the chat."""


class Telegram:
    """Posts to one Telegram chat."""

    kind: ClassVar[str] = "telegram"
    Settings: ClassVar[type[ChannelSettings]] = TelegramSettings
    min_gap: ClassVar[timedelta] = timedelta(seconds=3)  # a group takes 20 a minute

    def __init__(self, settings: TelegramSettings, http: HttpClient) -> None:
        self.settings, self._http = settings, http
        self._moved_to: int | None = None  # what Telegram calls a group since it became a supergroup

    def render(self, notice: Notice, now: datetime) -> Message:
        """One message of at most 4,096 characters, with buttons where somebody listens to them."""
        text, is_truncated = fitted(notice, now, _text, _fits, show_private=self.settings.show_private)
        payload = {**_silent(), "text": text, "parse_mode": "HTML"}
        if self.settings.callback_secret is not None:
            payload["reply_markup"] = {"inline_keyboard": _keyboard(notice)}
        return Message((payload,), is_truncated)

    def send(self, message: Message, delivery_id: str, now: datetime) -> None:
        """Post it; where the topic is gone into the group itself, and as plain text where our tags are refused."""
        self.post(message, delivery_id, now, "")

    def post(self, message: Message, delivery_id: str, now: datetime, follows: str) -> str:  # noqa: ARG002
        """Post it, as a reply to the message that it follows while that is there."""
        (payload,) = message.payloads
        content = {**self._address(), **payload}
        chat, _, message_id = follows.partition("|")
        if message_id.isdecimal() and chat == str(content["chat_id"]):
            content["reply_parameters"] = {"message_id": int(message_id), "allow_sending_without_reply": True}
        for _ in range(3):  # at most two things can be mended: the address, and the text
            answer, refused = self._called("sendMessage", content, now)
            if refused is None or (mended := self._mended(content, refused)) is None:
                break
            content = mended
        if refused is not None:
            raise refused
        sent = answer.get("result")
        message_id = str(sent.get("message_id", "")) if isinstance(sent, dict) else ""
        return f"{content['chat_id']}|{message_id}" if message_id else ""

    def edit(self, ref: str, message: Message, now: datetime) -> None:
        """Put it in the place of the message, with its buttons: left out, they would vanish."""
        (payload,) = message.payloads
        chat, _, message_id = ref.partition("|")
        address = self._address()["chat_id"]
        if not message_id.isdecimal() or chat != str(address):
            raise MessageGone("the message is in another chat")  # or the group moved, and its messages with it
        content = {"chat_id": address, "message_id": int(message_id), **payload}
        _, refused = self._called("editMessageText", content, now)
        if refused is not None and "can't parse entities" in _says(refused):
            _, refused = self._called("editMessageText", _plain(content), now)
        if refused is None or "message is not modified" in _says(refused):
            return
        word = next((word for word in _NOT_CHANGED if word in _says(refused)), "")
        raise MessageGone(f"{refused} ({word})", status=refused.status) if word else refused

    def check(self) -> None:
        """Ask for the chat: it answers only to a living bot that knows it.

        Raises: as `send`.
        """
        _, refused = self._called("getChat", {"chat_id": self._address()["chat_id"]}, None)
        if refused is not None:
            raise refused

    def _address(self) -> dict[str, Any]:
        chat = self.settings.chat_id
        address: dict[str, Any] = {"chat_id": self._moved_to or (chat if chat.startswith("@") else int(chat))}
        return {**address, "message_thread_id": self.settings.thread_id} if self.settings.thread_id else address

    def _called(
        self, method: str, content: Mapping[str, Any], now: datetime | None
    ) -> tuple[Mapping[str, Any], RemoteError | None]:
        url = f"{self.settings.base_url}/bot{self.settings.token.get_secret_value()}/{method}"
        try:
            answer = post(self._http, url, json.dumps(content).encode())
        except RemoteError as error:
            return {}, _sorted(error, now)
        return answer_object(answer), _no_success(answer)

    def _mended(self, content: Mapping[str, Any], refused: RemoteError) -> dict[str, Any] | None:
        """The same message as Telegram says that it would take it, or None."""
        says = _says(refused)
        moved_to = _parameters(refused).get("migrate_to_chat_id")
        if isinstance(moved_to, int) and moved_to != content["chat_id"]:
            self._moved_to = moved_to
            return {name: value for name, value in content.items() if name != "reply_parameters"} | {
                "chat_id": moved_to
            }
        if "message_thread_id" in content and any(word in says for word in _NO_TOPIC):
            return {name: value for name, value in content.items() if name != "message_thread_id"}
        if "parse_mode" in content and "can't parse entities" in says:
            return _plain(content)
        return None


def _plain(content: Mapping[str, Any]) -> dict[str, Any]:
    others = {name: value for name, value in content.items() if name != "parse_mode"}
    return {**others, "text": _shown(content["text"])}


def _keyboard(notice: Notice) -> list[list[dict[str, str]]]:
    """Two buttons a row; what each sends are the words that a person would type, at most 64 bytes."""
    buttons = [{"text": each.label, "callback_data": each.command(notice.alert_id)} for each in offered(notice)]
    return [buttons[at : at + 2] for at in range(0, len(buttons), 2)]


def _says(error: RemoteError) -> str:
    return str(refusal_object(error).get("description", ""))


def _parameters(error: RemoteError) -> Mapping[str, Any]:
    found = refusal_object(error).get("parameters")
    return found if isinstance(found, dict) else {}


def _sorted(error: RemoteError, now: datetime | None) -> RemoteError:
    if isinstance(error, RateLimited) and now is not None:
        return wait_for(error, seconds(_parameters(error).get("retry_after")), now)
    says = next((word for word in _GONE if error.status == 400 and word in _says(error)), "")
    return Gone(f"{error} ({says})", status=error.status) if says else error


def _no_success(answer: Answer) -> RemoteError | None:
    if answer_object(answer).get("ok") is True:
        return None
    return Unavailable(f"{answer.shown} answered {answer.status} with something that is not Telegram's ok")


def _silent() -> dict[str, Any]:
    return {"link_preview_options": {"is_disabled": True}}  # a hostile link is not previewed in the chat


def _text(layout: Layout) -> str:
    return "\n".join([f"<b>{escape(layout.title)}</b>", *body(layout, MARKUP)])


def _fits(text: str) -> bool:
    return len(_shown(text).encode("utf-16-le", "replace")) // 2 <= MAX_TEXT


def _shown(text: str) -> str:
    """Our own HTML without its tags; an address stands where its link did."""
    linked = re.sub(r'<a href="([^"]*)">[^<]*</a>', r"\1", text)
    return unescape(re.sub("<[^<>]*>", "", linked))


def escape(text: str) -> str:
    """Text from outside as HTML that shows it literally, names no member and offers no command."""
    return entities(_NAMING.sub("\\g<0>\u200b", text), quote=False)


MARKUP = Markup(
    escape=escape,
    bold="<b>{}</b>".format,
    code=lambda text: f"<code>{entities(text)}</code>",
    quote=lambda text: f"<blockquote>{escape(text)}</blockquote>",
    link=lambda address: f'<a href="{entities(address)}">open it</a>',
)
