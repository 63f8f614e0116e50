"""What is LinkedIn's own: its feed, two names for each post, mentions, two levels, and what the feed leaves out."""

import json
from datetime import timedelta

import pytest

from tests.connectors.linkedin import Reading, asked, cost_of, fake, polled_until, reading
from tests.platforms.base import World
from tests.platforms.linkedin import FEED, METADATA, PAGE, POSTS, SOCIAL, VERSION, Fake
from tests.platforms.server import Reply

__all__ = ["fake", "reading"]
MINUTES = timedelta(minutes=30)


# --- how it is asked ---


def test_names_are_encoded_and_the_signs_of_restli_are_not(reading: Reading, fake: Fake, world: World) -> None:
    world.reply(world.comment(world.post()), by="lee")
    world.advance()
    reading().poll()
    feed = next(one for one in fake.requests if one.path.endswith(FEED))
    assert "organizationalEntity=urn%3Ali%3Aorganization%3A123&actions=List(COMMENT,ADMIN_COMMENT," in feed.raw_query
    assert "&timeRange=(start:" in feed.raw_query
    replies = next(one for one in fake.requests if "comment%3A" in one.path)
    assert "/urn%3Ali%3Acomment%3A%28urn%3Ali%3Aactivity%3A" in replies.path
    assert "%2C" in replies.path
    assert replies.path.endswith("%29/comments")


def test_every_request_says_its_version_and_its_protocol(reading: Reading, fake: Fake, world: World) -> None:
    world.reply(world.comment(world.post()))
    world.post(by="stranger")
    reader = reading()
    reader.catch_up()
    told = {(one.headers["linkedin-version"], one.headers["x-restli-protocol-version"]) for one in fake.requests}
    assert told == {(VERSION, "2.0.0")}


# --- the feed ---


def test_what_the_feed_repeats_costs_nothing_again(reading: Reading, fake: Fake, world: World) -> None:
    post = world.post()
    for _ in range(5):
        world.comment(post)
    reader = reading()
    reader.poll()
    for _ in range(3):
        world.advance(timedelta(minutes=5))
        assert cost_of(fake, reader.poll) == 1


def test_a_new_comment_costs_one_request_beside_the_feed(reading: Reading, fake: Fake, world: World) -> None:
    post = world.post()
    reader = reading()
    reader.poll()
    world.advance(MINUTES)
    key = world.comment(post)
    assert cost_of(fake, reader.poll) == 2
    assert fake.native_id(key) in reader.present


def test_many_comments_on_one_post_cost_one_walk_and_not_a_request_each(
    reading: Reading, fake: Fake, world: World
) -> None:
    fake.page_size = 100
    post = world.post()
    reader = reading()
    reader.poll()
    world.advance(MINUTES)
    keys = [world.comment(post, by=f"kim{number}") for number in range(40)]
    world.reply(keys[3], by="lee")
    assert cost_of(fake, reader.poll) <= 4, "the feed, the list, and the replies to one"
    assert reader.present == fake.expected()


def test_much_that_is_new_on_one_post_does_not_wait_for_the_backfill_nor_pays_for_it(
    reading: Reading, fake: Fake, world: World
) -> None:
    fake.page_size = 100
    posts = [world.post() for _ in range(3)]
    for number in range(90):
        world.reply(world.comment(posts[number % 3], by=f"kim{number}"))
        world.advance(timedelta(minutes=1))
    reader = reading(sweep_a_day=0)
    reader.poll()
    n_waiting = len(reader.cursor["replies"])
    assert n_waiting > 20, "the backfill is out of credit, or this test shows nothing"
    world.advance(MINUTES)
    new = [world.comment(posts[0], by=f"lee{number}") for number in range(6)]
    new.append(world.reply(new[0]))
    assert cost_of(fake, reader.poll) <= 4
    assert {fake.native_id(key) for key in new} <= reader.present
    assert len(reader.cursor["replies"]) == n_waiting


def test_a_comment_that_the_feed_tells_before_it_can_be_fetched_is_asked_for_again(
    reading: Reading, fake: Fake, world: World
) -> None:
    post = world.post()
    reader = reading()
    reader.poll()
    world.advance(MINUTES)
    key = world.comment(post)
    fake.lag[key] = timedelta(minutes=10)
    reader.poll()
    assert fake.native_id(key) not in reader.present
    assert not reader.gone
    world.advance(MINUTES)
    reader.poll()
    assert fake.native_id(key) in reader.present


def test_a_deleted_comment_that_is_still_served_does_not_come_back(reading: Reading, fake: Fake, world: World) -> None:
    post = world.post()
    reader = reading()
    reader.poll()
    world.advance()
    key = world.comment(post)
    world.delete(key)
    reader.poll()
    reader.poll()
    assert fake.native_id(key) in reader.gone
    assert asked(fake, SOCIAL, fake.native_id(key)) == 0
    assert reader.held.keys() == {fake.native_id(post)}


def test_an_edit_that_the_feed_tells_is_read(reading: Reading, fake: Fake, world: World) -> None:
    key = world.comment(world.post(), "The total is 12.")
    reader = reading()
    reader.poll()
    assert reader.of(key).edited_at is None
    world.advance(timedelta(hours=3))
    world.edit(key, "The total is 13.")
    reader.poll()
    assert (reader.of(key).text, reader.of(key).edited_at) == ("The total is 13.", world.now)


def test_a_page_that_was_silent_for_long_is_not_said_to_have_missed_anything(reading: Reading, world: World) -> None:
    world.comment(world.post())
    reader = reading()
    reader.poll()
    for _ in range(100):
        world.advance(timedelta(days=1))
        assert "60 days" not in reader.fetch().note
        reader.poll()


def test_who_did_not_ask_for_60_days_is_told_that_mentions_may_be_missed(
    reading: Reading, fake: Fake, world: World
) -> None:
    key = world.comment(world.post())
    reader = reading()
    reader.poll()
    late = world.reply(key, by="kim")
    world.advance(timedelta(days=61))
    page = reader.fetch()
    reader.keep(page)
    assert "60 days" in page.note
    reader.poll()
    assert fake.native_id(late) in reader.present, "by a walk through the post"


# --- two names for each post ---


def test_a_comment_hangs_under_its_post_although_its_own_name_has_the_activity(
    reading: Reading, fake: Fake, world: World
) -> None:
    post = world.post("Our new opening hours.")
    first = world.comment(post)
    reader = reading()
    reader.poll()
    world.advance(MINUTES)
    second = world.comment(post)
    reader.poll()
    for key in (first, second):
        comment = reader.of(key)
        assert comment.subject_native_id == fake.post_urn(post)
        assert comment.subject_title == "Our new opening hours."
        assert fake.activity(post).rpartition(":")[2] not in fake.post_urn(post)
        assert comment.permalink.startswith(f"https://www.linkedin.com/feed/update/{fake.activity(post)}/?commentUrn=")


@pytest.mark.parametrize("names_activities", [True, False])
def test_without_decorations_a_known_activity_is_known_again(
    reading: Reading, fake: Fake, world: World, names_activities: bool
) -> None:
    fake.is_undecorated, fake.names_activities = True, names_activities
    post = world.post()
    world.comment(post)
    reader = reading()
    reader.poll()
    world.advance(MINUTES)
    key = world.comment(post)
    reader.poll()
    assert reader.of(key).subject_native_id == fake.post_urn(post)


def test_an_activity_of_an_unknown_post_is_found_out_by_walks(reading: Reading, fake: Fake, world: World) -> None:
    fake.is_undecorated = True
    posts = [world.post() for _ in range(3)]
    reader = reading()
    reader.poll()
    world.advance(MINUTES)
    key = world.comment(posts[0])
    reader.poll()
    assert reader.of(key).subject_native_id == fake.post_urn(posts[0])


def test_a_comment_on_a_post_that_the_list_did_not_have_brings_that_post(
    reading: Reading, fake: Fake, world: World
) -> None:
    world.comment(world.post())
    reader = reading()
    reader.poll()
    world.advance(timedelta(minutes=5))
    post = world.post("Closed on Monday.")
    key = world.comment(post)
    reader.poll()
    assert reader.of(post).kind == "post"
    assert reader.of(key).subject_title == "Closed on Monday."
    assert asked(fake, POSTS) == 2, "the list, and this one"


def test_our_posts_are_listed_every_four_hours_and_drafts_are_not_posts(
    reading: Reading, fake: Fake, world: World
) -> None:
    draft, post = world.post("Not yet"), world.post("We are open")
    fake.raw_parts[draft] = {"lifecycleState": "DRAFT", "publishedAt": None}
    reader = reading()
    for _ in range(9):
        reader.poll()
        world.advance(MINUTES)
    assert reader.present == {fake.native_id(post)}
    assert asked(fake, POSTS) == 2
    assert reader.is_ours(post)


# --- two levels ---


def test_a_reply_to_a_reply_hangs_under_the_comment_on_top(reading: Reading, fake: Fake, world: World) -> None:
    first = world.comment(world.post())
    second = world.reply(first, by="lee")
    third = world.reply(second, by="kim")
    reader = reading()
    reader.poll()
    top = fake.native_id(first)
    assert [(reader.of(key).parent_native_id, reader.of(key).root_native_id) for key in (second, third)] == [
        (top, top)
    ] * 2
    assert (reader.of(first).parent_native_id, reader.of(first).root_native_id) == (None, top)


def test_replies_that_are_not_found_by_their_number_come_by_a_walk(reading: Reading, fake: Fake, world: World) -> None:
    fake.finds_replies_by_number = False
    key = world.comment(world.post())
    reader = reading()
    reader.poll()
    world.advance(MINUTES)
    reply = world.reply(key)
    took = polled_until(reader, fake.native_id(reply), timedelta(hours=3))
    assert took <= 3 * MINUTES
    assert reader.is_ours(reply)


def test_a_reply_to_a_comment_older_than_the_backfill_brings_that_comment(
    reading: Reading, fake: Fake, world: World
) -> None:
    old = world.comment(world.post(), "Asked a year ago")
    world.advance(timedelta(days=365))
    reader = reading()
    reader.poll()
    assert not reader.present
    world.advance(MINUTES)
    late = world.reply(old, "Is anybody there?", by="kim")
    reader.poll()
    assert reader.present == {fake.native_id(late), fake.native_id(old)}
    world.advance(MINUTES)
    world.reply(old, by="lee")
    assert cost_of(fake, reader.poll) == 2, "it is not fetched again"


# --- who wrote ---


def test_the_page_is_us_whoever_of_its_people_typed_and_they_alone_are_not(
    reading: Reading, fake: Fake, world: World
) -> None:
    first = world.comment(world.post(), by="kim")
    ours, personal = world.reply(first), world.reply(first, by="adminX")
    reader = reading()
    reader.poll()
    assert reader.own_author_ids == {PAGE}
    assert [reader.is_ours(key) for key in (first, ours, personal)] == [False, True, False]
    assert [reader.of(key).is_ours for key in (first, ours, personal)] == [None, True, None]
    assert reader.of(first).author.native_id == "urn:li:person:kim"
    assert reader.of(ours).author.url == "https://www.linkedin.com/company/123/"


# --- mentions ---


def test_a_post_that_mentions_us_comes_as_a_mention_and_our_comment_on_it_is_the_answer(
    reading: Reading, fake: Fake, world: World
) -> None:
    reader = reading()
    reader.poll()
    world.advance(MINUTES)
    mention = world.post("Never again @[Bakery](urn:li:organization:123)!", by="marc")
    fake.raw_parts[mention] = {"commentary": r"Never again @[Bakery](urn:li:organization:123)\!"}
    reader.poll()
    found = reader.of(mention)
    assert (found.kind, found.author.native_id, found.mentions) == ("mention", "urn:li:person:marc", (PAGE,))
    assert found.text == r"Never again Bakery\!", "what needs no backslash had one of its own"
    world.advance(MINUTES)
    answer = world.comment(mention, "We are sorry.", by="brand")
    world.comment(mention, "Told you so.", by="lee")
    reader.poll()
    comment = reader.of(answer)
    assert (comment.parent_native_id, comment.root_native_id) == (fake.post_urn(mention),) * 2
    assert reader.is_ours(answer)
    assert reader.present == fake.expected()


def test_a_post_that_is_not_for_our_eyes_is_kept_as_the_feed_tells_it(
    reading: Reading, fake: Fake, world: World
) -> None:
    fake.hides_strangers_posts = True
    reader = reading()
    reader.poll()
    world.advance(MINUTES)
    mention = world.post("Never again.", by="marc")
    answer = world.comment(mention, "We are sorry.", by="brand")
    reader.poll()
    assert (reader.of(mention).text, reader.of(mention).kind) == ("Never again.", "mention")
    assert reader.of(answer).root_native_id == fake.post_urn(mention)
    assert reader.is_ours(answer)


def test_a_post_that_is_told_of_without_words_and_not_shown_is_said_in_the_log(
    reading: Reading, fake: Fake, world: World
) -> None:
    fake.hides_strangers_posts = fake.is_undecorated = True
    reader = reading()
    reader.poll()
    world.advance(MINUTES)
    world.post("Never again.", by="marc")
    assert "cannot be read" in reader.fetch().note


def test_our_comment_on_a_strangers_post_answers_it_although_the_feed_does_not_say_whose_it_is(
    reading: Reading, fake: Fake, world: World
) -> None:
    fake.is_undecorated, fake.names_activities = True, False
    reader = reading()
    reader.poll()
    world.advance(MINUTES)
    mention = world.post("Never again.", by="marc")
    answer = world.comment(mention, "We are sorry.", by="brand")
    reader.poll()
    assert reader.of(mention).kind == "mention"
    assert reader.of(answer).root_native_id == fake.post_urn(mention)


@pytest.mark.parametrize(("reshares", "n"), [(True, 1), (False, 0)])
def test_shares_of_our_posts_are_read_where_they_say_something(
    reading: Reading, fake: Fake, world: World, reshares: bool, n: int
) -> None:
    post = world.post()
    reader = reading(reshares=reshares)
    reader.poll()
    world.advance(MINUTES)
    silent, speaks = world.post(" ", by="lee"), world.post("What nonsense this is.", by="marc")
    fake.shares = {silent: post, speaks: post}
    reader.poll()
    assert [one.text for one in reader.held.values() if one.kind == "mention"] == ["What nonsense this is."] * n
    assert asked(fake, POSTS, fake.post_urn(silent).replace(":", "%3A")) == 0


# --- lists ---


@pytest.mark.parametrize(("has_links", "has_totals"), [(True, False), (False, True), (False, False)])
@pytest.mark.parametrize("oldest_first", [True, False])
def test_a_list_is_read_to_its_end_whatever_tells_of_it_and_in_any_order(
    reading: Reading, fake: Fake, world: World, has_links: bool, has_totals: bool, oldest_first: bool
) -> None:
    fake.page_size, fake.has_links, fake.has_totals, fake.oldest_first = 7, has_links, has_totals, oldest_first
    posts = [world.post() for _ in range(9)]
    for number in range(40):
        world.comment(posts[number % 2], by=f"kim{number}")
        world.advance(timedelta(minutes=1))
    reader = reading()
    reader.poll()
    assert reader.present == fake.expected()


def test_a_deletion_between_two_pages_of_a_walk_hides_nobody(reading: Reading, fake: Fake, world: World) -> None:
    fake.page_size = 20
    post = world.post()
    keys = [world.comment(post, by=f"kim{number}") for number in range(200)]
    reader = reading()
    while not reader.cursor or reader.cursor["walk"].get("start", 0) < 40:
        reader.keep(reader.fetch())
    world.delete(keys[-1])
    reader.poll()
    assert fake.expected() <= reader.present


def test_a_list_that_never_moves_on_is_left_and_said(reading: Reading, fake: Fake, world: World) -> None:
    fake.page_size = 5
    post = world.post()
    for number in range(5):
        world.comment(post, by=f"kim{number}")
    world.advance()
    reader = reading()
    row = {"id": "7", "created": {"time": 1_790_000_000_000}, "object": fake.activity(post)}
    href = {"rel": "next", "href": "/rest/x?start=5"}
    fake.refuses[SOCIAL] = Reply({"elements": [row], "paging": {"start": 0, "count": 1, "links": [href]}})
    notes = []
    for _ in range(5):
        page = reader.fetch()
        reader.keep(page)
        notes.append(page.note)
    assert "same page" in " ".join(notes)
    assert not page.more


# --- what the feed leaves out ---


def test_a_comment_a_reply_and_an_edit_that_the_feed_left_out_are_found_within_the_stated_delay(
    reading: Reading, fake: Fake, world: World
) -> None:
    posts = [world.post() for _ in range(3)]
    keys = [world.comment(post) for post in posts]
    reader = reading()
    reader.poll()
    world.advance(timedelta(hours=2))
    new, reply = world.comment(posts[0]), world.reply(keys[1], by="kim")
    world.edit(keys[2], "In other words")
    fake.silent = {new, reply, keys[2]}
    polled_until(reader, fake.native_id(new), timedelta(hours=25))
    polled_until(reader, fake.native_id(reply), timedelta(hours=1))
    reader.poll()
    assert reader.of(keys[2]).text == "In other words"


def test_a_quiet_old_post_is_walked_through_once_a_week(reading: Reading, fake: Fake, world: World) -> None:
    post = world.post()
    world.comment(post)
    world.advance(timedelta(days=90))
    reader = reading()
    reader.poll()
    new = world.comment(post)
    fake.silent = {new}
    took = polled_until(reader, fake.native_id(new), timedelta(days=8), timedelta(hours=4))
    assert took >= timedelta(days=6), "no sooner, or this test shows nothing"


def test_an_empty_list_where_linkedin_counts_comments_is_a_small_role_and_not_a_deletion(
    reading: Reading, fake: Fake, world: World
) -> None:
    post = world.post()
    for _ in range(3):
        world.comment(post)
    reader = reading()
    reader.catch_up()
    before = reader.present
    fake.is_blind = True
    world.advance(timedelta(days=2))
    page = reader.fetch()
    reader.keep(page)
    assert "counts 3 comments" in page.note
    assert "ADMINISTRATOR" in page.note
    reader.recheck()
    assert not reader.gone
    assert reader.present == before
    assert asked(fake, METADATA) >= 1


def test_a_deleted_post_is_gone_when_it_is_walked_through(reading: Reading, fake: Fake, world: World) -> None:
    post, other = world.post(), world.post()
    reader = reading()
    reader.poll()
    world.delete(post)
    world.advance(timedelta(days=2))
    reader.poll()
    assert reader.gone == {fake.post_urn(post)}
    assert reader.present == {fake.post_urn(other)}


# --- looks at known comments ---


def test_looks_find_what_the_feed_did_not_tell(reading: Reading, fake: Fake, world: World) -> None:
    post = world.post()
    keys = [world.comment(post, by=f"kim{number}") for number in range(4)]
    reply = world.reply(keys[0], by="lee")
    other = world.reply(keys[0], by="kim0")
    reader = reading()
    reader.poll()
    world.advance()
    late = world.reply(keys[1])
    fake.silent = {*keys, reply, late}
    world.edit(keys[2], "In other words")
    world.delete(keys[3])
    world.delete(reply)
    reader.recheck()
    assert reader.gone == {fake.native_id(keys[3]), fake.native_id(reply)}
    assert reader.of(keys[2]).text == "In other words"
    assert {fake.native_id(late), fake.native_id(other)} <= reader.present


def test_a_look_changes_nothing_of_what_did_not_change(reading: Reading, fake: Fake, world: World) -> None:
    post = world.post("Our new *hours*.")
    key = world.comment(post)
    world.reply(key)
    mention = world.post("Never again.", by="marc")
    world.comment(mention, by="brand")
    reader = reading()
    reader.poll()
    before = dict(reader.held)
    reader.recheck()
    assert reader.held == before
    assert not reader.gone


def test_a_look_at_the_comments_of_one_thread_costs_four_requests(reading: Reading, fake: Fake, world: World) -> None:
    key = world.comment(world.post())
    replies = [world.reply(key, by=f"kim{number}") for number in range(4)]
    reader = reading()
    reader.poll()
    reader.held = {fake.native_id(one): reader.of(one) for one in (key, *replies)}
    assert cost_of(fake, reader.recheck) == 3, "the comment, its replies, and the title of the post"


def test_a_deleted_post_takes_its_comments_with_it(reading: Reading, fake: Fake, world: World) -> None:
    post, other = world.post(), world.post()
    keys = [world.comment(post), world.comment(other)]
    reader = reading()
    reader.poll()
    world.delete(post)
    reader.recheck()
    assert reader.gone == {fake.post_urn(post), fake.native_id(keys[0])}


def test_the_only_comment_on_a_post_is_gone_where_linkedin_counts_none(
    reading: Reading, fake: Fake, world: World
) -> None:
    key = world.comment(world.post())
    reader = reading()
    reader.poll()
    fake.silent = {key}
    world.delete(key)
    reader.recheck()
    assert reader.gone == {fake.native_id(key)}


# --- what is remembered ---


def test_the_cursor_keeps_neither_words_nor_people(reading: Reading, fake: Fake, world: World) -> None:
    post = world.post("We are open.")
    for number in range(30):
        world.comment(post, f"A secret thought {number}", by=f"marguerite{number}")
    world.post("Never again", by="marguerite")
    reader = reading()
    reader.poll()
    told = json.dumps(reader.cursor)
    assert [word for word in ("marguerite", "secret thought", "Never again") if word in told] == []
    assert "We are open." in told, "our own post's beginning is what its comments' titles are made of"
    assert len(told) < 4_000
