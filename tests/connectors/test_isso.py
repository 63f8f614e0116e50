"""Isso: what the contract cannot know of: what a poll costs, who is ours, pages and shells."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.isso import Isso, IssoSettings
from monitor.errors import Gone, Malformed
from monitor.http import HttpClient
from tests.contract.reader import Reader
from tests.platforms.base import World
from tests.platforms.isso import Fake
from tests.platforms.server import Reply, Request

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "isso").glob("*.json"))
BASE = {"base_url": "https://comments.example", "site_url": "https://shop.example"}


@pytest.fixture
def server(world: World, tmp_path: Path) -> Iterator[Fake]:
    with Fake(world, tmp_path) as running:
        yield running


def _reader(server: Fake, http: HttpClient, **settings: Any) -> Reader:
    reader = Reader(Isso, server, http)
    wanted = {"base_url": server.url, "site_url": "https://shop.example"} | (settings or {"latest": True})
    reader.settings = IssoSettings.model_validate(wanted)
    return reader


def _raw(**fields: Any) -> dict[str, Any]:
    return {"id": 7, "parent": None, "uri": "/menu/", "text": "<p>Hello</p>", "created": 1.5, "mode": 1} | fields


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_payload_of_a_real_server_reads_as_it_should(path: Path, http: HttpClient) -> None:
    golden = json.loads(path.read_text())
    settings = IssoSettings.model_validate(BASE | {"latest": True, "own_authors": [{"hash": "e40aba284e4a"}]})
    comment = Isso(settings, http).normalise(golden["raw"])
    assert (None if comment is None else _told(asdict(comment), golden["comment"])) == golden["comment"]


def _told(value: Any, like: Any) -> Any:
    """What the golden speaks of; the fields that it leaves out must be empty."""
    if isinstance(value, dict):
        assert not [name for name in value if name not in like and value[name]]
        return {name: _told(value[name], like[name]) for name in like}
    return value.isoformat() if hasattr(value, "isoformat") else value


def test_there_are_goldens() -> None:
    assert len(GOLDEN) >= 3


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "name the pages"),
        ({"latest": True, "base_url": "comments.example"}, "must be an address"),
        ({"latest": True, "own_authors": [{"name": "The Shop"}]}, "hash"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        IssoSettings.model_validate(BASE | settings)


@pytest.mark.parametrize(("n_pages", "costs"), [(1, 1), (8, 2)])
def test_a_quiet_poll_of_named_pages_costs_little(
    server: Fake, http: HttpClient, world: World, n_pages: int, costs: int
) -> None:
    reader = _reader(server, http, pages=[f"/page-{number}/" for number in range(1, n_pages + 1)])
    for _ in range(n_pages):
        world.comment(world.post())
    reader.poll()
    before = server.n_requests
    assert reader.poll() == 1
    assert server.n_requests - before == costs


def test_a_page_that_nobody_wrote_on_lately_is_read_again_once_an_hour(
    server: Fake, http: HttpClient, world: World
) -> None:
    reader = _reader(server, http, pages=["/page-1/", "/page-2/"])
    keys = [world.comment(world.post()) for _ in range(2)]
    reader.poll()
    world.advance(timedelta(hours=2))
    reader.poll()
    reader.poll()
    before = server.n_requests
    reader.poll()
    assert server.n_requests - before == 1
    world.edit(keys[0], "The owner of the site corrected this")
    world.advance(timedelta(hours=2))
    reader.poll()
    reader.poll()
    assert reader.of(keys[0]).text == "The owner of the site corrected this"


def test_a_name_is_not_enough_to_be_us(http: HttpClient) -> None:
    own = [{"hash": "aaaaaaaaaaaa", "name": "The Shop"}, {"hash": "bbbbbbbbbbbb"}]
    reader = Isso(IssoSettings.model_validate(BASE | {"latest": True, "own_authors": own}), http)
    signed = [
        ("aaaaaaaaaaaa", "the shop", True),
        ("aaaaaaaaaaaa", "Kim", False),
        ("bbbbbbbbbbbb", "Kim", True),
        ("cccccccccccc", "The Shop", False),
        ("", "The Shop", False),
    ]
    for hashed, name, is_ours in signed:
        comment = reader.normalise(_raw(hash=hashed, author=name))
        assert comment is not None
        assert comment.is_ours is is_ours


def test_without_own_authors_the_team_decides(http: HttpClient) -> None:
    comment = Isso(IssoSettings.model_validate(BASE | {"latest": True}), http).normalise(_raw(author="The Shop"))
    assert comment is not None
    assert comment.is_ours is None


@pytest.mark.parametrize(
    "uri", ["//evil.example/x", "javascript:alert(1)", "/a b/<script>", "https://evil.example/", "x"]
)
def test_a_page_named_by_a_stranger_stays_on_the_site(http: HttpClient, uri: str) -> None:
    comment = Isso(IssoSettings.model_validate(BASE | {"latest": True}), http).normalise(_raw(uri=uri))
    assert comment is not None
    assert comment.permalink.startswith("https://shop.example/")
    assert not set(comment.permalink) & set(' <>"')


def test_a_list_of_latest_comments_that_holds_only_replies_is_asked_for_more(
    server: Fake, http: HttpClient, world: World
) -> None:
    reader = _reader(server, http)
    reader.cursor = {"since": 0.0, "pages": {}, "n_latest": 4}
    first = world.comment(world.post())
    for _ in range(6):
        world.reply(first, by="lee")
    reader.poll()
    alone = world.comment(world.post(), "The only one on its page")
    reader.poll()
    reader.poll()
    assert server.native_id(alone) in reader.present
    assert reader.cursor["n_latest"] == 16


def test_what_is_approved_late_is_found_by_the_number_of_comments(server: Fake, http: HttpClient, world: World) -> None:
    reader = _reader(server, http, pages=["/page-1/", "/page-2/"])
    held = world.comment(world.post(), "Held")
    server.held.add(held)
    world.advance(timedelta(days=1))
    world.comment(world[held].post or "")
    world.comment(world.post())
    world.advance(timedelta(hours=3))
    for _ in range(4):  # until no page is due to be read for its own sake
        reader.poll()
    assert server.native_id(held) not in reader.present
    server.held.clear()
    reader.poll()
    assert reader.present == server.expected()


def test_a_late_edit_is_seen_at_once_in_the_list_of_latest_comments(
    server: Fake, http: HttpClient, world: World
) -> None:
    reader = _reader(server, http)
    keys = [world.comment(world.post()) for _ in range(5)]
    reader.poll()
    world.advance(timedelta(hours=3))
    for _ in range(7):
        reader.poll()
    world.edit(keys[2], "What I meant is this")
    reader.poll()
    assert reader.of(keys[2]).text == "What I meant is this"


def test_what_is_missing_from_its_page_but_exists_is_not_gone(server: Fake, http: HttpClient, world: World) -> None:
    reader = _reader(server, http)
    keys = [world.comment(world.post()) for _ in range(3)]
    reader.catch_up()
    server.held.add(keys[1])
    reader.catch_up()
    assert reader.gone == set()
    world.delete(keys[1])
    reader.catch_up()
    assert reader.gone == {server.native_id(keys[1])}


def test_threads_older_than_the_backfill_are_left_until_somebody_answers(
    server: Fake, http: HttpClient, world: World
) -> None:
    reader = _reader(server, http, latest=True, backfill=timedelta(days=2))
    old = world.comment(world.post(), "Long ago")
    world.advance(timedelta(days=10))
    reader.catch_up()
    assert reader.held == {}
    world.reply(old, "I have the same question", by="lee")
    reader.catch_up()
    assert reader.present == server.expected()


def test_a_server_without_the_list_of_latest_comments_says_what_to_set(server: Fake, http: HttpClient) -> None:
    server.latest_enabled = False
    with pytest.raises(Gone, match="latest-enabled = true"):
        _reader(server, http).poll()


@pytest.mark.parametrize("told", [{"code": "nonsense"}, [1], "words"])
def test_counts_that_count_something_else_are_malformed(
    server: Fake, http: HttpClient, world: World, told: Any
) -> None:
    class Odd(Fake):
        def answer(self, request: Request) -> Reply:
            return Reply(told) if request.path == "/count" else super().answer(request)

    with Odd(world, server.folder) as odd, pytest.raises(Malformed):
        _reader(odd, http, pages=["/page-1/", "/page-2/"]).poll()


@pytest.mark.parametrize("told", [[], {}, {"replies": {}}, {"replies": [7]}, {"replies": [{"id": "x"}]}])
def test_a_page_that_is_no_page_is_malformed(server: Fake, http: HttpClient, world: World, told: Any) -> None:
    class Odd(Fake):
        def answer(self, request: Request) -> Reply:
            return Reply(told) if request.path == "/" else super().answer(request)

    with Odd(world, server.folder) as odd, pytest.raises(Malformed):
        _reader(odd, http, pages=["/page-1/"]).poll()


def test_a_cursor_of_another_make_is_replaced(server: Fake, http: HttpClient, world: World) -> None:
    reader = _reader(server, http)
    world.comment(world.post())
    for strange in ("words", 7, {"since": 0.0, "pages": {"/": {"ids": [], "colour": 1}}, "n_latest": 5}):
        reader.cursor = strange
        reader.poll()
        assert reader.present == server.expected()
