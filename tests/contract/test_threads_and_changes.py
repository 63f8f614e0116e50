"""What hangs where, what is ours, and what became of it: each ability that a connector claims."""

from datetime import timedelta

import pytest

from tests.contract.reader import Reader
from tests.platforms.base import FakePlatform, World


def _needs(reader: Reader, ability: str) -> None:
    says = getattr(reader.connector.abilities, ability)
    if says != "yes":
        pytest.skip(says)


def test_a_comment_on_a_post_and_the_replies_to_it_hang_in_one_thread(
    reader: Reader, fake: FakePlatform, world: World
) -> None:
    _needs(reader, "replies")
    first = world.comment(world.post("Our new opening hours."))
    world.advance()
    second = world.reply(first, by="lee")
    world.advance()
    third = world.reply(second, by="kim")
    reader.catch_up()
    assert reader.of(first).parent_native_id is None
    assert reader.of(second).parent_native_id == fake.native_id(first)
    assert reader.of(third).parent_native_id == fake.native_id(second)
    # A connector may leave the root to be found by following parents, but must not name another one.
    assert {reader.of(key).root_native_id for key in (first, second, third)} <= {None, fake.native_id(first)}


def test_comments_on_one_post_share_its_subject(reader: Reader, fake: FakePlatform, world: World) -> None:
    post, other = world.post(), world.post()
    keys = [world.comment(post), world.comment(post), world.comment(other)]
    reader.catch_up()
    subjects = [reader.of(key).subject_native_id for key in keys]
    assert subjects[0] is not None
    assert subjects[0] == subjects[1] != subjects[2]
    assert all(reader.of(key).subject_title for key in keys)


def test_our_own_reply_is_seen_and_known_to_be_ours(reader: Reader, fake: FakePlatform, world: World) -> None:
    if fake.shows_no_replies:
        pytest.skip(fake.shows_no_replies)
    first = world.comment(world.post(), by="kim")
    reader.poll()
    world.advance()
    ours = world.reply(first)
    reader.catch_up()
    assert reader.is_ours(ours)
    assert not reader.is_ours(first)
    assert reader.of(ours).kind == "comment"


def test_our_own_posts_are_seen_as_posts(reader: Reader, fake: FakePlatform, world: World) -> None:
    _needs(reader, "own_posts")
    post = world.post("The meeting is on Thursday the 13th.")
    comment = world.comment(post)
    reader.catch_up()
    assert reader.of(post).kind == "post"
    assert reader.is_ours(post)
    assert reader.of(comment).subject_native_id == fake.native_id(post)
    assert "Thursday the 13th" in reader.of(post).text


def test_an_edit_is_seen(reader: Reader, world: World) -> None:
    _needs(reader, "edits")
    first = world.comment(world.post(), "The total is 12.")
    untouched = world.comment(world[first].post or "", "Fine by me.")
    reader.catch_up()
    before = reader.of(untouched)
    world.advance(timedelta(minutes=5))
    world.edit(first, "The total is 13.")
    world.advance()
    reader.catch_up()
    assert "The total is 13." in reader.of(first).text
    assert reader.of(untouched) == before


def test_a_deletion_is_seen_and_nothing_else_is_taken_for_one(reader: Reader, fake: FakePlatform, world: World) -> None:
    _needs(reader, "deletions")
    post = world.post()
    keys = [world.comment(post, by=f"kim{number}") for number in range(6)]
    reader.catch_up()
    world.advance()
    world.delete(keys[2])
    reader.catch_up()
    assert reader.gone == {fake.native_id(keys[2])}
    assert reader.present == fake.expected()


def test_a_deleted_comment_takes_the_replies_below_it_out_of_nobodys_sight(
    reader: Reader, fake: FakePlatform, world: World
) -> None:
    _needs(reader, "deletions")
    first = world.comment(world.post())
    world.advance()
    world.reply(first, by="lee")
    reader.catch_up()
    world.advance()
    world.delete(first)
    reader.catch_up()
    assert reader.present == fake.expected()


def test_nothing_is_gone_where_nothing_was_deleted(reader: Reader, fake: FakePlatform, world: World) -> None:
    post = world.post()
    for _ in range(5):
        world.comment(post)
    reader.catch_up()
    before = reader.present
    world.advance()
    reader.catch_up()
    assert not reader.gone
    assert reader.present == before
