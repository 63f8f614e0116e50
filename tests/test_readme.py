"""What newcomers and contributors read is true: files, commands, targets and figures that are named exist."""

import json
import re
from pathlib import Path

import pytest

from benchmarks.readme import LATEST, filled
from connectors import REGISTRY as CONNECTORS
from monitor.app import read_settings
from monitor.channels import REGISTRY as CHANNELS
from monitor.cli.root import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
PAGES = sorted((*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")))
FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", FENCED.sub("", page.read_text("utf-8")))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    named = re.findall(
        r"`((?:monitor|connectors|tests|config|docs|migrations|packaging|benchmarks|\.ci)/[\w./-]+)`",
        page.read_text("utf-8"),
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    targets = set(re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text("utf-8")))
    text = page.read_text("utf-8")
    named = set(re.findall(r"`make ([a-z]+)", text)) | set(re.findall(r"(?m)^\s*make ([a-z]+)", text))
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    shown = "\n".join(body for language, body in FENCED.findall(text) if language in ("", "sh"))
    named = re.findall(r"`heedful ([a-z]+)", text) + re.findall(r"(?m)^ *(?:\.venv/bin/)?heedful ([a-z]+)", shown)
    assert set(named) <= set(COMMANDS)


def test_the_readme_names_every_command_connector_and_channel() -> None:
    table = README[README.index("## The commands") : README.index("## What you can rely on")]
    assert [name for name in COMMANDS if not re.search(rf"\b{name}\b", table)] == []
    assert [name for name in (*CONNECTORS, *CHANNELS) if f"[`{name}`](docs/" not in README] == []


def test_the_readmes_first_configuration_is_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "BAKERY_MASTODON_TOKEN": "made-up",
        "BAKERY_SLACK_WEBHOOK": "https://hooks.slack.com/services/T0/B0/made-up",
        "BAKERY_GROUPME_BOT": "madeup",
    }.items():
        assert f"export {name}=" in README
        monkeypatch.setenv(name, value)
    (text,) = [body for language, body in FENCED.findall(README) if language == "toml"]
    (tmp_path / "heedful.toml").write_text(text, "utf-8")
    settings = read_settings(tmp_path / "heedful.toml")
    assert set(settings.sources) == {"mentions", "our-posts"}
    assert [(route.channels, route.severity, route.continue_) for route in settings.routes] == [
        (("owners",), "crisis", True),
        (("team",), "", False),
    ]


def test_the_readmes_figures_are_those_of_the_last_run() -> None:
    if not LATEST.exists():
        pytest.skip("there is no benchmarks/latest.json; make bench writes it")
    assert filled(README, json.loads(LATEST.read_text("utf-8"))) == README, "run: python -m benchmarks.readme"


def test_the_picture_shows_an_alert_and_fetches_nothing() -> None:
    picture = (ROOT / "docs" / "alert.svg").read_text("utf-8")
    words = picture.replace("&#160;", " ")
    assert "Several people point out a mistake in one post" in words
    assert "is it tonight" in re.sub(r"\s+", " ", re.sub(r"<[^>]+>|│", " ", words))
    assert re.findall(r"(?:href|src)=|@import|@font-face|url\((?!#)", picture) == []
