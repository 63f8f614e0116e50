"""One comment's life, from a page to a chat message and back to silence."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import Engine

from monitor.core.rules import load_rules
from monitor.model import Silence
from monitor.store import acts, alerts, backlog, schema, sources, threads
from monitor.store.engine import reading, writing
from tests.flows.brand import ANGRY, SOURCE, START, Bakery


@pytest.fixture
def bakery(engine: Engine) -> Bakery:
    bakery = Bakery(engine)
    bakery.later(minutes=1)
    return bakery


def _waiting(bakery: Bakery) -> list[backlog.Waiting]:
    with reading(bakery.engine) as connection:
        return backlog.page(connection, backlog.Filters(), bakery.now)


def _count(bakery: Bakery, table: object) -> int:
    with reading(bakery.engine) as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()  # type: ignore[arg-type]


def test_an_angry_comment_reaches_the_channel_with_its_reasons_and_playbook(bakery: Bakery) -> None:
    bakery.platform.say("1", ANGRY, bakery.now)
    bakery.work()
    [notice] = bakery.slack.sent
    assert (notice.rule, notice.reason, notice.brand_name) == ("angry", "first", "Rosewood Bakery")
    assert notice.playbook is not None
    assert notice.playbook.steps
    [brief] = notice.threads
    assert (brief.author_name, brief.permalink) == ("Kim", "https://p.example/1")
    assert brief.awaiting_since == bakery.now
    [reason] = brief.reasons
    assert reason.words
    assert isinstance(reason.value, float)
    assert reason.threshold == 0.7


def test_our_reply_resolves_the_alert_and_empties_the_backlog(bakery: Bakery) -> None:
    bakery.platform.say("1", ANGRY, bakery.now)
    bakery.work()
    assert len(_waiting(bakery)) == 1
    bakery.later(minutes=10)
    bakery.platform.say("2", "We are sorry, Kim. Please write to us.", bakery.now, who="bakery", parent="1")
    bakery.work()
    assert bakery.told() == [("angry", "first"), ("angry", "resolved")]
    assert _waiting(bakery) == []


def test_nothing_is_told_twice_however_often_the_queues_are_worked(bakery: Bakery) -> None:
    bakery.platform.say("1", ANGRY, bakery.now)
    for _ in range(5):
        bakery.work()
        bakery.later(minutes=2)
    assert bakery.told() == [("angry", "first")]


def test_an_alert_that_nobody_owns_is_repeated_and_one_that_somebody_owns_is_not(bakery: Bakery) -> None:
    bakery.platform.say("1", ANGRY, bakery.now)
    bakery.work()
    bakery.later(hours=4)
    bakery.work()
    assert ("angry", "repeat") in bakery.told()
    with writing(bakery.engine) as connection:
        for alert in alerts.listing(connection, "bakery", ["open"], 10):
            alerts.acknowledge(connection, alert, "anna", bakery.now)
    n_told = len(bakery.told())
    for _ in range(6):
        bakery.later(hours=2)
        bakery.work()
    assert [told for told in bakery.told()[n_told:] if told[0] == "angry"] == []


def test_what_was_there_before_the_source_fills_the_backlog_and_never_alerts(bakery: Bakery) -> None:
    bakery.platform.say("old", ANGRY, START - timedelta(days=2))
    bakery.work()
    bakery.later(days=1)
    bakery.work()
    assert bakery.told() == []
    assert [line.author_name for line in _waiting(bakery)] == ["Kim"]
    bakery.later(minutes=1)
    bakery.platform.say("new", ANGRY, bakery.now, parent="old")
    bakery.work()
    assert ("angry", "first") in bakery.told(), "a live comment in an old thread does alert"


def test_the_clock_alone_flags_a_question_that_nobody_answers(bakery: Bakery) -> None:
    bakery.platform.say("1", "Do you have rye bread on Sundays?", bakery.now)
    bakery.work()
    assert bakery.told() == []
    bakery.later(hours=3, minutes=59)
    bakery.work()
    assert bakery.told() == []
    bakery.later(minutes=1)
    bakery.work()
    assert bakery.told() == [("unanswered", "first")]


def test_several_upset_people_under_one_post_are_one_crisis(bakery: Bakery) -> None:
    bakery.platform.say("post", "Our new slogan!", bakery.now, who="bakery", kind="post")
    for n in range(6):
        bakery.platform.say(f"c{n}", f"{ANGRY} {n}", bakery.now, who=f"person{n}", subject="post")
    bakery.work()
    crises = [notice for notice in bakery.slack.sent if notice.rule == "pile-on"]
    assert [(notice.reason, notice.n_people) for notice in crises] == [("first", 6)]
    assert crises[0].severity == "crisis"


def test_who_waits_under_a_post_in_crisis_stands_first_in_the_backlog(bakery: Bakery) -> None:
    bakery.platform.say("calm", "Do you sell rye?", bakery.now - timedelta(seconds=30), who="calm", subject="other")
    bakery.platform.say("asks", "When do you open?", bakery.now, who="asks", subject="post")
    bakery.work()
    bakery.later(minutes=1)
    for n in range(6):
        bakery.platform.say(f"c{n}", f"{ANGRY} {n}", bakery.now, who=f"person{n}", subject="post")
    bakery.work()
    bakery.assess()
    lines = _waiting(bakery)
    assert {line.severity for line in lines[:-1]} == {"crisis"}
    assert "Asks" in [line.author_name for line in lines[:-1]]
    assert (lines[-1].author_name, lines[-1].severity) == ("Calm", "")


def test_a_snoozed_thread_is_not_told_to_be_resolved_and_is_told_anew_when_the_snooze_ends(bakery: Bakery) -> None:
    bakery.platform.say("1", ANGRY, bakery.now)
    bakery.work()
    with writing(bakery.engine) as connection:
        [line] = backlog.page(connection, backlog.Filters(), bakery.now)
        acts.snooze(connection, "bakery", line.id, "anna", bakery.now + timedelta(hours=2), bakery.now)
    bakery.work()
    assert bakery.told() == [("angry", "first")]
    bakery.later(hours=2, minutes=1)
    bakery.work()
    assert bakery.told() == [("angry", "first"), ("angry", "reopened")]


def test_a_new_comment_ends_a_snooze(bakery: Bakery) -> None:
    bakery.platform.say("1", ANGRY, bakery.now)
    bakery.work()
    with writing(bakery.engine) as connection:
        [line] = backlog.page(connection, backlog.Filters(), bakery.now)
        acts.snooze(connection, "bakery", line.id, "anna", bakery.now + timedelta(days=3), bakery.now)
    bakery.work()
    assert _waiting(bakery) == []
    bakery.later(minutes=10)
    bakery.work()
    assert _waiting(bakery) == [], "the same comment read again does not end it"
    bakery.platform.say("2", "Hello? Are you even reading this?", bakery.now, parent="1")
    bakery.later(minutes=1)
    bakery.work()
    assert len(_waiting(bakery)) == 1


def test_an_unreadable_payload_is_kept_and_its_neighbours_go_on(bakery: Bakery) -> None:
    bakery.platform.raws.append({"id": "broken", "text": "no date", "who": "x", "at": "the day before yesterday"})
    bakery.platform.say("1", ANGRY, bakery.now)
    bakery.work()
    with reading(bakery.engine) as connection:
        [row] = connection.execute(select(schema.quarantine)).all()
    assert "no date" in row.payload
    assert row.source_id == SOURCE
    assert bakery.told() == [("angry", "first")]
    bakery.later(minutes=1)
    bakery.work()
    assert _count(bakery, schema.quarantine) == 1


def test_pages_follow_each_other_at_once_and_the_cursor_is_kept(bakery: Bakery) -> None:
    bakery.platform.page_size = 3
    for n in range(10):
        bakery.platform.say(str(n), "Hello?", bakery.now)
    assert bakery.poll() == 4
    assert _count(bakery, schema.comments) == 10
    with reading(bakery.engine) as connection:
        assert sources.load(connection, SOURCE).cursor == 10


def test_a_deleted_comment_no_longer_waits_but_stays_as_a_tombstone(bakery: Bakery) -> None:
    bakery.platform.say("1", ANGRY, bakery.now)
    bakery.work()
    bakery.platform.gone.append("1")
    bakery.later(minutes=10)
    bakery.work()
    assert _waiting(bakery) == []
    assert bakery.told() == [("angry", "first"), ("angry", "resolved")]
    assert _count(bakery, schema.comments) == 1


def test_a_silence_records_everything_and_sends_nothing_until_it_is_over(bakery: Bakery) -> None:
    with writing(bakery.engine) as connection:
        hour = bakery.now + timedelta(hours=1)
        alerts.add_silence(connection, Silence(1, "bakery", bakery.now, hour, "anna", "moving house", rule="angry"))
    bakery.platform.say("1", ANGRY, bakery.now)
    bakery.work()
    assert bakery.told() == []
    assert _count(bakery, schema.alerts) == 1
    bakery.later(hours=1)
    bakery.work()
    assert bakery.told() == [("angry", "first")]


def test_a_snoozed_alert_speaks_again_when_the_snooze_ends(bakery: Bakery) -> None:
    bakery.platform.say("1", ANGRY, bakery.now)
    bakery.work()
    with writing(bakery.engine) as connection:
        [alert] = alerts.listing(connection, None, ["open"], 10)
        alerts.snooze(connection, alert, bakery.now + timedelta(hours=6), bakery.now)
    bakery.later(hours=4, minutes=30)
    bakery.work()
    assert [told for told in bakery.told() if told[0] == "angry"] == [("angry", "first")]
    bakery.later(hours=2)
    bakery.work()
    assert [told for told in bakery.told() if told[0] == "angry"] == [("angry", "first"), ("angry", "repeat")]


def test_a_changed_rule_judges_open_threads_again_without_any_new_comment(bakery: Bakery) -> None:
    bakery.platform.say("1", "Do you sell gluten-free scones?", bakery.now)
    bakery.work()
    rule = {"rules": {"scones": {"title": "Scones", "severity": "high", "when": {"phrases": ["scones"]}}}}
    bakery.change_plan(rules=load_rules([("own.toml", rule)]))
    with writing(bakery.engine) as connection:
        assert threads.mark_open_due(connection, bakery.now) == 1
    bakery.work()
    assert bakery.told() == [("scones", "first")]


def test_comments_measured_by_older_signals_are_measured_again(bakery: Bakery) -> None:
    bakery.platform.say("1", "Do you have rye?", bakery.now)
    bakery.work()
    with writing(bakery.engine) as connection:
        connection.execute(schema.comments.update().values(signals='{"angry": 1.0}', signals_version="angry=0"))
        threads.mark_open_due(connection, bakery.now)
    bakery.work()
    with reading(bakery.engine) as connection:
        [row] = connection.execute(select(schema.comments.c.signals, schema.comments.c.signals_version)).all()
    assert "angry=0" not in row.signals_version.split(",")
    assert '"angry":1.0' not in row.signals.replace(" ", "")
