"""Messages that are kept current in place: what people see in a chat is how the alert stands, and nothing twice."""

from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.engine import Engine

from monitor.channels.base import Live, MessageGone, Searched
from monitor.errors import Gone, Malformed, RateLimited, Unavailable
from monitor.model import Alert
from monitor.store import alerts, schema
from monitor.store.engine import reading, writing
from tests.flows.board import Board, SearchedBoard
from tests.flows.brand import ANGRY, Bakery


@pytest.fixture
def bakery(engine: Engine) -> Bakery:
    bakery = Bakery(engine)
    bakery.slack = Board()
    bakery.change_plan(channels={"slack": bakery.slack, "groupme": bakery.groupme})
    bakery.later(minutes=1)
    return bakery


@pytest.fixture
def board(bakery: Bakery) -> Board:
    assert isinstance(bakery.slack, Board)
    return bakery.slack


def told(bakery: Bakery) -> Alert:
    """One alert that was told."""
    bakery.platform.say("a", ANGRY, bakery.now)
    bakery.work()
    return alert(bakery)


def alert(bakery: Bakery) -> Alert:
    with reading(bakery.engine) as connection:
        key = connection.execute(select(schema.alerts.c.brand, schema.alerts.c.id)).one()
        return alerts.load(connection, [(key.brand, key.id)])[key.brand, key.id]


def takes(bakery: Bakery, who: str) -> None:
    with writing(bakery.engine) as connection:
        alerts.acknowledge(connection, alert(bakery), who, bakery.now)


def statuses(bakery: Bakery) -> list[tuple[bool, str]]:
    with reading(bakery.engine) as connection:
        table = schema.deliveries
        rows = connection.execute(select(table.c.is_edit, table.c.status).order_by(table.c.created_at))
        return [(bool(row.is_edit), row.status) for row in rows]


def test_the_boards_of_the_tests_are_what_the_flows_look_for(board: Board) -> None:
    assert isinstance(board, Live)
    assert not isinstance(board, Searched)
    assert isinstance(SearchedBoard(), Searched)


def test_who_takes_an_alert_is_seen_in_its_message_and_nobody_is_called_again(bakery: Bakery, board: Board) -> None:
    told(bakery)
    assert board.seen() == [("open", "", "")]
    takes(bakery, "Anna")
    bakery.later(minutes=1)
    bakery.work()
    assert board.seen() == [("acknowledged", "Anna", "")]
    assert len(board.sent) == 1
    assert bakery.groupme.sent == []


def test_the_all_clear_stands_below_the_first_message_which_says_so_too(bakery: Bakery, board: Board) -> None:
    told(bakery)
    bakery.platform.say("b", "Sorry! We will call you.", bakery.now, who="bakery", parent="a")
    bakery.later(minutes=2)
    bakery.work()
    bakery.later(hours=1)
    bakery.work()
    assert [(status, below) for status, _, below in board.seen()] == [("resolved", ""), ("resolved", "message-1")]
    assert [pinned.notice.reason for pinned in board.wall.values()] == ["update", "resolved"]


def test_what_has_not_changed_is_not_edited(bakery: Bakery, board: Board) -> None:
    told(bakery)
    for _ in range(3):
        bakery.later(minutes=10)
        with writing(bakery.engine) as connection:
            alerts.snooze(connection, alert(bakery), bakery.now, bakery.now)  # looked at, and nothing is new
        bakery.work()
    assert board.wall["message-1"].n_edits == 0


def test_a_snoozed_alert_says_until_when_and_then_no_more(bakery: Bakery, board: Board) -> None:
    told(bakery)
    with writing(bakery.engine) as connection:
        alerts.snooze(connection, alert(bakery), bakery.now + timedelta(hours=1), bakery.now)
    bakery.work()
    assert board.wall["message-1"].notice.says.startswith("snoozed until Mon 2 Mar 2026, 11:01")
    bakery.later(hours=2)
    bakery.work()
    assert "snoozed" not in board.wall["message-1"].notice.says


def test_only_the_last_of_several_waiting_changes_is_made(bakery: Bakery, board: Board) -> None:
    told(bakery)
    board.faults = [RateLimited("429", retry_at=bakery.now + timedelta(minutes=10))]
    for who in ("Anna", "Ben", "Cleo"):
        takes(bakery, who)
        bakery.later(minutes=1)
        bakery.work()
    bakery.later(minutes=10)
    bakery.work()
    assert board.seen() == [("acknowledged", "Cleo", "")]
    assert board.wall["message-1"].n_edits == 1
    assert statuses(bakery) == [(False, "sent"), (True, "overtaken"), (True, "overtaken"), (True, "sent")]


def test_a_change_waits_for_the_first_message_to_arrive(bakery: Bakery, board: Board) -> None:
    board.faults = [RateLimited("429", retry_at=bakery.now + timedelta(minutes=5))]
    told(bakery)
    takes(bakery, "Anna")
    bakery.work()
    assert board.wall == {}
    bakery.later(minutes=6)
    bakery.work()
    assert board.seen() == [("acknowledged", "Anna", "")]


def test_a_message_that_somebody_deleted_is_left_alone_and_news_begin_a_new_one(bakery: Bakery, board: Board) -> None:
    told(bakery)
    board.faults = [MessageGone("message_not_found")]
    takes(bakery, "Anna")
    bakery.work()
    takes(bakery, "Ben")
    bakery.work()
    assert board.seen() == [("open", "", "")]  # as it was when it was deleted
    bakery.platform.say("b", "Sorry! We will call you.", bakery.now, who="bakery", parent="a")
    bakery.later(hours=1)
    bakery.work()
    assert [below for _, _, below in board.seen()] == ["", ""]
    assert bakery.groupme.sent == []


@pytest.mark.parametrize("fault", [Malformed("invalid_blocks"), Gone("404", status=404)])
def test_a_change_that_is_refused_is_told_nobody_elsewhere(bakery: Bakery, board: Board, fault: Exception) -> None:
    told(bakery)
    board.faults = [fault]
    takes(bakery, "Anna")
    bakery.work()
    assert [notice.rule for notice in bakery.groupme.sent if notice.rule != "operator"] == []


def test_a_message_of_which_the_outcome_is_unknown_is_looked_for_before_it_is_posted_again(bakery: Bakery) -> None:
    board = SearchedBoard(losses=[Unavailable("the answer never came")])
    bakery.slack = board
    bakery.change_plan(channels={"slack": board})
    told(bakery)
    bakery.later(minutes=5)
    bakery.work()
    assert board.seen() == [("open", "", "")]
    takes(bakery, "Anna")
    bakery.work()
    assert board.seen() == [("acknowledged", "Anna", "")]  # its name was found out


def test_where_nothing_can_be_looked_for_an_unknown_outcome_may_be_a_second_message(
    bakery: Bakery, board: Board
) -> None:
    board.losses = [Unavailable("the answer never came")]
    told(bakery)
    bakery.later(minutes=5)
    bakery.work()
    assert len(board.wall) == 2
    assert len({pinned.delivery_id for pinned in board.wall.values()}) == 1


class Killed(BaseException):
    """The process ends here: nobody catches this."""


@pytest.mark.parametrize(
    "outcomes",
    [
        ["lost", "lost"],
        ["killed"],
        ["killed", "lost", "killed"],
        ["refused", "killed"],
        ["busy", "lost", "busy"],
        ["busy", "refused", "busy"],
        [],
    ],
    ids="-".join,
)
@pytest.mark.parametrize("kind", [Board, SearchedBoard])
def test_a_second_message_comes_only_after_an_outcome_that_nobody_knows(
    engine: Engine, kind: type[Board], outcomes: list[str]
) -> None:
    board = kind()
    bakery = Bakery(engine, slack=board)
    bakery.change_plan(channels={"slack": board})
    bakery.later(minutes=1)
    bakery.platform.say("a", ANGRY, bakery.now)
    bakery.poll()
    bakery.assess()
    bakery.notify()
    for outcome in [*outcomes, "good"]:
        board.faults = {"refused": [Unavailable("no")], "busy": [RateLimited("429")]}.get(outcome, [])  # type: ignore[assignment]
        board.losses = {"lost": [Unavailable("?")], "killed": [Killed()]}.get(outcome, [])  # type: ignore[assignment]
        with suppress(Killed):
            bakery.deliver()
        bakery.later(minutes=10)  # longer than any pause and any lease
    n_unknown = sum(outcome in ("lost", "killed") for outcome in outcomes)
    assert len(board.wall) == (1 if kind is SearchedBoard else 1 + n_unknown)
    assert {pinned.notice.rule for pinned in board.wall.values()} == {"angry"}
    takes(bakery, "Anna")
    bakery.work()
    assert ("acknowledged", "Anna", "") in board.seen()  # whichever of them was answered is kept current


def test_a_channel_whose_messages_cannot_be_changed_costs_nothing(engine: Engine) -> None:
    bakery = Bakery(engine)
    bakery.later(minutes=1)
    told(bakery)
    takes(bakery, "Anna")
    bakery.work()
    assert statuses(bakery) == [(False, "sent")]
