"""Slack, through an incoming webhook: Block Kit messages into one fixed channel.

Source: docs.slack.dev, incoming webhooks, Block Kit and message formatting; read 2026-11.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, SecretStr

from monitor.channels import render
from monitor.channels.base import ChannelSettings, Message
from monitor.channels.targets import post, secret_url
from monitor.core.phrasing import local_time
from monitor.errors import Gone, Malformed, RateLimited, RemoteError, Unauthorized, Unavailable
from monitor.http import HttpClient
from monitor.model import Notice

MAX_HEADER, MAX_SECTION, MAX_TEXT, MAX_LINK = 150, 3_000, 4_000, 900
SHOWN_THREADS, SHOWN_STEPS, SHOWN_AVOID = 5, 8, 5

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
                refused = self._refusal({**_switches(), "text": _as_text(payload)})
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


def render_blocks(notice: Notice, now: datetime, *, show_private: bool = False) -> Message:
    """The notice as a Block Kit message; `text` is what a telephone shows of it."""
    # Here, because a command that only reads the configuration must not pay for the import.
    from slack_sdk.models.blocks import Block, DividerBlock, HeaderBlock, PlainTextObject, SectionBlock

    short = render.Shortener()
    title = render.heading(notice, short, 110)
    whose, what = (escape(part, MAX_SECTION // 2, short) for part in render.happened(notice, short))
    blocks: list[Block] = [
        HeaderBlock(text=PlainTextObject(text=entities(title, MAX_HEADER, short), emoji=False)),
        SectionBlock(text=_marked(f"*{whose}*" + (f" · {what}" if what else ""))),
    ]
    told = [
        render.tell(thread, notice, now, short, 400, private=show_private) for thread in notice.threads[:SHOWN_THREADS]
    ]
    for telling in told:
        blocks += _thread(telling, notice, short)
    if more := render.unshown(notice, len(told), short):
        blocks.append(_context(escape(more, MAX_SECTION, short)))
    if playbook := _playbook(notice, short):
        blocks += [DividerBlock(), *playbook]
    blocks.append(_context(_foot(notice, short)))
    summary = [title, *(f"{each.name}: {each.said}" for each in told[:1])]
    payload = {
        **_switches(),
        "text": entities(" · ".join(summary), MAX_TEXT, short),
        "blocks": [block.to_dict() for block in blocks],
    }
    return Message((payload,), is_truncated=short.has_cut)


def _thread(telling: render.Telling, notice: Notice, short: render.Shortener) -> list[Any]:
    from slack_sdk.models.blocks import SectionBlock

    # Together, escaped, these are less than a section holds.
    who = f"*{escape(telling.name, 200, short)}*"
    if telling.where:
        who += f" on {escape(telling.where, 300, short)}"
    if telling.about:
        who += f" under “{escape(telling.about, 250, short)}”"
    said = escape(telling.said, 1_100, short)
    links = [_link(telling.link, short), escape(telling.when, 120, short)]
    lines = [who, f">{said}" if telling.is_quoted else f"_{said}_", " · ".join(filter(None, links))]
    blocks: list[Any] = [SectionBlock(text=_marked("\n".join(lines)))]
    if telling.why:
        blocks.append(_context(_why(telling.why, notice, short)))
    return blocks


def _why(reasons: tuple[str, ...], notice: Notice, short: render.Shortener) -> str:
    lines = [
        f"*Why*: rule {escape(render.rule(notice, short), 100, short)}",
        *(f"• {escape(reason, 560, short)}" for reason in reasons),
    ]
    return "\n".join(lines)


def _playbook(notice: Notice, short: render.Shortener) -> list[Any]:
    from slack_sdk.models.blocks import SectionBlock

    steps = render.steps(notice, short, SHOWN_STEPS, 300)
    avoid = render.avoid(notice, short, SHOWN_AVOID, 200)
    if notice.playbook is None or not (steps or avoid):
        return []
    title = escape(short.line(notice.playbook.title, 100), 200, short)
    texts = ["\n".join([f"*What to do*: {title}", *(escape(step, 340, short) for step in steps)])]
    if avoid:
        texts.append("\n".join(["*What not to do*", *(f"• {escape(line, 300, short)}" for line in avoid)]))
    return [SectionBlock(text=_marked(text)) for text in texts]


def _foot(notice: Notice, short: render.Shortener) -> str:
    at = escape(local_time(notice.created_at, notice.timezone), 80, short)
    alert = f"Alert {escape(render.alert(notice), 80, short)}"
    if notice.reason == "resolved":
        return f"{alert} · resolved {at}"
    return f"{alert} · {at} · take it: `{escape(render.command(notice), 120, short)}`"


def _marked(text: str) -> Any:
    from slack_sdk.models.blocks import MarkdownTextObject

    # verbatim: Slack makes no links, channel names or mentions of its own out of what people wrote
    return MarkdownTextObject(text=text, verbatim=True)


def _context(text: str) -> Any:
    from slack_sdk.models.blocks import ContextBlock

    return ContextBlock(elements=[_marked(text)])


def _switches() -> dict[str, Any]:
    return {"unfurl_links": False, "unfurl_media": False}  # a hostile link is not previewed in the room


_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# A zero-width space before a formatting character keeps Slack from pairing it with another one.
_ESCAPES = {**_ENTITIES, **{mark: f"\u200b{mark}" for mark in "*_~`"}}


def escape(text: str, limit: int, short: render.Shortener) -> str:
    """Text from outside as mrkdwn that shows it literally and pings nobody, at most `limit` characters once escaped."""
    return _replaced(text, limit, _ESCAPES, short)


def entities(text: str, limit: int, short: render.Shortener) -> str:
    """The same for plain text, where only the three control characters count."""
    return _replaced(text, limit, _ENTITIES, short)


def _replaced(text: str, limit: int, escapes: Mapping[str, str], short: render.Shortener) -> str:
    pieces = [escapes.get(character, character) for character in text]
    if sum(map(len, pieces)) <= limit:
        return "".join(pieces)
    short.has_cut = True
    kept: list[str] = []
    room = limit - 1
    for piece in pieces:
        room -= len(piece)
        if room < 0:
            break
        kept.append(piece)
    return "".join(kept) + "…"


def _link(address: str, short: render.Shortener) -> str:
    quoted = re.sub("[|<>]", lambda found: f"%{ord(found[0]):02X}", address).replace("&", "&amp;")
    if len(quoted) > MAX_LINK:  # half an address leads nowhere
        short.has_cut = True
        return ""
    return f"<{quoted}|open it>" if quoted else ""


def _as_text(payload: Mapping[str, Any]) -> str:
    """The blocks' own texts one below the other, cut at a line's end."""
    lines: list[str] = []
    for block in payload["blocks"]:
        parts = [block["text"]] if "text" in block else block.get("elements", [])
        lines += [line for part in parts for line in part["text"].split("\n")]
    kept: list[str] = []
    room = MAX_TEXT - 2
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            return "\n".join([*kept, "…"])
        kept.append(line)
    return "\n".join(kept)
