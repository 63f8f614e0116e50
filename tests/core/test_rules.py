"""Rule files: what is refused and how it is said, how files combine, and what a flag carries."""

import os
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from monitor.core.rules import Known, RuleSet, list_files, load_rules, parse_list
from monitor.errors import ConfigError
from monitor.model import Severity, ThreadActs, ThreadState, show_id
from tests.core.threads_to_judge import NOON, facts_of, length, post_with, rules_where, thread_of

ROOT = Path(__file__).resolve().parents[2]
KNOWN = Known(
    playbooks={"ranting-customer"},
    routes={"legal"},
    brands={"bakery"},
    sources={"blog"},
    platforms={"isso", "mastodon"},
)
ANGRY = {"signal": "angry", "at_least": 0.7}


def _load(text: str) -> RuleSet:
    return load_rules([("my.toml", tomllib.loads(text))], KNOWN)


REFUSED = [
    ('when = { phrase = ["x"] }', "rules.it.when.phrase", "phrases"),
    ('when = { waiting = "4 hours" }', "rules.it.when.waiting", '"2h"'),
    ('when = { waiting = "0m" }', "rules.it.when.waiting", "duration"),
    ('when = { waiting = "4h", clock = "busines" }', "rules.it.when.clock", '"business"'),
    ('when = { waiting = "4h", at_least = 3 }', "rules.it.when.at_least", "unknown key"),
    ('when = { signal = "angri", at_least = 0.7 }', "rules.it.when.signal", '"angry"'),
    ('when = { signal = "angry" }', "rules.it.when.signal", "at_least"),
    ('when = { signal = "angry", at_least = 0.7, below = 0.9 }', "rules.it.when.signal", "exactly one"),
    ('when = { signal = "angry", at_least = 70 }', "rules.it.when.at_least", "from 0 to 1"),
    ('when = { signal = "angry", at_least = nan }', "rules.it.when.at_least", "from 0 to 1"),
    ("when = { stars_at_most = true }", "rules.it.when.stars_at_most", "number"),
    ('when = { pattern = "(" }', "rules.it.when.pattern", "missing )"),
    ('when = { pattern = "(?=a)" }', "rules.it.when.pattern", "RE2"),
    ('when = { pattern = "a*" }', "rules.it.when.pattern", "everything"),
    ("when = { pattern = '(\\pL{90}){90}' }", "rules.it.when.pattern", "RE2"),
    ('when = { pattern = "' + "a" * 1001 + '" }', "rules.it.when.pattern", "1000"),
    ("when = { phrases = [] }", "rules.it.when.phrases", "list of texts"),
    ('when = { phrases = ["**"] }', "rules.it.when.phrases", "nothing to look for"),
    ('when = { phrases = ["' + "a" * 201 + '"] }', "rules.it.when.phrases", "200"),
    ('when = { kind = "reviews" }', "rules.it.when.kind", '"review"'),
    ('when = { platform = "mastadon" }', "rules.it.when.platform", '"mastodon"'),
    ('when = { source = "blogg" }', "rules.it.when.source", '"blog"'),
    ('when = { brand = "bakeri" }', "rules.it.when.brand", '"bakery"'),
    ('when = { author_in = "frends" }', "rules.it.when.author_in", "there is no list"),
    ("when = { is_bot = 1 }", "rules.it.when.is_bot", "true or false"),
    ("when = {}", "rules.it.when", "empty"),
    ("when = 3", "rules.it.when", "table"),
    ("when = { all = [] }", "rules.it.when.all", "list of conditions"),
    ('when = { all = [{ kind = "review" }, { stars = 2 }] }', "rules.it.when.all[1].stars", "stars_at"),
    ('when = { kind = "review", stars_at_most = 2 }', "rules.it.when.stars_at_most", "all = ["),
    ('when = { not = { kind = "post", x = 1 } }', "rules.it.when.not.x", "unknown key"),
    ("when = { people = 3 }", "rules.it.when.within", "duration"),
    ('when = { people = 0, within = "1h" }', "rules.it.when.people", "from 1"),
    ('when = { people = 3, within = "1h", signal = "angry" }', "rules.it.when.at_least", "number"),
    ('when = { people = 3, within = "1h", at_least = 0.5 }', "rules.it.when.at_least", "unknown key"),
    ('playbook = "ranting-costumer"\nwhen = { is_bot = true }', "rules.it.playbook", '"ranting-customer"'),
    ('route = "leagl"\nwhen = { is_bot = true }', "rules.it.route", '"legal"'),
    ('group_by = "threads"\nwhen = { is_bot = true }', "rules.it.group_by", '"thread"'),
    ('titel = "x"\nwhen = { is_bot = true }', "rules.it.titel", '"title"'),
    ('enabled = "no"\nwhen = { is_bot = true }', "rules.it.enabled", "true or false"),
    ("title = 'no condition'", "rules.it.when", "missing"),
]


@pytest.mark.parametrize(("rule", "key", "hint"), REFUSED)
def test_a_faulty_rule_is_refused_with_file_key_reason_and_nearest_name(rule: str, key: str, hint: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        _load(f'[rules.it]\nseverity = "high"\n{rule}')
    assert (refusal.value.file, refusal.value.key) == ("my.toml", key)
    assert hint in refusal.value.reason


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        ('[rules.it]\nseverity = "hihg"\nwhen = { is_bot = true }', "rules.it.severity", '"high"'),
        ("[rules.it]\nwhen = { is_bot = true }", "rules.it.severity", "missing"),
        ('[rules."it is"]\nseverity = "high"\nwhen = { is_bot = true }', "rules.it is", "letters"),
        ("[rule.it]\nseverity = 'high'", "rule", '"rules"'),
        ("rules = 3", "rules", "table"),
        ("[rules]\nit = 3", "rules.it", "table"),
        ("lists = 3", "lists", "table"),
        ("[lists]\nfriends = [3]", "lists.friends", "text"),
        ('[lists]\nfriends = { file = "friends.txt" }', "lists.friends.file", "not read"),
    ],
)
def test_a_faulty_file_is_refused_with_file_key_and_reason(text: str, key: str, hint: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        _load(text)
    assert (refusal.value.file, refusal.value.key) == ("my.toml", key)
    assert hint in refusal.value.reason


def test_conditions_nested_without_end_are_refused_and_break_nothing() -> None:
    when: dict[str, Any] = {"is_bot": True}
    for _ in range(5_000):
        when = {"not": when}
    with pytest.raises(ConfigError, match="nested more than 20 deep"):
        load_rules(rules_where(when))


def test_a_later_file_changes_a_rule_key_by_key_and_is_named_when_it_is_wrong() -> None:
    first = ("shipped.toml", {"rules": {"it": {"severity": "low", "title": "Ours", "when": {"is_bot": False}}}})
    second = ("mine.toml", {"rules": {"it": {"severity": "crisis"}}})
    (flag,) = load_rules([first, second]).evaluate(thread_of([{}]), NOON).flags
    assert flag.severity is Severity.CRISIS
    assert load_rules([first, second]).titles == {"it": "Ours"}
    with pytest.raises(ConfigError, match=r"mine\.toml: rules\.it\.severity"):
        load_rules([first, ("mine.toml", {"rules": {"it": {"severity": "none"}}})])


def test_a_rule_turned_off_raises_nothing_and_is_still_explained() -> None:
    rules = load_rules(rules_where({"is_bot": False}, enabled=False))
    assert not rules.evaluate(thread_of([{}]), NOON).flags
    (trial,) = rules.explain(thread_of([{}]), NOON)
    assert (trial.holds, trial.is_enabled) == (True, False)


def test_a_list_may_be_kept_in_a_file() -> None:
    tables = [("r.toml", {"lists": {"team": {"file": "t.txt"}}, **rules_where({"author_in": "team"})[0][1]})]
    assert list_files(tables) == {"team": "t.txt"}
    rules = load_rules(tables, lists={"team": parse_list("# us\n\n@ana # the boss\nmastodon:77\n")})
    assert rules.evaluate(thread_of([{"handle": "Ana"}]), NOON).flags
    assert rules.evaluate(thread_of([{"platform": "mastodon", "author_id": "77"}]), NOON).flags
    assert not rules.evaluate(thread_of([{"handle": "boss"}]), NOON).flags


def test_a_snoozed_thread_raises_nothing_until_the_snooze_ends() -> None:
    rules = load_rules(rules_where({"is_bot": False}))
    until = NOON + length("2h")
    facts = thread_of([{}], acts=ThreadActs(snoozed_until=until))
    assert rules.evaluate(facts, NOON) == replace(rules.evaluate(facts, NOON), flags=(), due_at=until)
    assert rules.evaluate(facts, until).flags


def test_a_thread_where_nobody_waits_raises_nothing() -> None:
    facts = replace(thread_of([{}]), state=ThreadState(None, (), (), 1, NOON))
    assert not load_rules(rules_where({"is_bot": False})).evaluate(facts, NOON).flags


def test_the_state_of_the_thread_may_change_before_any_rule_does() -> None:
    rules = load_rules(rules_where({"waiting": "4h", "clock": "clock"}))
    soon = NOON + length("1h")
    assert rules.evaluate(thread_of([{}], due_at=soon), NOON).due_at == soon
    assert rules.evaluate(thread_of([{}]), NOON).due_at == NOON + length("230m")


def test_a_flag_is_history_only_if_all_that_it_rests_on_is() -> None:
    rules = load_rules(rules_where({"is_bot": False}))
    old, new = {"is_history": True}, {"is_history": False}
    (flag,) = rules.evaluate(thread_of([old, old]), NOON).flags
    assert (flag.is_history, flag.evidence) == (True, (1, 2))
    (flag,) = rules.evaluate(thread_of([old, new]), NOON).flags
    assert (flag.is_history, flag.evidence) == (False, (2,))


def test_a_pile_on_of_history_is_history() -> None:
    rules = load_rules(rules_where({"people": 2, "within": "1h"}))
    people = [{"author": "Ana", "is_history": True}, {"author": "Ben", "is_history": True}]
    assert rules.evaluate(post_with(people), NOON).flags[0].is_history
    assert not rules.evaluate(post_with([*people, {"author": "Cem"}]), NOON).flags[0].is_history


@pytest.mark.parametrize(
    ("group_by", "key"),
    [
        ("thread", f"it@thread:{show_id(1)}"),
        ("subject", f"it@subject:{show_id(77)}"),
        ("source", "it@source:blog"),
        ("brand", "it@brand"),
        ("author", "it@author:isso:ana"),
    ],
)
def test_flags_are_grouped_by_what_the_rule_says(group_by: str, key: str) -> None:
    rules = load_rules(rules_where({"is_bot": False}, group_by=group_by))
    example = {"subject": 77, "source": "blog", "platform": "isso", "author_id": "ana"}
    (flag,) = rules.evaluate(facts_of(example), NOON).flags
    assert flag.group_key == key
    assert (flag.platform, flag.source_id) == ("isso", "blog")


def test_a_pile_on_is_grouped_with_what_is_said_of_its_post() -> None:
    rules = load_rules(rules_where({"people": 1, "within": "1h"}, group_by="subject"))
    (flag,) = rules.evaluate(post_with([{"subject": 99}]), NOON).flags
    assert flag.group_key == f"it@subject:{show_id(99)}"


def test_the_most_urgent_flag_comes_first() -> None:
    table = {name: {"severity": name, "when": {"is_bot": False}} for name in ("low", "crisis", "medium", "high")}
    flags = load_rules([("r.toml", {"rules": table})]).evaluate(thread_of([{}]), NOON).flags
    assert [flag.severity for flag in flags] == ["crisis", "high", "medium", "low"]


def test_the_rules_say_what_must_be_loaded_for_them() -> None:
    plain = load_rules(rules_where(ANGRY))
    assert (plain.needs_first_timer, plain.people_window) == (False, None)
    tree = {"any": [{"not": {"first_timer": True}}, {"people": 2, "within": "1h", "lasts": "3h"}]}
    both = load_rules(rules_where(tree))
    assert (both.needs_first_timer, both.people_window) == (True, length("4h"))
    off = load_rules(rules_where(tree, enabled=False))
    assert (off.needs_first_timer, off.people_window) == (False, None)


def test_a_condition_on_people_beside_others_holds_for_either() -> None:
    rules = load_rules(rules_where({"any": [{"people": 2, "within": "1h"}, {"phrases": ["hacked"]}]}))
    assert rules.evaluate(thread_of([{"text": "hacked?"}]), NOON).flags[0].evidence == (1,)
    assert not rules.evaluate(thread_of([{"text": "nice"}]), NOON).flags
    assert rules.evaluate(post_with([{"author": "Ana"}, {"author": "Ben"}]), NOON).flags[0].evidence == (1, 2)


def test_trying_a_text_explains_rule_by_rule_what_held() -> None:
    rules = load_rules(rules_where({"all": [{"phrases": ["lawyer"]}, {"waiting": "4h"}]}))
    (trial,) = rules.test_text("My lawyer will call you", waiting=length("3h"))
    assert not trial.holds
    lines = list(trial.finding.lines())
    assert lines[0] == "- all of these"
    assert lines[1] == "  + says “lawyer”: says “lawyer”"
    assert lines[2].startswith("  - has waited 4h of business hours: waiting since 2026-11-18 09:00 UTC")
    (trial,) = rules.test_text("My lawyer will call you", waiting=length("5h"))
    assert trial.holds


def test_the_digest_changes_with_whatever_a_verdict_depends_on_and_with_nothing_else() -> None:
    base = load_rules(rules_where(ANGRY)).digest
    assert load_rules(rules_where(ANGRY, title="Another title")).digest == base
    changed = [
        load_rules(rules_where({**ANGRY, "at_least": 0.71})),
        load_rules(rules_where(ANGRY, severity="low")),
        load_rules(rules_where(ANGRY, group_by="brand")),
        load_rules(rules_where(ANGRY, playbook="x")),
        load_rules(rules_where(ANGRY, enabled=False)),
        load_rules([(file, {**table, "lists": {"friends": ["@a"]}}) for file, table in rules_where(ANGRY)]),
    ]
    assert len({base, *(each.digest for each in changed)}) == 7


def test_the_digest_is_the_same_in_every_process() -> None:
    code = (
        "import tomllib; from monitor.core.rules import load_rules; "
        "print(load_rules([('r', tomllib.load(open('config/rules.toml', 'rb')))]).digest)"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(seen) == 1
