"""What an ear is, and what all of them share."""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qs

from fastapi import Request
from starlette.responses import PlainTextResponse, Response

from monitor import log
from monitor.errors import RemoteError
from monitor.flows.chat import Answer, Call
from monitor.http import HttpClient
from monitor.web.inbound import Refused, Replays

DOOR = "chat"
_log = log.get()

_FOOT = re.compile(r"Alert ([0-9a-z]{13})(?![0-9a-z])")
_ANSWERING = timedelta(seconds=10)  # what a chat may take to accept what it was not told at once


@dataclass(frozen=True, slots=True)
class Heard:
    """What came in: something said (`call`), or what the chat itself wants answered at once (`pong`), or neither.

    `back` is what the ear needs to answer there.
    """

    call: Call | None = None
    pong: Mapping[str, Any] | None = None
    back: Mapping[str, Any] = field(default_factory=dict)


class Ear(ABC):
    """Hears and answers one kind of chat.

    `kind` is how [people.<id>.handles] calls it; `patience` is within how many seconds the chat wants to be answered,
    None where it waits long enough.
    """

    kind: ClassVar[str]
    patience: ClassVar[float | None] = None

    @abstractmethod
    def address(self, url: str) -> str:
        """What must be told to the chat, in words: `url` is where it is listened to from outside."""

    @abstractmethod
    def believe(self, request: Request, body: bytes, path: str, replays: Replays, now: datetime) -> None:
        """Make sure that the chat sent this, lately, to this address; nothing in it is read before.

        Raises: Refused.
        """

    @abstractmethod
    def hear(self, body: bytes, path: str) -> Heard:
        """What was said, by what was believed.

        Raises: Refused for what cannot be read.
        """

    @abstractmethod
    def reply(self, heard: Heard, answer: Answer | None, http: HttpClient) -> Response:
        """What is answered; nothing (None) for what was said before."""

    def defer(self) -> Response:
        """What a chat is told whose patience is at its end: the answer follows."""
        return PlainTextResponse("")

    def follow(self, heard: Heard, answer: Answer | None, http: HttpClient) -> None:  # noqa: B027 - most chats wait
        """Send the answer after that."""


def read_object(body: bytes) -> dict[str, Any]:
    """The body as a JSON object.

    Raises: Refused.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(DOOR, "unreadable", 400) from None
    if not isinstance(found, dict):
        raise Refused(DOOR, "unreadable", 400)
    return found


def read_form(body: bytes) -> dict[str, str]:
    """The body as a form; of a field that comes twice the first.

    Raises: Refused.
    """
    try:
        found = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise Refused(DOOR, "unreadable", 400) from None
    return {name: values[0] for name, values in found.items()}


def inner(found: Any, *names: str) -> dict[str, Any]:
    """The object at this place in another; an empty one where there is none."""
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def text_of(found: Any, name: str) -> str:
    """The text or number at this key, as text; "" where there is neither."""
    value = found.get(name) if isinstance(found, dict) else None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def alert_in(message: str) -> str:
    """The alert that a message of ours is about: its last line begins with it. "" where it is about none.

    Above stands what strangers wrote, who may have written such a line as well.
    """
    found = _FOOT.match(message.rstrip().rpartition("\n")[2])
    return found[1] if found else ""


def check_sent(replays: Replays, at: str, now: datetime) -> None:
    """Make sure that what a chat signed at this Unix time was signed lately.

    Raises: Refused.
    """
    if not re.fullmatch("[0-9]{1,10}", at):
        raise Refused(DOOR, "time")
    replays.check_time(DOOR, datetime.fromtimestamp(int(at), UTC), now)


def fitted(text: str, limit: int, escape: Callable[[str], str] = str) -> str:
    """Whole lines of an answer, escaped, within so many UTF-16 units; of a first line that is too long its start."""
    lines = [escape(line) for line in text.split("\n")]
    if _units("\n".join(lines)) <= limit:
        return "\n".join(lines)
    kept: list[str] = []
    room = limit - 2
    for line in lines:
        room -= _units(line) + 1
        if room < 0:
            break
        kept.append(line)
    return "\n".join([*kept, "…"]) if kept else _beginning(text, limit, escape)


def _beginning(text: str, limit: int, escape: Callable[[str], str]) -> str:
    """As much of the first line as fits; cut before it is escaped, so that no escape is cut in half."""
    line = text.partition("\n")[0]
    while line and _units(escape(line)) >= limit:
        line = line[: len(line) * 3 // 4]
    return f"{escape(line)}…"


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "replace")) // 2


def call(
    http: HttpClient, kind: str, method: str, url: str, content: Mapping[str, Any], *, public: bool = False
) -> None:
    """Tell a chat something besides the answer to its own call; where that fails it is logged, and nothing repeated."""
    headers, body = {"content-type": "application/json"}, json.dumps(content).encode()
    try:
        http.request(
            method, url, headers=headers, content=body, secret_path=True, public_only=public, timeout=_ANSWERING
        )
    except RemoteError as error:
        _log.warning("chat.unanswered", kind=kind, error=type(error).__name__, says=str(error)[:300])
