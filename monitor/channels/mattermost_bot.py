"""Mattermost, through a bot account: posts that are kept current, and threads below them.

Source: github.com/mattermost/mattermost, api4/post.go and app/post.go (what a repeated pending_post_id gives, which
errors a post that is gone gives); read 2026-11.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, SecretStr

from monitor.channels.base import ChannelSettings, Message, MessageGone
from monitor.channels.buttons import offered
from monitor.channels.layout import fitted
from monitor.channels.mattermost import fits, written
from monitor.channels.targets import answer_object, long_secrets, refusal_object, seconds, server_url, wait_for
from monitor.core.signatures import press, unguessable
from monitor.errors import Gone, RateLimited, RemoteError, Unauthorized, Unavailable
from monitor.http import HttpClient
from monitor.model import Notice

_ID = "[a-z0-9]{26}"
_ERRORS: Mapping[str, type[RemoteError]] = {
    "api.context.session_expired": Unauthorized,
    "api.context.permissions": Unauthorized,
    "api.post.create_post.can_not_post_to_deleted": Gone,
}
_NO_THREAD = ("api.post.create_post.root_id", "api.post.create_post.channel_root_id")
# A post that was deleted is refused like one that is not ours to change.
_NOT_CHANGED = ("api.context.permissions", "api.post.update_post.permissions_time_limit", "app.post.get")


def _token(token: SecretStr) -> SecretStr:
    if not re.fullmatch("[!-~]+", token.get_secret_value()):
        raise ValueError("must be the bot's access token, as the server gave it")
    return token


def _channel(channel_id: str) -> str:
    if not re.fullmatch(_ID, channel_id):
        raise ValueError("must be the channel's id: 26 letters and digits, in the channel's details")
    return channel_id


class MattermostBotSettings(ChannelSettings):
    base_url: Annotated[str, AfterValidator(server_url)]
    """The server's address, such as https://chat.shop.example."""
    token: Annotated[SecretStr, AfterValidator(_token)]
    """The bot's access token: give token_env or token_file."""
    channel_id: Annotated[str, AfterValidator(_channel)]
    """The channel's id: 26 letters and digits, in the channel's details."""
    command_token: Annotated[SecretStr, AfterValidator(long_secrets)] | None = None
    """The token of a slash command or outgoing webhook of the server, by which it is believed; of several all, with a
    space between. Give command_token_env or command_token_file."""
    callback_secret: Annotated[SecretStr, AfterValidator(long_secrets)] | None = None
    """Any long text of your own, by which presses of the buttons below posts are believed. Give callback_secret_env or
    callback_secret_file."""
    callback_url: Annotated[str, AfterValidator(server_url)] = ""
    """Where the server reaches this channel at heedful, such as https://heedful.shop.example/chat/<this channel>: with
    it and callback_secret buttons stand below posts."""
    show_private: bool = False
    """Whether the text of private messages is copied into the channel."""


@dataclass(frozen=True, slots=True)
class MattermostBot:
    """Posts to one Mattermost channel."""

    settings: MattermostBotSettings
    http: HttpClient

    kind: ClassVar[str] = "mattermost_bot"
    Settings: ClassVar[type[ChannelSettings]] = MattermostBotSettings
    min_gap: ClassVar[timedelta] = timedelta(seconds=1)

    def render(self, notice: Notice, now: datetime) -> Message:
        """One post of at most 4,000 characters."""
        text, is_truncated = fitted(notice, now, written, fits, show_private=self.settings.show_private)
        payload: dict[str, Any] = {"message": text}
        if self.settings.callback_secret is not None and self.settings.callback_url:
            payload["props"] = {"attachments": [{"actions": self._actions(notice, self.settings.callback_secret)}]}
        return Message((payload,), is_truncated)

    def _actions(self, notice: Notice, secret: SecretStr) -> list[dict[str, Any]]:
        """The buttons. The server shows nobody where they lead and what they carry."""
        key = secret.get_secret_value().split()[-1]  # while one is being replaced, the new one stands last
        url = f"{self.settings.callback_url}/{unguessable(key, 'mattermost')}"
        return [
            {
                "id": each.act.replace("_", ""),  # the server takes letters and digits only
                "name": each.label,
                "type": "button",
                "integration": {"url": url, "context": _context(key, each.act, notice.alert_id)},
            }
            for each in offered(notice)
        ]

    def send(self, message: Message, delivery_id: str, now: datetime) -> None:
        """Post it, below nothing."""
        self.post(message, delivery_id, now, "")

    def post(self, message: Message, delivery_id: str, now: datetime, follows: str) -> str:
        """Post it, in the thread of the post that it follows; a repetition within half a minute is recognised."""
        (payload,) = message.payloads
        content = {"channel_id": self.settings.channel_id, "pending_post_id": pending_id(delivery_id), **payload}
        root = {"root_id": follows} if re.fullmatch(_ID, follows) else {}
        post_id, refused = self._called("POST", "posts", {**content, **root}, now)
        if root and refused is not None and _word(refused) in _NO_THREAD:
            # Under another id: the server remembers the first one, though nothing came of it.
            content["pending_post_id"] = pending_id(f"{delivery_id} without its thread")
            post_id, refused = self._called("POST", "posts", content, now)
        if refused is not None:
            raise _sorted(refused)
        return post_id

    def edit(self, ref: str, message: Message, now: datetime) -> None:
        """Put it in the place of the post."""
        (payload,) = message.payloads
        if not re.fullmatch(_ID, ref):
            raise MessageGone("the message is not one of Mattermost's")
        _, refused = self._called("PUT", f"posts/{ref}/patch", payload, now)
        if refused is not None and (refused.status == 404 or _word(refused) in _NOT_CHANGED):
            raise MessageGone(f"{refused} ({_word(refused)})", status=refused.status)
        if refused is not None:
            raise _sorted(refused)

    def check(self) -> None:
        """Ask for the channel: it is shown only to those who are in it.

        Raises: as `send`.
        """
        _, refused = self._called("GET", f"channels/{self.settings.channel_id}", None, datetime.now(UTC))
        if refused is not None:
            raise _sorted(refused)

    def _called(
        self, method: str, path: str, content: Mapping[str, Any] | None, now: datetime
    ) -> tuple[str, RemoteError | None]:
        """The id of what was asked for or written, and what the server has against it."""
        headers = {"authorization": f"Bearer {self.settings.token.get_secret_value()}"}
        if content is not None:
            headers["content-type"] = "application/json"
        body = None if content is None else json.dumps(content).encode()
        url = f"{self.settings.base_url}/api/v4/{path}"
        try:
            answer = self.http.request(method, url, headers=headers, content=body, secret_path=True)
        except RateLimited as error:
            return "", wait_for(error, seconds(error.headers.get("x-ratelimit-reset")), now)
        except RemoteError as error:
            return "", error
        found = str(answer_object(answer).get("id", ""))
        if re.fullmatch(_ID, found):
            return found, None
        return "", Unavailable(f"{answer.shown} answered {answer.status} with something that is not Mattermost's")


def _context(secret: str, act: str, alert: str) -> dict[str, str]:
    return {"act": act, "alert": alert, "mac": press(secret, act, alert)}


def pending_id(delivery_id: str) -> str:
    """By which the server knows a repetition: the same at every attempt, whichever process makes it."""
    return blake2b(delivery_id.encode("utf-8", "replace"), digest_size=13, person=b"heedful-mmost").hexdigest()


def _word(error: RemoteError) -> str:
    """The error's id without its last part; its message is in the server's language."""
    return str(refusal_object(error).get("id", "")).removesuffix(".app_error").removesuffix(".error")


def _sorted(error: RemoteError) -> RemoteError:
    word = _word(error)
    return _ERRORS[word](f"{error} ({word})", status=error.status) if word in _ERRORS else error
