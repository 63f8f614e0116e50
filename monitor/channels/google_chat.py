"""Google Chat, through a space's incoming webhook: a card, all messages of an alert in one thread.

Source: developers.google.com/workspace/chat, spaces.messages.create, format messages, usage limits; read 2026-11.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from html import escape as entities
from html import unescape
from typing import Annotated, Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, SecretStr

from monitor.channels.base import ChannelSettings, Message
from monitor.channels.layout import Layout, Markup, body, fitted
from monitor.channels.targets import answer_object, post, refusal_object, secret_url
from monitor.errors import Malformed, RemoteError, Unauthorized, Unavailable
from monitor.http import HttpClient
from monitor.model import Notice

MAX_MESSAGE, MAX_TEXT = 28_000, 4_000  # bytes of a message, which may have 32,000; characters of a plain one
_MARKS = re.compile(r"[*_~`]")


def _webhook(url: SecretStr) -> SecretStr:
    secret_url(url)
    parts = urlsplit(url.get_secret_value())
    if not re.fullmatch(r"/v1/spaces/[\w-]+/messages", parts.path) or not {"key", "token"} <= set(
        parse_qs(parts.query)
    ):
        raise ValueError("must be the webhook's own address, whole: .../v1/spaces/<space>/messages?key=...&token=...")
    return url


class GoogleChatSettings(ChannelSettings):
    url: Annotated[SecretStr, AfterValidator(_webhook)]
    """The webhook's URL, whole, with its key and token; a secret: give url_env or url_file."""
    show_private: bool = False
    """Whether the text of private messages is copied into the space."""


@dataclass(frozen=True, slots=True)
class GoogleChat:
    """Posts to one space."""

    settings: GoogleChatSettings
    http: HttpClient

    kind: ClassVar[str] = "google_chat"
    Settings: ClassVar[type[ChannelSettings]] = GoogleChatSettings
    min_gap: ClassVar[timedelta] = timedelta(seconds=1.1)  # one a second for all who write into the space

    def render(self, notice: Notice, now: datetime) -> Message:
        """One message of a line, which telephones show, and a card."""
        payload, is_truncated = fitted(notice, now, _message, _fits, show_private=self.settings.show_private)
        return Message((payload,), is_truncated)

    def send(self, message: Message, delivery_id: str, now: datetime) -> None:  # noqa: ARG002  # it takes no times
        """Post it under the delivery's request id; a card that Google refuses is sent once more as plain text."""
        for payload in message.payloads:
            refused = self._refusal(payload, delivery_id)
            if isinstance(refused, Malformed):
                plain = {**payload, "text": _as_text(payload)}
                del plain["cardsV2"]
                refused = self._refusal(plain, delivery_id)  # of which nothing came: the id is still free
            if refused is not None:
                raise refused

    def check(self) -> None:
        """Post nothing at all: a living webhook refuses that as an empty message, a dead one refuses us.

        Raises: as `send`.
        """
        refused = self._refusal({}, "")
        if refused is not None and not isinstance(refused, Malformed):
            raise refused

    def _refusal(self, payload: Mapping[str, Any], delivery_id: str) -> RemoteError | None:
        option = "&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"  # else a thread's key is ignored
        once = f"&requestId={request_id(delivery_id)}" if delivery_id else ""
        try:
            answer = post(self.http, self.settings.url.get_secret_value() + option + once, _bytes(payload))
        except RemoteError as error:
            return _sorted(error)
        if "name" in answer_object(answer):
            return None
        return Unavailable(f"{answer.shown} answered {answer.status} with something that is not a message")


def request_id(delivery_id: str) -> str:
    """By which Google knows a repetition: the same at every attempt, whichever process makes it."""
    return blake2b(delivery_id.encode("utf-8", "replace"), digest_size=16, person=b"heedful-gchat").hexdigest()


def _sorted(error: RemoteError) -> RemoteError | None:
    if error.status == 409:
        return None  # it has this message already
    if error.status == 400 and "API_KEY_INVALID" in json.dumps(refusal_object(error)):
        return Unauthorized(f"{error} (the webhook's key is not valid)", status=error.status)
    return error


def _message(layout: Layout) -> dict[str, Any]:
    sections = [{"widgets": [{"textParagraph": {"text": text}}]} for text in _paragraphs(body(layout, MARKUP))]
    return {
        "text": escape(layout.title),
        "cardsV2": [{"cardId": "alert", "card": {"sections": sections}}],
        **({"thread": {"threadKey": layout.alert}} if layout.alert else {}),
    }


def _paragraphs(lines: list[str]) -> Iterator[str]:
    paragraph: list[str] = []
    for line in [*lines, ""]:
        if line:
            paragraph.append(line)
        elif paragraph:
            yield "<br>".join(paragraph)
            paragraph = []


def _bytes(payload: Mapping[str, Any]) -> bytes:
    return json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")


def _fits(payload: Mapping[str, Any]) -> bool:
    return len(_bytes(payload)) <= MAX_MESSAGE


def escape(text: str) -> str:
    """Text from outside for a message's own text, which has no escapes: its marks are parted, and so is <users/all>."""
    return _MARKS.sub("\u200b\\g<0>", text).replace("<", "<\u200b")


MARKUP = Markup(
    escape=lambda text: entities(text, quote=False),
    bold="<b>{}</b>".format,
    code=lambda text: f"<b>{entities(text)}</b>",
    quote=lambda text: f"<i>“{entities(text, quote=False)}”</i>",
    link=lambda address: f'<a href="{entities(address)}">open it</a>',
)


def _as_text(payload: Mapping[str, Any]) -> str:
    """The card's own texts below the first line, cut at a line's end."""
    sections = payload["cardsV2"][0]["card"]["sections"]
    texts = [section["widgets"][0]["textParagraph"]["text"] for section in sections]
    lines = [unescape(re.sub("<[^<>]*>", "", line)) for text in texts for line in text.split("<br>")]
    kept, room = [payload["text"]], MAX_TEXT - len(payload["text"])
    for line in map(escape, lines):
        room -= len(line) + 1
        if room < 0:
            return "\n".join([*kept, "…"])
        kept.append(line)
    return "\n".join(kept)
