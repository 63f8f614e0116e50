"""What is Google Chat's alone: request ids, threads, keys, and its way back to plain text."""

import json
from typing import Any

import pytest

from monitor.channels.google_chat import GoogleChat, GoogleChatSettings, escape
from monitor.errors import Malformed, RateLimited, Unauthorized, Unavailable
from monitor.http import HttpClient
from tests.channels.fakes import Reply
from tests.channels.notices import FIRST, NOTICES, NOW
from tests.channels.spaces import GOOGLE_QUERY, FakeGoogleChat

HTTP = HttpClient()


def channel(fake: FakeGoogleChat, query: str = GOOGLE_QUERY) -> GoogleChat:
    url: Any = f"{fake.url}/v1/spaces/AAAA1234/messages?{query}"
    return GoogleChat(GoogleChatSettings(url=url), HTTP)


def test_a_repeated_delivery_has_the_same_request_id_and_one_message() -> None:
    with FakeGoogleChat() as fake:
        space = channel(fake)
        for delivery_id in ("0one", "0one", "0two"):
            space.send(space.render(FIRST, NOW), delivery_id, NOW)
        assert len(fake.requests) == 3
        assert len(fake.accepted) == 2


def test_all_messages_of_an_alert_stand_in_one_thread_and_a_digest_in_none() -> None:
    with FakeGoogleChat() as fake:
        space = channel(fake)
        threads = {name: space.render(notice, NOW).payloads[0].get("thread") for name, notice in NOTICES.items()}
    assert threads.pop("digest") is None
    assert list(threads.values()) == [{"threadKey": FIRST.alert_id}] * len(threads)


def test_a_card_that_google_refuses_arrives_as_plain_text() -> None:
    class Strict(FakeGoogleChat):
        def reply(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
            return (400, b"{}", {}) if "cardsV2" in json.loads(body) else super().reply(method, path, headers, body)

    with Strict() as fake:
        channel(fake).send(channel(fake).render(FIRST, NOW), "0delivery", NOW)
        text = fake.accepted[0]["text"]
    for said in ("An angry customer", "Worst bakery", "never again", "heedful ack"):
        assert said in text
    assert len(text) <= 4_000


def test_a_message_that_is_there_already_is_a_success() -> None:
    with FakeGoogleChat() as fake:
        fake.fail_with = (409, b'{"error": {"status": "ALREADY_EXISTS"}}', {})
        channel(fake).send(channel(fake).render(FIRST, NOW), "0delivery", NOW)
        assert len(fake.requests) == 1


@pytest.mark.parametrize(
    ("status", "answer", "expected"),
    [
        (400, {"error": {"status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}}, Unauthorized),
        (400, {"error": {"status": "INVALID_ARGUMENT"}}, Malformed),
        (403, {"error": {"status": "PERMISSION_DENIED"}}, Unauthorized),
        (429, {"error": {"status": "RESOURCE_EXHAUSTED"}}, RateLimited),
        (200, ["a page of a proxy"], Unavailable),
    ],
)
def test_an_answer_says_what_to_do_next(status: int, answer: object, expected: type[Exception]) -> None:
    with FakeGoogleChat() as fake:
        fake.fail_with = (status, json.dumps(answer).encode(), {})
        with pytest.raises(expected):
            channel(fake).send(channel(fake).render(FIRST, NOW), "0delivery", NOW)


def test_a_regenerated_webhook_fails_the_check() -> None:
    with FakeGoogleChat() as fake, pytest.raises(Unauthorized):
        channel(fake, "key=k&token=old").check()


def test_nobody_is_named_by_the_line_that_telephones_show() -> None:
    assert "<users/all>" not in escape("<users/all> *hello*")
