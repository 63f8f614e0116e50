"""A daemon that is answered in its chat: what is pressed shows in the message within seconds."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import httpx
import pytest

from tests.channels.bots import SIGNING_SECRET, SLACK_CHANNEL, SLACK_TOKEN, FakeSlackBot
from tests.crash.daemons import Running, enter
from tests.daemon.watching import Watched
from tests.flows.brand import ANGRY
from tests.web.chats import Chats, Request
from tests.web.house import free_port

CONFIG = """
[database]
url = "{database}"
[daemon]
tick = "100ms"
health_port = 0
[web]
port = {web}
[brands.shop]
[sources.letters]
brand = "shop"
connector = "file"
path = "{drop}"
settle = "0s"
every = "1s"
[channels.slack]
kind = "slack_bot"
base_url = "{slack}"
token = "{token}"
channel = "{channel}"
signing_secret = "{secret}"
[people.anna]
name = "Anna"
channels = ["slack"]
handles = {{ slack = "U1" }}
[[routes]]
channels = ["slack"]
[alerts]
group_wait = "0s"
"""


@dataclass
class Place(Watched):
    """A drop folder, a Slack, and the daemon between them."""

    slack: FakeSlackBot
    drop: Path
    log: Path
    running: Running
    client: httpx.Client
    chats: Chats

    def write(self, who: str, text: str) -> None:
        row = {"native_id": who, "author_native_id": who, "author_name": who.title(), "text": text}
        line = json.dumps(row | {"created_at": datetime.now(UTC).isoformat()})
        (self.drop / f"{who}.jsonl").write_text(line + "\n", encoding="utf-8")

    def send(self, request: Request) -> httpx.Response:
        return self.client.post(request.path, content=request.body, headers=request.headers)

    def shown(self) -> str:
        return json.dumps(list(self.slack.wall.values()), ensure_ascii=False)


@pytest.fixture
def place(tmp_path: Path, sqlite_url: str) -> Iterator[Place]:
    drop, web, log = tmp_path / "drop", free_port(), tmp_path / "log.jsonl"
    drop.mkdir()
    with ExitStack() as stack:
        slack = stack.enter_context(FakeSlackBot())
        given = {"slack": slack.url, "token": SLACK_TOKEN, "channel": SLACK_CHANNEL, "secret": SIGNING_SECRET}
        config = tmp_path / "heedful.toml"
        config.write_text(CONFIG.format(database=sqlite_url, web=web, drop=drop, **given))
        enter(config)
        running = stack.enter_context(Running.start(config, log))
        client = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{web}", timeout=15))
        there = Place(slack, drop, log, running, client, Chats(lambda: datetime.now(UTC)))
        there.write("sam", "Do you open on Sunday?")
        there.wait_for(lambda: any(one["new"] for one in there.events("source.polled")))
        there.write("kim", ANGRY)
        there.wait_for(lambda: slack.wall)
        yield there


def test_a_press_shows_in_the_message_and_ends_with_the_daemon(place: Place) -> None:
    (message,) = place.slack.wall.values()
    (buttons,) = [block["elements"] for block in message["blocks"] if block["type"] == "actions"]
    began = monotonic()
    assert place.send(place.chats.slack_press("ack", buttons[0]["value"])).status_code == 200
    answered = monotonic() - began
    place.wait_for(lambda: "Anna has it" in place.shown())
    assert (answered < 3, monotonic() - began < 10) == (True, True)
    assert len(place.slack.accepted) == 1
    assert "Sam" in place.send(place.chats.slack("backlog")).json()["text"]
    assert place.running.stop() == 0
    assert SIGNING_SECRET not in place.log.read_text()
    assert [one["verb"] for one in place.events("chat.answered")] == ["ack", "backlog"]
