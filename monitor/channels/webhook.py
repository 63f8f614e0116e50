"""Any URL, by Standard Webhooks: signed JSON that a program can act upon. docs/channels/webhook.md is its contract.

Source: github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md, 1.0.0.
"""

import hmac
import json
from base64 import b32encode, b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b, sha256
from math import isfinite
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, SecretStr, model_validator

from monitor.channels import render
from monitor.channels.base import ChannelSettings, Message
from monitor.channels.targets import check_url, post
from monitor.errors import RemoteError, Unavailable
from monitor.http import HttpClient
from monitor.model import Notice, PlaybookBrief, Reason, Section, ThreadBrief, show_id

MAX_BODY = 20_000  # bytes that the standard advises to stay under
_MAX_STRING, _MAX_THREADS, _MAX_STRINGS = 2_000, 20, 20


def _key(secret: SecretStr) -> SecretStr:
    try:
        key = _decoded(secret)
    except ValueError:
        key = b""
    if not 24 <= len(key) <= 64:
        raise ValueError('must be "whsec_" followed by 24 to 64 bytes in base64')
    return secret


def _decoded(secret: SecretStr) -> bytes:
    return b64decode(secret.get_secret_value().removeprefix("whsec_"), validate=True)


class WebhookSettings(ChannelSettings):
    url: SecretStr
    """Where alerts are posted; it may hold a secret, so give it as url_env or url_file."""
    secret: Annotated[SecretStr, AfterValidator(_key)]
    """The signing secret that the receiver knows too: whsec_ and base64. Give it as secret_env or secret_file."""
    previous_secret: Annotated[SecretStr, AfterValidator(_key)] | None = None
    """The secret before this one; while it stands here each message is signed with both, so that you can rotate."""
    allow_private: bool = False
    """Whether the URL may lead to a private address or be plain http (a receiver on your own network)."""
    show_private: bool = False
    """Whether the text of private messages is sent along."""

    @model_validator(mode="after")
    def _url_is_fit(self) -> "WebhookSettings":
        check_url(self.url.get_secret_value(), plain_http=self.allow_private)
        return self


@dataclass(frozen=True, slots=True)
class Webhook:
    """Posts to one URL."""

    settings: WebhookSettings
    http: HttpClient

    kind: ClassVar[str] = "webhook"
    Settings: ClassVar[type[ChannelSettings]] = WebhookSettings
    min_gap: ClassVar[timedelta] = timedelta(0)

    def render(self, notice: Notice, now: datetime) -> Message:
        """The notice as JSON, below 20 KB; texts as they were written, not escaped."""
        return render_event(notice, now, show_private=self.settings.show_private)

    def send(self, message: Message, delivery_id: str, now: datetime) -> None:
        """Post it signed; the webhook-id is the same at every attempt, so that the receiver can drop repeats."""
        for payload in message.payloads:
            # Serialised once: these very bytes are signed and sent.
            body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
            headers = self._signed(message_id(delivery_id), now, body)
            is_public = not self.settings.allow_private
            post(self.http, self.settings.url.get_secret_value(), body, headers, public_only=is_public)

    def check(self) -> None:
        """Say whether anything answers there; whether it accepts our signature, only a message shows.

        Raises: Unavailable or Gone.
        """
        url, is_public = self.settings.url.get_secret_value(), not self.settings.allow_private
        failure: RemoteError | None = None
        try:
            self.http.request("HEAD", url, secret_path=True, public_only=is_public)
        except RemoteError as error:
            failure = error
        if isinstance(failure, Unavailable) and failure.status is None and "open internet" in str(failure):
            raise Unavailable(f"{failure}; allow_private = true allows it", was_sent=False)
        if failure is not None and (failure.status is None or failure.status == 410 or 501 != failure.status >= 500):
            raise failure  # any other status is an answer: HEAD need not be allowed there

    def _signed(self, sent_id: str, now: datetime, body: bytes) -> Mapping[str, str]:
        at = str(int(now.timestamp()))
        content = f"{sent_id}.{at}.".encode() + body
        secrets = [self.settings.secret, self.settings.previous_secret]
        signatures = [sign(_decoded(secret), content) for secret in secrets if secret is not None]
        return {"webhook-id": sent_id, "webhook-timestamp": at, "webhook-signature": " ".join(signatures)}


def sign(key: bytes, content: bytes) -> str:
    """One entry of the webhook-signature header."""
    return "v1," + b64encode(hmac.digest(key, content, sha256)).decode()


def message_id(delivery_id: str) -> str:
    """The webhook-id of a delivery: the same whichever process sends it, and without a dot whatever the id holds."""
    digest = blake2b(delivery_id.encode("utf-8", "replace"), digest_size=15, person=b"heedful-webhook")
    return "msg_" + b32encode(digest.digest()).decode().lower()


def render_event(notice: Notice, now: datetime, *, show_private: bool = False) -> Message:
    """The notice with as many of its threads, and of the lines of its sections, as fit."""
    n_threads, n_lines, length = min(_MAX_THREADS, len(notice.threads)), _MAX_STRINGS, _MAX_STRING
    while True:
        event = _Event(notice, now, show_private, length, n_lines)
        payload = event.payload(n_threads)
        size = len(json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))
        if size <= MAX_BODY:
            is_truncated = event.has_cut or n_threads < max(len(notice.threads), notice.n_threads)
            payload["data"]["is_truncated"] = is_truncated
            return Message((payload,), is_truncated)
        if n_threads > 1 or (n_lines > 1 and notice.sections):
            n_threads, n_lines = max(min(1, n_threads), n_threads // 2), max(1, n_lines // 2)
        else:
            length //= 2


class _Event:
    """One try at writing a notice as JSON: strings of at most `length` characters, sections of `n_lines` lines."""

    def __init__(self, notice: Notice, now: datetime, show_private: bool, length: int, n_lines: int) -> None:
        self._notice, self._now, self._show_private, self._length = notice, now, show_private, length
        self._n_lines = n_lines
        self.has_cut = False

    def payload(self, n_threads: int) -> dict[str, Any]:
        notice = self._notice
        data = {
            "notice_id": show_id(notice.id),
            "alert_id": self._cut(notice.alert_id) or None,
            "reason": notice.reason,
            "says": self._cut(notice.says),
            "brand": self._cut(notice.brand),
            "brand_name": self._cut(notice.brand_name),
            "timezone": notice.timezone,
            "rule": self._cut(notice.rule),
            "rule_title": self._cut(notice.rule_title),
            "severity": str(notice.severity),
            "status": notice.status,
            "owner": self._cut(notice.owner),
            "n_threads": notice.n_threads,
            "n_people": notice.n_people,
            "threads": [self._thread(thread) for thread in notice.threads[:n_threads]],
            "sections": [self._section(section) for section in self._some(notice.sections)],
            "playbook": self._playbook(notice.playbook),
            "acknowledge": render.command(notice) if notice.alert_id else None,
            "is_truncated": False,
        }
        kind = f"alert.{notice.reason}" if notice.alert_id else notice.reason
        return {"type": kind, "timestamp": _instant(notice.created_at), "data": data}

    def _section(self, section: Section) -> dict[str, Any]:
        lines = [
            {"text": self._cut(line.text), "link": self._cut(line.link)}
            for line in self._some(section.lines[: self._n_lines])
        ]
        self.has_cut = self.has_cut or len(section.lines) > self._n_lines
        return {"heading": self._cut(section.heading), "lines": lines}

    def _thread(self, thread: ThreadBrief) -> dict[str, Any]:
        is_hidden = thread.is_private and not self._show_private
        since = thread.awaiting_since
        return {
            "thread_id": self._cut(thread.thread_id),
            "platform": self._cut(thread.platform),
            "source_id": self._cut(thread.source_id),
            "author": self._cut(thread.author_name),
            "text": None if is_hidden else self._cut(thread.excerpt),
            "is_private": thread.is_private,
            "permalink": self._cut(thread.permalink),
            "subject_title": self._cut(thread.subject_title),
            "created_at": _instant(thread.created_at),
            "awaiting_since": _instant(since) if since else None,
            "waiting_seconds": max(0, int((self._now - since).total_seconds())) if since else None,
            "reasons": [self._reason(reason, is_hidden) for reason in self._some(thread.reasons)],
        }

    def _reason(self, reason: Reason, is_hidden: bool) -> dict[str, Any]:
        has_private_words = is_hidden and bool(reason.words)
        return {
            "condition": self._cut(reason.condition),
            "says": self._cut(render.sentence(reason, is_hidden=is_hidden)),
            "words": [] if has_private_words else [self._cut(word) for word in self._some(reason.words)],
            "value": self._value(reason.value),
            "threshold": self._value(reason.threshold),
            "signal_version": self._cut(reason.signal_version),
        }

    def _playbook(self, playbook: PlaybookBrief | None) -> dict[str, Any] | None:
        if playbook is None:
            return None
        return {
            "name": self._cut(playbook.name),
            "title": self._cut(playbook.title),
            "steps": [self._cut(step) for step in self._some(playbook.steps)],
            "avoid": [self._cut(line) for line in self._some(playbook.avoid)],
        }

    def _value(self, value: float | str | None) -> float | str | None:
        if isinstance(value, str):
            return self._cut(value)
        return value if value is None or isfinite(value) else str(value)  # JSON has no NaN

    def _some(self, several: tuple[Any, ...]) -> tuple[Any, ...]:
        self.has_cut = self.has_cut or len(several) > _MAX_STRINGS
        return several[:_MAX_STRINGS]

    def _cut(self, text: str) -> str:
        if len(text) <= self._length:
            return text
        self.has_cut = True
        return text[: self._length - 1] + "…"


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
