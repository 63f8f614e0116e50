"""What is YouTube's own: two levels, replies beyond those sent along, what is held back, own videos, authors."""

from datetime import timedelta

import pytest

from connectors.base import Known
from monitor.errors import Gone, Unauthorized
from tests.connectors.youtube import Reading, asked, fake, reading, thread_of
from tests.platforms.base import BRAND, World
from tests.platforms.youtube import CHANNEL, Fake

__all__ = ["fake", "reading"]


# --- replies ---


def test_replies_beyond_the_first_five_are_listed(reading: Reading, fake: Fake, world: World) -> None:
    thread_of(world, 230)
    reader = reading()
    reader.poll()
    assert reader.present == fake.expected()
    assert len(reader.present) == 232


def test_a_thread_whose_number_of_replies_stands_still_is_not_listed_again(
    reading: Reading, fake: Fake, world: World
) -> None:
    top, _ = thread_of(world, 12)
    reader = reading()
    reader.poll()
    fake.requests.clear()
    world.advance()
    reader.poll()
    assert asked(fake, "comments") == 0
    world.reply(top, by="new")
    reader.poll()
    assert asked(fake, "comments") == 1
    assert reader.present == fake.expected()


def test_replies_that_youtube_counts_and_does_not_send_along_are_asked_for_once(
    reading: Reading, fake: Fake, world: World
) -> None:
    thread_of(world, 2)
    fake.n_along = 0
    reader = reading()
    for _ in range(3):
        reader.poll()
        world.advance()
    assert reader.present == fake.expected()
    assert asked(fake, "comments") == 1


def test_a_reply_to_a_reply_hangs_under_the_comment_on_top(reading: Reading, fake: Fake, world: World) -> None:
    top = world.comment(world.post())
    first = world.reply(top, "@kim no", by="lee")
    second = world.reply(first, "@lee yes", by="kim")
    reader = reading()
    reader.poll()
    comment = reader.of(second)
    assert comment.parent_native_id == comment.root_native_id == fake.native_id(top)
    assert comment.native_id.startswith(f"{fake.native_id(top)}.")
    assert comment.permalink.endswith(f"&lc={fake.native_id(second)}")


def test_a_page_token_that_died_within_the_replies_of_a_thread_loses_nothing(
    reading: Reading, fake: Fake, world: World
) -> None:
    fake.page_size = 2
    thread_of(world, 30)
    reader = reading()
    reader.keep(reader.fetch())
    assert reader.cursor["replies"][0][2], "it stopped in the middle of the list, or this test shows nothing"
    fake.expire_cursors()
    reader.poll()
    assert reader.present == fake.expected()


# --- what is held back ---


def test_comments_held_for_review_come_in_hidden_and_become_visible_when_approved(
    reading: Reading, fake: Fake, world: World
) -> None:
    held = world.comment(world.post(), "first!")
    fake.held[held] = "heldForReview"
    reader = reading("owner")
    reader.poll()
    assert reader.of(held).is_hidden
    reader.recheck()
    assert reader.of(held).is_hidden, "asked for by id YouTube does not say that it is held back"
    assert not reader.gone
    world.advance(timedelta(hours=5))
    del fake.held[held]
    reader.catch_up()
    assert not reader.of(held).is_hidden


def test_likely_spam_comes_in_only_where_it_is_wanted(reading: Reading, fake: Fake, world: World) -> None:
    spam = world.comment(world.post(), "win a phone")
    fake.held[spam] = "likelySpam"
    quiet, curious = reading("owner"), reading("owner", spam=True)
    quiet.poll()
    curious.poll()
    assert fake.native_id(spam) not in quiet.present
    assert curious.of(spam).is_hidden


def test_a_published_comment_that_is_held_back_later_is_hidden_and_not_gone(
    reading: Reading, fake: Fake, world: World
) -> None:
    key = world.comment(world.post())
    reader = reading("owner")
    reader.poll()
    fake.held[key] = "heldForReview"
    reader.catch_up()
    assert reader.of(key).is_hidden
    assert not reader.gone


def test_a_token_that_is_not_the_owners_is_told_so_once_a_day_and_reads_on(
    reading: Reading, fake: Fake, world: World
) -> None:
    key = world.comment(world.post())
    fake.refuses_held = True
    reader = reading("owner")
    page = reader.fetch()
    reader.keep(page)
    assert "owner" in page.note
    assert fake.native_id(key) in reader.present
    reader.poll()
    world.advance()
    assert reader.fetch().note == ""
    world.advance(timedelta(days=1))
    assert "owner" in reader.fetch().note


def test_an_api_key_is_never_used_to_ask_for_what_is_held_back(reading: Reading, fake: Fake, world: World) -> None:
    world.comment(world.post())
    reader = reading("key")
    reader.catch_up()
    assert not any("moderationStatus" in request.query for request in fake.requests)
    assert not any("authorization" in request.headers for request in fake.requests)


# --- own videos, channels, authors ---


def test_an_owners_drafts_are_no_posts(reading: Reading, fake: Fake, world: World) -> None:
    public, draft = world.post("Open on Sunday"), world.post("Not yet told")
    fake.drafts.add(draft)
    reader = reading("owner")
    reader.catch_up()
    assert reader.present == {fake.native_id(public)}


def test_a_channel_without_videos_is_an_empty_source(reading: Reading) -> None:
    reader = reading()
    reader.poll()
    assert reader.present == set()


def test_a_channel_named_by_its_handle_is_found(reading: Reading, fake: Fake, world: World) -> None:
    key = world.comment(world.post())
    reader = reading(channel=f"@{BRAND}")
    reader.catch_up()
    assert reader.own_author_ids == {CHANNEL}
    assert fake.native_id(key) in reader.present


def test_a_channel_that_does_not_exist_is_gone(reading: Reading) -> None:
    with pytest.raises(Gone, match="@nobody"):
        reading(channel="@nobody").poll()


def test_a_google_account_without_a_channel_is_told_to_choose_the_brand_account(reading: Reading, fake: Fake) -> None:
    fake.has_no_channel = True
    with pytest.raises(Unauthorized, match="brand account"):
        reading("owner").poll()


def test_a_comment_whose_authors_account_is_gone_is_kept(reading: Reading, fake: Fake, world: World) -> None:
    key = world.comment(world.post(), "I was here")
    fake.anonymous.add(key)
    reader = reading()
    reader.poll()
    assert reader.of(key).author.native_id == ""
    assert reader.of(key).text == "I was here"


def test_a_comment_about_the_channel_has_no_subject(reading: Reading, fake: Fake, world: World) -> None:
    key = world.comment(world.post())
    fake.about_channel.add(key)
    reader = reading()
    reader.poll()
    assert reader.of(key).subject_native_id is None
    assert reader.of(key).permalink == reader.of(key).subject_url == ""


def test_a_recheck_of_something_that_is_no_comment_of_youtube_asks_for_nothing(reading: Reading, fake: Fake) -> None:
    found = reading().build().recheck([Known("../../secret?x=1", None, None)])
    assert (found.raws, found.gone, fake.n_requests) == ([], [], 0)
