"""Microsoft Teams, through a Workflows webhook: one Adaptive Card a message.

All text stands in text runs, in which Teams reads no markdown. Source: learn.microsoft.com, "Create incoming webhooks
with Workflows"; adaptivecards.io, schema 1.4; MicrosoftDocs/msteams-docs issue 11274 (how a message's size is counted);
read 2026-11.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr

from monitor.channels import render
from monitor.channels.base import ChannelSettings, Message
from monitor.channels.layout import PLAIN, Layout, fitted, foot
from monitor.channels.targets import post, refusal_object, secret_url
from monitor.errors import Gone, RemoteError, Unauthorized, Unavailable
from monitor.http import HttpClient
from monitor.model import Notice, Severity

MAX_BODY = 20_000  # bytes; Teams takes 28 KB by a count of its own, which came out a fifth above ours
_COLOURS = {Severity.CRISIS: "Attention", Severity.HIGH: "Warning", Severity.MEDIUM: "Accent", Severity.LOW: "Default"}
# A date macro, the mark of a mention: both are expanded in places where we cannot see it.
_EXPANDED = re.compile(r"\{(?=\{)|<(?=/?at\b)", re.IGNORECASE)

_ERRORS: Mapping[str, type[RemoteError]] = {
    "WorkflowTriggerIsNotEnabled": Gone,
    "WorkflowNotFound": Gone,
    "DirectApiAuthorizationRequired": Unauthorized,
    "DirectApiInvalidAuthorizationScheme": Unauthorized,
}


def _workflow(url: SecretStr) -> SecretStr:
    secret_url(url)
    host = urlsplit(url.get_secret_value()).hostname or ""
    if host == "outlook.office.com" or host.endswith(".webhook.office.com"):
        raise ValueError(
            "must be a Workflows webhook: Office 365 connectors, as this one, are switched off by Microsoft"
        )
    return url


class TeamsSettings(ChannelSettings):
    url: Annotated[SecretStr, AfterValidator(_workflow)]
    """The workflow's URL, whole, with its sig; a secret: give url_env or url_file."""
    show_private: bool = False
    """Whether the text of private messages is copied into the channel."""


@dataclass(frozen=True, slots=True)
class Teams:
    """Posts to one Teams channel or chat."""

    settings: TeamsSettings
    http: HttpClient

    kind: ClassVar[str] = "teams"
    Settings: ClassVar[type[ChannelSettings]] = TeamsSettings
    min_gap: ClassVar[timedelta] = timedelta(seconds=2)  # the 60 in 30 s of the old connectors, seen from far away

    def render(self, notice: Notice, now: datetime) -> Message:
        """One card, below 20 KB."""
        payload, is_truncated = fitted(notice, now, _message, _fits, show_private=self.settings.show_private)
        return Message((payload,), is_truncated)

    def send(self, message: Message, delivery_id: str, now: datetime) -> None:  # noqa: ARG002  # a workflow takes no id
        """Post it. Accepted means queued: whether the card was shown, only the workflow's run history tells."""
        for payload in message.payloads:
            refused: RemoteError | None = None
            try:
                answer = post(self.http, self.settings.url.get_secret_value(), _bytes(payload))
            except RemoteError as error:
                refused = _sorted(error)
            if refused is not None:
                raise refused
            if answer.body.lstrip().startswith(b"<"):
                raise Unavailable(f"{answer.shown} answered {answer.status} with a page that is not the workflow's")

    def check(self) -> None:
        """Say whether anything answers there; whether the workflow still runs, it tells only to who posts.

        Raises: Unavailable or Gone.
        """
        refused: RemoteError | None = None
        try:
            self.http.request("HEAD", self.settings.url.get_secret_value(), secret_path=True)
        except RemoteError as error:
            refused = error
        if isinstance(refused, Unavailable) or (refused is not None and refused.status == 410):
            raise refused


def _sorted(error: RemoteError) -> RemoteError:
    details = refusal_object(error).get("error")
    code = str(details.get("code", "")) if isinstance(details, dict) else ""
    return _ERRORS[code](f"{error} ({code})", status=error.status) if code in _ERRORS else error


def _bytes(payload: Mapping[str, Any]) -> bytes:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _fits(payload: Mapping[str, Any]) -> bool:
    return len(_bytes(payload)) <= MAX_BODY


def _message(layout: Layout) -> dict[str, Any]:
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "fallbackText": _literal(layout.title),
        "body": list(_body(layout)),
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _body(layout: Layout) -> Iterator[dict[str, Any]]:
    colour = "Good" if layout.is_resolved else _COLOURS[layout.severity]
    yield _line(_run(layout.title, weight="Bolder", size="Large", color=colour))
    yield _line(_run(layout.whose, weight="Bolder"), _run(f" · {layout.what}" if layout.what else ""))
    for part in layout.sections:
        yield _box(*_section(part))
    for telling in layout.threads:
        yield _box(*_thread(telling, layout.rule))
    if layout.more:
        yield _box(_line(_run(layout.more)))
    if layout.playbook or layout.steps:
        title = f": {layout.playbook}" if layout.playbook else ""
        yield _box(_line(_run("What to do", weight="Bolder"), _run(title)), *map(_line, map(_run, layout.steps)))
    if layout.avoid:
        lines = (_line(_run(f"• {line}")) for line in layout.avoid)
        yield _box(_line(_run("What not to do", weight="Bolder")), *lines)
    yield _box(_line(_run(foot(layout, PLAIN), isSubtle=True)))


def _thread(telling: render.Telling, rule: str) -> Iterator[dict[str, Any]]:
    where = f" on {telling.where}" if telling.where else ""
    about = f" under “{telling.about}”" if telling.about else ""
    yield _line(_run(telling.name, weight="Bolder"), _run(where + about))
    said = _line(_run(telling.said, italic=not telling.is_quoted))
    yield {"type": "Container", "style": "emphasis", "items": [said]} if telling.is_quoted else said
    yield _line(_run(telling.when, isSubtle=True))
    if telling.why:
        yield _line(_run("Why", weight="Bolder"), _run(f": rule {rule}"))
    yield from (_line(_run(f"• {reason}")) for reason in telling.why)
    if telling.link.startswith("https://"):
        yield {"type": "ActionSet", "actions": [{"type": "Action.OpenUrl", "title": "Open it", "url": telling.link}]}
    elif telling.link:  # a button leads to https alone
        yield _line(_run(telling.link))


def _section(part: render.Part) -> Iterator[dict[str, Any]]:
    yield _line(_run(part.heading, weight="Bolder"))
    for text, link in part.lines:
        yield _line(_run(f"• {text}"), _run(f" · {link}" if link.startswith("http://") else ""), *_linked(link))
    if part.more:
        yield _line(_run(part.more, isSubtle=True))


def _linked(link: str) -> Iterator[dict[str, Any]]:
    if link.startswith("https://"):
        yield _run(" · ")
        yield {**_run("open it"), "selectAction": {"type": "Action.OpenUrl", "url": link}}


def _box(*items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Container", "separator": True, "spacing": "Medium", "items": list(items)}


def _line(*runs: dict[str, Any]) -> dict[str, Any]:
    return {"type": "RichTextBlock", "spacing": "Small", "inlines": [run for run in runs if run["text"]]}


def _run(text: str, **style: Any) -> dict[str, Any]:
    return {"type": "TextRun", "text": _literal(text), **{name: value for name, value in style.items() if value}}


def _literal(text: str) -> str:
    return _EXPANDED.sub("\\g<0>\u200b", text)
