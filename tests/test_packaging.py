"""What is packaged fits the code: the container's files and configuration, and the service's command."""

import re
import shlex
from pathlib import Path

from monitor.app import read_settings
from monitor.cli.root import COMMANDS
from monitor.settings import DaemonSettings

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")


def test_everything_that_the_image_copies_exists_and_is_not_ignored() -> None:
    copied = [
        name for line in re.findall(r"^COPY (?!--from)(.+)", DOCKERFILE, re.MULTILINE) for name in line.split()[:-1]
    ]
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(copied) == sent
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_the_health_check_asks_where_the_daemon_answers() -> None:
    assert f"http://127.0.0.1:{DaemonSettings().health_port}/healthz" in DOCKERFILE
    assert f"EXPOSE {DaemonSettings().health_port}\n" in DOCKERFILE


def test_the_containers_configuration_is_valid() -> None:
    settings = read_settings(ROOT / "packaging" / "docker" / "heedful.toml")
    assert settings.database.url == "postgresql://heedful@db/heedful"
    assert settings.daemon.health_host == "0.0.0.0"
    assert settings.warnings == ()


def test_the_service_calls_a_command_that_exists() -> None:
    unit = (ROOT / "packaging" / "heedful.service").read_text(encoding="utf-8")
    (command,) = re.findall(r"^ExecStart=(.+)$", unit, re.MULTILINE)
    program, option, config, command_name = shlex.split(command)
    assert (Path(program).name, option, config) == ("heedful", "--config", "/etc/heedful/heedful.toml")
    assert command_name in COMMANDS


def test_the_service_waits_as_long_as_a_clean_stop_may_take() -> None:
    unit = (ROOT / "packaging" / "heedful.service").read_text(encoding="utf-8")
    (seconds,) = re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert int(seconds) > DaemonSettings().lease.total_seconds()
