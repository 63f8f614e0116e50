"""Matrix: one room, each notice exactly once, because the server knows a repetition by its transaction id.

Source: spec.matrix.org, client-server API 1.13, sending events, transaction identifiers, intentional mentions,
threads, replacements; read 2026-11.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from html import escape as entities
from typing import Annotated, Any, ClassVar
from urllib.parse import quote

from pydantic import AfterValidator, SecretStr

from monitor.channels.base import ChannelSettings, Message
from monitor.channels.layout import PLAIN, Layout, Markup, body, fitted
from monitor.channels.targets import answer_object, refusal_object, seconds, server_url, wait_for
from monitor.errors import Gone, Malformed, RateLimited, RemoteError, Unauthorized, Unavailable
from monitor.http import Answer, HttpClient
from monitor.model import Notice

MAX_EVENT = 40_000  # bytes; an event holds 65,536 with all that the server adds

_ERRORS: Mapping[object, type[RemoteError]] = {
    "M_UNKNOWN_TOKEN": Unauthorized,
    "M_MISSING_TOKEN": Unauthorized,
    "M_FORBIDDEN": Unauthorized,
    "M_USER_LOCKED": Unauthorized,
    "M_USER_SUSPENDED": Unauthorized,
    "M_USER_DEACTIVATED": Unauthorized,
    "M_RESOURCE_LIMIT_EXCEEDED": Unauthorized,
    "M_TOO_LARGE": Malformed,
}


def _room(room_id: str) -> str:
    if not re.fullmatch(r"![!-~]{1,250}", room_id):
        raise ValueError('must be the room\'s internal id, such as "!abc:server.example" (not its #address)')
    return room_id


def _token(token: SecretStr) -> SecretStr:
    if not re.fullmatch("[!-~]+", token.get_secret_value()):
        raise ValueError("must be an access token, as the server gave it")
    return token


class MatrixSettings(ChannelSettings):
    base_url: Annotated[str, AfterValidator(server_url)]
    """The homeserver's address for clients, such as https://matrix.server.example."""
    token: Annotated[SecretStr, AfterValidator(_token)]
    """The access token of an account that is in the room: give token_env or token_file."""
    room_id: Annotated[str, AfterValidator(_room)]
    """The room's internal id, "!...": in the room's settings under Advanced."""
    allow_encrypted: bool = False
    """Whether an encrypted room may be told; heedful's own messages stand in it unencrypted."""
    show_private: bool = False
    """Whether the text of private messages is copied into the room."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Posts to one Matrix room."""

    settings: MatrixSettings
    http: HttpClient

    kind: ClassVar[str] = "matrix"
    Settings: ClassVar[type[ChannelSettings]] = MatrixSettings
    min_gap: ClassVar[timedelta] = timedelta(seconds=1)

    def render(self, notice: Notice, now: datetime) -> Message:
        """One event, in plain text and in Matrix's HTML, that mentions nobody."""
        payload, is_truncated = fitted(notice, now, _event, _fits, show_private=self.settings.show_private)
        return Message((payload,), is_truncated)

    def send(self, message: Message, delivery_id: str, now: datetime) -> None:
        """Put it under the delivery's own transaction id: a repetition is answered, and not posted again."""
        self.post(message, delivery_id, now, "")

    def post(self, message: Message, delivery_id: str, now: datetime, follows: str) -> str:
        """The same, in the thread of the event that it follows."""
        (payload,) = message.payloads
        related = {"m.relates_to": _below(follows)} if follows else {}
        return self._put({**payload, **related}, transaction_id(delivery_id, 0), now)

    def edit(self, ref: str, message: Message, now: datetime) -> None:
        """Send an event that takes the place of the first; an older one than the last shown is never named.

        Matrix has no answer for an event that was deleted: the change is kept, and nobody sees it.
        """
        (payload,) = message.payloads
        event = {
            **{name: payload[name] for name in ("msgtype", "m.mentions")},
            "body": f"* {str(payload['body']).partition(chr(10))[0]}",  # of old clients; an event has no room for both
            "m.new_content": dict(payload),
            "m.relates_to": {"rel_type": "m.replace", "event_id": ref},
        }
        self._put(event, transaction_id(f"{ref} {now.isoformat()}", 0), now)

    def _put(self, event: Mapping[str, Any], transaction: str, now: datetime) -> str:
        """The event's id."""
        answer, refused = self._called("PUT", f"send/m.room.message/{transaction}", json.dumps(event).encode(), now)
        if refused is not None:
            raise refused
        return str(answer["event_id"])

    def check(self) -> None:
        """Ask for the room's encryption: only who is in the room is told, and an unencrypted room has none.

        Raises: as `send`; Unauthorized also for an encrypted room that the settings do not allow.
        """
        _, refused = self._called("GET", "state/m.room.encryption", None, None)
        if isinstance(refused, Gone) and refusal_object(refused).get("errcode") == "M_NOT_FOUND":
            return
        if refused is not None:
            raise refused
        if not self.settings.allow_encrypted:
            raise Unauthorized("the Matrix room is encrypted, and heedful's messages are not; allow_encrypted = true")

    def _called(
        self, method: str, path: str, content: bytes | None, now: datetime | None
    ) -> tuple[Mapping[str, Any], RemoteError | None]:
        url = f"{self.settings.base_url}/_matrix/client/v3/rooms/{quote(self.settings.room_id, safe='')}/{path}"
        headers = {"authorization": f"Bearer {self.settings.token.get_secret_value()}"}
        if content is not None:
            headers["content-type"] = "application/json"
        try:
            answer = self.http.request(method, url, headers=headers, content=content, secret_path=True)
        except RemoteError as error:
            return {}, _sorted(error, now)
        return answer_object(answer), _no_success(answer, "event_id" if method == "PUT" else "algorithm")


def _below(root: str) -> dict[str, Any]:
    return {"rel_type": "m.thread", "event_id": root, "is_falling_back": True, "m.in_reply_to": {"event_id": root}}


def transaction_id(delivery_id: str, number: int) -> str:
    """The same at every attempt, whichever process makes it."""
    return blake2b(
        f"{delivery_id}.{number}".encode("utf-8", "replace"), digest_size=15, person=b"heedful-mtrx"
    ).hexdigest()


def _sorted(error: RemoteError, now: datetime | None) -> RemoteError:
    answer = refusal_object(error)
    code = answer.get("errcode")
    if isinstance(error, RateLimited):
        milliseconds = seconds(answer.get("retry_after_ms"))
        return wait_for(error, milliseconds / 1_000 if milliseconds else None, now) if now else error
    return _ERRORS[code](f"{error} ({code})", status=error.status) if code in _ERRORS else error


def _no_success(answer: Answer, expected: str) -> RemoteError | None:
    if expected in answer_object(answer):
        return None
    return Unavailable(f"{answer.shown} answered {answer.status} with something that is not Matrix's")


def _event(layout: Layout) -> dict[str, Any]:
    formatted = "<br>".join([f"<b>{entities(layout.title)}</b>", *body(layout, MARKUP)])
    return {
        "msgtype": "m.text",  # m.notice would ring on nobody's telephone
        "body": "\n".join([layout.title, *body(layout, PLAIN)]),
        "format": "org.matrix.custom.html",
        "formatted_body": formatted.replace("</blockquote><br>", "</blockquote>").replace(
            "<br><blockquote>", "<blockquote>"
        ),
        "m.mentions": {},  # left out, clients would look for names and @room in the text
    }


def _fits(payload: Mapping[str, Any]) -> bool:
    return len(json.dumps(payload).encode()) <= MAX_EVENT


MARKUP = Markup(
    escape=entities,
    bold="<b>{}</b>".format,
    code=lambda text: f"<code>{entities(text)}</code>",
    quote=lambda text: f"<blockquote>{entities(text)}</blockquote>",
    link=lambda address: f'<a href="{entities(address)}">open it</a>',
)
