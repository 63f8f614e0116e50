"""Apprise: over real HTTP to a target of ours, by the library's own JSON service."""

import json
import logging
import traceback
from typing import Any

import pytest

from monitor.channels.apprise import escape
from monitor.errors import Gone, Malformed, RateLimited, RemoteError, Unauthorized, Unavailable
from tests.channels.fakes import Fake, Reply
from tests.channels.notices import DIGEST, FIRST, NOW
from tests.channels.test_contract import make
from tests.faults import FAULTS, FaultServer

SECRET = "s3cr3tAppr1seP4th"


class FakeService(Fake):
    def reply(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        self.accepted.append(json.loads(body))
        return 200, b"", {}


def channel(url: str, **more: Any) -> Any:
    return make("apprise", url=url.replace("http://", "json://") + f"/{SECRET}", **more)


def test_an_alert_arrives_with_its_title_and_its_text() -> None:
    with FakeService() as fake:
        told = channel(fake.url)
        told.check()
        assert fake.requests == []
        for notice in (FIRST, DIGEST):
            told.send(told.render(notice, NOW), "0delivery", NOW)
        first, digest = fake.accepted
    assert first["title"] == "HIGH · An angry customer"
    assert first["type"] == "warning"
    for said in ("Worst bakery", "never again", "Answer within the hour", "heedful ack 01a2b3c4d5e6f"):
        assert said in first["message"]
    assert "@channel" not in first["message"]
    assert digest["title"] == "DIGEST · What was held over night"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, Malformed),
        (401, Unauthorized),
        (403, Unauthorized),
        (404, Gone),
        (410, Gone),
        (429, RateLimited),
        (500, Unavailable),
        (302, Unavailable),
    ],
)
def test_the_status_that_the_library_tells_says_what_to_do_next(
    status: int, expected: type[RemoteError], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with FakeService() as fake:
        fake.fail_with = (status, SECRET.encode(), {"location": f"{fake.url}/elsewhere"})
        told = channel(fake.url)
        with pytest.raises(RemoteError) as caught:
            told.send(told.render(FIRST, NOW), "0delivery", NOW)
        assert len(fake.requests) == 1  # nothing was followed
    assert type(caught.value) is expected
    shown = "".join(traceback.format_exception(caught.value)) + repr(told) + repr(vars(caught.value)) + caplog.text
    assert SECRET not in shown
    assert caught.value.__context__ is None


def test_a_service_that_cannot_be_reached_or_breaks_off_is_tried_again() -> None:
    told = channel("http://127.0.0.1:9")
    with pytest.raises(Unavailable, match="does not say why"):
        told.send(told.render(FIRST, NOW), "0delivery", NOW)
    with FaultServer(FAULTS["reset"]) as server:
        told = channel(server.url)
        with pytest.raises(Unavailable):
            told.send(told.render(FIRST, NOW), "0delivery", NOW)


@pytest.mark.parametrize("url", ["nonsuch://x/y", "discord://nothing"])
def test_a_url_that_apprise_does_not_know_is_no_channel(url: str) -> None:
    with pytest.raises(Gone, match="does not know"):
        make("apprise", url=url).check()


def test_nothing_that_people_write_is_markup_or_a_name() -> None:
    hostile = "@everyone <!channel> [your bank](https://evil.example) *b* `c` <@U1|x>"
    for mark in ("@everyone", "<!", "](", "<@"):
        assert mark not in escape(hostile)
    assert escape(hostile).replace("\u200b", "") == hostile
