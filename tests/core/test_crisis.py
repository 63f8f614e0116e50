"""The crisis room: how bad it is, who has it, and how far the plan has come."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.core.crisis import Damage, Scene, Step, chart, damage, room, touched
from monitor.core.playbooks import parse_playbook
from monitor.files import shipped
from monitor.model import Author, Comment, PlaybookBrief, Section, StepPlan, StoredComment, Team

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
TEAM = Team(author_ids=frozenset({("tiny", "us")}))
PLAYBOOK = PlaybookBrief(
    "offensive-post",
    "We posted something that hurts people",
    ("Read the comments", "Take it down", "Apologise"),
    ("Do not argue.",),
    plans=(StepPlan("", timedelta(minutes=10)), StepPlan("the owner", timedelta(minutes=30)), StepPlan()),
)


def said(
    number: int, who: str, hours_ago: float, thread: int = 0, *, n_followers: int | None = None, **signals: float
) -> StoredComment:
    at = NOW - timedelta(hours=hours_ago)
    comment = Comment(str(number), "comment", "words", Author(who, who, n_followers=n_followers), at)
    return StoredComment("b", "tiny", "s", number, thread or number, None, 9, comment, at, signals=signals)


def lines(sections: tuple[Section, ...], heading: str) -> list[str]:
    (found,) = [section for section in sections if section.heading.startswith(heading)]
    return [line.text for line in found.lines]


def test_the_damage_counts_people_and_not_comments() -> None:
    comments = [
        said(1, "ana", 5, angry=0.99, n_followers=100),
        said(2, "ana", 0.5, 1, angry=0.99, n_followers=120),
        said(3, "ben", 0.4, angry=0.99),
        said(4, "kim", 0.3, angry=0.01, mistake=0.01),
    ]
    found = damage(comments, TEAM, NOW)
    assert (found.n_people, found.n_new, found.reach, found.n_reach) == (2, 1, 120, 1)
    assert found.trend == (0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2)


def test_who_is_upset_again_after_our_answer_is_still_upset() -> None:
    answer, other = said(10, "us", 3, 1), said(11, "us", 3, 3)
    comments = [
        said(1, "ana", 4, angry=0.99),
        answer,
        said(2, "ana", 2, 1, angry=0.99),
        said(3, "ben", 4, angry=0.99),
        other,
        said(5, "cem", 4, angry=0.99),
    ]
    found = damage(comments, TEAM, NOW)
    assert (found.n_people, found.n_answered, found.n_still) == (3, 2, 1)


def test_an_answer_that_we_took_back_is_none() -> None:
    answer = replace(said(10, "us", 3, 1), deleted_at=NOW)
    assert damage([said(1, "ana", 4, angry=0.99), answer], TEAM, NOW).n_answered == 0


def test_nobody_upset_is_no_damage() -> None:
    assert damage([], TEAM, NOW) == Damage(trend=(0,) * 12)
    assert chart((0, 0)) == ""


def test_the_chart_shows_growth_at_a_glance() -> None:
    assert chart((0, 1, 2, 4, 8))[0] == "▁"
    assert chart((0, 1, 2, 4, 8))[-1] == "█"
    assert len(chart((0, 1, 2, 4, 8))) == 5


def test_what_it_touches_follows_from_the_situation_the_facts_and_the_size() -> None:
    assert touched("offensive-post", Damage(n_people=2)) == ("brand voice",)
    assert touched("offensive-post", Damage(n_people=12)) == ("reputation", "brand voice")
    assert touched("wrong-information", Damage(n_people=2)) == ("trust",)
    assert touched("ranting-customer", Damage(n_about_facts=1)) == ("reputation", "trust")
    assert touched("", Damage(reach=50_000)) == ("reputation",)


def test_the_room_says_what_happened_how_bad_it_is_who_has_it_and_what_is_next() -> None:
    began = NOW - timedelta(minutes=20)
    found = Damage(12, 9, 14_000, 5, (0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 9), 3, 1, 0, 4)
    scene = Scene("Our summer joke", "https://p.example/1", NOW - timedelta(hours=2), ("facebook",))
    steps = {1: Step("Anna", NOW - timedelta(minutes=15)), 3: Step("Ben")}
    sections = room(scene, found, PLAYBOOK, steps, "", began, "Europe/London", NOW)
    assert lines(sections, "What happened") == [
        "Under “Our summer joke”",
        "On facebook",
        "First seen Fri 20 Nov 2026, 13:00 GMT",
    ]
    assert lines(sections, "Damage") == [
        "12 people upset, 9 of them new in the last hour",
        "Last 12 hours: ▁▁▁▂▁▁▁▁▁▂▃█ (growing)",
        "Reach: 14,000 followers of 5 of them; of the others it is not known",
        "Answered: 3 of 12 (25%)",
        "Still upset after our answer: 1 of 3 (33%)",
        "4 threads under it told here and nowhere else",
        "What it touches: reputation, brand voice",
    ]
    assert lines(sections, "Who has it")[0].startswith("Nobody yet")
    assert lines(sections, "What to do") == [
        "[x] 1. Read the comments — done by Anna, 14:45 GMT",
        "[ ] 2. Take it down — the owner · by 15:10 GMT",
        "[ ] 3. Apologise — Ben has it",
    ]


def test_a_step_for_tomorrow_names_the_day() -> None:
    playbook = PlaybookBrief("x", "X", ("Answer everybody",), plans=(StepPlan("", timedelta(days=1)),))
    said = lines(room(Scene(), Damage(), playbook, {}, "", NOW, "UTC", NOW), "What to do")
    assert said == ["[ ] 1. Answer everybody — by Sat 21 Nov 2026, 15:00 UTC"]


def test_reach_that_is_known_of_everybody_says_no_more() -> None:
    said = lines(room(Scene(), Damage(2, 2, 300, 2), None, {}, "", NOW, "UTC", NOW), "Damage")
    assert "Reach: 300 followers of 2 of them" in said


def test_a_step_that_is_late_says_so_until_it_is_done() -> None:
    began = NOW - timedelta(minutes=45)
    late = lines(room(Scene(), Damage(), PLAYBOOK, {}, "Anna", began, "UTC", NOW), "What to do")
    assert late[0] == "[ ] 1. Read the comments — by 14:25 UTC, OVERDUE"
    done = {1: Step("Ben", NOW)}
    assert "OVERDUE" not in lines(room(Scene(), Damage(), PLAYBOOK, done, "Anna", began, "UTC", NOW), "What to do")[0]


def test_a_playbooks_step_may_say_within_what_time_and_by_whom() -> None:
    text = '+++\nname = "x"\ntitle = "X"\nfor = "x"\n+++\n1. [15m, the owner] Look\n2. [1h] Tell\n3. [sic] Go on\n'
    found = parse_playbook(text, "x.md")
    assert found.steps == ("Look", "Tell", "[sic] Go on")
    assert found.plans == (
        StepPlan("the owner", timedelta(minutes=15)),
        StepPlan("", timedelta(hours=1)),
        StepPlan(),
    )


def test_the_shipped_playbooks_of_crises_have_timers() -> None:
    for name in ("hacked-account", "offensive-post", "wrong-information", "cover-up"):
        text = shipped("config", "playbooks", f"{name}.md").read_text(encoding="utf-8")
        assert any(plan.within for plan in parse_playbook(text, name).plans), name


@given(st.lists(st.tuples(st.sampled_from("abcu"), st.floats(0, 30), st.booleans()), max_size=25), st.randoms())
def test_the_order_of_the_comments_does_not_matter(told: list[tuple[str, float, bool]], random: object) -> None:
    comments = [
        said(number, "us" if who == "u" else who, ago, number % 4 + 1, angry=0.99 if is_upset else 0.0)
        for number, (who, ago, is_upset) in enumerate(told, 1)
    ]
    shuffled = comments[:]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    found = damage(comments, TEAM, NOW)
    assert damage(shuffled, TEAM, NOW) == found
    assert found.n_still <= found.n_answered <= found.n_people
    assert found.n_new <= found.n_people
