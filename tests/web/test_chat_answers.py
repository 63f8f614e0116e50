"""What chats are answered: harmless whatever people wrote, short enough, in time, and nowhere but in the chat."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from monitor.channels.discord import escape as discord_escape
from monitor.channels.mattermost import escape as mattermost_escape
from monitor.channels.telegram import escape as telegram_escape
from monitor.http import HttpClient
from monitor.model import show_id
from monitor.store.engine import writing
from monitor.web.ears.base import alert_in, fitted
from monitor.web.ears.slack import is_slacks
from tests.channels.fakes import Fake, Reply
from tests.flows.brand import ANGRY
from tests.web.chats import Talk, open_talk

HOSTILE = (
    "<!channel> <@U1> @channel @everyone @here *bold* _x_ ~y~ `code` [link](https://evil.example) <b>html</b> & "
    "</blockquote> /close \u202eright-to-left\u202c Z\u0351\u0352\u0353\u0354\u0355\u0356\u0357a\x1b[2J #tag ~channel"
)


class FakeGroup(Fake):
    """Takes whatever is posted."""

    def reply(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        self.accepted.append(json.loads(body))
        return 202, b"", {}


@pytest.fixture
def group() -> Iterator[FakeGroup]:
    with FakeGroup() as fake:
        yield fake


@pytest.fixture
def talk(tmp_path: Path, sqlite_url: str, group: FakeGroup) -> Iterator[Talk]:
    with open_talk(tmp_path, sqlite_url, elsewhere=group.url) as talk:
        yield talk


def until(found: Any, seconds: float = 8.0) -> Any:
    """What this finds, as soon as it finds something."""
    end = monotonic() + seconds
    while not (it := found()) and monotonic() < end:
        sleep(0.02)
    return it


def _hostile(talk: Talk) -> str:
    """An alert about what somebody hostile wrote; its id."""
    talk.wall.append(("evil", f"{ANGRY} {HOSTILE}", talk.house.now()))
    talk.later(minutes=1)
    talk.work()
    return show_id(max(talk.alerts(), key=lambda alert: alert.opened_at).id)


def _shown(talk: Talk, kind: str, alert: str, group: FakeGroup) -> str:
    answer = talk.send(talk.chats.say(kind, f"show {alert}"))
    if kind == "groupme":
        return str(until(lambda: group.accepted)[-1]["text"])
    said = answer.json()
    return str(said["data"]["content"] if kind == "discord" else said["text"])


@pytest.mark.parametrize("kind", ["slack", "telegram", "groupme", "mattermost", "discord"])
def test_hostile_words_are_shown_and_do_nothing(talk: Talk, group: FakeGroup, kind: str) -> None:
    text = _shown(talk, kind, _hostile(talk), group)
    assert "UNACCEPTABLE" in text
    assert not {"\x1b", "\u202e", "\u202c"} & set(text)
    live = {
        "slack": ["<!channel>", "<@U1>", " *bold*", " `code`"],
        "telegram": ["@channel", "<b>", "</blockquote>", " /close"],
        "groupme": [],
        "mattermost": ["@channel", "@here", "<!channel>", " *bold*", "](https"],
        "discord": ["@everyone", "@here", " <@U1>", " *bold*", "](https"],
    }[kind]
    assert [one for one in live if one in text] == []


def test_no_answer_names_anybody_or_unfolds_a_link(talk: Talk) -> None:
    slack = talk.send(talk.chats.slack("show")).json()
    assert (slack["unfurl_links"], slack["unfurl_media"], slack["replace_original"]) == (False, False, False)
    assert talk.send(talk.chats.discord("show")).json()["data"]["allowed_mentions"] == {"parse": []}
    assert talk.send(talk.chats.telegram("/show")).json()["link_preview_options"] == {"is_disabled": True}


@pytest.mark.parametrize("kind", ["slack", "mattermost", "discord"])
def test_what_was_done_everybody_reads_and_what_was_asked_only_who_asked(talk: Talk, kind: str) -> None:
    def is_aside(words: str) -> bool:
        said = talk.send(talk.chats.say(kind, words)).json()
        return bool(said["data"].get("flags") == 64 if kind == "discord" else said["response_type"] == "ephemeral")

    assert is_aside("backlog")
    assert not is_aside("ack")


def test_what_was_said_in_a_room_is_answered_below_it(talk: Talk) -> None:
    said = talk.send(talk.chats.telegram("/backlog")).json()
    assert (said["method"], said["chat_id"], said["reply_parameters"]["message_id"]) == ("sendMessage", -1001, 5)
    assert talk.send(talk.chats.mattermost_post("heedful backlog")).json()["response_type"] == "comment"


def test_a_long_answer_to_a_button_in_telegram_also_ends_its_waiting(talk: Talk, group: FakeGroup) -> None:
    said = talk.send(talk.chats.telegram_press(f"show {_hostile(talk)}")).json()
    assert said["method"] == "sendMessage"
    ended = [body for _, path, _, body in until(lambda: group.requests) if path.endswith("/answerCallbackQuery")]
    assert [json.loads(body) for body in ended] == [{"callback_query_id": "991"}]


def test_a_chat_that_takes_no_answer_keeps_nothing_from_being_done(talk: Talk, group: FakeGroup) -> None:
    group.fail_with = (500, b"", {})
    assert talk.send(talk.chats.groupme("heedful ack")).status_code == 200
    assert until(lambda: group.requests)
    assert [alert.status for alert in talk.alerts()] == ["acknowledged"]
    group.fail_with = None
    talk.send(talk.chats.groupme("heedful help"))
    assert until(lambda: group.accepted)[0]["bot_id"] == "abc123"


ESCAPES: dict[str, Callable[[str], str]] = {
    "none": str,
    "telegram": telegram_escape,
    "discord": discord_escape,
    "mattermost": mattermost_escape,
}


@pytest.mark.parametrize("name", ESCAPES)
@given(text=st.text(st.sampled_from("ab@_*<&>/\n~[]\U0001f600é"), max_size=600), limit=st.integers(20, 400))
def test_an_answer_fits_once_it_is_escaped_and_no_line_is_cut_in_half(name: str, text: str, limit: int) -> None:
    escape = ESCAPES[name]
    found = fitted(text, limit, escape)
    assert len(found.encode("utf-16-le")) // 2 <= limit
    whole = [escape(line) for line in text.split("\n")]
    if found != "\n".join(whole):
        kept = found.split("\n")
        assert kept[-1].endswith("…")
        assert kept[:-1] == whole[: len(kept) - 1]


@given(above=st.text(max_size=200), alert=st.text(st.sampled_from("0123456789abcdef"), min_size=13, max_size=13))
def test_only_the_last_line_of_a_message_says_which_alert_it_is_about(above: str, alert: str) -> None:
    assert alert_in(f"{above}\nAlert {alert} · take it: heedful ack {alert}") == alert
    assert alert_in(f"Alert {alert}\n{above}x\nand more") == ""


# --- Slack: in time, and only at Slack ---


@pytest.mark.parametrize(
    ("url", "is_theirs"),
    [
        ("https://hooks.slack.com/actions/T1/2/abc", True),
        ("https://hooks.slack-gov.com/commands/1", True),
        ("https://hooks.slack.com:443/x", True),
        ("http://hooks.slack.com/x", False),
        ("https://hooks.slack.com:8443/x", False),
        ("https://hooks.slack.com@evil.example/x", False),
        ("https://evil.example/hooks.slack.com", False),
        ("https://hooks.slack.com.evil.example/x", False),
        ("https://evilslack.com/x", False),
        ("https://user:pw@hooks.slack.com/x", False),
        ("https://hooks.slack.com:x/", False),
        ("https://[::1/x", False),
        ("", False),
    ],
)
def test_answers_go_to_slack_alone(url: str, is_theirs: bool) -> None:
    assert is_slacks(url) is is_theirs


@pytest.mark.parametrize(
    "url", ["{elsewhere}/x", "https://127.0.0.1/x", "https://slack.com.evil.example/x", "file:///x"]
)
def test_an_address_that_is_not_slacks_is_never_called(talk: Talk, group: FakeGroup, url: str) -> None:
    (alert,) = talk.alerts()
    press = talk.chats.slack_press("show", show_id(alert.id), response_url=url.format(elsewhere=group.url))
    assert talk.send(press).status_code == 200
    sleep(0.3)
    assert group.requests == []


class Slack:
    """hooks.slack.com on loopback, with a certificate that our client is told to trust."""

    def __init__(self, directory: Path) -> None:
        self.posted: list[tuple[str, dict[str, Any]]] = []
        self.dialled: list[str] = []
        certificate = _certificate(directory, "hooks.slack.com")
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        trusted = ssl.create_default_context(cafile=str(certificate))
        self.http = HttpClient(resolver=self._resolve, network=_Dialler(self._server.server_port), tls=trusted)

    def _resolve(self, host: str, port: int) -> list[str]:
        self.dialled.append(host)
        return ["203.0.114.7"]

    def _handler(slack) -> type[BaseHTTPRequestHandler]:  # noqa: N805  # two objects, of which this is the outer
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                slack.posted.append((self.path, json.loads(body)))
                self.send_response(200)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *args: object) -> None:
                pass

        return Handler

    def close(self) -> None:
        self.http.close()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Dialler(httpcore.SyncBackend):
    """Whatever public address is dialled, the server on loopback answers."""

    def __init__(self, port: int) -> None:
        self._port = port

    def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return super().connect_tcp("127.0.0.1", self._port, *args, **kwargs)


def _certificate(directory: Path, host: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    plain = serialization.NoEncryption()
    kept = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path = directory / "slack.pem"
    path.write_bytes(kept + builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def slack(talk: Talk, tmp_path: Path) -> Iterator[Slack]:
    fake = Slack(tmp_path)
    talk.house.app.http.close()
    talk.house.app.http = fake.http
    yield fake
    fake.close()


def test_a_press_that_asks_something_is_answered_beside_the_message(talk: Talk, slack: Slack) -> None:
    (alert,) = talk.alerts()
    url = "https://hooks.slack.com/actions/T1/2/abc"
    assert talk.send(talk.chats.slack_press("show", show_id(alert.id), response_url=url)).text == ""
    ((path, said),) = until(lambda: slack.posted)
    assert path == urlsplit(url).path
    assert said["response_type"] == "ephemeral"
    assert "UNACCEPTABLE" in said["text"]


def test_a_press_that_changes_something_is_shown_by_the_message_alone(talk: Talk, slack: Slack) -> None:
    (alert,) = talk.alerts()
    talk.send(talk.chats.slack_press("ack", show_id(alert.id), response_url="https://hooks.slack.com/actions/1"))
    assert [one.status for one in talk.alerts()] == ["acknowledged"]
    sleep(0.2)
    assert slack.posted == []


def test_slack_is_answered_within_three_seconds_and_told_later_what_took_longer(talk: Talk, slack: Slack) -> None:
    url = "https://hooks.slack.com/commands/T1/2/abc"
    with writing(talk.house.app.engine):  # nobody else can write meanwhile
        before = monotonic()
        answer = talk.send(talk.chats.slack("ack", response_url=url))
        took = monotonic() - before
        assert (answer.status_code, answer.text) == (200, "")
        assert 1.5 < took < 3
        assert slack.posted == []
    ((_, said),) = until(lambda: slack.posted)
    assert "Anna has alert" in said["text"]
    assert [one.status for one in talk.alerts()] == ["acknowledged"]
    assert talk.counted("deferred") == 1


def test_discord_is_told_to_wait_within_three_seconds(talk: Talk, group: FakeGroup) -> None:
    with writing(talk.house.app.engine):
        before = monotonic()
        assert talk.send(talk.chats.discord("ack")).json()["type"] == 5
        assert monotonic() - before < 3
    until(lambda: group.requests)
    method, path, _, body = group.requests[-1]
    assert (method, path) == ("PATCH", "/api/v10/webhooks/55/tok/messages/@original")
    assert "Anna has alert" in json.loads(body)["content"]


def test_what_was_heard_before_the_end_is_still_done(tmp_path: Path, sqlite_url: str) -> None:
    with open_talk(tmp_path, sqlite_url) as talk:
        engine = talk.house.app.engine
        with writing(engine):
            talk.send(talk.chats.slack("ack"))
        talk.house.server.stop()
        assert [one.status for one in talk.alerts()] == ["acknowledged"]
