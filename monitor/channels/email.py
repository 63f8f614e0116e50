"""E-mail, handed to a mail server by SMTP: plain text and minimal HTML, all mails of an alert in one conversation.

Source: RFC 5321 (replies), RFC 5322 (Message-ID, References), RFC 8314 (TLS), RFC 3834 (Auto-Submitted); read 2026-11.
"""

import re
import smtplib
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from hashlib import blake2b
from html import escape as entities
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, SecretStr, model_validator

from monitor.channels import render
from monitor.channels.base import ChannelSettings, Message
from monitor.channels.layout import Layout, Markup, body, lay_out
from monitor.errors import Gone, Malformed, RemoteError, Unauthorized, Unavailable
from monitor.http import HttpClient
from monitor.model import Notice

TIMEOUT = timedelta(seconds=30)
MAX_SUBJECT, MAX_DOMAIN = 150, 32
_REFUSED_SIGN_IN = (530, 534, 535, 538)
_DEAD_ADDRESS = (550, 551, 553, 556)
_TOO_LARGE = (523, 552)
_SCHEME = re.compile(r"\b(https?)(://)", re.IGNORECASE)


def _address(text: str) -> str:
    # The local part and the host as they are written without quoting: no other can change what is sent.
    if not re.fullmatch(r"[\w.!#$%&'*+/=?^`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", text, re.ASCII) or len(text) > 254:
        raise ValueError("must be one plain address, such as owner@shop.example")
    return text


def _host(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.:-]+", text):
        raise ValueError("must be the name of a server, such as smtp.shop.example")
    return text


def _user(text: str) -> str:
    if not text.isprintable() or not text.isascii():
        raise ValueError("must be printable ASCII")
    return text


class EmailSettings(ChannelSettings):
    host: Annotated[str, AfterValidator(_host)]
    """The mail server that takes our mails (submission), such as smtp.shop.example."""
    sender: Annotated[str, AfterValidator(_address)]
    """The address that mails come from; the server must let us send as it."""
    to: Annotated[str, AfterValidator(_address)]
    """The one address that is told; for several people a group address, or a channel for each."""
    tls: Literal["starttls", "tls", "none"] = "starttls"
    """"starttls" (port 587), "tls" from the first byte (port 465), or "none": only for a server on this machine."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 0
    """The server's port; 0: 587 for starttls, 465 for tls, 25 for none."""
    user: Annotated[str, AfterValidator(_user)] = ""
    """Who signs in; empty: nobody does."""
    password: SecretStr | None = None
    """That user's password, an app password where the provider has them: give password_env or password_file."""
    ca_file: str = ""
    """A file with the certificate authority of a server of one's own; empty: those that the system trusts."""
    show_private: bool = False
    """Whether the text of private messages is copied into the mail."""

    @model_validator(mode="after")
    def _belongs_together(self) -> "EmailSettings":
        if self.tls == "none" and self.host not in ("127.0.0.1", "localhost", "::1"):
            raise ValueError('tls must be "starttls" or "tls", unless the server is on this machine')
        if bool(self.user) != bool(self.password and self.password.get_secret_value()):
            raise ValueError("user and password must be given together")
        return self


@dataclass(frozen=True, slots=True)
class Email:
    """Sends mails to one address."""

    settings: EmailSettings
    http: HttpClient  # of no use here: all channels are made alike

    kind: ClassVar[str] = "email"
    Settings: ClassVar[type[ChannelSettings]] = EmailSettings
    min_gap: ClassVar[timedelta] = timedelta(seconds=2)  # some providers take 30 a minute

    def render(self, notice: Notice, now: datetime) -> Message:
        """One mail: its subject, its text in two forms, and which alert it belongs to."""
        layout = lay_out(notice, now, show_private=self.settings.show_private)
        payload = {
            "subject": subject(layout),
            "text": "\n".join([layout.title, *body(layout, TEXT)]),
            "html": _page(layout),
            "conversation": notice.alert_id or f"digest {notice.id}",
            "date": notice.created_at.isoformat(),
        }
        return Message((payload,), layout.is_truncated)

    def send(self, message: Message, delivery_id: str, now: datetime) -> None:  # noqa: ARG002  # the mail has its date
        """Hand it to the server, with the same Message-ID at every attempt; if it is too large, without the HTML."""
        for payload in message.payloads:
            refused = self._refusal(mail(self.settings, payload, delivery_id))
            if isinstance(refused, Malformed) and refused.status in _TOO_LARGE:
                refused = self._refusal(mail(self.settings, {**payload, "html": ""}, delivery_id))
            if refused is not None:
                raise refused

    def check(self) -> None:
        """Sign in, name sender and recipient, and leave without a mail.

        Raises: as `send`.
        """
        refused = self._refusal(None)
        if refused is not None:
            raise refused

    def _refusal(self, sent: EmailMessage | None) -> RemoteError | None:
        where, was_sent = self.settings.host, False
        try:
            with self._connected() as server:
                self._sign_in(server)
                _asked(server.mail(self.settings.sender), Unauthorized)
                _asked(server.rcpt(self.settings.to), Gone)
                was_sent = sent is not None  # from here on the server may have it, whatever happens
                if sent is not None:
                    _asked(server.data(sent.as_bytes(policy=SMTP)), Malformed)
        except _Refused as error:
            return error.sorted(where)
        except smtplib.SMTPDataError as error:
            return _Refused(error.smtp_code, Malformed).sorted(where)
        except smtplib.SMTPResponseException as error:
            return _Refused(error.smtp_code, Unavailable).sorted(where)
        except (smtplib.SMTPException, OSError) as error:
            return Unavailable(f"{where}: {_fault(error)}", was_sent=was_sent)
        return None

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        """A connection over which a mail may go; how it ends is of no account, because the mail was answered before."""
        server = self._opened()
        try:
            yield server
        finally:
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
            server.close()

    def _opened(self) -> smtplib.SMTP:
        host, tls, seconds = self.settings.host, self.settings.tls, TIMEOUT.total_seconds()
        port = self.settings.port or {"starttls": 587, "tls": 465, "none": 25}[tls]
        if tls == "tls":
            return smtplib.SMTP_SSL(host, port, timeout=seconds, context=self._context())
        server = smtplib.SMTP(host, port, timeout=seconds)
        try:
            server.ehlo_or_helo_if_needed()
            if tls == "starttls":  # a server that does not offer it raises: never in the clear
                server.starttls(context=self._context())
                server.ehlo()
        except BaseException:
            server.close()
            raise
        return server

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.settings.ca_file or None)

    def _sign_in(self, server: smtplib.SMTP) -> None:
        server.ehlo_or_helo_if_needed()
        if not self.settings.user or self.settings.password is None:
            return
        try:
            server.login(self.settings.user, self.settings.password.get_secret_value())
        except smtplib.SMTPAuthenticationError as error:
            raise _Refused(error.smtp_code, Unauthorized) from None
        except smtplib.SMTPNotSupportedError:
            raise _Refused(530, Unauthorized) from None


class _Refused(Exception):
    """A reply of 4xx or 5xx, and what a 5xx means at this step; its text, which may be anything, is not kept."""

    def __init__(self, code: int, permanent: type[RemoteError]) -> None:
        super().__init__(code)
        self._code, self._permanent = code, permanent

    def sorted(self, where: str) -> RemoteError:
        code = self._code
        says = f"{where} answered {code}"
        if code in _REFUSED_SIGN_IN:
            return Unauthorized(f"{says}: it does not accept our user and password", status=code)
        if not 500 <= code < 600:
            return Unavailable(f"{says}: not now", status=code, was_sent=False)
        if self._permanent is Gone and code not in _DEAD_ADDRESS:
            return Malformed(f"{says} to this mail", status=code)
        step = {Gone: "the recipient", Unauthorized: "the sender", Malformed: "the mail"}.get(self._permanent, "us")
        return self._permanent(f"{says}: it refuses {step}", status=code)


def _asked(reply: tuple[int, bytes], permanent: type[RemoteError]) -> None:
    if not 200 <= reply[0] < 300:
        raise _Refused(reply[0], permanent)


def _fault(error: Exception) -> str:
    """What went wrong, in words that hold nothing of the mail."""
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return "it does not offer STARTTLS, and nothing is sent in the clear"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "too slow"
    return f"the connection failed ({type(error).__name__})"


def mail(settings: EmailSettings, payload: Mapping[str, Any], delivery_id: str) -> EmailMessage:
    """The mail, ready to send; nothing from outside but its subject gets into a header, and that is one clean line."""
    domain = _domain(settings.sender.rpartition("@")[2])
    root = f"<alert-{_id(payload['conversation'])}@{domain}>"  # never sent itself: order and losses do not matter
    sent = EmailMessage(policy=SMTP)
    sent["From"] = Address("heedful", addr_spec=settings.sender)
    sent["To"] = Address(addr_spec=settings.to)
    sent["Subject"] = payload["subject"]
    sent["Date"] = datetime.fromisoformat(payload["date"])
    sent["Message-ID"] = f"<delivery-{_id(delivery_id)}@{domain}>"
    sent["In-Reply-To"] = sent["References"] = root
    sent["Auto-Submitted"] = "auto-generated"
    sent["X-Auto-Response-Suppress"] = "All"
    sent["List-Id"] = f"heedful alerts <alerts.heedful.{domain}>"
    sent.set_content(payload["text"] + "\n", cte="quoted-printable")
    if payload["html"]:
        sent.add_alternative(payload["html"], subtype="html", cte="quoted-printable")
    return sent


def _domain(of_sender: str) -> str:
    """The right side of our ids; what is too long for one line of a header would be encoded there, and broken."""
    return of_sender if len(of_sender) <= MAX_DOMAIN else f"{_id(of_sender)}.invalid"


def _id(text: str) -> str:
    return blake2b(text.encode("utf-8", "replace"), digest_size=10, person=b"heedful-mail").hexdigest()


def subject(layout: Layout) -> str:
    """The title and whose alert it is, on one line of printable characters."""
    return render.Shortener().line(f"{layout.title} · {layout.whose}", MAX_SUBJECT)


def _page(layout: Layout) -> str:
    lines = [f"<b>{entities(layout.title)}</b>", *body(layout, HTML)]
    rows = "".join(f"<div>{line or '&nbsp;'}</div>\n" for line in lines)
    return f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><body>\n{rows}</body></html>\n'


def _shown(text: str) -> str:
    # A mail program makes links of addresses by itself; one that a stranger wrote is parted, so that it makes none.
    return entities(_SCHEME.sub("\\1\u200b\\2", text))


def _quote(text: str) -> str:
    style = "margin:4px 0;padding-left:8px;border-left:3px solid #999"
    return f'<blockquote style="{style}">{_shown(text)}</blockquote>'


TEXT = Markup()
HTML = Markup(
    escape=_shown,
    bold="<b>{}</b>".format,
    code=lambda text: f"<code>{entities(text)}</code>",
    quote=_quote,
    link=lambda address: f'<a href="{entities(address)}">{entities(address)}</a>',  # the whole of it, to be read first
)
