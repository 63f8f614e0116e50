"""A running web application of a daemon that is not started, for tests: real HTTP, a clock that can be put forward."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from monitor import log
from monitor.app import App, build, read_settings, utc_now
from monitor.web.app import Opening
from monitor.web.server import WebServer

CONFIG = """
[database]
url = "{database}"
[daemon]
health_port = 0
[web]
port = {port}
public_url = "https://heedful.example"
[brands.shop]
[channels.console]
kind = "console"
"""


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        return int(taken.getsockname()[1])


@dataclass
class House:
    """A web application on loopback, and what it asked of the daemon."""

    app: App
    woken: list[str] = field(default_factory=list)
    ahead: timedelta = timedelta(0)
    server: WebServer = field(init=False)
    client: httpx.Client = field(init=False)

    def now(self) -> datetime:
        return utc_now() + self.ahead

    def wake(self, queue: str) -> None:
        self.woken.append(queue)

    def counted(self, door: str, outcome: str) -> float:
        """How many requests /metrics counts with this outcome."""
        samples = [sample for metric in self.server.counter.collect() for sample in metric.samples]
        wanted = {"door": door, "outcome": outcome}
        return sum(one.value for one in samples if one.name.endswith("_total") and one.labels == wanted)

    def chore(self, name: str) -> None:
        """Do now what the daemon's clock would do now and then."""
        for chore in self.server.chores:
            if chore.name == name:
                chore.work()


@contextmanager
def open_house(directory: Path, doors: Sequence[Opening], database: str, more: str = "") -> Iterator[House]:
    log.start("json")  # as the daemon does: without it each traceback takes seconds to be drawn
    text = CONFIG.format(port=free_port(), database=database) + more
    (directory / "heedful.toml").write_text(text, encoding="utf-8")
    house = House(build(read_settings(directory / "heedful.toml")))
    house.app.now = house.now
    house.app.sync()
    house.server = WebServer(house, doors)
    house.server.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{house.server.port}", timeout=15) as house.client:
        yield house
    house.server.stop()
    house.app.close()
