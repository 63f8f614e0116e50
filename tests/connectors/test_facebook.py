"""What is Facebook's own: whose token it is, posts that are somebody else's, albums, reels, empty pages, late ones."""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.base import Known, Page
from connectors.facebook import Facebook, FacebookSettings
from connectors.facebook_comments import read_raw
from monitor.errors import Gone, Malformed, RateLimited, RemoteError, Unauthorized, Unavailable
from monitor.http import HttpClient
from tests.contract.reader import Reader
from tests.platforms.base import BRAND, World
from tests.platforms.facebook import PAGE, Fake, stamp
from tests.platforms.graph import TOKEN, Refused

Watching = Callable[..., Reader]


@pytest.fixture
def fake(world: World, tmp_path: Path) -> Iterator[Fake]:
    with Fake(world, tmp_path) as platform:
        yield platform


@pytest.fixture
def watching(fake: Fake, http: HttpClient) -> Watching:
    def build(watch: str = "page", **settings: Any) -> Reader:
        fake.variants_settings = {"watch": watch, **settings}
        return Reader(Facebook, fake, http)

    return build


def _notes(reader: Reader) -> list[str]:
    """Poll to the end; what the operator is told."""
    notes: list[str] = []
    while True:
        page: Page = reader.fetch()
        reader.keep(page)
        notes += [page.note] if page.note else []
        if not page.more:
            return notes


# --- what is read, and where it hangs ---


def test_a_reply_to_a_reply_hangs_below_the_comment_at_the_top(watching: Watching, fake: Fake, world: World) -> None:
    post = world.post("Open on Sunday.")
    top = world.comment(post)
    first = world.reply(top, by="lee")
    second = world.reply(first, by="kim")
    reader = watching()
    reader.poll()
    assert reader.of(top).parent_native_id is None
    assert {reader.of(key).parent_native_id for key in (first, second)} == {fake.native_id(top)}
    assert {reader.of(key).root_native_id for key in (top, first, second)} == {fake.native_id(top)}
    assert {reader.of(key).subject_native_id for key in (top, first, second)} == {fake.native_id(post)}
    assert reader.of(second).subject_title == "Open on Sunday."


def test_a_visitors_post_is_a_mention_and_the_root_of_what_is_below_it(
    watching: Watching, fake: Fake, world: World
) -> None:
    visit = world.post("Your bread was stale!", by="kim")
    ours = world.comment(visit, "We are sorry.", by=BRAND)
    joined = world.reply(ours, "Mine too", by="lee")
    reader = watching()
    reader.poll()
    assert (reader.of(visit).kind, reader.of(visit).subject_native_id) == ("mention", None)
    assert not reader.is_ours(visit)
    assert reader.is_ours(ours)
    assert reader.of(ours).parent_native_id == fake.native_id(visit)
    assert reader.of(joined).parent_native_id == fake.native_id(ours)
    assert {reader.of(key).root_native_id for key in (ours, joined)} == {fake.native_id(visit)}


def test_of_a_post_elsewhere_that_tags_us_only_our_own_comments_are_read(
    watching: Watching, fake: Fake, world: World
) -> None:
    tagging = world.post("The best of the town: @Brand", by="magazine")
    fake.tagged.add(tagging)
    world.comment(tagging, "I like another one", by="stranger")
    ours = world.comment(tagging, "Thank you!", by=BRAND)
    reader = watching()
    reader.catch_up()
    assert reader.present == {fake.native_id(tagging), fake.native_id(ours)}
    assert reader.of(ours).root_native_id == fake.native_id(tagging)


def test_a_comment_elsewhere_that_a_webhook_named_is_read_by_its_id(
    watching: Watching, fake: Fake, world: World
) -> None:
    post = world.post("Where we had lunch", by="magazine")
    fake.tagged.add(post)
    world.comment(post, "I like another one", by="stranger")
    naming = world.comment(post, "@Brand your cake was stale", by="kim")
    reader = watching()
    above = fake.native_id(post)
    found = reader.build().recheck([Known(fake.native_id(naming), above, above)])
    read = [reader.build().normalise(raw) for raw in found.raws]
    assert fake.native_id(naming) in {one.native_id for one in read if one}
    assert "I like another one" not in {one.text for one in read if one}
    kept = [Known(one.native_id, one.subject_native_id, one.root_native_id) for one in read if one]
    assert reader.build().recheck(kept).raws == found.raws, "what was stored of it is enough to find it again"


def test_comments_below_reels_and_ads_are_read_although_they_are_not_in_the_feed(
    watching: Watching, fake: Fake, world: World
) -> None:
    reel, ad = world.post("See how we knead"), world.post("Two for one")
    fake.reels.add(reel)
    fake.ads.add(ad)
    keys = [world.comment(reel), world.comment(ad)]
    reader = watching()
    reader.poll()
    assert reader.present == fake.expected()
    assert [reader.of(key).subject_native_id for key in keys] == [fake.native_id(reel), fake.native_id(ad)]
    assert reader.of(reel).permalink.startswith("https://www.facebook.com/reel/")
    assert reader.of(reel).kind == "post"


def test_late_comments_below_reels_and_ads_are_found_within_three_polls(
    watching: Watching, fake: Fake, world: World
) -> None:
    reel, ad = world.post("See how we knead"), world.post("Two for one")
    fake.reels.add(reel)
    fake.ads.add(ad)
    reader = watching()
    reader.poll()
    world.advance(timedelta(days=3))
    late = {fake.native_id(world.comment(reel)), fake.native_id(world.comment(ad))}
    for _ in range(3):
        world.advance()
        reader.poll()
    assert late <= reader.present


def test_a_deleted_comment_below_a_reel_is_noticed(watching: Watching, fake: Fake, world: World) -> None:
    reel = world.post("See how we knead")
    fake.reels.add(reel)
    keys = [world.comment(reel) for _ in range(3)]
    reader = watching()
    reader.poll()
    world.delete(keys[0])
    reader.recheck()
    assert reader.gone == {fake.native_id(keys[0])}


def test_a_reel_that_is_also_a_post_of_the_feed_is_read_once(watching: Watching, fake: Fake, world: World) -> None:
    reel = world.post("See how we knead")
    fake.shared_reels.add(reel)
    world.comment(reel)
    reader = watching()
    reader.poll()
    assert reader.present == fake.expected()
    assert len(reader.held) == 2


def test_a_photo_in_an_album_has_its_own_comments(watching: Watching, fake: Fake, world: World) -> None:
    album = world.post("Our new oven")
    fake.albums[album] = 3
    below_post, below_photo = world.comment(album), world.comment(album, "What is on the second one?")
    fake.on_photo[below_photo] = 1
    reader = watching()
    for _ in range(2):
        reader.poll()
        world.advance()
    assert {fake.native_id(below_post), fake.native_id(below_photo)} <= reader.present
    assert reader.of(below_photo).subject_native_id == fake.native_id(album)
    late = world.comment(album, "And on the third?")
    fake.on_photo[late] = 2
    for _ in range(2):
        reader.poll()
        world.advance()
    assert reader.present == fake.expected()


def test_a_deleted_comment_below_a_photo_is_noticed_and_its_neighbours_are_not(
    watching: Watching, fake: Fake, world: World
) -> None:
    album = world.post("Our new oven")
    fake.albums[album] = 2
    world.comment(album)
    keys = [world.comment(album), world.comment(album)]
    fake.on_photo |= dict.fromkeys(keys, 1)
    reader = watching()
    for _ in range(2):
        reader.poll()
        world.advance()
    world.delete(keys[0])
    reader.recheck()
    assert reader.gone == {fake.native_id(keys[0])}


def test_a_deleted_visitors_post_goes_with_what_is_below_it(watching: Watching, fake: Fake, world: World) -> None:
    stays = world.comment(world.post())
    visit = world.post("Stale!", by="kim")
    below = world.comment(visit, by=BRAND)
    reader = watching()
    reader.poll()
    world.delete(visit)
    reader.recheck()
    assert reader.gone == {fake.native_id(visit), fake.native_id(below)}
    assert fake.native_id(stays) in reader.present


def test_hidden_private_and_sticker_comments_are_read_as_what_they_are(
    watching: Watching, fake: Fake, world: World
) -> None:
    post = world.post()
    hidden, sticker, private = world.comment(post), world.comment(post), world.comment(post, is_private=True)
    fake.hidden.add(hidden)
    fake.stickers.add(sticker)
    reader = watching()
    reader.poll()
    assert reader.of(hidden).is_hidden
    assert reader.of(sticker).text == ""
    assert reader.of(private).is_private


def test_authors_who_are_not_told_are_neither_us_nor_one_person(watching: Watching, fake: Fake, world: World) -> None:
    post = world.post()
    keys = [world.comment(post, by="kim"), world.comment(post, by="lee")]
    fake.nameless |= set(keys)
    reader = watching()
    reader.poll()
    assert not any(reader.is_ours(key) for key in keys)
    assert len({reader.of(key).author.key for key in keys}) == 2


def test_ids_that_are_withheld_are_read_from_the_address_and_are_the_same(
    watching: Watching, fake: Fake, world: World
) -> None:
    top = world.comment(world.post())
    reply = world.reply(top, by="lee")
    fake.withholds_ids = True
    reader = watching()
    reader.poll()
    assert reader.present == fake.expected()
    assert reader.of(reply).parent_native_id == fake.native_id(top)
    assert reader.of(reply).root_native_id == fake.native_id(top)


# --- recommendations and messages ---


def test_a_recommendation_is_a_review_with_the_reply_below_it(watching: Watching, fake: Fake, world: World) -> None:
    bad = world.post("Never again", by="kim")
    fake.reviews[bad] = {"recommendation_type": "negative"}
    reader = watching("reviews")
    reader.poll()
    world.advance()
    ours = world.comment(bad, "What went wrong?", by=BRAND)
    for _ in range(2):
        reader.poll()
        world.advance()
    assert (reader.of(bad).kind, reader.of(bad).stars, reader.of(bad).text) == ("review", 1.0, "Never again")
    assert reader.of(ours).parent_native_id == fake.native_id(bad)
    assert reader.of(ours).root_native_id == fake.native_id(bad)
    assert reader.is_ours(ours)


def test_ratings_without_a_story_have_an_id_made_of_who_and_when(http: HttpClient) -> None:
    row = {"created_time": "2026-03-01T10:20:30+0000", "has_rating": True, "rating": 2, "review_text": "Meh"}
    first = read_raw({"review": row | {"reviewer": {"id": "7", "name": "Kim"}}, "own": PAGE})
    again = read_raw({"review": row | {"reviewer": {"id": "7", "name": "Kim B"}, "review_text": "Fine"}, "own": PAGE})
    other = read_raw({"review": row | {"reviewer": {"id": "8", "name": "Lee"}}, "own": PAGE})
    assert first.native_id == again.native_id != other.native_id
    assert first.stars == 2.0
    with pytest.raises(ValueError, match="cannot be told from others"):
        read_raw({"review": row, "own": PAGE})


def test_a_deleted_recommendation_is_noticed(watching: Watching, fake: Fake, world: World) -> None:
    keys = [world.post(f"Review {n}", by=f"kim{n}") for n in range(2)]
    fake.reviews |= {key: {} for key in keys}
    reader = watching("reviews")
    reader.poll()
    world.delete(keys[0])
    reader.recheck()
    assert reader.gone == {fake.native_id(keys[0])}
    assert (reader.of(keys[1]).kind, reader.of(keys[1]).text) == ("review", "Review 1")


def test_a_reply_to_a_recommendation_is_the_same_when_it_is_looked_at_again(
    watching: Watching, fake: Fake, world: World
) -> None:
    review = world.post("Never again", by="kim")
    fake.reviews[review] = {}
    world.comment(review, "What went wrong?", by=BRAND)
    reader = watching("reviews")
    for _ in range(2):
        reader.poll()
        world.advance()
    before = dict(reader.held)
    reader.recheck()
    assert len(before) == 2
    assert reader.held == before


def test_messages_are_private_and_their_conversation_is_their_thread(
    watching: Watching, fake: Fake, world: World
) -> None:
    keys = [world.post(f"Where is my order {n}?", by=f"kim{n}") for n in range(5)]
    fake.inbox |= set(keys)
    fake.page_size = 2
    reader = watching("messages")
    reader.poll()
    world.advance(timedelta(hours=2))
    ours = world.comment(keys[1], "On its way.", by=BRAND)
    reader.poll()
    found = {comment.native_id: comment for comment in reader.held.values()}
    assert len(found) == 6
    assert {comment.kind for comment in found.values()} == {"message"}
    assert all(comment.is_private for comment in found.values())
    ours_id, asked_id = f"m_{world[ours].number}-x", f"m_{world[keys[1]].number}-x"
    assert found[ours_id].is_ours
    assert found[ours_id].root_native_id == found[asked_id].root_native_id


def test_a_quiet_inbox_costs_one_request(watching: Watching, fake: Fake, world: World) -> None:
    for number in range(4):
        fake.inbox.add(world.post(f"Hello {number}", by=f"kim{number}"))
        world.advance(timedelta(hours=1))
    fake.page_size = 2
    reader = watching("messages")
    reader.poll()
    fake.requests.clear()
    reader.poll()
    assert len(fake.requests) == 1


def test_a_forgotten_position_in_the_inbox_loses_nothing(watching: Watching, fake: Fake, world: World) -> None:
    for number in range(6):
        fake.inbox.add(world.post(f"Hello {number}", by=f"kim{number}"))
    fake.page_size = 2
    reader = watching("messages")
    reader.keep(reader.fetch())
    fake.expire_cursors()
    reader.poll()
    assert len(reader.held) == 6


# --- late comments, paging, cost ---


def _page_of(world: World, n_posts: int) -> list[str]:
    keys = []
    for number in range(n_posts):
        keys.append(world.post(f"Post {number}"))
        world.comment(keys[-1], f"First on {number}")
        world.advance(timedelta(hours=8))
    return keys


def test_a_late_comment_on_a_year_old_post_is_found_within_the_stated_delay(
    watching: Watching, fake: Fake, world: World
) -> None:
    posts = _page_of(world, 110)
    world.advance(timedelta(days=365))
    reader = watching()
    reader.poll()
    late = fake.native_id(world.comment(posts[0], "A year later: it broke"))
    n_polls = 0
    while late not in reader.present and n_polls < 50:
        world.advance()
        assert reader.poll() == 1
        n_polls += 1
    assert n_polls <= -(-110 // 25)


def test_a_quiet_poll_of_a_large_page_costs_what_is_declared(watching: Watching, fake: Fake, world: World) -> None:
    posts = _page_of(world, 60)
    fake.albums |= dict.fromkeys(posts, 4)
    reader = watching()
    reader.poll()
    for _ in range(8):
        world.advance()
        fake.requests.clear()
        assert reader.poll() == 1
        assert len(fake.requests) <= Facebook.abilities.quiet_requests


def test_an_empty_page_that_has_a_next_one_is_not_the_end(watching: Watching, fake: Fake, world: World) -> None:
    fake.has_holes, fake.page_size = True, 2
    post = _page_of(world, 5)[2]
    for _ in range(7):
        world.comment(post)
    reader = watching()
    reader.poll()
    assert reader.present == fake.expected()


def test_a_server_that_ignores_the_order_is_read_to_the_end(watching: Watching, fake: Fake, world: World) -> None:
    fake.ignores_order, fake.page_size = True, 3
    post = world.post()
    for _ in range(8):
        world.comment(post)
        world.advance(timedelta(hours=3))
    reader = watching()
    reader.poll()
    world.advance(timedelta(days=2))
    world.comment(post, "The newest stands last")
    reader.poll()
    assert reader.present == fake.expected()


def test_where_it_is_too_much_data_less_is_asked_for_at_once(watching: Watching, fake: Fake, world: World) -> None:
    _page_of(world, 12)
    fake.heaviest = 25
    watching().poll()
    fake.heaviest = 24
    reader = watching()
    reader.poll()
    assert reader.present == fake.expected()
    fake.heaviest = 0
    with pytest.raises(Unavailable):
        reader.poll()


def test_a_comment_that_was_shown_late_raises_the_number_and_is_looked_for(
    watching: Watching, fake: Fake, world: World
) -> None:
    post = world.post()
    for _ in range(40):
        world.advance(timedelta(hours=1))
        world.comment(post)
    reader = watching()
    reader.poll()
    world.advance(timedelta(hours=1))
    world.comment(post, "Held back for more than a day", at=world.now - timedelta(hours=35))
    reader.poll()
    assert reader.present == fake.expected()


def test_a_post_older_than_the_reach_ends_the_sweep(watching: Watching, fake: Fake, world: World) -> None:
    _page_of(world, 60)
    world.advance(timedelta(days=100))
    _page_of(world, 30)
    reader = watching(reach="50d", backfill="20d")
    reader.poll()
    feeds = [request for request in fake.requests if request.path.endswith("/feed")]
    assert len(feeds) == 3, "25, 25 with old ones among them, and 10 more that are too old"


def test_the_cursor_of_a_large_page_stays_small_and_holds_no_token(
    watching: Watching, fake: Fake, world: World
) -> None:
    _page_of(world, 200)
    reader = watching()
    reader.poll()
    assert len(json.dumps(reader.cursor)) < 200 * 60
    assert "access_token" not in json.dumps(reader.cursor)


@pytest.mark.slow
def test_200_posts_with_20000_comments_are_read_whole_within_the_budget_while_new_ones_arrive(
    watching: Watching, fake: Fake, world: World
) -> None:
    posts = []
    for number in range(200):
        posts.append(world.post(f"Post {number}"))
        world.advance(timedelta(hours=3))
    for number in range(20_000):
        at = world.now - timedelta(minutes=number)
        world.comment(posts[number % 200], f"Comment {number}", by=f"kim{number % 900}", at=at)
    fake.page_size = 100
    reader = watching()
    while True:
        page = reader.fetch()
        reader.keep(page)
        if not page.more:
            break
        world.advance(timedelta(seconds=20))
        if fake.n_requests % 20 == 0:
            world.comment(posts[fake.n_requests % 200], "Meanwhile")
    assert Facebook.abilities.budget is not None
    assert fake.n_requests < 400 < Facebook.abilities.budget.n
    for _ in range(8):  # what arrived meanwhile below older posts is found by the sweep
        world.advance()
        reader.poll()
    assert reader.present == fake.expected()
    assert len(json.dumps(reader.cursor)) < 20_000


# --- no data is not deleted ---


def test_a_page_that_shows_no_comments_any_more_deletes_nothing(watching: Watching, fake: Fake, world: World) -> None:
    post = world.post()
    keys = [world.comment(post) for _ in range(3)]
    reader = watching()
    reader.poll()
    before = reader.present
    fake.shows_no_comments = True
    world.delete(keys[0])  # and even that one is not believed now
    reader.poll()
    reader.recheck()
    assert not reader.gone
    assert reader.present == before


def test_what_was_written_while_no_comments_were_shown_is_found_afterwards(
    watching: Watching, fake: Fake, world: World
) -> None:
    post = world.post()
    world.comment(post)
    reader = watching()
    reader.poll()
    fake.shows_no_comments = True
    for _ in range(70):
        world.advance(timedelta(hours=2))
        world.comment(post)
        reader.poll()
    fake.shows_no_comments = False
    world.advance()
    reader.poll()
    assert reader.present == fake.expected()


def test_a_post_that_never_shows_its_comments_is_walked_once_an_hour_and_not_for_ever(
    watching: Watching, fake: Fake, world: World
) -> None:
    world.comment(world.post())
    fake.shows_no_comments = True
    reader = watching()
    assert reader.poll() < 8
    fake.requests.clear()
    for _ in range(6):
        world.advance(timedelta(minutes=10))
        reader.poll()
    assert sum(request.path.endswith("/comments") for request in fake.requests) <= 1


def test_a_token_that_lost_the_page_gets_the_answer_for_missing_things_and_deletes_nothing(
    watching: Watching, fake: Fake, world: World
) -> None:
    world.comment(world.post())
    reader = watching()
    reader.poll()
    for one in list(reader.held):
        fake.refuse[one] = Refused(100, 33)
    fake.refuse[""] = Refused(100, 33)
    fake.refuse[f"{PAGE}/feed"] = Refused(100, 33)
    with pytest.raises(Gone):
        reader.recheck()
    assert not reader.gone


# --- whose token ---


def test_with_a_persons_token_the_pages_own_is_used_for_the_comments(
    watching: Watching, fake: Fake, world: World
) -> None:
    world.comment(world.post())
    fake.is_persons = True
    reader = watching()
    reader.poll()
    assert reader.present == fake.expected()
    used = {r.headers["authorization"] for r in fake.requests if "comments" in r.get("fields") or "/feed" in r.path}
    assert used == {f"Bearer {TOKEN}"}
    assert TOKEN not in json.dumps(reader.cursor)


def test_a_person_with_several_pages_must_say_which(watching: Watching, fake: Fake, world: World) -> None:
    fake.is_persons, fake.n_pages = True, 2
    with pytest.raises(Unauthorized, match="page_id"):
        watching().poll()
    world.comment(world.post())
    reader = watching(page_id=PAGE)
    reader.poll()
    assert reader.present == fake.expected()


def test_the_token_of_another_page_is_refused_in_words(watching: Watching) -> None:
    with pytest.raises(Unauthorized, match=f"that of Page {PAGE}"):
        watching(page_id="4").poll()


def test_calls_are_signed_where_an_app_secret_is_given(watching: Watching, fake: Fake, world: World) -> None:
    world.comment(world.post())
    fake.needs_proof = True
    with pytest.raises(Malformed):
        watching().poll()
    fake.requests.clear()
    reader = watching(app_secret="the-secret-of-the-app")
    reader.poll()
    proof = hmac.new(b"the-secret-of-the-app", TOKEN.encode(), hashlib.sha256).hexdigest()
    assert {request.get("appsecret_proof") for request in fake.requests} == {proof}
    assert reader.present == fake.expected()


def test_a_version_that_meta_retired_is_told(watching: Watching, fake: Fake, world: World) -> None:
    reader = watching()
    fake.usage = {"facebook-api-version": "v27.0"}
    assert "v27.0" in " ".join(_notes(reader))


# --- errors ---

BUC = "X-Business-Use-Case-Usage"


def _buc(percent: int, minutes: int = 0) -> dict[str, str]:
    entry = {"type": "pages", "call_count": percent, "total_time": 1, "total_cputime": 1}
    return {BUC: json.dumps({PAGE: [entry | {"estimated_time_to_regain_access": minutes}]})}


@pytest.mark.parametrize("code", [4, 17, 32, 341, 613, 80001, 80006])
def test_each_throttling_code_stops_the_account_at_once(
    watching: Watching, fake: Fake, world: World, code: int
) -> None:
    world.comment(world.post())
    reader = watching()
    reader.poll()
    fake.refuse[f"{PAGE}/feed"] = Refused(code, 0, f"(#{code}) too many calls")
    fake.usage = _buc(100, 37)
    fake.requests.clear()
    with pytest.raises(RateLimited) as caught:
        reader.poll()
    assert len(fake.requests) == 1, "whoever goes on asking is blocked for longer"
    assert caught.value.retry_at is not None
    assert timedelta(minutes=36) < caught.value.retry_at - datetime.now(UTC) <= timedelta(minutes=37)


def test_a_throttling_answer_that_does_not_say_how_long_is_waited_out_for_an_hour(
    watching: Watching, fake: Fake
) -> None:
    fake.refuse["me"] = Refused(4)
    with pytest.raises(RateLimited) as caught:
        watching().poll()
    assert caught.value.retry_at is not None
    assert caught.value.retry_at - datetime.now(UTC) > timedelta(minutes=59)


def test_throttling_in_the_middle_of_a_batch_is_not_taken_for_a_missing_object(
    watching: Watching, fake: Fake, world: World
) -> None:
    world.comment(world.post())
    reader = watching()
    reader.poll()
    fake.refuse[""] = Refused(32)
    with pytest.raises(RateLimited):
        reader.recheck()
    assert not reader.gone


@pytest.mark.parametrize(("percent", "minutes", "wait"), [(40, 0, None), (80, 0, 15), (96, 0, 30), (50, 12, 12)])
def test_polls_slow_down_before_meta_throttles(
    watching: Watching, fake: Fake, world: World, percent: int, minutes: int, wait: int | None
) -> None:
    world.comment(world.post())
    fake.usage = _buc(percent, minutes)
    page = watching().fetch()
    if wait is None:
        assert page.poll_after is None
    else:
        assert page.poll_after is not None
        left = page.poll_after - datetime.now(UTC)
        assert timedelta(minutes=wait - 1) < left <= timedelta(minutes=wait)


@pytest.mark.parametrize("subcode", [458, 460, 463, 467, 492])
def test_an_expired_token_holds_the_account_and_says_why(watching: Watching, fake: Fake, subcode: int) -> None:
    fake.refuse["me"] = Refused(190, subcode, f"Error validating access token {TOKEN}")
    with pytest.raises(Unauthorized, match="no longer good") as caught:
        watching().poll()
    assert TOKEN not in str(caught.value)


def test_a_missing_permission_for_the_feed_holds_the_account_and_is_named(watching: Watching, fake: Fake) -> None:
    says = "(#10) This endpoint requires the 'pages_read_engagement' permission"
    fake.refuse[f"{PAGE}/feed"] = Refused(10, 0, says)
    with pytest.raises(Unauthorized, match="pages_read_engagement"):
        watching().poll()
    fake.refuse[f"{PAGE}/feed"] = Refused(100, 0, says.replace("#10", "#100"))
    with pytest.raises(Unauthorized, match="pages_read_engagement"):
        watching().poll()


def test_a_missing_permission_for_ads_leaves_only_the_ads_out_and_is_told_once_a_day(
    watching: Watching, fake: Fake, world: World
) -> None:
    world.comment(world.post())
    fake.refuse[f"{PAGE}/ads_posts"] = Refused(200, 0, "(#200) Requires 'ads_read'")
    reader = watching()
    assert any("ads_posts is left out for a day" in note and "ads_read" in note for note in _notes(reader))
    assert reader.present == fake.expected()
    for _ in range(4):
        world.advance()
        assert _notes(reader) == []
    del fake.refuse[f"{PAGE}/ads_posts"]
    ad = world.post("Two for one")
    fake.ads.add(ad)
    world.advance(timedelta(days=1, minutes=1))
    for _ in range(3):
        reader.poll()
        world.advance()
    assert fake.native_id(ad) in reader.present


def test_a_post_that_is_gone_while_its_comments_are_walked_stops_nothing(
    watching: Watching, fake: Fake, world: World
) -> None:
    fake.page_size = 2
    doomed, stays = world.post(), world.post()
    for post in (doomed, stays):
        for _ in range(5):
            world.comment(post)
    reader = watching()
    reader.keep(reader.fetch())
    world.delete(doomed)
    reader.poll()
    assert fake.expected() <= reader.present


@pytest.mark.parametrize(
    ("refused", "becomes"),
    [
        (Refused(1, 0, "An unknown error occurred"), Unavailable),
        (Refused(2, 0, "Service temporarily unavailable", 500), Unavailable),
        (Refused(368, 0, "The action attempted has been deemed abusive"), Unauthorized),
        (Refused(803, 0, "(#803) Some of the aliases you requested do not exist", 404), Gone),
        (Refused(100, 0, "(#100) Tried accessing nonexisting field"), Malformed),
    ],
)
def test_each_code_is_the_error_that_says_what_to_do(
    watching: Watching, fake: Fake, refused: Refused, becomes: type[RemoteError]
) -> None:
    fake.refuse[f"{PAGE}/feed"] = refused
    with pytest.raises(RemoteError) as caught:
        watching().poll()
    assert type(caught.value) is becomes


def test_one_bad_id_among_fifty_is_found_by_halving(watching: Watching, fake: Fake, world: World) -> None:
    post = world.post()
    keys = [world.comment(post, by=f"kim{n}") for n in range(60)]
    reader = watching()
    reader.poll()
    world.delete(keys[3])
    fake.requests.clear()
    held = [Known(reader.of(k).native_id, fake.native_id(post), reader.of(k).native_id) for k in keys[:49]]
    found = reader.build().recheck(held)
    assert found.gone == [fake.native_id(keys[3])]
    assert len(fake.requests) < 20


@pytest.mark.parametrize(
    "given", [{"page_id": "my-page"}, {"api_url": "graph.facebook.com"}, {"api_url": "https://x/?access_token=1"}]
)
def test_settings_that_cannot_work_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FacebookSettings.model_validate(given)


GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "facebook"


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_a_payload_of_each_kind_is_read_as_its_golden_says(http: HttpClient, path: Path) -> None:
    golden = json.loads(path.read_text())
    comment = Facebook(FacebookSettings(), http).normalise(golden["raw"])
    assert comment is not None
    got = {name: _plain(getattr(comment, name)) for name in golden["comment"] if name != "author"}
    got["author"] = [comment.author.native_id, comment.author.name]
    assert got == golden["comment"]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return stamp(value)
    return list(value) if isinstance(value, tuple) else value
