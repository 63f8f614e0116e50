"""Mattermost, through an incoming webhook: markdown into the webhook's channel.

Source: developers.mattermost.com, incoming webhooks; github.com/mattermost/mattermost, app/webhook.go (the order of
its checks, the ids of its errors) and app/ratelimit.go; read 2026-11.
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
from monitor.channels.targets import long_secrets, post, refusal_object, seconds, secret_url, wait_for
from monitor.errors import Gone, RateLimited, RemoteError, Unauthorized, Unavailable
from monitor.http import HttpClient
from monitor.model import Notice

MAX_TEXT = 4_000  # servers before 5.0 take so much in one post; newer ones split after 16,383
NOWHERE = "no such channel"  # a name with blanks, which no channel can have
_SPECIAL = re.compile(r"[\\`*_{}\[\]()#!|>~<&]|^[-+]")
_NAMING = re.compile(r"[@~]|\\<")

# What the error's id says, where the status says something else or less. Its message is in the server's language.
_ERRORS: Mapping[str, type[RemoteError]] = {
    "web.incoming_webhook.invalid": Gone,
    "web.incoming_webhook.channel": Gone,
    "web.incoming_webhook.user": Gone,
    "web.incoming_webhook.disabled": Unauthorized,
    "web.incoming_webhook.permissions": Unauthorized,
    "web.incoming_webhook.channel_locked": Unauthorized,
}


def _hook(url: SecretStr) -> SecretStr:
    secret_url(url)
    if not re.search(r"/hooks/[a-z0-9]+/?$", urlsplit(url.get_secret_value()).path):
        raise ValueError("must be the webhook's own address: https://<server>/hooks/<key>")
    return url


class MattermostSettings(ChannelSettings):
    url: Annotated[SecretStr, AfterValidator(_hook)]
    """The incoming webhook's URL (https://<server>/hooks/<key>); a secret: give url_env or url_file."""
    command_token: Annotated[SecretStr, AfterValidator(long_secrets)] | None = None
    """The token of a slash command or outgoing webhook of the server, by which it is believed; of several all, with a
    space between. Give command_token_env or command_token_file."""
    show_private: bool = False
    """Whether the text of private messages is copied into the channel."""


@dataclass(frozen=True, slots=True)
class Mattermost:
    """Posts to one Mattermost channel."""

    settings: MattermostSettings
    http: HttpClient

    kind: ClassVar[str] = "mattermost"
    Settings: ClassVar[type[ChannelSettings]] = MattermostSettings
    min_gap: ClassVar[timedelta] = timedelta(seconds=1)

    def render(self, notice: Notice, now: datetime) -> Message:
        """One post of at most 4,000 characters."""
        text, is_truncated = fitted(notice, now, written, fits, show_private=self.settings.show_private)
        return Message(({"text": text},), is_truncated)

    def send(self, message: Message, delivery_id: str, now: datetime) -> None:  # noqa: ARG002  # a webhook takes no id
        """Post it."""
        for payload in message.payloads:
            refused, _ = self._refusal(payload, now)
            if refused is not None:
                raise refused

    def check(self) -> None:
        """Post into a channel that cannot exist: the server looks for the webhook first, and then refuses the channel.

        Raises: as `send`.
        """
        refused, says = self._refusal({"text": "heedful check", "channel": NOWHERE}, datetime.now(UTC))
        if refused is not None and says != "web.incoming_webhook.channel":
            raise refused

    def _refusal(self, payload: Mapping[str, Any], now: datetime) -> tuple[RemoteError | None, str]:
        """What the server has against it, with the error's id without its last part."""
        try:
            answer = post(self.http, self.settings.url.get_secret_value(), json.dumps(payload).encode())
        except RateLimited as error:
            return wait_for(error, seconds(error.headers.get("x-ratelimit-reset")), now), ""
        except RemoteError as error:
            return _sorted(error)
        if answer.body.strip() == b"ok":
            return None, ""
        return Unavailable(f"{answer.shown} answered {answer.status} with something that is not Mattermost's ok"), ""


def _sorted(error: RemoteError) -> tuple[RemoteError, str]:
    says = str(refusal_object(error).get("id", "")).removesuffix(".app_error")
    if says not in _ERRORS:
        return error, ""
    return _ERRORS[says](f"{error} ({says})", status=error.status), says


def written(layout: Layout) -> str:
    """The whole post."""
    return "\n".join([f"#### {escape(layout.title)}", "", *body(layout, MARKUP)])


def fits(text: str) -> bool:
    """Whether every server takes it in one post."""
    return len(text) <= MAX_TEXT


def escape(text: str) -> str:
    """Text from outside as markdown that shows it literally and names neither people nor channels.

    A first name that somebody has made a keyword of their own still tells that person: nothing prevents that.
    """
    # The server turns Slack's <!channel> and <@user> into names before it reads the markdown: parted as well.
    return _NAMING.sub("\\g<0>\u200b", _SPECIAL.sub(r"\\\g<0>", text))


def _link(address: str) -> str:
    quoted = re.sub(r"[()<>\[\]\\`*|~]", lambda found: f"%{ord(found[0]):02X}", address)
    return f"[open it]({quoted})"


MARKUP = Markup(
    escape=escape,
    bold="**{}**".format,
    code=lambda text: f"`{text.replace('`', '')}`",
    quote=lambda text: f"> {escape(text)}\n",  # the line below would otherwise belong to the quotation
    link=_link,
)
