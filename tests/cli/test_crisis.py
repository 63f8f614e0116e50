"""A crisis on the command line: its room, and the steps of its plan."""

from datetime import timedelta

import pytest

from tests.cli.shop import ANGRY, Shop

NOW = timedelta(0)
OFFENSIVE = "This is disgusting and offensive, delete this NOW and apologise"
PEOPLE = ("ana", "ben", "cem", "dee", "eli", "fay")


@pytest.fixture
def crisis(shop: Shop) -> str:
    """The id of a crisis: six people are upset under one post."""
    shop.say(("kim", timedelta(hours=5), "Do you open on Sunday?"))
    shop.run("poll", "--here")
    shop.say(*((who, NOW, OFFENSIVE) for who in PEOPLE), subject_native_id="p1", subject_title="Our joke")
    shop.run("poll", "--here")
    shop.run("poll", "--here")
    return next(str(one["id"]) for one in shop.lines("alerts") if one["severity"] == "crisis")


def test_a_crisis_is_shown_with_its_room(shop: Shop, crisis: str) -> None:
    shown = shop.run("alerts", crisis[:8]).stdout
    for part in ("What happened", "Damage", "6 people upset", "Who has it", "What to do", "[ ] 1. "):
        assert part in shown
    (whole,) = shop.lines("alerts", crisis)
    assert [section["heading"].split(":")[0] for section in whole["room"]][:2] == ["What happened", "Damage"]


def test_a_step_is_taken_done_and_handed_back(shop: Shop, crisis: str) -> None:
    assert "step 2 taken on by jane" in shop.run("step", crisis[:8], "2").stdout
    assert "jane" in next(line for line in shop.run("alerts", crisis).stdout.splitlines() if "] 2. " in line)
    assert "step 2 is done, says jane" in shop.run("step", crisis, "2", "--done").stdout
    assert "[x] 2. " in shop.run("alerts", crisis).stdout
    assert "step 2 is nobody's again" in shop.run("step", crisis, "2", "--undo").stdout
    assert "[ ] 2. " in shop.run("alerts", crisis).stdout


def test_a_step_that_there_is_not_is_refused_in_words(shop: Shop, crisis: str) -> None:
    assert "steps" in shop.run("step", crisis, "77", code=2).stderr
    assert "there is no alert" in shop.run("step", "zzzzzzzz", "1", code=2).stderr
    assert "not both" in shop.run("step", crisis, "1", "--done", "--undo", code=2).stderr
    assert shop.run("step", crisis, "0", code=2).stderr


def test_an_alert_that_is_no_crisis_has_no_room(shop: Shop) -> None:
    shop.run("poll", "--here")
    shop.say(("lou", NOW, ANGRY))
    shop.run("poll", "--here")
    (alert,) = shop.lines("alerts")
    (whole,) = shop.lines("alerts", alert["id"])
    assert whole["room"] == []
    assert "Damage" not in shop.run("alerts", alert["id"]).stdout
