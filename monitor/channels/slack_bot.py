"""Slack, through a bot of one's own: messages that are kept current, threads below them, and buttons.

Source: docs.slack.dev, chat.postMessage, chat.update, conversations.history, message metadata, rate limits; read
2026-11.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, SecretStr

from monitor.channels.base import ChannelSettings, Message, MessageGone
from monitor.channels.buttons import ACKNOWLEDGE, offered
from monitor.channels.slack_blocks import as_text, render_blocks
from monitor.channels.targets import answer_object, long_secrets, post, server_url
from monitor.errors import Gone, Malformed, RateLimited, RemoteError, Unauthorized, Unavailable
from monitor.http import Answer, HttpClient
from monitor.model import Notice

EVENT = "heedful_delivery"  # the type of the metadata by which a message of ours is known again
SEARCHED_PAGES, PAGE = 5, 100
_LOUD = ("severity_rose", "escalated", "reopened", "repeat")  # below a message, but shown in the room as well

_ERRORS: Mapping[str, type[RemoteError]] = {
    **dict.fromkeys(("ratelimited", "rate_limited", "message_limit_exceeded"), RateLimited),
    **dict.fromkeys(("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"), Unauthorized),
    **dict.fromkeys(("no_permission", "missing_scope", "org_login_required", "not_allowed_token_type"), Unauthorized),
    **dict.fromkeys(("ekm_access_denied", "access_denied", "team_access_not_granted"), Unauthorized),
    **dict.fromkeys(("channel_not_found", "not_in_channel", "is_archived", "restricted_action"), Gone),
    **dict.fromkeys(("fatal_error", "internal_error", "service_unavailable", "request_timeout"), Unavailable),
}
_NOT_CHANGED = ("message_not_found", "cant_update_message", "edit_window_closed", "is_inactive")
_NO_THREAD = ("thread_not_found", "cannot_reply_to_message", "message_not_found", "restricted_action_thread_locked")
_UNSEARCHED = ("missing_scope", "channel_not_found", "thread_not_found", "not_in_channel", "method_not_supported")


def _token(token: SecretStr) -> SecretStr:
    if not re.fullmatch(r"xox[a-z]?(\.xox[a-z])?-[\w-]+", token.get_secret_value(), re.ASCII):
        raise ValueError('must be the bot\'s token, which begins with "xoxb-"')
    return token


def _channel(channel: str) -> str:
    if not re.fullmatch("[CDGU][A-Z0-9]{5,20}", channel):
        raise ValueError('must be the id of a channel, such as "C0123ABCDEF", or of a person ("U...")')
    return channel


class SlackBotSettings(ChannelSettings):
    token: Annotated[SecretStr, AfterValidator(_token)]
    """The bot's token (xoxb-...); whoever has it can post as the bot: give token_env or token_file."""
    channel: Annotated[str, AfterValidator(_channel)]
    """The channel's id, "C...": at the foot of the channel's details; or a person's, "U...": at their profile."""
    signing_secret: Annotated[SecretStr, AfterValidator(long_secrets)] | None = None
    """The app's signing secret: with it buttons stand below messages, and what is pressed is believed. Give
    signing_secret_env or signing_secret_file."""
    base_url: Annotated[str, AfterValidator(server_url)] = "https://slack.com"
    """Where Slack's Web API is."""
    show_private: bool = False
    """Whether the text of private messages is copied into the room."""


@dataclass(frozen=True, slots=True)
class SlackBot:
    """Posts to one Slack channel, or to one person."""

    settings: SlackBotSettings
    http: HttpClient

    kind: ClassVar[str] = "slack_bot"
    Settings: ClassVar[type[ChannelSettings]] = SlackBotSettings
    min_gap: ClassVar[timedelta] = timedelta(seconds=1)

    def render(self, notice: Notice, now: datetime) -> Message:
        """One Block Kit message, with buttons where somebody listens to them."""
        message = render_blocks(notice, now, show_private=self.settings.show_private)
        payload = dict(message.payloads[0])
        if self.settings.signing_secret is not None:
            payload["blocks"] = [*payload["blocks"], *_actions(notice)]
        if notice.reason in _LOUD:
            payload["reply_broadcast"] = True  # of no effect where it stands below nothing
        return Message((payload,), message.is_truncated)

    def send(self, message: Message, delivery_id: str, now: datetime) -> None:
        """Post it, below nothing."""
        self.post(message, delivery_id, now, "")

    def post(self, message: Message, delivery_id: str, now: datetime, follows: str) -> str:  # noqa: ARG002
        """Post it, in the thread of the message that it follows; where that thread is gone, in the channel."""
        (payload,) = message.payloads
        root = _Ref.read(follows)
        content = {**_address(self.settings.channel, root), **payload, "metadata": _metadata(delivery_id)}
        answer, refused = self._written("chat.postMessage", content)
        if _word(refused) in _NO_THREAD and "thread_ts" in content:
            del content["thread_ts"]
            answer, refused = self._written("chat.postMessage", {**content, "channel": self.settings.channel})
        if refused is not None:
            raise refused
        return _Ref(self.settings.channel, str(answer.get("channel", "")), str(answer.get("ts", ""))).written()

    def edit(self, ref: str, message: Message, now: datetime) -> None:  # noqa: ARG002  # Slack takes no times
        """Put it in the place of the message; all of it, because what is left out may be kept."""
        (payload,) = message.payloads
        place = _Ref.read(ref)
        if place is None:
            raise MessageGone("the message is not one of Slack's")
        content = {name: value for name, value in payload.items() if name in ("text", "blocks")}
        _, refused = self._written("chat.update", {"channel": place.channel, "ts": place.ts, **content})
        if _word(refused) in _NOT_CHANGED:
            raise MessageGone(str(refused))
        if refused is not None:
            raise refused

    def find(self, delivery_id: str, since: datetime, follows: str) -> str:
        """Look through the channel, or the thread, for the message that bears the delivery's id.

        A bot that may not read there finds nothing; then the message may stand there twice.
        """
        root = _Ref.read(follows)
        for found in self._history(root, since):
            metadata = found.get("metadata")
            payload = metadata.get("event_payload") if isinstance(metadata, dict) else None
            if isinstance(payload, dict) and payload.get("delivery") == delivery_id:
                where = root.channel if root else self.settings.channel
                return _Ref(self.settings.channel, where, str(found.get("ts", ""))).written()
        return ""

    def check(self) -> None:
        """Post nothing at all: Slack knows the bot and the channel, and then misses the text.

        Raises: as `send`.
        """
        _, refused = self._called("chat.postMessage", {"channel": self.settings.channel, "text": ""})
        if refused is not None and not isinstance(refused, Malformed):
            raise refused

    def _written(self, method: str, content: Mapping[str, Any]) -> tuple[Mapping[str, Any], RemoteError | None]:
        """The answer; blocks that Slack refuses are sent once more as plain text, so that the alert still arrives."""
        answer, refused = self._called(method, content)
        is_refused = isinstance(refused, Malformed) and _word(refused) not in (*_NO_THREAD, *_NOT_CHANGED)
        if is_refused and "blocks" in content:
            # The empty list, because an edit keeps the blocks that it does not name.
            return self._called(method, {**content, "blocks": [], "text": as_text(content)})
        return answer, refused

    def _called(self, method: str, content: Mapping[str, Any]) -> tuple[Mapping[str, Any], RemoteError | None]:
        try:
            answer = post(self.http, self._url(method), json.dumps(content).encode(), self._headers())
        except RemoteError as error:
            return {}, error
        return _read(answer)

    def _history(self, root: "_Ref | None", since: datetime) -> Iterator[Mapping[str, Any]]:
        method, cursor = "conversations.replies" if root else "conversations.history", ""
        asked: dict[str, Any] = {"channel": root.channel if root else self.settings.channel, "limit": PAGE}
        asked |= {"oldest": str(int((since - timedelta(minutes=1)).timestamp())), "include_all_metadata": "true"}
        for _ in range(SEARCHED_PAGES):
            more = {"ts": root.ts} if root else {}
            answer, refused = self._asked(method, {**asked, **more, **({"cursor": cursor} if cursor else {})})
            if refused is not None and _word(refused) in _UNSEARCHED:
                return
            if refused is not None:
                raise refused
            yield from (each for each in answer.get("messages", ()) if isinstance(each, dict))
            cursor = _next(answer)
            if not cursor:
                return

    def _asked(self, method: str, asked: Mapping[str, Any]) -> tuple[Mapping[str, Any], RemoteError | None]:
        try:
            answer = self.http.request(
                "GET", self._url(method), params=asked, headers=self._headers(), secret_path=True
            )
        except RemoteError as error:
            return {}, error
        return _read(answer)

    def _url(self, method: str) -> str:
        return f"{self.settings.base_url}/api/{method}"

    def _headers(self) -> Mapping[str, str]:
        return {"authorization": f"Bearer {self.settings.token.get_secret_value()}"}


@dataclass(frozen=True, slots=True)
class _Ref:
    """A message by its channel and time, and the channel of the settings: once that is another, threads begin anew."""

    configured: str
    channel: str
    ts: str

    @classmethod
    def read(cls, ref: str) -> "_Ref | None":
        parts = ref.split("|")
        return cls(*parts) if len(parts) == 3 and all(parts) else None

    def written(self) -> str:
        return f"{self.configured}|{self.channel}|{self.ts}" if self.channel and self.ts else ""


def _read(answer: Answer) -> tuple[Mapping[str, Any], RemoteError | None]:
    said = answer_object(answer)
    if said.get("ok") is True:
        return said, None
    if said.get("ok") is not False:
        return {}, Unavailable(f"{answer.shown} answered {answer.status} with something that is not Slack's")
    word = str(said.get("error", ""))
    word = word if re.fullmatch("[a-z_]{1,60}", word) else "an unknown error"
    error = _ERRORS.get(word, Malformed)(f"{answer.shown} answered {word}", status=answer.status)
    error.payload = word
    return {}, error


def _word(error: RemoteError | None) -> str:
    return error.payload if error is not None else ""


def _next(answer: Mapping[str, Any]) -> str:
    more = answer.get("response_metadata")
    return str(more.get("next_cursor", "")) if answer.get("has_more") and isinstance(more, dict) else ""


def _address(channel: str, root: _Ref | None) -> dict[str, Any]:
    if root is None or root.configured != channel:
        return {"channel": channel}
    return {"channel": root.channel, "thread_ts": root.ts}


def _metadata(delivery_id: str) -> dict[str, Any]:
    return {"event_type": EVENT, "event_payload": {"delivery": delivery_id}}


def _actions(notice: Notice) -> list[dict[str, Any]]:
    from slack_sdk.models.blocks import ActionsBlock, ButtonElement, PlainTextObject

    buttons = [
        ButtonElement(
            text=PlainTextObject(text=button.label, emoji=False),
            action_id=button.act,
            value=notice.alert_id,
            style="primary" if button is ACKNOWLEDGE else None,
        )
        for button in offered(notice)
    ]
    return [ActionsBlock(elements=[*buttons]).to_dict()] if buttons else []
