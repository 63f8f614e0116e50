"""Hosts that share one Postgres wake each other: what one commits, another does long before its clock ticks."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, Queue
from time import monotonic, sleep

import pytest
from sqlalchemy import Engine, text

from monitor.flows import operator
from monitor.store import due, sources, wake
from monitor.store.engine import reading, writing
from tests.crash.daemons import Running, enter, write_config
from tests.crash.servers import Town
from tests.crash.world import ALARM, World

OURS = "datname = current_database()"
pytestmark = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


@dataclass
class Host:
    """One host's ear and voice, and what it heard."""

    wakes: wake.Wakes
    heard: Queue[str] = field(default_factory=Queue)

    def hears(self, within: float = 60) -> str:
        return self.heard.get(timeout=within)


@pytest.fixture
def host(engine: Engine) -> Iterator[Callable[[], Host]]:
    with ExitStack() as stack:

        def start() -> Host:
            heard: Queue[str] = Queue()
            host = Host(wake.Wakes(engine, heard.put), heard)
            stack.callback(host.wakes.stop)
            host.wakes.start()
            assert host.hears() == "", "what became due before it listened may have gone unheard"
            return host

        yield start


def test_a_host_wakes_the_others_and_not_itself(host: Callable[[], Host]) -> None:
    first, second = host(), host()
    for _ in range(200):
        first.wakes.say("threads")
    first.wakes.say("alerts")
    heard = []
    while "alerts" not in heard or "threads" not in heard:
        heard.append(second.hears())
    assert set(heard) == {"threads", "alerts"}
    assert len(heard) < 10, "many wake-ups are announced as one"
    sleep(0.2)
    assert first.heard.empty()


def test_a_transaction_wakes_nobody_before_it_commits(host: Callable[[], Host], engine: Engine) -> None:
    listening = host()
    with writing(engine) as connection:
        due.announce(connection, "alerts")
        with pytest.raises(Empty):
            listening.hears(within=0.3)
    assert listening.hears() == "alerts"


@pytest.mark.slow
def test_a_host_whose_connection_breaks_listens_again_and_looks_at_everything(
    host: Callable[[], Host], engine: Engine
) -> None:
    listening = host()
    with writing(engine) as connection:
        ended = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND {OURS}"
        assert connection.execute(text(ended)).scalar_one()
    assert listening.hears() == ""
    with writing(engine) as connection:
        due.announce(connection, "sources")
    assert listening.hears() == "sources"


def test_an_alert_that_another_process_writes_is_delivered_long_before_the_tick(
    database_url: str, engine: Engine, tmp_path: Path
) -> None:
    world = World(["cakes"])
    with Town(world) as town, ExitStack() as stack:
        config = write_config(tmp_path, database_url, town.url, ["cakes"], tick="10m", lease="20m")
        enter(config)
        running = stack.enter_context(Running.start(config, tmp_path / "log.jsonl"))
        _until(lambda: town.polls and _n_listening(engine))
        sleep(0.5)  # it has looked at everything, and will not look again by itself
        with writing(engine) as connection:
            assert operator.report(connection, "bakery", "test", "Written elsewhere", datetime.now(UTC))
            due.announce(connection, "alerts")
        _until(lambda: town.received)
        world.say("cakes", ALARM, calls="alarm")
        with writing(engine) as connection:
            sources.request_poll(connection, ["cakes"], datetime.now(UTC))
            due.announce(connection, "sources")
        _until(lambda: len(town.received) == 2)
        assert running.stop() == 0
    assert "wake.lost" not in (tmp_path / "log.jsonl").read_text()


def _n_listening(engine: Engine) -> int:
    with reading(engine) as connection:
        listening = f"SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND {OURS}"
        return int(connection.execute(text(listening)).scalar_one())


def _until(is_so: Callable[[], object], seconds: float = 120) -> None:
    end = monotonic() + seconds
    while not is_so():
        assert monotonic() < end
        sleep(0.01)
