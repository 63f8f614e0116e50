"""The e-mail channel against a real SMTP server: what arrives, what is refused at each step, and what is never said."""

import io
import logging
import re
import socket
import threading
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import ValidationError

from monitor.channels.email import Email, EmailSettings, mail
from monitor.errors import Gone, Malformed, RemoteError, Unauthorized, Unavailable
from monitor.http import HttpClient
from monitor.model import Notice
from tests.channels.mailbox import OWNER, PASSWORD, SENDER, Mailbox, make_certificate
from tests.channels.notices import FIRST, HOSTILE_NOTICES, KIM, NOTICES, NOW

HTTP = HttpClient()
HEADERS = [
    *("From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted"),
    *("X-Auto-Response-Suppress", "List-Id", "MIME-Version", "Content-Type"),
]


def channel(port: int, **more: Any) -> Email:
    settings = {"host": "127.0.0.1", "port": port, "tls": "none", "sender": SENDER, "to": OWNER, **more}
    return Email(EmailSettings(**settings), HTTP)


def send(to: Email, notice: Notice = FIRST, delivery_id: str = "0delivery") -> None:
    to.send(to.render(notice, NOW), delivery_id, NOW)


def test_a_mail_has_both_forms_and_says_that_no_person_wrote_it() -> None:
    with Mailbox() as box:
        send(channel(box.port))
        (arrived,) = box.mails
    assert arrived["Subject"] == "HIGH · An angry customer · Example Bakery"
    assert arrived["To"] == OWNER
    assert SENDER in arrived["From"]
    assert arrived["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in arrived.iter_parts()] == ["text/plain", "text/html"]
    for form in ("plain", "html"):
        part = arrived.get_body((form,))
        assert part is not None
        for said in ("Worst bakery in town", "angry 0.83", "Answer within the hour", "heedful ack 01a2b3c4d5e6f"):
            assert said in part.get_content()


def test_every_attempt_has_the_same_message_id_and_all_of_an_alert_one_conversation() -> None:
    with Mailbox() as box:
        to = channel(box.port)
        send(to)
        send(to)
        send(to, NOTICES["resolved"], "0other")
        send(to, replace(FIRST, alert_id="0another00000"), "0third")
        ids, roots = [each["Message-ID"] for each in box.mails], [each["References"] for each in box.mails]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    assert roots[0] == roots[1] == roots[2] != roots[3]


@pytest.mark.parametrize(
    "domain", ["shop.example", "a" * 24 + ".example", "a" * 25 + ".example", "long-name." * 8 + "example"]
)
def test_an_id_stays_whole_however_long_the_domain_is(domain: str) -> None:
    ours = EmailSettings(host="127.0.0.1", tls="none", sender=f"alerts@{domain}", to=OWNER)
    head = mail(ours, payload_of(FIRST), "0delivery").as_bytes().decode().partition("\r\n\r\n")[0]
    assert re.search(r"(?m)^Message-ID: <delivery-\w{20}@[\w.-]+>\r$", head)
    assert re.search(r"(?m)^In-Reply-To: <alert-\w{20}@[\w.-]+>\r$", head)
    assert re.search(r"(?m)^References: <alert-\w{20}@[\w.-]+>\r$", head)
    assert re.search(r"(?m)^List-Id: heedful alerts\s+<alerts\.heedful\.[\w.-]+>\r$", head)


def payload_of(notice: Notice) -> dict[str, Any]:
    return dict(channel(25).render(notice, NOW).payloads[0])


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(notice=HOSTILE_NOTICES)
def test_whatever_people_write_the_headers_are_ours_alone(notice: Notice) -> None:
    raw = mail(channel(25).settings, payload_of(notice), "0delivery").as_bytes()
    head = raw.partition(b"\r\n\r\n")[0].decode("ascii")
    assert re.findall(r"(?m)^([\w-]+):", head) == HEADERS
    assert max(map(len, raw.split(b"\r\n"))) <= 998


def test_hostile_mails_arrive_whole() -> None:
    hostile = replace(
        KIM, author_name="x\r\nBcc: a@b.example", excerpt=".\r\n.\r\nQUIT <script>alert(1)</script> http://e.example"
    )
    with Mailbox() as box:
        send(
            channel(box.port), replace(FIRST, rule_title="a\r\nBcc: eve@evil.example\r\n\r\nhello", threads=(hostile,))
        )
        (arrived,) = box.mails
    assert arrived["Bcc"] is None
    html = arrived.get_body(("html",))
    assert html is not None
    assert "&lt;script&gt;" in html.get_content()
    assert "http://e.example" not in html.get_content()  # parted, so that no mail program makes a link of it
    assert re.findall(r'href="([^"]*)"', html.get_content()) == ["https://social.example/@kim/1?a=1&amp;b=2"]


@pytest.mark.parametrize(
    ("step", "reply", "expected"),
    [
        ("MAIL", "451 4.7.0 try again", Unavailable),
        ("MAIL", "550 5.7.1 not your address", Unauthorized),
        ("RCPT", "450 4.2.0 greylisted", Unavailable),
        ("RCPT", "550 5.1.1 no such user", Gone),
        ("RCPT", "554 5.7.1 policy", Malformed),
        ("DATA", "451 4.3.0 later", Unavailable),
        ("DATA", "421 4.3.2 closing", Unavailable),
        ("DATA", "552 5.2.2 mailbox full", Malformed),
        ("DATA", "554 5.7.1 spam", Malformed),
    ],
)
def test_a_refusal_is_the_error_that_says_what_to_do_next(step: str, reply: str, expected: type[RemoteError]) -> None:
    with Mailbox(**{step: reply}) as box:
        with pytest.raises(RemoteError) as caught:
            send(channel(box.port))
        assert box.mails == []
    assert type(caught.value) is expected
    assert caught.value.status == int(reply[:3])
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_a_mail_that_is_too_large_arrives_without_its_html() -> None:
    with Mailbox() as box:
        send(channel(box.port))
        box.sizes_refused = len(box.raw[0]) * 2 // 3
        send(channel(box.port), delivery_id="0second")
        assert [each.get_content_type() for each in box.mails] == ["multipart/alternative", "text/plain"]


def test_the_check_names_sender_and_recipient_and_leaves_no_mail() -> None:
    with Mailbox() as box:
        channel(box.port).check()
        with pytest.raises(Gone):
            channel(box.port, to="nobody@shop.example").check()
        assert box.mails == []


def test_starttls_and_a_password_bring_the_mail_through(tmp_path: Path) -> None:
    authority = make_certificate(tmp_path / "tls.pem")
    with Mailbox(authority, asks_for_password=True) as box:
        safe = {"tls": "starttls", "ca_file": str(authority), "user": "shop"}
        send(channel(box.port, **safe, password=PASSWORD))
        assert len(box.mails) == 1
        with pytest.raises(Unauthorized) as caught:
            send(channel(box.port, **safe, password=PASSWORD[::-1]))
        assert caught.value.status == 535
        shown = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    assert PASSWORD[::-1] not in shown
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_a_certificate_that_nobody_vouches_for_gets_neither_mail_nor_password(tmp_path: Path) -> None:
    with Mailbox(make_certificate(tmp_path / "tls.pem"), asks_for_password=True) as box:
        with pytest.raises(Unavailable, match="certificate") as caught:
            send(channel(box.port, tls="starttls", user="shop", password=PASSWORD))
        assert box.mails == []
    assert not caught.value.was_sent


def test_nothing_is_sent_in_the_clear_where_tls_is_asked_for() -> None:
    with Mailbox() as box:
        with pytest.raises(Unavailable, match="does not offer STARTTLS"):
            send(channel(box.port, tls="starttls"))
        assert box.mails == []


def test_a_server_that_nobody_runs_was_never_sent_to() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for act in (lambda: send(channel(port)), channel(port).check):
        with pytest.raises(Unavailable) as caught:
            act()
        assert not caught.value.was_sent


def test_a_connection_that_breaks_before_the_last_answer_leaves_it_unknown() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_breaks_after_the_mail, args=(listening,), daemon=True)
        thread.start()
        with pytest.raises(Unavailable) as caught:
            send(channel(listening.getsockname()[1]))
        thread.join(5)
    assert caught.value.was_sent


def test_a_server_that_ends_rudely_after_taking_the_mail_has_taken_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        said: list[bytes] = []
        thread = threading.Thread(target=_converse, args=(listening, b"250 ok", b"421 go away", said), daemon=True)
        thread.start()
        send(channel(listening.getsockname()[1]))
        thread.join(5)
    assert [line.strip().upper() for line in said[-2:]] == [b"DATA", b"QUIT"], "sent once, and then left"


def _breaks_after_the_mail(listening: socket.socket) -> None:
    _converse(listening, b"", b"", [])


def _converse(listening: socket.socket, to_mail: bytes, to_quit: bytes, said: list[bytes]) -> None:
    connection, _ = listening.accept()
    with connection, connection.makefile("rb") as lines:
        connection.sendall(b"220 rude\r\n")
        for line in lines:
            said.append(line)
            if line.upper().startswith(b"DATA"):
                connection.sendall(b"354 go on\r\n")
                _skip_mail(lines)
                if not to_mail:
                    return
                connection.sendall(to_mail + b"\r\n")
            elif line.upper().startswith(b"QUIT"):
                connection.sendall(to_quit + b"\r\n")
                return
            else:
                connection.sendall(b"250 ok\r\n")


def _skip_mail(lines: io.BufferedReader) -> None:
    for line in lines:
        if line == b".\r\n":
            return


def test_the_password_is_in_no_error_no_repr_and_no_log(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    caplog.set_level(logging.DEBUG)
    authority = make_certificate(tmp_path / "tls.pem")
    with Mailbox(authority, asks_for_password=True, MAIL="550 no") as box:
        to = channel(box.port, tls="starttls", ca_file=str(authority), user="shop", password=PASSWORD)
        with pytest.raises(RemoteError) as caught:
            send(to)
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("mail")]  # not the server's
    for shown in (*traceback.format_exception(caught.value), repr(vars(caught.value)), repr(to), *ours):
        assert PASSWORD not in shown


@pytest.mark.parametrize(
    "wrong",
    [
        {"tls": "none", "host": "smtp.shop.example"},
        {"to": "a@b.example, c@d.example"},
        {"sender": "a@b.example\r\nBcc: x@y.example"},
        {"to": "Owner <a@b.example>"},
        {"host": "smtp.shop.example\r\n"},
        {"user": "shop"},
        {"password": PASSWORD},
    ],
)
def test_a_setting_that_cannot_work_is_refused_without_being_shown(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="must") as caught:
        channel(25, **wrong)
    assert PASSWORD not in str(caught.value)
