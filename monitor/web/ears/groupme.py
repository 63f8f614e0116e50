"""GroupMe: what people write in the group of our bot, when it begins with "heedful" or answers a message of ours.

GroupMe signs nothing: callers are believed who know an address that nobody can guess, from the one group, and people
by the ids on our list.

Source: dev.groupme.com, bots tutorial (callback_url); GroupMeCommunityDocs, attachments (reply); read 2026-11.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Self
from urllib.parse import urljoin

from fastapi import Request
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse, Response

from monitor.core.chat import addressed
from monitor.core.signatures import is_same, unguessable
from monitor.flows.chat import Answer, Call
from monitor.http import HttpClient
from monitor.web.ears import base
from monitor.web.ears.base import DOOR, Ear, Heard, alert_in, read_object, text_of
from monitor.web.inbound import Refused, Replays

KIND = "groupme"
MAX_TEXT = 990
_REMEMBERED = 2_000  # messages of ours


@dataclass(frozen=True, slots=True)
class GroupMeEar(Ear):
    """Hears one bot. Which message is about which alert it learns when the group is told of it, until a restart."""

    secret: str
    group_id: str
    bot_id: str
    base_url: str
    _alerts: OrderedDict[str, str] = field(default_factory=OrderedDict, compare=False)

    kind: ClassVar[str] = KIND

    @classmethod
    def of(cls, settings: Any) -> Self | None:
        secret = settings.callback_secret
        if secret is None:
            return None
        return cls(secret.get_secret_value(), settings.group_id, settings.bot_id.get_secret_value(), settings.base_url)

    @property
    def paths(self) -> list[str]:
        """The part of the bot's callback address that nobody can guess; of each secret."""
        return [unguessable(secret, KIND) for secret in self.secret.split()]

    def address(self, url: str) -> str:
        return (
            f"its bot's Callback URL must be {url}/{self.paths[-1]} (whoever knows it is believed: keep it to yourself)"
        )

    def believe(self, request: Request, body: bytes, path: str, replays: Replays, now: datetime) -> None:  # noqa: ARG002
        if not any(is_same(one, path) for one in self.paths):
            raise Refused(DOOR, "unknown", 404)

    def hear(self, body: bytes, path: str) -> Heard:  # noqa: ARG002
        """Only people are heard, never a bot, ours among them: nobody talks to himself for ever."""
        message = read_object(body)
        if text_of(message, "group_id") != self.group_id:
            raise Refused(DOOR, "group")
        call_id, text = text_of(message, "id"), text_of(message, "text")
        if message.get("sender_type") != "user" or message.get("system") is not False:
            self._remember(call_id, alert_in(text))
            return Heard()
        alert = self._alerts.get(_answered(message), "")
        words = addressed(text)
        if words is None and alert:
            words = text
        if words is None or not call_id:
            return Heard()
        return Heard(Call(KIND, text_of(message, "user_id") or text_of(message, "sender_id"), call_id, words, alert))

    def _remember(self, message_id: str, alert: str) -> None:
        if message_id and alert:
            self._alerts[message_id] = alert
            while len(self._alerts) > _REMEMBERED:
                self._alerts.popitem(last=False)

    def reply(self, heard: Heard, answer: Answer | None, http: HttpClient) -> Response:  # noqa: ARG002
        if answer is None or answer.is_stranger:
            return PlainTextResponse("")
        said = {"bot_id": self.bot_id, "text": base.fitted(answer.text, MAX_TEXT)}
        url = urljoin(self.base_url, "/v3/bots/post")
        return PlainTextResponse("", background=BackgroundTask(base.call, http, KIND, "POST", url, said))


def _answered(message: Mapping[str, Any]) -> str:
    """The message that this one answers."""
    attachments = message.get("attachments")
    found = attachments if isinstance(attachments, list) else []
    return next((text_of(one, "reply_id") for one in found if text_of(one, "type") == "reply"), "")
