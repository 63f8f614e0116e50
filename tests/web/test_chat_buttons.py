"""The buttons that stand below Mattermost's posts are the ones that are believed when they are pressed."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from monitor.channels.buttons import BUTTONS
from monitor.channels.mattermost_bot import MattermostBot, MattermostBotSettings
from monitor.model import Notice, show_id
from tests.channels.bots import MATTERMOST_CHANNEL, MATTERMOST_TOKEN, FakeMattermostBot
from tests.channels.notices import DIGEST, FIRST, NOTICES, NOW
from tests.channels.test_contract import HTTP
from tests.web.chats import BUTTON_SECRET, HANDLES, Request, Talk, open_talk

WITH = {
    "callback_secret": f"an-older-secret-of-buttons {BUTTON_SECRET}",
    "callback_url": "http://127.0.0.1:9/chat/mattermost",
}


@pytest.fixture
def talk(tmp_path: Path, sqlite_url: str) -> Iterator[Talk]:
    with open_talk(tmp_path, sqlite_url) as talk:
        yield talk


def _bot(url: str = "http://127.0.0.1:9", **more: str) -> MattermostBot:
    settings: dict[str, Any] = {"base_url": url, "token": MATTERMOST_TOKEN, "channel_id": MATTERMOST_CHANNEL}
    return MattermostBot(MattermostBotSettings(**settings | more), HTTP)


def _actions(notice: Notice, **more: str) -> list[dict[str, Any]]:
    (payload,) = _bot(**more).render(notice, NOW).payloads
    attachments = payload.get("props", {}).get("attachments", [])
    return [action for attachment in attachments for action in attachment["actions"]]


def test_buttons_stand_only_where_presses_are_believed_and_arrive() -> None:
    assert _actions(FIRST) == []
    assert _actions(FIRST, callback_secret=BUTTON_SECRET) == []
    assert _actions(FIRST, callback_url=WITH["callback_url"]) == []
    assert _actions(DIGEST, **WITH) == []
    assert [one["name"] for one in _actions(FIRST, **WITH)] == [button.label for button in BUTTONS]


@pytest.mark.parametrize("notice", NOTICES.values())
def test_buttons_are_as_the_server_takes_them(notice: Notice) -> None:
    found = _actions(notice, **WITH)
    assert all(re.fullmatch("[a-z]+", one["id"]) for one in found)
    assert len({one["id"] for one in found}) == len(found)
    assert BUTTON_SECRET not in json.dumps(found)


def test_what_is_pressed_is_what_was_offered(talk: Talk) -> None:
    (alert,) = talk.alerts()
    for one in _actions(replace(FIRST, alert_id=show_id(alert.id)), **WITH):
        call = one["integration"]
        said = {"user_id": HANDLES["mattermost"], "trigger_id": f"t{one['id']}", "context": call["context"]}
        path = call["url"].partition("127.0.0.1:9")[2]
        sent = Request(path, json.dumps(said).encode(), {"content-type": "application/json"})
        answer = talk.send(sent)
        assert answer.status_code == 200
        assert ("ephemeral_text" in answer.json()) is (one["id"] == "show")
    assert talk.counted("accepted") == len(BUTTONS)
    assert talk.alerts()[0].acknowledged_by == "Anna"


def test_a_press_cannot_be_bent_to_another_alert_or_deed(talk: Talk) -> None:
    mine, other = (_actions(FIRST, **WITH)[n]["integration"]["context"] for n in (0, 5))
    for act, alert, mac in (
        (other["act"], mine["alert"], mine["mac"]),
        (mine["act"], "0000000000000", mine["mac"]),
        (mine["act"], mine["alert"], other["mac"]),
        (mine["act"], mine["alert"], "é"),
    ):
        assert talk.send(talk.chats.mattermost_press(act, alert, mac=mac)).status_code == 403


def test_the_server_takes_the_post_and_its_change() -> None:
    with FakeMattermostBot() as fake:
        bot = _bot(fake.url, **WITH)
        ref = bot.post(bot.render(FIRST, NOW), "0delivery", NOW, "")
        assert len(fake.wall[ref]["props"]["attachments"][0]["actions"]) == len(BUTTONS)
        bot.edit(ref, bot.render(DIGEST, NOW), datetime.now(UTC))
        assert fake.wall[ref]["props"] == {"attachments": [{"actions": []}]}
