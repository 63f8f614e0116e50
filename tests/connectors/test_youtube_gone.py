"""What YouTube's silence means: deleted, hidden, or nothing at all."""

from datetime import timedelta

import pytest

from monitor.errors import Malformed
from tests.connectors.youtube import Reading, fake, reading, thread_of, year_old_channel
from tests.platforms.base import World
from tests.platforms.server import Reply
from tests.platforms.youtube import Fake

__all__ = ["fake", "reading"]


# --- gone, hidden, and silence ---


def test_a_comment_that_is_not_shown_by_id_and_stands_under_its_video_is_not_gone(
    reading: Reading, fake: Fake, world: World
) -> None:
    top, replies = thread_of(world, 7)
    fake.not_by_id |= {top, *replies}
    reader = reading()
    reader.catch_up()
    assert not reader.gone
    assert reader.present == fake.expected()


def test_a_deleted_video_takes_its_comments_with_it(reading: Reading, fake: Fake, world: World) -> None:
    keys = [world.comment(world.post()) for _ in range(2)]
    reader = reading()
    reader.catch_up()
    world.delete(world[keys[0]].post or "")
    reader.catch_up()
    assert reader.gone == {fake.native_id(keys[0]), fake.native_id(world[keys[0]].post or "")}


def test_disabled_comments_are_hidden_and_not_deleted(reading: Reading, fake: Fake, world: World) -> None:
    key = world.comment(world.post())
    other = world.comment(world.post())
    reader = reading()
    reader.catch_up()
    fake.no_comments.add(world[key].post or "")
    world.advance(timedelta(minutes=30))
    reader.catch_up()
    assert not reader.gone
    assert fake.native_id(other) in reader.present


def test_a_video_whose_comments_are_disabled_while_it_waits_for_its_walk_is_skipped(
    reading: Reading, fake: Fake, world: World
) -> None:
    old = year_old_channel(world, 2, 3)
    reader = reading()
    reader.poll()
    world.advance(timedelta(minutes=20))
    world.reply(old[0], by="kim")
    reply = world.reply(old[4], by="kim")
    fake.refuses = {}
    reader.cursor["queue"] = [fake.native_id(world.posts[0].key), fake.native_id(world.posts[1].key)]
    fake.no_comments.add(world.posts[0].key)
    reader.poll()
    assert fake.native_id(reply) in reader.present


def test_a_video_made_private_is_neither_gone_nor_its_comments(reading: Reading, fake: Fake, world: World) -> None:
    key = world.comment(world.post())
    reader = reading("key")
    reader.catch_up()
    fake.drafts.add(world[key].post or "")
    fake.held[key] = "hidden with its video"
    reader.catch_up()
    assert not reader.gone


def test_a_thread_deleted_while_its_replies_wait_to_be_listed_is_dropped(
    reading: Reading, fake: Fake, world: World
) -> None:
    fake.page_size = 2
    top, _ = thread_of(world, 30)
    reader = reading()
    reader.keep(reader.fetch())
    world.delete(top)
    reader.catch_up()
    assert reader.present == fake.expected()


def test_a_youtube_that_shows_nothing_by_id_deletes_nothing(reading: Reading, fake: Fake, world: World) -> None:
    keys = [world.comment(world.post()) for _ in range(3)]
    reader = reading()
    reader.catch_up()
    before = reader.present
    fake.not_by_id |= set(keys)
    fake.refuses["videos"] = Reply({"kind": "youtube#videoListResponse", "items": []})
    reader.recheck()
    assert reader.present == before


def test_an_answer_without_a_list_is_malformed_and_not_an_empty_list(reading: Reading, fake: Fake) -> None:
    fake.refuses["commentThreads"] = Reply({})
    with pytest.raises(Malformed, match="no list"):
        reading().poll()
