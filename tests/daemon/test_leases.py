"""Leases of what is being worked on are renewed; what was released, taken over or hangs is left alone."""

from collections.abc import Callable
from datetime import timedelta
from threading import Event, Thread
from typing import Any

import pytest
import structlog
from sqlalchemy import Engine, select

from monitor.flows.leases import MOST_LEASES, Leases
from monitor.store import due, schema, sources
from monitor.store.due import Claim
from monitor.store.engine import reading, writing
from monitor.store.instants import from_us
from tests.flows.brand import SOURCE, Bakery


class Held:
    """A source that is claimed and being worked on until `end` is called."""

    def __init__(self, engine: Engine) -> None:
        self.bakery = Bakery(engine)
        self.lease = self.bakery.plan.lease
        self.leases = Leases("sources", engine, self.bakery.clock)
        self.claimed = self.claim()
        self._over, self._begun = Event(), Event()
        work = self.leases.holding(self._work, self.bakery.now, self.lease)
        self._thread = Thread(target=work, args=(self.claimed,), daemon=True)
        self._thread.start()
        assert self._begun.wait(60)

    def claim(self) -> Claim:
        with writing(self.bakery.engine) as connection:
            [(_, claimed)] = sources.claim(connection, self.bakery.now, self.lease, 1, {}, 5)
        return claimed

    def _work(self, _claimed: Claim) -> None:
        self._begun.set()
        self._over.wait(60)

    def end(self) -> None:
        self._over.set()
        self._thread.join(60)

    def ends_in(self) -> timedelta:
        with reading(self.bakery.engine) as connection:
            row = connection.execute(select(schema.sources.c.due_at, schema.sources.c.claimed_until)).one()
        assert row.due_at == row.claimed_until
        return from_us(row.due_at) - self.bakery.now

    def renew(self) -> int:
        return self.leases.renew(self.lease)


@pytest.fixture
def held(engine: Engine) -> Any:
    held = Held(engine)
    yield held
    held.end()


def test_a_lease_that_is_young_costs_nothing_and_an_older_one_is_renewed(held: Held) -> None:
    assert held.renew() == 0
    for _ in range(5):
        held.bakery.now += held.lease / 2
        assert held.renew() == 1
        assert held.ends_in() == held.lease
    held.end()
    held.bakery.now += held.lease / 2
    assert held.renew() == 0


def _release(held: Held) -> None:
    with writing(held.bakery.engine) as connection:
        values = {"claimed_until": held.bakery.now + timedelta(seconds=7)}
        at = {name: int(instant.timestamp() * 1_000_000) for name, instant in values.items()}
        due.release(connection, "sources", held.claimed, values["claimed_until"], **at)


def _take_over(held: Held) -> None:
    now = held.bakery.now
    held.bakery.now += held.lease + timedelta(seconds=1)
    held.claim()
    held.bakery.now = now


@pytest.mark.parametrize("what_happens", [_release, _take_over])
def test_a_row_that_is_no_longer_ours_is_left_as_it_stands(held: Held, what_happens: Callable[[Held], None]) -> None:
    what_happens(held)
    held.bakery.now += held.lease / 2
    before = held.ends_in()
    held.renew()
    assert held.ends_in() == before
    assert held.renew() == 0, "it is not asked for again"


def test_work_that_hangs_is_given_up_in_the_end_and_that_is_logged_once(held: Held) -> None:
    with structlog.testing.capture_logs() as lines:
        for _ in range(MOST_LEASES * 2 + 3):
            held.bakery.now += held.lease / 2
            held.renew()
    assert [(line["event"], line["id"]) for line in lines] == [("lease.given_up", SOURCE)]
    assert held.ends_in() <= timedelta(0), "another may take it over"
