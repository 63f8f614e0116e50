"""What is Rocket.Chat's alone: failures with a status of 200, its clock for limits, and formulas."""

import json
from datetime import timedelta
from typing import Any

import pytest

from monitor.channels.rocketchat import RocketChat, RocketChatSettings, escape
from monitor.errors import Gone, Malformed, RateLimited, RemoteError, Unavailable
from monitor.http import HttpClient
from tests.channels.notices import FIRST, NOW
from tests.channels.spaces import ROCKET_TOKEN, FakeRocketChat

HTTP = HttpClient()


def channel(fake: FakeRocketChat, token: str = ROCKET_TOKEN) -> RocketChat:
    url: Any = f"{fake.url}/hooks/5f0c/{token}"
    return RocketChat(RocketChatSettings(url=url), HTTP)


@pytest.mark.parametrize(
    ("status", "answer", "expected"),
    [
        (200, {"success": False, "error": "invalid-channel"}, Gone),
        (200, {"success": False, "error": "something else"}, Malformed),
        (400, {"success": False, "error": "… [error-room-not-found]", "errorType": "error-room-not-found"}, Gone),
        (400, {"success": False, "error": "a script"}, Malformed),
        (200, ["a page of a proxy"], Unavailable),
    ],
)
def test_an_answer_says_what_to_do_next(status: int, answer: object, expected: type[RemoteError]) -> None:
    with FakeRocketChat() as fake:
        fake.fail_with = (status, json.dumps(answer).encode(), {})
        with pytest.raises(RemoteError) as caught:
            channel(fake).send(channel(fake).render(FIRST, NOW), "0delivery", NOW)
    assert type(caught.value) is expected


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"x-ratelimit-reset": str(int(NOW.timestamp() * 1_000) + 42_000)}, b""),
        ({}, b'{"success":false,"error":"Error, too many requests. You must wait 42 seconds before trying again."}'),
    ],
)
def test_the_limiters_pause_is_kept(headers: dict[str, str], body: bytes) -> None:
    with FakeRocketChat() as fake:
        fake.fail_with = (429, body, headers)
        with pytest.raises(RateLimited) as caught:
            channel(fake).send(channel(fake).render(FIRST, NOW), "0delivery", NOW)
    assert caught.value.retry_at == NOW + timedelta(seconds=42)


def test_a_living_webhook_passes_the_check_and_a_dead_one_does_not() -> None:
    with FakeRocketChat() as fake:
        channel(fake).check()
        with pytest.raises(Gone):
            channel(fake, "anothertoken").check()
        assert fake.accepted == []


def test_names_links_and_formulas_are_parted() -> None:
    assert "@all" not in escape("@all")
    assert "](" not in escape("[bank](https://evil.example)")
    assert "\\(" not in escape("\\(x\\)")
    assert escape("*bold*") == "\\*bold\\*"
