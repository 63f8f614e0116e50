"""Hints, worked by hand on both databases: many cost one poll, and what only they name is read by its id."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from connectors.base import Known, Rechecked
from connectors.meta_push import PAGE
from monitor.core.hints import Hint, Named
from monitor.errors import RateLimited, Unavailable
from monitor.flows.hints import Hints, Listener
from monitor.store import comments, hints, schema, sources
from monitor.store.engine import reading, writing
from tests.flows.brand import SOURCE, START, Bakery, Platform

ACCOUNT = "bakery-meta"
EVERY = timedelta(minutes=5)


@dataclass
class Telling(Platform):
    """The tiny platform, which can also be asked for single comments that no list of it shows."""

    unlisted: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked_for: list[list[str]] = field(default_factory=list)
    refusal: Exception | None = None
    push = PAGE

    def recheck(self, known: Sequence[Known]) -> Rechecked:
        self.asked_for.append([one.native_id for one in known])
        if self.refusal:
            raise self.refusal
        return Rechecked([self.unlisted[one.native_id] for one in known if one.native_id in self.unlisted])


@dataclass
class Told(Bakery):
    """The bakery, whose platform may tell it something."""

    platform: Telling = field(default_factory=Telling)

    def __post_init__(self) -> None:
        super().__post_init__()
        listener = Listener(PAGE, ["s" * 16], "", {SOURCE: None})
        self.change_plan(listeners={ACCOUNT: listener}, intervals={SOURCE: EVERY})
        self.hints = Hints(self.engine, lambda: self.plan, self.clock, self.woken.append)
        self.poll()  # what is new is due at once
        self.woken.clear()

    def hinted(self, *given: Hint) -> None:
        self.hints.take(ACCOUNT, given or [Hint("bakery")])

    def flush(self) -> int:
        """Once nothing more has come for a moment."""
        self.later(seconds=1)
        return self.hints.flush()

    def unlisted(self, native_id: str, says: str) -> None:
        raw = {"id": native_id, "text": says, "at": self.now.isoformat(), "who": "kim"}
        self.platform.unlisted[native_id] = raw

    @property
    def n_polls(self) -> int:
        return self.platform.n_calls - 1

    def texts(self) -> list[str]:
        with reading(self.engine) as connection:
            return sorted(connection.execute(select(schema.comments.c.text)).scalars())


@pytest.fixture
def bakery(engine: Engine) -> Told:
    return Told(engine)


def test_a_hint_brings_the_comment_without_waiting_for_the_interval(bakery: Told) -> None:
    bakery.platform.say("c1", "Are you open?", START)
    bakery.later(seconds=10)
    assert bakery.poll() == 0, "its next poll is minutes away"
    bakery.hinted()
    assert bakery.flush() == 1
    assert bakery.woken == ["sources"]
    assert bakery.poll() == 1
    assert bakery.texts() == ["Are you open?"]


def test_a_thousand_hints_cost_one_poll(bakery: Told) -> None:
    for number in range(1_000):
        bakery.hinted(Hint("bakery", "page", START + timedelta(seconds=number)))
    assert bakery.flush() == 1
    bakery.poll()
    bakery.flush()
    bakery.poll()
    assert bakery.n_polls == 1


def test_hints_that_come_one_after_the_other_are_waited_for_but_not_for_long(bakery: Told) -> None:
    for _ in range(9):
        bakery.hinted()
        bakery.later(milliseconds=500)
        assert bakery.hints.flush() == 0
    bakery.hinted()
    bakery.later(milliseconds=500)
    assert bakery.hints.flush() == 1


def test_hints_that_do_not_end_cost_ten_polls_and_then_two_an_interval(bakery: Told) -> None:
    for _ in range(60 * 6):
        bakery.hinted()
        bakery.later(seconds=10)
        if bakery.hints.flush():
            bakery.poll()
    assert 30 <= bakery.n_polls <= 10 + 2 * 12, "in an hour, at an interval of five minutes"


def test_the_last_hint_of_many_is_not_lost(bakery: Told) -> None:
    bakery.hinted()
    bakery.flush()
    bakery.poll()
    bakery.platform.say("late", "And this?", START)
    bakery.later(seconds=5)
    bakery.hinted()
    assert bakery.flush() == 0, "it was read seconds ago"
    bakery.later(seconds=10)
    assert bakery.flush() == 1
    bakery.poll()
    assert bakery.texts() == ["And this?"]


def test_hints_by_many_threads_are_one(bakery: Told) -> None:
    def hint() -> None:
        for _ in range(50):
            bakery.hinted()

    threads = [Thread(target=hint) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bakery.flush() == 1
    assert bakery.flush() == 0


def test_a_hint_while_its_source_is_being_read_is_one_more_poll_after(bakery: Told) -> None:
    bakery.later(minutes=5)
    with writing(bakery.engine) as connection:
        ((_, claimed),) = sources.claim(connection, bakery.now, bakery.plan.lease, 1, {}, 1)
    for _ in range(3):
        bakery.hinted()
        bakery.flush()
        bakery.later(minutes=1)
    bakery.poller.poll(claimed)
    assert bakery.poll() == 1


@pytest.mark.parametrize("about", [Hint("somebody else"), Hint("bakery", "reviews")], ids=["account", "watch"])
def test_a_hint_about_something_else_asks_for_nothing(bakery: Told, about: Hint) -> None:
    @dataclass
    class Watching:
        watch: str = "page"

    listener = replace(bakery.plan.listeners[ACCOUNT], sources={SOURCE: Watching()})
    bakery.change_plan(listeners={ACCOUNT: listener})
    bakery.hinted(about)
    assert bakery.flush() == 0


def test_a_hint_does_not_end_the_wait_that_the_platform_asked_for(bakery: Told) -> None:
    bakery.platform.faults.append(RateLimited("too often", retry_at=bakery.now + timedelta(hours=1)))
    bakery.later(minutes=5)
    bakery.poll()
    bakery.hinted()
    assert bakery.flush() == 0
    assert bakery.poll() == 0
    bakery.later(hours=1)
    assert bakery.poll() == 1, "it comes when the wait is over, without being hinted at again"


def test_a_hint_does_not_hurry_a_source_that_fails(bakery: Told) -> None:
    bakery.platform.faults.append(Unavailable("away"))
    bakery.later(minutes=5)
    bakery.poll()
    bakery.hinted()
    assert bakery.flush() == 0


def test_hints_wait_for_a_store_that_is_away(bakery: Told) -> None:
    bakery.hinted()
    away = text("ALTER TABLE sources RENAME TO elsewhere")
    with writing(bakery.engine) as connection:
        connection.execute(away)
    with pytest.raises(Exception, match="sources"):
        bakery.flush()
    with writing(bakery.engine) as connection:
        connection.execute(text("ALTER TABLE elsewhere RENAME TO sources"))
    assert bakery.flush() == 1


def test_an_account_that_left_the_configuration_hints_at_nothing(bakery: Told) -> None:
    bakery.hinted()
    bakery.change_plan(listeners={})
    bakery.hinted()
    assert bakery.flush() == 0


# --- what is named, and in no list ---


def test_what_a_hint_names_is_read_by_its_id_with_the_poll(bakery: Told) -> None:
    bakery.unlisted("m1", "@bakery where is my cake?")
    bakery.hinted(Hint("bakery", named=Named("m1", "p9", "p9")))
    bakery.flush()
    bakery.poll()
    assert bakery.texts() == ["@bakery where is my cake?"]
    assert bakery.platform.asked_for == [["m1"]]
    with reading(bakery.engine) as connection:
        assert hints.waiting(connection, SOURCE, 10) == []


def test_what_a_hint_names_survives_a_restart_before_its_poll(bakery: Told) -> None:
    bakery.unlisted("m1", "@bakery hello?")
    bakery.hinted(Hint("bakery", named=Named("m1")))
    bakery.hints = Hints(bakery.engine, lambda: bakery.plan, bakery.clock, bakery.woken.append)
    assert bakery.flush() == 0, "the hint itself was in memory only"
    bakery.later(minutes=5)
    bakery.poll()
    assert bakery.texts() == ["@bakery hello?"]


def test_what_cannot_be_read_yet_is_tried_again_and_given_up_in_the_end(bakery: Told) -> None:
    bakery.hinted(Hint("bakery", named=Named("m1")))
    bakery.later(minutes=5)
    bakery.poll()
    bakery.unlisted("m1", "Now it is shown")
    bakery.hinted(Hint("bakery", named=Named("never")))
    for _ in range(7):
        bakery.later(minutes=5)
        bakery.poll()
    assert bakery.texts() == ["Now it is shown"]
    assert [ids for ids in bakery.platform.asked_for if "never" in ids] == [["never", "m1"], *([["never"]] * 4)]


def test_what_fails_by_its_id_does_not_keep_the_page_from_being_stored(bakery: Told) -> None:
    bakery.platform.refusal = Unavailable("500", status=500)
    bakery.platform.say("c1", "On the page", START)
    bakery.hinted(Hint("bakery", named=Named("m1")))
    bakery.later(minutes=5)
    bakery.poll()
    assert bakery.texts() == ["On the page"]
    with reading(bakery.engine) as connection:
        assert [one.native_id for one in hints.waiting(connection, SOURCE, 10)] == ["m1"]


def test_a_platform_that_wants_patience_for_an_id_is_given_it(bakery: Told) -> None:
    bakery.platform.refusal = RateLimited("too often", retry_at=bakery.now + timedelta(hours=1))
    bakery.hinted(Hint("bakery", named=Named("m1")))
    bakery.later(minutes=5)
    bakery.poll()
    bakery.platform.refusal = None
    bakery.unlisted("m1", "Still there")
    bakery.later(hours=1)
    bakery.poll()
    assert bakery.texts() == ["Still there"]


def test_what_was_named_and_nobody_read_is_forgotten_after_a_week(bakery: Told) -> None:
    bakery.hinted(Hint("bakery", named=Named("m1")))
    bakery.later(days=6)
    bakery.hints.prune()
    with reading(bakery.engine) as connection:
        assert hints.waiting(connection, SOURCE, 10) == [Named("m1")]
    bakery.later(days=2)
    bakery.hints.prune()
    with reading(bakery.engine) as connection:
        assert hints.waiting(connection, SOURCE, 10) == []


def test_nothing_is_deleted_because_a_named_comment_is_not_shown(bakery: Told) -> None:
    bakery.platform.say("c1", "On the page", START)
    bakery.later(minutes=5)
    bakery.poll()
    bakery.hinted(Hint("bakery", named=Named("c1")))
    bakery.later(minutes=5)
    bakery.poll()
    with reading(bakery.engine) as connection:
        held = comments.load_threads(connection, "bakery", _ids(connection))
    assert [it.deleted_at for thread in held.values() for it in thread] == [None]


def _ids(connection: Any) -> list[int]:
    return list(connection.execute(select(schema.comments.c.thread_id)).scalars())
