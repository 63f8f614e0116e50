"""Slack, through an incoming webhook: Block Kit messages into one fixed channel.

Source: docs.slack.dev, incoming webhooks; read 2026-11.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, SecretStr

from monitor.channels.base import ChannelSettings, Message
from monitor.channels.slack_blocks import as_text, render_blocks, switches
from monitor.channels.targets import post, secret_url
from monitor.errors import Gone, Malformed, RateLimited, RemoteError, Unauthorized, Unavailable
from monitor.http import HttpClient
from monitor.model import Notice

# What the body says, where the status alone does not.
_ERRORS: Mapping[str, type[RemoteError]] = {
    "action_prohibited": Unauthorized,
    "invalid_token": Unauthorized,
    "channel_is_archived": Gone,
    "channel_not_found": Gone,
    "no_service": Gone,
    "no_service_id": Gone,
    "no_team": Gone,
    "team_disabled": Gone,
    "rate_limited": RateLimited,
    "rollup_error": Unavailable,
    "invalid_blocks": Malformed,
    "invalid_payload": Malformed,
    "no_text": Malformed,
    "too_many_attachments": Malformed,
    "user_not_found": Malformed,
}


class SlackSettings(ChannelSettings):
    url: Annotated[SecretStr, AfterValidator(secret_url)]
    """The incoming webhook's URL (https://hooks.slack.com/services/...); a secret: give url_env or url_file."""
    show_private: bool = False
    """Whether the text of private messages is copied into the room."""


@dataclass(frozen=True, slots=True)
class Slack:
    """Posts to one Slack channel."""

    settings: SlackSettings
    http: HttpClient

    kind: ClassVar[str] = "slack"
    Settings: ClassVar[type[ChannelSettings]] = SlackSettings
    min_gap: ClassVar[timedelta] = timedelta(seconds=1)

    def render(self, notice: Notice, now: datetime) -> Message:
        """One Block Kit message, each limit counted after escaping."""
        return render_blocks(notice, now, show_private=self.settings.show_private)

    def send(self, message: Message, delivery_id: str, now: datetime) -> None:  # noqa: ARG002  # Slack takes no id
        """Post it; blocks that Slack refuses are sent once more as plain text, so that the alert still arrives."""
        for payload in message.payloads:
            refused = self._refusal(payload)
            if isinstance(refused, Malformed) and "blocks" in payload:
                refused = self._refusal({**switches(), "text": as_text(payload)})
            if refused is not None:
                raise refused

    def check(self) -> None:
        """Post nothing at all: a living webhook answers that with "no_text", a dead one says that it is dead.

        Raises: as `send`.
        """
        refused = self._refusal({})
        if refused is not None and not isinstance(refused, Malformed):
            raise refused

    def _refusal(self, payload: Mapping[str, Any]) -> RemoteError | None:
        try:
            answer = post(self.http, self.settings.url.get_secret_value(), json.dumps(payload).encode())
        except RemoteError as error:
            return error
        says = answer.body[:200].decode("utf-8", "replace").strip()
        if says == "ok":
            return None
        if says in _ERRORS:
            return _ERRORS[says](f"{answer.shown} answered {says}", status=answer.status)
        return Unavailable(f"{answer.shown} answered {answer.status} with something that is not Slack's ok")
