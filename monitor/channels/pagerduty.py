"""PagerDuty, through Events API v2: an alert triggers an incident, and acknowledges and resolves it.

Source: github.com/PagerDuty/developer-docs, events-API-v2, 01-Overview and 02-Trigger-Events; prometheus/alertmanager,
notify/pagerduty (its limits, and that a resolve may carry the payload); read 2026-11. All of its text is plain.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, SecretStr

from monitor.channels.base import ChannelSettings, Message
from monitor.channels.layout import PLAIN, Layout, body, fitted
from monitor.channels.targets import answer_object, post, refusal_object, server_url, wait_for
from monitor.errors import Malformed, RateLimited, RemoteError, Unauthorized, Unavailable
from monitor.http import HttpClient
from monitor.model import Notice, Severity, show_id

MAX_SUMMARY, MAX_EVENT, MAX_LINKS = 1_024, 100_000, 10  # characters; bytes, of which 512 KB are taken
BUSY = timedelta(minutes=1)  # after a 429, which does not say how long
_SEVERITIES = {
    Severity.CRISIS: "critical",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "info",
}


def _key(key: SecretStr) -> SecretStr:
    if not re.fullmatch("[A-Za-z0-9]{32}", key.get_secret_value()):
        raise ValueError("must be the integration key of an Events API v2 integration: 32 letters and digits")
    return key


class PagerDutySettings(ChannelSettings):
    routing_key: Annotated[SecretStr, AfterValidator(_key)]
    """The integration key of a service (Events API v2): give routing_key_env or routing_key_file."""
    base_url: Annotated[str, AfterValidator(server_url)] = "https://events.pagerduty.com"
    """Where events go; accounts in Europe: https://events.eu.pagerduty.com."""
    show_private: bool = False
    """Whether the text of private messages is sent along."""


@dataclass(frozen=True, slots=True)
class PagerDuty:
    """Sends events to one service. What PagerDuty calls an incident is the alert's own id."""

    settings: PagerDutySettings
    http: HttpClient

    kind: ClassVar[str] = "pagerduty"
    Settings: ClassVar[type[ChannelSettings]] = PagerDutySettings
    min_gap: ClassVar[timedelta] = timedelta(seconds=1)

    def render(self, notice: Notice, now: datetime) -> Message:
        """One event; none for a change that is no act of somebody: a trigger could page people for it."""
        action = _action(notice)
        if not action:
            return Message(())
        payload, is_truncated = fitted(
            notice, now, lambda layout: _event(notice, layout, action), _fits, show_private=self.settings.show_private
        )
        return Message((payload,), is_truncated)

    def send(self, message: Message, delivery_id: str, now: datetime) -> None:
        """Send it; a repetition is merged into the incident that there is."""
        self.post(message, delivery_id, now, "")

    def post(self, message: Message, delivery_id: str, now: datetime, follows: str) -> str:  # noqa: ARG002
        """The same: that an event belongs to another one, its key says."""
        for payload in message.payloads:
            self._send(payload, now)
        return str(message.payloads[0]["dedup_key"]) if message.payloads else ""

    def edit(self, ref: str, message: Message, now: datetime) -> None:  # noqa: ARG002  # the key says which
        """Tell PagerDuty that somebody has it, or that it is over."""
        for payload in message.payloads:
            self._send(payload, now)

    def check(self) -> None:
        """Resolve what was never triggered: PagerDuty looks at the key and drops the event.

        Raises: as `send`. A key that is well formed and unknown is noticed only when an event is processed.
        """
        self._send({"event_action": "resolve", "dedup_key": "heedful-check"}, None)

    def _send(self, payload: Mapping[str, Any], now: datetime | None) -> None:
        refused = self._refusal(payload, now)
        if refused is not None:
            raise refused

    def _refusal(self, payload: Mapping[str, Any], now: datetime | None) -> RemoteError | None:
        event = {"routing_key": self.settings.routing_key.get_secret_value(), **payload}
        try:
            answer = post(self.http, f"{self.settings.base_url}/v2/enqueue", json.dumps(event).encode())
        except RateLimited as error:
            return wait_for(error, BUSY, now) if now else error
        except RemoteError as error:
            return _sorted(error)
        if answer_object(answer).get("status") == "success":
            return None
        return Unavailable(f"{answer.shown} answered {answer.status} with something that is not PagerDuty's")


def _sorted(error: RemoteError) -> RemoteError:
    if isinstance(error, Malformed) and "routing" in json.dumps(refusal_object(error).get("errors", "")).lower():
        return Unauthorized(f"{error} (it does not accept the routing key)", status=error.status)
    return error


def _action(notice: Notice) -> str:
    if notice.reason == "resolved" or (notice.reason == "update" and notice.status == "resolved"):
        return "resolve"
    if notice.reason == "update":
        return "acknowledge" if notice.status == "acknowledged" else ""
    return "trigger"


def _event(notice: Notice, layout: Layout, action: str) -> dict[str, Any]:
    threads = [(telling.name, telling.link) for telling in layout.threads]
    lines = [line for part in layout.sections for line in part.lines]
    details = {"text": "\n".join(body(layout, PLAIN)), "rule": layout.rule, "alert": layout.alert}
    return {
        "event_action": action,
        "dedup_key": layout.alert or f"digest-{show_id(notice.id)}",
        "client": "heedful",
        "links": [{"href": link, "text": name} for name, link in [*threads, *lines] if link][:MAX_LINKS],
        "payload": {
            "summary": f"{layout.title} · {layout.whose}"[:MAX_SUMMARY],
            "source": layout.whose,
            "severity": "info" if notice.reason == "digest" else _SEVERITIES[notice.severity],
            "timestamp": notice.created_at.isoformat(timespec="seconds"),
            "component": "comments",
            "group": layout.whose,
            "class": layout.rule or "digest",
            "custom_details": details,
        },
    }


def _fits(event: Mapping[str, Any]) -> bool:
    return len(json.dumps(event).encode()) <= MAX_EVENT
