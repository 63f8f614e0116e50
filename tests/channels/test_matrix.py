"""What is Matrix's alone: exactly once, its HTML, encrypted rooms, and errors by name."""

import json
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from monitor.channels.matrix import Matrix, MatrixSettings
from monitor.errors import Gone, Malformed, RateLimited, RemoteError, Unauthorized, Unavailable
from monitor.http import HttpClient
from monitor.model import Notice
from tests.channels.fakes import Reply
from tests.channels.homeserver import MATRIX_TOKEN, ROOM, FakeHomeserver
from tests.channels.notices import FIRST, HOSTILE_NOTICES, NOW

HTTP = HttpClient()


def channel(fake: FakeHomeserver, **more: Any) -> Matrix:
    return Matrix(MatrixSettings(**{"base_url": fake.url, "token": MATRIX_TOKEN, "room_id": ROOM, **more}), HTTP)


def test_an_attempt_whose_answer_was_lost_is_not_posted_again() -> None:
    class Forgets(FakeHomeserver):
        def reply(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
            answer = super().reply(method, path, headers, body)
            return (504, b"", {}) if len(self.requests) == 1 else answer

    with Forgets() as fake:
        room = channel(fake)
        message = room.render(FIRST, NOW)
        with pytest.raises(Unavailable):
            room.send(message, "0delivery", NOW)
        channel(fake).send(message, "0delivery", NOW)  # another process, the same delivery
        assert len(fake.accepted) == 1
        room.send(message, "0another", NOW)
        assert len(fake.accepted) == 2


class MatrixHtml(HTMLParser):
    """The few tags that we write."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.links: list[str] = []
        self.is_ours = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if (tag, name) == ("a", "href")]
        self.is_ours &= tag in ("b", "br", "code", "blockquote", "a") and (tag == "a" or not attrs)
        self.open += [tag] if tag != "br" else []

    def handle_endtag(self, tag: str) -> None:
        self.is_ours &= bool(self.open) and self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        self.is_ours = False


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(notice=HOSTILE_NOTICES)
def test_whatever_people_write_the_html_is_ours_and_mentions_nobody(notice: Notice) -> None:
    settings = MatrixSettings(base_url="https://m.example", token=MATRIX_TOKEN, room_id=ROOM)  # type: ignore[arg-type]
    (event,) = Matrix(settings, HTTP).render(notice, NOW).payloads
    parser = MatrixHtml()
    parser.feed(event["formatted_body"])
    parser.close()
    assert parser.is_ours
    assert not parser.open
    assert all(link.startswith(("https://", "http://")) for link in parser.links)
    assert event["m.mentions"] == {}
    assert len(json.dumps(event)) < 45_000


@pytest.mark.parametrize(
    ("status", "name", "expected"),
    [
        (401, "M_UNKNOWN_TOKEN", Unauthorized),
        (403, "M_FORBIDDEN", Unauthorized),
        (403, "M_USER_LOCKED", Unauthorized),
        (404, "M_NOT_FOUND", Gone),
        (413, "M_TOO_LARGE", Malformed),
        (400, "M_RESOURCE_LIMIT_EXCEEDED", Unauthorized),
        (502, "M_UNKNOWN", Unavailable),
    ],
)
def test_the_errors_name_says_what_to_do_next(status: int, name: str, expected: type[RemoteError]) -> None:
    with FakeHomeserver() as fake:
        fake.fail_with = (status, json.dumps({"errcode": name, "error": "…"}).encode(), {})
        with pytest.raises(RemoteError) as caught:
            channel(fake).send(channel(fake).render(FIRST, NOW), "0delivery", NOW)
    assert type(caught.value) is expected


def test_the_pause_of_an_old_server_is_kept() -> None:
    with FakeHomeserver() as fake:
        fake.fail_with = (429, b'{"errcode": "M_LIMIT_EXCEEDED", "error": "slow", "retry_after_ms": 2500}', {})
        with pytest.raises(RateLimited) as caught:
            channel(fake).send(channel(fake).render(FIRST, NOW), "0delivery", NOW)
    assert caught.value.retry_at == NOW + timedelta(seconds=2.5)


def test_an_encrypted_room_needs_the_operators_word() -> None:
    with FakeHomeserver() as fake:
        fake.is_encrypted = True
        with pytest.raises(Unauthorized, match="allow_encrypted"):
            channel(fake).check()
        channel(fake, allow_encrypted=True).check()


def test_a_room_that_we_are_not_in_fails_the_check() -> None:
    with FakeHomeserver() as fake:
        with pytest.raises(Unauthorized):
            channel(fake, room_id="!other:server.example").check()
        fake.fail_with = (404, b"<html>nginx</html>", {})
        with pytest.raises(Gone):
            channel(fake).check()


def test_a_success_that_is_not_matrixs_is_none() -> None:
    with FakeHomeserver() as fake:
        fake.fail_with = (200, b"<html>Sign in</html>", {})
        with pytest.raises(Unavailable):
            channel(fake).send(channel(fake).render(FIRST, NOW), "0delivery", NOW)
