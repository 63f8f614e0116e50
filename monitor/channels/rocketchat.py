"""Rocket.Chat, through an incoming webhook: a line, and all the rest in an attachment.

Source: docs.rocket.chat, incoming webhook integrations; github.com/RocketChat/Rocket.Chat,
apps/meteor/app/integrations/server/api/api.ts (an empty body is a success that posts nothing); read 2026-11.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr

from monitor.channels.base import ChannelSettings, Message
from monitor.channels.layout import Layout, Markup, body, fitted
from monitor.channels.targets import answer_object, post, refusal_object, seconds, secret_url, wait_for
from monitor.errors import Gone, Malformed, RateLimited, RemoteError, Unavailable
from monitor.http import HttpClient
from monitor.model import Notice, Severity

MAX_TEXT = 4_000  # a server takes 5,000 unless its administrator says otherwise
_COLOURS = {Severity.CRISIS: "#B00020", Severity.HIGH: "#E65100", Severity.MEDIUM: "#1565C0", Severity.LOW: "#607D8B"}
_RESOLVED = "#2E7D32"
_MARKS = re.compile(r"[*_~`]")
# Parted and not escaped: behind a backslash, brackets would begin a formula.
_PARTED = re.compile(r"[@#<\[\](\\]")
_GONE = ("invalid-channel", "error-room-not-found", "error-invalid-room", "error-invalid-channel")


def _hook(url: SecretStr) -> SecretStr:
    secret_url(url)
    if not re.search(r"/hooks/\w+(/\w+){1,2}/?$", urlsplit(url.get_secret_value()).path, re.ASCII):
        raise ValueError("must be the webhook's own address: https://<server>/hooks/<id>/<token>")
    return url


class RocketChatSettings(ChannelSettings):
    url: Annotated[SecretStr, AfterValidator(_hook)]
    """The incoming webhook's URL (https://<server>/hooks/<id>/<token>); a secret: give url_env or url_file."""
    show_private: bool = False
    """Whether the text of private messages is copied into the channel."""


@dataclass(frozen=True, slots=True)
class RocketChat:
    """Posts to one Rocket.Chat channel."""

    settings: RocketChatSettings
    http: HttpClient

    kind: ClassVar[str] = "rocketchat"
    Settings: ClassVar[type[ChannelSettings]] = RocketChatSettings
    min_gap: ClassVar[timedelta] = timedelta(seconds=6)  # ten a minute, where the administrator left it at that

    def render(self, notice: Notice, now: datetime) -> Message:
        """One message of at most 4,000 characters."""
        payload, is_truncated = fitted(notice, now, _message, _fits, show_private=self.settings.show_private)
        return Message((payload,), is_truncated)

    def send(self, message: Message, delivery_id: str, now: datetime) -> None:  # noqa: ARG002  # a webhook takes no id
        """Post it."""
        for payload in message.payloads:
            refused = self._refusal(payload, now)
            if refused is not None:
                raise refused

    def check(self) -> None:
        """Post nothing at all: a living webhook calls that a success, a dead one refuses us.

        Raises: as `send`.
        """
        refused = self._refusal({}, datetime.now(UTC))
        if refused is not None:
            raise refused

    def _refusal(self, payload: Mapping[str, Any], now: datetime) -> RemoteError | None:
        try:
            answer = post(self.http, self.settings.url.get_secret_value(), json.dumps(payload).encode())
        except RateLimited as error:
            return wait_for(error, _pause(error, now), now)
        except RemoteError as error:
            return _sorted(error, refusal_object(error))
        says = answer_object(answer)
        if says.get("success") is True:
            return None
        if says.get("success") is False:  # some failures come with a status of 200
            return _sorted(Malformed(f"{answer.shown} did not take it", status=answer.status), says)
        return Unavailable(f"{answer.shown} answered {answer.status} with something that is not Rocket.Chat's")


def _sorted(error: RemoteError, says: Mapping[str, Any]) -> RemoteError:
    named = f"{says.get('error', '')} {says.get('errorType', '')}"
    word = next((word for word in _GONE if isinstance(error, Malformed) and word in named), "")
    return Gone(f"{error} ({word})", status=error.status) if word else error


def _pause(error: RateLimited, now: datetime) -> timedelta | None:
    """By the header, which is an instant in milliseconds, or by the words of the body."""
    at = error.headers.get("x-ratelimit-reset", "")
    if re.fullmatch("[0-9]{13}", at):
        return seconds(max(0.0, int(at) / 1_000 - now.timestamp()))
    found = re.search(r"wait ([0-9]{1,6}) seconds", str(refusal_object(error).get("error", "")))
    return seconds(found[1]) if found else None


def _message(layout: Layout) -> dict[str, Any]:
    colour = _RESOLVED if layout.is_resolved else _COLOURS[layout.severity]
    attachment = {"color": colour, "text": "\n".join(body(layout, MARKUP))}
    return {"text": f"*{escape(layout.title)}*", "attachments": [attachment], "parseUrls": False}


def _fits(payload: Mapping[str, Any]) -> bool:
    return len(payload["text"]) + len(payload["attachments"][0]["text"]) <= MAX_TEXT


def escape(text: str) -> str:
    """Text from outside that is shown literally, makes no link and names neither people nor rooms."""
    return _MARKS.sub(r"\\\g<0>", _PARTED.sub("\\g<0>\u200b", text))


def _link(address: str) -> str:
    quoted = re.sub(r"[()<>\[\]\\`*|]", lambda found: f"%{ord(found[0]):02X}", address)
    return f"[open it]({quoted})"


MARKUP = Markup(
    escape=escape,
    bold="*{}*".format,
    code=lambda text: f"`{text.replace('`', '')}`",
    quote=lambda text: f"> {escape(text)}",
    link=_link,
)
