"""What a source does when its platform fails: the right wait, nothing lost, one line lost and one line back."""

from datetime import datetime, timedelta

import pytest
import structlog
from sqlalchemy import func, select
from sqlalchemy.engine import Engine

from connectors.base import Page
from monitor.errors import ClaimLost, Gone, Malformed, RateLimited, RemoteError, Unauthorized, Unavailable
from monitor.store import schema, sources
from monitor.store.engine import reading, writing
from tests.flows.brand import SOURCE, Bakery


@pytest.fixture
def bakery(engine: Engine) -> Bakery:
    bakery = Bakery(engine)
    bakery.later(minutes=1)
    return bakery


def _report(bakery: Bakery) -> sources.SourceReport:
    with reading(bakery.engine) as connection:
        return sources.report(connection)[0]


def _n_comments(bakery: Bakery) -> int:
    with reading(bakery.engine) as connection:
        return connection.execute(select(func.count()).select_from(schema.comments)).scalar_one()


def _wait(bakery: Bakery) -> timedelta:
    due_at = _report(bakery).due_at
    assert due_at is not None
    return due_at - bakery.now


@pytest.mark.parametrize(
    "fault",
    [
        Unavailable("503"),
        Unavailable("timeout"),
        Malformed("cut", payload="<html>"),
        Gone("404", status=404),
        ValueError("bug"),
    ],
    ids=["unavailable", "timeout", "malformed", "not-found", "bug"],
)
def test_a_source_that_fails_slows_down_and_recovers_by_itself(bakery: Bakery, fault: Exception) -> None:
    bakery.platform.say("1", "Hello?", bakery.now)
    bakery.platform.faults = [fault] * 3
    waits = []
    for _ in range(3):
        bakery.poll()
        waits.append(_wait(bakery))
        bakery.later(seconds=waits[-1].total_seconds())
    assert timedelta(seconds=15) <= waits[0] < waits[1] < waits[2]
    assert _report(bakery).n_failures == 3
    bakery.poll()
    assert (_report(bakery).n_failures, _report(bakery).last_error, _n_comments(bakery)) == (0, "", 1)


def test_a_source_is_never_given_up_and_never_waits_more_than_an_hour(bakery: Bakery) -> None:
    bakery.platform.faults = [Unavailable("down")] * 60
    for _ in range(60):
        bakery.poll()
        assert _wait(bakery) <= timedelta(hours=1)
        bakery.later(hours=1)
    bakery.platform.say("1", "Still there?", bakery.now)
    bakery.poll()
    assert _n_comments(bakery) == 1


def test_the_log_says_once_that_a_source_is_lost_and_once_that_it_is_back(bakery: Bakery) -> None:
    bakery.platform.faults = [Unavailable("down")] * 10
    with structlog.testing.capture_logs() as lines:
        for _ in range(12):
            bakery.poll()
            bakery.later(hours=1)
    events = [line["event"] for line in lines]
    assert events.count("source.lost") == 1
    assert events.count("source.recovered") == 1


def test_a_rate_limit_holds_the_whole_account_as_long_as_told_and_is_no_failure(bakery: Bakery) -> None:
    with writing(bakery.engine) as connection:
        wanted = [sources.Wanted(s, "bakery", "tiny", "account") for s in (SOURCE, "second")]
        sources.sync(connection, wanted, bakery.now)
    bakery.change_plan(intervals={SOURCE: timedelta(minutes=1), "second": timedelta(minutes=1)})
    bakery.platform.faults = [RateLimited("429", retry_at=bakery.now + timedelta(minutes=7))]
    with writing(bakery.engine) as connection:
        claims = sources.claim(connection, bakery.now, bakery.plan.lease, 1, {}, 5)
    bakery.poller.poll(claims[0][1])
    assert bakery.poll() == 0, "the other source of the account waits too"
    assert _report(bakery).n_failures == 0
    bakery.later(minutes=7)
    assert bakery.poll() == 2


def test_refused_credentials_hold_the_account_and_tell_the_operator_once(bakery: Bakery) -> None:
    bakery.platform.faults = [Unauthorized("401", status=401)] * 3
    for _ in range(3):
        bakery.work()
        bakery.later(hours=1)
    bakery.work()
    assert [told for told in bakery.told() if told[0] == "operator"] == [
        ("operator", "first"),
        ("operator", "resolved"),
    ]
    assert "credentials" in bakery.slack.sent[0].says


def test_a_source_that_keeps_failing_is_told_to_the_operator(bakery: Bakery) -> None:
    bakery.platform.faults = [Unavailable("down")] * 6
    for _ in range(7):
        bakery.work()
        bakery.later(hours=1)
    assert bakery.told() == [("operator", "first"), ("operator", "resolved")]


def test_a_source_that_says_it_is_gone_for_good_is_closed_and_told(bakery: Bakery) -> None:
    bakery.platform.faults = [Gone("410", status=410)]
    bakery.work()
    assert _report(bakery).closed_at is not None
    assert bakery.told() == [("operator", "first")]
    bakery.later(days=1)
    assert bakery.poll() == 0
    bakery.platform.say("1", "We are back?", bakery.now)
    with writing(bakery.engine) as connection:
        assert sources.request_poll(connection, [SOURCE], bakery.now) == 0
        assert sources.request_poll(connection, [SOURCE], bakery.now, reopen=True) == 1
    bakery.work()
    assert _n_comments(bakery) == 1, "a person who asks for it opens it again"


def test_an_answer_that_cannot_be_read_at_all_is_kept(bakery: Bakery) -> None:
    bakery.platform.faults = [Malformed("not JSON", payload="<html>maintenance</html>")]
    bakery.poll()
    with reading(bakery.engine) as connection:
        assert connection.execute(select(schema.quarantine.c.payload)).scalars().all() == ["<html>maintenance</html>"]


def test_a_cursor_that_does_not_move_while_there_is_more_is_refused(bakery: Bakery) -> None:
    class Looping(type(bakery.platform)):  # type: ignore[misc]
        def fetch_page(self, cursor: object, now: datetime) -> Page:
            return Page([], cursor, more=True)

    bakery.platform = Looping()
    bakery.poll()
    assert "loop" in _report(bakery).last_error


def test_a_poll_whose_lease_ended_stores_nothing(bakery: Bakery) -> None:
    bakery.platform.say("1", "Hello?", bakery.now)
    with writing(bakery.engine) as connection:
        [(_, stale)] = sources.claim(connection, bakery.now, bakery.plan.lease, 10, {}, 5)
    bakery.later(minutes=3)
    with writing(bakery.engine) as connection:
        [(_, fresh)] = sources.claim(connection, bakery.now, bakery.plan.lease, 10, {}, 5)
    with pytest.raises(ClaimLost):
        bakery.poller.poll(stale)
    assert _n_comments(bakery) == 0
    bakery.poller.poll(fresh)
    assert _n_comments(bakery) == 1


def test_an_unchanged_page_is_neither_read_nor_written_again(bakery: Bakery) -> None:
    bakery.platform.say("1", "Hello?", bakery.now)
    bakery.poll()
    with writing(bakery.engine) as connection:
        connection.execute(schema.sources.update().values(cursor="0"))
    bakery.later(minutes=1)
    with structlog.testing.capture_logs() as lines:
        bakery.poll()
    assert [(line["new"], line["unchanged"]) for line in lines if line["event"] == "source.polled"] == [(0, 1)]


def test_an_edit_that_is_taken_back_is_seen_both_times(bakery: Bakery) -> None:
    for text in ("It is open", "It is closed", "It is open"):
        bakery.platform.raws.clear()
        bakery.platform.say("1", text, bakery.now)
        with writing(bakery.engine) as connection:
            connection.execute(schema.sources.update().values(cursor="0"))
        bakery.poll()
        with reading(bakery.engine) as connection:
            assert connection.execute(select(schema.comments.c.text)).scalar() == text
        bakery.later(minutes=1)


def test_every_remote_error_has_its_place_in_the_tree() -> None:
    assert {e.__name__ for e in RemoteError.__subclasses__()} == {
        "Unavailable", "RateLimited", "Unauthorized", "Gone", "Malformed",
    }  # fmt: skip
