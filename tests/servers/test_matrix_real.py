"""Matrix, as a real homeserver takes it: exactly once, after the pause it asks for, changed in its place."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from time import sleep
from typing import Any

import pytest

from monitor.channels.matrix import Matrix, MatrixSettings
from monitor.errors import RateLimited, RemoteError, Unauthorized
from monitor.http import HttpClient
from tests.channels.notices import CRISIS, FIRST, NOTICES, NOW
from tests.channels.test_layout import swollen
from tests.channels.test_live import OVER, TAKEN
from tests.servers.synapse import RealSynapse

HTTP = HttpClient()
pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealSynapse]:
    with RealSynapse(tmp_path_factory.mktemp("synapse")) as server:
        yield server


def channel(server: RealSynapse, **more: Any) -> Matrix:
    settings = {"base_url": server.url, "token": server.token, "room_id": server.room_id, **more}
    return Matrix(MatrixSettings(**settings), HTTP)


def test_every_kind_of_notice_arrives_exactly_once_however_often_it_is_sent(server: RealSynapse) -> None:
    before = len(server.events())
    for name, notice in NOTICES.items():
        for _ in range(3):  # each time as another process would: nothing is remembered but the delivery's id
            told = channel(server)
            told.send(told.render(notice, NOW), f"once-{name}", NOW)
    arrived = server.events()[before:]
    assert len(arrived) == len(NOTICES)
    assert all(event["content"]["m.mentions"] == {} for event in arrived)
    bodies = "\n".join(event["content"]["body"] for event in arrived)
    assert all(notice.says in bodies for notice in NOTICES.values())


def test_the_first_message_is_changed_and_news_stand_below_it(server: RealSynapse) -> None:
    told = channel(server)
    ref = told.post(told.render(FIRST, NOW), "live-first", NOW, "")
    told.edit(ref, told.render(TAKEN, NOW), NOW)
    assert "Alex Example has it" in server.shown(ref)["body"]
    below = told.post(told.render(OVER, NOW), "live-over", NOW, ref)
    assert server.thread_of(ref) == [below]
    told.edit(ref, told.render(CRISIS, NOW), NOW + timedelta(minutes=1))
    assert "57 people upset" in server.shown(ref)["body"]


def test_the_largest_message_that_we_send_is_taken_also_as_a_change(server: RealSynapse) -> None:
    told = channel(server)
    for number, sign in enumerate(["x", "寿", "&", '"', "\\"]):
        message = told.render(swollen(sign), NOW)
        ref = told.post(message, f"large-{number}", NOW, "")
        told.edit(ref, message, NOW)
        assert sign in server.shown(ref)["body"]


def test_a_message_that_was_deleted_takes_a_change_and_shows_nothing(server: RealSynapse) -> None:
    told = channel(server)
    ref = told.post(told.render(FIRST, NOW), "deleted", NOW, "")
    server._call("PUT", f"rooms/{server.room_id}/redact/{ref}/txn-redact", {})
    told.edit(ref, told.render(TAKEN, NOW), NOW)
    assert "body" not in server.shown(ref) or "Alex" not in server.shown(ref)["body"]


def test_a_stranger_is_refused_and_the_check_knows_the_room(server: RealSynapse) -> None:
    channel(server).check()
    stranger = channel(server, token="syt_nobody")
    for act in (stranger.check, lambda: stranger.send(stranger.render(FIRST, NOW), "stranger", NOW)):
        with pytest.raises(Unauthorized):
            act()
    with pytest.raises(RemoteError):
        channel(server, room_id="!nosuchroom:localhost").check()


def _paused(told: Matrix, delivery_id: str) -> int:
    """Send it, waiting as long as the server asks; how often that was."""
    n_paused = 0
    while True:
        now = datetime.now(UTC)
        try:
            told.send(told.render(FIRST, NOW), delivery_id, now)
        except RateLimited as error:
            n_paused, until = n_paused + 1, error.retry_at or now + timedelta(hours=1)
        else:
            return n_paused
        assert timedelta(0) <= until - now < timedelta(seconds=10)
        sleep(max(0.0, (until - datetime.now(UTC)).total_seconds()))


def test_a_busy_server_says_how_long_and_then_takes_each_message_once(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with RealSynapse(tmp_path_factory.mktemp("busy"), per_second=2, burst=3) as server:
        told = channel(server)
        assert sum(_paused(told, f"busy-{number}") for number in range(8)) > 0
        assert len(server.events()) == 8
