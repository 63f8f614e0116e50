"""A second opinion from the comment to the alert: asked where ours is unsure, and never in the way."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.engine import Engine

from monitor import log, signals
from monitor.core.opinions import Policy
from monitor.core.rules import load_rules
from monitor.flows.second_opinions import Adviser, Endpoint
from monitor.http import HttpClient
from monitor.model import Author, Comment, make_id
from monitor.store import acts, schema
from monitor.store.comments import load_comments
from monitor.store.due import is_any_due
from monitor.store.engine import reading, writing
from tests.faults import FAULTS, FaultServer, Script, answer, json_answer, redirect
from tests.flows.brand import START, Bakery

TEXT = "Well, the rolls were something today. Call me on 0301 2345678, @bakery"
OTHER = "Do you have rye bread on Sundays?"


def our_value() -> float:
    value = signals.measure([Comment("1", "comment", TEXT, Author("kim", "Kim"), START)])[0]["angry"]
    assert isinstance(value, float)
    return value


OURS = our_value()
LIMIT = round(OURS + 0.05, 4)
RUDE = {"rules": {"rude": {"severity": "high", "when": {"signal": "angry", "at_least": LIMIT}}}}


def says(**values: Any) -> Script:
    return says_text(json.dumps(values))


def says_text(text: str) -> Script:
    return json_answer({"choices": [{"message": {"role": "assistant", "content": text}}]})


@dataclass
class Room:
    """A bakery whose adviser is a fake endpoint on loopback."""

    bakery: Bakery
    server: FaultServer
    http: HttpClient
    lines: StringIO = field(default_factory=StringIO)
    policy: Policy = field(default_factory=lambda: Policy({"angry": frozenset({LIMIT})}, band=0.1))

    def __post_init__(self) -> None:
        log.start("json", self.lines)
        self.bakery.change_plan(rules=load_rules([("own.toml", RUDE)]))
        self.advise()

    def advise(self, budget: int = 200, **policy: Any) -> None:
        endpoint = Endpoint(f"{self.server.url}/v1/", "qwen2.5", "sk-secret", timedelta(seconds=0.5), budget)
        adviser = Adviser(replace(self.policy, **policy), endpoint, self.http)
        self.bakery.change_plan(adviser=adviser)

    def say(self, text: str = TEXT, native_id: str = "1", **fields: Any) -> None:
        self.bakery.platform.say(native_id, text, fields.pop("at", self.bakery.now), **fields)

    def ask(self) -> int:
        adviser, n = self.bakery.plan.adviser, 0
        assert adviser is not None
        while adviser.ask_due(self.bakery.engine, self.bakery.plan.lease, self.bakery.clock, self.bakery.woken.append):
            n += 1
        return n

    def work(self) -> None:
        self.bakery.work()
        self.ask()
        self.bakery.work()

    def angry(self, native_id: str = "1") -> tuple[object, str]:
        """The stored value and its version."""
        comment_id = make_id("bakery", "tiny", native_id)
        with reading(self.bakery.engine) as connection:
            stored = load_comments(connection, "bakery", [comment_id])[comment_id]
        return stored.signals["angry"], stored.signals_version

    def events(self, name: str) -> list[dict[str, Any]]:
        logged = [json.loads(line) for line in self.lines.getvalue().splitlines()]
        return [line for line in logged if line["event"] == name]

    def waits(self) -> bool:
        with reading(self.bakery.engine) as connection:
            rows = connection.execute(select(schema.second_opinions.c.due_at)).scalars().all()
        return any(due_at is not None for due_at in rows)


@pytest.fixture
def room(engine: Engine) -> Iterator[Room]:
    http = HttpClient()
    with FaultServer(says(angry=0.95)) as server:
        yield Room(Bakery(engine), server, http)
    http.close()


def test_the_other_models_opinion_makes_the_alert_and_the_reason_says_so(room: Room) -> None:
    room.say()
    room.bakery.work()
    assert room.bakery.told() == []
    assert room.ask() == 1
    room.bakery.work()
    assert room.bakery.told() == [("rude", "first")]
    (reason,) = room.bakery.slack.sent[0].threads[0].reasons
    assert f"(at least {LIMIT:g}; second opinion of qwen2.5: 0.95)" in reason.says
    value, version = room.angry()
    assert isinstance(value, float)
    assert LIMIT < value < 0.95
    assert f"+llm:qwen2.5@0.95,{signals.VERSION}" in version


def test_it_is_told_of_when_it_is_given(room: Room) -> None:
    room.say()
    room.work()
    (event,) = room.events("opinion.given")
    assert (event["model"], event["about"]) == ("qwen2.5", ["angry"])
    assert room.bakery.woken.count("second_opinions") == 1


def test_it_also_calms_what_ours_would_have_alarmed(room: Room) -> None:
    room.server.script = says(angry=0.01)
    room.bakery.change_plan(
        rules=load_rules(
            [
                (
                    "own.toml",
                    {
                        "rules": {
                            "rude": {**RUDE["rules"]["rude"], "when": {"signal": "angry", "at_least": OURS - 0.02}}
                        }
                    },
                )
            ]
        )
    )
    room.say()
    room.work()
    assert room.bakery.told() == [("rude", "first"), ("rude", "resolved")]


def test_what_leaves_the_house_is_redacted_and_marked_as_data(room: Room) -> None:
    room.say()
    room.work()
    (asked,) = room.server.seen
    assert (asked.method, asked.path) == ("POST", "/v1/chat/completions")
    assert asked.headers["authorization"] == "Bearer sk-secret"
    sent = asked.body.decode()
    assert "2345678" not in sent
    assert "@bakery" not in sent
    assert "Kim" not in sent
    said = json.loads(json.loads(sent)["messages"][1]["content"])
    assert said == {"comment": "Well, the rolls were something today. Call me on [number], [name]"}


def test_what_is_far_from_every_limit_is_not_asked_about(room: Room) -> None:
    room.advise(limits={"angry": {0.99}})
    room.say()
    room.work()
    assert room.server.seen == []


@pytest.mark.parametrize("fields", [{"at": START - timedelta(days=1)}, {"kind": "message"}, {"who": "bakery"}])
def test_history_private_messages_and_our_own_words_are_never_shown(room: Room, fields: dict[str, Any]) -> None:
    room.say(**fields)
    room.work()
    assert room.server.seen == []


def test_private_messages_are_shown_if_the_operator_says_so(room: Room) -> None:
    room.advise(include_private=True)
    room.say(kind="message")
    room.work()
    assert len(room.server.seen) == 1


def test_a_text_is_asked_about_once_and_again_when_it_is_edited(room: Room) -> None:
    room.say()
    for _ in range(3):
        room.work()
        room.bakery.later(minutes=5)
    assert len(room.server.seen) == 1
    room.server.script = says(angry=0.5)
    room.say(f"{TEXT} again")
    room.work()
    assert len(room.server.seen) == 2
    assert "+llm:qwen2.5@0.5," in room.angry()[1]


def test_an_answer_about_a_text_that_was_changed_meanwhile_is_not_heard(room: Room) -> None:
    room.say()
    room.bakery.work()
    room.bakery.later(minutes=2)
    room.say(OTHER)
    room.bakery.poll()
    room.ask()
    room.bakery.work()
    assert room.server.seen == []
    assert room.angry()[1] == signals.VERSION


def test_nobody_is_asked_about_a_thread_that_waits_no_longer(room: Room) -> None:
    room.say()
    room.bakery.work()
    with writing(room.bakery.engine) as connection:
        acts.close(connection, "bakery", make_id("bakery", "tiny", "1"), "ana", room.bakery.now)
    room.work()
    assert room.server.seen == []
    assert not room.waits()


def test_a_newer_version_of_our_signals_keeps_the_opinion(room: Room) -> None:
    room.say()
    room.work()
    before = room.angry()
    with writing(room.bakery.engine) as connection:
        connection.execute(schema.comments.update().values(signals='{"angry": 0.0}', signals_version="angry=0"))
        connection.execute(schema.threads.update().values(due_at=0))
    room.work()
    assert room.angry() == before
    assert len(room.server.seen) == 1


def test_without_the_adviser_the_values_are_ours_again(room: Room) -> None:
    room.say()
    room.work()
    room.bakery.change_plan(adviser=None)
    with writing(room.bakery.engine) as connection:
        connection.execute(schema.threads.update().values(due_at=0))
    room.bakery.work()
    value, version = room.angry()
    assert value == pytest.approx(OURS, abs=1e-4)
    assert version == signals.VERSION
    assert room.bakery.told()[-1] == ("rude", "resolved")


@pytest.mark.parametrize(
    "script",
    [FAULTS[name] for name in ("401", "404", "500", "reset", "timeout", "HTML", "cut short", "slow drip")]
    + [answer(400), answer(429), redirect("http://127.0.0.1:9/v1/chat/completions")],
)
def test_whatever_goes_wrong_the_rest_goes_on_and_it_is_tried_a_few_times(room: Room, script: Script) -> None:
    room.server.script = script
    room.say()
    room.say("This is UNACCEPTABLE, worst bakery ever, you should be ashamed!!!", "2")
    room.bakery.work()
    assert ("rude", "first") in room.bakery.told()
    for _ in range(8):
        room.work()
        room.bakery.later(hours=2)
    assert len(room.server.seen) == 3
    assert not room.waits()
    assert room.angry() == (pytest.approx(OURS, abs=1e-4), signals.VERSION)
    assert len(room.events("opinion.lost")) == 1
    assert "2345678" not in room.lines.getvalue()
    assert "sk-secret" not in room.lines.getvalue()


def test_when_the_model_is_back_that_is_said_once_and_others_are_asked_about(room: Room) -> None:
    room.server.script = FAULTS["500"]
    room.say()
    room.work()
    room.bakery.later(hours=1)
    room.server.script = says(angry=0.95)
    room.work()
    (event,) = room.events("opinion.recovered")
    assert event["n_failures"] == 1
    assert room.bakery.told() == [("rude", "first")]


def test_an_endpoint_that_says_how_long_to_wait_is_left_alone_so_long(room: Room) -> None:
    room.bakery.now = datetime.now(UTC)  # what it says is of the world's clock
    room.server.script = FAULTS["429"]  # 120 seconds
    room.say()
    room.work()
    room.bakery.later(seconds=100)
    room.work()
    assert len(room.server.seen) == 1
    room.bakery.later(seconds=30)
    room.work()
    assert len(room.server.seen) == 2


def test_while_the_model_rests_nobody_else_is_asked_about(room: Room) -> None:
    room.server.script = FAULTS["500"]
    for number in range(5):
        room.say(native_id=str(number), who=f"kim{number}")
    room.work()
    assert len(room.server.seen) == 1
    room.bakery.later(minutes=5)
    room.server.script = says(angry=0.95)
    room.work()
    assert len(room.server.seen) == 6


@pytest.mark.parametrize(
    "text",
    ["I am sorry, I cannot.", "{}", '{"angry": "very"}', '{"angry": 7}', '{"angry": true}', '["angry", 0.9]', ""],
)
def test_an_answer_without_the_numbers_is_no_opinion_and_is_not_asked_for_again(room: Room, text: str) -> None:
    room.server.script = says_text(text)
    for number in range(3):
        room.say(native_id=str(number), who=f"kim{number}")
    for _ in range(3):
        room.work()
        room.bakery.later(hours=2)
    assert len(room.server.seen) == 3
    assert room.angry() == (pytest.approx(OURS, abs=1e-4), signals.VERSION)
    assert len(room.events("opinion.lost")) == 1


def test_the_days_budget_is_kept_by_all_hosts_and_begins_anew_at_midnight(room: Room) -> None:
    room.advise(budget=2)
    for number in range(5):
        room.say(native_id=str(number), who=f"kim{number}")
    room.work()
    assert len(room.server.seen) == 2
    room.advise(budget=2)  # another host, or a restart
    room.bakery.later(hours=1)
    room.say(native_id="9", who="ana")
    room.work()
    assert len(room.server.seen) == 2
    assert len(room.events("opinion.budget_spent")) == 2  # once for each process
    room.bakery.now = START.replace(hour=0) + timedelta(days=1)
    room.work()
    assert len(room.server.seen) == 4
    with reading(room.bakery.engine) as connection:
        assert not is_any_due(connection, "second_opinions", room.bakery.now)


def test_a_replay_hears_the_opinions_too(room: Room) -> None:
    from monitor.flows.replay import replay

    room.say()
    room.work()
    plan = room.bakery.plan
    with reading(room.bakery.engine) as connection:
        told = list(replay(connection, plan, plan.brands["bakery"], START - timedelta(days=1), room.bakery.now))
    assert [flag.rule for one in told if one for flag in one.flags] == ["rude"]
    assert len(room.server.seen) == 1
