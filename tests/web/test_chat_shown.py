"""What is done in a chat shows at once: in the chat's own message, on the command line, in the backlog."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from monitor.cli.root import heedful
from monitor.model import show_id
from tests.channels.bots import FakeSlackBot
from tests.web.chats import Talk, open_talk


@pytest.fixture
def slack() -> Iterator[FakeSlackBot]:
    with FakeSlackBot() as fake:
        yield fake


@pytest.fixture
def talk(tmp_path: Path, database_url: str, slack: FakeSlackBot) -> Iterator[Talk]:
    with open_talk(tmp_path, database_url, slack.url) as talk:
        yield talk


def _message(slack: FakeSlackBot) -> dict[str, Any]:
    """The message that was posted first, as people see it now."""
    return next(iter(slack.wall.values()))


def _text(slack: FakeSlackBot) -> str:
    return json.dumps(_message(slack), ensure_ascii=False)


def _buttons(slack: FakeSlackBot) -> dict[str, str]:
    """The alert that each button carries, by what it is."""
    found = [block["elements"] for block in _message(slack)["blocks"] if block["type"] == "actions"]
    return {each["action_id"]: each["value"] for elements in found for each in elements}


def _lines(directory: Path, *arguments: str) -> list[dict[str, Any]]:
    result = CliRunner().invoke(heedful, ["-c", str(directory / "heedful.toml"), *arguments, "--json"])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]


def _press(talk: Talk, slack: FakeSlackBot, act: str) -> None:
    assert talk.send(talk.chats.slack_press(act, _buttons(slack)[act])).status_code == 200
    talk.work()


def test_a_press_changes_the_message_whose_button_it_was(talk: Talk, slack: FakeSlackBot, tmp_path: Path) -> None:
    assert "take it" in _text(slack)
    _press(talk, slack, "ack")
    assert "Anna has it" in _text(slack)
    assert "take it" not in _text(slack)
    assert "ack" not in _buttons(slack)
    assert len(slack.accepted) == 1  # changed in its place: nobody is called again
    (shown,) = _lines(tmp_path, "alerts")
    assert (shown["status"], shown["acknowledged_by"]) == ("acknowledged", "Anna")


def test_assigning_shows_in_the_backlog(talk: Talk, slack: FakeSlackBot, tmp_path: Path) -> None:
    _press(talk, slack, "assign")
    assert "Anna has it" in _text(slack)
    assert [line["author_name"] for line in _lines(tmp_path, "backlog", "--assignee", "Anna")] == ["Kim"]


@pytest.mark.parametrize("act", ["close", "wrong"])
def test_what_is_over_shows_as_over_and_leaves_the_backlog(
    talk: Talk, slack: FakeSlackBot, tmp_path: Path, act: str
) -> None:
    _press(talk, slack, act)
    assert "RESOLVED" in _text(slack) or "resolved" in _text(slack)
    assert set(_buttons(slack)) <= {"show"}
    assert _lines(tmp_path, "alerts") == []
    waiting = _lines(tmp_path, "backlog")
    assert ([line["severity"] for line in waiting] == [""]) if act == "wrong" else (waiting == [])


def test_a_snooze_shows_until_when(talk: Talk, slack: FakeSlackBot, tmp_path: Path) -> None:
    _press(talk, slack, "snooze_tomorrow")
    (shown,) = _lines(tmp_path, "alerts")
    assert shown["snoozed_until"] is not None
    assert "snoozed until" in talk.send(talk.chats.slack("show")).json()["text"] or shown["status"] == "open"


def test_what_is_said_in_another_chat_shows_in_slack_too(talk: Talk, slack: FakeSlackBot) -> None:
    (alert,) = talk.alerts()
    talk.send(talk.chats.groupme(f"heedful ack {show_id(alert.id)}"))
    talk.work()
    assert "Anna has it" in _text(slack)
    assert len(slack.accepted) == 1


def test_our_own_answers_are_not_heard_as_said_to_us(talk: Talk) -> None:
    """Whatever heedful says in a room and hears again there does nothing."""
    for said in ("help", "backlog", "show", "dance", "ack", "show", "close"):
        answer = talk.send(talk.chats.slack(said)).json()["text"]
        for echo in (talk.chats.groupme(answer), talk.chats.mattermost_post(answer), talk.chats.telegram(answer)):
            assert talk.send(echo).text == "", answer
    assert talk.counted("accepted") == 7
