"""The daemon watches itself: told once, told when it is over, and a heartbeat whose silence is noticed."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import structlog
from sqlalchemy.engine import Engine

from monitor.core.self_watch import Limits
from monitor.flows.self_watch import Heartbeat, SelfWatch, free_bytes
from monitor.http import HttpClient
from monitor.store import alerts, quarantine
from monitor.store.engine import open_engine, reading, writing
from tests.flows.brand import SOURCE, Bakery

LIMITS = Limits(lag=timedelta(minutes=10), unreadable_per_hour=3, free_bytes=0)


@pytest.fixture
def bakery(engine: Engine) -> Bakery:
    return Bakery(engine)


def _watch(bakery: Bakery, limits: Limits = LIMITS) -> SelfWatch:
    return SelfWatch(bakery.engine, "bakery", limits, bakery.clock)


def _tell(bakery: Bakery) -> None:
    bakery.notify()
    bakery.deliver()


def test_a_queue_that_lags_is_told_once_and_once_more_when_it_has_caught_up(bakery: Bakery) -> None:
    watch = _watch(bakery)
    for _ in range(3):
        watch.look({"threads": timedelta(minutes=15)})
        _tell(bakery)
        bakery.later(minutes=1)
    assert bakery.told() == [("operator", "first")]
    assert "15 min behind" in bakery.slack.sent[0].says
    watch.look({"threads": timedelta(minutes=8)})
    _tell(bakery)
    assert len(bakery.told()) == 1
    watch.look({"threads": timedelta(0)})
    _tell(bakery)
    assert bakery.told() == [("operator", "first"), ("operator", "resolved")]


def test_a_quarantine_that_grows_is_told_by_its_source_until_an_hour_without(bakery: Bakery) -> None:
    with writing(bakery.engine) as connection:
        quarantine.keep(connection, "bakery", SOURCE, [("odd", f"payload {n}") for n in range(4)], bakery.now)
    watch = _watch(bakery)
    watch.look({})
    _tell(bakery)
    assert f"4 answers of {SOURCE}" in bakery.slack.sent[0].says
    bakery.later(minutes=61)
    watch.look({})
    _tell(bakery)
    assert [reason for _, reason in bakery.told()] == ["first", "resolved"]


def test_a_disk_that_fills_is_told_where_the_database_is_a_file(tmp_path: Path, bakery: Bakery) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/other.db")
    free = free_bytes(engine)
    engine.dispose()
    assert free is not None
    assert free > 0
    n = _watch(bakery, Limits(free_bytes=2**62)).look({})
    if bakery.engine.dialect.name == "sqlite":
        with reading(bakery.engine) as connection:
            assert (n, alerts.open_group_keys(connection, "bakery", "operator:")) == (1, ["operator:disk"])
    else:
        assert n == 0


class _Listener(BaseHTTPRequestHandler):
    heard: list[str]
    status: list[int]

    def do_GET(self) -> None:
        type(self).heard.append(self.path)
        self.send_response(type(self).status[0])
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def listener() -> Iterator[tuple[str, type[_Listener]]]:
    kind = type("Listener", (_Listener,), {"heard": [], "status": [200]})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/ping/7f3a-secret", kind
    server.shutdown()
    server.server_close()


def test_the_heartbeat_is_heard_and_its_failures_are_logged_once_without_its_address(
    listener: tuple[str, type[_Listener]],
) -> None:
    url, kind = listener
    http = HttpClient()
    heart = Heartbeat(http, url)
    with structlog.testing.capture_logs() as lines:
        assert heart.beat()
        kind.status[:] = [500]
        assert not heart.beat()
        assert not heart.beat()
        kind.status[:] = [200]
        assert heart.beat()
    http.close()
    assert kind.heard == ["/ping/7f3a-secret"] * 4
    assert [line["event"] for line in lines] == ["heartbeat.lost", "heartbeat.recovered"]
    assert "7f3a-secret" not in str(lines)
