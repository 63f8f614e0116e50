"""The health port over real HTTP: alive, ready, and the figures, with a store that answers and one that does not."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from sqlalchemy import text

from monitor.app import App, build, read_settings, utc_now
from monitor.scheduler import Daemon
from monitor.store.engine import writing
from monitor.web.health import HealthServer

CONFIG = """
[database]
url = "sqlite:///health.db"
[daemon]
health_port = 0
[brands.shop]
[sources.letters]
brand = "shop"
connector = "file"
path = "drop"
[channels.console]
kind = "console"
"""


@dataclass
class Port:
    """The health port of a daemon whose clock can be put forward."""

    app: App
    daemon: Daemon
    server: HealthServer

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urlopen(f"http://127.0.0.1:{self.server.port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()


@pytest.fixture
def port(tmp_path: Path) -> Iterator[Port]:
    (tmp_path / "drop").mkdir()
    (tmp_path / "heedful.toml").write_text(CONFIG, encoding="utf-8")
    app = build(read_settings(tmp_path / "heedful.toml"))
    app.upgrade()
    app.sync()
    daemon = Daemon(app)
    server = HealthServer(daemon)
    server.start()
    yield Port(app, daemon, server)
    server.stop()
    app.close()


def test_it_is_alive_while_every_queue_has_its_worker(port: Port) -> None:
    assert port.get("/healthz") == (503, '{"alive": false}')
    for pump in port.daemon.pumps.values():
        pump.start()
    assert port.get("/healthz") == (200, '{"alive": true}')
    assert all(pump.stop(10) for pump in port.daemon.pumps.values())
    assert port.get("/healthz") == (503, '{"alive": false}')


def test_it_is_ready_until_a_queue_is_late(port: Port) -> None:
    status, body = port.get("/readyz")
    assert (status, json.loads(body)["late_s"]) == (200, {})
    assert set(json.loads(body)["lag_s"]) == {"sources", "threads", "alerts", "deliveries", "links", "digests"}
    port.app.now = lambda: utc_now() + timedelta(minutes=6)
    status, body = port.get("/readyz")
    assert status == 503
    assert json.loads(body)["late_s"]["sources"] >= 300


def test_the_figures_name_each_queue_and_each_source(port: Port) -> None:
    status, body = port.get("/metrics")
    assert status == 200
    for line in (
        'heedful_queue_lag_seconds{queue="deliveries"} 0.0',
        'heedful_source_failures{source="letters"} 0.0',
        'heedful_source_quarantined{source="letters"} 0.0',
    ):
        assert line in body.splitlines()
    assert 'heedful_source_read_age_seconds{source="letters"} ' in body


def test_a_store_that_does_not_answer_is_said_in_one_line_and_without_a_traceback(
    port: Port, capfd: pytest.CaptureFixture[str]
) -> None:
    with writing(port.app.engine) as connection:
        connection.execute(text("DROP TABLE sources"))
    for path in ("/readyz", "/metrics"):
        status, body = port.get(path)
        assert status == 503
        assert json.loads(body)["why"] == "the store: OperationalError"
    assert capfd.readouterr() == ("", "")


def test_another_path_is_not_there(port: Port) -> None:
    assert port.get("/../../etc/passwd") == (404, "/healthz, /readyz and /metrics are here\n")
