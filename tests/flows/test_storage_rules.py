"""What the platforms' rules of storage take away, through polls and prunes, on both databases."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import Engine

from monitor.core.rules import load_rules
from monitor.core.storage import NOT_KEPT, opaque
from monitor.flows import forgetting
from monitor.flows.prune import Keep, prune
from monitor.model import StorageRules
from monitor.store import backlog, comments, overview, schema, threads
from monitor.store.engine import reading
from tests.flows.brand import ANGRY, SOURCE, START, Bakery

DAY = timedelta(days=1)
PLATFORM = "tiny"
RENEWING = StorageRules(text_for=30 * DAY, author_for=30 * DAY, forgets_deleted=True, renews=True)
STRICT = StorageRules(text_for=2 * DAY, author_for=DAY)


@pytest.fixture
def bakery(engine: Engine) -> Bakery:
    bakery = Bakery(engine)
    bakery.later(minutes=1)
    bakery.change_plan(storage={SOURCE: RENEWING})
    return bakery


def _prune(bakery: Bakery) -> None:
    prune(bakery.engine, bakery.plan, Keep(), bakery.now)


def _held(bakery: Bakery) -> dict[str, Any]:
    with reading(bakery.engine) as connection:
        return {it.comment.native_id: it for it in overview.all_comments(connection, "bakery")}


def _everything(bakery: Bakery) -> str:
    """All that the store holds, as text."""
    with reading(bakery.engine) as connection:
        tables = schema.metadata.sorted_tables
        return "\n".join(str(tuple(row)) for table in tables for row in connection.execute(select(table)))


def _backlog(bakery: Bakery) -> list[backlog.Waiting]:
    with reading(bakery.engine) as connection:
        return backlog.page(connection, backlog.Filters(), bakery.now)


def _quiet(bakery: Bakery, **duration: float) -> None:
    """Time passes in which nobody polls."""
    bakery.later(**duration)
    _prune(bakery)


def test_after_the_time_nothing_of_text_or_author_is_left_anywhere(bakery: Bakery) -> None:
    bakery.platform.say("1", ANGRY, bakery.now, who="marguerite")
    bakery.work()
    bakery.platform.raws[0]["text"] = "edited: " + ANGRY
    bakery.memory.forget(SOURCE)
    bakery.platform.page_size = 0  # the page shows nothing more; a look at known comments finds the edit
    bakery.later(minutes=6)
    bakery.work()
    before = _everything(bakery)
    assert all(word in before for word in ("UNACCEPTABLE", "marguerite", "Marguerite", "edited: "))
    _quiet(bakery, days=31)
    bakery.assess()
    after = _everything(bakery)
    assert [word for word in ("UNACCEPTABLE", "unacceptable", "worst", "arguerite", "edited: ") if word in after] == []
    [it] = _held(bakery).values()
    assert (it.comment.permalink, it.signals["angry"] > 0.5) == ("https://p.example/1", True)


def test_a_thread_without_its_text_still_waits_with_its_flag_and_says_why_there_is_no_text(bakery: Bakery) -> None:
    bakery.platform.say("1", ANGRY, bakery.now)
    bakery.work()
    [before] = _backlog(bakery)
    _quiet(bakery, days=31)
    bakery.assess()
    [after] = _backlog(bakery)
    assert (after.excerpt, after.author_name) == (NOT_KEPT, "")
    assert (after.severity, after.awaiting_since, after.n_comments) == (
        before.severity, before.awaiting_since, before.n_comments,
    )  # fmt: skip
    bakery.notify()
    bakery.deliver()
    assert ("angry", "resolved") not in bakery.told()


def test_a_flag_of_words_stays_until_it_is_answered_and_none_is_raised_for_words_that_are_gone(bakery: Bakery) -> None:
    rules = {
        "rules": {
            "refund": {"severity": "high", "when": {"phrases": ["refund"]}},
            "no_bread": {"severity": "low", "when": {"all": [{"not": {"phrases": ["refund"]}}, {"waiting": "10d"}]}},
        }
    }
    bakery.change_plan(rules=load_rules([("test.toml", rules)]))
    bakery.platform.say("1", "I want a refund for this", bakery.now)
    bakery.work()
    assert [line.severity for line in _backlog(bakery)] == ["high"]
    _quiet(bakery, days=31)
    bakery.assess()
    with reading(bakery.engine) as connection:
        thread_id = _backlog(bakery)[0].id
        assert [flag.rule for flag in threads.load_flags(connection, "bakery", [thread_id])[thread_id]] == ["refund"]
    bakery.platform.say("2", "Here it is", bakery.now, who="bakery", parent="1")
    bakery.work()
    assert _backlog(bakery) == []
    assert ("refund", "resolved") in bakery.told()


def test_what_the_platform_shows_again_may_stay_and_comes_back_if_it_had_gone(bakery: Bakery) -> None:
    bakery.platform.say("1", "Is there rye?", bakery.now)
    bakery.poll()
    _quiet(bakery, days=31)
    assert not _held(bakery)["1"].has_text
    bakery.later(minutes=6)
    bakery.memory.forget(SOURCE)
    bakery.poll()  # by then a look at known comments is due
    it = _held(bakery)["1"]
    assert (it.comment.text, it.comment.author.name, it.has_text, it.has_author) == ("Is there rye?", "Kim", True, True)
    assert it.text_changed_at is None, "that it comes back is no edit"
    with reading(bakery.engine) as connection:
        assert comments.revisions_of(connection, "bakery", [it.id]) == {}
    _quiet(bakery, days=29)
    assert _held(bakery)["1"].has_text


def test_a_comment_that_is_read_again_and_again_is_never_forgotten(bakery: Bakery) -> None:
    bakery.platform.say("1", "Is there rye?", bakery.now)
    for _ in range(12):
        bakery.memory.forget(SOURCE)
        bakery.work()
        _quiet(bakery, days=5)
        assert _held(bakery)["1"].has_text


def test_without_renewal_neither_a_look_nor_an_edit_brings_back_what_had_to_go(bakery: Bakery) -> None:
    bakery.change_plan(storage={SOURCE: STRICT})
    bakery.platform.say("1", "Is there rye?", bakery.now)
    bakery.poll()
    _quiet(bakery, hours=25)
    it = _held(bakery)["1"]
    assert (it.comment.text, it.has_author) == ("Is there rye?", False)
    bakery.platform.raws[0]["text"] = "Is there rye bread?"
    bakery.memory.forget(SOURCE)
    bakery.poll()
    it = _held(bakery)["1"]
    assert (it.comment.text, it.has_author) == ("Is there rye bread?", False)
    assert it.comment.author.native_id == opaque("bakery", PLATFORM, "kim")
    _quiet(bakery, hours=24)
    assert not _held(bakery)["1"].has_text
    bakery.platform.raws[0]["text"] = "Is there any rye?"
    bakery.memory.forget(SOURCE)
    bakery.poll()
    assert "rye" not in _everything(bakery)


def test_a_customer_who_writes_again_after_their_name_went_is_still_the_same(bakery: Bakery) -> None:
    bakery.change_plan(storage={SOURCE: STRICT})
    bakery.platform.say("1", "Is there rye?", bakery.now)
    bakery.work()
    _quiet(bakery, hours=25)
    bakery.platform.say("2", "Yes, every day", bakery.now, who="bakery", parent="1")
    bakery.later(minutes=2)
    bakery.platform.say("3", "Thank you!", bakery.now, parent="2")
    bakery.work()
    assert _backlog(bakery) == []
    with reading(bakery.engine) as connection:
        row = overview.thread(connection, "bakery", _held(bakery)["1"].thread_id)
    assert (row.standing, row.n_comments) == ("closed", 3)


def test_what_is_deleted_there_loses_its_text_here_at_the_next_prune_and_stays_a_tombstone(bakery: Bakery) -> None:
    bakery.platform.say("1", "Is there rye?", bakery.now)
    bakery.poll()
    bakery.platform.gone.append("1")
    bakery.later(minutes=6)
    bakery.poll()
    assert _held(bakery)["1"].comment.text == "Is there rye?"
    _prune(bakery)
    it = _held(bakery)["1"]
    assert (it.comment.text, it.has_author, it.deleted_at) == ("", False, bakery.now)


def test_comments_from_before_the_rules_were_known_are_forgotten_too(bakery: Bakery) -> None:
    bakery.change_plan(storage={})
    for number in range(30):
        bakery.platform.say(str(number), "Is there rye?", bakery.now, who=f"kim{number}")
    bakery.poll()
    _quiet(bakery, days=40)
    assert all(it.has_text for it in _held(bakery).values())
    bakery.change_plan(storage={SOURCE: RENEWING})
    _prune(bakery)
    assert not any(it.has_text for it in _held(bakery).values())
    with reading(bakery.engine) as connection:
        assert threads.remembered(connection, "storage:bakery") is not None


def test_a_source_that_is_no_longer_configured_keeps_nothing_that_had_an_end(bakery: Bakery) -> None:
    bakery.platform.say("1", "Is there rye?", bakery.now)
    bakery.poll()
    bakery.change_plan(storage={}, intervals={})
    _quiet(bakery, days=31)
    assert not _held(bakery)["1"].has_text


def test_replaced_texts_messages_and_unreadable_payloads_go_though_their_comment_is_renewed(bakery: Bakery) -> None:
    bakery.platform.say("1", ANGRY, bakery.now)
    bakery.platform.raws.append({"id": "x", "text": "unreadable UNACCEPTABLE", "at": "never", "who": "eva"})
    bakery.work()
    bakery.platform.raws[0]["text"] = "all is well"
    bakery.memory.forget(SOURCE)
    bakery.later(minutes=6)
    bakery.work()
    assert _everything(bakery).count("UNACCEPTABLE") >= 3
    for _ in range(8):
        _quiet(bakery, days=4)
        bakery.memory.forget(SOURCE)
        bakery.poll()
    assert _held(bakery)["1"].comment.text == "all is well"
    assert "UNACCEPTABLE" not in _everything(bakery)


def test_a_store_without_rules_keeps_everything(bakery: Bakery) -> None:
    bakery.change_plan(storage={})
    bakery.platform.say("1", ANGRY, bakery.now)
    bakery.work()
    _quiet(bakery, days=3)  # by then the count of what was spent is over
    before = _everything(bakery)
    _quiet(bakery, days=20)
    assert _everything(bakery) == before


def test_more_than_a_batch_goes_in_one_prune(bakery: Bakery) -> None:
    n = forgetting.BATCH + 50
    for number in range(n):
        bakery.platform.say(str(number), "Is there rye?", START, who=f"kim{number}")
    bakery.platform.page_size = n
    bakery.poll()
    _quiet(bakery, days=31)
    with reading(bakery.engine) as connection:
        table = schema.comments
        assert connection.execute(select(func.count()).where(table.c.text != "")).scalar_one() == 0
        assert connection.execute(select(func.count()).where(table.c.forget_at.is_not(None))).scalar_one() == 0
