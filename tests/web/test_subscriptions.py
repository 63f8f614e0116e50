"""Subscriptions at a WebSub hub, over real HTTP: asked for, confirmed, renewed, and refused to whoever did not ask."""

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from monitor import log
from monitor.app import read_settings
from monitor.store import schema
from monitor.store.engine import reading
from monitor.web.push import open_door
from tests.web.house import House, open_house
from tests.web.test_push import hinted, read_all

CHANNEL, OTHER = "UC" + "a" * 22, "UC" + "b" * 22
SECRET = "a-secret-of-our-own"
TOPIC = "https://www.youtube.com/xml/feeds/videos.xml?channel_id={}"
CONFIG = """
[accounts.tube]
connector = "youtube"
token = "t"
hub_url = "{hub}/subscribe"
push_secret = "{secret}"
[sources.channel]
brand = "shop"
account = "tube"
[sources.other]
brand = "shop"
account = "tube"
channel = "{other}"
"""


@dataclass
class Hub:
    """A hub that keeps what it is asked for and confirms when the test says so."""

    status: int = 202
    asked: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def topics(self) -> list[str]:
        return sorted(form["hub.topic"][-24:] for form in self.asked)

    def confirm(self, house: House, form: dict[str, str], **changes: str) -> tuple[int, str]:
        """Ask at the callback whether it is wanted, as the hub does; what is answered."""
        given = {
            "mode": "subscribe",
            "topic": form["hub.topic"],
            "challenge": "c-1",
            "lease_seconds": "432000",
        } | changes
        params = {f"hub.{name}": value for name, value in given.items()}
        answer = house.client.get(urlsplit(form["hub.callback"]).path, params=params)
        return answer.status_code, answer.text


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            hub.asked.append({name: values[0] for name, values in parse_qs(body).items()})
            self.send_response(hub.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    yield hub
    server.shutdown()
    server.server_close()


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving(Hub()) as hub:
        yield hub


@pytest.fixture
def house(tmp_path: Path, sqlite_url: str, hub: Hub) -> Iterator[House]:
    more = CONFIG.format(hub=hub.url, secret=SECRET, other=OTHER)
    with open_house(tmp_path, [open_door], sqlite_url, more) as house:
        yield house


@pytest.fixture
def learned(house: House) -> House:
    """Each source has been read once: which channels they are is known."""
    read_all(house, {"channel": CHANNEL, "other": OTHER})
    return house


def test_nothing_is_asked_for_before_the_channels_are_known(house: House, hub: Hub) -> None:
    house.chore("subscriptions")
    assert hub.asked == []


def test_each_channel_is_asked_for_once_with_an_address_that_nobody_can_guess(learned: House, hub: Hub) -> None:
    learned.chore("subscriptions")
    learned.chore("subscriptions")
    assert hub.topics() == [CHANNEL, OTHER]
    form = hub.asked[0]
    assert form["hub.topic"] == TOPIC.format(form["hub.topic"][-24:])
    assert form["hub.callback"].startswith("https://heedful.example/push/tube/")
    assert len(form["hub.callback"].rpartition("/")[2]) == 40
    assert (form["hub.mode"], form["hub.secret"], form["hub.verify"]) == ("subscribe", SECRET, "async")


def test_a_hub_that_was_asked_is_confirmed_and_asked_again_a_day_later(learned: House, hub: Hub) -> None:
    learned.chore("subscriptions")
    for form in hub.asked:
        assert hub.confirm(learned, form) == (200, "c-1")
    learned.ahead = timedelta(hours=23)
    learned.chore("subscriptions")
    assert len(hub.asked) == 2
    learned.ahead = timedelta(hours=25)
    learned.chore("subscriptions")
    assert len(hub.asked) == 4


def test_a_short_lease_is_renewed_before_it_ends(learned: House, hub: Hub) -> None:
    learned.chore("subscriptions")
    for form in hub.asked:
        hub.confirm(learned, form, lease_seconds="7200")
    learned.ahead = timedelta(minutes=59)
    learned.chore("subscriptions")
    assert len(hub.asked) == 2
    learned.ahead = timedelta(minutes=61)
    learned.chore("subscriptions")
    assert len(hub.asked) == 4


@pytest.mark.parametrize("lease", ["0", "-1", "1e9", "9" * 50, "\u0663", ""])
def test_a_lease_that_is_none_does_not_make_us_ask_all_the_time(learned: House, hub: Hub, lease: str) -> None:
    learned.chore("subscriptions")
    for form in hub.asked:
        assert hub.confirm(learned, form, lease_seconds=lease)[0] == 200
    learned.ahead = timedelta(minutes=4)
    learned.chore("subscriptions")
    assert len(hub.asked) == 2


@pytest.mark.parametrize("status", [202, 500, 400, 429, 301])
def test_a_hub_that_does_not_confirm_is_asked_again_half_an_hour_later(learned: House, hub: Hub, status: int) -> None:
    hub.status = status
    learned.chore("subscriptions")
    learned.ahead = timedelta(minutes=29)
    learned.chore("subscriptions")
    assert len(hub.asked) == 2
    learned.ahead = timedelta(minutes=31)
    learned.chore("subscriptions")
    assert len(hub.asked) == 4


def test_what_we_do_not_want_is_not_confirmed(learned: House, hub: Hub) -> None:
    learned.chore("subscriptions")
    form = hub.asked[0]
    strange = TOPIC.format("UC" + "c" * 22)
    assert hub.confirm(learned, form, topic=strange)[0] == 404
    assert hub.confirm(learned, form, mode="unsubscribe")[0] == 404
    assert hub.confirm(learned, form, mode="publish")[0] == 404
    assert hub.confirm(learned, form, mode="unsubscribe", topic=strange) == (200, "c-1")
    elsewhere = form | {"hub.callback": form["hub.callback"][:-1] + "x"}
    assert hub.confirm(learned, elsewhere)[0] == 404


def test_a_hub_that_denies_is_heard_and_asked_again_later(learned: House, hub: Hub) -> None:
    learned.chore("subscriptions")
    assert hub.confirm(learned, hub.asked[0], mode="denied") == (200, "")
    learned.ahead = timedelta(minutes=31)
    learned.chore("subscriptions")
    assert len(hub.asked) == 4


def test_another_secret_makes_another_address_and_a_new_subscription(learned: House, hub: Hub) -> None:
    learned.chore("subscriptions")
    for form in hub.asked:
        hub.confirm(learned, form)
    file = learned.app.settings.file
    file.write_text(file.read_text().replace(f'"{SECRET}"', f'"a-new-secret-of-ours {SECRET}"'))
    learned.app.reload(read_settings(file))
    learned.chore("subscriptions")
    assert len(hub.asked) == 4
    assert hub.asked[2]["hub.secret"] == "a-new-secret-of-ours"
    assert hub.asked[2]["hub.callback"] != hub.asked[0]["hub.callback"]
    assert hub.confirm(learned, hub.asked[0])[0] == 200, "until it is gone the old address is good as well"


def test_what_the_hub_sends_to_that_address_makes_the_channel_due(learned: House, hub: Hub) -> None:
    learned.chore("subscriptions")
    path = urlsplit(hub.asked[0]["hub.callback"]).path
    body = f"<feed><entry><yt:channelId>{OTHER}</yt:channelId></entry></feed>".encode()
    signature = "sha1=" + hmac.new(hub.asked[0]["hub.secret"].encode(), body, sha1).hexdigest()
    headers = {"content-type": "application/atom+xml", "x-hub-signature": signature}
    assert learned.client.post(path, content=body, headers=headers).status_code == 200
    assert hinted(learned) == ["other"]


def test_neither_the_secret_nor_the_address_is_in_the_log_or_the_store(learned: House, hub: Hub) -> None:
    lines = StringIO()
    log.start("json", lines)
    learned.chore("subscriptions")
    hub.confirm(learned, hub.asked[0])
    hub.confirm(learned, hub.asked[1], mode="denied")
    with reading(learned.app.engine) as connection:
        kept = str(connection.execute(select(schema.settings_seen)).all())
    path = hub.asked[0]["hub.callback"].rpartition("/")[2]
    said = lines.getvalue()
    assert [event for event in ("asked", "confirmed", "refused") if f"subscription.{event}" not in said] == []
    assert [place for place in (kept, said) if SECRET in place or path in place] == []


def test_without_an_address_that_a_hub_can_reach_nothing_is_asked(tmp_path: Path, sqlite_url: str, hub: Hub) -> None:
    more = CONFIG.format(hub=hub.url, secret=SECRET, other=OTHER)
    with open_house(tmp_path, [open_door], sqlite_url, more) as house:
        file = house.app.settings.file
        file.write_text(file.read_text().replace('public_url = "https://heedful.example"', ""))
        house.app.reload(read_settings(file))
        read_all(house, {"channel": CHANNEL})
        house.chore("subscriptions")
    assert hub.asked == []
