"""ntfy: a push message to the telephones that are subscribed to a topic; ntfy.sh or a server of one's own.

Source: github.com/binwiederhier/ntfy, docs/publish.md, server/errors.go and server/server.go; read 2026-11. The text is
plain, and nothing in it can ping.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, SecretStr

from monitor.channels.base import ChannelSettings, Message
from monitor.channels.layout import PLAIN, Layout, body, fitted
from monitor.channels.targets import answer_object, post, refusal_object, server_url
from monitor.core.text import excerpt
from monitor.errors import Gone, RateLimited, RemoteError, Unauthorized, Unavailable
from monitor.http import HttpClient
from monitor.model import Notice, Severity

MAX_MESSAGE, MAX_TITLE = 4_096, 250  # bytes; what is longer becomes an attached file, which nobody opens
MAX_ACTIONS = 3
_PRIORITIES = {Severity.CRISIS: 5, Severity.HIGH: 4, Severity.MEDIUM: 3, Severity.LOW: 2}
_TAGS = {Severity.CRISIS: "rotating_light", Severity.HIGH: "warning", Severity.MEDIUM: "speech_balloon"}

_ERRORS: Mapping[object, type[RemoteError]] = {
    40009: Gone,  # the topic is invalid
    40010: Gone,  # or not allowed
    42909: Unauthorized,  # too many failed sign-ins: the server no longer listens to this address
    50701: Gone,  # a topic that begins with "up" has nobody who listens
}
_DAILY = (42905, 42908)  # the day's bandwidth or messages are used up


def _topic(topic: SecretStr) -> SecretStr:
    if not re.fullmatch("[-_A-Za-z0-9]{1,64}", topic.get_secret_value()):
        raise ValueError("must be a topic: up to 64 letters, digits, - and _")
    return topic


def _token(token: SecretStr) -> SecretStr:
    if not re.fullmatch("[!-~]+", token.get_secret_value()):
        raise ValueError("must be an access token, as the server gave it")
    return token


class NtfySettings(ChannelSettings):
    topic: Annotated[SecretStr, AfterValidator(_topic)]
    """The topic; where anybody may read, its name is the only secret: give topic_env or topic_file."""
    token: Annotated[SecretStr, AfterValidator(_token)] | None = None
    """An access token (tk_...) that may write to the topic, where the server asks for one: token_env or token_file."""
    base_url: Annotated[str, AfterValidator(server_url)] = "https://ntfy.sh"
    """Where the server is."""
    show_private: bool = False
    """Whether the text of private messages is sent to the telephones."""


@dataclass(frozen=True, slots=True)
class Ntfy:
    """Publishes to one topic."""

    settings: NtfySettings
    http: HttpClient

    kind: ClassVar[str] = "ntfy"
    Settings: ClassVar[type[ChannelSettings]] = NtfySettings
    min_gap: ClassVar[timedelta] = timedelta(seconds=1)

    def render(self, notice: Notice, now: datetime) -> Message:
        """One message of at most 4,096 bytes, as urgent on the telephone as the alert is."""
        payload, is_truncated = fitted(notice, now, _message, _fits, show_private=self.settings.show_private)
        return Message((payload,), is_truncated)

    def send(self, message: Message, delivery_id: str, now: datetime) -> None:
        """Publish it; servers from 2.16 on show a repetition in the place of the first, by its sequence id."""
        for payload in message.payloads:
            content = {
                "topic": self.settings.topic.get_secret_value(),
                "sequence_id": sequence_id(delivery_id),
                **payload,
            }
            refused = self._refusal(content, now)
            if refused is not None:
                raise refused

    def check(self) -> None:
        """Ask whether our token is known; whether it may write, only a message shows.

        Raises: as `send`.
        """
        url = f"{self.settings.base_url}/{self.settings.topic.get_secret_value()}/auth"
        refused: RemoteError | None = None
        try:
            self.http.request("GET", url, headers=self._headers(), secret_path=True)
        except RemoteError as error:
            refused = error
        if refused is not None and refused.status != 403:  # one that may write need not be allowed to read
            raise refused

    def _refusal(self, content: Mapping[str, Any], now: datetime) -> RemoteError | None:
        try:
            # JSON goes to the root: the topic's own address would show it as text.
            answer = post(self.http, f"{self.settings.base_url}/", json.dumps(content).encode(), self._headers())
        except RemoteError as error:
            return _sorted(error, now)
        if "id" in answer_object(answer):
            return None
        return Unavailable(f"{answer.shown} answered {answer.status} with something that is not ntfy's")

    def _headers(self) -> Mapping[str, str]:
        token = self.settings.token
        return {"authorization": f"Bearer {token.get_secret_value()}"} if token else {}


def sequence_id(delivery_id: str) -> str:
    """The id by which a telephone knows a repetition: the same whichever process sends it."""
    return blake2b(delivery_id.encode("utf-8", "replace"), digest_size=12, person=b"heedful-ntfy").hexdigest()


def _sorted(error: RemoteError, now: datetime) -> RemoteError:
    code = refusal_object(error).get("code")
    if code in _DAILY:
        tomorrow = (now.astimezone(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return RateLimited(
            f"{error} ({code}: the day's quota)", retry_at=error.retry_at or tomorrow, status=error.status
        )
    return _ERRORS[code](f"{error} ({code})", status=error.status) if code in _ERRORS else error


def _message(layout: Layout) -> dict[str, Any]:
    links = [(telling.name, telling.link) for telling in layout.threads if telling.link]
    links += [line for part in layout.sections for line in part.lines if line[1]]
    payload: dict[str, Any] = {
        "title": layout.title,
        "message": "\n".join(body(layout, PLAIN)),
        "priority": _PRIORITIES[Severity.LOW] if layout.is_resolved else _PRIORITIES[layout.severity],
        "tags": ["white_check_mark"] if layout.is_resolved else [_TAGS.get(layout.severity, "information_source")],
    }
    if links:
        payload["click"] = links[0][1]
        views = [
            {"action": "view", "label": f"Open: {excerpt(name, 20)}", "url": link} for name, link in links[:MAX_ACTIONS]
        ]
        payload["actions"] = views
    return payload


def _fits(payload: Mapping[str, Any]) -> bool:
    return _size(payload["message"]) <= MAX_MESSAGE and _size(payload["title"]) <= MAX_TITLE


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
