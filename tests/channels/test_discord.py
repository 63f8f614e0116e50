"""What is Discord's alone: its buckets, its pauses in the body, threads, and its way back to plain text."""

import json
from datetime import timedelta
from typing import Any

import pytest

from monitor.channels.discord import Discord, DiscordSettings
from monitor.errors import Gone, Malformed, RateLimited, Unavailable
from monitor.http import HttpClient
from tests.channels.fakes import Reply
from tests.channels.notices import FIRST, NOW
from tests.channels.rooms import DISCORD_TOKEN, FakeDiscord

HTTP = HttpClient()


def channel(fake: FakeDiscord, **more: Any) -> Discord:
    url: Any = f"{fake.url}/api/webhooks/100200300400500600/{DISCORD_TOKEN}"
    return Discord(DiscordSettings(url=url, **more), HTTP)


def test_an_empty_bucket_is_waited_for_without_asking_again() -> None:
    with FakeDiscord() as fake:
        fake.remaining = 0
        room = channel(fake)
        message = room.render(FIRST, NOW)
        room.send(message, "0one", NOW)
        with pytest.raises(RateLimited) as caught:
            room.send(message, "0two", NOW + timedelta(seconds=1))
        assert len(fake.requests) == 1
        assert caught.value.retry_at == NOW + timedelta(seconds=1.5)
        assert not caught.value.was_sent
        room.send(message, "0two", NOW + timedelta(seconds=2))
        assert len(fake.accepted) == 2


def test_the_pause_that_stands_in_the_body_is_kept() -> None:
    with FakeDiscord() as fake:
        fake.fail_with = (429, b'{"message": "slow down", "retry_after": 64.57, "global": false}', {})
        with pytest.raises(RateLimited) as caught:
            channel(fake).send(channel(fake).render(FIRST, NOW), "0delivery", NOW)
    assert caught.value.retry_at == NOW + timedelta(seconds=64.57)


def test_an_embed_that_discord_refuses_arrives_as_plain_text_that_pings_nobody() -> None:
    class Strict(FakeDiscord):
        def reply(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
            if "embeds" in json.loads(body):
                return 400, b'{"code": 50035, "message": "Invalid Form Body"}', {}
            return super().reply(method, path, headers, body)

    with Strict() as fake:
        channel(fake).send(channel(fake).render(FIRST, NOW), "0delivery", NOW)
        (sent,) = fake.accepted
    assert sent["allowed_mentions"] == {"parse": []}
    for said in ("An angry customer", "Worst bakery", "never again"):
        assert said in sent["content"]


def test_what_is_refused_twice_is_given_up() -> None:
    with FakeDiscord() as fake:
        fake.fail_with = (400, b'{"code": 50035}', {})
        with pytest.raises(Malformed):
            channel(fake).send(channel(fake).render(FIRST, NOW), "0delivery", NOW)
        assert len(fake.requests) == 2


def test_a_deleted_webhook_is_gone_at_once() -> None:
    with FakeDiscord() as fake:
        url: Any = f"{fake.url}/api/webhooks/100200300400500600/anothert0ken"
        dead = Discord(DiscordSettings(url=url), HTTP)
        for act in (dead.check, lambda: dead.send(dead.render(FIRST, NOW), "0delivery", NOW)):
            with pytest.raises(Gone):
                act()
        assert len(fake.requests) == 2


def test_a_thread_is_told_where_one_is_named() -> None:
    with FakeDiscord() as fake:
        room = channel(fake, thread_id="123456789012345678")
        room.send(room.render(FIRST, NOW), "0delivery", NOW)
        assert fake.requests[0][1].endswith("?wait=true&thread_id=123456789012345678")


@pytest.mark.parametrize("answer", [b"<html>Sign in</html>", b"", b"[]", b'{"message": "hello"}'])
def test_a_success_without_a_message_is_none(answer: bytes) -> None:
    with FakeDiscord() as fake:
        fake.fail_with = (200, answer, {})
        for act in (channel(fake).check, lambda: channel(fake).send(channel(fake).render(FIRST, NOW), "0d", NOW)):
            with pytest.raises(Unavailable):
                act()
