"""The rules and playbooks that we ship: they load, fit together, and say the right thing of the situations of old."""

import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor import signals
from monitor.core.playbooks import parse_playbook
from monitor.core.rules import Known, RuleSet, load_rules
from monitor.model import PlaybookBrief, show_id
from tests.core.threads_to_judge import NOON, post_with, stored, thread_of

CONFIG = Path(__file__).resolve().parents[2] / "config"
FILES = sorted((CONFIG / "playbooks").glob("*.md"))


def _playbooks() -> dict[str, PlaybookBrief]:
    read = [parse_playbook(path.read_text(encoding="utf-8"), path.name) for path in FILES]
    return {playbook.name: playbook for playbook in read}


def _rules(*more: tuple[str, dict[str, Any]]) -> RuleSet:
    table = tomllib.loads((CONFIG / "rules.toml").read_text(encoding="utf-8"))
    return load_rules([("rules.toml", table), *more], Known(playbooks=_playbooks(), routes=set()))


RULES = _rules()


def _measured(text: str, **fields: Any) -> dict[str, Any]:
    """An example with the signals that its text really has."""
    example = {"text": text, **fields}
    return {**example, "signals": signals.measure([stored(example).comment])[0]}


def _flagged(text: str, **fields: Any) -> set[str]:
    return {flag.rule for flag in RULES.evaluate(thread_of([_measured(text, **fields)]), NOON).flags}


def _flagged_post(texts: list[str], **fields: Any) -> set[str]:
    people = [_measured(text, author=f"Person {n}", ago=f"{60 - n}m", **fields) for n, text in enumerate(texts)]
    return {flag.rule for flag in RULES.evaluate(post_with(people), NOON).flags}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_playbook_is_complete_and_fits_a_chat_message(path: Path) -> None:
    playbook = parse_playbook(path.read_text(encoding="utf-8"), path.name)
    assert playbook.name == path.stem
    assert 4 <= len(playbook.steps) <= 9
    assert 2 <= len(playbook.avoid) <= 5
    assert all(len(step) <= 200 for step in playbook.steps + playbook.avoid)


def test_every_situation_has_its_playbook_and_every_playbook_its_rule() -> None:
    assert {rule.playbook for rule in RULES.rules} - {""} == set(_playbooks())
    assert set(_playbooks()) == {
        "hacked-account", "offensive-post", "ranting-customer", "wrong-information", "ignored-customers",
        "accidental-post", "good-comment", "cover-up",
    }  # fmt: skip


def test_every_rule_has_a_title_of_its_own() -> None:
    assert len(set(RULES.titles.values())) == len(RULES.titles)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Guys, I think you've been hacked, look at your last posts", "hacked-report"),
        ("Is this really you??", "hacked-report"),
        ("Has your account been hacked?", "hacked-report"),
        ("ihr wurdet gehackt!", "hacked-report"),
        ("The price is wrong on the poster", "mistake"),
        ("Um, the 13th is not a Thursday", "mistake"),
        ("Thursday is the 12th", "mistake"),
        ("Your link doesn't work", "mistake"),
        ("Der Link funktioniert nicht", "mistake"),
        ("Wow. Tone-deaf. Who approved this?", "offended"),
        ("I think you posted this from the wrong account", "accidental-post"),
        ("My son had an allergic reaction after your cake", "urgent"),
        ("You will hear from my lawyer", "urgent"),
        ("Hello? Is anyone there?", "asked-again"),
        ("Immer noch keine Antwort …", "asked-again"),
    ],
)
def test_one_person_is_enough_for_what_is_plainly_said(text: str, rule: str) -> None:
    assert rule in _flagged(text)


@pytest.mark.parametrize(
    "text",
    [
        "What time do you open on Saturday?",
        "Thank you so much, lovely evening!",
        "My account was hacked last year, can I change my e-mail address?",
        "I was wrong about this place, great food",
        "My bad, I read the wrong date. See you there!",
        "Sorry, wrong date in my comment, my mistake",
        "Can't wait for Thursday the 13th!",
        "Mein Freund ist Anwalt und isst auch gern hier",
        "Is there a link to the menu?",
        "😂😂😂",
        "",
    ],
)
def test_ordinary_comments_raise_nothing(text: str) -> None:
    assert _flagged(text) == set()


def test_a_waiting_comment_becomes_more_urgent_after_a_day() -> None:
    text = "Do you have gluten-free bread?"
    assert _flagged(text, ago="2h") == set()
    assert _flagged(text, ago="20h") == {"unanswered"}
    assert _flagged(text, ago="26h") == {"unanswered", "unanswered-long"}


def test_a_comment_of_friday_evening_is_not_late_on_sunday() -> None:
    sunday = NOON + timedelta(days=4)
    assert not RULES.evaluate(thread_of([_measured("Open?", ago="43h")], sunday), sunday).flags


def test_a_single_weak_mistake_score_raises_nothing_and_two_people_do() -> None:
    weak = {"text": "hm", "signals": {"mistake": 0.65}}
    assert not RULES.evaluate(thread_of([weak]), NOON).flags
    assert not RULES.evaluate(post_with([weak]), NOON).flags
    two = post_with([{**weak, "author": "Ana"}, {**weak, "author": "Ben"}])
    assert [flag.rule for flag in RULES.evaluate(two, NOON).flags] == ["mistake-many"]


def test_people_asking_whether_it_is_tonight_point_at_wrong_information() -> None:
    assert "mistake-many" in _flagged_post(["Is it tonight?!", "wait, which day is it?"])
    assert "mistake-many" not in _flagged_post(["Is it tonight?!", "See you there"])


def test_two_people_who_speak_of_a_hack_under_one_post_are_a_crisis() -> None:
    assert _flagged_post(["you got HACKED lol", "don't click, it's a scam"]) == {"hacked"}


def test_three_people_hurt_by_one_post_are_a_crisis() -> None:
    assert "offensive-backlash" in _flagged_post(["Disgusting.", "wow, tone-deaf", "Shame on you"])


@pytest.mark.parametrize(
    ("texts", "crisis"),
    [
        (
            ["Is this really you? I think you've been hacked.", "Did you get hacked? Weird links in your posts."],
            "hacked",
        ),
        (
            [
                "People lost their homes last night. This is disgusting. Delete this.",
                "Our gardens are gone and you make jokes to sell mudguards. Tone-deaf and shameful.",
                "This is really offensive. You owe people an apology.",
                "Disgusting. You have just lost a customer.",
                "Shame on you, delete this.",
                "Racist and shameful, what were you thinking?",
            ],
            "offensive-backlash",
        ),
        (["Thursday the 13th? The 13th is a Sunday. Which day is it?", "Wait, is it tonight?!"], "mistake-many"),
    ],
)
def test_one_situation_under_a_post_is_one_alert_about_the_post(texts: list[str], crisis: str) -> None:
    assert _flagged_post(texts) == {crisis}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Is this really you? I think you've been hacked.", "hacked-report"),
        ("I think you posted this from the wrong account", "accidental-post"),
        ("The date is wrong: Thursday is the 12th", "mistake"),
        ("Your link doesn't work, I get a 404", "mistake"),
        ("Wow. Tone-deaf. Who approved this?", "offended"),
    ],
)
def test_one_plain_comment_is_one_alert(text: str, rule: str) -> None:
    assert _flagged(text) == {rule}


def test_many_angry_people_under_one_post_are_one_alert() -> None:
    angry = {"text": "x", "signals": {"angry": 0.8}}
    flags = [RULES.evaluate(thread_of([{**angry, "subject": 77}]), NOON).flags for _ in range(2)]
    assert {flag.group_key for (flag,) in flags} == {"angry@subject:" + show_id(77)}


def test_five_upset_people_within_an_hour_are_a_crisis() -> None:
    angry = {"text": "x", "signals": {"angry": 0.8}}
    people = [{**angry, "author": f"Person {n}", "ago": f"{n}m"} for n in range(5)]
    assert "pile-on" in {flag.rule for flag in RULES.evaluate(post_with(people), NOON).flags}
    assert not RULES.evaluate(post_with(people[:4]), NOON).flags


def test_an_angry_comment_weighs_more_when_many_people_read_it() -> None:
    angry = {"text": "x", "signals": {"angry": 0.8}}
    assert [f.rule for f in RULES.evaluate(thread_of([angry]), NOON).flags] == ["angry"]
    assert [f.rule for f in RULES.evaluate(thread_of([{**angry, "likes": 80}]), NOON).flags] == ["angry-reach", "angry"]


def test_a_bad_review_is_flagged_and_a_good_one_only_if_you_want_it() -> None:
    assert "low-review" in _flagged("So so", kind="review", stars=2)
    good = thread_of([_measured("Lovely place", kind="review", stars=5)])
    assert not RULES.evaluate(good, NOON).flags
    wanted = _rules(("mine.toml", {"rules": {"good-review": {"enabled": True}}}))
    assert [flag.rule for flag in wanted.evaluate(good, NOON).flags] == ["good-review"]
