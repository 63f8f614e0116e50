"""A crisis has a room: one message that says how bad it is and what is next, and keeps up with what happens."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from monitor.core.calendar import Calendar
from monitor.core.telling import Person
from monitor.flows.chat import Answerer, Call
from monitor.model import Notice, Recipient
from tests.flows.board import Board
from tests.flows.brand import ANGRY, Bakery

OURS: dict[str, Any] = {"who": "bakery"}
OFFENSIVE = "This is disgusting and offensive, delete this NOW and apologise"


@pytest.fixture
def bakery(engine: Engine) -> Bakery:
    bakery = Bakery(engine)
    bakery.slack = Board()
    bakery.change_plan(channels={"slack": bakery.slack, "groupme": bakery.groupme})
    bakery.work()
    bakery.later(hours=1)
    bakery.platform.say("p1", "Our little joke about people who cannot bake", bakery.now, kind="post", **OURS)
    bakery.later(minutes=1)
    bakery.work()
    return bakery


def _outcry(bakery: Bakery, *people: str) -> None:
    for who in people:
        bakery.platform.say(f"c-{who}", OFFENSIVE, bakery.now, who=who, subject="p1")
    bakery.work()
    bakery.later(minutes=1)
    bakery.work()


def _crises(bakery: Bakery) -> list[Notice]:
    return [notice for notice in bakery.slack.sent if notice.severity == "crisis"]


def _room(bakery: Bakery) -> Notice:
    """The message that was posted first about the crisis, as people see it now."""
    bakery.later(minutes=6)
    bakery.work()
    assert isinstance(bakery.slack, Board)
    return next(each.notice for each in bakery.slack.wall.values() if each.notice.severity == "crisis")


def _lines(notice: Notice, heading: str) -> list[str]:
    return [line.text for part in notice.sections if part.heading.startswith(heading) for line in part.lines]


def test_many_upset_people_under_one_post_open_a_room(bakery: Bakery) -> None:
    _outcry(bakery, "ana", "ben", "cem", "dee", "eli", "fay")
    notice = _crises(bakery)[0]
    assert _lines(notice, "What happened")[0].startswith("Under “Our little joke")
    assert _lines(notice, "Damage")[0] == "6 people upset, 6 of them new in the last hour"
    assert any(line.startswith("Answered: 0 of 6") for line in _lines(notice, "Damage"))
    assert _lines(notice, "Who has it")[0].startswith("Nobody yet")
    steps = _lines(notice, "What to do")
    assert steps[0].startswith("[ ] 1. ")
    assert "by " in steps[0]
    assert notice.playbook is not None
    assert notice.playbook.steps == ()
    assert notice.playbook.avoid
    assert 0 < len(notice.threads) <= 3


def test_no_customers_words_are_in_the_room_because_platforms_may_want_them_back(bakery: Bakery) -> None:
    _outcry(bakery, "ana", "ben", "cem", "dee", "eli", "fay")
    said = [line.text for part in _crises(bakery)[0].sections for line in part.lines]
    assert not any("disgusting" in line for line in said)


def test_our_answers_and_who_is_still_upset_are_counted_in_the_same_message(bakery: Bakery) -> None:
    _outcry(bakery, "ana", "ben", "cem", "dee", "eli", "fay")
    bakery.platform.say("r1", "We are sorry, we took it down", bakery.now, parent="c-ana", subject="p1", **OURS)
    bakery.platform.say("r2", "We are sorry, we took it down", bakery.now, parent="c-ben", subject="p1", **OURS)
    bakery.later(minutes=2)
    bakery.platform.say("c-ana-2", ANGRY, bakery.now, who="ana", parent="c-ana", subject="p1")
    bakery.platform.say("c-gil", OFFENSIVE, bakery.now, who="gil", subject="p1")
    bakery.work()
    damage = _lines(_room(bakery), "Damage")
    assert any(line.startswith("Answered: 2 of 7") for line in damage), damage
    assert any(line.startswith("Still upset after our answer: 1 of 2") for line in damage), damage


def test_stakeholders_hear_of_it_at_once_on_their_own_channel_and_only_then(bakery: Bakery) -> None:
    brand = replace(bakery.plan.brands["bakery"], stakeholders=(Recipient("groupme"),))
    bakery.change_plan(brands={"bakery": brand})
    bakery.platform.say("x", ANGRY, bakery.now, who="kim")
    bakery.work()
    assert bakery.groupme.sent == []
    _outcry(bakery, "ana", "ben", "cem", "dee", "eli", "fay")
    assert [notice.severity for notice in bakery.groupme.sent] == ["crisis"]
    assert bakery.groupme.sent[0].reason == "first"


def test_a_step_that_somebody_takes_in_chat_stands_in_the_room(bakery: Bakery) -> None:
    anna = Person("anna", "Anna", (), Calendar("Europe/London", None), {"slack": "U1"})
    bakery.change_plan(people={"anna": anna})
    _outcry(bakery, "ana", "ben", "cem", "dee", "eli", "fay")
    answerer = Answerer(bakery.engine, lambda: bakery.plan, bakery.clock, bakery.woken.append)
    alert = _crises(bakery)[0].alert_id
    assert answerer.answer(Call("slack", "U1", "1", "take 2", alert)) is not None
    assert answerer.answer(Call("slack", "U1", "2", "done 1", alert)) is not None
    bakery.work()
    steps = _lines(_room(bakery), "What to do")
    assert steps[0].startswith("[x] 1. ")
    assert "done by Anna" in steps[0]
    assert "Anna has it" in steps[1]


def test_a_late_step_is_told_as_overdue(bakery: Bakery) -> None:
    _outcry(bakery, "ana", "ben", "cem", "dee", "eli", "fay")
    bakery.now += timedelta(hours=2)
    assert "OVERDUE" in _lines(_room(bakery), "What to do")[0]
