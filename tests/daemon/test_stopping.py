"""SIGTERM, SIGHUP and a second daemon on the same file: clean ends, and nothing doubled afterwards."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

import pytest
from sqlalchemy import Engine, select

from monitor.store import schema
from monitor.store.engine import open_engine, reading
from tests.crash import check
from tests.crash.daemons import Running, enter, write_config
from tests.crash.killing import wait_until_done, wrong_lines
from tests.crash.servers import Town
from tests.crash.world import ALARM, World

LEASE_S = 20.0


@dataclass
class Place:
    """One forum page, a receiver, a store, and daemons that come and go."""

    world: World
    town: Town
    config: Path
    engine: Engine
    stack: ExitStack
    poll_s: float = 0.0
    hook_s: float = 0.0
    logs: list[Path] = field(default_factory=list)

    def configure(self, *pages: str, lease_s: float = LEASE_S) -> None:
        write_config(self.config.parent, str(self.engine.url), self.town.url, pages, lease=f"{lease_s}s")

    def start(self) -> Running:
        self.logs.append(self.config.with_name(f"log-{len(self.logs)}.jsonl"))
        return self.stack.enter_context(Running.start(self.config, self.logs[-1]))

    def wait_for(self, is_so: Callable[[], object], seconds: float = 120) -> None:
        end = monotonic() + seconds
        while not is_so():
            assert monotonic() < end
            sleep(0.005)

    def said_in_log(self, event: str) -> bool:
        return f'"event": "{event}"' in self.logs[-1].read_text()

    def ended_with(self, *, unfinished: bool) -> bool:
        last = json.loads(self.logs[-1].read_text().splitlines()[-1])
        return (last["event"], last["unfinished"]) == ("daemon.stopped", unfinished)

    def finish(self) -> None:
        """Let everything be done and compare."""
        self.wait_for(lambda: self.logs[-1].exists() and self.said_in_log("source.polled"))
        assert wait_until_done(self.engine, self.world) == []
        assert check.untold(self.world, self.town.received, self.engine) == []
        assert check.told_again(self.town.received) == []
        assert self.town.overlaps == []
        assert self.town.n_repeated == 0
        assert [line for path in self.logs for line in wrong_lines(path)] == []


@pytest.fixture
def place(sqlite_url: str, tmp_path: Path) -> Iterator[Place]:
    world = World(["cakes"])
    with ExitStack() as stack:
        town = stack.enter_context(Town(world, lambda: there.poll_s, lambda: there.hook_s))
        config = write_config(tmp_path, sqlite_url, town.url, ["cakes"], lease=f"{LEASE_S}s")
        enter(config)
        engine = open_engine(sqlite_url)
        stack.callback(engine.dispose)
        there = Place(world, town, config, engine, stack)
        world.say("cakes", ALARM, calls="alarm")
        yield there


def test_a_daemon_that_is_stopped_in_the_middle_of_a_poll_finishes_it_and_ends(place: Place) -> None:
    place.poll_s = 0.7
    running = place.start()
    place.wait_for(lambda: any(place.town.at_work.values()))
    assert running.stop() == 0
    assert place.ended_with(unfinished=False)
    assert check.wrong_comments(place.engine, place.world) == [], "the page at hand was stored"
    place.poll_s = 0.0
    place.start()
    place.finish()


def test_a_daemon_that_is_stopped_while_it_tells_people_finishes_that_and_tells_nobody_twice(place: Place) -> None:
    place.hook_s = 0.7
    running = place.start()
    place.wait_for(lambda: place.town.n_hooks_at_work)
    assert running.stop() == 0
    assert place.ended_with(unfinished=False)
    with reading(place.engine) as connection:
        assert connection.execute(select(schema.deliveries.c.status)).scalars().all() == ["sent"]
    place.hook_s = 0.0
    place.start()
    place.finish()
    assert len(place.town.received) == 1


@pytest.mark.slow
def test_a_daemon_ends_within_the_lease_even_where_a_platform_holds_it_up(place: Place) -> None:
    place.configure("cakes", lease_s=2)
    place.poll_s = 60.0
    running = place.start()
    place.wait_for(lambda: any(place.town.at_work.values()))
    assert running.stop() == 0
    assert place.ended_with(unfinished=True)
    place.poll_s = 0.0
    place.start()
    place.wait_for(lambda: len(place.town.received) == 1)


def test_a_configuration_that_is_refused_at_sighup_leaves_the_old_one_at_work(place: Place) -> None:
    running = place.start()
    place.wait_for(lambda: len(place.town.received) == 1)
    good = place.config.read_text()
    place.config.write_text(good.replace("[sources.cakes]", "[sources.cakes]\ncolour = 1"))
    running.signal(signal.SIGHUP)
    place.wait_for(lambda: place.said_in_log("config.refused"))
    place.world.say("cakes", ALARM, calls="alarm")
    place.wait_for(lambda: len(place.town.received) == 2)
    assert "colour" in place.logs[-1].read_text()
    assert running.stop() == 0


def test_a_source_that_is_added_at_sighup_is_read(place: Place) -> None:
    running = place.start()
    place.wait_for(lambda: len(place.town.received) == 1)
    place.world.pages.append("bread")
    place.configure("cakes", "bread")
    running.signal(signal.SIGHUP)
    place.wait_for(lambda: place.said_in_log("config.reloaded"))
    place.world.say("bread", ALARM, calls="alarm")
    place.wait_for(lambda: len(place.town.received) == 2)
    place.finish()
    assert running.stop() == 0


@pytest.mark.slow
def test_two_daemons_on_one_sqlite_file_work_side_by_side(place: Place) -> None:
    pages = [f"page-{number}" for number in range(10)]
    place.world.pages[:] = ["cakes", *pages]
    place.configure("cakes", *pages)
    daemons = [place.start(), place.start()]
    for _ in range(300):
        place.world.grow()
        sleep(0.01)
    place.wait_for(lambda: all(path.exists() and '"event": "source.polled"' in path.read_text() for path in place.logs))
    place.world.settle()
    assert wait_until_done(place.engine, place.world) == []
    assert [running.stop() for running in daemons] == [0, 0]
    assert check.wrong_comments(place.engine, place.world) == []
    assert place.town.overlaps == []
    assert place.town.n_repeated == 0
    assert check.told_again(place.town.received) == []
    assert [line for path in place.logs for line in wrong_lines(path)] == []
