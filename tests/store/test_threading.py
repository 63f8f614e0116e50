"""Any order, duplication and paging of the same world give the same threads (issue 2, item 4)."""

from collections.abc import Iterator
from datetime import timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select
from sqlalchemy.engine import Engine

from monitor.model import Comment, make_id
from monitor.store import acts, schema
from monitor.store.engine import open_engine, reading, writing
from monitor.store.threads import load_rows
from tests.store.rows import BRAND, NOON, PLATFORM, comment, save

CLEARED = (schema.comments, schema.threads, schema.revisions, schema.flags, schema.acts)


def _id(native_id: str) -> int:
    return make_id(BRAND, PLATFORM, native_id)


def _threads(engine: Engine) -> tuple[dict[str, int], set[int]]:
    with reading(engine) as connection:
        comments = {
            row[0]: row[1]
            for row in connection.execute(select(schema.comments.c.native_id, schema.comments.c.thread_id))
        }
        return comments, set(connection.execute(select(schema.threads.c.id)).scalars())


@st.composite
def worlds(draw: st.DrawFn) -> list[Comment]:
    """A forest of comments: each answers an earlier one or begins a conversation; some parents were never seen."""
    n = draw(st.integers(1, 14))
    said = []
    for number in range(n):
        parent = draw(st.none() | st.integers(-2, number - 1)) if number else None
        names = None if parent is None else (f"unseen{-parent}" if parent < 0 else f"c{parent}")
        said.append(comment(f"c{number}", parent=names))
    return said


def _roots(world: list[Comment]) -> dict[str, int]:
    """Straight from the definition: follow the parents as far as there are any."""
    above = {c.native_id: c.parent_native_id for c in world}

    def root(native_id: str) -> str:
        parent = above.get(native_id)
        return native_id if parent is None else root(parent)

    return {native_id: _id(root(native_id)) for native_id in above}


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("order") / "order.db"
        path.write_bytes(request.getfixturevalue("sqlite_template"))
        engine = open_engine(f"sqlite:///{path}")
    else:
        from tests.conftest import _named, _run_on

        server = request.getfixturevalue("postgres_server")
        name = "heedful_order"
        _run_on(server, f"DROP DATABASE IF EXISTS {name}")
        _run_on(server, f"CREATE DATABASE {name} TEMPLATE {request.getfixturevalue('postgres_template')}")
        engine = open_engine(_named(server, name))
    yield engine
    engine.dispose()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=worlds(), seed=st.integers(0, 2**32))
def test_any_order_duplication_and_paging_give_the_same_threads(store: Engine, world: list[Comment], seed: int) -> None:
    with writing(store) as connection:
        for table in CLEARED:
            connection.execute(delete(table))
    chance = Random(seed)
    arriving = world + chance.sample(world, chance.randint(0, len(world)))
    chance.shuffle(arriving)
    while arriving:
        size = chance.randint(1, len(arriving))
        save(store, arriving[:size], now=NOON + timedelta(seconds=chance.randint(0, 60)))
        arriving = arriving[size:]
    found, rows = _threads(store)
    assert found == _roots(world)
    assert rows == set(found.values()), "each thread has a row, and no row is left of a thread that moved"


def test_a_told_root_wins_over_parents_that_were_never_seen(engine: Engine) -> None:
    save(engine, [comment("c", parent="b", root_native_id="a")])
    save(engine, [comment("d", parent="c")])
    found, _ = _threads(engine)
    assert found == {"c": _id("a"), "d": _id("a")}


def test_a_post_is_never_drawn_into_a_conversation(engine: Engine) -> None:
    save(engine, [comment("post", kind="post", parent="elsewhere"), comment("c", subject_native_id="post")])
    found, _ = _threads(engine)
    assert found == {"post": _id("post"), "c": _id("c")}


def test_parents_in_a_circle_end_in_one_thread(engine: Engine) -> None:
    save(engine, [comment("a", parent="b"), comment("b", parent="a"), comment("c", parent="a")])
    found, _ = _threads(engine)
    assert len(set(found.values())) == 1


def test_what_people_did_goes_along_when_a_thread_moves(engine: Engine) -> None:
    save(engine, [comment("b2", parent="b")])  # b was never seen: it stands in as the root
    with writing(engine) as connection:
        acts.assign(connection, BRAND, _id("b"), "anna", "ben", NOON)
        acts.note(connection, BRAND, _id("b"), "anna", "rang her", NOON)
    save(engine, [comment("b", parent="a")])
    with reading(engine) as connection:
        assert load_rows(connection, BRAND, [_id("a")])[_id("a")].acts.assignee == "ben"
        assert [act.act for act in acts.of_thread(connection, BRAND, _id("a"))] == ["assign", "note"]
        assert load_rows(connection, BRAND, [_id("b")]) == {}
