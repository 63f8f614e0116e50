"""[signals.<name>] and [second_opinion]: what they make, and what is refused with the nearest name."""

import json
import re
import tomllib
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor import log, signals
from monitor.cli.root import heedful
from monitor.core.durations import parse_duration
from monitor.errors import ConfigErrors
from monitor.files import shipped
from monitor.model import Author, Comment
from monitor.settings import Settings
from monitor.settings.tables import SecondOpinionSettings
from tests.own_signals import Failing
from tests.settings.places import ENVIRON, WHOLE, load
from tests.signals.test_own import AT, TEXTS

LOYAL = '[signals.loyal]\nuse = "tests.own_signals:Loyal"\n'
ASKED = '[second_opinion]\nbase_url = "http://127.0.0.1:11434/v1"\nmodel = "qwen2.5"\n'


def read(directory: Path, text: str, rules: str = "", **environ: str) -> Settings:
    (directory / "own.toml").write_text(rules, encoding="utf-8")
    named = 'rules = ["shipped", "own.toml"]\n' if rules else ""
    return load(directory, named + WHOLE + text, {**ENVIRON, **environ})


def refused(directory: Path, text: str, rules: str = "") -> dict[str, str]:
    with pytest.raises(ConfigErrors) as caught:
        read(directory, text, rules)
    return {error.key: error.reason for error in caught.value.errors}


def test_a_signal_of_ones_own_is_made_with_its_settings(tmp_path: Path) -> None:
    own = read(tmp_path, LOYAL + 'word = "hi"\n').signals
    assert [found["loyal"] for found in signals.measure(TEXTS, own)] == [0.1, 0.9]


def test_other_settings_are_another_version(tmp_path: Path) -> None:
    versions = {
        signals.version(read(tmp_path, text).signals)
        for text in ("", LOYAL, LOYAL + 'word = "hi"\n', LOYAL.replace("loyal]", "regular]"))
    }
    assert len(versions) == 4


def test_rules_may_ask_for_it_and_say_its_words(tmp_path: Path) -> None:
    rules = '[rules.regular]\nseverity = "low"\nwhen = { signal = "loyal", at_least = 0.8 }\n'
    settings = read(tmp_path, LOYAL, rules)
    (trial,) = [t for t in settings.rules.test_text("I always come here") if t.rule == "regular"]
    assert trial.holds
    reason = trial.finding.reason
    assert reason is not None
    assert (reason.says, reason.words) == ("loyal 0.90 (at least 0.8)", ("always",))
    assert reason.signal_version.startswith("2.")


@pytest.mark.parametrize(
    "when",
    [
        '{ signal = "loyl", at_least = 0.8 }',
        '{ people = 3, signal = "loyl", at_least = 0.8, within = "1h" }',
        '{ together = "loyl", at_least = 0.8, within = "1h" }',
    ],
)
def test_a_rule_that_misnames_it_is_refused_with_the_nearest_name(tmp_path: Path, when: str) -> None:
    found = refused(tmp_path, LOYAL, f'[rules.regular]\nseverity = "low"\nwhen = {when}\n')
    assert ['did you mean "loyal"' in reason for reason in found.values()] == [True]


def test_a_signal_of_names_cannot_be_compared_with_a_number(tmp_path: Path) -> None:
    rules = '[rules.regular]\nseverity = "low"\nwhen = { signal = "mood", at_least = 0.8 }\n'
    found = refused(tmp_path, '[signals.mood]\nuse = "tests.own_signals:Mood"\n', rules)
    assert "rules.regular.when.signal" in found


@pytest.mark.parametrize(
    ("table", "key", "says"),
    [
        ('[signals.angry]\nuse = "tests.own_signals:Loyal"\n', "signals.angry", "heedful's"),
        ('[signals.Loyal]\nuse = "tests.own_signals:Loyal"\n', "signals.Loyal", "small letters"),
        ("[signals.loyal]\n", "signals.loyal.use", "package.module:Class"),
        ('[signals.loyal]\nuse = "tests.own_signals"\n', "signals.loyal.use", "package.module:Class"),
        ('[signals.loyal]\nuse = "tests.nowhere:Loyal"\n', "signals.loyal", "No module named"),
        ('[signals.loyal]\nuse = "tests.own_signals:Loyl"\n', "signals.loyal", "Loyl"),
        (LOYAL + "wrod = 1\n", "signals.loyal", "wrod"),
        ('[signals.loyal]\nuse = "tests.own_signals:Broken"\n', "signals.loyal", "no weights"),
        ('[signals.loyal]\nuse = "tests.own_signals:Percent"\n', "signals.loyal", "range"),
        ('[signals]\nloyal = "x"\n', "signals.loyal", "must be a table"),
    ],
)
def test_what_cannot_be_a_signal_is_refused_with_its_key(tmp_path: Path, table: str, key: str, says: str) -> None:
    assert says in refused(tmp_path, table)[key]


def test_an_outage_of_a_signal_is_logged_when_it_begins_and_when_it_is_over(tmp_path: Path) -> None:
    lines = StringIO()
    log.start("json", lines)
    own = read(tmp_path, '[signals.failing]\nuse = "tests.own_signals:Failing"\n').signals
    for is_broken in (True, True, True, False, False):
        Failing.is_broken = is_broken
        signals.measure(TEXTS, own)
    Failing.is_broken = True
    said = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [(line["event"], line["signal"]) for line in said] == [
        ("signal.lost", "failing"),
        ("signal.recovered", "failing"),
    ]
    assert said[0]["says"].startswith("RuntimeError in own_signals.py, line ")
    assert said[1]["n_failures"] == 3
    assert "always" not in lines.getvalue()


def test_a_second_opinion_has_the_settings_that_the_documentation_names(tmp_path: Path) -> None:
    found = read(tmp_path, ASKED + 'api_key_env = "LLM_KEY"\n', LLM_KEY="sk-secret").second_opinion
    assert found is not None
    assert (found.base_url, found.model, found.api_key) == ("http://127.0.0.1:11434/v1", "qwen2.5", "sk-secret")
    assert found.signals == ("angry", "mistake", "needs_reply")
    assert (found.band, found.weight, found.budget_per_day) == (0.15, 0.5, 200)
    assert (found.timeout, found.include_private) == (timedelta(seconds=20), False)
    assert "sk-secret" not in repr(found)


def test_the_shipped_configuration_shows_every_setting_of_it_with_its_default() -> None:
    text = shipped("config", "heedful.toml").read_text(encoding="utf-8")
    shown = tomllib.loads(re.sub(r"(?m)^#(?! |$)", "", text[text.index("#[second_opinion]") :]))["second_opinion"]
    defaults = {name: info.default for name, info in SecondOpinionSettings.model_fields.items()}
    assert set(shown) == set(defaults)
    shown |= {"timeout": parse_duration(shown["timeout"]), "signals": tuple(shown["signals"])}
    assert {name: shown[name] for name in set(defaults) - {"base_url", "model"}} == {
        name: defaults[name] for name in set(defaults) - {"base_url", "model"}
    }


def test_the_signal_of_the_documentation_works_as_it_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = shipped("docs", "signals.md").read_text(encoding="utf-8")
    table, code = (re.findall(rf"```{kind}\n(.*?)```", page, re.DOTALL)[0] for kind in ("toml", "python"))
    (tmp_path / "my_signals.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    own = read(tmp_path, table).signals
    comment = Comment("1", "comment", "I always come here, for years!", Author("kim", "Kim"), AT)
    assert signals.measure([comment], own)[0]["loyal"] == pytest.approx(0.8)
    assert signals.explain("loyal", comment, own) == ("always", "years")


def test_the_command_that_tries_a_text_shows_it(tmp_path: Path) -> None:
    load(tmp_path, LOYAL, {})
    result = CliRunner().invoke(heedful, ["--config", str(tmp_path / "heedful.toml"), "rules", "test", "I always come"])
    assert "loyal 0.90  (always)" in result.output


def test_without_the_table_there_is_none(tmp_path: Path) -> None:
    assert read(tmp_path, "").second_opinion is None


@pytest.mark.parametrize(
    ("more", "key", "says"),
    [
        ('signals = ["angy"]\n', "second_opinion.signals", 'did you mean "angry"'),
        ('signals = ["language"]\n', "second_opinion.signals", "there is no signal"),
        ('timeout = "1h"\n', "second_opinion.timeout", "five minutes"),
        ("weight = 2\n", "second_opinion.weight", "less than or equal to 1"),
        ("budget_per_day = 0\n", "second_opinion.budget_per_day", "greater"),
        ("bund = 0.1\n", "second_opinion.bund", 'did you mean "band"'),
    ],
)
def test_what_it_cannot_be_is_refused_with_its_key(tmp_path: Path, more: str, key: str, says: str) -> None:
    assert says in refused(tmp_path, ASKED + more)[key]


def test_its_address_must_be_one_of_the_web(tmp_path: Path) -> None:
    found = refused(tmp_path, ASKED.replace("http://", "ftp://"))
    assert "http://" in found["second_opinion.base_url"]


def test_it_may_be_asked_about_a_signal_of_ones_own(tmp_path: Path) -> None:
    found = read(tmp_path, LOYAL + ASKED + 'signals = ["loyal"]\n').second_opinion
    assert found is not None
    assert found.signals == ("loyal",)
