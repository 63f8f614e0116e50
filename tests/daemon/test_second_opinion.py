"""The whole daemon with [second_opinion] and a signal of the user's own, both of somebody else's making."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep

import pytest

from monitor.app import build, read_settings
from monitor.model import make_id
from monitor.scheduler import Daemon
from monitor.store.comments import load_comments
from monitor.store.engine import reading
from tests.faults import FAULTS, FaultServer
from tests.flows.test_second_opinions import OURS, TEXT, says

CONFIG = """
[database]
url = "{url}"
[daemon]
tick = "50ms"
health_port = 0
[brands.shop]
[sources.box]
brand = "shop"
connector = "file"
path = "{box}"
every = "1s"
{more}
"""
ASKED = """
[second_opinion]
base_url = "{endpoint}/v1"
model = "qwen2.5"
signals = ["angry"]
band = 0.5
timeout = "2s"
[signals.failing]
use = "tests.own_signals:Failing"
"""


def wait_for(is_so: Callable[[], bool], seconds: float = 30) -> None:
    end = monotonic() + seconds
    while not is_so():
        assert monotonic() < end
        sleep(0.02)


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer(says(angry=0.95)) as server:
        yield server


def versions(daemon: Daemon) -> list[str]:
    with reading(daemon.app.engine) as connection:
        held = load_comments(connection, "shop", [make_id("shop", "file", "1")])
    return [stored.signals_version for stored in held.values()]


def write(directory: Path, url: str, more: str) -> Path:
    file = directory / "heedful.toml"
    file.write_text(CONFIG.format(url=url, box=directory / "box.jsonl", more=more), encoding="utf-8")
    return file


def say(directory: Path) -> None:
    row = {"native_id": "1", "text": TEXT, "author_name": "Kim", "created_at": datetime.now(UTC).isoformat()}
    (directory / "box.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")


def test_a_daemon_asks_when_the_table_is_there_also_after_a_reload(
    tmp_path: Path, database_url: str, server: FaultServer
) -> None:
    (tmp_path / "box.jsonl").write_text("", encoding="utf-8")
    file = write(tmp_path, database_url, "")
    daemon = Daemon(build(read_settings(file)))
    daemon.start()
    try:
        say(tmp_path)
        wait_for(lambda: bool(versions(daemon)))
        assert server.seen == []
        write(tmp_path, database_url, ASKED.format(endpoint=server.url))
        daemon.reload()
        wait_for(lambda: any("+llm:qwen2.5@0.95" in version for version in versions(daemon)))
        assert len(server.seen) == 1
        write(tmp_path, database_url, "")
        daemon.reload()
        wait_for(lambda: all("llm" not in version for version in versions(daemon)))
        assert "second_opinions" not in daemon.lags()
    finally:
        assert daemon.stop()


def test_a_daemon_whose_model_never_answers_ends_in_time(tmp_path: Path, sqlite_url: str, server: FaultServer) -> None:
    server.script = FAULTS["timeout"]
    (tmp_path / "box.jsonl").write_text("", encoding="utf-8")
    daemon = Daemon(build(read_settings(write(tmp_path, sqlite_url, ASKED.format(endpoint=server.url)))))
    daemon.start()
    try:
        say(tmp_path)
        wait_for(lambda: bool(server.seen))
    finally:
        started = monotonic()
        assert daemon.stop()
    assert monotonic() - started < 10


def test_the_text_is_one_on_which_ours_is_unsure() -> None:
    assert 0.01 < OURS < 0.9
