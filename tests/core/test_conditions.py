"""Conditions: the examples of docs/rules.md, what they say of themselves, and hostile texts."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from monitor.core.conditions import CONDITIONS
from monitor.core.matching import Matcher, Phrase, canonical
from monitor.core.rules import load_rules
from monitor.model import ThreadActs
from tests.core.threads_to_judge import NOON, facts_of, length, post_with, rules_where, stored, thread_of
from tests.growth import MOST, TIMES, growth

DOCS = Path(__file__).resolve().parents[2] / "docs/rules.md"


def _examples() -> list[dict[str, Any]]:
    blocks = re.findall(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    return [table for block in blocks if "when" in (table := tomllib.loads(block))]


ANGRY = {"signal": "angry", "at_least": 0.7}
HOSTILE = ["a", "\u0315\u0323", "(", "\ufdfa", "\0", "\ud800 broken"]
EXAMPLES = [
    pytest.param(table["when"], each, wanted, id=f"{next(iter(table['when']))}-{n}-{key}-{number}")
    for n, table in enumerate(_examples())
    for wanted, key in ((True, "holds"), (False, "fails"))
    for number, each in enumerate(table[key])
]


@pytest.mark.parametrize(("when", "example", "wanted"), EXAMPLES)
def test_each_example_in_the_documentation_is_true(when: dict[str, Any], example: dict[str, Any], wanted: bool) -> None:
    verdict = load_rules(rules_where(when)).evaluate(facts_of(example), NOON)
    assert bool(verdict.flags) is wanted


@pytest.mark.parametrize(("when", "example", "wanted"), EXAMPLES)
def test_not_turns_each_example_over(when: dict[str, Any], example: dict[str, Any], wanted: bool) -> None:
    if "people" in when and "people" not in example:
        pytest.skip("a condition on a post says nothing of a comment, and neither does its contrary")
    if ("own_post" in when or "vanished" in when) and not wanted:
        pytest.skip("a rule about us is silent where nothing was found")
    verdict = load_rules(rules_where({"not": when})).evaluate(facts_of(example), NOON)
    assert bool(verdict.flags) is not wanted


def test_the_documentation_shows_every_condition() -> None:
    shown = {key for table in _examples() for key in _keys(table["when"])}
    assert shown >= {*CONDITIONS, "all", "any", "not"}


def _keys(when: object) -> set[str]:
    if isinstance(when, dict):
        return set(when) | {key for value in when.values() for key in _keys(value)}
    return {key for value in when for key in _keys(value)} if isinstance(when, list) else set()


@pytest.mark.parametrize(("when", "example", "wanted"), EXAMPLES)
def test_every_condition_says_what_it_found_whether_it_holds_or_not(
    when: dict[str, Any], example: dict[str, Any], wanted: bool
) -> None:
    (trial, *_) = load_rules(rules_where(when)).explain(facts_of(example), NOON)
    assert trial.holds is wanted
    assert all(len(line) > 4 for line in trial.finding.lines())


def test_a_reason_carries_words_value_threshold_comment_and_version() -> None:
    rules = load_rules(
        rules_where({"all": [{"signal": "angry", "at_least": 0.7}, {"phrases": ["refund", "never again"]}]})
    )
    facts = thread_of([{"text": "fine"}, {"text": "Never AGAIN! Refund me", "signals": {"angry": 0.83}}])
    (flag,) = rules.evaluate(facts, NOON).flags
    angry, says = flag.reasons
    assert (angry.condition, angry.value, angry.threshold, angry.comment_id) == ("signal", 0.83, 0.7, 2)
    assert angry.signal_version == "7"
    assert "0.83" in angry.says
    assert set(says.words) == {"refund", "never again"}
    assert flag.evidence == (2,)


def test_the_reason_of_a_pattern_is_what_it_matched() -> None:
    rules = load_rules(rules_where({"pattern": r"(?i)order\s*#\d+"}))
    (flag,) = rules.evaluate(thread_of([{"text": "Wo ist Ördér? ORDER #77 fehlt"}]), NOON).flags
    assert flag.reasons[0].words == ("ORDER #77",)


def test_the_reason_of_many_people_names_how_many_and_rests_on_their_comments() -> None:
    people = [{"author": name, "ago": "20m", "signals": {"angry": 0.9}} for name in ("Ana", "Ben", "Cem")]
    calm = {"author": "Dan", "ago": "20m", "signals": {"angry": 0.1}}
    rules = load_rules(rules_where({"people": 3, "within": "1h", "signal": "angry", "at_least": 0.6}))
    (flag,) = rules.evaluate(post_with([*people, calm]), NOON).flags
    assert (flag.reasons[0].value, flag.reasons[0].threshold, flag.reasons[0].signal_version) == (3.0, 3.0, "angry=7")
    assert flag.evidence == (1, 2, 3)
    assert flag.thread_id == 99


def test_closing_the_post_ends_a_pile_on_until_new_people_write() -> None:
    people = [{"author": name, "ago": "20m"} for name in ("Ana", "Ben", "Cem")]
    rules = load_rules(rules_where({"people": 2, "within": "1h"}))
    closed = ThreadActs(closed_at=NOON - length("10m"))
    assert not rules.evaluate(post_with(people, acts=closed), NOON).flags
    more = [{"author": name, "ago": "5m"} for name in ("Dan", "Eva")]
    assert rules.evaluate(post_with([*people, *more], acts=closed), NOON).flags[0].evidence == (4, 5)


def test_a_platform_whose_clock_is_wrong_cannot_keep_a_pile_on_alive() -> None:
    rules = load_rules(rules_where({"people": 2, "within": "1h", "lasts": "2h"}))
    facts = post_with([{"author": name, "ago": "3h"} for name in ("Ana", "Ben")])
    wrong = [replace(it, comment=replace(it.comment, created_at=NOON + length("99d"))) for it in facts.subject_people]
    assert not rules.evaluate(replace(facts, subject_people=wrong), NOON).flags


def test_a_reply_to_somebody_else_is_not_the_reply_that_an_edit_came_after() -> None:
    edited = {"author": "Ana", "ago": "5h", "edited": "1h"}
    other = {"author": "Ben", "ago": "5h", "replied": "3h"}
    rules = load_rules(rules_where({"edited_after_reply": True}))
    assert not rules.evaluate(thread_of([edited, other]), NOON).flags
    assert rules.evaluate(thread_of([{**edited, "replied": "3h"}, other]), NOON).flags[0].evidence == (1,)


@given(st.text())
def test_any_text_has_a_canonical_form_that_is_its_own(text: str) -> None:
    once = canonical(text)
    assert Matcher().search(text) == frozenset()
    assert "  " not in once


@given(st.text(alphabet="aäß'’ .1Éé乗🤬", min_size=1, max_size=12), st.text(max_size=9), st.text(max_size=9))
def test_a_phrase_is_found_between_blanks_in_any_case(phrase: str, before: str, after: str) -> None:
    assume(canonical(phrase))
    matcher = Matcher()
    number = matcher.add_phrase(phrase)
    matcher.build()
    assert number in matcher.search(f"{before} . {phrase} . {after}")
    assert number in matcher.search(f"{before} . {phrase.upper()} . {after}")


@given(st.lists(st.text(alphabet="ab* .", max_size=6), max_size=6), st.text(alphabet="ab .", max_size=30))
def test_the_automaton_finds_what_looking_for_each_phrase_alone_finds(phrases: list[str], text: str) -> None:
    matcher, alone = Matcher(), {}
    for written in phrases:
        try:
            alone[matcher.add_phrase(written)] = Phrase.of(written)
        except ValueError:
            continue
    matcher.build()
    assert matcher.search(text) == {number for number, phrase in alone.items() if phrase.is_in(canonical(text))}


@pytest.mark.slow
def test_more_patterns_than_one_automaton_can_hold_are_still_all_found() -> None:
    matcher = Matcher()
    numbers = [matcher.add_pattern(rf"(\pL|\d){{20,40}}x{n:03}") for n in range(150)]
    matcher.build()
    assert matcher.search("a" * 30 + "x077") == {numbers[77]}


@pytest.mark.parametrize("text", HOSTILE)
def test_what_hostile_texts_cost_grows_no_faster_than_they_and_they_break_nothing(text: str) -> None:
    rules = load_rules(rules_where({"any": [{"pattern": "(a*)*bx"}, {"pattern": r"(\(+)+\)"}, {"phrases": ["hello"]}]}))

    def evaluate(n: int) -> None:
        assert not rules.evaluate(thread_of([{"text": "a" + text * n}]), NOON).flags

    evaluate(1)
    assert growth(evaluate, 100_000 // TIMES) < MOST


def test_a_comment_from_the_year_9999_breaks_nothing() -> None:
    rules = load_rules(
        rules_where({"any": [{"waiting": "4h", "clock": "clock"}, {"waiting": "4h"}, {"older_than": "2d"}]})
    )
    late = stored({}, 1).comment.created_at.replace(year=9999, month=12, day=31)
    facts = thread_of([{}])
    comment = replace(facts.comments[1], comment=replace(facts.comments[1].comment, created_at=late))
    customer = replace(facts.state.customers[0], awaiting_since=late)
    facts = replace(facts, comments={1: comment}, state=replace(facts.state, customers=(customer,)))
    assert not rules.evaluate(facts, NOON).flags


def test_each_customer_of_a_thread_waits_by_their_own_clock() -> None:
    rules = load_rules(rules_where({"waiting": "4h", "clock": "clock"}))
    verdict = rules.evaluate(thread_of([{"author": "Ana", "ago": "1h"}, {"author": "Ben", "ago": "9h"}]), NOON)
    assert verdict.flags[0].evidence == (2,)
    assert verdict.due_at == NOON + length("3h")


@pytest.mark.parametrize(
    ("when", "due_in"),
    [
        ({"all": [{"older_than": "1h"}, {"older_than": "4h"}]}, "4h"),
        ({"any": [{"older_than": "1h"}, {"older_than": "4h"}]}, "1h"),
        ({"all": [{"phrases": ["no such word"]}, {"older_than": "4h"}]}, None),
        ({"any": [{"is_bot": False}, {"older_than": "4h"}]}, None),
        ({"all": [{"younger_than": "1h"}, {"not": {"older_than": "4h"}}]}, "1h"),
        ({"not": {"any": [{"younger_than": "2h"}, {"younger_than": "3h"}]}}, "3h"),
    ],
)
def test_a_tree_is_due_when_it_could_first_change_and_not_when_a_part_of_it_does(
    when: dict[str, Any], due_in: str | None
) -> None:
    due_at = load_rules(rules_where(when)).evaluate(thread_of([{"ago": "0m"}]), NOON).due_at
    assert due_at == (NOON + length(due_in) if due_in else None)
