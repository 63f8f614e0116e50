"""A channel's line: worked off in order by one thread, which stops where it must."""

from datetime import timedelta

import pytest
from sqlalchemy.engine import Engine

from monitor.core.routing import Route
from monitor.errors import Unavailable
from monitor.flows.deliver import Deliverer
from monitor.flows.leases import Leases
from monitor.flows.lines import Lines
from monitor.store import outbox
from monitor.store.engine import writing
from tests.flows.brand import ANGRY, Bakery


@pytest.fixture
def bakery(engine: Engine) -> Bakery:
    """Three alerts wait for each of two channels."""
    bakery = Bakery(engine)
    bakery.change_plan(routes=(Route(("slack", "groupme")),))
    bakery.later(minutes=1)
    for name in ("a", "b", "c"):
        bakery.platform.say(name, f"{ANGRY} ({name})", bakery.now, who=f"person-{name}")
        bakery.poll()
        bakery.assess()
        bakery.notify()
        bakery.later(minutes=1)
    return bakery


def _work_off(bakery: Bakery, stops_after: int = 1_000) -> None:
    deliverer = Deliverer(bakery.engine, lambda: bakery.plan, lambda: bakery.now, bakery.woken.append)
    leases = Leases("deliveries", bakery.engine, lambda: bakery.now)
    lines = Lines(lambda: bakery.plan, deliverer, leases, lambda: len(bakery.slack.sent) >= stops_after)
    with writing(bakery.engine) as connection:
        [(channel, claimed)] = outbox.claim(connection, ["slack"], bakery.now, bakery.plan.lease)
    lines.work_off(channel, bakery.now, claimed)
    assert leases.renew(timedelta(hours=1)) == 0, "something is still held"


def _told(bakery: Bakery) -> list[str]:
    return [notice.threads[0].author_name for notice in bakery.slack.sent]


def test_what_waits_for_a_channel_is_sent_in_order_and_what_waits_for_others_is_left(bakery: Bakery) -> None:
    _work_off(bakery)
    assert _told(bakery) == ["Person-A", "Person-B", "Person-C"]
    assert bakery.groupme.sent == []


def test_a_channel_that_wants_a_pause_between_messages_gets_one_at_a_time(bakery: Bakery) -> None:
    bakery.slack.min_gap = timedelta(seconds=1)
    _work_off(bakery)
    assert _told(bakery) == ["Person-A"]


def test_a_daemon_that_stops_sends_nothing_further(bakery: Bakery) -> None:
    _work_off(bakery, stops_after=2)
    assert _told(bakery) == ["Person-A", "Person-B"]


def test_a_message_that_fails_holds_back_those_after_it(bakery: Bakery) -> None:
    bakery.slack.faults = [None, Unavailable("down")]
    _work_off(bakery)
    assert _told(bakery) == ["Person-A"]
