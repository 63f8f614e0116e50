"""Late replies on YouTube are found within the stated delay and the stated units."""

from datetime import timedelta

from connectors.youtube import YouTube
from tests.connectors.youtube import Reading, fake, reading, thread_of, year_old_channel
from tests.contract.reader import Reader
from tests.platforms.base import World
from tests.platforms.youtube import Fake

__all__ = ["fake", "reading"]


# --- late replies ---


def _polls_until_seen(reader: Reader, world: World, native: str, every: timedelta, most: int) -> timedelta:
    begun_at = world.now
    for _ in range(most):
        world.advance(every)
        reader.poll()
        if native in reader.present:
            return world.now - begun_at
    raise AssertionError(f"not seen within {most} polls")


def test_a_reply_to_a_year_old_comment_is_found_within_the_stated_delay(
    reading: Reading, fake: Fake, world: World
) -> None:
    old = year_old_channel(world, 6, 40)
    reader = reading()
    for _ in range(4):
        reader.poll()
        world.advance(timedelta(minutes=20))
    assert not [one for one in reader.held.values() if one.kind == "comment"], "older than the backfill"
    late = fake.native_id(world.reply(old[17], "Is anybody there?", by="kim"))
    took = _polls_until_seen(reader, world, late, timedelta(minutes=5), 6)
    assert took <= timedelta(minutes=25)
    assert reader.held[late].subject_title
    assert fake.native_id(old[17]) in reader.present, "the comment that it answers comes in with it"


def test_a_late_reply_in_a_long_thread_is_found_and_the_thread_comes_with_it(
    reading: Reading, fake: Fake, world: World
) -> None:
    old = year_old_channel(world, 1, 1)[0]
    for number in range(9):
        world.reply(old, by=f"lee{number}")
    world.advance(timedelta(days=300))
    reader = reading()
    for _ in range(2):
        reader.poll()
        world.advance(timedelta(minutes=20))
    late = fake.native_id(world.reply(old, by="kim"))
    _polls_until_seen(reader, world, late, timedelta(minutes=5), 6)
    assert reader.present == fake.expected() - {fake.native_id(world.posts[0].key)}


def test_a_late_reply_that_moves_no_number_is_found_by_the_slow_sweep(
    reading: Reading, fake: Fake, world: World
) -> None:
    old = year_old_channel(world, 3, 4)
    reader = reading()
    reader.poll()
    world.advance(timedelta(days=2))
    late = world.reply(old[5], by="kim")
    fake.uncounted.add(late)
    took = _polls_until_seen(reader, world, fake.native_id(late), timedelta(minutes=20), 5)
    assert took <= timedelta(minutes=20) * 4


def test_a_new_comment_under_a_year_old_video_is_found_by_the_next_poll(
    reading: Reading, fake: Fake, world: World
) -> None:
    year_old_channel(world, 3, 4)
    reader = reading()
    reader.poll()
    world.advance()
    new = world.comment(world.posts[0].key, "Found this today")
    reader.poll()
    assert reader.of(new).subject_native_id == fake.native_id(world.posts[0].key)


def test_walks_through_videos_spend_no_more_units_than_stated(reading: Reading, fake: Fake, world: World) -> None:
    fake.page_size = 1  # each thread costs a unit
    for _ in range(150):
        world.comment(world.post())
    world.advance(timedelta(days=40))
    reader = reading()
    fake.requests.clear()
    reader.poll()
    assert 100 <= sum("videoId" in request.query for request in fake.requests) <= 120
    fake.requests.clear()
    world.advance(timedelta(minutes=10))
    reader.poll()
    assert sum("videoId" in request.query for request in fake.requests) == 20


def test_what_a_page_spent_is_told_in_units(reading: Reading, fake: Fake, world: World) -> None:
    thread_of(world, 8)
    page = reading().fetch()
    assert page.spent == fake.n_requests > 1
    assert YouTube.abilities.budget is not None
    assert (YouTube.abilities.budget.n, YouTube.abilities.budget.unit) == (10_000, "units")


def test_a_quiet_poll_costs_one_unit_with_a_key_and_two_as_the_owner(
    reading: Reading, fake: Fake, world: World
) -> None:
    thread_of(world, 3)
    for variant, n_units in (("key", 1), ("owner", 2)):
        reader = reading(variant)
        reader.poll()
        world.advance()
        assert reader.fetch().spent == n_units
