"""What is TikTok's own: no feed of comments, counts of videos, 500 in order and no more, refusals with status 200."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from connectors.base import Known
from connectors.tiktok import TikTok, TikTokSettings
from connectors.tiktok_api import read_id, read_instant
from connectors.tiktok_reading import ROUND, SWEEP
from monitor.errors import Gone, Malformed, RateLimited, RemoteError, Unauthorized, Unavailable
from monitor.http import HttpClient
from tests.contract.reader import Reader
from tests.platforms.base import World
from tests.platforms.server import Reply
from tests.platforms.tiktok import BUSINESS, NO_TOKEN, NOT_OURS, THROTTLED, TOKEN, Fake, refusal

GOLDENS = sorted((Path(__file__).resolve().parents[1] / "golden" / "tiktok").glob("*.json"))
COMMENTS, REPLIES, VIDEOS = "/comment/list/", "/reply/list/", "/video/list/"


@pytest.fixture
def fake(world: World, tmp_path: Path) -> Iterator[Fake]:
    with Fake(world, tmp_path) as platform:
        yield platform


@pytest.fixture
def reader(fake: Fake, http: HttpClient) -> Reader:
    return Reader(TikTok, fake, http)


def _asked(fake: Fake, end: str) -> int:
    return sum(request.path.endswith(end) for request in fake.requests)


def _talk(world: World, post: str, n: int) -> list[str]:
    """Comments below a video, a minute apart."""
    keys = []
    for number in range(n):
        world.advance(timedelta(minutes=1))
        keys.append(world.comment(post, f"Comment {number}", by=f"kim{number}"))
    return keys


def _cost(fake: Fake, step: Callable[[], object]) -> int:
    before = fake.n_requests
    step()
    return fake.n_requests - before


# --- what is read ---


@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: path.stem)
def test_golden(path: Path, http: HttpClient) -> None:
    golden = json.loads(path.read_text())
    comment = TikTok(TikTokSettings(), http).normalise(golden["raw"])
    assert comment is not None
    assert json.loads(json.dumps(asdict(comment), default=str)) == golden["comment"]


def test_an_id_is_the_same_as_text_and_as_a_number_and_never_a_float() -> None:
    assert read_id(7_400_000_000_000_000_001) == read_id("7400000000000000001") == "7400000000000000001"
    assert [read_id(value) for value in (7.4e18, True, None, "", "0", "a1", "9" * 30)] == [""] * 7


def test_a_time_in_seconds_may_be_text_or_a_number() -> None:
    assert read_instant("1790000000") == read_instant(1_790_000_000) == datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
    assert [read_instant(value) for value in ("soon", -1, 1.5, True, None, "9" * 40)] == [None] * 6


def test_ids_and_times_that_come_as_numbers_are_read_the_same(reader: Reader, fake: Fake, world: World) -> None:
    first = _talk(world, world.post(), 1)[0]
    world.reply(first)
    reader.catch_up()
    before = dict(reader.held)
    fake.sends_numbers = True
    again = Reader(TikTok, fake, reader.http)
    again.catch_up()
    assert again.held == before


def test_a_comment_that_only_has_what_is_always_there_is_read(reader: Reader, fake: Fake, world: World) -> None:
    (key,) = _talk(world, world.post(), 1)
    names = ("user_id", "unique_identifier", "username", "display_name", "text", "likes", "replies", "owner", "status")
    fake.raw_parts[key] = dict.fromkeys(names)
    reader.poll()
    comment = reader.of(key)
    assert (comment.text, comment.author.key, comment.is_ours, comment.is_hidden) == ("", "name:", None, False)


def test_hidden_comments_come_in_as_hidden(reader: Reader, fake: Fake, world: World) -> None:
    hidden, shown = _talk(world, world.post(), 2)
    fake.hidden.add(hidden)
    reader.poll()
    assert (reader.of(hidden).is_hidden, reader.of(shown).is_hidden) == (True, False)
    fake.hidden = {shown}
    reader.recheck()
    assert (reader.of(hidden).is_hidden, reader.of(shown).is_hidden) == (False, True)


def test_the_brand_is_known_by_the_owner_mark_or_by_its_name(reader: Reader, fake: Fake, world: World) -> None:
    first, other = _talk(world, world.post(), 2)
    by_mark, by_name = world.reply(first), world.reply(other)
    fake.raw_parts[by_mark] = {"username": "renamed"}
    fake.raw_parts[by_name] = {"owner": None}
    reader.poll()
    assert [reader.of(key).is_ours for key in (first, by_mark, by_name)] == [None, True, True]


# --- walks ---


def test_the_order_is_always_asked_for_since_the_default_is_random(reader: Reader, fake: Fake, world: World) -> None:
    _talk(world, world.post(), 2)
    reader.catch_up()
    asked = [request for request in fake.requests if request.path.endswith((COMMENTS, REPLIES))]
    assert asked
    assert {(one.get("sort_field"), one.get("sort_order")) for one in asked} == {("create_time", "desc")}


def test_beyond_the_comments_in_order_the_rest_comes_twice_and_is_read_once(
    reader: Reader, fake: Fake, world: World
) -> None:
    fake.in_order, fake.page_size = 5, 3
    keys = _talk(world, world.post(), 17)
    reader.poll()
    assert {fake.native_id(key) for key in keys} <= reader.present
    assert reader.present == fake.expected()


def test_a_video_of_thousands_is_walked_to_its_end_once_a_day_and_no_more(
    reader: Reader, fake: Fake, world: World
) -> None:
    post = world.post()
    keys = _talk(world, post, 900)
    reader.poll()
    reader.poll()
    assert reader.present == fake.expected()
    world.advance(timedelta(hours=2))
    late = world.reply(keys[0], "Is anybody there?", by="lee")
    assert _cost(fake, reader.poll) < 40, "no more than the comments in order"
    assert fake.native_id(late) not in reader.present
    world.advance(SWEEP)
    reader.poll()
    assert fake.native_id(late) in reader.present


def test_a_page_that_is_empty_with_more_to_come_ends_nothing(reader: Reader, fake: Fake, world: World) -> None:
    fake.has_empty_pages, fake.page_size = True, 2
    for _ in range(3):
        keys = _talk(world, world.post(), 3)
        for number in range(5):
            world.reply(keys[0], f"Reply {number}", by="lee")
    reader.catch_up()
    assert reader.present == fake.expected()
    assert reader.gone == set()


def test_a_place_that_does_not_move_is_no_endless_read(reader: Reader, fake: Fake, world: World) -> None:
    _talk(world, world.post(), 1)
    body = {"code": 0, "message": "OK", "data": {"comments": [], "cursor": 0, "has_more": True}}
    fake.refuses[COMMENTS] = Reply(body)
    assert reader.poll() < 3


def test_new_comments_on_one_video_cost_one_request(reader: Reader, fake: Fake, world: World) -> None:
    posts = [world.post() for _ in range(5)]
    for post in posts:
        _talk(world, post, 100)
    reader.poll()
    world.advance(timedelta(hours=2))
    reader.poll()
    (new,) = _talk(world, posts[2], 1)
    assert _cost(fake, reader.poll) == 2, "the videos, and one page of comments"
    assert fake.native_id(new) in reader.present


def test_a_late_reply_to_a_comment_far_down_is_found_by_the_count_of_its_video(
    reader: Reader, fake: Fake, world: World
) -> None:
    post = world.post()
    keys = _talk(world, post, 70)
    reader.poll()
    world.advance(timedelta(hours=12))
    late = world.reply(keys[0], "Is anybody there?", by="lee")
    reader.poll()
    assert reader.of(late).parent_native_id == fake.native_id(keys[0])


@pytest.mark.parametrize("n_before", [2, 3, 4, 45])
def test_a_reply_beyond_the_three_that_come_along_is_found(
    reader: Reader, fake: Fake, world: World, n_before: int
) -> None:
    first, *_ = _talk(world, world.post(), 40)
    for number in range(n_before):
        world.reply(first, f"Reply {number}", by="lee")
    reader.poll()
    assert reader.present == fake.expected()
    world.advance(timedelta(hours=3))
    late = world.reply(first, "One more", by="lee")
    reader.poll()
    assert fake.native_id(late) in reader.present


def test_a_late_reply_below_a_video_whose_count_stands_still_is_found_by_the_sweep(
    reader: Reader, fake: Fake, world: World
) -> None:
    post = world.post()
    keys = _talk(world, post, 5)
    fake.frozen[post] = 5
    reader.poll()
    world.advance(SWEEP / 2)
    late = world.reply(keys[0], "Is anybody there?", by="lee")
    reader.poll()
    assert fake.native_id(late) not in reader.present
    world.advance(SWEEP)
    reader.poll()
    assert fake.native_id(late) in reader.present


def test_a_count_without_replies_costs_nothing_once_it_is_understood(reader: Reader, fake: Fake, world: World) -> None:
    fake.counts_replies = False
    post = world.post()
    keys = _talk(world, post, 3)
    world.reply(keys[0])
    reader.poll()
    world.advance(timedelta(minutes=1))
    world.reply(keys[0], "And one more", by="lee")
    _talk(world, post, 1)
    reader.poll()
    assert reader.present == fake.expected()
    world.advance()
    reader.poll()
    world.advance()
    assert _cost(fake, reader.poll) == 1


def test_videos_without_counts_are_looked_into_at_each_round(reader: Reader, fake: Fake, world: World) -> None:
    fake.counts_at_all = False
    post = world.post()
    _talk(world, post, 2)
    reader.poll()
    _talk(world, post, 2)
    world.advance(ROUND)
    reader.poll()
    assert reader.present == fake.expected()


def test_an_old_video_is_met_again_at_each_round(reader: Reader, fake: Fake, world: World) -> None:
    old = world.post()
    for _ in range(45):
        world.advance(timedelta(minutes=1))
        world.post()
    reader.poll()
    assert _asked(fake, VIDEOS) == 3
    world.advance(timedelta(minutes=5))
    assert _cost(fake, reader.poll) == 1
    (late,) = _talk(world, old, 1)
    world.advance(ROUND)
    reader.poll()
    assert fake.native_id(late) in reader.present


def test_comments_that_are_deleted_during_a_walk_let_nothing_be_skipped(
    reader: Reader, fake: Fake, world: World
) -> None:
    fake.page_size = 2
    keys = _talk(world, world.post(), 20)
    reader.keep(reader.fetch())
    world.delete(keys[-1])
    world.delete(keys[-2])
    reader.poll()
    assert fake.expected() <= reader.present


def test_what_is_older_than_the_backfill_is_left_out_but_a_reply_to_it_brings_it_in(
    reader: Reader, fake: Fake, world: World
) -> None:
    post = world.post()
    (old, other) = _talk(world, post, 2)
    world.advance(timedelta(days=60))
    reader.poll()
    assert reader.held == {}
    late = world.reply(old, "Is anybody there?", by="lee")
    world.advance(ROUND)
    reader.poll()
    assert reader.present == {fake.native_id(old), fake.native_id(late)}
    assert fake.native_id(other) not in reader.held


# --- gone, and not gone ---


def test_a_deleted_reply_is_noticed_where_all_the_others_are_listed(reader: Reader, fake: Fake, world: World) -> None:
    (first,) = _talk(world, world.post(), 1)
    replies = [world.reply(first, f"Reply {number}", by="lee") for number in range(6)]
    reader.poll()
    world.delete(replies[1])
    reader.recheck()
    assert reader.gone == {fake.native_id(replies[1])}


def test_replies_that_are_counted_and_not_listed_are_not_gone(reader: Reader, fake: Fake, world: World) -> None:
    (first,) = _talk(world, world.post(), 1)
    for number in range(6):
        world.reply(first, f"Reply {number}", by="lee")
    reader.poll()
    body = {"code": 0, "message": "OK", "data": {"comments": [], "cursor": 0, "has_more": False}}
    fake.refuses[REPLIES] = Reply(body)
    reader.recheck()
    assert reader.gone == set()


def test_a_gone_object_is_believed_only_by_tiktoks_own_word(reader: Reader, fake: Fake, world: World) -> None:
    post, other = world.post(), world.post()
    (key,) = _talk(world, post, 1)
    reader.poll()
    fake.refuses[VIDEOS] = Reply({"code": 0, "data": {"videos": [], "has_more": False}})
    reader.recheck()
    assert reader.gone == set(), "a list that is empty for once"
    fake.refuses.clear()
    world.delete(other)
    reader.recheck()
    assert reader.gone == {fake.native_id(other)}
    assert fake.native_id(key) in reader.present


def test_a_video_that_becomes_private_deletes_no_comment(reader: Reader, fake: Fake, world: World) -> None:
    post = world.post()
    (key,) = _talk(world, post, 1)
    reader.poll()
    fake.private.add(post)
    world.advance(SWEEP)
    reader.catch_up()
    assert fake.native_id(key) not in reader.gone


def test_a_filter_that_is_not_heeded_takes_nothing_for_gone(reader: Reader, fake: Fake, world: World) -> None:
    fake.heeds_filters = False
    post = world.post()
    _talk(world, post, 1)
    for _ in range(30):
        world.advance(timedelta(minutes=1))
        world.post()
    reader.catch_up()
    before = dict(reader.held)
    reader.recheck()
    assert reader.gone == set()
    assert reader.held == before


def test_a_video_that_refuses_its_comments_does_not_keep_the_others_from_being_read(
    reader: Reader, fake: Fake, world: World
) -> None:
    _talk(world, world.post(), 1)
    fake.refuses[COMMENTS] = NOT_OURS
    reader.poll()
    assert len(reader.held) == 1
    assert _cost(fake, reader.poll) == 1, "it is asked for again when its count changes"
    fake.refuses[COMMENTS] = refusal(40002, "Something about a field.")
    _talk(world, world.posts[0].key, 1)
    page = reader.fetch()
    reader.keep(page)
    assert "refused with code 40002 (request 20260302AB)" in page.note
    fake.refuses.clear()
    reader.poll()
    reader.poll()
    assert reader.present == fake.expected()


def test_an_account_that_does_not_tell_its_name_is_read(reader: Reader, fake: Fake, world: World) -> None:
    fake.refuses["/business/get/"] = refusal(40002, "fields: unknown name")
    (key,) = _talk(world, world.post(), 1)
    page = reader.fetch()
    assert "the account's name is not told" in page.note
    reader.catch_up()
    assert fake.native_id(key) in reader.present


def test_what_cannot_be_looked_at_is_not_asked_for(reader: Reader, fake: Fake, http: HttpClient) -> None:
    assert isinstance(reader.settings, TikTokSettings)
    found = TikTok(reader.settings, http).recheck([Known("x/../y", None, None), Known("1", "../2", None)])
    assert (found.raws, found.gone, _asked(fake, VIDEOS), _asked(fake, COMMENTS)) == ([], [], 0, 0)


# --- refusals, nearly all of them with status 200 ---


def test_a_429_of_tiktok_is_a_code_and_waits_five_minutes(reader: Reader, fake: Fake) -> None:
    fake.refuses[VIDEOS] = THROTTLED
    with pytest.raises(RateLimited, match="code 40100") as caught:
        reader.poll()
    assert caught.value.retry_at is not None
    assert timedelta(minutes=4) < caught.value.retry_at - datetime.now(UTC) <= timedelta(minutes=5)


def test_the_limit_of_a_day_waits_for_midnight_utc(reader: Reader, fake: Fake) -> None:
    fake.refuses[VIDEOS] = refusal(40100, "Daily limit reached.")
    with pytest.raises(RateLimited) as caught:
        reader.poll()
    assert caught.value.retry_at is not None
    assert (caught.value.retry_at.hour, caught.value.retry_at.minute) == (0, 0)


def test_a_limit_in_the_middle_of_a_walk_is_no_refusal_of_the_video(reader: Reader, fake: Fake, world: World) -> None:
    (key,) = _talk(world, world.post(), 1)
    fake.refuses[COMMENTS] = THROTTLED
    with pytest.raises(RateLimited):
        reader.poll()
    fake.refuses.clear()
    reader.poll()
    assert fake.native_id(key) in reader.present


@pytest.mark.parametrize("reply", [NO_TOKEN, refusal(40104, "Missing."), refusal(49999, "Your access token ended.")])
def test_an_expired_token_is_told_by_its_code_or_its_words(reader: Reader, fake: Fake, reply: Reply) -> None:
    fake.refuses[VIDEOS] = reply
    with pytest.raises(Unauthorized, match="request 20260302AB") as caught:
        reader.poll()
    assert TOKEN not in str(caught.value) + caught.value.payload


@pytest.mark.parametrize(
    ("code", "message", "says"),
    [
        (40001, "No permission.", "no permission"),
        (40303, "Not approved.", "no approved developer"),
        (49999, "The app has no permission for this.", "its permissions"),
        (49999, "Scope not authorized: comment.list", "its permissions"),
    ],
)
def test_a_missing_permission_is_told_by_its_code_or_its_words(
    reader: Reader, fake: Fake, code: int, message: str, says: str
) -> None:
    fake.refuses[VIDEOS] = refusal(code, message)
    with pytest.raises(Unauthorized, match=says):
        reader.poll()


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (refusal(50000, "System error."), Unavailable),
        (refusal(51010, "Timeout."), Unavailable),
        (refusal(40002, "Invalid parameter."), Malformed),
        (refusal(41234, "Something new."), Malformed),
        (refusal(40404, "No such path.", 404), Gone),
        (refusal(40100, "Too many requests.", 429), RateLimited),
        (refusal(40105, "Access token expired.", 401), Unauthorized),
        (refusal(50000, "System error.", 500), Unavailable),
        (Reply("", 429), RateLimited),
        (Reply("", 401), Unauthorized),
        (Reply([]), Malformed),
        (Reply({"data": {}}), Malformed),
        (Reply({"code": "0", "data": {}}), Malformed),
        (Reply({"code": 0, "data": {"videos": {}}}), Malformed),
        (Reply({"code": 0, "data": {"has_more": True}}), Malformed),
    ],
)
def test_any_refusal_is_sorted(reader: Reader, fake: Fake, reply: Reply, kind: type[RemoteError]) -> None:
    fake.refuses[VIDEOS] = reply
    with pytest.raises(RemoteError) as caught:
        reader.poll()
    assert type(caught.value) is kind
    if kind is RateLimited:
        assert caught.value.retry_at is not None


@pytest.mark.parametrize("data", [None, {}, {"videos": None, "has_more": False}])
def test_an_account_without_videos_is_no_error(reader: Reader, fake: Fake, data: object) -> None:
    fake.refuses[VIDEOS] = Reply({"code": 0, "message": "OK", "data": data})
    reader.poll()
    assert reader.held == {}


# --- who we are ---


class _Granted:
    """What `heedful auth` stored."""

    def token(self) -> str:
        return TOKEN

    def fact(self, name: str) -> str:
        return {"open_id": BUSINESS}.get(name, "")


def test_after_heedful_auth_nobody_has_to_say_which_account_it_is(fake: Fake, http: HttpClient, world: World) -> None:
    world.post()
    settings = TikTokSettings.model_validate({"base_url": fake.url})
    page = TikTok(settings, http, _Granted()).fetch_page(None, world.now)
    assert page.own_author_ids == {BUSINESS}
    assert len(page.raws) == 1


def test_another_account_is_learnt_anew(reader: Reader, fake: Fake, world: World) -> None:
    world.post()
    reader.poll()
    reader.poll()
    assert _asked(fake, "/business/get/") == 1
    reader.cursor["business"] = "another-open-id"
    reader.poll()
    assert _asked(fake, "/business/get/") == 2


def test_a_token_given_by_hand_needs_to_say_whose_it_is() -> None:
    with pytest.raises(ValidationError, match="business_id"):
        TikTokSettings.model_validate({"token": TOKEN})
    with pytest.raises(ValidationError, match="open_id"):
        TikTokSettings.model_validate({"business_id": "a b"})


def test_the_permission_asked_for_only_reads() -> None:
    assert TikTok.oauth.scopes == ("user.info.basic", "video.list", "comment.list")
    assert (TikTok.oauth.client_name, TikTok.oauth.code_name, TikTok.oauth.speaks_json) == (
        "client_key", "auth_code", True,
    )  # fmt: skip
