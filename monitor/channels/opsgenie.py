"""Opsgenie, through its Alert API, until Atlassian switches it off (April 2027): alerts by alias.

Source: docs.opsgenie.com, Alert API and rate limiting; prometheus/alertmanager, notify/opsgenie (the limit of 130, the
alias); read 2026-11.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, SecretStr

from monitor.channels import render
from monitor.channels.base import ChannelSettings, Message
from monitor.channels.layout import PLAIN, Layout, body, fitted
from monitor.channels.targets import answer_object, post, server_url
from monitor.errors import RemoteError, Unavailable
from monitor.http import HttpClient
from monitor.model import Notice, Severity, show_id

MAX_MESSAGE, MAX_DESCRIPTION = 130, 14_000  # characters; a description holds 15,000
_PRIORITIES = {Severity.CRISIS: "P1", Severity.HIGH: "P2", Severity.MEDIUM: "P3", Severity.LOW: "P4"}


def _key(key: SecretStr) -> SecretStr:
    if not re.fullmatch("[A-Za-z0-9-]{8,80}", key.get_secret_value()):
        raise ValueError("must be the key of an API integration, as Opsgenie shows it")
    return key


class OpsgenieSettings(ChannelSettings):
    api_key: Annotated[SecretStr, AfterValidator(_key)]
    """The key of an API integration that may create and update alerts: give api_key_env or api_key_file."""
    base_url: Annotated[str, AfterValidator(server_url)] = "https://api.opsgenie.com"
    """Where the API is; accounts in Europe: https://api.eu.opsgenie.com."""
    show_private: bool = False
    """Whether the text of private messages is sent along."""


@dataclass(frozen=True, slots=True)
class Opsgenie:
    """Keeps alerts of ours and of Opsgenie's the same; its alias is our alert's id."""

    settings: OpsgenieSettings
    http: HttpClient

    kind: ClassVar[str] = "opsgenie"
    Settings: ClassVar[type[ChannelSettings]] = OpsgenieSettings
    min_gap: ClassVar[timedelta] = timedelta(seconds=1)

    def render(self, notice: Notice, now: datetime) -> Message:
        """The calls that the notice takes; none for a change that is no act of somebody."""
        calls, is_truncated = fitted(
            notice, now, lambda layout: tuple(_calls(notice, layout)), _fit, show_private=self.settings.show_private
        )
        return Message(calls, is_truncated)

    def send(self, message: Message, delivery_id: str, now: datetime) -> None:
        """Make the calls in order; each may be made again, because the alias says what there is already."""
        self.post(message, delivery_id, now, "")

    def post(self, message: Message, delivery_id: str, now: datetime, follows: str) -> str:  # noqa: ARG002
        """The same: what an alert is called there is its alias."""
        for call in message.payloads:
            self._make(call)
        return str(message.payloads[0]["alias"]) if message.payloads else ""

    def edit(self, ref: str, message: Message, now: datetime) -> None:  # noqa: ARG002  # the alias says which
        """Tell Opsgenie that somebody has it, or that it is over."""
        for call in message.payloads:
            self._make(call)

    def check(self) -> None:
        """Close what was never opened: Opsgenie looks at the key, and later finds nothing to close.

        Raises: as `send`.
        """
        self._make({"method": "POST", "path": "/heedful-check/close?identifierType=alias", "body": {}})

    def _make(self, call: Mapping[str, Any]) -> None:
        refused = self._refusal(call)
        if refused is not None:
            raise refused

    def _refusal(self, call: Mapping[str, Any]) -> RemoteError | None:
        url = f"{self.settings.base_url}/v2/alerts{call['path']}"
        headers = {"authorization": f"GenieKey {self.settings.api_key.get_secret_value()}"}
        content = json.dumps(call["body"]).encode()
        try:
            if call["method"] == "POST":
                answer = post(self.http, url, content, headers)
            else:
                headers["content-type"] = "application/json"
                answer = self.http.request("PUT", url, headers=headers, content=content, secret_path=True)
        except RemoteError as error:
            return error
        if "requestId" in answer_object(answer):
            return None
        return Unavailable(f"{answer.shown} answered {answer.status} with something that is not Opsgenie's")


def _calls(notice: Notice, layout: Layout) -> Iterator[dict[str, Any]]:
    alias = layout.alert or f"digest-{show_id(notice.id)}"
    by_alias = "?identifierType=alias"
    said = {"note": _text(layout), "source": "heedful"}
    if render.is_resolved(notice):
        yield _call("POST", alias, f"/{alias}/close{by_alias}", said)
    elif notice.reason == "update":
        if notice.status == "acknowledged":
            yield _call("POST", alias, f"/{alias}/acknowledge{by_alias}", said)
    else:
        yield _call("POST", alias, "", _created(notice, layout, alias))
        if notice.reason not in ("first", "digest"):
            # A repeated creation only counts; what stands in an open alert is changed by calls of its own.
            yield _call("PUT", alias, f"/{alias}/description{by_alias}", {"description": _text(layout)})
            yield _call("PUT", alias, f"/{alias}/priority{by_alias}", {"priority": _PRIORITIES[notice.severity]})


def _call(method: str, alias: str, path: str, content: Mapping[str, Any]) -> dict[str, Any]:
    return {"method": method, "alias": alias, "path": path, "body": dict(content)}


def _created(notice: Notice, layout: Layout, alias: str) -> dict[str, Any]:
    links = [telling.link for telling in layout.threads if telling.link]
    return {
        "message": layout.title[:MAX_MESSAGE],
        "alias": alias,
        "description": _text(layout),
        "priority": "P5" if notice.reason == "digest" else _PRIORITIES[notice.severity],
        "source": "heedful",
        "entity": layout.whose,
        "tags": [notice.severity.value],
        "details": {"rule": layout.rule, **({"url": links[0]} if links else {})},
    }


def _text(layout: Layout) -> str:
    # Some of its mails show markup.
    return "\n".join([layout.title, *body(layout, PLAIN)]).replace("<", "<\u200b")


def _fit(calls: tuple[Mapping[str, Any], ...]) -> bool:
    return all(
        len(str(call["body"].get("description", call["body"].get("note", "")))) <= MAX_DESCRIPTION for call in calls
    )
