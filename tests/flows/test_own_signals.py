"""A signal of the user's own in the flows: stored with its version, used by rules, and never the loss of a comment."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.engine import Engine

from monitor import signals
from monitor.core.rules import load_rules
from monitor.core.truth import Known
from monitor.signals.own import Own
from monitor.store import due, schema, threads
from monitor.store.engine import reading, writing
from tests.flows.brand import Bakery
from tests.own_signals import Failing, Loyal, Silent

TEXT = "I always come here, do you have rye?"
REGULAR = {"rules": {"regular": {"severity": "low", "when": {"signal": "own", "at_least": 0.8}}}}


def with_own(bakery: Bakery, theirs: Loyal, mark: str = "abc") -> None:
    own: signals.Beside = {"own": Own("own", theirs, mark, lambda name, says: None)}
    bakery.change_plan(own_signals=own, rules=load_rules([("own.toml", REGULAR)], Known(own_signals=own)))


def stored(bakery: Bakery) -> list[tuple[object, str]]:
    with reading(bakery.engine) as connection:
        rows = connection.execute(select(schema.comments.c.signals, schema.comments.c.signals_version)).all()
    return [(json.loads(row[0])["own"], row[1]) for row in rows]


def look_again(bakery: Bakery) -> None:
    with writing(bakery.engine) as connection:
        threads.mark_open_due(connection, bakery.now)
    bakery.work()


@pytest.fixture
def bakery(engine: Engine) -> Iterator[Bakery]:
    Failing.is_broken = True
    yield Bakery(engine)
    Failing.is_broken = True


def test_its_value_is_stored_with_its_version_and_a_rule_tells_of_it(bakery: Bakery) -> None:
    with_own(bakery, Loyal())
    bakery.platform.say("1", TEXT, bakery.now)
    bakery.work()
    assert stored(bakery) == [(0.9, f"{signals.VERSION},own=2.abc")]
    assert bakery.told() == [("regular", "first")]
    (reason,) = bakery.slack.sent[0].threads[0].reasons
    assert (reason.says, reason.words, reason.signal_version) == ("own 0.90 (at least 0.8)", ("always",), "2.abc")


def test_comments_from_before_it_was_there_are_measured_when_their_threads_are_judged_again(bakery: Bakery) -> None:
    bakery.platform.say("1", TEXT, bakery.now)
    bakery.work()
    with_own(bakery, Loyal())
    look_again(bakery)
    assert stored(bakery) == [(0.9, f"{signals.VERSION},own=2.abc")]
    assert ("regular", "first") in bakery.told()
    with_own(bakery, Loyal("never"), "def")
    look_again(bakery)
    assert stored(bakery) == [(0.1, f"{signals.VERSION},own=2.def")]


@pytest.mark.parametrize("how", ["raise", "exit", "few", "many", "nothing", float("nan"), 7.0])
def test_no_comment_is_lost_by_its_failure_and_it_is_measured_once_it_works(bakery: Bakery, how: object) -> None:
    with_own(bakery, Failing(how))
    bakery.platform.say("1", TEXT, bakery.now)
    bakery.work()
    assert stored(bakery) == [(None, f"{signals.VERSION},own=2.abc")]
    look_again(bakery)
    assert bakery.told() == []
    Failing.is_broken = False
    look_again(bakery)
    assert stored(bakery)[0][0] == 0.9
    assert bakery.told() == [("regular", "first")]


def test_what_one_cannot_tell_does_not_keep_another_from_being_stored(bakery: Bakery) -> None:
    with_own(bakery, Failing())
    silent = Own("silent", Silent(), "abc", lambda name, says: None)
    bakery.change_plan(own_signals={**bakery.plan.own_signals, "silent": silent})
    bakery.platform.say("1", TEXT, bakery.now)
    bakery.work()
    assert stored(bakery)[0][0] is None
    Failing.is_broken = False
    look_again(bakery)
    assert stored(bakery)[0][0] == 0.9


def test_a_first_verdict_that_is_being_made_when_the_signals_change_is_made_again(bakery: Bakery) -> None:
    bakery.platform.say("1", TEXT, bakery.now)
    bakery.poll()
    with writing(bakery.engine) as connection:
        claims = due.claim(connection, "threads", bakery.now, bakery.plan.lease, 10)
        threads.mark_open_due(connection, bakery.now)
        assert due.still_ours(connection, "threads", claims) == []
        assert due.is_any_due(connection, "threads", bakery.now)


def test_the_whole_daemon_judges_open_threads_again_when_one_appears_or_changes(tmp_path: Path) -> None:
    from monitor.app import App, read_settings

    def verdicts(text: str) -> str | None:
        file = tmp_path / "heedful.toml"
        file.write_text('[database]\nurl = "sqlite:///h.db"\n' + text, encoding="utf-8")
        app = App(read_settings(file))
        app.upgrade()
        app.sync()
        with reading(app.engine) as connection:
            found = threads.remembered(connection, "verdicts")
        app.close()
        return found

    loyal = '[signals.loyal]\nuse = "tests.own_signals:Loyal"\n'
    asked = '[second_opinion]\nbase_url = "http://127.0.0.1:1/v1"\nmodel = "m"\n'
    assert len({verdicts(text) for text in ("", loyal, loyal + 'word = "hi"\n', asked, loyal + asked)}) == 5
    assert verdicts("") == verdicts("")
