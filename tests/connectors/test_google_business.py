"""What is Google Business Profile's own: its reviews and replies, locations in accounts, heads and sweeps."""

import json
from datetime import timedelta

import pytest

from connectors.base import Known
from connectors.google_business import GoogleBusiness
from connectors.google_business_reviews import typed
from monitor.model import Comment
from tests.connectors.google_business import Reading, asked, fake, reading
from tests.platforms.base import Fault, World
from tests.platforms.google_business import ACCOUNT, GROUP, STARS, Fake, error

__all__ = ["fake", "reading"]


# --- reviews ---


def test_a_review_comes_with_its_stars_and_its_location(reading: Reading, fake: Fake, world: World) -> None:
    key = world.comment(world.post(), "Waited 40 minutes", by="Lena M")
    fake.stars[key] = "ONE"
    reader = reading()
    reader.poll()
    review = reader.of(key)
    assert (review.kind, review.stars, review.author.name, review.edited_at) == ("review", 1, "Lena M", None)
    assert (review.subject_native_id, review.subject_title) == ("accounts/100/locations/456", "Acme Bakery Main Street")
    assert review.permalink.startswith("https://maps.google.com/maps?cid=456#")


def test_a_rating_without_words_is_a_review_without_text(reading: Reading, fake: Fake, world: World) -> None:
    key = world.comment(world.post())
    fake.raw_parts[key] = {"comment": None}
    reader = reading()
    reader.poll()
    assert (reader.of(key).text, reader.of(key).stars) == ("", 3)


@pytest.mark.parametrize(("told", "stars"), [*zip(STARS, [None, 1, 2, 3, 4, 5], strict=True), (None, None)])
def test_stars_are_words_and_may_be_unspecified(
    reading: Reading, fake: Fake, world: World, told: str | None, stars: int | None
) -> None:
    key = world.comment(world.post())
    fake.raw_parts[key] = {"starRating": told}
    reader = reading()
    reader.poll()
    assert reader.of(key).stars == stars


@pytest.mark.parametrize(
    ("comment", "says"),
    [
        ("(Translated by Google) Good bread.\n\n(Original)\nGutes Brot.", "Gutes Brot."),
        ("Gutes Brot.\n\n(Translated by Google)\nGood bread.", "Gutes Brot."),
        ("(Translated by Google) Good bread.", "Good bread."),
        ("They wrote (Original) on (Translated by Google) a sign", None),
        ("(Original)\nrecipe", None),
        ("  Good\nbread  ", "Good\nbread"),
        ("", ""),
    ],
)
def test_a_translation_by_google_is_split_off(comment: str, says: str | None) -> None:
    assert typed(comment) == (comment if says is None else says)


def test_anonymous_reviewers_are_people_of_their_own(reading: Reading, fake: Fake, world: World) -> None:
    first, second, third = (world.comment(world.post()) for _ in range(3))
    fake.raw_parts[first] = {"reviewer": {"isAnonymous": True, "displayName": "A Google User"}}
    fake.raw_parts[second] = {"reviewer": {"isAnonymous": True}}
    fake.raw_parts[third] = {"reviewer": None}
    reader = reading()
    reader.poll()
    assert [reader.of(key).author.name for key in (first, second, third)] == [
        "A Google User",
        "A Google user",
        "A Google user",
    ]
    assert len({reader.of(key).author.key for key in (first, second, third)}) == 3


def test_times_with_nine_decimals_are_read(reading: Reading, fake: Fake, world: World) -> None:
    key = world.comment(world.post())
    fake.raw_parts[key] = {"createTime": "2026-03-01T17:20:00.123456789Z", "updateTime": "2026-03-02T09:00:00Z"}
    reader = reading()
    reader.poll()
    edited_at = reader.of(key).edited_at
    assert edited_at is not None
    assert (reader.of(key).created_at.microsecond, edited_at.hour) == (123456, 9)


def test_a_reviews_own_address_is_taken_where_there_is_one(reading: Reading, fake: Fake, world: World) -> None:
    first, second = world.comment(world.post()), world.comment(world.post())
    fake.raw_parts[first] = {"reviewReplyUrl": "https://business.google.com/reviews/r/1"}
    fake.raw_parts[second] = {"reviewReplyUrl": "javascript:alert(1)"}
    reader = reading()
    reader.poll()
    assert reader.of(first).permalink == "https://business.google.com/reviews/r/1"
    assert reader.of(second).permalink.startswith("https://maps.google.com/")


def test_a_location_without_an_address_still_gives_each_comment_a_link(
    reading: Reading, fake: Fake, world: World
) -> None:
    fake.metadata = {"placeId": "ChIJx"}
    review = world.comment(world.post())
    reply = world.reply(review)
    reader = reading()
    reader.poll()
    assert reader.of(review).permalink != reader.of(reply).permalink
    assert reader.of(review).permalink.startswith("https://business.google.com/reviews#")


# --- replies ---


def test_our_reply_hangs_under_its_review_and_is_ours(reading: Reading, fake: Fake, world: World) -> None:
    review = world.comment(world.post())
    reply = world.reply(review, "We are sorry, Lena.")
    reader = reading()
    reader.poll()
    ours = reader.of(reply)
    assert reader.is_ours(reply)
    assert (ours.kind, ours.text, ours.is_hidden) == ("comment", "We are sorry, Lena.", False)
    assert ours.parent_native_id == ours.root_native_id == fake.native_id(review)


@pytest.mark.parametrize("where", ["reply", "review"])
@pytest.mark.parametrize("name", ["reviewReplyState", "state"])
def test_a_rejected_reply_answers_nothing_wherever_google_says_so(
    reading: Reading, fake: Fake, world: World, where: str, name: str
) -> None:
    review = world.comment(world.post())
    reply = world.reply(review)
    parts = fake.reply_parts if where == "reply" else fake.raw_parts
    parts[review] = {name: "REJECTED", "policyViolation": "PROFANITY"}
    reader = reading()
    reader.poll()
    assert reader.of(reply).is_hidden


@pytest.mark.parametrize("state", ["PENDING", "APPROVED", "REVIEW_REPLY_STATE_UNSPECIFIED"])
def test_a_reply_that_is_not_rejected_answers(reading: Reading, fake: Fake, world: World, state: str) -> None:
    review = world.comment(world.post())
    reply = world.reply(review)
    fake.reply_parts[review] = {"reviewReplyState": state}
    reader = reading()
    reader.poll()
    assert not reader.of(reply).is_hidden


def test_a_review_changed_after_our_reply_is_edited_after_it(reading: Reading, world: World) -> None:
    review = world.comment(world.post(), "Bad")
    reader = reading()
    reader.poll()
    world.advance()
    reply = world.reply(review)
    world.advance()
    world.edit(review, "Still bad")
    reader.poll()
    edited_at = reader.of(review).edited_at
    assert edited_at is not None
    assert edited_at > reader.of(reply).created_at


def test_a_reply_that_moves_its_review_is_no_edit_of_it(reading: Reading, fake: Fake, world: World) -> None:
    fake.reply_moves_review = True
    review = world.comment(world.post())
    world.advance()
    world.reply(review)
    reader = reading()
    reader.poll()
    assert reader.of(review).edited_at is None


def test_a_second_reply_takes_the_place_of_the_first(reading: Reading, fake: Fake, world: World) -> None:
    review = world.comment(world.post())
    first = world.reply(review, "Sorry.")
    reader = reading()
    reader.poll()
    world.advance()
    second = world.reply(review, "Sorry, it was our oven.")
    reader.poll()
    assert fake.native_id(first) == fake.native_id(second)
    assert reader.of(first).text == "Sorry, it was our oven."


# --- gone ---


def test_a_review_that_is_found_no_more_takes_our_reply_with_it(reading: Reading, fake: Fake, world: World) -> None:
    place = world.post()
    review, other = world.comment(place), world.comment(place)
    reply = world.reply(review)
    reader = reading()
    reader.poll()
    world.delete(review)
    reader.recheck()
    assert reader.gone == {fake.native_id(review), fake.native_id(reply)}
    assert reader.present == {fake.native_id(other)}


def test_a_reply_that_was_taken_back_is_gone_and_its_review_is_not(reading: Reading, fake: Fake, world: World) -> None:
    review = world.comment(world.post())
    reply = world.reply(review)
    reader = reading()
    reader.poll()
    world.delete(reply)
    reader.catch_up()
    assert reader.gone == {fake.native_id(reply)}


def test_a_review_missing_in_the_list_is_not_gone(reading: Reading, fake: Fake, world: World) -> None:
    world.comment(world.post())
    reader = reading()
    reader.poll()
    fake.withheld.update(one.key for one in world.comments)
    world.advance()
    reader.poll()
    assert not reader.gone


@pytest.mark.parametrize("kind", ["moved", "not ours", "unverified"])
def test_the_reviews_of_a_location_that_cannot_be_read_are_not_gone(
    reading: Reading, fake: Fake, world: World, kind: str
) -> None:
    world.comment(world.post())
    reader = reading()
    reader.poll()
    fake.shut["456"] = SHUT[kind]
    reader.recheck()
    assert not reader.gone


def test_a_review_shown_in_a_shape_that_cannot_be_read_loses_nothing(
    reading: Reading, fake: Fake, world: World
) -> None:
    review = world.comment(world.post())
    world.reply(review)
    reader = reading()
    reader.poll()
    fake.raw_parts[review] = {"reviewId": "../..", "name": None, "reviewReply": None}
    connector = reader.build()
    known = [known_of(one) for one in reader.held.values()]
    assert list(connector.recheck(known).gone) == []


def known_of(comment: Comment) -> Known:
    return Known(comment.native_id, comment.subject_native_id, comment.root_native_id)


SHUT = {
    "moved": error(404, "NOT_FOUND", "Requested entity was not found."),
    "not ours": error(403, "PERMISSION_DENIED", "The caller does not have permission"),
    "unverified": error(400, "FAILED_PRECONDITION", "Precondition check failed."),
}


# --- locations ---


def test_locations_are_found_in_every_account_and_named_with_it(reading: Reading, fake: Fake, world: World) -> None:
    keys = [world.comment(world.post()), world.comment(world.post())]
    reader = reading()
    reader.poll()
    subjects = [reader.of(key).subject_native_id for key in keys]
    assert subjects == ["accounts/100/locations/456", "accounts/200/locations/457"]
    masks = {one.get("readMask") for one in fake.requests if "/information/" in one.path}
    assert masks == {"name,title,storeCode,metadata"}


def test_a_location_shared_by_two_accounts_is_read_once(reading: Reading, fake: Fake, world: World) -> None:
    fake.accounts = {ACCOUNT: ["456", "457"], GROUP: ["457"]}
    for _ in range(2):
        world.comment(world.post())
    reader = reading()
    reader.poll()
    assert asked(fake, "/locations/457/reviews") == 1
    world.advance(timedelta(days=2))
    fake.accounts = {GROUP: ["457"], ACCOUNT: ["456", "457"]}
    reader.poll()
    assert {one.subject_native_id for one in reader.held.values()} == {
        "accounts/100/locations/456",
        "accounts/100/locations/457",
    }


def test_only_the_locations_asked_for_are_read(reading: Reading, fake: Fake, world: World) -> None:
    keys = [world.comment(world.post()), world.comment(world.post())]
    reader = reading(locations=["locations/457", "999"], business_group="200")
    page = reader.fetch()
    reader.keep(page)
    assert reader.present == {fake.native_id(keys[1])}
    assert page.note == "location 999 is not listed"
    assert asked(fake, "/management/v1/accounts") == 0


def test_a_change_of_the_settings_counts_at_once(reading: Reading, fake: Fake, world: World) -> None:
    keys = [world.comment(world.post()), world.comment(world.post())]
    reader = reading(locations=["456"])
    reader.poll()
    cursor = reader.cursor
    reader = reading(locations=["457"])
    reader.cursor = cursor
    reader.poll()
    assert reader.present == {fake.native_id(keys[1])}


@pytest.mark.parametrize("kind", sorted(SHUT))
def test_a_location_that_cannot_be_read_does_not_keep_the_others_from_being_read(
    reading: Reading, fake: Fake, world: World, kind: str
) -> None:
    keys = [world.comment(world.post()), world.comment(world.post())]
    fake.shut["456"] = SHUT[kind]
    reader = reading()
    page = reader.fetch()
    reader.keep(page)
    assert "Acme Bakery Main Street" in page.note
    assert reader.present == {fake.native_id(keys[1])}
    n_asked = asked(fake, "/locations/456/reviews")
    world.advance()
    assert reader.fetch().note == "", "it is told once"
    assert asked(fake, "/locations/456/reviews") == n_asked
    fake.shut.clear()
    world.advance(timedelta(days=1))
    reader.poll()
    assert reader.present == fake.expected(), "it is tried again once a day"


def test_a_location_that_moved_to_another_account_is_read_on_there_at_once(
    reading: Reading, fake: Fake, world: World
) -> None:
    place = world.post()
    world.comment(place)
    reader = reading(locations=["456"])
    reader.poll()
    fake.accounts = {ACCOUNT: [], GROUP: ["456", "457"]}
    world.advance(timedelta(hours=1))
    new = world.comment(place)
    page = reader.fetch()
    reader.keep(page)
    assert page.note == ""
    assert reader.of(new).subject_native_id == "accounts/200/locations/456"
    assert reader.present == fake.expected()


def test_a_location_that_is_listed_no_more_comes_back_with_what_was_written_meanwhile(
    reading: Reading, fake: Fake, world: World
) -> None:
    place = world.post()
    world.comment(place)
    reader = reading()
    reader.poll()
    fake.accounts[ACCOUNT] = []
    world.advance(timedelta(days=2))
    assert "listed no more" in reader.fetch().note
    reader.poll()
    world.comment(place, "Written while it was away")
    world.advance(timedelta(days=3))
    fake.accounts[ACCOUNT] = ["456"]
    reader.poll()
    assert reader.present == fake.expected()


def test_a_new_location_does_not_bring_its_past(reading: Reading, fake: Fake, world: World) -> None:
    world.post()
    place = world.post()
    fake.accounts[GROUP] = []
    old = world.comment(place, "Long ago")
    reader = reading()
    reader.poll()
    world.advance(timedelta(days=5))
    fake.accounts[GROUP] = ["457"]
    new = world.comment(place, "Today")
    reader.poll()
    assert fake.native_id(new) in reader.present
    assert fake.native_id(old) not in reader.present


# --- heads and sweeps ---


def test_a_quiet_poll_costs_one_request_for_each_location(reading: Reading, fake: Fake, world: World) -> None:
    fake.page_size = 5
    for number in range(60):
        world.comment(world.post(), by=f"kim{number}")
        world.advance(timedelta(hours=12))
    reader = reading()
    reader.poll()
    world.advance(timedelta(minutes=15))
    assert reader.fetch().spent == GoogleBusiness.abilities.quiet_requests == 2


def _old_reviews(world: World, n: int) -> list[str]:
    place = world.post()
    keys = []
    for number in range(n):
        keys.append(world.comment(place, by=f"kim{number}"))
        world.advance(timedelta(hours=6))
    return keys


@pytest.mark.parametrize(("age", "delay"), [(5, 1), (80, 7)])
def test_our_reply_far_down_the_list_is_found_within_the_stated_delay(
    reading: Reading, fake: Fake, world: World, age: int, delay: int
) -> None:
    keys = _old_reviews(world, 30)
    fake.page_size = 10
    reader = reading(backfill="P365D", locations=["456"])
    world.advance(timedelta(days=age))
    reader.poll()
    for _ in range(20):
        world.comment(world.posts[0].key)
        world.advance(timedelta(hours=6))
    reader.poll()
    reply = world.reply(keys[0])
    reader.poll()
    assert fake.native_id(reply) not in reader.present, "it is not at the head, or this test shows nothing"
    begun_at = world.now
    while fake.native_id(reply) not in reader.present:
        world.advance(timedelta(hours=1))
        before = fake.n_requests
        reader.poll()
        assert fake.n_requests - before <= 1 + 3 + 5, "a head, once a day the lists, and 5 of a sweep"
        assert world.now - begun_at <= timedelta(days=delay, hours=3)


def test_a_review_that_google_shows_again_in_its_old_place_is_found(reading: Reading, fake: Fake, world: World) -> None:
    keys = _old_reviews(world, 30)
    fake.withheld.add(keys[3])
    reader = reading()
    reader.poll()
    fake.withheld.clear()
    world.advance(timedelta(hours=1))
    reader.poll()
    assert fake.native_id(keys[3]) not in reader.present
    for _ in range(26):
        world.advance(timedelta(hours=1))
        reader.poll()
    assert reader.present == fake.expected()


def test_a_sweep_that_fails_does_not_keep_new_reviews_out(reading: Reading, fake: Fake, world: World) -> None:
    keys = _old_reviews(world, 6)
    reader = reading(locations=["456"])
    reader.poll()
    world.advance(timedelta(days=2))
    reader.poll()
    world.advance(timedelta(days=2))
    new = world.comment(world[keys[0]].post or "", "New")
    reader.cursor["listed_at"] = world.now.timestamp()
    fake.fail(Fault.OVERLOADED, after=1)
    page = reader.fetch()
    reader.keep(page)
    assert fake.native_id(new) in reader.present
    assert "a sweep waits" in page.note
    world.advance()
    fake.fail(Fault.RATE_LIMITED, after=1)
    assert reader.fetch().poll_after is not None


def test_a_position_that_google_forgot_begins_again_from_the_top(reading: Reading, fake: Fake, world: World) -> None:
    fake.page_size = 2
    _old_reviews(world, 25)
    reader = reading(locations=["456"])
    reader.keep(reader.fetch())
    assert reader.cursor["position"]["token"], "it is in the middle, or this test shows nothing"
    fake.expire_cursors()
    world.advance()
    reader.poll()
    assert reader.present == fake.expected()


def test_the_cursor_is_small(reading: Reading, world: World) -> None:
    _old_reviews(world, 100)
    reader = reading()
    reader.poll()
    assert len(json.dumps(reader.cursor)) < 1_500


@pytest.mark.slow
def test_20_000_reviews_are_brought_in_while_new_ones_arrive_within_the_quota(
    reading: Reading, fake: Fake, world: World
) -> None:
    fake.page_size = 50
    places = [world.post(), world.post()]
    for number in range(20_000):
        world.comment(places[number % 2], by=f"kim{number % 999}")
        world.advance(timedelta(minutes=2))
    reader = reading()
    n_fetches = 0
    while True:
        page = reader.fetch()
        reader.keep(page)
        n_fetches += 1
        assert page.spent <= 20, "so that a minute's quota is never reached by one page"
        if not page.more:
            break
        world.advance(timedelta(seconds=5))
        if n_fetches < 50:
            world.comment(places[0], f"Written between two pages, {n_fetches}")
    reader.poll()
    assert reader.present == fake.expected()
    assert fake.n_requests < 500
    print(f"{fake.n_requests} requests; a cursor of {len(json.dumps(reader.cursor)):,} bytes")  # noqa: T201
