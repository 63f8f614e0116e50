"""The harness sees what is wrong: each of its checks fails on a store in which that very thing is wrong."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, insert, select, update

from monitor.store import schema
from monitor.store.engine import open_engine, reading, writing
from tests.crash import check
from tests.crash.daemons import Running, enter, write_config
from tests.crash.killing import TEAM, wait_until_done
from tests.crash.servers import Town
from tests.crash.world import ALARM, CROWD, World

pytestmark = pytest.mark.slow

PAGES = ["cakes", "bread"]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> Iterator[tuple[Path, World, Town]]:
    """A store that a daemon has filled, undisturbed."""
    directory = tmp_path_factory.mktemp("told")
    world = World(PAGES)
    with Town(world) as town:
        config = write_config(directory, f"sqlite:///{directory}/heedful.db", town.url, PAGES)
        enter(config)
        world.say("cakes", ALARM, calls="alarm")
        world.say("bread", CROWD, calls="crowd")
        for _ in range(60):
            world.grow()
        world.settle()
        engine = open_engine(f"sqlite:///{directory}/heedful.db")
        with Running.start(config, directory / "log.jsonl") as running:
            assert wait_until_done(engine, world) == []
            assert running.stop() == 0
        engine.dispose()
        yield directory / "heedful.db", world, town


@pytest.fixture
def engine(told: tuple[Path, World, Town], tmp_path: Path) -> Iterator[Engine]:
    """A copy of that store, to spoil."""
    copy = tmp_path / "copy.db"
    copy.write_bytes(told[0].read_bytes())
    engine = open_engine(f"sqlite:///{copy}")
    yield engine
    engine.dispose()


def _first(engine: Engine, column: Any, *conditions: Any) -> Any:
    with reading(engine) as connection:
        return connection.execute(select(column).where(*conditions).limit(1)).scalar_one()


def _spoil(engine: Engine, statement: Any) -> None:
    with writing(engine) as connection:
        assert connection.execute(statement).rowcount > 0


def test_nothing_is_wrong_where_nobody_was_killed(told: tuple[Path, World, Town], engine: Engine) -> None:
    _, world, town = told
    assert check.wrong_comments(engine, world) == []
    assert check.doubled_revisions(engine) == []
    assert check.untold(world, town.received, engine) == []
    assert check.told_again(town.received) == []
    assert check.out_of_order(engine, town.received) == []
    assert check.stale_threads(engine, TEAM, datetime.now(UTC)) == []
    assert (town.n_repeated, len(town.received) >= 2) == (0, True)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (delete(schema.comments), "is missing"),
        (update(schema.comments).values(text="other"), "reads 'other'"),
        (update(schema.comments).values(thread_id=1), "is in another thread"),
        (update(schema.comments).values(deleted_at=1), "deleted on one side only"),
    ],
    ids=["missing", "text", "thread", "deleted"],
)
def test_a_comment_that_is_stored_wrongly_is_seen(
    told: tuple[Path, World, Town], engine: Engine, change: Any, says: str
) -> None:
    world = told[1]
    alarm = next(said for said in world.said if said.calls)
    _spoil(engine, change.where(schema.comments.c.native_id == alarm.id))
    assert any(says in wrong for wrong in check.wrong_comments(engine, world))


def test_a_comment_that_is_stored_twice_is_seen(told: tuple[Path, World, Town], engine: Engine) -> None:
    table = schema.comments
    with writing(engine) as connection:
        row = dict(connection.execute(select(table).limit(1)).one()._mapping)
        connection.execute(insert(table).values(**row | {"id": 1}))
    assert any("is stored 2 times" in wrong for wrong in check.wrong_comments(engine, told[1]))


def test_what_nobody_was_told_of_is_seen(told: tuple[Path, World, Town], engine: Engine) -> None:
    _, world, town = told
    assert any("never arrived" in wrong for wrong in check.untold(world, [], engine))
    assert any("nobody was told of" in wrong for wrong in check.untold(world, [], engine))
    _spoil(engine, update(schema.alerts).values(told="[]"))
    assert any("was never told" in wrong for wrong in check.untold(world, town.received, engine))
    _spoil(engine, delete(schema.flags))
    assert any("is not flagged" in wrong for wrong in check.untold(world, town.received, engine))


def test_what_arrived_in_another_order_is_seen(told: tuple[Path, World, Town], engine: Engine) -> None:
    assert check.out_of_order(engine, told[2].received[::-1]) != []


def test_a_stale_thread_and_a_row_that_is_owed_are_seen(engine: Engine) -> None:
    now = datetime.now(UTC)
    waiting = _first(engine, schema.threads.c.id, schema.threads.c.awaiting_since.is_not(None))
    _spoil(engine, update(schema.threads).where(schema.threads.c.id == waiting).values(awaiting_since=None))
    assert len(check.stale_threads(engine, TEAM, now)) == 1
    _spoil(engine, update(schema.deliveries).values(due_at=1 << 60, status="pending"))
    owed = check.still_owed(engine, now)
    assert any("is claimed" in wrong for wrong in owed)
    assert any("is unsent" in wrong for wrong in owed)
