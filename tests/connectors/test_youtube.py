"""What is YouTube's own: two levels, replies beyond those sent along, what is held back, units, and silence."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.base import Known
from connectors.google_errors import midnight_pacific
from connectors.youtube import YouTube, YouTubeSettings
from monitor.errors import Gone, Malformed, RateLimited, Unauthorized, Unavailable
from monitor.http import HttpClient
from tests.contract.reader import Reader
from tests.platforms.base import BRAND, Fault, World
from tests.platforms.server import Reply
from tests.platforms.youtube import CHANNEL, Fake, error

Reading = Callable[..., Reader]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def http() -> Iterator[HttpClient]:
    client = HttpClient()
    yield client
    client.close()


@pytest.fixture
def fake(world: World, tmp_path: Path) -> Iterator[Fake]:
    with Fake(world, tmp_path) as platform:
        yield platform


@pytest.fixture
def reading(fake: Fake, http: HttpClient) -> Reading:
    def build(variant: str = "key", **settings: object) -> Reader:
        fake.variant = variant
        reader = Reader(YouTube, fake, http)
        reader.settings = YouTubeSettings.model_validate(fake.source_settings() | settings)
        return reader

    return build


def _asked(fake: Fake, name: str) -> int:
    return sum(request.path.endswith(f"/{name}") for request in fake.requests)


def _thread_of(world: World, n_replies: int) -> tuple[str, list[str]]:
    top = world.comment(world.post())
    return top, [world.reply(top, by=f"lee{number}") for number in range(n_replies)]


# --- replies ---


def test_replies_beyond_the_first_five_are_listed(reading: Reading, fake: Fake, world: World) -> None:
    _thread_of(world, 230)
    reader = reading()
    reader.poll()
    assert reader.present == fake.expected()
    assert len(reader.present) == 232


def test_a_thread_whose_number_of_replies_stands_still_is_not_listed_again(
    reading: Reading, fake: Fake, world: World
) -> None:
    top, _ = _thread_of(world, 12)
    reader = reading()
    reader.poll()
    fake.requests.clear()
    world.advance()
    reader.poll()
    assert _asked(fake, "comments") == 0
    world.reply(top, by="new")
    reader.poll()
    assert _asked(fake, "comments") == 1
    assert reader.present == fake.expected()


def test_replies_that_youtube_counts_and_does_not_send_along_are_asked_for_once(
    reading: Reading, fake: Fake, world: World
) -> None:
    _thread_of(world, 2)
    fake.n_along = 0
    reader = reading()
    for _ in range(3):
        reader.poll()
        world.advance()
    assert reader.present == fake.expected()
    assert _asked(fake, "comments") == 1


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
    _thread_of(world, 30)
    reader = reading()
    reader.keep(reader.fetch())
    assert reader.cursor["replies"][0][2], "it stopped in the middle of the list, or this test shows nothing"
    fake.expire_cursors()
    reader.poll()
    assert reader.present == fake.expected()


# --- late replies ---


def _year_old_channel(world: World, n_videos: int, n_comments: int) -> list[str]:
    keys = []
    for _ in range(n_videos):
        video = world.post()
        keys += [world.comment(video, by=f"kim{number}") for number in range(n_comments)]
    world.advance(timedelta(days=365))
    return keys


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
    old = _year_old_channel(world, 6, 40)
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
    old = _year_old_channel(world, 1, 1)[0]
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
    old = _year_old_channel(world, 3, 4)
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
    _year_old_channel(world, 3, 4)
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
    _thread_of(world, 8)
    page = reading().fetch()
    assert page.spent == fake.n_requests > 1
    assert YouTube.abilities.budget is not None
    assert (YouTube.abilities.budget.n, YouTube.abilities.budget.unit) == (10_000, "units")


def test_a_quiet_poll_costs_one_unit_with_a_key_and_two_as_the_owner(
    reading: Reading, fake: Fake, world: World
) -> None:
    _thread_of(world, 3)
    for variant, n_units in (("key", 1), ("owner", 2)):
        reader = reading(variant)
        reader.poll()
        world.advance()
        assert reader.fetch().spent == n_units


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


# --- gone, hidden, and silence ---


def test_a_comment_that_is_not_shown_by_id_and_stands_under_its_video_is_not_gone(
    reading: Reading, fake: Fake, world: World
) -> None:
    top, replies = _thread_of(world, 7)
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
    old = _year_old_channel(world, 2, 3)
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
    top, _ = _thread_of(world, 30)
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


# --- errors ---


def test_a_used_up_quota_waits_until_midnight_pacific(reading: Reading, fake: Fake) -> None:
    fake.refuses["commentThreads"] = error(403, "quotaExceeded", "You have exceeded your quota.")
    with pytest.raises(RateLimited, match="quota") as caught:
        reading().poll()
    assert caught.value.retry_at == midnight_pacific(datetime.now(UTC))


@pytest.mark.parametrize(
    ("now", "then"),
    [
        (datetime(2026, 7, 1, 6, 59, tzinfo=UTC), datetime(2026, 7, 1, 7, tzinfo=UTC)),
        (datetime(2026, 12, 1, 8, tzinfo=UTC), datetime(2026, 12, 2, 8, tzinfo=UTC)),
        (datetime(2026, 3, 8, 9, tzinfo=UTC), datetime(2026, 3, 9, 7, tzinfo=UTC)),  # a day of 23 hours
    ],
)
def test_midnight_pacific_is_that_of_the_season(now: datetime, then: datetime) -> None:
    assert midnight_pacific(now) == then


@pytest.mark.parametrize("reason", ["rateLimitExceeded", "userRateLimitExceeded"])
def test_too_fast_waits_a_minute(reading: Reading, fake: Fake, reason: str) -> None:
    fake.refuses["commentThreads"] = error(403, reason)
    with pytest.raises(RateLimited) as caught:
        reading().poll()
    assert caught.value.retry_at is not None
    assert timedelta(seconds=50) < caught.value.retry_at - datetime.now(UTC) <= timedelta(seconds=60)


def test_a_429_waits_as_long_as_it_says(reading: Reading, fake: Fake) -> None:
    fake.fail(Fault.RATE_LIMITED, retry_after=90)
    with pytest.raises(RateLimited) as caught:
        reading().poll()
    assert caught.value.retry_at is not None
    assert caught.value.retry_at - datetime.now(UTC) > timedelta(seconds=80)


@pytest.mark.parametrize("reason", ["keyInvalid", "API_KEY_INVALID"])
def test_a_wrong_api_key_is_a_matter_of_credentials(reading: Reading, fake: Fake, reason: str) -> None:
    fake.refuses["channels"] = error(400, reason, "Bad Request")
    with pytest.raises(Unauthorized, match="not valid"):
        reading().poll()


def test_an_api_key_that_google_calls_a_bad_request_is_a_matter_of_credentials(reading: Reading) -> None:
    with pytest.raises(Unauthorized, match="not valid"):
        reading(api_key="a-key-of-somebody-else").poll()


def test_an_api_that_is_not_enabled_says_so(reading: Reading, fake: Fake) -> None:
    fake.refuses["channels"] = error(403, "accessNotConfigured")
    with pytest.raises(Unauthorized, match="not enabled"):
        reading().poll()


def test_an_expired_token_is_a_matter_of_credentials(reading: Reading) -> None:
    with pytest.raises(Unauthorized):
        reading("owner", token="expired-an-hour-ago").poll()


def test_a_source_without_any_credential_says_what_to_run(reading: Reading) -> None:
    with pytest.raises(Unauthorized, match="heedful auth"):
        reading("owner", token=None).poll()


def test_permission_denied_that_calls_itself_service_unavailable_is_a_missing_permission(
    reading: Reading, fake: Fake
) -> None:
    fake.refuses["commentThreads"] = error(403, "SERVICE_UNAVAILABLE", kind="PERMISSION_DENIED")
    with pytest.raises(Unauthorized):
        reading().poll()


def test_a_backend_error_is_tried_again_later(reading: Reading, fake: Fake) -> None:
    fake.refuses["commentThreads"] = error(503, "backendError")
    with pytest.raises(Unavailable):
        reading().poll()


def test_a_list_that_leads_back_to_itself_is_a_loop(reading: Reading, fake: Fake) -> None:
    fake.refuses["commentThreads"] = Reply({"kind": "x", "items": [], "nextPageToken": "again"})
    with pytest.raises(Malformed, match="loop"):
        reading().poll()
