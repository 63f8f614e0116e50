"""What is X's own: ids that are times, two dialects, a purse, and replies that no longer address us."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors.base import Known
from connectors.x import X, XSettings
from monitor.errors import Malformed, RateLimited, Unauthorized, Unavailable
from monitor.http import HttpClient
from tests.contract.reader import Reader
from tests.platforms.base import BRAND, Fault, World
from tests.platforms.server import Reply
from tests.platforms.x import PROBLEMS, TOKEN, Fake, first_id, id_at, last_id, refused

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "x").glob("*.json"))
Watching = Callable[..., Reader]


@pytest.fixture
def fake(world: World, tmp_path: Path) -> Iterator[Fake]:
    with Fake(world, tmp_path) as platform:
        yield platform


@pytest.fixture
def watching(fake: Fake, http: HttpClient) -> Watching:
    def build(variant: str = "mentions", **settings: Any) -> Reader:
        fake.variant = variant
        reader = Reader(X, fake, http)
        reader.settings = XSettings.model_validate(fake.source_settings() | settings)
        return reader

    return build


def _mention(number: int, **fields: Any) -> dict[str, Any]:
    """A raw comment in the older dialect."""
    post_id = str(id_at(datetime(2026, 3, 2, tzinfo=UTC), number))
    post = {"id": post_id, "text": "@brand hello", "author_id": "7", "edit_history_tweet_ids": [post_id], **fields}
    return {"post": post, "author": None, "own": "990001", "root": None, "parent": ""}


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_posts_read_as_they_did(path: Path, http: HttpClient) -> None:
    golden = json.loads(path.read_text())
    comment = X(XSettings(own_account="990001"), http).normalise(golden["raw"])
    assert comment is not None
    shown = {name: getattr(comment, name) for name in golden["comment"]}
    for name in ("created_at", "edited_at"):
        shown[name] = shown[name] and shown[name].isoformat(timespec="milliseconds").replace("+00:00", "Z")
    shown["mentions"] = list(comment.mentions)
    assert shown == golden["comment"]


# --- dialects ---


@pytest.mark.parametrize(("server", "asks_first"), [("mentions", "post"), ("mentions, post names", "tweet")])
def test_a_400_that_names_the_fields_flips_the_dialect_and_the_cursor_remembers_it(
    watching: Watching, fake: Fake, world: World, server: str, asks_first: str
) -> None:
    mention = world.post("@brand where is my bread?", by="kim")
    reader = watching(server, dialect=asks_first)
    reader.poll()
    assert reader.of(mention).author.name == "Kim"
    world.advance()
    fake.requests.clear()
    reader.poll()
    names = {name for request in fake.requests for name in request.query if name.endswith(".fields")}
    assert names == {"user.fields", "tweet.fields" if server == "mentions" else "post.fields"}


def test_both_dialects_give_the_same_comments(fake: Fake, world: World, watching: Watching) -> None:
    post = world.post("Fresh bread on Sunday.")
    first = world.comment(post, "Is it rye?")
    world.reply(first)
    world.edit(post, "Fresh bread on Saturday.")
    old, new = watching("mentions"), watching("mentions, post names")
    fake.variant = "mentions"
    old.catch_up()
    fake.variant = "mentions, post names"
    new.catch_up()
    assert old.held == new.held
    assert len(old.held) == 3


def test_a_400_about_something_else_flips_nothing_and_is_not_asked_again(watching: Watching, fake: Fake) -> None:
    reader = watching()
    reader.poll()
    fake.requests.clear()
    fake.next_answers = [refused("max_results", "100", "The `max_results` query parameter value [100] is not valid")]
    with pytest.raises(Malformed):
        reader.poll()
    assert len(fake.requests) == 1


def test_author_and_answered_account_are_always_asked_for_as_expansions(watching: Watching, fake: Fake) -> None:
    watching("mentions, post names").poll()
    for request in fake.requests:
        if "post.fields" in request.query:
            assert {"author_id", "in_reply_to_user_id"} <= set(request.get("expansions").split(","))
            assert not {"author_id", "in_reply_to_user_id"} & set(request.get("post.fields").split(","))


# --- positions ---


def test_a_since_id_older_than_search_allows_starts_a_window_and_the_gap_is_noted(
    watching: Watching, fake: Fake, world: World
) -> None:
    reader = watching("search")
    reader.poll()
    world.advance(timedelta(days=9))
    found = world.post("bakery", by="kim")
    page = reader.fetch()
    reader.keep(page)
    assert fake.native_id(found) in reader.held
    assert "reaches back 7 days" in page.note


def test_a_since_id_that_x_refuses_all_the_same_is_replaced_by_the_smallest_that_it_names(
    watching: Watching, fake: Fake, world: World
) -> None:
    found = world.post("bakery", by="kim")
    reader = watching("search", own_account=fake.author_id(BRAND))
    smallest = id_at(world.now - timedelta(hours=1))
    fake.next_answers = [refused("since_id", "1", f"Please use a 'since_id' that is larger than {smallest}")]
    page = reader.fetch()
    assert "may have been missed" in page.note
    reader.keep(page)
    reader.poll()
    assert fake.native_id(found) in reader.held
    assert {request.get("since_id") for request in fake.requests if "search" in request.path} >= {str(smallest + 1)}


def test_since_id_is_never_sent_together_with_start_time(watching: Watching, fake: Fake, world: World) -> None:
    world.comment(world.post())
    watching("mentions").catch_up()
    watching("search").catch_up()
    assert not [request for request in fake.requests if "start_time" in request.query or "end_time" in request.query]


def test_the_mark_is_the_newest_id_of_the_first_page_and_moves_when_the_last_is_read(
    watching: Watching, fake: Fake, world: World
) -> None:
    fake.page_size = 2
    post = world.post()
    keys = [world.comment(post) for _ in range(5)]
    reader = watching()
    reader.keep(reader.fetch())
    before = reader.cursor["lists"]["mentions"]["mark"]
    assert int(before) < int(first_id(world[keys[0]])), "two pages are still to come"
    sinces = {request.get("since_id") for request in fake.requests if request.path.endswith("mentions")}
    world.comment(post, "On top of the first page")
    fake.requests.clear()
    reader.keep(reader.fetch())
    reader.keep(reader.fetch())
    assert {r.get("since_id") for r in fake.requests if r.path.endswith("mentions")} == sinces
    assert reader.cursor["lists"]["mentions"]["mark"] == last_id(world[keys[-1]])
    reader.poll()
    assert reader.present == fake.expected()


def test_an_empty_page_with_a_next_token_is_not_the_end(watching: Watching, fake: Fake, world: World) -> None:
    found = world.post("@brand hello", by="kim")
    reader = watching(own_account=fake.author_id(BRAND))
    token = f"7140dib0z{2**62}"
    fake.next_answers = [Reply({"meta": {"result_count": 0, "next_token": token}})]
    page = reader.fetch()
    assert page.more
    reader.keep(page)
    reader.poll()
    assert fake.native_id(found) in reader.held


def test_a_page_token_that_expired_is_replaced_by_the_last_id_read(
    watching: Watching, fake: Fake, world: World
) -> None:
    fake.page_size = 2
    post = world.post()
    for _ in range(7):
        world.comment(post)
    reader = watching()
    reader.keep(reader.fetch())
    fake.expire_cursors()
    fake.requests.clear()
    reader.poll()
    assert reader.present == fake.expected()
    assert [request for request in fake.requests if request.get("until_id")]


def test_ids_are_compared_as_numbers(watching: Watching, fake: Fake, http: HttpClient) -> None:
    """Ids of 18 digits came before those of 19, which a comparison of texts would turn around."""
    world = fake.world
    world.now = datetime(2018, 5, 5, tzinfo=UTC)
    older = world.post("@brand old", by="kim")
    world.now = datetime(2018, 6, 20, tzinfo=UTC)
    newer = world.post("@brand new", by="kim")
    assert (len(first_id(world[older])), len(first_id(world[newer]))) == (18, 19)
    reader = watching(backfill=timedelta(days=90))
    reader.poll()
    assert reader.cursor["lists"]["mentions"]["mark"] == first_id(world[newer])
    assert reader.present == fake.expected()


def test_more_mentions_than_the_timeline_keeps_are_noted_as_perhaps_missed(
    watching: Watching, fake: Fake, world: World
) -> None:
    for number in range(830):
        world.post(f"@brand {number}", by=f"kim{number % 7}")
    fake.page_size = 100
    reader = watching()
    notes = []
    while True:
        page = reader.fetch()
        reader.keep(page)
        notes.append(page.note)
        if not page.more:
            break
    assert any("newest 800" in note for note in notes)
    assert len(reader.held) == 800, "X shows no more than these"


def test_what_search_shows_half_a_minute_late_is_found(watching: Watching, fake: Fake, world: World) -> None:
    fake.search_lag = timedelta(seconds=30)
    reader = watching("search")
    world.advance(timedelta(seconds=-15))
    early = world.post("bakery, first", by="kim")
    reader.poll()
    world.advance(timedelta(seconds=20))
    late = world.post("bakery, second", by="lee")
    for _ in range(2):
        world.advance(timedelta(minutes=1))
        reader.poll()
    assert {fake.native_id(early), fake.native_id(late)} <= set(reader.held)


# --- conversations ---


def test_a_reply_deep_under_our_post_that_dropped_our_name_is_found_by_its_conversation(
    watching: Watching, fake: Fake, world: World
) -> None:
    post = world.post()
    first = world.comment(post)
    reader = watching()
    reader.poll()
    world.advance(timedelta(minutes=10))
    deep = world.reply(first, "They sold me stale bread too", by="lee")
    fake.silent.add(deep)
    reader.poll()
    assert reader.of(deep).subject_native_id == fake.native_id(post)
    assert reader.of(deep).parent_native_id == fake.native_id(first)
    assert reader.of(deep).kind == "comment"


def test_a_silent_reply_under_an_old_post_is_found_within_the_stated_delay_and_requests(
    watching: Watching, fake: Fake, world: World
) -> None:
    posts = [world.post(f"News number {number}") for number in range(40)]
    for post in posts:
        world.comment(post)
    reader = watching()
    for _ in range(40):  # ten days
        world.advance(timedelta(hours=6))
        reader.poll()
    late = world.comment(posts[3], "Ten days later", by="lee")
    fake.silent.add(late)
    deadline = world.now + timedelta(hours=12) + timedelta(minutes=30) * 4
    while fake.native_id(late) not in reader.held:
        world.advance(timedelta(minutes=30))
        assert world.now <= deadline, "later than the docs page states"
        before = fake.n_requests
        reader.poll()
        assert fake.n_requests - before <= 2 * X.abilities.quiet_requests


def test_a_direct_reply_to_a_post_from_before_the_backfill_comes_with_its_mention_at_the_next_poll(
    watching: Watching, fake: Fake, world: World
) -> None:
    old = world.post("A year ago")
    world.advance(timedelta(days=365))
    reader = watching()
    reader.poll()
    assert fake.native_id(old) not in reader.held
    world.advance()
    reply = world.comment(old, "Does this still hold?")
    reader.poll()
    assert reader.of(reply).subject_native_id == fake.native_id(old)
    assert reader.of(reply).subject_title == "A year ago"


def test_of_a_strangers_conversation_only_what_addresses_us_is_read(
    watching: Watching, fake: Fake, world: World
) -> None:
    top = world.post("Best bread in town?", by="ann")
    noise = [world.comment(top, by=f"stranger{number}") for number in range(5)]
    tagged = world.comment(top, "@brand of course", by="kim")
    fake.silent |= {top, *noise}
    reader = watching()
    reader.poll()
    world.advance()
    reader.poll()
    assert reader.present == {fake.native_id(tagged)}
    comment = reader.of(tagged)
    assert (comment.kind, comment.subject_native_id) == ("mention", None)
    assert comment.root_native_id == comment.parent_native_id == fake.native_id(top)


def test_many_conversations_fit_the_512_characters_of_a_query(watching: Watching, fake: Fake, world: World) -> None:
    for number in range(30):
        world.comment(world.post(f"News number {number}"))
    reader = watching()
    reader.poll()
    queries = [request.get("query") for request in fake.requests if "search" in request.path]
    assert len(queries) >= 3
    assert max(map(len, queries)) <= 512
    asked = {
        word.removeprefix("conversation_id:")
        for query in queries
        for word in query.strip("()").replace(")", " ").split()
    }
    assert {fake.native_id(post.key) for post in world.posts} <= asked


def test_where_the_plan_has_no_search_conversations_can_be_left_out(
    watching: Watching, fake: Fake, world: World
) -> None:
    world.comment(world.post())
    watching(conversations=False).poll()
    assert not [request for request in fake.requests if "search" in request.path]


def test_the_cursor_stays_small_with_many_posts(watching: Watching, fake: Fake, world: World) -> None:
    for number in range(450):
        world.post(f"News number {number} " + "and so on " * 20)
        world.advance(timedelta(minutes=1))
    fake.page_size = 100
    reader = watching()
    reader.poll()
    assert len(reader.cursor["roots"]["ours"]) == 400
    assert len(json.dumps(reader.cursor)) < 50_000


# --- edits, deletions, what is shown ---


def test_an_edit_is_a_post_with_a_new_id_and_stays_the_same_comment(
    watching: Watching, fake: Fake, world: World
) -> None:
    post = world.post("Open on Sunday the 8th.")
    reply = world.comment(post)
    reader = watching()
    reader.poll()
    world.advance()
    world.edit(post, "Open on Saturday the 7th.")
    assert last_id(world[post]) != first_id(world[post])
    reader.poll()
    after = world.comment(post, "Thank you")
    world.advance()
    reader.poll()
    assert reader.of(post).text == "Open on Saturday the 7th."
    assert reader.of(post).edited_at == world[post].edited_at
    assert reader.of(post).created_at == world[post].created_at
    assert reader.of(after).subject_native_id == reader.of(reply).subject_native_id == fake.native_id(post)
    assert reader.of(after).parent_native_id is None
    assert len(reader.held) == 3


def test_a_recheck_that_is_shown_an_old_version_asks_for_the_last(watching: Watching, fake: Fake, world: World) -> None:
    post = world.post("Open on Sunday.")
    reader = watching()
    reader.poll()
    world.advance()
    world.edit(post, "Open on Monday.")
    old = {"id": first_id(world[post]), "text": "Open on Sunday.", "author_id": fake.author_id(BRAND)}
    versions = [first_id(world[post]), last_id(world[post])]
    fake.next_answers = [Reply({"data": [old | {"edit_history_tweet_ids": versions}]})]
    reader.recheck()
    assert reader.of(post).text == "Open on Monday."


def test_only_what_x_itself_cannot_find_is_gone_and_what_we_may_not_see_is_not(
    watching: Watching, fake: Fake, world: World
) -> None:
    deleted, protected, there = (world.post(f"@brand {word}", by="kim") for word in ("one", "two", "three"))
    reader = watching()
    reader.poll()
    world.delete(deleted)
    fake.unseen.add(protected)
    reader.recheck()
    assert reader.gone == {fake.native_id(deleted)}
    assert fake.native_id(there) in reader.present


def test_where_we_may_see_none_of_them_any_more_nothing_is_gone_and_the_account_not_held(
    watching: Watching, fake: Fake, world: World
) -> None:
    keys = [world.post(f"@brand {number}", by="kim") for number in range(3)]
    reader = watching()
    reader.poll()
    fake.unseen |= set(keys)
    reader.recheck()
    assert not reader.gone


def test_one_unreadable_post_on_a_page_does_not_spoil_the_others(watching: Watching, fake: Fake, world: World) -> None:
    reader = watching(own_account=fake.author_id(BRAND))
    post_id = str(id_at(world.now))
    good = {"id": post_id, "text": "@brand hello", "conversation_id": post_id}
    junk = [None, 7, {}, {"id": "x"}, {"id": post_id[:-1] + "9", "text": ["?"], "edit_history_tweet_ids": "no"}]
    fake.next_answers = [Reply({"data": [*junk, good], "includes": {"users": [None]}, "meta": {"newest_id": []}})]
    page = reader.fetch()
    read = []
    for raw in page.raws:
        try:
            read.append(reader.build().normalise(raw))
        except ValueError:
            continue
    assert [comment.text for comment in read if comment] == ["@brand hello"]
    assert len(page.raws) == len(junk) + 1


def test_a_post_that_vanished_from_a_list_is_not_taken_for_deleted(
    watching: Watching, fake: Fake, world: World
) -> None:
    key = world.post("@brand one", by="kim")
    reader = watching()
    reader.poll()
    world.delete(key)
    world.advance()
    reader.poll()
    assert not reader.gone


def test_old_posts_are_not_looked_at_again_because_each_look_is_billed(
    watching: Watching, fake: Fake, world: World
) -> None:
    world.now = datetime.now(UTC) - timedelta(days=9)
    old = world.post("@brand long ago", by="kim")
    world.now = datetime.now(UTC) - timedelta(days=1)
    young = world.post("@brand yesterday", by="kim")
    reader = watching(recheck_for=timedelta(days=7))
    fake.requests.clear()
    known = [Known(fake.native_id(key), None, None) for key in (old, young)]
    reader.build().recheck(known)
    assert [request.get("ids") for request in fake.requests if request.path == "/2/tweets"] == [fake.native_id(young)]
    fake.requests.clear()
    found = reader.build().recheck(known[:1])
    assert (found.raws, found.spent, fake.requests) == ([], 0, [])


def test_a_long_post_is_read_whole(watching: Watching, fake: Fake, world: World) -> None:
    key = world.post("@brand " + "I waited and waited. " * 30 + "Never again.", by="kim")
    fake.long.add(key)
    reader = watching()
    reader.poll()
    assert reader.of(key).text.endswith("Never again.")


def test_shortened_links_are_written_out_and_characters_unescaped(watching: Watching, fake: Fake, world: World) -> None:
    fake.links["https://t.co/abc"] = "https://bakery.example/menu?day=1&page=2"
    key = world.post("R&D <3 https://t.co/abc", by="kim")
    reader = watching()
    reader.poll()
    assert reader.of(key).text == "@brand R&D <3 https://bakery.example/menu?day=1&page=2"


def test_what_a_protected_account_writes_is_private(watching: Watching, fake: Fake, world: World) -> None:
    fake.protected.add("kim")
    hidden, open_ = world.post("@brand psst", by="kim"), world.post("@brand hello", by="lee")
    reader = watching()
    reader.poll()
    assert reader.of(hidden).is_private
    assert not reader.of(open_).is_private


def test_a_repost_is_no_comment_and_a_quote_is_one(http: HttpClient) -> None:
    connector = X(XSettings(own_account="990001"), http)
    assert connector.normalise(_mention(1, referenced_tweets=[{"type": "retweeted", "id": "5"}])) is None
    quote = connector.normalise(_mention(1, referenced_posts=[{"type": "quoted", "id": "5"}]))
    assert quote is not None
    assert (quote.kind, quote.parent_native_id) == ("mention", None)


def test_an_answer_without_any_optional_field_is_read_from_its_id_and_text(http: HttpClient) -> None:
    """X leaves out each field that nobody asked for or that it does not know."""
    post_id = str(id_at(datetime(2026, 3, 2, 10, 0, tzinfo=UTC)))
    comment = X(XSettings(own_account="990001"), http).normalise({"post": {"id": post_id, "text": "Hello"}})
    assert comment is not None
    assert comment.created_at == datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    assert (comment.author.native_id, comment.n_replies, comment.parent_native_id) == ("", None, None)


# --- errors and money ---


def test_429_waits_for_the_window_that_the_headers_name_and_at_least_a_minute(watching: Watching, fake: Fake) -> None:
    for seconds, least in ((3, 55), (600, 590)):
        fake.fail(Fault.RATE_LIMITED, retry_after=seconds)
        with pytest.raises(RateLimited) as caught:
            watching().fetch()
        assert caught.value.retry_at is not None
        waits = caught.value.retry_at - datetime.now(UTC)
        assert timedelta(seconds=least) < waits <= timedelta(seconds=max(seconds, 60))


def test_429_in_the_older_shape_of_errors_is_the_same(watching: Watching, fake: Fake) -> None:
    reset = {"x-rate-limit-reset": str(int(datetime.now(UTC).timestamp()) + 300)}
    fake.next_answers = [Reply({"errors": [{"code": 88, "message": "Rate limit exceeded"}]}, 429, reset)]
    with pytest.raises(RateLimited) as caught:
        watching().fetch()
    assert caught.value.retry_at is not None
    assert caught.value.retry_at > datetime.now(UTC) + timedelta(seconds=280)


def test_a_cap_that_is_reached_waits_for_the_next_day_whatever_the_window_says(watching: Watching, fake: Fake) -> None:
    problem = {"title": "UsageCapExceeded", "type": f"{PROBLEMS}usage-capped", "period": "Monthly", "scope": "Product"}
    reset = {"x-rate-limit-reset": str(int(datetime.now(UTC).timestamp()) + 60)}
    fake.next_answers = [Reply(problem, 429, reset)]
    with pytest.raises(RateLimited, match="usage-capped") as caught:
        watching().fetch()
    assert caught.value.retry_at is not None
    assert caught.value.retry_at.date() == (datetime.now(UTC) + timedelta(days=1)).date()


def test_an_expired_token_holds_the_account(watching: Watching, fake: Fake) -> None:
    reader = watching(token="an-old-one-that-expired")
    with pytest.raises(Unauthorized) as caught:
        reader.fetch()
    assert "an-old-one" not in str(caught.value)


def test_a_token_that_was_renewed_meanwhile_is_used_at_once(
    fake: Fake, world: World, http: HttpClient, watching: Watching
) -> None:
    class Renewing:
        tokens: ClassVar[list[str]] = ["one-that-just-ended", TOKEN]

        def token(self) -> str:
            return self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]

    mention = world.post("@brand hello", by="kim")
    settings = XSettings.model_validate(fake.source_settings())
    page = X(settings, http, Renewing()).fetch_page(None, world.now)
    assert [raw["post"]["id"] for raw in page.raws] == [first_id(world[mention])]


def test_a_missing_permission_holds_the_account_and_says_which(watching: Watching, fake: Fake) -> None:
    fake.next_answers = [Reply({"title": "Forbidden", "type": f"{PROBLEMS}client-forbidden", "status": 403}, 403)]
    with pytest.raises(Unauthorized, match="client-forbidden"):
        watching().fetch()


def test_used_up_credits_hold_the_account_and_say_what_to_do(watching: Watching, fake: Fake) -> None:
    fake.next_answers = [Reply({"title": "CreditsDepleted", "type": f"{PROBLEMS}credits", "status": 402}, 402)]
    with pytest.raises(Unauthorized, match="credits are used up"):
        watching().fetch()


def test_partial_errors_beside_data_do_not_stop_the_page(watching: Watching, fake: Fake, world: World) -> None:
    """The post above a mention may be deleted or protected: then a 200 holds errors next to the posts."""
    key = world.post("@brand hello", by="kim")
    reader = watching()
    error = {"resource_id": "5", "parameter": "referenced_tweets.id", "type": f"{PROBLEMS}resource-not-found"}
    number = first_id(world[key])
    post = {"id": number, "text": "@brand hello", "author_id": "7", "conversation_id": number}
    meta = {"result_count": 1, "newest_id": number, "oldest_id": number}
    fake.next_answers = [
        Reply({"data": {"id": fake.author_id(BRAND), "name": "Brand", "username": BRAND}}),
        Reply({"data": [post], "errors": [error], "meta": meta}),
    ]
    page = reader.fetch()
    assert len(page.raws) == 1
    assert not page.gone


@pytest.mark.parametrize(
    ("kind", "becomes"),
    [("not-authorized-for-resource", Unauthorized), ("internal-error", Unavailable), ("", Unavailable)],
)
def test_a_200_with_nothing_but_errors_is_no_empty_list(
    watching: Watching, fake: Fake, kind: str, becomes: type[Exception]
) -> None:
    reader = watching()
    reader.poll()
    fake.next_answers = [Reply({"errors": [{"title": "Error", "type": f"{PROBLEMS}{kind}"}]})]
    with pytest.raises(becomes):
        reader.poll()


def test_an_account_that_does_not_exist_is_said_to_be_missing(watching: Watching, fake: Fake) -> None:
    problem = {"type": f"{PROBLEMS}resource-not-found", "parameter": "username", "value": BRAND}
    fake.next_answers = [Reply({"errors": [problem]})]
    with pytest.raises(Malformed, match="is `account` right"):
        watching().fetch()


def test_a_used_up_window_says_when_to_poll_again(watching: Watching, fake: Fake, world: World) -> None:
    reader = watching()
    assert reader.fetch().poll_after is None
    fake.requests_left = 0
    assert reader.fetch().poll_after == world.now + timedelta(minutes=15)


def test_a_page_counts_in_cents_what_x_bills_and_a_quiet_one_nothing(
    watching: Watching, fake: Fake, world: World
) -> None:
    world.post("@brand one", by="kim")
    world.post("@brand two", by="kim")
    world.post("@brand three", by="lee")
    reader = watching(own_account=fake.author_id(BRAND))
    page = reader.fetch()
    assert page.spent == 3 * 0.5 + 2 * 1.0, "three posts and two accounts"
    reader.keep(page)
    world.advance(timedelta(hours=2))
    reader.poll()
    world.advance()
    assert reader.fetch().spent == 0


def test_own_lists_of_whoever_owns_the_app_cost_a_fifth(watching: Watching, fake: Fake, world: World) -> None:
    world.post("@brand one", by="kim")
    reader = watching(own_account=fake.author_id(BRAND), owned_reads=True)
    assert reader.fetch().spent == 0.1 + 1.0


def test_a_look_at_known_posts_counts_what_it_costs(watching: Watching, fake: Fake, world: World) -> None:
    key = world.post("@brand one", by="kim")
    reader = watching(own_account=fake.author_id(BRAND))
    found = reader.build().recheck([Known(fake.native_id(key), None, None)])
    assert found.spent == 0.5 + 1.0


def test_a_numeric_account_is_never_asked_for(watching: Watching, fake: Fake, world: World) -> None:
    reader = watching(own_account=fake.author_id(BRAND))
    reader.catch_up()
    assert not [request for request in fake.requests if "username" in request.path or "me" in request.path.split("/")]


def test_without_an_account_it_is_the_one_whose_token_it_is(watching: Watching, fake: Fake, world: World) -> None:
    post = world.post()
    reader = watching(own_account="")
    reader.poll()
    assert reader.is_ours(post)


@pytest.mark.slow
def test_200_posts_with_20_000_comments_are_brought_in_while_new_ones_arrive(
    watching: Watching, fake: Fake, world: World
) -> None:
    """With the archive; without it X itself shows no more than 800 mentions and 7 days of conversations."""
    posts = []
    for number in range(200):
        posts.append(world.post(f"News number {number}"))
        for by in range(100):
            world.comment(posts[-1], by=f"kim{by % 40}")
        world.advance(timedelta(hours=2))
    fake.page_size = 100
    reader = watching(archive=True, own_account=fake.author_id(BRAND))
    n_pages, spent, more = 0, 0.0, True
    while more:
        page = reader.fetch()
        reader.keep(page)
        n_pages, spent, more = n_pages + 1, spent + page.spent, page.more
        if n_pages % 20 == 0:
            world.advance(timedelta(seconds=30))
            world.comment(posts[n_pages % 200], by="late")
    world.advance()
    reader.poll()
    assert reader.present == fake.expected()
    print(f"{n_pages} pages, {fake.n_requests} requests, {spent / 100:.2f} dollars")  # noqa: T201
    assert fake.n_requests <= 1_000
    assert 100 * 100 <= spent <= 1_500_000, "half a cent for each post, and within what X sells a month"


@pytest.mark.parametrize(
    "settings",
    [{"watch": "search"}, {"watch": "search", "query": "a" * 513}, {"own_account": "no/name"}, {"base_url": "x"}],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        XSettings.model_validate(settings)
