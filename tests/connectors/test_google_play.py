"""What is Google Play's own: seven days, one answer, no date of creation."""

import json
from datetime import timedelta

import pytest

from tests.connectors.google_play import Reading, fake, one_app, reading
from tests.platforms.base import World
from tests.platforms.google_play import PACKAGES, Fake

__all__ = ["fake", "reading"]


# --- reviews and answers ---


def test_a_review_comes_with_its_stars_its_title_and_its_app(reading: Reading, fake: Fake, world: World) -> None:
    key = world.comment(world.post(), "Since 3.2 it never opens", by="jane")
    fake.stars[key], fake.titles[key] = 1, "Crashes on login"
    reader = reading()
    reader.poll()
    comment = reader.of(key)
    assert (comment.kind, comment.stars, comment.author.name) == ("review", 1, "jane")
    assert comment.text == "Crashes on login\n\nSince 3.2 it never opens"
    assert comment.subject_native_id == PACKAGES[0]


def test_a_review_without_a_title_has_no_leading_tab(reading: Reading, world: World) -> None:
    key = world.comment(world.post(), "Fine")
    reader = reading()
    reader.poll()
    assert reader.of(key).text == "Fine"


def test_a_review_is_read_as_it_was_typed_and_not_in_its_translation(
    reading: Reading, fake: Fake, world: World
) -> None:
    key = world.comment(world.post(), "Gutes Brot")
    fake.translated.add(key)
    reader = reading()
    reader.poll()
    assert reader.of(key).text == "Gutes Brot"


def test_a_review_with_nothing_but_what_is_always_there_is_read(reading: Reading, fake: Fake, world: World) -> None:
    key = world.comment(world.post(), "Fine")
    fake.bare.add(key)
    reader = reading()
    reader.poll()
    assert reader.of(key).author.name == "A Google user"
    assert reader.of(key).language == ""


@pytest.mark.parametrize("answer_first", [True, False])
def test_our_answer_hangs_under_its_review_in_whatever_order_the_two_come(
    reading: Reading, fake: Fake, world: World, answer_first: bool
) -> None:
    fake.answer_first = answer_first
    review = world.comment(world.post())
    answer = world.reply(review)
    reader = reading()
    reader.poll()
    assert reader.is_ours(answer)
    assert reader.of(answer).parent_native_id == reader.of(answer).root_native_id == fake.native_id(review)


def test_two_users_of_one_name_are_two_people(reading: Reading, world: World) -> None:
    post = world.post()
    first, second = world.comment(post, by="A Google user"), world.comment(post, by="A Google user")
    reader = reading()
    reader.poll()
    assert reader.of(first).author.key != reader.of(second).author.key


def test_a_review_changed_after_our_answer_is_edited_then_and_dated_as_first_seen(
    reading: Reading, world: World
) -> None:
    review = world.comment(world.post(), "Broken")
    reader = reading()
    reader.poll()
    begun_at = world.now
    world.advance(timedelta(hours=2))
    answer = world.reply(review)
    reader.poll()
    world.advance(timedelta(hours=2))
    world.edit(review, "Still broken")
    reader.poll()
    changed = reader.of(review)
    assert (changed.text, changed.created_at, changed.edited_at) == ("Still broken", begun_at, world.now)
    assert changed.edited_at is not None
    assert changed.edited_at > reader.of(answer).created_at, "so that it waits for an answer again"


def test_an_answer_to_a_review_far_down_the_list_is_found_within_the_hour(
    reading: Reading, fake: Fake, world: World
) -> None:
    fake.page_size = 3
    post = world.post()
    old = world.comment(post)
    for number in range(12):
        world.advance(timedelta(hours=3))
        world.comment(post, by=f"kim{number}")
    reader = one_app(reading)
    reader.poll()
    world.advance(timedelta(minutes=10))
    answer = world.reply(old)
    reader.poll()
    assert fake.native_id(answer) not in reader.present, "it is not among the newest, or this test shows nothing"
    for _ in range(5):
        world.advance(timedelta(minutes=15))
        reader.poll()
    assert reader.is_ours(answer)


def test_a_quiet_poll_costs_one_request_for_each_app(reading: Reading, fake: Fake, world: World) -> None:
    fake.page_size = 5
    for number in range(30):
        world.comment(world.post(), by=f"kim{number}")
        world.advance(timedelta(hours=2))
    reader = reading()
    reader.poll()
    world.advance(timedelta(minutes=15))
    assert reader.fetch().spent == 2


# --- seven days ---


def test_the_first_poll_says_that_only_seven_days_are_shown(reading: Reading, fake: Fake, world: World) -> None:
    post = world.post()
    old = world.comment(post, "Long ago")
    world.advance(timedelta(days=8))
    new = world.comment(post, "Today")
    reader = reading()
    page = reader.fetch()
    reader.keep(page)
    assert "last 7 days" in page.note
    assert reader.present == {fake.native_id(new)}
    assert fake.native_id(old) not in reader.present


@pytest.mark.parametrize(("days", "says"), [(1, ""), (6, "not polled for 6 days"), (9, "may be lost")])
def test_a_source_that_was_not_polled_for_days_says_what_may_be_lost(
    reading: Reading, world: World, days: int, says: str
) -> None:
    world.comment(world.post())
    reader = reading()
    reader.poll()
    world.advance(timedelta(days=days))
    note = reader.fetch().note
    assert says in note
    assert bool(says) == bool(note)


def test_a_review_that_left_the_window_is_not_gone(reading: Reading, fake: Fake, world: World) -> None:
    key = world.comment(world.post())
    reader = reading()
    reader.poll()
    world.advance(timedelta(days=8))
    reader.catch_up()
    assert not reader.gone
    assert fake.native_id(key) in reader.present


def test_the_cursor_forgets_reviews_that_left_the_window(reading: Reading, world: World) -> None:
    for _ in range(40):
        world.comment(world.post())
    reader = reading()
    reader.poll()
    assert sum(len(app["seen"]) for app in reader.cursor["apps"].values()) == 40
    world.advance(timedelta(days=8))
    reader.poll()
    assert sum(len(app["seen"]) for app in reader.cursor["apps"].values()) == 0


@pytest.mark.slow
def test_twenty_thousand_reviews_of_a_week_come_in_whole_within_the_hours_requests(
    reading: Reading, fake: Fake, world: World
) -> None:
    fake.page_size = 100
    post = world.post()
    for number in range(20_000):
        world.comment(post, by=f"kim{number}")
        world.advance(timedelta(days=6) / 20_000)
    reader = one_app(reading)
    pages = 0
    while True:
        page = reader.fetch()
        reader.keep(page)
        pages += 1
        if not page.more:
            break
        world.comment(post, f"Written between two pages, {pages}")
    assert pages > 30
    reader.poll()
    assert reader.present == fake.expected()
    assert fake.n_requests <= 210
    print(f"{fake.n_requests} requests; a cursor of {len(json.dumps(reader.cursor)):,} bytes")  # noqa: T201
