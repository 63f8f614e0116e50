"""What is Mastodon's own: whose conversation it is, what is private, and the ways of compatible servers."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.mastodon import Mastodon, MastodonSettings
from monitor.errors import RemoteError, Unavailable
from monitor.http import HttpClient
from tests.contract.reader import Reader
from tests.platforms.base import BRAND, World
from tests.platforms.mastodon import Fake

Watching = Callable[[str], Reader]


@pytest.fixture
def fake(world: World, tmp_path: Path) -> Iterator[Fake]:
    with Fake(world, tmp_path) as platform:
        yield platform


@pytest.fixture
def watching(fake: Fake, http: HttpClient) -> Watching:
    def build(variant: str) -> Reader:
        fake.variant = variant
        return Reader(Mastodon, fake, http)

    return build


# --- whose conversation it is ---


def test_a_conversation_begun_by_a_customer_has_its_first_status_as_root_and_no_subject(
    watching: Watching, fake: Fake, world: World
) -> None:
    top = world.post("Has anybody tried the new bakery?", by="ann")
    middle = world.comment(top, "Not yet", by="lee")
    tagged = world.reply(middle, "@brand when do you open?", by="kim")
    fake.silent |= {top, middle}
    reader = watching("mentions")
    reader.poll()
    assert reader.present == {fake.native_id(tagged)}, "strangers who do not address us are not ours to answer"
    comment = reader.of(tagged)
    assert (comment.kind, comment.subject_native_id) == ("mention", None)
    assert comment.root_native_id == fake.native_id(top)
    assert comment.parent_native_id == fake.native_id(middle)


def test_our_reply_to_a_mention_is_read_at_the_next_poll_within_the_declared_requests(
    watching: Watching, fake: Fake, world: World
) -> None:
    mention = world.post("@brand the total is wrong", by="kim")
    reader = watching("mentions")
    reader.poll()
    world.advance()
    ours = world.comment(mention, "You are right, thank you!", by=BRAND)
    fake.requests.clear()
    reader.keep(reader.fetch())
    assert len(fake.requests) <= Mastodon.abilities.quiet_requests
    assert reader.is_ours(ours)
    assert reader.of(ours).parent_native_id == fake.native_id(mention)
    assert reader.of(ours).root_native_id == fake.native_id(mention)


def test_a_stranger_below_a_mention_who_does_not_address_us_is_found_by_recheck(
    watching: Watching, fake: Fake, world: World
) -> None:
    mention = world.post("@brand your bread was stale", by="kim")
    reader = watching("mentions")
    reader.poll()
    joined = world.comment(mention, "Mine too!", by="lee")
    fake.silent.add(joined)
    reader.catch_up()
    assert reader.of(joined).root_native_id == fake.native_id(mention)
    assert reader.of(joined).kind == "comment"


@pytest.mark.parametrize("variant", ["own_posts", "own_posts, no token"])
def test_whoever_replies_under_our_post_without_addressing_us_is_found_by_the_next_poll(
    watching: Watching, fake: Fake, world: World, variant: str
) -> None:
    post = world.post("The meeting is on Thursday the 13th.")
    reader = watching(variant)
    reader.poll()
    world.advance()
    asked = world.comment(post, "Is it tonight?!")
    fake.silent.add(asked)
    reader.poll()
    assert reader.of(asked).subject_native_id == fake.native_id(post)
    assert reader.of(asked).subject_title == "The meeting is on Thursday the 13th."
    assert reader.of(asked).subject_url.endswith(fake.native_id(post).partition("/")[2])


def test_watching_our_posts_leaves_out_who_mentions_us_elsewhere(watching: Watching, fake: Fake, world: World) -> None:
    under = world.comment(world.post(), "Nice")
    elsewhere = world.post("@brand hello", by="kim")
    reader = watching("own_posts")
    reader.catch_up()
    assert fake.native_id(under) in reader.present
    assert fake.native_id(elsewhere) not in reader.present


def test_one_status_is_the_same_comment_whichever_source_finds_it(watching: Watching, fake: Fake, world: World) -> None:
    post = world.post()
    first = world.comment(post)
    world.reply(first, by="lee")
    world.reply(first)
    readers = [watching(variant) for variant in ("mentions", "own_posts", "hashtag", "hashtag, no token")]
    for variant, reader in zip(("mentions", "own_posts", "hashtag", "hashtag, no token"), readers, strict=True):
        fake.variant = variant
        reader.catch_up()
    assert readers[0].held == readers[1].held == readers[2].held == readers[3].held


def test_our_reply_whose_customer_deleted_the_question_does_not_become_a_post(
    watching: Watching, fake: Fake, world: World
) -> None:
    question = world.comment(world.post())
    ours = world.reply(question)
    world.delete(question)
    reader = watching("mentions")
    reader.poll()
    assert reader.of(ours).kind == "comment"
    assert reader.of(ours).parent_native_id is None


def test_direct_messages_and_statuses_for_followers_are_private(watching: Watching, fake: Fake, world: World) -> None:
    direct = world.post("@brand my order number is 7", by="kim")
    fake.direct.add(direct)
    hidden = world.comment(world.post(), "for followers", is_private=True)
    open_ = world.comment(world.posts[-1].key, "for all")
    reader = watching("mentions")
    reader.poll()
    assert (reader.of(direct).kind, reader.of(direct).is_private) == ("message", True)
    assert reader.of(hidden).is_private
    assert not reader.of(open_).is_private


def test_our_own_direct_message_is_no_post_that_others_comment_on(watching: Watching, fake: Fake, world: World) -> None:
    ours = world.post("Dear Kim, your order is ready.")
    answer = world.comment(ours, "Thank you")
    fake.direct |= {ours, answer}
    reader = watching("mentions")
    reader.poll()
    assert reader.of(ours).kind == reader.of(answer).kind == "message"
    assert reader.of(answer).subject_native_id is None
    assert reader.of(answer).parent_native_id == reader.of(answer).root_native_id == fake.native_id(ours)


def test_a_content_warning_stands_before_the_text(watching: Watching, fake: Fake, world: World) -> None:
    key = world.post("@brand never again", by="kim")
    fake.warnings[key] = "bad food"
    reader = watching("mentions")
    reader.poll()
    assert reader.of(key).text.startswith("bad food\n\n")
    assert reader.of(key).text.endswith("never again")


# --- the ways of servers ---


def _burst(world: World, n: int) -> None:
    post = world.post()
    for number in range(n):
        world.advance(timedelta(seconds=20))
        world.comment(post, by=f"kim{number}")


@pytest.mark.parametrize("trait", ["repeats_mark", "ignores_min_id"])
@pytest.mark.parametrize("variant", ["mentions", "own_posts", "hashtag"])
def test_a_burst_larger_than_a_page_is_read_whole_from_servers_that_page_in_their_own_way(
    watching: Watching, fake: Fake, world: World, trait: str, variant: str
) -> None:
    setattr(fake, trait, True)
    fake.page_size = 4
    reader = watching(variant)
    for _ in range(3):
        _burst(world, 15)
        reader.poll()
        world.advance()
    assert reader.present == fake.expected()
    assert reader.poll() <= 2


def test_a_server_without_the_batch_is_asked_one_by_one(watching: Watching, fake: Fake, world: World) -> None:
    fake.has_batch = False
    post = world.post()
    keys = [world.comment(post) for _ in range(3)]
    reader = watching("mentions")
    reader.poll()
    world.edit(keys[0], "Changed")
    world.delete(keys[1])
    reader.recheck()
    assert reader.of(keys[0]).text.endswith("Changed")
    assert reader.gone == {fake.native_id(keys[1])}


@pytest.mark.parametrize("has_batch", [True, False])
def test_a_server_that_moved_away_is_not_taken_for_one_that_deleted_everything(
    watching: Watching, fake: Fake, world: World, has_batch: bool
) -> None:
    fake.has_batch = has_batch
    world.comment(world.post())
    reader = watching("own_posts, no token")
    reader.catch_up()
    fake.moved_away = True
    with pytest.raises(RemoteError):
        reader.recheck()
    assert not reader.gone


def test_a_recheck_without_a_token_knows_a_server_that_moved_away(watching: Watching, fake: Fake, world: World) -> None:
    world.comment(world.post())
    reader = watching("hashtag, no token")
    reader.settings = MastodonSettings(base_url=fake.url, watch="hashtag", hashtag="bakery")
    reader.catch_up()
    fake.moved_away = True
    with pytest.raises(Unavailable):
        reader.recheck()
    assert not reader.gone


def test_the_root_is_found_where_a_server_shows_one_ancestor_at_a_time(
    watching: Watching, fake: Fake, world: World
) -> None:
    post = world.post()
    keys = [world.comment(post)]
    for _ in range(4):
        keys.append(world.reply(keys[-1], by="lee"))
    fake.silent |= set(keys[:-1])
    fake.n_ancestors = 1
    reader = watching("mentions")
    reader.poll()
    assert reader.of(keys[-1]).root_native_id == fake.native_id(keys[0])
    assert reader.of(keys[-1]).subject_native_id == fake.native_id(post)


def test_a_remote_status_that_reaches_a_busy_hashtag_late_is_found_by_looking_again(
    watching: Watching, fake: Fake, world: World
) -> None:
    fake.page_size = 4
    post = world.post()
    reader = watching("hashtag")
    reader.poll()
    world.advance(timedelta(hours=1))
    _burst(world, 12)
    reader.poll()
    late = world.comment(post, "Written 50 minutes ago", at=world.now - timedelta(minutes=50))
    reader.poll()
    assert fake.native_id(late) not in reader.held, "it lies below the first page, or this test shows nothing"
    world.advance(timedelta(minutes=31))
    reader.poll()
    assert reader.present == fake.expected()


def test_only_what_is_young_enough_is_read_back_and_all_that_comes_later(
    watching: Watching, fake: Fake, world: World, http: HttpClient
) -> None:
    fake.page_size = 2
    post = world.post()
    for _ in range(10):
        world.advance(timedelta(days=1))
        world.comment(post)
    reader = watching("mentions")
    reader.settings = MastodonSettings.model_validate(fake.source_settings() | {"backfill": timedelta(days=3)})
    reader.poll()
    oldest = min(comment.created_at for comment in reader.held.values() if comment.kind != "post")
    assert oldest >= world.now - timedelta(days=3)
    assert len([c for c in reader.held.values() if c.kind == "comment"]) == 4
    world.comment(post, "New")
    reader.poll()
    assert len([c for c in reader.held.values() if c.kind == "comment"]) == 5


def test_a_used_up_rate_limit_says_when_to_poll_again(watching: Watching, fake: Fake, world: World) -> None:
    reader = watching("mentions")
    assert reader.fetch().poll_after is None
    fake.requests_left = 0
    assert reader.fetch().poll_after == world.now + timedelta(minutes=5)
