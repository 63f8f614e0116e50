"""What people say in a chat is done once, by those who are known, and shows everywhere at once."""

from dataclasses import replace

import pytest
from sqlalchemy.engine import Engine

from monitor.core.calendar import Calendar
from monitor.core.chat import addressed
from monitor.core.telling import Person
from monitor.flows.chat import STRANGER, Answer, Answerer, Call
from monitor.model import Alert, make_id, show_id
from monitor.store import acts, alerts, corrections, steps, threads
from monitor.store.engine import reading, writing
from tests.flows.brand import ANGRY, Bakery

ANNA = Person("anna", "Anna", (), Calendar("Europe/London", None), {"slack": "U1", "telegram": "77"})
THREAD = make_id("bakery", "tiny", "c1")


@pytest.fixture
def bakery(engine: Engine) -> Bakery:
    bakery = Bakery(engine)
    bakery.change_plan(people={"anna": ANNA})
    bakery.work()
    bakery.later(hours=1)
    bakery.platform.say("c1", ANGRY, bakery.now)
    bakery.work()
    assert bakery.told()[-1][1] == "first"
    return bakery


def _say(bakery: Bakery, text: str, call_id: str = "1", alert: str = "", handle: str = "U1") -> Answer | None:
    answerer = Answerer(bakery.engine, lambda: bakery.plan, bakery.clock, bakery.woken.append)
    return answerer.answer(Call("slack", handle, call_id, text, alert))


def _alert_id(bakery: Bakery) -> str:
    return bakery.slack.sent[-1].alert_id


def _alert(bakery: Bakery, alert_id: str) -> Alert:
    with reading(bakery.engine) as connection:
        key = acts.find(connection, "alert", alert_id)
        return alerts.load(connection, [key])[key]


def test_ack_makes_it_that_persons_and_a_day_passes_without_a_reminder(bakery: Bakery) -> None:
    answer = _say(bakery, "ack", alert=_alert_id(bakery))
    assert answer is not None
    assert answer.is_done
    assert "Anna has alert" in answer.text
    alert = _alert(bakery, _alert_id(bakery))
    assert (alert.status, alert.acknowledged_by) == ("acknowledged", "Anna")
    n_told = len(bakery.slack.sent)
    for told in ([], [], [], [], ["repeat"]):
        bakery.later(hours=5)
        bakery.work()
        assert [one.reason for one in bakery.slack.sent[n_told:] if one.alert_id == show_id(alert.id)] == told


def test_the_only_open_alert_needs_no_id_and_of_several_one_must_be_named(bakery: Bakery) -> None:
    assert _say(bakery, "show") is not None
    with writing(bakery.engine) as connection:
        alert = _alert(bakery, _alert_id(bakery))
        other = replace(alert, id=alert.id + 1, group_key="another")
        alerts.save(connection, [other], bakery.now)
    answer = _say(bakery, "ack", "2")
    assert answer is not None
    assert "which alert?" in answer.text
    assert not answer.is_done


def test_what_the_chat_repeats_is_done_once(bakery: Bakery) -> None:
    assert _say(bakery, "close", "call-1", _alert_id(bakery)) is not None
    bakery.work()
    bakery.later(minutes=1)
    bakery.platform.say("c2", ANGRY, bakery.now, parent="c1")
    bakery.work()
    assert _say(bakery, "close", "call-1", _alert_id(bakery)) is None
    with reading(bakery.engine) as connection:
        assert [act.act for act in acts.of_thread(connection, "bakery", THREAD)] == ["close"]


@pytest.mark.parametrize("handle", ["U666", "", "u1", "U1 ", "77", "anna"])
@pytest.mark.parametrize("text", ["ack", "backlog", "show", "help", "nonsense"])
def test_a_stranger_is_told_who_could_let_them_in_and_nothing_else(bakery: Bakery, text: str, handle: str) -> None:
    answer = _say(bakery, text, alert=_alert_id(bakery), handle=handle)
    assert answer == Answer(STRANGER, is_stranger=True)
    assert "[people]" in STRANGER
    assert addressed(STRANGER) is None
    assert _alert(bakery, _alert_id(bakery)).status == "open"


@pytest.mark.parametrize("text", ["backlog", "show", "help", "dance", "ack 2babbbdrvkece"])
def test_what_changes_nothing_is_answered_once_as_well(bakery: Bakery, text: str) -> None:
    first = _say(bakery, text, "call-1")
    assert first is not None
    assert not first.is_done
    assert _say(bakery, text, "call-1") is None
    assert _say(bakery, text, "call-2") == first


def test_what_could_not_be_done_leaves_nothing_half_done(bakery: Bakery) -> None:
    alert_id = _alert_id(bakery)
    assert _say(bakery, "close", "1", alert_id) is not None
    bakery.work()
    before = _alert(bakery, alert_id)
    refused = _say(bakery, "ack", "2", alert_id)
    assert refused is not None
    assert "is resolved already" in refused.text
    assert _alert(bakery, alert_id) == before


def test_close_closes_the_threads_and_the_alert_resolves(bakery: Bakery) -> None:
    answer = _say(bakery, "close", alert=_alert_id(bakery))
    assert answer is not None
    assert "closed 1 thread" in answer.text
    bakery.work()
    assert bakery.told()[-1][1] == "resolved"


def test_wrong_flag_is_remembered_and_the_alert_goes(bakery: Bakery) -> None:
    assert _say(bakery, "wrong flag", alert=_alert_id(bakery)) is not None
    bakery.work()
    with reading(bakery.engine) as connection:
        said = corrections.of_threads(connection, "bakery", [THREAD])[THREAD]
    assert [(one.who, one.is_wrong) for one in said] == [("Anna", True)]
    assert _alert(bakery, _alert_id(bakery)).status == "resolved"


def test_assign_gives_the_alert_and_its_threads(bakery: Bakery) -> None:
    assert _say(bakery, "assign to me", alert=_alert_id(bakery)) is not None
    with reading(bakery.engine) as connection:
        assert threads.load_rows(connection, "bakery", [THREAD])[THREAD].acts.assignee == "Anna"


def test_snooze_until_tomorrow_is_told_on_the_persons_own_clock(bakery: Bakery) -> None:
    answer = _say(bakery, "snooze tomorrow", alert=_alert_id(bakery))
    assert answer is not None
    assert "rests until Tue 3 Mar 2026, 09:00 GMT" in answer.text


def test_a_step_of_the_plan_is_taken_and_done(bakery: Bakery) -> None:
    alert_id = _alert_id(bakery)
    assert _say(bakery, "take 2", "1", alert_id) is not None
    answer = _say(bakery, "done 2", "2", alert_id)
    assert answer is not None
    assert "Step 2" in answer.text
    alert = _alert(bakery, alert_id)
    with reading(bakery.engine) as connection:
        found = steps.of_alerts(connection, "bakery", [alert.id])[alert.id][2]
    assert (found.who, found.done_at) == ("Anna", bakery.now)
    refused = _say(bakery, "done 44", "3", alert_id)
    assert refused is not None
    assert "has" in refused.text


def test_show_tells_the_thread_and_backlog_who_waits(bakery: Bakery) -> None:
    shown = _say(bakery, "show", alert=_alert_id(bakery))
    assert shown is not None
    assert ANGRY[:40] in shown.text
    by_thread = _say(bakery, f"show {show_id(THREAD)}", "2")
    assert by_thread is not None
    assert by_thread.text.startswith("Thread ")
    waiting = _say(bakery, "backlog", "3")
    assert waiting is not None
    assert "Kim on tiny" in waiting.text
    assert ANGRY not in waiting.text


def test_what_is_no_command_is_answered_and_does_nothing(bakery: Bakery) -> None:
    answer = _say(bakery, "please make it go away")
    assert answer is not None
    assert not answer.is_done
    assert "I do not know" in answer.text
