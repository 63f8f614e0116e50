"""The example's configuration is one that heedful accepts, and differs from the shipped rules only where it says so."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor import example
from monitor.app import read_settings
from monitor.files import shipped

FIVE = {"unanswered", "angry", "mistake-many", "offensive-backlash", "hacked"}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[example.Example]:
    with example.start(tmp_path / "example") as started:
        yield started


def tables(*parts: str) -> dict[str, Any]:
    return tomllib.loads(shipped("config", *parts).read_text(encoding="utf-8"))["rules"]  # type: ignore[no-any-return]


def test_what_is_written_for_the_daemon_is_a_valid_configuration(running: example.Example) -> None:
    settings = read_settings(running.config_path)
    assert settings.warnings == ()
    assert settings.database.url == f"sqlite:///{running.directory}/heedful.db"
    assert {source.settings.base_url for source in settings.sources.values()} == {running.base_url}
    assert [channel.settings.imitate for channel in settings.channels.values()] == ["slack", "groupme"]


def test_its_rules_change_shipped_ones_and_invent_none() -> None:
    assert set(tables("example", "rules.toml")) <= set(tables("rules.toml"))


def test_one_rule_stands_for_each_of_the_five_situations(running: example.Example) -> None:
    settings, changed = read_settings(running.config_path), tables("example", "rules.toml")
    assert {name for name, rule in changed.items() if rule.get("enabled", True)} == FIVE
    told = {tables("rules.toml")[name]["playbook"] for name in FIVE}
    assert len(told) == 5
    assert told <= set(settings.playbooks)


def test_its_phrases_are_among_the_shipped_ones() -> None:
    for name, rule in tables("example", "rules.toml").items():
        assert phrases(rule.get("when")) <= phrases(tables("rules.toml")[name]["when"])


def phrases(when: Any) -> set[str]:
    """All phrases of a tree of conditions, but for what must not be said."""
    if isinstance(when, list):
        return set().union(*map(phrases, when))
    if not isinstance(when, dict):
        return set()
    return set(when.get("phrases", ())).union(*(phrases(when[key]) for key in ("all", "any") if key in when))
