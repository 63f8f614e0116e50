"""A daemon that its platform tells something: what is new is stored at once, though its interval is an hour."""

import hmac
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from time import monotonic, sleep, time
from typing import Any
from urllib.request import urlopen

import httpx
import pytest
from sqlalchemy import Engine, select

from monitor.app import utc_now
from monitor.store import schema
from monitor.store.engine import open_engine, reading
from tests.crash.daemons import Running, enter
from tests.daemon.watching import Watched
from tests.platforms.base import World
from tests.platforms.graph import TOKEN, VERSION
from tests.platforms.instagram import ACCOUNT, Fake
from tests.web.house import free_port

SECRET = "secret-of-the-meta-app"
CONFIG = """
[database]
url = "{database}"
[daemon]
tick = "100ms"
health_port = {health}
[web]
port = {web}
[brands.shop]
[accounts.gram]
connector = "instagram"
api_url = "{platform}"
token = "{token}"
push_secret = "{secret}"
[sources.media]
brand = "shop"
account = "gram"
every = "1h"
[sources.tags]
brand = "shop"
account = "gram"
watch = "tags"
every = "1h"
[channels.console]
kind = "console"
"""


@dataclass
class Place(Watched):
    """An account on a fake Instagram, and a daemon that reads it once an hour."""

    world: World
    fake: Fake
    engine: Engine
    running: Running
    log: Path
    client: httpx.Client
    health: int

    def told(self, field: str, value: dict[str, Any]) -> int:
        """Tell the daemon, as Meta would; the status."""
        change = {"field": field, "value": value}
        entry = {"id": ACCOUNT, "time": int(time()), "changes": [change]}
        body = json.dumps({"object": "instagram", "entry": [entry]}).encode()
        signature = "sha256=" + hmac.new(SECRET.encode(), body, sha256).hexdigest()
        headers = {"content-type": "application/json", "x-hub-signature-256": signature}
        return self.client.post("/push/gram", content=body, headers=headers).status_code

    def texts(self) -> set[str]:
        with reading(self.engine) as connection:
            return set(connection.execute(select(schema.comments.c.text)).scalars())


@pytest.fixture
def place(tmp_path: Path, sqlite_url: str) -> Iterator[Place]:
    world = World(utc_now())
    world.post("New: rye bread")
    with ExitStack() as stack:
        fake = Fake(world, tmp_path)
        fake.start()
        stack.callback(fake.stop)
        web, health = free_port(), free_port()
        given = {"platform": f"{fake.url}/{VERSION}", "token": TOKEN, "secret": SECRET, "web": web, "health": health}
        config = tmp_path / "heedful.toml"
        config.write_text(CONFIG.format(database=sqlite_url, **given))
        enter(config)
        engine = open_engine(sqlite_url)
        stack.callback(engine.dispose)
        log = tmp_path / "log.jsonl"
        running = stack.enter_context(Running.start(config, log))
        client = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{web}", timeout=15))
        there = Place(world, fake, engine, running, log, client, health)
        there.wait_for(lambda: {one["source"] for one in there.events("source.polled")} == {"media", "tags"})
        there.wait_for(lambda: there.events("daemon.started"))
        yield there


def test_a_comment_is_stored_without_waiting_for_the_interval(place: Place) -> None:
    place.world.advance()
    (post,) = [entry.key for entry in place.world.posts]
    comment = place.world.comment(post, "Is it vegan?", by="kim")
    sleep(1)
    assert "Is it vegan?" not in place.texts(), "its next poll is an hour away"
    began = monotonic()
    assert place.told("comments", {"id": place.fake.native_id(comment)}) == 200
    place.wait_for(lambda: "Is it vegan?" in place.texts())
    assert monotonic() - began < 10
    with urlopen(f"http://127.0.0.1:{place.health}/metrics", timeout=10) as answer:
        figures = answer.read().decode()
    assert 'heedful_inbound_total{door="push",outcome="accepted"} 1.0' in figures


def test_a_mention_that_no_list_shows_is_stored_because_it_was_told(place: Place) -> None:
    media = place.world.post("What a day", by="ann")
    comment = place.world.comment(media, "@brand any news?", by="kim")
    value = {"media_id": place.fake.native_id(media), "comment_id": place.fake.native_id(comment)}
    assert place.told("mentions", value) == 200
    place.wait_for(lambda: "@brand any news?" in place.texts())


def test_a_flood_costs_one_poll(place: Place) -> None:
    n_before = len(place.events("source.polled"))
    for number in range(200):
        assert place.told("comments", {"id": str(number)}) == 200
    place.wait_for(lambda: len(place.events("source.polled")) > n_before)
    sleep(2)
    polls = place.events("source.polled")[n_before:]
    assert [one["source"] for one in polls] == ["media"]


def test_a_daemon_that_is_stopped_ends_cleanly_and_keeps_the_hint(place: Place) -> None:
    assert place.told("comments", {"id": "1"}) == 200
    assert place.running.stop() == 0
    assert place.events("daemon.stopped")[0]["unfinished"] is False
    assert place.events("sources.hinted") == [place.events("sources.hinted")[0]]


def test_a_daemon_without_it_does_not_pay_for_it() -> None:
    asked = "import sys, monitor.scheduler, monitor.cli; print({'fastapi', 'starlette', 'uvicorn'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert said.stdout == "set()\n"
