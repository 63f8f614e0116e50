"""What is Slack's alone: its escapes, its error words, its way back to plain text."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.channels.render import Shortener
from monitor.channels.slack import Slack, SlackSettings
from monitor.channels.slack_blocks import entities, escape
from monitor.errors import Gone, Malformed, RateLimited, RemoteError, Unauthorized, Unavailable
from monitor.http import HttpClient
from tests.channels.fakes import TOKEN, FakeSlack
from tests.channels.notices import FIRST, HOSTILE, NOW

HTTP = HttpClient()


def channel(fake: FakeSlack) -> Slack:
    return Slack(SlackSettings(url=f"{fake.url}/services/{TOKEN}"), HTTP)  # type: ignore[arg-type]


def test_the_ampersand_is_escaped_once_and_first() -> None:
    assert escape("a < b & c > &lt;", 100, Shortener()) == "a &lt; b &amp; c &gt; &amp;lt;"
    assert entities("<!channel>", 100, Shortener()) == "&lt;!channel&gt;"


@given(HOSTILE, st.integers(1, 300))
def test_a_cut_never_parts_an_entity_and_is_marked(text: str, limit: int) -> None:
    short = Shortener()
    cut = entities(text, limit, short)
    assert len(cut) <= limit
    assert short.has_cut is (cut != entities(text, 10**9, Shortener()))
    if short.has_cut:
        assert cut.endswith("…")
        assert entities(text, 10**9, Shortener()).startswith(cut[:-1])
        assert "&" not in cut[-5:-1] or ";" in cut[-5:-1].rpartition("&")[2]


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        (b"no_service", Gone),
        (b"channel_is_archived", Gone),
        (b"invalid_token", Unauthorized),
        (b"rate_limited", RateLimited),
        (b"rollup_error", Unavailable),
        (b"invalid_payload", Malformed),
        (b"<html>Sign in to the hotel's network</html>", Unavailable),
        (b"", Unavailable),
        (b"okay", Unavailable),
    ],
)
def test_a_status_of_200_without_ok_is_an_error(says: bytes, expected: type[RemoteError]) -> None:
    with FakeSlack() as fake:
        fake.fail_with = (200, says, {})
        with pytest.raises(RemoteError) as caught:
            channel(fake).send(channel(fake).render(FIRST, NOW), "0delivery", NOW)
    assert type(caught.value) is expected


def test_the_word_that_slack_gives_reaches_the_operator() -> None:
    with FakeSlack() as fake:
        fake.fail_with = (404, b"no_service", {})
        with pytest.raises(Gone, match=r"answered 404 \(no_service\)"):
            channel(fake).check()


def test_blocks_that_slack_refuses_arrive_as_plain_text() -> None:
    class Strict(FakeSlack):
        def reply(self, method, path, headers, body):  # type: ignore[no-untyped-def]
            if "blocks" in json.loads(body):
                return 400, b"invalid_blocks", {}
            return super().reply(method, path, headers, body)

    with Strict() as fake:
        channel(fake).send(channel(fake).render(FIRST, NOW), "0delivery", datetime.now(UTC))
        text = fake.accepted[0]["text"]
    for said in ("An angry customer", "Worst bakery", "never again", "Answer within the hour", "heedful ack"):
        assert said in text


def test_a_living_webhook_passes_the_check_and_a_dead_one_does_not() -> None:
    with FakeSlack() as fake:
        channel(fake).check()
        dead = Slack(SlackSettings(url=f"{fake.url}/services/T/B/X"), HTTP)  # type: ignore[arg-type]
        with pytest.raises(Gone):
            dead.check()
        assert fake.accepted == []
