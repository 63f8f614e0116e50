"""Looks at known comments: how soon, how many at once, and within what of the account's budget; on both databases."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.engine import Engine

from connectors.base import Abilities, Known, Rechecked
from monitor.core.quota import DAY
from monitor.flows import rechecks
from monitor.model import Budget, StorageRules
from monitor.store import schema
from monitor.store.engine import reading
from tests.flows.brand import SOURCE, START, Bakery, Platform

BATCH = 10


@dataclass
class Watched(Platform):
    """A platform that notes what each look asked for; a look costs `cost`."""

    looks: list[list[str]] = field(default_factory=list)
    cost: float = 1.0

    abilities = Abilities(recheck_batch=BATCH)

    def recheck(self, known: Sequence[Known]) -> Rechecked:
        self.looks.append([one.native_id for one in known])
        return replace(super().recheck(known), spent=self.cost)


@pytest.fixture
def platform() -> Watched:
    return Watched()


@pytest.fixture
def bakery(engine: Engine, platform: Watched) -> Bakery:
    bakery = Bakery(engine, platform)
    bakery.change_plan(intervals={SOURCE: timedelta(hours=1)})
    return bakery


def _live(bakery: Bakery, **duration: float) -> None:
    """Work whatever is due, at its time, for so long."""
    until = bakery.now + timedelta(**duration)
    while True:
        bakery.poll()
        with reading(bakery.engine) as connection:
            due_at = connection.execute(select(schema.sources.c.due_at)).scalar_one()
        assert due_at is not None
        at = START + timedelta(microseconds=due_at - int(START.timestamp() * 1e6))
        if at > until:
            bakery.now = until
            return
        bakery.now = max(bakery.now, at)


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=4_000)))
def test_a_thread_is_looked_at_ever_more_seldom_and_never_no_more(silent_for: timedelta) -> None:
    length = rechecks.interval(silent_for)
    assert timedelta(minutes=5) <= length <= timedelta(days=7)
    assert length <= rechecks.interval(silent_for + timedelta(minutes=1))


def test_what_was_there_before_its_source_is_not_asked_for_again_at_once(bakery: Bakery, platform: Watched) -> None:
    for number in range(30):
        platform.say(f"old{number}", "Is there rye?", START - timedelta(days=200 + number))
    _live(bakery, days=3)
    assert platform.looks == []
    _live(bakery, days=5)
    assert {one for look in platform.looks for one in look} == {f"old{number}" for number in range(30)}


def test_old_texts_are_looked_at_for_as_long_as_they_are_kept(bakery: Bakery, platform: Watched) -> None:
    bakery.change_plan(storage={SOURCE: StorageRules(forgets_deleted=True)})
    platform.say("c1", "My number is 555 0123", START)
    _live(bakery, days=150)
    platform.gone.append("c1")
    _live(bakery, days=8)
    with reading(bakery.engine) as connection:
        row = connection.execute(select(schema.comments.c.deleted_at, schema.comments.c.forget_at)).one()
    assert row.deleted_at is not None
    assert row.forget_at == row.deleted_at, "deleted there means deleted here, however old it is"
    n_looks = len(platform.looks)
    _live(bakery, days=30)
    assert len(platform.looks) == n_looks, "what is gone is not asked for again"


def test_looks_fill_their_batches_with_what_is_due_soon(bakery: Bakery, platform: Watched) -> None:
    for number in range(60):
        platform.say(f"c{number}", "Is there rye?", START - timedelta(days=30, minutes=number))
    _live(bakery, days=3)
    sizes = [len(look) for look in platform.looks]
    assert sum(sizes) >= 60
    assert sum(sizes) / len(sizes) > BATCH * 0.7


def test_a_thread_larger_than_a_batch_is_looked_at_in_all_its_parts(bakery: Bakery, platform: Watched) -> None:
    platform.say("root", "Is there rye?", START)
    for number in range(34):
        platform.say(f"r{number}", "And spelt?", START, parent="root")
    _live(bakery, hours=6)
    assert {one for look in platform.looks for one in look} == {"root", *(f"r{number}" for number in range(34))}
    assert max(len(look) for look in platform.looks) == BATCH


def test_looks_are_spread_over_the_budget_and_leave_the_most_of_it_to_polls(bakery: Bakery, platform: Watched) -> None:
    bakery.change_plan(budgets={"account": Budget(1_000, DAY)})
    platform.cost = 5
    _say_many(bakery, platform)
    _live(bakery, hours=12)
    asked_in_half = len(platform.looks)
    _live(bakery, hours=12)
    spent = platform.cost * len(platform.looks)
    assert spent <= 1_000 * rechecks.SHARE
    assert asked_in_half * 0.8 <= len(platform.looks) - asked_in_half <= asked_in_half * 1.25
    assert platform.n_calls >= 24, "polls went on"


def test_once_most_of_a_window_is_spent_the_rest_is_for_polls(bakery: Bakery, platform: Watched) -> None:
    bakery.change_plan(budgets={"account": Budget(100, DAY)})
    platform.page_size = 1
    _say_many(bakery, platform, 85)
    _live(bakery, hours=13)
    assert platform.looks == []
    assert platform.n_calls >= 85 + 9


def test_without_a_budget_a_look_rests_two_seconds_for_each_of_its_requests(bakery: Bakery, platform: Watched) -> None:
    platform.cost = 30
    _say_many(bakery, platform, 100)
    _live(bakery, minutes=9)
    assert 2 <= len(platform.looks) <= 5


def _say_many(bakery: Bakery, platform: Watched, n: int = 200) -> None:
    for number in range(n):
        platform.say(f"c{number}", "Is there rye?", bakery.now)


def test_a_look_that_asks_for_nothing_costs_nothing(bakery: Bakery, platform: Watched) -> None:
    platform.say("old", "Is there rye?", START - timedelta(days=200))
    _live(bakery, minutes=30)
    table: Any = schema.spendings
    with reading(bakery.engine) as connection:
        spent = connection.execute(select(table.c.spent).where(table.c.source_id == SOURCE)).scalars().all()
    assert (spent, platform.looks) == ([1.0], [])
