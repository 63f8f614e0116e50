"""What reading costs: counted with each poll, and an account that has spent its budget waits, on both databases."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.engine import Engine
from structlog.testing import capture_logs

from monitor.core.quota import DAY
from monitor.errors import Unavailable
from monitor.flows.prune import Keep, prune
from monitor.flows.spending import Ledger
from monitor.model import Budget
from monitor.store import overview, schema, sources, spendings
from monitor.store.engine import reading, writing
from monitor.store.spendings import Turn
from tests.flows.brand import SOURCE, START, Bakery

MINUTE = timedelta(minutes=1)


@pytest.fixture
def bakery(engine: Engine) -> Bakery:
    bakery = Bakery(engine)
    bakery.change_plan(budgets={"account": Budget(20, timedelta(hours=1), "units")})
    return bakery


def _spent(bakery: Bakery) -> float:
    with reading(bakery.engine) as connection:
        return spendings.of_account(connection, "account", bakery.now.replace(minute=0, second=0))


def _poll_for(bakery: Bakery, minutes: int) -> int:
    """How many turns there were in so many minutes."""
    n = 0
    for _ in range(minutes):
        n += bakery.poll()
        bakery.later(minutes=1)
    return n


def _events(logs: Sequence[Mapping[str, Any]], name: str) -> list[Mapping[str, Any]]:
    return [line for line in logs if line["event"] == name]


def test_an_account_stops_at_the_budget_less_a_twentieth_and_goes_on_in_the_next_window(bakery: Bakery) -> None:
    with capture_logs() as logs:
        assert _poll_for(bakery, 59) == 19
        assert _spent(bakery) == 19
        bakery.later(minutes=1)
        assert bakery.poll() == 1
    [line] = _events(logs, "account.budget_spent")
    assert (line["account"], line["until"]) == ("account", (START + timedelta(hours=1)).isoformat())
    with reading(bakery.engine) as connection:
        [source] = sources.report(connection)
        assert overview.held_accounts(connection, bakery.now) == []
    assert (source.n_failures, source.last_error) == (0, "")
    assert _spent(bakery) == 1


def test_an_account_that_waits_says_what_it_has_spent(bakery: Bakery) -> None:
    _poll_for(bakery, 30)
    with reading(bakery.engine) as connection:
        [(account, until, why)] = overview.held_accounts(connection, bakery.now)
    assert (account, until) == ("account", START + timedelta(hours=1))
    assert "19 of 20 units are spent" in why


def test_a_person_may_still_poll_and_the_account_goes_on_waiting_without_another_word(bakery: Bakery) -> None:
    with capture_logs() as logs:
        _poll_for(bakery, 30)
        with writing(bakery.engine) as connection:
            sources.request_poll(connection, [SOURCE], bakery.now)
        assert bakery.poll() == 1
        assert _poll_for(bakery, 20) == 0
    assert len(_events(logs, "account.budget_spent")) == 1
    assert _spent(bakery) == 20


def test_other_sources_of_the_account_wait_too_and_those_of_other_accounts_do_not(bakery: Bakery) -> None:
    wanted = [
        sources.Wanted(SOURCE, "bakery", "tiny", "account"),
        sources.Wanted("second", "bakery", "tiny", "account"),
        sources.Wanted("apart", "bakery", "tiny", "other"),
    ]
    bakery.change_plan(intervals=dict.fromkeys((SOURCE, "second", "apart"), MINUTE))
    with writing(bakery.engine) as connection:
        sources.sync(connection, wanted, bakery.now)
    assert _poll_for(bakery, 40) == 40 + 20, "the two share what is there, within one turn of each"
    assert 19 <= _spent(bakery) <= 20


def test_pages_looks_and_refused_answers_cost_and_an_answer_that_never_came_does_not(bakery: Bakery) -> None:
    bakery.change_plan(budgets={"account": Budget(1_000, DAY)}, intervals={SOURCE: timedelta(hours=3)})
    for number in range(3):
        bakery.platform.say(str(number), "Is there rye?", bakery.now)
    bakery.platform.page_size = 1
    assert bakery.poll() == 3
    bakery.later(minutes=6)
    assert bakery.poll() == 1
    bakery.platform.faults += [Unavailable("it is down", status=503), Unavailable("nobody answers")]
    bakery.later(hours=3)
    bakery.poll()
    bakery.later(hours=2)
    bakery.poll()
    with reading(bakery.engine) as connection:
        table = schema.spendings
        total = connection.execute(select(table.c.spent).where(table.c.source_id == "")).scalar_one()
        of_source = connection.execute(select(table).where(table.c.source_id == SOURCE)).all()
    assert bakery.platform.faults == []
    assert sum(row.spent for row in of_source) == total == 3 + 1 + 1
    assert sum(row.n_new for row in of_source) == 3


def test_a_429_that_asks_for_longer_is_not_cut_short_by_the_budget(bakery: Bakery) -> None:
    later = START + timedelta(hours=5)
    with writing(bakery.engine) as connection:
        source = sources.load(connection, SOURCE)
        sources.hold_account(connection, "account", later, "slow down")
        assert Ledger(bakery.plan.budgets).pay(connection, source, Turn(19), bakery.now) is None
        [(_, until, _)] = overview.held_accounts(connection, bakery.now)
    assert until == later


@pytest.mark.parametrize(
    ("costs", "waits"), [((6, 6), False), ((6, 8), True), ((12,), True), ((9, 1), False), ((10, 1), True)]
)
def test_an_account_waits_where_another_turn_like_the_dearest_would_not_fit(
    bakery: Bakery, costs: tuple[int, ...], waits: bool
) -> None:
    with writing(bakery.engine) as connection:
        source = sources.load(connection, SOURCE)
        ledger = Ledger(bakery.plan.budgets)
        until = [ledger.pay(connection, source, Turn(cost), bakery.now) for cost in costs][-1]
        held = overview.held_accounts(connection, bakery.now)
    assert until == (START + timedelta(hours=1) if waits else None)
    assert [why.partition("; ")[2] for *_, why in held] == ["another read may take more than the rest"] * waits


def test_a_dear_turn_of_an_earlier_window_holds_nothing_up(bakery: Bakery) -> None:
    with writing(bakery.engine) as connection:
        source = sources.load(connection, SOURCE)
        ledger = Ledger(bakery.plan.budgets)
        ledger.pay(connection, source, Turn(10), bakery.now)
        later = bakery.now + timedelta(hours=1)
        assert [ledger.pay(connection, source, Turn(cost), later) for cost in (6, 5)] == [None, None]


def test_the_measure_begins_with_the_first_read_that_came_to_the_end(engine: Engine) -> None:
    with writing(engine) as connection:
        for hour in range(3):  # it is new and reads the past
            spendings.add_to_source(connection, "a", "s", Turn(900, False, 500), START + timedelta(hours=hour))
        for hour in range(3, 8):
            spendings.add_to_source(connection, "a", "s", Turn(6, True, 2), START + timedelta(hours=hour))
            spendings.add_to_source(connection, "a", "s", Turn(4), START + timedelta(hours=hour))
        spendings.add_to_source(connection, "a", "never", Turn(70), START)
    with reading(engine) as connection:
        found = spendings.of_sources(connection, START - timedelta(hours=1))
    assert list(found) == ["s"]
    assert (found["s"].a_poll, found["s"].n_new) == (10, 10)


def test_counts_are_kept_for_two_days(bakery: Bakery) -> None:
    bakery.poll()
    for days, n in ((1, 2), (2, 0)):
        bakery.now = START + timedelta(days=days, hours=2)
        prune(bakery.engine, bakery.plan, Keep(), bakery.now)
        with reading(bakery.engine) as connection:
            assert len(connection.execute(select(schema.spendings)).all()) == n
