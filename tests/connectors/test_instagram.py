"""What is Instagram's own: replies that move nothing up, whose account a token reaches, tags and mentions, messages."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.base import Known
from connectors.instagram import Instagram, InstagramSettings
from monitor.errors import Gone, Malformed, RateLimited, RemoteError, Unauthorized, Unavailable
from monitor.http import HttpClient
from tests.contract.reader import Reader
from tests.platforms.base import BRAND, World
from tests.platforms.facebook import stamp
from tests.platforms.graph import Refused
from tests.platforms.instagram import ACCOUNT, PAGE_TOKEN, Fake

Watching = Callable[..., Reader]


@pytest.fixture
def fake(world: World, tmp_path: Path) -> Iterator[Fake]:
    with Fake(world, tmp_path) as platform:
        yield platform


@pytest.fixture
def watching(fake: Fake, http: HttpClient) -> Watching:
    def build(watch: str = "media", **settings: Any) -> Reader:
        fake.variants_settings = {"watch": watch, **settings}
        return Reader(Instagram, fake, http)

    return build


# --- comments and replies ---


def test_a_reply_to_a_reply_hangs_below_the_comment_at_the_top(watching: Watching, fake: Fake, world: World) -> None:
    media = world.post("New: rye bread")
    top = world.comment(media)
    first = world.reply(top, by="lee")
    second = world.reply(first, by="kim")
    reader = watching()
    reader.poll()
    assert {reader.of(key).parent_native_id for key in (first, second)} == {fake.native_id(top)}
    assert {reader.of(key).root_native_id for key in (top, first, second)} == {fake.native_id(top)}
    assert reader.of(second).subject_native_id == fake.native_id(media)
    assert reader.of(second).subject_title == "New: rye bread"


def test_a_new_reply_to_an_old_comment_moves_nothing_up_and_is_found_by_the_number_of_comments(
    watching: Watching, fake: Fake, world: World
) -> None:
    media = world.post()
    old = world.comment(media, "Asked long ago")
    for _ in range(70):
        world.advance(timedelta(minutes=30))
        world.comment(media)
    reader = watching()
    reader.poll()
    world.advance(timedelta(days=5))
    late = world.reply(old, "Is anybody there?", by="kim")
    reader.poll()
    assert fake.native_id(late) in reader.present


def test_a_late_reply_below_many_comments_is_found_within_a_minute_for_each_fifty(
    watching: Watching, fake: Fake, world: World
) -> None:
    media = world.post()
    keys = [world.comment(media) for _ in range(260)]
    reader = watching()
    reader.poll()
    world.advance(timedelta(hours=5))
    world.reply(keys[0], by="lee")
    reader.poll()
    world.advance(timedelta(minutes=1))
    late = world.reply(keys[1], by="kim")
    reader.poll()
    assert fake.native_id(late) not in reader.present, "the media was read to its end a minute ago"
    for _ in range(5):
        world.advance(timedelta(minutes=1))
        reader.poll()
    assert fake.native_id(late) in reader.present


def test_replies_beyond_those_that_come_along_are_read(watching: Watching, fake: Fake, world: World) -> None:
    top = world.comment(world.post())
    for _ in range(130):
        world.reply(top, by="lee")
    reader = watching()
    reader.poll()
    assert reader.present == fake.expected()
    assert {c.parent_native_id for c in reader.held.values() if c.author.handle == "lee"} == {fake.native_id(top)}


def test_a_number_of_comments_above_what_is_shown_costs_nothing_at_quiet_polls(
    watching: Watching, fake: Fake, world: World
) -> None:
    fake.lag = 3
    world.comment(world.post())
    reader = watching()
    reader.poll()
    world.advance()
    fake.requests.clear()
    assert reader.poll() == 1
    assert len(fake.requests) <= Instagram.abilities.quiet_requests


def test_a_late_comment_on_old_media_is_found_within_the_stated_delay(
    watching: Watching, fake: Fake, world: World
) -> None:
    posts = []
    for number in range(90):
        posts.append(world.post(f"Media {number}"))
        world.advance(timedelta(hours=8))
    world.advance(timedelta(days=365))
    reader = watching()
    reader.poll()
    late = fake.native_id(world.comment(posts[0], "A year later"))
    n_polls = 0
    while late not in reader.present and n_polls < 50:
        world.advance()
        reader.poll()
        n_polls += 1
    assert n_polls <= -(-90 // 20)


def test_hidden_comments_are_read_and_own_ones_known_by_who_or_by_name(
    watching: Watching, fake: Fake, world: World
) -> None:
    media = world.post()
    hidden, ours, unknown = world.comment(media), world.comment(media, by=BRAND), world.comment(media, by="lee")
    fake.hidden.add(hidden)
    fake.nameless |= {ours, unknown}
    reader = watching()
    reader.poll()
    assert reader.of(hidden).is_hidden
    assert reader.is_ours(ours), "only our own comments bear `user`"
    assert not reader.is_ours(unknown)
    assert reader.of(unknown).author.key != reader.of(ours).author.key


def test_media_that_show_no_comments_any_more_delete_nothing(watching: Watching, fake: Fake, world: World) -> None:
    media = world.post()
    for _ in range(3):
        world.comment(media)
    reader = watching()
    reader.poll()
    before = reader.present
    fake.shows_no_comments = True
    reader.poll()
    reader.recheck()
    assert not reader.gone
    assert reader.present == before


def test_deleted_media_go_with_their_comments_where_other_media_are_still_shown(
    watching: Watching, fake: Fake, world: World
) -> None:
    doomed = world.post()
    below = world.comment(doomed)
    reader = watching()
    reader.poll()
    world.delete(doomed)
    fake.refuse[f"{ACCOUNT}/media"] = Refused(100, 33)
    with pytest.raises(Gone):
        reader.recheck()
    del fake.refuse[f"{ACCOUNT}/media"]
    reader.recheck()
    assert not reader.gone, "nothing at all is shown: it may be the token"
    world.post("Still there")
    reader.recheck()
    assert reader.gone == {fake.native_id(doomed), fake.native_id(below)}


@pytest.mark.slow
def test_200_media_with_20000_comments_are_read_whole_within_the_budget_while_new_ones_arrive(
    watching: Watching, fake: Fake, world: World
) -> None:
    posts = []
    for number in range(200):
        posts.append(world.post(f"Media {number}"))
        world.advance(timedelta(hours=3))
    keys = [
        world.comment(posts[n % 200], f"Comment {n}", by=f"kim{n % 900}", at=world.now - timedelta(minutes=n))
        for n in range(15_000)
    ]
    fake.page_size = 100
    for number in range(5_000):
        world.reply(keys[number], f"Reply {number}", by="lee")
    reader = watching()
    while True:
        page = reader.fetch()
        reader.keep(page)
        if not page.more:
            break
        world.advance(timedelta(seconds=20))
        if fake.n_requests % 20 == 0:
            world.reply(keys[fake.n_requests], "Meanwhile", by="kim")
    assert Instagram.abilities.budget is not None
    assert fake.n_requests < 800 < Instagram.abilities.budget.n
    for _ in range(12):  # what arrived meanwhile below older media is found by the sweep
        world.advance()
        reader.poll()
    assert reader.present == fake.expected()
    assert len(json.dumps(reader.cursor)) < 20_000


# --- tags, mentions, messages ---


def test_media_that_tag_us_are_mentions_also_where_the_link_to_the_next_page_is_missing(
    watching: Watching, fake: Fake, world: World
) -> None:
    fake.omits_next, fake.page_size = True, 3
    keys = [world.post(f"With @brand {n}", by=f"kim{n}") for n in range(8)]
    fake.tagged |= set(keys)
    reader = watching("tags")
    reader.poll()
    assert reader.present == {fake.native_id(key) for key in keys}
    assert {comment.kind for comment in reader.held.values()} == {"mention"}
    assert not any(reader.is_ours(key) for key in keys)
    world.advance()
    late = world.post("And me @brand", by="lee")
    fake.tagged.add(late)
    reader.poll()
    assert fake.native_id(late) in reader.present


def test_mentions_come_by_webhook_and_are_read_by_their_id(watching: Watching, fake: Fake, world: World) -> None:
    media = world.post("What a day", by="ann")
    comment = world.comment(media, "@brand any news?", by="kim")
    reader = watching("tags")
    named = [
        Known(fake.native_id(comment), fake.native_id(media), fake.native_id(media)),
        Known(fake.native_id(media), None, fake.native_id(media)),
    ]
    found = reader.build().recheck(named)
    stored = [reader.build().normalise(raw) for raw in found.raws]
    assert [(one.native_id, one.kind, one.text) for one in stored if one] == [
        (fake.native_id(comment), "mention", "@brand any news?"),
        (fake.native_id(media), "mention", "What a day"),
    ]
    kept = [Known(one.native_id, one.subject_native_id, one.root_native_id) for one in stored if one]
    assert reader.build().recheck(kept).raws == found.raws, "what was stored of them is enough to find them again"
    world.delete(comment)
    found = reader.build().recheck(named[:1])
    assert (list(found.raws), list(found.gone)) == ([], []), "comments may merely have been switched off"


def test_messages_are_private_and_ours_are_known(watching: Watching, fake: Fake, world: World) -> None:
    first = world.post("Do you ship?", by="kim")
    fake.inbox.add(first)
    ours = world.comment(first, "We do.", by=BRAND)
    reader = watching("messages")
    reader.poll()
    found = {comment.text: comment for comment in reader.held.values()}
    assert {comment.kind for comment in found.values()} == {"message"}
    assert all(comment.is_private for comment in found.values())
    assert found["We do."].is_ours
    assert found["Do you ship?"].is_ours is None
    assert found["We do."].root_native_id == found["Do you ship?"].root_native_id
    world.delete(ours)
    reader.recheck()
    assert not reader.gone


# --- whose account ---


def test_the_account_is_the_one_of_its_own_number_and_not_of_the_apps(
    watching: Watching, fake: Fake, world: World
) -> None:
    world.comment(world.post())
    reader = watching()
    reader.poll()
    assert reader.own_author_ids == {ACCOUNT}
    assert reader.present == fake.expected()


@pytest.mark.parametrize("login", ["page", "person"])
def test_by_facebook_login_the_account_linked_to_the_page_is_read(
    watching: Watching, fake: Fake, world: World, login: str
) -> None:
    fake.login = login
    world.comment(world.post())
    reader = watching()
    reader.poll()
    assert reader.present == fake.expected()


def test_with_a_persons_token_the_inbox_is_read_with_that_of_the_page(
    watching: Watching, fake: Fake, world: World
) -> None:
    fake.login = "person"
    fake.inbox.add(world.post("Do you ship?", by="kim"))
    reader = watching("messages")
    reader.poll()
    assert len(reader.held) == 1
    asked = next(request for request in fake.requests if request.path.endswith("/conversations"))
    assert asked.headers["authorization"] == f"Bearer {PAGE_TOKEN}"
    assert PAGE_TOKEN not in json.dumps(reader.cursor)


def test_a_token_that_reaches_several_accounts_needs_to_be_told_which(
    watching: Watching, fake: Fake, world: World
) -> None:
    fake.login, fake.n_accounts = "person", 2
    with pytest.raises(Unauthorized, match="brand, brand1"):
        watching().poll()
    world.comment(world.post())
    reader = watching(account_id=ACCOUNT)
    reader.poll()
    assert reader.present == fake.expected()


# --- errors ---


@pytest.mark.parametrize("code", [4, 17, 613, 80002])
def test_each_throttling_code_stops_the_account_at_once(
    watching: Watching, fake: Fake, world: World, code: int
) -> None:
    world.comment(world.post())
    reader = watching()
    reader.poll()
    fake.refuse[f"{ACCOUNT}/media"] = Refused(code, 0, "(#80002) There have been too many calls", 403)
    entry = {"type": "instagram", "call_count": 100, "estimated_time_to_regain_access": 20}
    fake.usage = {"X-Business-Use-Case-Usage": json.dumps({ACCOUNT: [entry]})}
    fake.requests.clear()
    with pytest.raises(RateLimited) as caught:
        reader.poll()
    assert len(fake.requests) == 1
    assert caught.value.retry_at is not None
    assert timedelta(minutes=19) < caught.value.retry_at - datetime.now(UTC) <= timedelta(minutes=20)


def test_an_expired_token_holds_the_account_and_says_why(watching: Watching, fake: Fake) -> None:
    fake.refuse["me"] = Refused(190, 463, "Error validating access token: Session has expired")
    with pytest.raises(Unauthorized, match="it has expired"):
        watching().poll()


def test_a_missing_permission_holds_the_account_and_is_named(watching: Watching, fake: Fake) -> None:
    says = "(#10) Application does not have 'instagram_manage_comments' permission for this action"
    fake.refuse[f"{ACCOUNT}/media"] = Refused(10, 0, says)
    with pytest.raises(Unauthorized, match="instagram_manage_comments"):
        watching().poll()


@pytest.mark.parametrize(("code", "subcode"), [(100, 33), (24, 2207006)])
def test_a_gone_comment_is_gone_and_its_neighbours_stay(
    watching: Watching, fake: Fake, world: World, code: int, subcode: int
) -> None:
    media = world.post()
    doomed = world.comment(media)
    for number in range(60):  # so that it does not come along with the media
        world.advance(timedelta(minutes=1))
        world.comment(media, by=f"kim{number}")
    reader = watching()
    reader.poll()
    fake.refuse[fake.native_id(doomed)] = Refused(code, subcode)
    reader.recheck()
    assert reader.gone == {fake.native_id(doomed)}


def test_where_it_is_too_much_data_less_is_asked_for_at_once(watching: Watching, fake: Fake, world: World) -> None:
    for number in range(6):
        media = world.post(f"Media {number}")
        for _ in range(30):
            world.comment(media)
    fake.heaviest = 7
    reader = watching()
    reader.poll()
    assert reader.present == fake.expected()


@pytest.mark.parametrize(
    ("refused", "becomes"),
    [
        (Refused(2, 0, "Service temporarily unavailable", 500), Unavailable),
        (Refused(100, 0, "(#100) Tried accessing nonexisting field"), Malformed),
        (Refused(368, 0, "blocked"), Unauthorized),
    ],
)
def test_each_code_is_the_error_that_says_what_to_do(
    watching: Watching, fake: Fake, refused: Refused, becomes: type[RemoteError]
) -> None:
    fake.refuse[f"{ACCOUNT}/media"] = refused
    with pytest.raises(RemoteError) as caught:
        watching().poll()
    assert type(caught.value) is becomes


@pytest.mark.parametrize("given", [{"account_id": "brand"}, {"api_url": "graph.instagram.com"}])
def test_settings_that_cannot_work_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        InstagramSettings.model_validate(given)


GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "instagram"


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_a_payload_of_each_kind_is_read_as_its_golden_says(http: HttpClient, path: Path) -> None:
    golden = json.loads(path.read_text())
    comment = Instagram(InstagramSettings(), http).normalise(golden["raw"])
    assert comment is not None
    got = {name: _plain(getattr(comment, name)) for name in golden["comment"] if name != "author"}
    got["author"] = [comment.author.native_id, comment.author.name, comment.author.url]
    assert got == golden["comment"]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return stamp(value)
    return list(value) if isinstance(value, tuple) else value
