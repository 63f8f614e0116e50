"""Transactions of several hosts that wait for each other: Postgres ends one of them, and it is made again at once."""

from datetime import timedelta
from threading import Thread
from time import monotonic, sleep

import pytest
from sqlalchemy import Connection, Engine, func, select, text

from monitor.flows import assess
from monitor.store import due, schema
from monitor.store.engine import reading, writing
from tests.flows.brand import ANGRY, Bakery

on_postgres = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
LOCK_THREAD = text("SELECT id FROM threads WHERE brand = 'bakery' AND id = :id FOR UPDATE")
LOCK_COMMENT = text("SELECT id FROM comments WHERE brand = 'bakery' AND native_id = :id FOR UPDATE")


def _see_deadlocks_late(engine: Engine) -> None:
    """Time for the test to come into the deadlock before somebody looks for one."""
    with writing(engine) as connection:
        database = connection.execute(text("SELECT current_database()")).scalar_one()
        connection.execute(text(f"ALTER DATABASE {database} SET deadlock_timeout = '2s'"))
    engine.dispose()  # it holds for connections that are made from now on


def _wait_until_blocked(connection: Connection, n: int = 1) -> None:
    waiting = "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted"
    end = monotonic() + 60
    while connection.execute(text(f"{waiting} AND datname = current_database()")).scalar_one() < n:
        assert monotonic() < end
        sleep(0.005)
        connection.execute(text("SELECT pg_stat_clear_snapshot()"))  # or it sees those alone who were here at first


@on_postgres
def test_an_assessment_that_loses_a_deadlock_is_made_again_at_once(engine: Engine) -> None:
    _see_deadlocks_late(engine)
    bakery = Bakery(engine)
    bakery.platform.say("post", "We are open on Sunday", bakery.now, "bakery", kind="post")
    bakery.platform.say("1", ANGRY, bakery.now + timedelta(seconds=1), subject="post")
    bakery.poll()
    with reading(engine) as connection:
        table = schema.comments
        ids = {row[0]: row[1] for row in connection.execute(select(table.c.native_id, table.c.thread_id))}
    with writing(engine) as connection:
        claims = due.claim(connection, "threads", bakery.now, bakery.plan.lease, 10)
        [ours] = [claimed for claimed in claims if claimed.id == ids["1"]]
    with writing(engine) as other:
        other.execute(text("SET LOCAL deadlock_timeout = '2min'"))  # the other one finds out, and loses
        other.execute(LOCK_THREAD, {"id": ids["post"]})
        thread = Thread(target=assess.assess, args=(engine, bakery.plan, [ours], bakery.now, bakery.woken.append, {}))
        thread.start()
        _wait_until_blocked(other)  # it holds its thread now and waits for the post's, which it has to make due
        other.execute(LOCK_THREAD, {"id": ids["1"]})
    thread.join(120)
    assert not thread.is_alive()
    with reading(engine) as connection:
        assert due.lag(connection, "threads", bakery.now) == timedelta(0)
        rows = (
            connection.execute(select(schema.threads.c.due_at).where(schema.threads.c.id == ids["1"])).scalars().all()
        )
    assert rows == [int(bakery.now.timestamp() * 1_000_000)]
    bakery.assess()
    assert bakery.woken.count("alerts") == 1


@on_postgres
def test_a_poll_that_loses_a_deadlock_is_stored_at_once(engine: Engine) -> None:
    _see_deadlocks_late(engine)
    bakery = Bakery(engine)
    bakery.platform.say("1", "Is it open?", bakery.now)
    bakery.poll()
    with reading(engine) as connection:
        thread_id = connection.execute(select(schema.threads.c.id)).scalar_one()
    bakery.platform.say("1", "Is it open on Sunday?", bakery.now)
    bakery.later(minutes=1)
    with writing(engine) as other:
        other.execute(text("SET LOCAL deadlock_timeout = '2min'"))  # the other one finds out, and loses
        other.execute(LOCK_THREAD, {"id": thread_id})
        thread = Thread(target=bakery.poll)
        thread.start()
        _wait_until_blocked(other)  # it has written the comment and waits for its thread
        other.execute(LOCK_COMMENT, {"id": "1"})
    thread.join(120)
    assert not thread.is_alive()
    with reading(engine) as connection:
        assert connection.execute(select(schema.comments.c.text)).scalars().all() == ["Is it open on Sunday?"]
        assert not due.is_any_due(connection, "sources", bakery.now)
        assert connection.execute(select(func.count()).select_from(schema.revisions)).scalar_one() == 1


@on_postgres
def test_a_poll_that_loses_one_deadlock_after_the_other_is_stored_all_the_same(engine: Engine) -> None:
    _see_deadlocks_late(engine)
    bakery = Bakery(engine)
    bakery.platform.say("1", "Is it open?", bakery.now)
    bakery.poll()
    with reading(engine) as connection:
        thread_id = connection.execute(select(schema.threads.c.id)).scalar_one()
    bakery.platform.say("1", "Is it open on Sunday?", bakery.now)
    bakery.later(minutes=1)
    polling, second = Thread(target=bakery.poll), Thread(target=_deadlock, args=(engine, thread_id))
    with writing(engine) as first:
        first.execute(text("SET LOCAL deadlock_timeout = '2min'"))
        first.execute(LOCK_THREAD, {"id": thread_id})
        polling.start()
        _wait_until_blocked(first)
        first.execute(LOCK_COMMENT, {"id": "1"})
        second.start()
        _wait_until_blocked(first, 2)  # the poll begins again and wants the comment; the second wants the thread
    for thread in (polling, second):
        thread.join(120)
        assert not thread.is_alive()
    with reading(engine) as connection:
        assert connection.execute(select(schema.comments.c.text)).scalars().all() == ["Is it open on Sunday?"]


def _deadlock(engine: Engine, thread_id: int) -> None:
    with writing(engine) as connection:
        connection.execute(text("SET LOCAL deadlock_timeout = '2min'"))
        connection.execute(LOCK_THREAD, {"id": thread_id})
        _wait_until_blocked(connection)
        connection.execute(LOCK_COMMENT, {"id": "1"})
