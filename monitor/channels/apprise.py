"""Everything else, through the library Apprise: one URL of its own for each of a hundred and more services.

What a service answered, the library tells in words alone; of these only the status is looked at, and none is shown,
because they may hold the URL. Source: github.com/caronc/apprise, apprise.py, asset.py, result.py, 2.2; read 2026-11.
"""

import logging
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, SecretStr

from monitor.channels.base import ChannelSettings, Message
from monitor.channels.layout import Layout, Markup, body, fitted
from monitor.errors import Gone, Malformed, RateLimited, RemoteError, Unauthorized, Unavailable
from monitor.http import HttpClient
from monitor.model import Notice, Severity

TIMEOUT = timedelta(seconds=45)
SMALLEST = 600  # characters that the shortest message has, at most
_LOADING = Lock()
_MARKS = re.compile(r"[*_~`]")
_PARTED = re.compile(r"[@<\[]|\](?=\()")  # a name, a tag or a control sequence, a link
_STATUS = re.compile(r"\berror=([1-5][0-9]{2})\b")
_ERRORS: Mapping[int, type[RemoteError]] = {
    **dict.fromkeys((401, 403), Unauthorized),
    **dict.fromkeys((404, 410), Gone),
    **dict.fromkeys((400, 405, 413, 415, 422), Malformed),
    429: RateLimited,
}


def _service(url: SecretStr) -> SecretStr:
    text = url.get_secret_value()
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*://[!-~]+", text):
        raise ValueError("must be one URL of Apprise, such as pover://user@token")
    return url


class AppriseSettings(ChannelSettings):
    url: Annotated[SecretStr, AfterValidator(_service)]
    """One URL, as Apprise's pages write it for the service; it holds secrets: give url_env or url_file."""
    longest: Annotated[int, Field(ge=SMALLEST, le=30_000)] = 1_500
    """How many characters a message has at most; Apprise cuts what its service does not take."""
    show_private: bool = False
    """Whether the text of private messages is sent along."""


@dataclass(frozen=True, slots=True)
class Apprise:
    """Tells one service. It goes where the URL leads, also to private addresses: that URL is the operator's word."""

    settings: AppriseSettings
    http: HttpClient  # of no use here: the library has one of its own

    kind: ClassVar[str] = "apprise"
    Settings: ClassVar[type[ChannelSettings]] = AppriseSettings
    min_gap: ClassVar[timedelta] = timedelta(seconds=2)

    def render(self, notice: Notice, now: datetime) -> Message:
        """A title and plain text; what might be markup or a name in any of the services is parted."""
        longest = self.settings.longest
        payload, is_truncated = fitted(
            notice, now, _message, lambda drawn: len(drawn["body"]) <= longest, show_private=self.settings.show_private
        )
        return Message((payload,), is_truncated)

    def send(self, message: Message, delivery_id: str, now: datetime) -> None:  # noqa: ARG002  # it takes neither
        """Hand it to the library. No service knows a repetition by it."""
        for payload in message.payloads:
            refused = self._refusal(payload)
            if refused is not None:
                raise refused

    def check(self) -> None:
        """Say whether Apprise knows this kind of URL; whether its service lives, only a message shows.

        Raises: Gone.
        """
        self._loaded()

    def _refusal(self, payload: Mapping[str, Any]) -> RemoteError | None:
        service, said = self._loaded(), list[str]()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a hundred libraries' own
                result = service.notify(
                    body=payload["body"],
                    title=payload["title"],
                    notify_type=payload["type"],
                    body_format="text",
                    timeout=TIMEOUT.total_seconds(),
                    log_callback=lambda entry, _: said.append(str(entry.message)),
                    log_level=logging.WARNING,
                )
        except Exception as error:  # whatever a plugin stumbles over: its words may hold the URL
            return Unavailable(f"Apprise failed ({type(error).__name__})")
        return None if result else _sorted(said)

    def _loaded(self) -> Any:
        with _LOADING, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Here, because it reads two hundred modules, which nobody else must pay for.
            from apprise import Apprise as Library
            from apprise import AppriseAsset, OverflowMode

            _silence()
            # No redirect is followed, unless the URL itself asks for it: the target is the one that was named.
            service = Library(asset=AppriseAsset(async_mode=False, secure_logging=True, http_redirects=False))
            is_known = service.add(self.settings.url.get_secret_value())
        if not is_known or len(service) != 1:
            raise Gone("Apprise does not know this kind of URL, or something is missing in it")
        service[0].overflow_mode = OverflowMode.TRUNCATE
        return service


def _silence() -> None:
    """At their lower levels these write whole URLs and messages."""
    logging.getLogger("apprise").propagate = False
    for name in ("apprise", "urllib3", "requests", "requests_oauthlib", "oauthlib"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _sorted(said: list[str]) -> RemoteError:
    """What the service answered, as far as the library says it with a status."""
    found = [int(status) for words in said for status in _STATUS.findall(words)]
    if not found:
        return Unavailable("Apprise could not deliver it, and does not say why")
    error = _ERRORS.get(found[-1], Unavailable)
    return error(f"Apprise could not deliver it: the service answered {found[-1]}", status=found[-1])


def _message(layout: Layout) -> dict[str, Any]:
    kinds = {Severity.CRISIS: "failure", Severity.HIGH: "warning"}
    kind = "success" if layout.is_resolved else kinds.get(layout.severity, "info")
    return {"title": escape(layout.title), "body": "\n".join(body(layout, MARKUP)), "type": kind}


def escape(text: str) -> str:
    """Text from outside that no service reads as markup, a link or a name, whatever Apprise makes of it."""
    return _MARKS.sub("\u200b\\g<0>", _PARTED.sub("\\g<0>\u200b", text))


MARKUP = Markup(escape=escape, quote=lambda text: f"“{escape(text)}”")
