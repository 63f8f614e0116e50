"""What is GroupMe's alone: parts, their order, and going on after those that have arrived."""

from dataclasses import replace
from typing import Any

import pytest

from monitor.channels.groupme import GroupMe, GroupMeSettings, render_texts
from monitor.errors import Gone, Unavailable
from monitor.http import HttpClient
from tests.channels.fakes import BOT_ID, FakeGroupMe, Reply
from tests.channels.notices import FIRST, KIM, NOW

HTTP = HttpClient()
LONG = replace(FIRST, threads=(replace(KIM, excerpt="word " * 100),) * 5, n_threads=5)


def channel(fake: FakeGroupMe, pauses: list[float] | None = None) -> GroupMe:
    settings: Any = GroupMeSettings(bot_id=BOT_ID, base_url=fake.url)  # type: ignore[arg-type]
    return GroupMe(settings, HTTP, pause=(pauses if pauses is not None else []).append)


def test_a_long_alert_comes_in_numbered_parts_a_second_apart() -> None:
    pauses: list[float] = []
    with FakeGroupMe() as fake:
        bot = channel(fake, pauses)
        message = bot.render(LONG, NOW)
        bot.send(message, "0delivery", NOW)
        texts = [payload["text"] for payload in fake.accepted]
    assert 2 <= len(texts) <= 3
    assert [text[:6] for text in texts] == [f"({n}/{len(texts)}) " for n in range(1, len(texts) + 1)]
    assert all(len(text) <= 1_000 for text in texts)
    assert pauses == [1.0] * (len(texts) - 1)


def test_no_further_part_is_sent_for_a_last_line() -> None:
    assert FIRST.playbook is not None
    step = "Read the whole thread and what this person wrote to us before it began."
    seven = replace(FIRST, threads=(KIM,), n_threads=1, playbook=replace(FIRST.playbook, steps=(step,) * 7))
    (payload,) = render_texts(seven, NOW).payloads
    assert "3. Read the whole thread" in payload["text"]
    assert "4. Read" not in payload["text"]
    assert "… and 4 more steps" in payload["text"]
    assert "heedful ack" in payload["text"]


def test_a_permalink_stands_alone_on_its_line() -> None:
    with FakeGroupMe() as fake:
        lines = "\n".join(payload["text"] for payload in channel(fake).render(FIRST, NOW).payloads).split("\n")
    assert KIM.permalink in lines


def test_a_retry_goes_on_after_the_parts_that_arrived() -> None:
    class Stumbles(FakeGroupMe):
        def reply(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
            if len(self.requests) == 2:
                return 503, b"", {}
            return super().reply(method, path, headers, body)

    with Stumbles() as fake:
        bot = channel(fake)
        message = bot.render(LONG, NOW)
        with pytest.raises(Unavailable):
            bot.send(message, "0delivery", NOW)
        bot.send(message, "0delivery", NOW)
        assert [payload["text"] for payload in fake.accepted] == [part["text"] for part in message.payloads]
        bot.send(message, "0other", NOW)  # another delivery starts from its beginning
        assert len(fake.accepted) == 2 * len(message.payloads)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_success_is_one_and_its_body_is_not_looked_at(status: int) -> None:
    with FakeGroupMe() as fake:
        fake.fail_with = (status, b"" if status == 204 else b"<not json", {})
        message = channel(fake).render(FIRST, NOW)
        channel(fake).send(message, "0delivery", NOW)
        assert len(fake.requests) == len(message.payloads), "each was taken at the first attempt"


def test_a_bot_that_was_destroyed_is_gone() -> None:
    with FakeGroupMe() as fake:
        settings: Any = GroupMeSettings(bot_id="0therb0t", base_url=fake.url)  # type: ignore[arg-type]
        bot = GroupMe(settings, HTTP)
        with pytest.raises(Gone):
            bot.send(bot.render(FIRST, NOW), "0delivery", NOW)
