"""Checks of our own posts: each finds what it is for, and is silent about everything that people rightly write."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.matching import Phrase
from monitor.core.own_posts import CHECKS, Draft, LinkState, OwnPost, check_post, links_in
from monitor.core.own_posts.dates import WEEKDAY_NAMES

MONDAY = datetime(2026, 11, 9, 10, tzinfo=UTC)


def found(text: str, others: Sequence[OwnPost] = (), at: datetime = MONDAY, language: str = "") -> dict[str, str]:
    """By check: what it says of this post."""
    return {f.check: f.says for f in check_post(Draft(OwnPost(1, text, at, language), others))}


def earlier(text: str, days: float = 3, number: int = 2, language: str = "") -> OwnPost:
    return OwnPost(number, text, MONDAY - timedelta(days=days), language)


@pytest.mark.parametrize(
    "text",
    [
        "The meeting is on Thursday the 13th at 7pm",
        "Join us Thursday, November 13th!",
        "Thursday 13 November 2026, 19:00",
        "Thursday 13/11 in the hall",
        "The 13th is a Thursday, so keep it free",
        "13 November (Thursday), doors open at six",
        "Donnerstag, den 13. November, sind wir zu",
        "Am Donnerstag, 13.11. ab 18 Uhr",
        "jeudi 13 novembre à 20h",
        "el jueves 13 de noviembre a las 20h",
        "giovedì 13 novembre ore 20",
        "quinta-feira, 13 de novembro",
        "donderdag 13 november",
        "Tomorrow, Friday: fresh stollen",
        "Tonight (Sunday) live music",
    ],
)
def test_a_weekday_that_is_not_that_dates_is_found(text: str) -> None:
    assert "weekday_date" in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "See you Friday the 13th!",
        "Freitag, 13.11., ab 18 Uhr",
        "vendredi 13 novembre à 20h",
        "Friday 11/12 or 12/11, whichever suits",
        "Open Friday 12 to 5",
        "Fri 12 - 6pm",
        "Thursday 12th to Saturday 14th November",
        "Festival Friday-Sunday 13-15 November",
        "Samedi 14 et dimanche 15 novembre",
        "Every Thursday 13 lucky people win",
        "Thursday: 13 % off",
        "We sat 13 hours in a train",
        "Tomorrow, Tuesday: fresh stollen",
        "Born on Friday 13 November 1970",
    ],
)
def test_dates_that_are_right_or_cannot_be_judged_are_left_alone(text: str) -> None:
    assert "weekday_date" not in found(text)


@given(
    st.dates(date(2024, 1, 1), date(2030, 12, 31)), st.integers(0, 6), st.sampled_from(["{w}, {m} {d}", "{w} {d} {m}"])
)
def test_a_full_date_is_wrong_exactly_if_its_weekday_is(day: date, weekday: int, form: str) -> None:
    text = form.format(w=WEEKDAY_NAMES[weekday], d=day.day, m=day.strftime("%B")) + f" {day.year}"
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC) - timedelta(days=20)
    assert ("weekday_date" in found(text, at=at)) is (day.weekday() != weekday)


def test_today_is_the_brands_own_day_and_not_that_of_utc() -> None:
    late = datetime(2026, 11, 9, 15, 30, tzinfo=UTC)  # already Tuesday in Tokyo
    draft = Draft(OwnPost(1, "Tonight (Tuesday) live music", late), zone=ZoneInfo("Asia/Tokyo"))
    assert check_post(draft) == ()


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("Tickets for 5 November on sale now", True),
        ("Join us on November 5th in the hall", True),
        ("Anmeldung bis zum 5. November", True),
        ("Thank you to all who came on 5 November", False),
        ("Join us on 5 December", False),
        ("Join us on 9 November, today", False),
        ("Our next meeting is on 3 November or 17 November", False),
        ("5 November", False),
    ],
)
def test_an_announcement_of_what_is_over_is_found(text: str, is_found: bool) -> None:
    assert ("past_date" in found(text)) is is_found


def test_another_price_or_time_for_the_same_thing_is_found() -> None:
    said = earlier("Children's gingerbread workshop on Saturday afternoon, 12 € each, starts 3 pm")
    dearer = found("Children's gingerbread workshop on Saturday afternoon, 15 € each, starts 3 pm", [said])
    later = found("Children's gingerbread workshop on Saturday afternoon, 12 € each, starts 4 pm", [said])
    assert "“15 €” here and “12 €”" in dearer["differs"]
    assert "“4 pm” here and “3 pm”" in later["differs"]


@pytest.mark.parametrize(
    "text",
    [
        "Children's gingerbread workshop on Saturday afternoon, 12 € each",
        "Children's gingerbread workshop on Saturday afternoon: now 15 € each",  # says that it changed
        "Children's gingerbread workshop on Sunday afternoon the 15th, 15 € each",  # another day
        "Rye bread with walnuts from the new oven, 15 € each",  # another thing
    ],
)
def test_what_may_rightly_differ_is_left_alone(text: str) -> None:
    assert "differs" not in found(text, [earlier("Children's gingerbread workshop on Saturday afternoon, 12 € each")])


@pytest.mark.parametrize(
    "text",
    ["Book: https:/bakery.example2.com", "See http//bakery.co", "htps://bakery.co/menu", "https://https://bakery.co",
     "https:// bakery.co", "www.bakery,co and www, bakery.co: www,bakery.co", "Try https://localhost:8000/menu",
     "https://staging.bakery.co/x", "https://example.com/your-link", "http://192.168.1.5/menu", "https://bakery/menu"],
)  # fmt: skip
def test_a_link_that_nobody_can_open_is_found(text: str) -> None:
    assert "malformed_link" in found(text)


def test_good_links_are_read_without_the_punctuation_around_them() -> None:
    text = "Menu (https://bakery.co/menu), map: https://maps.co/a_(b). Shop https://bakery.co/shop?x=1&y=2!"
    assert links_in(text) == ("https://bakery.co/menu", "https://maps.co/a_(b)", "https://bakery.co/shop?x=1&y=2")
    assert not found(text)


def test_a_link_that_was_found_dead_is_told_with_what_it_answers() -> None:
    states = {"https://bakery.co/menu": LinkState(True, "answers 404"), "https://bakery.co/map": LinkState(None)}
    draft = Draft(OwnPost(1, "https://bakery.co/map and https://bakery.co/menu", MONDAY), links=states)
    (finding,) = check_post(draft)
    assert (finding.check, finding.says) == ("dead_link", "“https://bakery.co/menu” leads nowhere: answers 404")


@pytest.mark.parametrize(
    "text", ["Dear {{first_name}}, hello", "Hi [NAME], come by", "lorem ipsum dolor", "Sale! Insert link here",
             "Hi %FIRSTNAME%", "*|FNAME|*, we miss you", "[your text here]", "Meet {name} on Monday"]
)  # fmt: skip
def test_a_gap_that_nobody_filled_is_found(text: str) -> None:
    assert "placeholder" in found(text)


@pytest.mark.parametrize("text", ["test", "Test post", "asdf", "Test 123", "please ignore this", "love you babe xx",
                                  "So hungover, can't face the oven today"])  # fmt: skip
def test_what_was_not_meant_for_the_public_is_found(text: str) -> None:
    assert "not_for_public" in found(text)


@pytest.mark.parametrize("text", [
    "[LIVE] We bake on air", "Taste test: which stollen wins?", "Driving test passed? Cake is on us!", "Thank you xxx",
    "Rooms to be confirmed", "Free eye tests in our shop on Monday", "We love you all!",
    "Mum knows best: order her cake",
    "Happy birthday to our baker Tom", "Our boyfriend-approved brownies are back",
])  # fmt: skip
def test_ordinary_posts_are_found_nothing_wrong_with(text: str) -> None:
    assert found(text) == {}


def test_the_same_words_within_a_day_are_a_double_post() -> None:
    post = "Fresh rolls from six o'clock"
    assert "double_post" in found(post, [earlier("Fresh  rolls from six o’clock", days=0.5)])
    assert "double_post" not in found(post, [earlier(post, days=2)])
    assert "double_post" not in found(post, [OwnPost(2, post, MONDAY + timedelta(hours=1))]), "the first of the two"


def test_the_brands_forbidden_words_are_found_as_whole_words() -> None:
    words = {word: Phrase.of(word) for word in ("cheapest", "guarantee*")}
    say = [check_post(Draft(OwnPost(1, text, MONDAY), forbidden=words)) for text in ("Cheapest, guaranteed!", "cheap")]
    assert [[f.words for f in each] for each in say] == [[("cheapest", "guarantee*")], []]


HISTORY = [
    OwnPost(10 + n, f"Rolls and bread, day {n}: https://bakery.co/{n}", MONDAY - timedelta(days=n), "en")
    for n in range(1, 30)
]  # fmt: skip
NIGHT = MONDAY - timedelta(hours=7)


@pytest.mark.parametrize(
    ("text", "at", "language", "is_found"),
    [
        ("Claim your bitcoin airdrop at https://win.example9.com/x", MONDAY, "en", True),
        ("Große Verlosung: https://gewinne.de/x", MONDAY, "de", True),
        ("Hier gibt es Geld", NIGHT, "de", True),
        ("Bread is on at https://radio.co.uk/listen", MONDAY, "en", False),  # a link alone is no stranger
        ("Frohe Weihnachten an alle", MONDAY, "de", False),
        ("The oven broke, up all night", NIGHT, "en", False),
    ],
)
def test_two_signs_of_a_stranger_in_the_account_are_told_and_one_is_not(
    text: str, at: datetime, language: str, is_found: bool
) -> None:
    assert ("unlike_us" in found(text, HISTORY, at, language)) is is_found


def test_a_burst_of_posts_with_the_words_of_a_swindle_is_told() -> None:
    burst = [OwnPost(90 + n, "crypto giveaway", MONDAY - timedelta(minutes=n), "en") for n in range(1, 5)]
    assert "5 posts within 10 minutes" in found("Bitcoin giveaway", [*HISTORY, *burst], MONDAY, "en")["unlike_us"]


def test_an_account_that_we_hardly_know_cannot_be_unlike_itself() -> None:
    assert "unlike_us" not in found("Bitcoin: https://win.io/x", HISTORY[:5], NIGHT, "ru")


@given(st.text(max_size=300), st.lists(st.text(max_size=80), max_size=4))
def test_no_text_is_too_strange_for_any_check(text: str, others: list[str]) -> None:
    history = [earlier(other, days=n, number=n + 2) for n, other in enumerate(others)]
    for check, says in found(text, history).items():
        assert check in CHECKS
        assert says
