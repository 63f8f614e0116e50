"""What people say about flags, from the store to the next verdict."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import Engine

from monitor import signals
from monitor.core.calibration import Calibration
from monitor.core.corrections import Correction
from monitor.errors import NotFound
from monitor.model import Flag, make_id
from monitor.store import acts, alerts, corrections, schema, threads
from monitor.store.engine import reading, writing
from tests.flows.brand import ANGRY, START, Bakery

THREAD = make_id("bakery", "tiny", "1")


@pytest.fixture
def bakery(engine: Engine) -> Bakery:
    """An angry comment has been told."""
    bakery = Bakery(engine)
    bakery.later(minutes=1)
    bakery.platform.say("1", ANGRY, bakery.now)
    bakery.work()
    assert bakery.told() == [("angry", "first")]
    return bakery


def mark(bakery: Bakery, rule: str = "angry", *, is_wrong: bool = True, thread: int = THREAD) -> bool:
    with writing(bakery.engine) as connection:
        return acts.mark_flag(connection, "bakery", thread, rule, "anna", bakery.now, is_wrong=is_wrong)


def flags(bakery: Bakery, thread: int = THREAD) -> dict[str, Flag]:
    with reading(bakery.engine) as connection:
        return {flag.rule: flag for flag in threads.load_flags(connection, "bakery", [thread]).get(thread, [])}


def said(bakery: Bakery) -> list[Correction]:
    with reading(bakery.engine) as connection:
        return corrections.of_brand(connection, "bakery")


def test_a_flag_that_was_wrong_goes_with_its_alert_and_does_not_come_back(bakery: Bakery) -> None:
    bakery.later(minutes=5)
    assert mark(bakery)
    bakery.work()
    assert flags(bakery) == {}
    assert bakery.told() == [("angry", "first"), ("angry", "resolved")]
    with writing(bakery.engine) as connection:
        threads.mark_open_due(connection, bakery.now)
    for _ in range(3):
        bakery.later(minutes=30)
        bakery.work()
    assert bakery.told() == [("angry", "first"), ("angry", "resolved")]
    with reading(bakery.engine) as connection:
        assert alerts.listing(connection, "bakery", ["open", "acknowledged"], 10) == []
        [act] = acts.of_thread(connection, "bakery", THREAD)
    assert (act.who, act.act, act.detail) == ("anna", "mark_wrong", "angry")


def test_a_correction_holds_the_measured_value_and_no_text(bakery: Bakery) -> None:
    mark(bakery)
    [one] = said(bakery)
    assert (one.rule, one.signal, one.is_wrong, one.who) == ("angry", "angry", True, "anna")
    assert one.comment_id == THREAD
    assert one.value is not None
    assert one.value >= 0.7
    assert one.version == signals.version_of("angry")
    with reading(bakery.engine) as connection:
        row = connection.execute(select(schema.corrections)).one()
    assert not [value for value in row if isinstance(value, str) and "UNACCEPTABLE" in value]


def test_saying_it_twice_changes_nothing(bakery: Bakery) -> None:
    assert mark(bakery)
    before = said(bakery)
    bakery.later(minutes=1)
    assert not mark(bakery)
    bakery.work()
    assert not mark(bakery)
    assert said(bakery) == before
    with reading(bakery.engine) as connection:
        assert connection.execute(select(func.count()).select_from(schema.acts)).scalar_one() == 1


def test_another_comment_of_the_thread_raises_the_rule_again_and_only_for_itself(bakery: Bakery) -> None:
    mark(bakery)
    bakery.work()
    bakery.later(minutes=5)
    bakery.platform.say("2", f"{ANGRY} Again!!!", bakery.now, who="lou", parent="1")
    bakery.work()
    assert flags(bakery)["angry"].evidence == (make_id("bakery", "tiny", "2"),)
    assert bakery.told()[-1] == ("angry", "reopened")


def test_a_text_that_is_changed_is_another_one(bakery: Bakery) -> None:
    mark(bakery)
    bakery.work()
    bakery.later(minutes=5)
    bakery.platform.say("1", f"{ANGRY} And the cake was mouldy!", bakery.now - timedelta(minutes=6))
    bakery.work()
    assert "angry" in flags(bakery)
    assert mark(bakery), "it can be said of the new text too"
    bakery.work()
    assert flags(bakery) == {}


@pytest.mark.parametrize("is_judged_between", [True, False])
def test_mark_right_takes_a_mark_wrong_back(bakery: Bakery, is_judged_between: bool) -> None:
    mark(bakery)
    if is_judged_between:
        bakery.work()
    bakery.later(minutes=1)
    assert mark(bakery, is_wrong=False)
    bakery.work()
    assert "angry" in flags(bakery)
    assert [one.is_wrong for one in said(bakery)] == [False]
    assert not mark(bakery, is_wrong=False)


def test_other_rules_of_the_thread_stand(bakery: Bakery) -> None:
    bakery.later(hours=5)
    bakery.work()
    assert set(flags(bakery)) == {"angry", "unanswered"}
    mark(bakery)
    bakery.work()
    assert set(flags(bakery)) == {"unanswered"}


def test_a_rule_that_never_flagged_the_thread_is_refused_with_those_that_did(bakery: Bakery) -> None:
    with pytest.raises(NotFound, match=r'"pile-on" has not flagged .*: angry'):
        mark(bakery, "pile-on")


def test_a_storm_that_was_none_is_a_storm_again_only_with_as_many_others(bakery: Bakery) -> None:
    post = make_id("bakery", "tiny", "post")
    bakery.later(minutes=1)
    bakery.platform.say("post", "Our new slogan!", bakery.now, who="bakery", kind="post")
    for n in range(5):
        bakery.platform.say(f"c{n}", f"{ANGRY} {n}", bakery.now, who=f"person{n}", subject="post")
    bakery.work()
    assert "pile-on" in flags(bakery, post)
    assert len(flags(bakery, post)["pile-on"].evidence) == 5
    mark(bakery, "pile-on", thread=post)
    bakery.work()
    assert "pile-on" not in flags(bakery, post)
    bakery.later(minutes=5)
    for n in range(5, 9):
        bakery.platform.say(f"c{n}", f"{ANGRY} {n}", bakery.now, who=f"person{n}", subject="post")
    bakery.work()
    assert "pile-on" not in flags(bakery, post)
    bakery.later(minutes=1)
    bakery.platform.say("c9", f"{ANGRY} 9", bakery.now, who="person9", subject="post")
    bakery.work()
    assert len(flags(bakery, post)["pile-on"].evidence) == 5
    assert {one.signal for one in said(bakery)} == {""}, "that many are no storm says nothing of each of them"


def test_history_of_the_thread_that_was_there_at_the_time_goes_along(bakery: Bakery) -> None:
    bakery.later(minutes=1)
    bakery.platform.say("old", ANGRY, START - timedelta(days=1), who="old", parent="1")
    bakery.work()
    assert flags(bakery)["angry"].evidence == (THREAD,)
    mark(bakery)
    bakery.work()
    assert "angry" not in flags(bakery)


def test_a_finding_in_a_post_of_ours_can_be_wrong_too(bakery: Bakery) -> None:
    post = make_id("bakery", "tiny", "post")
    bakery.later(minutes=1)
    says = "Meet us on Thursday the 13th"  # in March 2026 the 13th is a Friday
    bakery.platform.say("post", says, bakery.now, who="bakery", kind="post")
    bakery.work()
    [rule] = flags(bakery, post)
    mark(bakery, rule, thread=post)
    bakery.work()
    assert flags(bakery, post) == {}


def test_what_was_said_moves_with_the_comment_to_the_thread_where_it_belongs(bakery: Bakery) -> None:
    bakery.later(minutes=1)
    bakery.platform.say("3", f"{ANGRY} I mean it!", bakery.now, who="lou", parent="2")
    bakery.work()
    stray = next(iter(flags_by_thread(bakery) - {THREAD}))
    mark(bakery, thread=stray)
    bakery.work()
    bakery.later(minutes=1)
    bakery.platform.say("2", "Oh dear", bakery.now, who="mia", parent="1")
    bakery.work()
    assert {one.thread_id for one in said(bakery)} == {THREAD}
    assert flags(bakery)["angry"].evidence == (THREAD,)


def flags_by_thread(bakery: Bakery) -> set[int]:
    with reading(bakery.engine) as connection:
        return set(connection.execute(select(schema.flags.c.thread_id)).scalars())


def calibrate(bakery: Bakery, calibration: Calibration, version: str) -> None:
    with writing(bakery.engine) as connection:
        corrections.save_calibration(connection, "bakery", "angry", calibration, version, bakery.now)
        threads.mark_open_due(connection, bakery.now, "bakery")


def test_a_calibration_judges_open_threads_anew_and_leaves_what_is_stored_as_measured(bakery: Bakery) -> None:
    with reading(bakery.engine) as connection:
        before = connection.execute(select(schema.comments.c.signals)).scalar_one()
    calibrate(bakery, Calibration(1.0, -20.0, 40), signals.version_of("angry"))
    bakery.work()
    assert flags(bakery) == {}
    calibrate(bakery, Calibration(1.0, 1.0, 40), signals.version_of("angry"))
    bakery.work()
    [reason] = flags(bakery)["angry"].reasons
    measured = signals.measure([bakery.platform.normalise(bakery.platform.raws[0])])[0]["angry"]
    assert isinstance(measured, float)
    assert f"(calibrated from {measured:.2f} for this brand; at least 0.7)" in reason.says
    assert isinstance(reason.value, float)
    assert reason.value > measured
    with reading(bakery.engine) as connection:
        assert connection.execute(select(schema.comments.c.signals)).scalar_one() == before
    mark(bakery)
    assert [one.value for one in said(bakery)] == [pytest.approx(measured, abs=1e-4)]


def test_a_calibration_of_an_older_version_of_a_signal_is_not_used(bakery: Bakery) -> None:
    calibrate(bakery, Calibration(1.0, -20.0, 40), "an older one")
    bakery.work()
    [reason] = flags(bakery)["angry"].reasons
    assert "calibrated" not in reason.says
