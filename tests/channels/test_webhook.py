"""What is the generic webhook's alone: its signature, its ids, its rotation, and where it may lead."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from monitor.channels.webhook import MAX_BODY, Webhook, WebhookSettings, message_id, sign
from monitor.errors import Unauthorized, Unavailable
from monitor.http import HttpClient
from tests.channels.fakes import OLD_SECRET, SECRET, FakeReceiver
from tests.channels.notices import FIRST, KIM, NOW

HTTP = HttpClient()


def channel(fake: FakeReceiver, **more: Any) -> Webhook:
    settings = {"url": f"{fake.url}/in", "secret": SECRET, "allow_private": True, **more}
    return Webhook(WebhookSettings(**settings), HTTP)


@given(st.binary(max_size=300), st.from_regex(r"msg_[a-z2-7]{24}", fullmatch=True), st.integers(0, 2**33))
def test_we_sign_as_the_standards_own_library_does(body: bytes, sent_id: str, at: int) -> None:
    key = bytes(range(24))
    theirs = standardwebhooks.Webhook(SECRET)
    body = body.decode("utf-8", "ignore").encode()
    expected = theirs.sign(sent_id, datetime.fromtimestamp(at, UTC), body.decode())
    assert sign(key, f"{sent_id}.{at}.".encode() + body) == expected


def test_a_known_message_has_its_known_signature() -> None:
    body = (
        '{"type":"comment.needs_attention","timestamp":"2025-03-01T10:00:05Z","data":{"thread_id":"7f3a",'
        '"platform":"youtube","author":"Kim","text":"The price is wrong","reasons":["angry","mistake"],'
        '"permalink":"https://youtu.be/x?lc=1","waiting_seconds":10800,"version":1}}'
    )
    content = f"msg_2tq7f3a9c1.1740823210.{body}".encode()
    assert sign(bytes(range(24)), content) == "v1,mK+TchDPaUFku7XiIFzEekONuRQ8c15/FTK6QvOWB38="


def test_every_attempt_has_the_same_id_and_its_own_time() -> None:
    now = datetime.now(UTC)
    with FakeReceiver() as fake:
        hook = channel(fake)
        message = hook.render(FIRST, now)
        for later in (0, 90):
            hook.send(message, "0delivery", now + timedelta(seconds=later))
        hook.send(message, "0other", now)
        ids = [headers["webhook-id"] for _, _, headers, _ in fake.requests]
        times = [int(headers["webhook-timestamp"]) for _, _, headers, _ in fake.requests]
    assert ids[0] == ids[1] != ids[2]
    assert times[1] - times[0] == 90
    assert len(fake.accepted) == 3


@given(st.text())
def test_an_id_is_a_word_without_a_dot_whatever_it_is_made_from(delivery_id: str) -> None:
    assert message_id(delivery_id) == message_id(delivery_id)
    assert message_id(delivery_id).replace("_", "").isalnum()


def test_while_a_secret_is_being_changed_both_receivers_can_verify() -> None:
    class NotYetChanged(FakeReceiver):
        secret = OLD_SECRET

    for receiver in (FakeReceiver, NotYetChanged):
        with receiver() as fake:
            hook = channel(fake, previous_secret=OLD_SECRET)
            hook.send(hook.render(FIRST, NOW), "0delivery", datetime.now(UTC))
            assert len(fake.accepted) == 1
            stranger = channel(fake, secret="whsec_" + "eHl6" * 8)
            with pytest.raises(Unauthorized):
                stranger.send(stranger.render(FIRST, NOW), "0delivery", datetime.now(UTC))


def test_the_body_is_below_20_kb_and_keeps_what_matters() -> None:
    long = replace(FIRST, threads=(replace(KIM, excerpt="é" * 5_000),) * 40, n_threads=40)
    with FakeReceiver() as fake:
        hook = channel(fake)
        message = hook.render(long, NOW)
        hook.send(message, "0delivery", datetime.now(UTC))
        assert len(fake.requests[0][3]) <= MAX_BODY
        data = json.loads(fake.requests[0][3])["data"]
    assert message.is_truncated
    assert data["is_truncated"]
    assert data["n_threads"] == 40
    assert data["threads"][0]["reasons"][0]["words"] == ["worst", "never again"]


def test_text_is_sent_as_it_was_written() -> None:
    with FakeReceiver() as fake:
        hook = channel(fake)
        hook.send(hook.render(FIRST, NOW), "0delivery", datetime.now(UTC))
        event = fake.accepted[0]
    assert event["type"] == "alert.first"
    assert event["data"]["threads"][0]["text"] == KIM.excerpt
    assert event["data"]["threads"][0]["waiting_seconds"] == 3 * 3_600


def test_a_private_address_needs_the_operators_word() -> None:
    with FakeReceiver() as fake:
        hook = channel(fake, allow_private=False)
        with pytest.raises(Unavailable, match="not on the open internet") as caught:
            hook.send(hook.render(FIRST, NOW), "0delivery", datetime.now(UTC))
        assert not caught.value.was_sent
        with pytest.raises(Unavailable, match="allow_private = true"):
            hook.check()
        assert fake.requests == []


def test_a_receiver_that_knows_no_head_is_alive() -> None:
    with FakeReceiver() as fake:
        fake.fail_with = (501, b"", {})
        channel(fake).check()
