"""What is Reddit's own: anchors that vanish, holes in trees, what is deleted, and a quota told in floats."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.base import Known
from connectors.reddit import Reddit, RedditSettings
from monitor.errors import Gone, RateLimited, Unauthorized
from monitor.http import HttpClient
from tests.contract.reader import Reader
from tests.platforms.base import BRAND, Fault, World
from tests.platforms.reddit import Fake
from tests.platforms.server import Reply, Request

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "reddit").glob("*.json"))
Watching = Callable[[str], Reader]


@pytest.fixture
def fake(world: World, tmp_path: Path) -> Iterator[Fake]:
    with Fake(world, tmp_path) as platform:
        yield platform


@pytest.fixture
def watching(fake: Fake, http: HttpClient) -> Watching:
    def build(variant: str) -> Reader:
        fake.variant = variant
        return Reader(Reddit, fake, http)

    return build


def _burst(world: World, post: str, n: int) -> list[str]:
    keys = []
    for number in range(n):
        world.advance(timedelta(seconds=1))
        keys.append(world.comment(post, f"Comment {number}", by=f"kim{number}"))
    return keys


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_payload_reads_as_it_should(path: Path, http: HttpClient) -> None:
    golden = json.loads(path.read_text())
    settings = RedditSettings.model_validate({"own_account": "The_Bakery", "subreddits": ["bakery"]})
    comment = Reddit(settings, http).normalise(golden["raw"])
    assert comment is not None
    assert json.loads(json.dumps(asdict(comment), default=str)) == golden["comment"]


# --- anchors and listings ---


def test_before_is_never_sent_so_a_deleted_anchor_makes_nobody_deaf(
    watching: Watching, fake: Fake, world: World
) -> None:
    post = world.post()
    newest = world.comment(post)
    reader = watching("subreddit")
    reader.poll()
    world.delete(newest)
    world.advance()
    world.comment(post, "After the one that is gone")
    reader.poll()
    assert reader.present | {fake.native_id(newest)} == fake.expected() | {fake.native_id(newest)}
    assert not any("before" in request.query for request in fake.requests)


@pytest.mark.parametrize("n_deleted", [1, 3, 6])
def test_an_anchor_that_is_deleted_while_pages_are_turned_loses_nothing(
    watching: Watching, fake: Fake, world: World, n_deleted: int
) -> None:
    fake.page_size = 5
    keys = _burst(world, world.post(), 60)
    reader = watching("subreddit")
    reader.keep(reader.fetch())
    gaps = reader.cursor["streams"]["comments"]["gaps"]
    after = gaps[-1]["anchors"][0]
    at = next(index for index, key in enumerate(keys) if fake.native_id(key) == after)
    for key in keys[at : at + n_deleted]:
        world.delete(key)
    reader.poll()
    assert fake.expected() <= set(reader.held)


def test_an_approved_comment_appears_with_its_old_time_below_the_mark_and_is_found(
    watching: Watching, fake: Fake, world: World
) -> None:
    fake.page_size = 4
    post = world.post()
    reader = watching("subreddit")
    reader.poll()
    _burst(world, post, 12)
    reader.poll()
    world.advance(timedelta(minutes=5))
    late = world.comment(post, "The spam filter held this back", at=world.now - timedelta(hours=1))
    _burst(world, post, 2)
    reader.poll()
    _burst(world, post, 2)
    world.advance(timedelta(minutes=31))
    reader.poll()
    assert fake.native_id(late) in reader.present
    assert reader.present == fake.expected()


def test_a_listing_ends_silently_after_its_reach_and_the_threads_tell_the_rest(
    watching: Watching, fake: Fake, world: World
) -> None:
    fake.page_size, fake.reach = 100, 1000
    posts = [world.post(f"Post number {number}") for number in range(3)]
    for post in posts:
        _burst(world, post, 600)
    reader = watching("subreddit")
    notes = []
    page = reader.fetch()
    while True:
        reader.keep(page)
        notes.append(page.note)
        if not page.more:
            break
        page = reader.fetch()
    assert reader.present == fake.expected()
    assert any("reaches back 1000 entries only" in note for note in notes)
    assert not any(
        request.path.startswith("/api/morechildren") and len(request.get("children").split(",")) > 100
        for request in fake.requests
    )


def test_a_comment_on_a_year_old_post_is_found_at_the_next_poll(watching: Watching, fake: Fake, world: World) -> None:
    post = world.post()
    asked = world.comment(post, "Asked a year ago", by="lee")
    world.advance(timedelta(days=365))
    for variant in ("account", "search", "subreddit"):
        reader = watching(variant)
        reader.cursor = None
        reader.poll()
        assert fake.native_id(asked) not in reader.held, "older than the backfill"
        world.advance()
        new = world.reply(asked, f"And today? ({variant})", by="kim")
        reader.poll()
        assert fake.native_id(new) in reader.held
        assert reader.of(new).subject_native_id == fake.native_id(post)


def test_as_many_deleted_as_written_hide_a_comment_for_a_week_at_most(
    watching: Watching, fake: Fake, world: World
) -> None:
    fake.counts_nothing = True
    post = world.post(by="ann")
    world.comment(post)
    reader = watching("search")
    reader.poll()
    hidden = world.comment(post, "The number of comments did not change")
    world.advance()
    reader.poll()
    assert fake.native_id(hidden) not in reader.held
    world.advance(timedelta(days=7))
    reader.poll()
    assert fake.native_id(hidden) in reader.present


# --- trees ---


def test_more_and_continue_this_thread_are_followed_to_the_last_comment(
    watching: Watching, fake: Fake, world: World
) -> None:
    fake.shown, fake.deepest = 30, 4
    post = world.post()
    keys = _burst(world, post, 150)
    deep = keys[-1]
    for number in range(15):
        world.advance(timedelta(seconds=1))
        deep = world.reply(deep, f"Level {number}", by=f"lee{number % 2}")
    reader = watching("search")
    reader.poll()
    assert reader.present == fake.expected()
    paths = [request.path for request in fake.requests]
    assert "/api/morechildren" in paths
    assert any("/_/" in path for path in paths), "continue this thread"


class _Echo(Fake):
    """A server that answers each "more" with the same "more"."""

    def answer(self, request: Request) -> Reply:
        stub = {"kind": "more", "data": {"count": 9, "id": "zz", "name": "t1_zz", "children": ["zz", "zy"]}}
        below = {"kind": "more", "data": {"count": 0, "id": "_", "parent_id": "t1_zx", "children": []}}
        if request.path == "/api/morechildren":
            return Reply({"json": {"errors": [], "data": {"things": [stub, below]}}})
        reply = super().answer(request)
        if request.path.startswith("/comments/"):
            reply.body[1]["data"]["children"] += [stub, below]
        return reply


def test_a_hole_that_is_answered_with_the_same_hole_comes_to_an_end(
    world: World, tmp_path: Path, http: HttpClient
) -> None:
    with _Echo(world, tmp_path) as fake:
        world.comment(world.post())
        fake.variant = "search"
        reader = Reader(Reddit, fake, http)
        assert reader.poll() < 5
        assert reader.present == fake.expected()


class _Broken(Fake):
    """A server that answers one conversation with something else."""

    broken = ""

    def answer(self, request: Request) -> Reply:
        if self.broken and request.path == f"/comments/{self.broken}":
            return Reply({"kind": "Listing", "data": {}})
        return super().answer(request)


def test_one_conversation_that_cannot_be_read_does_not_keep_the_others_from_being_read(
    world: World, tmp_path: Path, http: HttpClient
) -> None:
    with _Broken(world, tmp_path) as fake:
        posts = [world.post(by="ann") for _ in range(3)]
        keys = [world.comment(post) for post in posts]
        fake.variant, fake.broken = "search", fake.short(posts[1])
        reader = Reader(Reddit, fake, http)
        notes = []
        while True:
            page = reader.fetch()
            reader.keep(page)
            notes.append(page.note)
            if not page.more:
                break
        assert reader.present == fake.expected() - {fake.native_id(keys[1])}
        assert any("was given up" in note for note in notes)


def test_the_thread_of_a_removed_comment_has_an_empty_second_listing(
    watching: Watching, fake: Fake, world: World
) -> None:
    post = world.post()
    only = world.comment(post)
    reader = watching("account")
    reader.poll()
    fake.removed.add(only)
    world.advance()
    reader.catch_up()
    assert reader.present == {fake.native_id(post)}


# --- deleted, removed, absent ---


def test_removed_by_a_moderator_is_gone_although_its_author_is_still_shown(
    watching: Watching, fake: Fake, world: World
) -> None:
    key = world.comment(world.post())
    reader = watching("subreddit")
    reader.poll()
    fake.removed.add(key)
    reader.catch_up()
    assert reader.gone == {fake.native_id(key)}


def test_a_deleted_post_is_gone_and_what_is_below_it_is_not(watching: Watching, fake: Fake, world: World) -> None:
    post = world.post(by="ann")
    comment = world.comment(post)
    reader = watching("subreddit")
    reader.poll()
    world.delete(post)
    reader.catch_up()
    assert reader.gone == {fake.native_id(post)}
    assert reader.present == {fake.native_id(comment)}


def test_who_typed_the_word_deleted_is_not_deleted(watching: Watching, fake: Fake, world: World) -> None:
    key = world.comment(world.post(), "[deleted]")
    reader = watching("subreddit")
    reader.catch_up()
    assert reader.of(key).text == "[deleted]"
    assert not reader.gone


def test_a_deleted_account_leaves_its_words_and_loses_its_name(watching: Watching, fake: Fake, world: World) -> None:
    key = world.comment(world.post(), "Still here", by="kim")
    reader = watching("subreddit")
    reader.poll()
    fake.no_account.add("kim")
    reader.catch_up()
    author = reader.of(key).author
    assert (reader.of(key).text, author.name, author.handle, author.native_id) == ("Still here", "[deleted]", "", "")
    assert not reader.gone


def test_what_info_does_not_show_is_not_taken_for_deleted(fake: Fake, http: HttpClient) -> None:
    connector = Reddit(RedditSettings.model_validate(fake.source_settings() | {"subreddits": ["bakery"]}), http)
    found = connector.recheck([Known("t1_zzzz", None, None), Known("t4_9", None, None), Known("../me", None, None)])
    assert (list(found.raws), list(found.gone)) == ([], [])
    assert fake.requests[-1].get("id") == "t1_zzzz"


# --- whose conversation it is ---


def test_a_post_of_a_customer_is_the_root_of_all_below_it(watching: Watching, fake: Fake, world: World) -> None:
    post = world.post("My cake never came", by="ann")
    comment = world.comment(post, "Same here", by="lee")
    ours = world.comment(post, "We are on it.", by=BRAND)
    for variant in ("subreddit", "search"):
        reader = watching(variant)
        reader.poll()
        assert (reader.of(post).kind, reader.of(post).parent_native_id) == ("mention", None)
        for key in (comment, ours):
            assert reader.of(key).root_native_id == reader.of(key).parent_native_id == fake.native_id(post)
            assert reader.of(key).subject_native_id is None
        assert reader.is_ours(ours)
        assert not reader.is_ours(comment)


def test_the_inbox_tells_replies_and_mentions_and_their_place_is_asked_for_once(
    watching: Watching, fake: Fake, world: World
) -> None:
    ours = world.post()
    reply = world.comment(ours, "Is it open?")
    foreign = world.post("Where to eat?", by="ann")
    named = world.comment(foreign, "Try u/Brand, they are good", by="lee")
    world.comment(foreign, "Nothing to do with us", by="max")
    reader = watching("account")
    reader.poll()
    assert {fake.native_id(key) for key in (ours, reply, named)} == reader.present
    assert (reader.of(reply).kind, reader.of(reply).subject_native_id) == ("comment", fake.native_id(ours))
    assert (reader.of(named).kind, reader.of(named).root_native_id) == ("mention", fake.native_id(foreign))
    assert reader.of(named).mentions == (BRAND,)
    assert "?" not in reader.of(named).permalink
    world.advance()
    reader.poll()
    before = fake.n_requests
    reader.poll()
    assert fake.n_requests - before <= Reddit.abilities.quiet_requests


def test_private_messages_are_private_and_our_answer_hangs_below_the_first(
    watching: Watching, fake: Fake, world: World
) -> None:
    first = fake.message("Where is my order?")
    ours = fake.message("On its way.", by=BRAND, answers=first)
    again = fake.message("Thanks", answers=ours)
    reader = watching("account")
    reader.poll()
    held = reader.held
    assert held[first].text == "Your shop\n\nWhere is my order?"
    assert {held[name].kind for name in (first, ours, again)} == {"message"}
    assert all(held[name].is_private for name in (first, ours, again))
    assert held[ours].is_ours
    assert (held[again].parent_native_id, held[again].root_native_id) == (ours, first)


# --- tokens, permissions, quota ---


class _Renewed:
    """An access that someone else renewed between two requests."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)

    def token(self) -> str:
        return self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]


def test_an_expired_token_is_asked_for_anew_once(fake: Fake, world: World, http: HttpClient) -> None:
    world.comment(world.post())
    settings = RedditSettings.model_validate(fake.source_settings())
    page = Reddit(settings, http, _Renewed("expired", fake.token)).fetch_page(None, world.now)
    assert page.raws
    with pytest.raises(Unauthorized):
        Reddit(settings, http, _Renewed("expired", "expired too")).fetch_page(None, world.now)
    assert [request.headers["authorization"] for request in fake.requests][-2:] == [
        "bearer expired",
        "bearer expired too",
    ]


def test_no_token_at_all_says_how_to_get_one(fake: Fake, world: World, http: HttpClient) -> None:
    settings = RedditSettings.model_validate({**fake.source_settings(), "token": None})
    with pytest.raises(Unauthorized, match="heedful auth"):
        Reddit(settings, http).fetch_page(None, world.now)
    assert fake.n_requests == 0


def test_a_missing_scope_is_a_missing_permission(watching: Watching, fake: Fake) -> None:
    reader = watching("account")
    fake.fail(Fault.FORBIDDEN)
    with pytest.raises(Unauthorized):
        reader.poll()


@pytest.mark.parametrize("why", ["private", "banned", "quarantined"])
def test_a_subreddit_that_is_closed_to_us_holds_its_source_and_not_the_account(
    watching: Watching, fake: Fake, why: str
) -> None:
    fake.closed = why
    with pytest.raises(Gone, match=why):
        watching("subreddit").poll()


def test_a_subreddit_that_does_not_exist_redirects_to_a_search_that_is_not_followed(
    watching: Watching, fake: Fake
) -> None:
    fake.is_redirected = True
    with pytest.raises(Gone, match="no such subreddit"):
        watching("subreddit").poll()
    assert fake.n_requests == 1


def test_a_429_without_retry_after_waits_for_the_reset_of_the_window(watching: Watching, fake: Fake) -> None:
    fake.fail(Fault.RATE_LIMITED, retry_after=90)
    with pytest.raises(RateLimited) as caught:
        watching("subreddit").poll()
    assert caught.value.retry_at is not None
    assert timedelta(seconds=80) < caught.value.retry_at - datetime.now(UTC) <= timedelta(seconds=90)


@pytest.mark.parametrize(("quota", "waits"), [("996.0", False), ("1.0", True), ("0.0", True), ("", False)])
def test_the_quota_is_a_float_in_a_string_and_absent_from_cached_answers(
    watching: Watching, fake: Fake, quota: str, waits: bool
) -> None:
    fake.quota = quota
    page = watching("subreddit").fetch()
    assert (page.poll_after is not None) is waits
    if page.poll_after:
        assert timedelta(seconds=290) < page.poll_after - datetime.now(UTC) <= timedelta(seconds=300)


def test_a_page_says_what_it_spent(watching: Watching, fake: Fake, world: World) -> None:
    _burst(world, world.post(), 70)
    reader = watching("account")
    while True:
        before = fake.n_requests
        page = reader.fetch()
        assert page.spent == fake.n_requests - before
        reader.keep(page)
        if not page.more:
            break


def test_each_request_names_program_and_account(watching: Watching, fake: Fake) -> None:
    watching("subreddit").poll()
    assert {request.headers["user-agent"] for request in fake.requests} == {"python:heedful:0.1 (by /u/brand)"}


# --- odd payloads ---


@pytest.mark.parametrize("edited", [False, True, None, 1772445600.0])
def test_edited_is_false_or_a_time_or_in_the_first_years_true(edited: Any, http: HttpClient) -> None:
    data = {"name": "t1_a", "created_utc": 1772445500.0, "author": "kim", "body": "Hi", "parent_id": "t3_p"}
    data |= {"edited": edited}
    settings = RedditSettings.model_validate({"own_account": "brand", "subreddits": ["bakery"]})
    comment = Reddit(settings, http).normalise({"data": data, "own": "brand", "link": None})
    assert comment is not None
    assert (comment.edited_at is not None) is isinstance(edited, float)


@pytest.mark.parametrize(
    "settings",
    [
        {"own_account": "../me"},
        {"own_account": "brand"},
        {"own_account": "brand", "subreddits": ["a/../../api"]},
        {"own_account": "brand", "watch": "search"},
        {"own_account": "brand", "subreddits": ["bakery"], "base_url": "ftp://x"},
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RedditSettings.model_validate(settings)


def test_an_own_account_may_be_written_with_its_prefix() -> None:
    assert RedditSettings.model_validate({"own_account": "/u/brand", "subreddits": ["/r/bakery/"]}).subreddits == (
        "bakery",
    )


# --- a whole brand ---


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["subreddit", "account", "search"])
def test_200_posts_with_20_000_comments_are_brought_in_while_new_ones_arrive_within_the_quota(
    watching: Watching, fake: Fake, world: World, variant: str
) -> None:
    fake.page_size = 100
    posts = [world.post(f"Post number {number}") for number in range(200)]
    for number in range(20_000):
        if number % 50 == 0:
            world.advance(timedelta(minutes=30))
        world.comment(posts[number % 200], by=f"kim{number % 999}")
    reader = watching(variant)
    n_fetches = 0
    while True:
        page = reader.fetch()
        reader.keep(page)
        n_fetches += 1
        if n_fetches < 60:
            world.advance(timedelta(seconds=10))
            world.comment(posts[n_fetches % 200], "Written while the past is read")
        if not page.more:
            break
    reader.poll()
    assert reader.present == fake.expected()
    budget = Reddit.abilities.budget
    assert budget is not None
    assert fake.n_requests <= budget.n, "the whole past costs no more than ten minutes' quota"
    print(variant, fake.n_requests, n_fetches)  # noqa: T201
