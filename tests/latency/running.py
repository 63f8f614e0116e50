"""A run: the installed `heedful run` between a forum and a webhook, both over HTTP, and what became of each word."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles
from time import monotonic, sleep

from benchmarks import daemon
from tests.crash.daemons import enter
from tests.crash.servers import Town
from tests.crash.world import World
from tests.latency.feeding import Feed, waits
from tests.latency.stages import Stages, read_stages

PATIENCE_S = 120.0  # after the last arrival, while something is missing
_ID = re.compile(r"\((c\d+)\)")  # how the world signs a text

CONFIG = """
[database]
url = "{database}"
[daemon]
health_port = {port}
log_format = "json"
[brands.bakery]
name = "Rosewood Bakery"
timezone = "Europe/London"
[channels.hook]
kind = "webhook"
url = "{url}/hook"
secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
allow_private = true
budget_per_hour = 0
budget_per_day = 0
[[routes]]
channels = ["hook"]
[alerts]
group_wait = "0s"
group_interval = "0s"
"""

SOURCE = """
[sources.{page}]
brand = "bakery"
connector = "tests.crash.forum:Forum"
every = "1s"
url = "{url}"
page = "{page}"
limit = 100
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be measured."""

    rate: float = 50.0
    seconds: float = 60.0
    n_pages: int = 1
    told_share: float = 1.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How long each comment took from the forum to the webhook, and what the machine did meanwhile."""

    wanted: Wanted
    n_said: int
    n_told: int
    waits_s: list[float]
    n_doubled: int
    late_s: float
    daemon_core_share: float
    load: tuple[float, float]
    stages: Stages
    poll_gaps_s: list[float]

    @property
    def n_lost(self) -> int:
        return self.n_told - len(self.waits_s)

    def last_line(self) -> str:
        found = {
            "n": len(self.waits_s),
            "median_s": round(median(self.waits_s), 3) if self.waits_s else None,
            "p99_s": round(quantiles(self.waits_s, n=100, method="inclusive")[98], 3) if self.waits_s[1:] else None,
            "max_s": round(max(self.waits_s), 3) if self.waits_s else None,
            "lost": self.n_lost,
            "doubled": self.n_doubled,
            "said": self.n_said,
            "rate": self.wanted.rate,
            "load_1m": [round(each, 2) for each in self.load],
            "daemon_core_share": round(self.daemon_core_share, 3),
        }
        return json.dumps(found)


def run(
    directory: Path, database: str, wanted: Wanted, on_progress: Callable[[str], object] = lambda _: None
) -> Outcome:
    """Say what is wanted while the daemon reads, and wait until every angry comment has arrived, or none comes."""
    pages = [f"page-{number}" for number in range(wanted.n_pages)]
    feed = Feed(World(pages), pages)
    with Town(feed.world) as town:
        port = daemon.free_port()
        config = directory / "heedful.toml"
        head = CONFIG.format(database=database, port=port, url=town.url)
        config.write_text(head + "".join(SOURCE.format(page=page, url=town.url) for page in pages))
        enter(config)  # the sources are there before anything is said: all of it is news
        with daemon.running(config, port) as process:
            _wait(lambda: len({page for *_, page in town.polls}) == len(pages), PATIENCE_S)
            load, began, cpu = os.getloadavg()[0], monotonic(), process.cpu_s()
            feed.run(wanted.rate, wanted.seconds, wanted.told_share)
            share = (process.cpu_s() - cpu) / (monotonic() - began)
            on_progress(f"said {feed.n_said}; waiting for the rest of {len(feed.visible_at)}")
            _wait_for_all(town, feed)
    waits_s = waits(feed.visible_at, _arrivals(town))
    loads = (load, os.getloadavg()[0])
    return Outcome(
        wanted,
        feed.n_said,
        len(feed.visible_at),
        waits_s,
        town.n_repeated,
        feed.late_s,
        share,
        loads,
        read_stages(database),
        _poll_gaps(town),
    )


def _poll_gaps(town: Town) -> list[float]:
    """Between two polls of one page, from their beginnings."""
    began: dict[str, list[float]] = {}
    for at, _, page in town.polls:
        began.setdefault(page, []).append(at)
    return [after - before for each in began.values() for before, after in pairwise(sorted(each))]


def _arrivals(town: Town) -> dict[str, float]:
    """When each comment's words first arrived."""
    found: dict[str, float] = {}
    for arrival in list(town.received):
        for thread in arrival.event["data"]["threads"]:
            for said in _ID.findall(thread["text"]):
                found.setdefault(said, arrival.at)
    return found


def _wait_for_all(town: Town, feed: Feed) -> None:
    n_before = -1
    while len(town.received) > n_before and len(_arrivals(town)) < len(feed.visible_at):
        n_before = len(town.received)
        _wait(lambda: len(_arrivals(town)) >= len(feed.visible_at), PATIENCE_S / 4)


def _wait(is_so: Callable[[], bool], seconds: float) -> None:
    end = monotonic() + seconds
    while not is_so() and monotonic() < end:
        sleep(0.2)
