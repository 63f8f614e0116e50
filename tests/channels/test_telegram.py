"""What is Telegram's alone: pauses in the body, groups that move, topics that close, tags that are refused."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given

from monitor.channels.telegram import Telegram, TelegramSettings, escape
from monitor.errors import Gone, Malformed, RateLimited, Unauthorized, Unavailable
from monitor.http import HttpClient
from tests.channels.fakes import Reply
from tests.channels.notices import FIRST, HOSTILE, NOW
from tests.channels.phones import BOT_TOKEN, CHAT, FakeTelegram, TelegramHtml

HTTP = HttpClient()


def channel(fake: FakeTelegram, **more: Any) -> Telegram:
    settings = {"token": BOT_TOKEN, "chat_id": str(CHAT), "base_url": fake.url, **more}
    return Telegram(TelegramSettings(**settings), HTTP)


class Refusing(FakeTelegram):
    """Refuses what `when` says, with these words."""

    def __init__(self, when: Callable[[dict[str, Any]], bool], says: str, **parameters: Any) -> None:
        super().__init__()
        self._when, self._says, self._parameters = when, says, parameters

    def reply(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        if self._when(json.loads(body)):
            return self._refuses(400, f"Bad Request: {self._says}", **self._parameters)
        return super().reply(method, path, headers, body)


def send(fake: FakeTelegram, **more: Any) -> Telegram:
    bot = channel(fake, **more)
    bot.send(bot.render(FIRST, NOW), "0delivery", NOW)
    return bot


def test_the_pause_that_stands_in_the_body_is_kept() -> None:
    with FakeTelegram() as fake:
        fake.fail_with = (429, b'{"ok":false,"error_code":429,"parameters":{"retry_after":41}}', {})
        with pytest.raises(RateLimited) as caught:
            send(fake)
    assert caught.value.retry_at == NOW + timedelta(seconds=41)


def test_a_group_that_became_a_supergroup_is_told_there_from_then_on() -> None:
    with Refusing(lambda sent: sent["chat_id"] == -42, "group chat was upgraded", migrate_to_chat_id=CHAT) as fake:
        bot = send(fake, chat_id="-42")
        bot.send(bot.render(FIRST, NOW), "0next", NOW)
        assert len(fake.accepted) == 2
        assert len(fake.requests) == 3


def test_an_alert_for_a_closed_topic_arrives_in_the_group() -> None:
    with Refusing(lambda sent: "message_thread_id" in sent, "message thread not found") as fake:
        send(fake, thread_id=7)
        assert len(fake.accepted) == 1
        assert json.loads(fake.requests[0][3])["message_thread_id"] == 7


def test_tags_that_telegram_refuses_are_taken_away_and_the_alert_arrives() -> None:
    with Refusing(lambda sent: "parse_mode" in sent, "can't parse entities: byte offset 7") as fake:
        send(fake)
        text = fake.accepted[0]["text"]
    for said in ("An angry customer", "nobody came <again>", "https://social.example/@kim/1?a=1&b=2", "heedful ack"):
        assert said in text
    assert "<b>" not in text


def test_what_is_refused_again_is_given_up() -> None:
    with Refusing(lambda sent: True, "can't parse entities: whatever") as fake:
        with pytest.raises(Malformed):
            send(fake)
        assert len(fake.requests) == 2


@pytest.mark.parametrize(
    ("status", "says", "expected"),
    [
        (400, "Bad Request: chat not found", Gone),
        (401, "Unauthorized", Unauthorized),
        (403, "Forbidden: bot was kicked from the supergroup chat", Unauthorized),
        (404, "Not Found", Gone),
    ],
)
def test_a_dead_target_is_held(status: int, says: str, expected: type[Exception]) -> None:
    with FakeTelegram() as fake:
        fake.fail_with = (status, json.dumps({"ok": False, "error_code": status, "description": says}).encode(), {})
        for act in (lambda: send(fake), channel(fake).check):
            with pytest.raises(expected):
                act()


def test_a_success_that_is_not_telegrams_is_none() -> None:
    with FakeTelegram() as fake:
        fake.fail_with = (200, b"<html>Sign in</html>", {})
        with pytest.raises(Unavailable):
            send(fake)


@given(HOSTILE)
def test_text_from_outside_is_shown_as_it_is_but_for_names_and_commands(text: str) -> None:
    parser = TelegramHtml()
    parser.feed(escape(text))
    parser.close()
    assert not parser.open
    assert not parser.fault
    assert parser.seen.replace("\u200b", "") == text.replace("\u200b", "")


def test_names_and_commands_are_parted_and_addresses_are_not() -> None:
    assert (
        escape("@kim /stop@bot and/or https://a.example/b")
        == "@\u200bkim /\u200bstop@\u200bbot and/or https://a.example/b"
    )
