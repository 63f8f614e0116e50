"""What is Threads' own: posts that do not count their replies, cursors without links, and times that tell no order."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.threads import Threads, ThreadsSettings
from monitor.errors import Gone, RateLimited, Unauthorized, Unavailable
from monitor.flows.credentials import Application
from monitor.http import HttpClient
from tests.contract.reader import Reader
from tests.platforms.base import BRAND, Fault, World
from tests.platforms.server import HttpFakePlatform, Reply, Request
from tests.platforms.threads import TOKEN, Fake, graph_error

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "threads").glob("*.json"))
Watching = Callable[..., Reader]


@pytest.fixture
def fake(world: World, tmp_path: Path) -> Iterator[Fake]:
    with Fake(world, tmp_path) as platform:
        yield platform


@pytest.fixture
def watching(fake: Fake, http: HttpClient) -> Watching:
    def build(**settings: Any) -> Reader:
        reader = Reader(Threads, fake, http)
        reader.settings = ThreadsSettings.model_validate(fake.source_settings() | settings)
        return reader

    return build


def _asked(fake: Fake, last: str) -> int:
    return sum(request.path.endswith(f"/{last}") for request in fake.requests)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_media_read_as_they_did(path: Path, http: HttpClient) -> None:
    golden = json.loads(path.read_text())
    comment = Threads(ThreadsSettings(), http).normalise(golden["raw"])
    assert comment is not None
    shown = {name: getattr(comment, name) for name in golden["comment"]}
    shown["created_at"] = shown["created_at"].isoformat()
    shown["author"] = {"native_id": comment.author.native_id, "name": comment.author.name, "url": comment.author.url}
    assert shown == golden["comment"]


# --- conversations ---


def test_a_late_reply_to_a_year_old_post_is_found_within_the_stated_delay_and_requests(
    watching: Watching, fake: Fake, world: World
) -> None:
    posts = [world.post(f"News number {number}") for number in range(60)]
    for post in posts[:40]:
        world.comment(post)
    world.advance(timedelta(days=365))
    reader = watching()
    reader.poll()
    for _ in range(8):
        world.advance(timedelta(hours=3))
        reader.poll()
    first_ever = world.comment(posts[50], "The first one here", by="lee")
    further = world.comment(posts[3], "One more", by="ann")
    wanted = {fake.native_id(first_ever), fake.native_id(further)}
    deadline = world.now + timedelta(hours=6) + timedelta(minutes=30) * 6
    while not wanted <= set(reader.held):
        world.advance(timedelta(minutes=30))
        assert world.now <= deadline, "later than the docs page states"
        page = None
        while page is None or page.more:
            before = fake.n_requests
            page = reader.fetch()
            reader.keep(page)
            assert fake.n_requests - before == page.spent <= Threads.abilities.quiet_requests + len(wanted)


def test_replies_at_all_levels_hang_where_they_belong_and_the_brands_are_known(
    watching: Watching, fake: Fake, world: World
) -> None:
    post = world.post()
    first = world.comment(post, by="kim")
    ours = world.reply(first)
    third = world.reply(ours, "Still nothing", by="kim")
    reader = watching()
    reader.poll()
    assert [reader.of(key).parent_native_id for key in (first, ours, third)] == [
        None,
        fake.native_id(first),
        fake.native_id(ours),
    ]
    assert {reader.of(key).subject_native_id for key in (first, ours, third)} == {fake.native_id(post)}
    assert reader.is_ours(ours)
    assert not reader.is_ours(third)


def test_a_reply_with_the_time_of_what_it_answers_is_found_in_its_place(
    watching: Watching, fake: Fake, world: World
) -> None:
    """Times are in whole seconds, and a child may carry the time of its parent, or an earlier one."""
    fake.page_size = 3
    post = world.post()
    keys = [world.comment(post, by=f"kim{number}") for number in range(12)]
    world.advance(timedelta(hours=3))
    keys += [world.comment(post, by=f"lee{number}") for number in range(6)]
    reader = watching()
    reader.poll()
    world.advance(timedelta(hours=2))
    late = world.reply(keys[0], by="ann")
    fake.swapped.add(late)
    for _ in range(9):  # lies far below the first page: found when the conversation is read whole, once a day
        world.advance(timedelta(hours=3))
        reader.poll()
    assert reader.of(late).parent_native_id == fake.native_id(keys[0])
    assert reader.present == fake.expected()


def test_an_empty_page_with_a_cursor_is_not_the_end(watching: Watching, fake: Fake, world: World) -> None:
    post = world.post()
    reader = watching()
    me = Reply({"id": "26000000000000001", "username": BRAND})
    after = f"0Q{world.now.timestamp() + 60}_99"
    fake.next_answers = [me, Reply({"data": [], "paging": {"cursors": {"after": after}}})]
    page = reader.fetch()
    assert page.more
    assert not page.raws
    reader.keep(page)
    reader.poll()
    assert fake.native_id(post) in reader.held


def test_a_cursor_without_a_link_is_followed_and_one_that_repeats_itself_is_the_end(
    watching: Watching, fake: Fake, world: World
) -> None:
    post = world.post()
    me = Reply({"id": "26000000000000001", "username": BRAND})
    same = {"data": [], "paging": {"cursors": {"after": "same"}}}
    empty = Reply({"data": []})
    fake.next_answers = [me, Reply(same), empty, empty, Reply(same)]
    reader = watching()
    reader.keep(reader.fetch())
    page = reader.fetch()
    reader.keep(page)
    assert reader.cursor["lists"]["posts"]["walk"] is None
    reader.poll()
    assert fake.native_id(post) in reader.held


def test_posts_without_replies_cost_no_look_at_their_conversation(watching: Watching, fake: Fake, world: World) -> None:
    for number in range(30):
        world.post(f"News number {number}")
    watching().poll()
    assert _asked(fake, "conversation") == 0


def test_an_unchanged_conversation_costs_one_request(watching: Watching, fake: Fake, world: World) -> None:
    fake.page_size = 5
    post = world.post()
    for number in range(40):
        world.comment(post, by=f"kim{number}")
    reader = watching()
    reader.poll()
    fake.requests.clear()
    world.advance(timedelta(minutes=30))
    reader.poll()
    assert _asked(fake, "conversation") == 1


def test_a_reply_whose_parent_is_hidden_or_deleted_stays_under_its_post(
    watching: Watching, fake: Fake, world: World
) -> None:
    post = world.post()
    first = world.comment(post)
    second = world.reply(first, by="lee")
    world.delete(first)
    reader = watching()
    reader.catch_up()
    assert reader.of(second).parent_native_id is None
    assert reader.of(second).subject_native_id == fake.native_id(post)
    assert reader.of(second).kind == "comment"


def test_our_post_that_is_deleted_takes_nothing_else_with_it(watching: Watching, fake: Fake, world: World) -> None:
    gone, there = world.post("Wrong"), world.post("Right")
    world.comment(gone)
    kept = world.comment(there)
    reader = watching()
    reader.poll()
    world.advance()
    world.delete(gone)
    reader.poll()
    reader.recheck()
    assert fake.native_id(gone) in reader.gone
    assert fake.native_id(kept) in reader.present


def test_a_conversation_that_cannot_be_read_is_noted_and_the_others_go_on(
    watching: Watching, fake: Fake, world: World
) -> None:
    first, second = world.post(), world.post()
    world.comment(first)
    kept = world.comment(second)
    reader = watching()
    fake.refused["conversation"] = Reply(graph_error(100), 400)
    page = reader.fetch()
    assert "could not be read" in page.note
    reader.keep(page)
    fake.refused.clear()
    world.advance()
    reader.poll()
    assert fake.native_id(kept) in reader.held


def test_one_unreadable_entry_on_a_page_does_not_spoil_the_others(watching: Watching, fake: Fake, world: World) -> None:
    me = Reply({"id": "26000000000000001", "username": BRAND})
    good = {"id": "18000000000000001", "text": "Hello", "timestamp": "2026-03-02T09:00:00+0000", "username": BRAND}
    junk = [None, 7, {}, {"id": "x"}, {**good, "id": "18000000000000002", "timestamp": "soon"}]
    fake.next_answers = [me, *(Reply({"data": [*junk, good]}) for _ in range(3))]
    reader = watching()
    page = reader.fetch()
    read = []
    for raw in page.raws:
        try:
            read.append(reader.build().normalise(raw))
        except ValueError:
            continue
    assert {comment.native_id for comment in read if comment} == {good["id"]}
    assert len(page.raws) == 3 * (len(junk) + 1)


# --- mentions, our replies, what is shown ---


def test_who_names_us_is_a_mention_and_below_our_posts_a_comment(watching: Watching, fake: Fake, world: World) -> None:
    alone = world.post("@brand never again", by="ann")
    tagged = world.comment(world.post(), "@brand look here", by="lee")
    fake.tagged.add(tagged)
    reader = watching()
    reader.poll()
    assert (reader.of(alone).kind, reader.of(alone).subject_native_id) == ("mention", None)
    assert reader.of(tagged).kind == "comment"
    assert reader.of(tagged).subject_native_id is not None


def test_a_mention_in_somebody_elses_conversation_keeps_its_root_and_brings_nobody_else(
    watching: Watching, fake: Fake, world: World
) -> None:
    top = world.post("Best bread in town?", by="ann")
    world.comment(top, "Mine", by="stranger")
    named = world.comment(top, "@brand of course", by="kim")
    fake.tagged.add(named)
    fake.unseen.add(top)
    reader = watching()
    reader.poll()
    assert reader.present == {fake.native_id(named)}
    assert (reader.of(named).kind, reader.of(named).subject_native_id) == ("mention", None)


def test_our_reply_in_somebody_elses_conversation_is_read(watching: Watching, fake: Fake, world: World) -> None:
    top = world.post("@brand where is my order?", by="ann")
    reader = watching()
    reader.poll()
    world.advance()
    ours = world.comment(top, "On its way", by=BRAND)
    reader.poll()
    assert reader.is_ours(ours)
    comment = reader.of(ours)
    assert (comment.kind, comment.parent_native_id) == ("comment", fake.native_id(top))
    assert comment.root_native_id == fake.native_id(top)


def test_a_mention_that_was_read_is_not_asked_for_its_top_again(watching: Watching, fake: Fake, world: World) -> None:
    top = world.post("Best bread in town?", by="ann")
    fake.tagged.add(world.comment(top, "@brand of course", by="kim"))
    reader = watching()
    reader.poll()
    world.advance()
    world.post("@brand and another", by="lee")
    fake.requests.clear()
    reader.poll()
    assert _asked(fake, fake.native_id(top)) == 0


def test_reposts_are_no_comments(watching: Watching, fake: Fake, world: World) -> None:
    repost, post = world.post("Said another"), world.post("Said we")
    fake.reposts.add(repost)
    reader = watching()
    reader.poll()
    assert reader.present == {fake.native_id(post)}


def test_a_picture_without_words_is_a_comment_without_text(watching: Watching, fake: Fake, world: World) -> None:
    picture = world.comment(world.post())
    fake.silent_pictures.add(picture)
    reader = watching()
    reader.poll()
    assert reader.of(picture).text == ""


@pytest.mark.parametrize(
    ("status", "is_hidden"),
    [("NOT_HUSHED", False), ("UNHUSHED", False), ("HIDDEN", True), ("COVERED", True), ("SOMETHING_NEW", False)],
)
def test_a_hidden_reply_is_known_to_be_hidden_when_it_is_looked_at_again(
    watching: Watching, fake: Fake, world: World, status: str, is_hidden: bool
) -> None:
    key = world.comment(world.post())
    reader = watching()
    reader.poll()
    fake.hidden[key] = status
    world.advance()
    reader.poll()
    assert reader.of(key).is_hidden is is_hidden


def test_an_edit_is_known_by_its_text_alone(watching: Watching, fake: Fake, world: World) -> None:
    key = world.comment(world.post(), "The total is 12.")
    reader = watching()
    reader.poll()
    world.advance(timedelta(hours=1))
    world.edit(key, "The total is 13.")
    reader.poll()
    assert reader.of(key).text == "The total is 13."
    assert reader.of(key).edited_at is None


# --- errors ---


def test_an_expired_token_holds_the_account_and_says_why(watching: Watching, fake: Fake) -> None:
    reader = watching(token="an-old-one-that-expired")
    with pytest.raises(Unauthorized, match="expired") as caught:
        reader.fetch()
    assert "an-old-one" not in str(caught.value)


def test_a_missing_permission_for_mentions_leaves_them_out_for_a_day_and_is_noted(
    watching: Watching, fake: Fake, world: World
) -> None:
    reply = world.comment(world.post())
    mention = world.post("@brand hello", by="kim")
    fake.refused["mentions"] = Reply(graph_error(10), 403)
    reader = watching()
    page = reader.fetch()
    reader.keep(page)
    assert "mentions are left out for a day" in page.note
    reader.poll()
    assert fake.native_id(reply) in reader.held
    fake.refused.clear()
    world.advance(timedelta(hours=1))
    fake.requests.clear()
    reader.poll()
    assert _asked(fake, "mentions") == 0
    world.advance(timedelta(days=1))
    reader.poll()
    assert fake.native_id(mention) in reader.held


def test_a_missing_permission_for_replies_holds_the_account(watching: Watching, fake: Fake, world: World) -> None:
    world.comment(world.post())
    fake.refused["conversation"] = Reply(graph_error(10), 403)
    with pytest.raises(Unauthorized, match="permission"):
        watching().poll()


@pytest.mark.parametrize("code", [4, 17, 32, 613, 80001])
def test_429_and_every_code_that_means_it_waits_as_long_as_the_usage_header_says(
    watching: Watching, fake: Fake, code: int
) -> None:
    fake.usage = fake.rate_limit_headers(30 * 60)
    fake.next_answers = [Reply(graph_error(code), 400)]
    with pytest.raises(RateLimited) as caught:
        watching().fetch()
    assert caught.value.retry_at is not None
    assert timedelta(minutes=29) < caught.value.retry_at - datetime.now(UTC) <= timedelta(minutes=30)


def test_a_throttled_account_that_is_told_no_time_waits_at_least_a_quarter_of_an_hour(
    watching: Watching, fake: Fake
) -> None:
    fake.next_answers = [Reply(graph_error(4), 403)]
    with pytest.raises(RateLimited) as caught:
        watching().fetch()
    assert caught.value.retry_at is not None
    assert caught.value.retry_at - datetime.now(UTC) >= timedelta(minutes=15)


def test_an_account_that_is_nearly_used_up_polls_later(watching: Watching, fake: Fake) -> None:
    fake.usage = {"X-App-Usage": json.dumps({"call_count": 97, "total_time": 3, "total_cputime": 3})}
    assert watching().fetch().poll_after is not None


@pytest.mark.parametrize("more", [{"code": 1}, {"code": 2}, {"code": 9_999, "is_transient": True}])
def test_what_meta_calls_transient_is_tried_again(watching: Watching, fake: Fake, more: dict[str, Any]) -> None:
    fake.next_answers = [Reply({"error": {"message": "An error", **more}}, 400)]
    with pytest.raises(Unavailable):
        watching().fetch()


def test_too_much_data_at_once_is_asked_for_in_smaller_pages(watching: Watching, fake: Fake, world: World) -> None:
    post = world.post()
    me = Reply({"id": "26000000000000001", "username": BRAND})
    error = graph_error(1, message="Please reduce the amount of data you are asking for, then retry your request")
    fake.next_answers = [me, Reply(error, 500)]
    reader = watching()
    reader.poll()
    assert fake.native_id(post) in reader.held
    sizes = [int(request.get("limit")) for request in fake.requests if request.path.endswith("/me/threads")]
    assert sizes[1] == sizes[0] // 2


def test_a_gone_reply_is_gone_only_where_threads_itself_does_not_know_it(
    watching: Watching, fake: Fake, world: World
) -> None:
    post = world.post()
    deleted, there = world.comment(post), world.comment(post, by="lee")
    reader = watching()
    reader.poll()
    world.delete(deleted)
    reader.recheck()
    assert reader.gone == {fake.native_id(deleted)}
    assert fake.native_id(there) in reader.present


def test_a_server_that_knows_nothing_at_all_deletes_nothing(watching: Watching, fake: Fake, world: World) -> None:
    world.comment(world.post())
    reader = watching()
    reader.poll()
    fake.fail(Fault.NOT_FOUND, times=50)
    with pytest.raises(Gone):
        reader.recheck()
    assert not reader.gone


def test_the_token_travels_in_a_header_and_never_in_the_cursor_or_an_address(
    watching: Watching, fake: Fake, world: World
) -> None:
    fake.page_size = 1
    post = world.post()
    for _ in range(3):
        world.comment(post)
    reader = watching()
    reader.keep(reader.fetch())
    assert TOKEN not in json.dumps(reader.cursor), "the links to the next page hold it"
    reader.poll()
    assert all("access_token" not in request.query for request in fake.requests)


def test_the_cursor_stays_small_with_many_posts(watching: Watching, fake: Fake, world: World) -> None:
    for number in range(300):
        world.comment(world.post(f"News number {number} " + "and so on " * 20))
    fake.page_size = 50
    reader = watching()
    reader.poll()
    assert len(reader.cursor["roots"]) == 300
    assert len(json.dumps(reader.cursor)) < 30_000


def test_only_what_is_young_enough_is_read_back_and_all_that_comes_later(
    watching: Watching, fake: Fake, world: World
) -> None:
    fake.page_size = 2
    post = world.post()
    for _ in range(10):
        world.advance(timedelta(days=1))
        world.comment(post)
    reader = watching(backfill=timedelta(days=3))
    reader.poll()
    assert min(comment.created_at for comment in reader.held.values()) >= world.now - timedelta(days=3)
    assert len(reader.held) == 4
    new = world.comment(post, "New")
    world.advance(timedelta(minutes=30))
    reader.poll()
    assert reader.of(new).subject_title


def test_posts_beyond_the_reach_are_left_alone(watching: Watching, fake: Fake, world: World) -> None:
    world.comment(world.post())
    world.advance(timedelta(days=40))
    watching(reach=timedelta(days=30)).poll()
    assert _asked(fake, "conversation") == 0


class _Tokens(HttpFakePlatform):
    """Threads' three token endpoints, each with its own verb and parameters."""

    def source_settings(self) -> dict[str, Any]:
        return {}

    def native_id(self, key: str) -> str:
        return key

    def answer(self, request: Request) -> Reply:
        long = {"token_type": "bearer", "expires_in": 5_183_944}
        match request.method, request.path, request.get("grant_type"), request.get("access_token"):
            case "POST", "/oauth/access_token", "", "" if b"code=the-code" in request.body:
                return Reply({"access_token": "short", "user_id": 7})
            case "GET", "/access_token", "th_exchange_token", "short" if request.get("client_secret") == "hush-hush":
                return Reply(long | {"access_token": "long"})
            case "GET", "/refresh_access_token", "th_refresh_token", "long" if "client_secret" not in request.query:
                return Reply(long | {"access_token": "longer"})
        return Reply(graph_error(100), 400)


def test_the_token_of_an_hour_is_exchanged_for_one_of_60_days_and_that_one_is_renewed(
    world: World, tmp_path: Path, http: HttpClient
) -> None:
    with _Tokens(world, tmp_path) as server:
        at = {
            name: value.replace("https://graph.threads.net", server.url)
            for name, value in asdict(Threads.oauth).items()
            if name in ("token_url", "exchange_url", "refresh_url")
        }
        application = Application(replace(Threads.oauth, **at), "app", "hush-hush")
        told = application.redeem(http, {"grant_type": "authorization_code", "code": "the-code"})
        assert (told["access_token"], told["expires_in"]) == ("long", 5_183_944)
        assert application.refresh(http, told)["access_token"] == "longer"


@pytest.mark.slow
def test_200_posts_with_20_000_comments_are_brought_in_while_new_ones_arrive(
    watching: Watching, fake: Fake, world: World
) -> None:
    posts = []
    for number in range(200):
        posts.append(world.post(f"News number {number}"))
        for by in range(100):
            world.comment(posts[-1], by=f"kim{by % 40}")
        world.advance(timedelta(hours=2))
    fake.page_size = 50
    reader = watching()
    n_pages, more = 0, True
    while more:
        page = reader.fetch()
        reader.keep(page)
        n_pages, more = n_pages + 1, page.more
        if n_pages % 5 == 0:
            world.advance(timedelta(seconds=30))
            world.comment(posts[n_pages % 200], by="late")
    n_requests = fake.n_requests
    for _ in range(50):  # 6 hours and one poll for each 8 posts
        world.advance(timedelta(minutes=15))
        reader.poll()
    assert reader.present == fake.expected()
    print(f"{n_pages} pages, {n_requests} requests, {fake.n_requests - n_requests} in 50 polls")  # noqa: T201
    assert n_requests <= 1_700
    assert fake.n_requests - n_requests <= 50 * 24 + 500
