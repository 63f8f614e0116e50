"""Discord, through a channel's webhook: one embed a message.

Source: github.com/discord/discord-api-docs, resources/webhook (execute, edit), resources/message,
topics/rate-limits; read 2026-11.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr

from monitor.channels.base import ChannelSettings, Message, MessageGone
from monitor.channels.layout import Layout, Markup, body, fitted
from monitor.channels.targets import answer_object, refusal_object, seconds, secret_url, wait_for
from monitor.errors import Malformed, RateLimited, RemoteError, Unavailable
from monitor.http import Answer, HttpClient
from monitor.model import Notice, Severity

# Discord does not say in which units it counts: we count the larger ones, and keep a reserve of 5 %.
MAX_TITLE, MAX_DESCRIPTION, MAX_CONTENT = 240, 3_890, 1_900
_PATH = re.compile(r"/api(/v[0-9]+)?/webhooks/[0-9]+/[\w-]+/?")
_COLOURS = {Severity.CRISIS: 0xB00020, Severity.HIGH: 0xE65100, Severity.MEDIUM: 0x1565C0, Severity.LOW: 0x607D8B}
_RESOLVED = 0x2E7D32
UNKNOWN_MESSAGE = 10008
_SPECIAL = re.compile(r"[\\*_~|>#\[\]()`<]|^[-+]")


def _webhook(url: SecretStr) -> SecretStr:
    secret_url(url)
    if not _PATH.fullmatch(urlsplit(url.get_secret_value()).path):
        raise ValueError("must be the webhook's own address: https://discord.com/api/webhooks/<id>/<token>")
    return url


def _snowflake(text: str) -> str:
    if text and not re.fullmatch("[0-9]{15,20}", text):
        raise ValueError("must be the id of a thread: digits only")
    return text


def _public_key(key: str) -> str:
    if key and not re.fullmatch("[0-9a-fA-F]{64}", key):
        raise ValueError("must be the application's public key: 64 digits and letters from a to f")
    return key


class DiscordSettings(ChannelSettings):
    url: Annotated[SecretStr, AfterValidator(_webhook)]
    """The webhook's URL (https://discord.com/api/webhooks/...); a secret: give url_env or url_file."""
    thread_id: Annotated[str, AfterValidator(_snowflake)] = ""
    """The thread, or the post of a forum channel, that is told instead of the channel itself."""
    public_key: Annotated[str, AfterValidator(_public_key)] = ""
    """The public key of an application of your own (no secret), by which its commands are believed."""
    show_private: bool = False
    """Whether the text of private messages is copied into the channel."""


class Discord:
    """Posts to one Discord channel."""

    kind: ClassVar[str] = "discord"
    Settings: ClassVar[type[ChannelSettings]] = DiscordSettings
    min_gap: ClassVar[timedelta] = timedelta(seconds=2)  # 30 messages a minute go into a channel

    def __init__(self, settings: DiscordSettings, http: HttpClient) -> None:
        self.settings, self._http = settings, http
        self._full_until: datetime | None = None  # of the webhook's own bucket, as Discord last told us

    def render(self, notice: Notice, now: datetime) -> Message:
        """One embed, with fewer threads and steps where the limits ask for it."""
        embed, is_truncated = fitted(notice, now, _embed, _fits, show_private=self.settings.show_private)
        return Message(({**_silent(), "embeds": [embed]},), is_truncated)

    def send(self, message: Message, delivery_id: str, now: datetime) -> None:
        """Post it; an embed that Discord refuses is sent once more as plain text, so that the alert still arrives."""
        self.post(message, delivery_id, now, "")

    def post(self, message: Message, delivery_id: str, now: datetime, follows: str) -> str:  # noqa: ARG002
        """Post it. A webhook can answer no message: what follows stands further down in the channel."""
        return self._written("POST", "", message, now)

    def edit(self, ref: str, message: Message, now: datetime) -> None:
        """Put it in the place of the message, whichever of its two forms that had."""
        if not re.fullmatch("[0-9]{1,20}", ref):
            raise MessageGone("the message is not one of Discord's")
        self._written("PATCH", f"/messages/{ref}", message, now)

    def _written(self, method: str, path: str, message: Message, now: datetime) -> str:
        """The message's id."""
        if self._full_until is not None and now < self._full_until:
            raise RateLimited("Discord's bucket is empty", retry_at=self._full_until, was_sent=False)
        (payload,) = message.payloads
        # What an edit does not name stays as it was.
        emptied: dict[str, Any] = {"content": "", "embeds": []} if method == "PATCH" else {}
        message_id, refused = self._called(method, path, {**emptied, **payload}, now)
        if isinstance(refused, Malformed) and refused.status in (400, 413):
            plain = {**emptied, **_silent(), "content": _as_text(payload)}
            message_id, refused = self._called(method, path, plain, now)
        if method == "PATCH" and refused is not None and refusal_object(refused).get("code") == UNKNOWN_MESSAGE:
            refused = MessageGone(f"{refused} ({UNKNOWN_MESSAGE})", status=refused.status)
        if refused is not None:
            raise refused
        return message_id

    def check(self) -> None:
        """Ask Discord for the webhook: it shows what it is, without a message.

        Raises: as `send`.
        """
        answer = self._http.request("GET", self._url(""), secret_path=True)
        if "channel_id" not in answer_object(answer):
            raise Unavailable(f"{answer.shown} answered {answer.status} with something that is not a webhook")

    def _called(
        self, method: str, path: str, payload: Mapping[str, Any], now: datetime
    ) -> tuple[str, RemoteError | None]:
        # Without wait=true Discord says nothing of a message that it then does not keep.
        url, headers = self._url("wait=true" if method == "POST" else "", path), {"content-type": "application/json"}
        try:
            content = json.dumps(payload).encode()
            answer = self._http.request(method, url, headers=headers, content=content, secret_path=True)
        except RateLimited as error:
            return "", wait_for(error, seconds(refusal_object(error).get("retry_after")), now)
        except RemoteError as error:
            return "", error
        self._full_until = _full_until(answer, now)
        message_id = str(answer_object(answer).get("id", ""))
        if message_id:
            return message_id, None
        return "", Unavailable(f"{answer.shown} answered {answer.status} with something that is not a message")

    def _url(self, query: str, path: str = "") -> str:
        parts = urlsplit(self.settings.url.get_secret_value())
        asked = [query, f"thread_id={self.settings.thread_id}" if self.settings.thread_id and (query or path) else ""]
        whole = parts._replace(path=parts.path.rstrip("/") + path, query="&".join(filter(None, asked)), fragment="")
        return whole.geturl()


def _full_until(answer: Answer, now: datetime) -> datetime | None:
    """When the next message is let through, where this one has used the bucket up."""
    wait = seconds(answer.headers.get("x-ratelimit-reset-after"))
    is_empty = answer.headers.get("x-ratelimit-remaining", "").strip() == "0"
    return now + wait if is_empty and wait is not None else None


def _embed(layout: Layout) -> dict[str, Any]:
    return {
        "title": escape(layout.title),
        "description": "\n".join(body(layout, MARKUP)),
        "color": _RESOLVED if layout.is_resolved else _COLOURS[layout.severity],
    }


def _fits(embed: Mapping[str, Any]) -> bool:
    return _units(embed["title"]) <= MAX_TITLE and _units(embed["description"]) <= MAX_DESCRIPTION


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "replace")) // 2


def _silent() -> dict[str, Any]:
    # Left out, a webhook would still ping the users that a text names.
    return {"allowed_mentions": {"parse": []}}


def escape(text: str) -> str:
    """Text from outside as markdown that shows it literally, makes no link of it and names nobody."""
    return _SPECIAL.sub(r"\\\g<0>", text).replace("@", "@\u200b")


def _link(address: str) -> str:
    quoted = re.sub(r"[()<>\[\]\\`*|]", lambda found: f"%{ord(found[0]):02X}", address)
    return f"[open it](<{quoted}>)"


MARKUP = Markup(
    escape=escape,
    bold="**{}**".format,
    code=lambda text: f"`{text.replace('`', '')}`",
    quote=lambda text: f"> {escape(text)}",
    link=_link,
)


def _as_text(payload: Mapping[str, Any]) -> str:
    """The embed's own texts, cut at a line's end."""
    embed = payload["embeds"][0]
    kept: list[str] = []
    room = MAX_CONTENT
    for line in [f"**{embed['title']}**", *embed["description"].split("\n")]:
        room -= _units(line) + 1
        if room < 0:
            return "\n".join([*kept, "…"])
        kept.append(line)
    return "\n".join(kept)
