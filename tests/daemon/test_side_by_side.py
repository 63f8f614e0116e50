"""Several daemons on one Postgres, each a process of its own: together they do what one would, and nothing twice."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from threading import Event, Thread
from time import monotonic, sleep, time

import pytest
from sqlalchemy import Engine, select

from monitor.model import Recipient, show_id
from monitor.store import outbox, schema
from monitor.store.engine import open_engine, reading, writing
from tests.channels.notices import FIRST
from tests.crash import check
from tests.crash.daemons import Running, enter, write_config
from tests.crash.killing import wait_until_done, wrong_lines
from tests.crash.servers import Town
from tests.crash.world import ALARM, World

N_WAITING = 150
on_postgres = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def _grow(world: World, is_enough: Callable[[], bool], seconds: float = 120) -> None:
    end = monotonic() + seconds
    while not is_enough() and monotonic() < end:
        for _ in range(10):
            world.grow()
            sleep(0.01)
    world.settle()


def _n_by_daemon(logs: list[Path], event: str) -> list[int]:
    return [path.read_text().count(f'"event": "{event}"') if path.exists() else 0 for path in logs]


@pytest.mark.slow
@on_postgres
def test_three_daemons_share_fifty_sources_and_never_read_one_at_the_same_time(
    database_url: str, engine: Engine, tmp_path: Path
) -> None:
    pages = [f"page-{number}" for number in range(50)]
    chance = Random(3)
    world = World(pages, seed=3)
    logs = [tmp_path / f"log-{number}.jsonl" for number in range(3)]
    with Town(world, lambda: chance.uniform(0.02, 0.4)) as town, ExitStack() as stack:
        config = write_config(tmp_path, database_url, town.url, pages, lease="20s", poll_threads=8)
        enter(config)
        daemons = [stack.enter_context(Running.start(config, path)) for path in logs]
        _grow(world, lambda: len(town.polls) > 500 and min(_n_by_daemon(logs, "source.polled")) > 20)
        assert min(_n_by_daemon(logs, "source.polled")) > 20, "one of them did nothing"
        assert wait_until_done(engine, world) == []
        assert [running.stop() for running in daemons] == [0, 0, 0]
    assert town.overlaps == []
    assert len(town.polls) > 500
    assert check.untold(world, town.received, engine) == []
    assert check.told_again(town.received) == []
    assert town.n_repeated == 0
    assert check.alerts_out_of_order(engine, town.received) == []
    assert [line for path in logs for line in wrong_lines(path)] == []
    print(  # noqa: T201 - shown by pytest -s
        f"{len(town.polls)} polls of 50 sources by {_n_by_daemon(logs, 'source.polled')},"
        f" {len(town.received)} deliveries by {_n_by_daemon(logs, 'delivery.sent')}"
    )


@pytest.mark.slow
@on_postgres
def test_three_daemons_send_what_waits_for_a_channel_in_the_order_in_which_it_was_written(
    database_url: str, engine: Engine, tmp_path: Path
) -> None:
    world, accepts = World(["cakes"]), Event()
    logs = [tmp_path / f"log-{number}.jsonl" for number in range(3)]
    with Town(world, hook_patience=lambda: 0.01 + 0.0 * accepts.wait(120)) as town, ExitStack() as stack:
        config = write_config(tmp_path, database_url, town.url, ["cakes"], lease="60s")
        enter(config)
        for number in range(N_WAITING):
            notice = replace(FIRST, id=number + 1, alert_id=show_id(number + 1))
            with writing(engine) as connection:
                outbox.add(connection, [(notice, [Recipient("hook")])], datetime.now(UTC))
        daemons = [stack.enter_context(Running.start(config, path)) for path in logs]
        _wait_until(lambda: town.received and all(map(_has_started, logs)))
        accepts.set()
        _wait_until(lambda: len(town.received) >= N_WAITING)
        assert [running.stop() for running in daemons] == [0, 0, 0]
    assert [arrival.event["data"]["notice_id"] for arrival in town.received] == [
        show_id(number + 1) for number in range(N_WAITING)
    ]
    print(f"sent by {_n_by_daemon(logs, 'delivery.sent')}")  # noqa: T201 - shown by pytest -s


@on_postgres
def test_a_source_whose_daemon_is_killed_in_the_middle_of_a_poll_is_read_again_only_after_the_lease(
    database_url: str, engine: Engine, tmp_path: Path
) -> None:
    world, answers = World(["cakes"]), Event()
    with Town(world, lambda: 0.0 * answers.wait(120)) as town, ExitStack() as stack:
        config = write_config(tmp_path, database_url, town.url, ["cakes"], lease="4s")
        enter(config)
        world.say("cakes", ALARM, calls="alarm")
        first = stack.enter_context(Running.start(config, tmp_path / "first.jsonl"))
        _wait_until(lambda: any(town.at_work.values()))
        stack.enter_context(Running.start(config, tmp_path / "second.jsonl"))
        first.kill()
        with reading(engine) as connection:
            leased_until = connection.execute(select(schema.sources.c.claimed_until)).scalar_one()
        answers.set()
        assert wait_until_done(engine, world) == []
        taken_over_ago = monotonic() - sorted(town.polls)[1][0]
    assert town.overlaps == []
    assert time() - taken_over_ago > leased_until / 1_000_000
    assert check.untold(world, town.received, engine) == []
    assert len(town.received) == 1


def _has_started(log: Path) -> bool:
    return log.exists() and "daemon.started" in log.read_text()


def _wait_until(is_so: Callable[[], object], seconds: float = 120) -> None:
    end = monotonic() + seconds
    while not is_so():
        assert monotonic() < end
        sleep(0.005)


@pytest.mark.slow
@on_postgres
def test_daemons_that_share_a_store_and_are_killed_in_turn_lose_nothing(
    database_url: str, engine: Engine, tmp_path: Path
) -> None:
    pages = [f"page-{number}" for number in range(12)]
    chance, world = Random(5), World(pages, seed=5)
    n_kills = 8
    with Town(world, lambda: chance.uniform(0, 0.05), lambda: chance.uniform(0, 0.02)) as town, ExitStack() as stack:
        config = write_config(tmp_path, database_url, town.url, pages, lease="4s")
        enter(config)
        over = Event()
        growing = Thread(target=_grow, args=(world, over.is_set), daemon=True)
        growing.start()
        staying = stack.enter_context(Running.start(config, tmp_path / "staying.jsonl"))
        for number in range(n_kills):
            log = tmp_path / f"dying-{number}.jsonl"
            dying = stack.enter_context(Running.start(config, log))
            _wait_until(partial(_has_started, log))
            sleep(chance.uniform(0, 0.6))
            dying.kill()
        over.set()
        growing.join()
        assert wait_until_done(engine, world) == []
        assert staying.stop() == 0
    assert check.wrong_comments(engine, world) == []
    assert check.untold(world, town.received, engine) == []
    assert check.told_again(town.received) == []
    assert town.n_repeated <= n_kills
    assert Counter(town.overlaps) == Counter()
    assert wrong_lines(tmp_path / "staying.jsonl") == []
