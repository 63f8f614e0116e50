"""What every connector must read, whatever the platform's pages look like and wherever it is interrupted."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.http import HttpClient
from tests.contract.conftest import Case
from tests.contract.reader import Reader
from tests.platforms.base import FakePlatform, World

SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]


def _busy(world: World, n_comments: int = 13) -> list[str]:
    """Two posts of ours with comments, some of which answer others; returns the keys of the comments."""
    posts = [world.post(), world.post("The meeting is on Thursday.")]
    keys: list[str] = []
    for number in range(n_comments):
        world.advance(timedelta(minutes=1))
        if number % 4 == 3:
            keys.append(world.reply(keys[-1], f"Answer {number}", by=f"lee{number % 3}"))
        else:
            keys.append(world.comment(posts[number % 2], f"Comment {number}", by=f"kim{number % 5}"))
    return keys


def test_an_empty_source_gives_nothing_and_no_error(reader: Reader) -> None:
    reader.poll()
    reader.poll()
    assert reader.present == set()


@pytest.mark.parametrize("page_size", [1, 2, 3, 20])
def test_every_comment_is_read_whatever_the_page_size(
    reader: Reader, fake: FakePlatform, world: World, page_size: int
) -> None:
    fake.page_size = page_size
    _busy(world)
    reader.poll()
    assert reader.present == fake.expected()


def test_what_comes_after_the_first_read_is_read_too(reader: Reader, fake: FakePlatform, world: World) -> None:
    fake.page_size = 3
    _busy(world)
    reader.poll()
    world.advance()
    _busy(world)
    reader.poll()
    assert reader.present == fake.expected()


def test_comments_that_arrive_between_two_pages_shift_nothing_out_of_sight(
    reader: Reader, fake: FakePlatform, world: World
) -> None:
    fake.page_size = 3
    keys = _busy(world)
    for number in range(8):
        reader.keep(reader.fetch())
        world.advance(timedelta(minutes=1))
        post = world[keys[0]].post
        assert post is not None
        world.comment(post, f"In between {number}")
    reader.poll()
    assert reader.present == fake.expected()


@settings(max_examples=8, deadline=None, suppress_health_check=SLOW_IS_FINE)
@given(st.lists(st.sampled_from(["fetch", "crash", "comment", "reply"]), min_size=6, max_size=16), st.integers(1, 4))
def test_a_crash_between_any_two_steps_loses_nothing(
    case: Case, http: HttpClient, tmp_path_factory: pytest.TempPathFactory, steps: list[str], page_size: int
) -> None:
    world = World()
    fake = case.fake(world, tmp_path_factory.mktemp("fake"))
    fake.variant, fake.page_size = case.variant, page_size
    with fake:
        reader = Reader(case.connector, fake, http)
        keys = _busy(world, 5)
        for step in steps:
            world.advance(timedelta(minutes=1))
            match step:
                case "fetch":
                    reader.keep(reader.fetch())
                case "crash":
                    reader.fetch()  # and neither its comments nor its cursor were committed
                case "comment":
                    keys.append(world.comment(world.posts[0].key))
                case "reply":
                    keys.append(world.reply(keys[-1], by="lee"))
        reader.catch_up()  # with one post on a page, what hangs under the others is for recheck to find
        assert reader.present == fake.expected()


def test_a_quiet_poll_changes_nothing_and_costs_what_the_abilities_say(
    reader: Reader, fake: FakePlatform, world: World
) -> None:
    _busy(world)
    reader.poll()
    world.advance()
    reader.poll()
    for _ in range(2):
        before, n_requests = dict(reader.held), fake.n_requests
        world.advance()
        assert reader.poll() == 1
        assert reader.held == before
        assert reader.present == fake.expected()
        assert fake.n_requests - n_requests <= reader.connector.abilities.quiet_requests


def test_pages_applied_twice_and_backwards_give_the_same(
    case: Case, reader: Reader, fake: FakePlatform, world: World, http: HttpClient
) -> None:
    fake.page_size = 4
    _busy(world)
    reader.poll()
    other = Reader(case.connector, fake, http)
    more = True
    while more:
        page = other.fetch()
        other.keep(page, lambda raws: raws[::-1] + raws)
        more = page.more
    assert other.held == reader.held


def test_a_comment_that_the_platform_shows_late_is_found(reader: Reader, fake: FakePlatform, world: World) -> None:
    keys = _busy(world)
    reader.poll()
    world.advance()
    post = world[keys[0]].post
    assert post is not None
    world.comment(post, "Held back by a slow server", at=world.now - timedelta(minutes=12))
    world.comment(post, "Written and shown just now")
    reader.catch_up()
    world.advance(timedelta(minutes=45))
    reader.catch_up()
    assert reader.present == fake.expected()


def test_a_late_reply_to_an_old_comment_is_found(reader: Reader, fake: FakePlatform, world: World) -> None:
    if reader.connector.abilities.late_replies != "yes":
        pytest.skip(reader.connector.abilities.late_replies)
    old = world.comment(world.post(), "Asked long ago")
    for _ in range(3):
        world.advance(timedelta(hours=8))
        _busy(world)
        reader.poll()
    world.advance(timedelta(days=6))
    world.reply(old, "Is anybody there?", by="kim")
    reader.catch_up()
    assert reader.present == fake.expected()


def test_positions_that_the_server_forgot_lose_nothing(reader: Reader, fake: FakePlatform, world: World) -> None:
    if fake.cursors_never_expire:
        pytest.skip(fake.cursors_never_expire)
    fake.page_size = 3
    _busy(world)
    reader.keep(reader.fetch())
    fake.expire_cursors()
    world.advance()
    reader.poll()
    world.advance()
    reader.poll()
    assert reader.present == fake.expected()
    world.advance()
    _busy(world, 4)
    fake.expire_cursors()
    for _ in range(3):
        world.advance()
        reader.poll()
    assert reader.present == fake.expected()
