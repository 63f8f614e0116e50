"""What hints need of the store, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.engine import Engine

from monitor.core.hints import Named
from monitor.store import hints, sources
from monitor.store.engine import reading, writing

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
LEASE = timedelta(minutes=2)


@pytest.fixture
def source(engine: Engine) -> str:
    with writing(engine) as connection:
        sources.sync(connection, [sources.Wanted("page", "shop", "facebook", "account")], NOW)
    return "page"


def standing(engine: Engine, now: datetime = NOW) -> dict[str, bool]:
    with reading(engine) as connection:
        (found,) = hints.standings(connection, ["page", "no such source"], now)
    names = ("is_closed", "is_held", "is_failing", "is_requested")
    return {name: True for name in names if getattr(found, name)}


def read_once(engine: Engine, now: datetime, error: str = "") -> None:
    with writing(engine) as connection:
        ((_, claimed),) = sources.claim(connection, now, LEASE, 1, {}, 1)
        later = now + timedelta(minutes=5)
        outcome = sources.Outcome(later, later, error=error, n_failures=1 if error else 0)
        sources.release(connection, claimed, outcome, now)


def test_a_new_source_is_due_already(engine: Engine, source: str) -> None:
    assert standing(engine) == {"is_requested": True}


def test_a_source_that_waits_for_its_next_poll_stands_free(engine: Engine, source: str) -> None:
    read_once(engine, NOW)
    assert standing(engine) == {}


def test_one_that_is_being_read_takes_one_more_request(engine: Engine, source: str) -> None:
    with writing(engine) as connection:
        sources.claim(connection, NOW, LEASE, 1, {}, 1)
    assert standing(engine) == {}
    with writing(engine) as connection:
        sources.request_poll(connection, [source], NOW)
    assert standing(engine) == {"is_requested": True}


def test_a_failing_one_and_one_whose_account_waits_are_told_apart(engine: Engine, source: str) -> None:
    read_once(engine, NOW, error="away")
    assert standing(engine) == {"is_failing": True}
    with writing(engine) as connection:
        sources.hold_account(connection, "account", NOW + timedelta(hours=1), "too often")
    assert standing(engine) == {"is_failing": True, "is_held": True}
    assert "is_held" not in standing(engine, NOW + timedelta(hours=2))


def test_what_is_named_waits_until_it_is_done(engine: Engine) -> None:
    first, second = Named("c1", "m1", "m1"), Named("m2", None, "m2")
    with writing(engine) as connection:
        assert hints.note(connection, "tags", [first, first, second], NOW) == 2
        assert hints.note(connection, "tags", [first], NOW + timedelta(minutes=1)) == 0
        assert hints.note(connection, "other", [first], NOW) == 1
        assert hints.waiting(connection, "tags", 10) == [first, second]
        assert hints.waiting(connection, "tags", 1) == [first]
        hints.done(connection, "tags", ["c1"])
        assert hints.waiting(connection, "tags", 10) == [second]
        assert hints.waiting(connection, "other", 10) == [first]


def test_what_fails_stands_back_and_is_forgotten_after_five_tries(engine: Engine) -> None:
    with writing(engine) as connection:
        hints.note(connection, "tags", [Named("a"), Named("b")], NOW)
        assert hints.failed(connection, "tags", ["a"]) == 0
        assert [one.native_id for one in hints.waiting(connection, "tags", 10)] == ["b", "a"]
        assert [hints.failed(connection, "tags", ["a"]) for _ in range(4)] == [0, 0, 0, 1]
        assert [one.native_id for one in hints.waiting(connection, "tags", 10)] == ["b"]


def test_no_more_than_some_hundreds_wait_for_a_source(engine: Engine) -> None:
    many = [Named(str(number)) for number in range(hints.MOST + 50)]
    with writing(engine) as connection:
        assert hints.note(connection, "tags", many, NOW) == hints.MOST
        assert hints.note(connection, "tags", [Named("one more")], NOW) == 0


def test_what_nobody_read_is_forgotten_in_the_end(engine: Engine) -> None:
    with writing(engine) as connection:
        hints.note(connection, "tags", [Named("old")], NOW)
        hints.note(connection, "tags", [Named("new")], NOW + timedelta(days=1))
        assert hints.forget_old(connection, NOW + timedelta(hours=1)) == 1
        assert [one.native_id for one in hints.waiting(connection, "tags", 10)] == ["new"]
