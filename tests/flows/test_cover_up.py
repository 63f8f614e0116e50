"""What vanishes from under our posts is told to a second person, and what left for a good reason is not."""

from typing import Any

import pytest
from sqlalchemy.engine import Engine

from monitor.flows import forgetting
from monitor.model import StorageRules, make_id
from monitor.store import acts
from monitor.store.engine import writing
from tests.flows.brand import ANGRY, SOURCE, Bakery

OURS: dict[str, Any] = {"who": "bakery"}
POST = "Open house on Saturday: cake for everyone, children welcome, doors open at ten"
MISTAKE = "This is wrong, the date is wrong, Saturday is the 14th and not the 13th!"


@pytest.fixture
def bakery(engine: Engine) -> Bakery:
    bakery = Bakery(engine)
    bakery.work()
    bakery.later(hours=1)
    bakery.platform.say("p1", POST, bakery.now, kind="post", **OURS)
    bakery.platform.say("other", "Lovely bread as always", bakery.now, who="kim", subject="p1")
    bakery.later(minutes=1)
    bakery.work()
    return bakery


def _take_away(bakery: Bakery, *names: str) -> None:
    """The platform shows them to be gone when the daemon next looks at their threads."""
    bakery.platform.gone += names
    for _ in range(40):
        bakery.later(minutes=6)
        bakery.work()


def _rules(bakery: Bakery) -> list[tuple[str, str]]:
    return [told for told in bakery.told() if told[0] in ("cover-up", "vanished-question")]


def test_a_complaint_that_disappears_while_its_authors_other_comments_stand_is_told(bakery: Bakery) -> None:
    bakery.platform.say("c1", ANGRY, bakery.now, subject="p1")
    bakery.work()
    _take_away(bakery, "c1")
    assert _rules(bakery)[:1] == [("cover-up", "first")]
    notice = next(notice for notice in bakery.slack.sent if notice.rule == "cover-up")
    assert notice.severity == "crisis"
    assert notice.playbook is not None
    assert notice.playbook.name == "cover-up"
    assert "another comment of its author stand" in notice.threads[0].reasons[0].says
    assert notice.threads[0].excerpt == ANGRY


def test_a_mistake_pointed_out_that_disappears_is_told_too(bakery: Bakery) -> None:
    bakery.platform.say("c1", MISTAKE, bakery.now, subject="p1")
    bakery.work()
    _take_away(bakery, "c1")
    assert _rules(bakery)[:1] == [("cover-up", "first")]


def test_a_question_that_disappears_is_less_than_a_crisis(bakery: Bakery) -> None:
    bakery.platform.say("c1", "Is it open to everyone, and what time do the doors open?", bakery.now, subject="p1")
    bakery.work()
    _take_away(bakery, "c1")
    assert _rules(bakery)[:1] == [("vanished-question", "first")]


def test_an_author_whose_every_comment_is_gone_has_left_and_nothing_was_hidden(bakery: Bakery) -> None:
    bakery.platform.say("c1", ANGRY, bakery.now, subject="p1")
    bakery.work()
    _take_away(bakery, "other", "c1")
    assert _rules(bakery) == []


def test_a_complaint_that_was_answered_before_it_went_is_its_authors_own_affair(bakery: Bakery) -> None:
    bakery.platform.say("c1", ANGRY, bakery.now, subject="p1")
    bakery.work()
    bakery.later(minutes=10)
    bakery.platform.say("r1", "We are so sorry, please come by", bakery.now, parent="c1", subject="p1", **OURS)
    bakery.work()
    _take_away(bakery, "c1")
    assert _rules(bakery) == []


def test_friendly_words_may_disappear(bakery: Bakery) -> None:
    bakery.platform.say("c1", "What a nice idea, thank you!", bakery.now, subject="p1")
    bakery.work()
    _take_away(bakery, "c1")
    assert _rules(bakery) == []


def test_a_post_taken_down_under_fire_without_a_correction_is_told_after_a_quarter_of_an_hour(bakery: Bakery) -> None:
    for who in ("kim", "lee", "max"):
        bakery.platform.say(f"c-{who}", ANGRY, bakery.now, who=who, subject="p1")
    bakery.work()
    _take_away(bakery, "p1")
    assert _rules(bakery)[:1] == [("cover-up", "first")]
    notice = next(notice for notice in bakery.slack.sent if notice.rule == "cover-up")
    assert "3 people were upset under it" in notice.threads[0].reasons[0].says


def test_a_post_that_a_corrected_one_follows_was_put_right(bakery: Bakery) -> None:
    for who in ("kim", "lee"):
        bakery.platform.say(f"c-{who}", MISTAKE, bakery.now, who=who, subject="p1")
    bakery.work()
    bakery.later(minutes=2)
    bakery.platform.say("p2", "Correction: the open house is on the 14th. Sorry!", bakery.now, kind="post", **OURS)
    _take_away(bakery, "p1")
    assert _rules(bakery) == []


def test_a_correction_that_comes_late_ends_the_alert(bakery: Bakery) -> None:
    for who in ("kim", "lee"):
        bakery.platform.say(f"c-{who}", MISTAKE, bakery.now, who=who, subject="p1")
    bakery.work()
    _take_away(bakery, "p1")
    assert _rules(bakery)[:1] == [("cover-up", "first")]
    bakery.platform.say("p2", "We were wrong about the date, it is the 14th.", bakery.now, kind="post", **OURS)
    for _ in range(3):
        bakery.later(hours=1)
        bakery.work()
    assert _rules(bakery)[-1] == ("cover-up", "resolved")


def test_a_person_who_closes_the_thread_has_looked_at_it(bakery: Bakery) -> None:
    bakery.platform.say("c1", ANGRY, bakery.now, subject="p1")
    bakery.work()
    _take_away(bakery, "c1")
    thread_id = make_id("bakery", "tiny", "c1")
    with writing(bakery.engine) as connection:
        acts.close(connection, "bakery", thread_id, "anna", bakery.now, "its author took it back")
    bakery.later(minutes=1)
    bakery.work()
    assert _rules(bakery)[-1] == ("cover-up", "resolved")


def test_it_stands_when_the_platforms_rules_have_taken_the_text_and_the_name(bakery: Bakery) -> None:
    rules = StorageRules(forgets_deleted=True)
    bakery.change_plan(storage={SOURCE: rules})
    bakery.platform.say("c1", ANGRY, bakery.now, subject="p1")
    bakery.work()
    _take_away(bakery, "c1")
    assert _rules(bakery)[:1] == [("cover-up", "first")]
    forgetting.keep_rules(bakery.engine, bakery.plan, bakery.now)
    bakery.later(minutes=1)
    thread_id = make_id("bakery", "tiny", "c1")
    with writing(bakery.engine) as connection:
        acts.note(connection, "bakery", thread_id, "anna", "looking into it", bakery.now)
    bakery.work()
    assert ("cover-up", "resolved") not in _rules(bakery)
    bakery.later(days=8)
    bakery.work()
    assert _rules(bakery)[-1] == ("cover-up", "resolved")
