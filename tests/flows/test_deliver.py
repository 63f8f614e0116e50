"""The outbox: at least once, in order, and never lost when a target dies."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.engine import Engine

from monitor.core.routing import Route
from monitor.errors import Gone, Malformed, RateLimited, Unauthorized, Unavailable
from monitor.store import due, outbox, schema
from monitor.store.engine import reading, writing
from tests.flows.brand import ANGRY, Bakery


@pytest.fixture
def bakery(engine: Engine) -> Bakery:
    bakery = Bakery(engine)
    bakery.later(minutes=1)
    return bakery


def _anger(bakery: Bakery, *names: str) -> None:
    for name in names:
        bakery.platform.say(name, f"{ANGRY} ({name})", bakery.now, who=f"person-{name}")
        bakery.poll()
        bakery.assess()
        bakery.notify()
        bakery.later(minutes=1)


def _statuses(bakery: Bakery) -> list[tuple[str, str]]:
    with reading(bakery.engine) as connection:
        table = schema.deliveries
        statement = select(table.c.channel, table.c.status).order_by(table.c.created_at, table.c.id)
        return [tuple(row) for row in connection.execute(statement)]  # type: ignore[misc]


def test_messages_of_one_channel_arrive_in_their_order_even_if_the_first_fails(bakery: Bakery) -> None:
    _anger(bakery, "a", "b", "c")
    bakery.slack.faults = [Unavailable("down"), Unavailable("down")]
    for _ in range(8):
        bakery.deliver()
        bakery.later(minutes=1)
    assert [notice.threads[0].author_name for notice in bakery.slack.sent] == ["Person-A", "Person-B", "Person-C"]


def test_a_busy_target_is_left_alone_as_long_as_it_asks(bakery: Bakery) -> None:
    _anger(bakery, "a")
    bakery.slack.faults = [RateLimited("429", retry_at=bakery.now + timedelta(minutes=5))]
    bakery.deliver()
    bakery.later(minutes=4)
    bakery.deliver()
    assert bakery.slack.sent == []
    bakery.later(minutes=1)
    bakery.deliver()
    assert len(bakery.slack.sent) == 1


def test_the_same_delivery_carries_the_same_id_at_every_attempt(bakery: Bakery) -> None:
    _anger(bakery, "a")
    with reading(bakery.engine) as connection:
        delivery_id = connection.execute(select(schema.deliveries.c.id)).scalar_one()
    bakery.slack.faults = [Unavailable("timeout")]
    for _ in range(3):
        bakery.deliver()
        bakery.later(minutes=1)
    from monitor.model import show_id

    assert bakery.slack.ids == [show_id(delivery_id)]


@pytest.mark.parametrize("fault", [Gone("404", status=404), Unauthorized("403", status=403)], ids=["gone", "refused"])
def test_a_dead_target_is_held_and_its_message_and_the_news_go_elsewhere(bakery: Bakery, fault: Exception) -> None:
    _anger(bakery, "a")
    bakery.slack.faults = [fault]
    bakery.deliver()
    bakery.notify()
    bakery.deliver()
    rules = [notice.rule for notice in bakery.groupme.sent]
    assert sorted(rules) == ["angry", "operator"]
    with reading(bakery.engine) as connection:
        assert set(outbox.held_channels(connection)) == {"slack"}
    _anger(bakery, "b")
    bakery.deliver()
    assert len(bakery.groupme.sent) == 3, "while it is held, its messages are routed elsewhere"


def test_a_dead_target_that_is_mended_gets_what_waited_and_the_operator_is_told(bakery: Bakery) -> None:
    _anger(bakery, "a")
    bakery.slack.faults = [Unauthorized("403", status=403)]
    bakery.deliver()
    bakery.notify()
    bakery.deliver()
    bakery.later(hours=1)
    bakery.work()
    assert [notice.rule for notice in bakery.slack.sent][:1] == ["angry"]
    told = [(n.rule, n.reason) for n in (*bakery.groupme.sent, *bakery.slack.sent) if n.rule == "operator"]
    assert ("operator", "first") in told
    assert ("operator", "resolved") in told
    with reading(bakery.engine) as connection:
        assert outbox.held_channels(connection) == {}


def test_a_message_that_will_never_be_accepted_goes_elsewhere_and_does_not_block_the_line(bakery: Bakery) -> None:
    _anger(bakery, "a", "b")
    bakery.slack.faults = [Malformed("invalid_blocks")]
    bakery.deliver()
    assert [notice.threads[0].author_name for notice in bakery.slack.sent] == ["Person-B"]
    assert [notice.threads[0].author_name for notice in bakery.groupme.sent] == ["Person-A"]


def test_a_target_that_stays_silent_is_reported_through_another(bakery: Bakery) -> None:
    _anger(bakery, "a")
    bakery.slack.faults = [Unavailable("timeout")] * 20
    for _ in range(6):
        bakery.deliver()
        bakery.notify()
        bakery.later(minutes=5)
    bakery.deliver()
    assert "operator" in [notice.rule for notice in bakery.groupme.sent]


def test_reminders_do_not_pile_up_before_a_dead_channel(bakery: Bakery) -> None:
    bakery.change_plan(channels={"slack": bakery.slack})
    _anger(bakery, "a")
    bakery.slack.faults = [Unauthorized("403", status=403)] * 200
    for _ in range(30):
        bakery.deliver()
        bakery.later(hours=4)
        bakery.assess()
        bakery.notify()
    bakery.slack.faults.clear()
    bakery.later(hours=1)
    bakery.work()
    reminders = [notice for notice in bakery.slack.sent if (notice.rule, notice.reason) == ("angry", "repeat")]
    assert len(reminders) <= 2


def test_what_waits_for_a_dead_channel_is_no_lag_of_ours(bakery: Bakery) -> None:
    bakery.change_plan(channels={"slack": bakery.slack})
    _anger(bakery, "a", "b")
    bakery.slack.faults = [Gone("404", status=404)] * 9
    bakery.deliver()
    bakery.later(minutes=4)
    with reading(bakery.engine) as connection:
        assert due.lag(connection, "deliveries", bakery.now) == timedelta(0)


def test_a_channel_that_left_the_configuration_does_not_swallow_its_messages(bakery: Bakery) -> None:
    _anger(bakery, "a")
    bakery.change_plan(channels={"groupme": bakery.groupme}, routes=(Route(("groupme",)),))
    bakery.deliver()
    assert ("slack", "abandoned") in _statuses(bakery)
    assert len(bakery.groupme.sent) == 1


def test_a_sender_that_dies_in_the_middle_leaves_its_delivery_to_the_next(bakery: Bakery) -> None:
    _anger(bakery, "a")
    with writing(bakery.engine) as connection:
        outbox.claim(connection, ["slack"], bakery.now, bakery.plan.lease)  # and then the process is killed
    bakery.deliver()
    assert bakery.slack.sent == []
    bakery.later(minutes=2)
    bakery.deliver()
    assert len(bakery.slack.sent) == 1
    with reading(bakery.engine) as connection:
        assert due.lag(connection, "deliveries", bakery.now) == timedelta(0)
