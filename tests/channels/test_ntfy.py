"""What is ntfy's alone: urgency, repetitions, quotas, and its error codes."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.channels.ntfy import Ntfy, NtfySettings, sequence_id
from monitor.errors import Gone, RateLimited, RemoteError, Unauthorized, Unavailable
from monitor.http import HttpClient
from monitor.model import Severity
from tests.channels.notices import FIRST, KIM, NOTICES, NOW
from tests.channels.phones import NTFY_TOKEN, TOPIC, FakeNtfy

HTTP = HttpClient()


def channel(fake: FakeNtfy, **more: Any) -> Ntfy:
    return Ntfy(NtfySettings(**{"topic": TOPIC, "token": NTFY_TOKEN, "base_url": fake.url, **more}), HTTP)


def test_a_repetition_takes_the_place_of_the_first() -> None:
    with FakeNtfy() as fake:
        push = channel(fake)
        message = push.render(FIRST, NOW)
        for delivery_id in ("0one", "0one", "0two"):
            push.send(message, delivery_id, NOW)
        assert len(fake.requests) == 3
        assert [shown["sequence_id"] for shown in fake.accepted] == [sequence_id("0one"), sequence_id("0two")]


@pytest.mark.parametrize(("severity", "priority"), [("crisis", 5), ("high", 4), ("medium", 3), ("low", 2)])
def test_a_telephone_is_as_loud_as_the_alert_is_urgent(severity: str, priority: int) -> None:
    with FakeNtfy() as fake:
        (payload,) = channel(fake).render(replace(FIRST, severity=Severity(severity)), NOW).payloads
        (resolved,) = channel(fake).render(NOTICES["resolved"], NOW).payloads
    assert payload["priority"] == priority
    assert resolved["priority"] == 2


def test_a_tap_opens_the_comment() -> None:
    with FakeNtfy() as fake:
        (payload,) = channel(fake).render(FIRST, NOW).payloads
    assert payload["click"] == KIM.permalink
    assert [action["label"] for action in payload["actions"]] == ["Open: Kim Example", "Open: Noor"]


def test_bytes_are_counted_not_characters() -> None:
    long = replace(FIRST, threads=(replace(KIM, excerpt="寿司" * 900, author_name="寿" * 60),) * 5, n_threads=5)
    with FakeNtfy() as fake:
        push = channel(fake)
        message = push.render(long, NOW)
        push.send(message, "0delivery", NOW)
        assert 2_500 < len(fake.accepted[0]["message"].encode()) <= 4_096
    assert message.is_truncated


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, 40009, Gone),
        (401, 40101, Unauthorized),
        (403, 40301, Unauthorized),
        (404, 40401, Gone),
        (429, 42901, RateLimited),
        (429, 42909, Unauthorized),
        (507, 50701, Gone),
        (500, 50001, Unavailable),
    ],
)
def test_the_code_says_what_to_do_next(status: int, code: int, expected: type[RemoteError]) -> None:
    with FakeNtfy() as fake:
        fake.fail_with = (status, json.dumps({"code": code, "http": status, "error": "…"}).encode(), {})
        with pytest.raises(RemoteError) as caught:
            channel(fake).send(channel(fake).render(FIRST, NOW), "0delivery", NOW)
    assert type(caught.value) is expected


def test_when_the_days_messages_are_used_up_the_next_day_is_waited_for() -> None:
    with FakeNtfy() as fake:
        fake.fail_with = (429, b'{"code":42908,"http":429,"error":"daily message quota reached"}', {})
        with pytest.raises(RateLimited) as caught:
            channel(fake).send(channel(fake).render(FIRST, NOW), "0delivery", NOW)
    assert caught.value.retry_at == datetime(2026, 11, 13, tzinfo=UTC) > NOW + timedelta(hours=10)


def test_a_token_that_may_only_write_passes_the_check_and_an_unknown_one_does_not() -> None:
    with FakeNtfy() as fake:
        with pytest.raises(Unauthorized):
            channel(fake, token="tk_unknown").check()
        fake.fail_with = (403, b'{"code":40301}', {})
        channel(fake).check()


def test_a_topic_that_is_open_to_all_needs_no_token() -> None:
    with FakeNtfy() as fake:
        fake.fail_with = (200, b'{"id":"x"}', {})
        channel(fake, token=None).send(channel(fake).render(FIRST, NOW), "0delivery", NOW)
        assert "authorization" not in fake.requests[0][2]
