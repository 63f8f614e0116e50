from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.engine import Engine

from monitor.errors import ClaimLost
from monitor.store import due, schema, sources
from monitor.store.engine import reading, writing
from tests.store.rows import BRAND, NOON, comment, save

LEASE = timedelta(minutes=1)


def _claim(engine: Engine, now=NOON, limit: int = 100) -> list[due.Claim]:  # type: ignore[no-untyped-def]
    with writing(engine) as connection:
        return due.claim(connection, "threads", now, LEASE, limit)


def test_a_claimed_row_is_due_again_only_when_the_lease_ends(engine: Engine) -> None:
    save(engine, [comment("a")])
    [first] = _claim(engine)
    assert _claim(engine) == []
    [again] = _claim(engine, NOON + LEASE)
    assert again.key == first.key
    assert again.claim_no == first.claim_no + 1


def test_a_verdict_under_a_stale_claim_is_refused(engine: Engine) -> None:
    save(engine, [comment("a")])
    [stale] = _claim(engine)
    [fresh] = _claim(engine, NOON + LEASE)
    with pytest.raises(ClaimLost), writing(engine) as connection:
        due.release(connection, "threads", stale, None, severity="high")
    with writing(engine) as connection:
        due.release(connection, "threads", fresh, None, severity="low")
    with reading(engine) as connection:
        assert connection.execute(select(schema.threads.c.severity)).scalar() == "low"


def test_a_comment_that_arrives_during_an_assessment_makes_its_verdict_stale(engine: Engine) -> None:
    save(engine, [comment("a")])
    claims = _claim(engine)
    save(engine, [comment("a2", parent="a")])  # marks the thread due while somebody works on it
    with writing(engine) as connection:
        assert due.still_ours(connection, "threads", claims) == []
    assert len(_claim(engine)) == 1, "and it is due at once, not at the end of the lease"


def test_marking_due_never_puts_a_row_off(engine: Engine) -> None:
    save(engine, [comment("a")])
    [claimed] = _claim(engine)
    with writing(engine) as connection:
        due.release(connection, "threads", claimed, NOON + timedelta(minutes=1))
        due.mark_due(connection, "threads", [claimed.key], NOON + timedelta(hours=1))
    assert _claim(engine, NOON + timedelta(minutes=1)) != []


def test_the_longest_due_come_first_and_no_more_than_asked_for(engine: Engine) -> None:
    for minute, name in ((3, "late"), (1, "first"), (2, "second")):
        save(engine, [comment(name)], now=NOON + timedelta(minutes=minute))
    claims = _claim(engine, NOON + timedelta(hours=1), limit=2)
    with reading(engine) as connection:
        names = dict(connection.execute(select(schema.comments.c.thread_id, schema.comments.c.native_id)).all())
    assert [names[c.id] for c in claims] == ["first", "second"]


def test_many_claimants_at_once_never_share_a_row(engine: Engine) -> None:
    save(engine, [comment(f"c{n}") for n in range(200)])

    def work(_worker: int) -> list[int]:
        mine: list[int] = []
        while claims := _claim(engine, limit=7):
            mine += [c.id for c in claims]
        return mine

    with ThreadPoolExecutor(6) as pool:
        taken = [row for rows in pool.map(work, range(6)) for row in rows]
    assert len(taken) == len(set(taken)) == 200


def test_writers_that_read_first_never_find_the_database_locked(engine: Engine) -> None:
    save(engine, [comment("a")])

    def count_up(_n: int) -> None:
        with writing(engine) as connection:
            n = connection.execute(select(schema.threads.c.n_comments)).scalar_one()
            connection.execute(schema.threads.update().values(n_comments=n + 1))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count_up, range(80)))
    if engine.dialect.name == "sqlite":  # Postgres lets the reads overlap; what is shown here is that nobody fails
        with reading(engine) as connection:
            assert connection.execute(select(schema.threads.c.n_comments)).scalar() == 80


def test_lag_is_the_age_of_the_oldest_due_row(engine: Engine) -> None:
    with reading(engine) as connection:
        assert due.lag(connection, "threads", NOON) == timedelta(0)
    save(engine, [comment("a")])
    with reading(engine) as connection:
        assert due.lag(connection, "threads", NOON + timedelta(seconds=90)) == timedelta(seconds=90)


def _add_sources(engine: Engine, n: int, account: str = "one") -> None:
    with writing(engine) as connection:
        wanted = [sources.Wanted(f"s{i}", BRAND, "mastodon", account) for i in range(n)]
        sources.sync(connection, wanted, NOON)


def _claim_sources(engine: Engine, busy: dict[str, int], now=NOON) -> list[due.Claim]:  # type: ignore[no-untyped-def]
    with writing(engine) as connection:
        return [claimed for _, claimed in sources.claim(connection, now, LEASE, 10, busy, per_account=2)]


def test_no_more_sources_of_one_account_are_read_side_by_side_than_allowed(engine: Engine) -> None:
    _add_sources(engine, 5)
    assert len(_claim_sources(engine, {})) == 2
    assert len(_claim_sources(engine, {"one": 2})) == 0
    assert len(_claim_sources(engine, {"one": 1})) == 1


def test_a_poll_asked_for_while_the_source_is_read_follows_after_and_not_beside_it(engine: Engine) -> None:
    _add_sources(engine, 1)
    [claimed] = _claim_sources(engine, {})
    with writing(engine) as connection:
        assert sources.request_poll(connection, ["s0"], NOON) == 1
    assert _claim_sources(engine, {}) == []
    later = NOON + timedelta(seconds=3)
    with writing(engine) as connection:
        hour = NOON + timedelta(hours=1)
        sources.release(connection, claimed, sources.Outcome(hour, hour), later)
    assert len(_claim_sources(engine, {}, later)) == 1


def test_a_held_account_holds_all_its_sources_and_no_others(engine: Engine) -> None:
    with writing(engine) as connection:
        wanted = [sources.Wanted("a", BRAND, "mastodon", "one"), sources.Wanted("b", BRAND, "isso", "two")]
        sources.sync(connection, wanted, NOON)
        sources.hold_account(connection, "one", NOON + timedelta(hours=1), "429")
    assert [c.id for c in _claim_sources(engine, {})] == ["b"]
    assert next(c.id for c in _claim_sources(engine, {}, NOON + timedelta(hours=1))) in ("a", "b")


def test_a_source_that_leaves_the_configuration_rests_and_goes_on_when_it_returns(engine: Engine) -> None:
    _add_sources(engine, 2)
    _add_sources(engine, 1)
    assert [c.id for c in _claim_sources(engine, {})] == ["s0"]
    _add_sources(engine, 2)
    assert [c.id for c in _claim_sources(engine, {})] == ["s1"]
