"""WordPress: what the contract cannot know of: moderation, permalinks, firewalls, and pages that shift."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.wordpress import WordPress, WordPressSettings
from monitor.errors import Gone, Malformed, Unauthorized, Unavailable
from monitor.http import HttpClient
from tests.contract.reader import Reader
from tests.platforms.base import World
from tests.platforms.server import Reply, Request
from tests.platforms.wordpress import PASSWORD, USER, Fake

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "wordpress").glob("*.json"))


class Site(Fake):
    """A site with something else before it: `barred` answers the paths that end so."""

    def __init__(self, world: World, folder: Path) -> None:
        super().__init__(world, folder)
        self.barred: dict[str, Reply] = {}

    def answer(self, request: Request) -> Reply:
        for end, reply in self.barred.items():
            if request.path.endswith(end):
                return reply
        return super().answer(request)

    def seen_passwords(self) -> list[str]:
        """The paths to which the password was sent."""
        return [one.path for one in self.requests if "authorization" in {name.casefold() for name in one.headers}]


@pytest.fixture
def site(world: World, tmp_path: Path) -> Iterator[Site]:
    with Site(world, tmp_path) as running:
        yield running


@pytest.fixture
def reader(site: Site, http: HttpClient) -> Reader:
    return Reader(WordPress, site, http)


def _as_guest(site: Site, http: HttpClient, **settings: Any) -> Reader:
    site.variant = "guest"
    reader = Reader(WordPress, site, http)
    reader.settings = WordPressSettings.model_validate(site.source_settings() | settings)
    return reader


def _found_by_itself(site: Site) -> WordPressSettings:
    """With the site's address alone, and not that of its API."""
    credentials = {"username": USER, "application_password": PASSWORD}
    return WordPressSettings.model_validate({"base_url": site.url} | credentials)


def _busy(world: World, n: int) -> list[str]:
    post = world.post()
    keys = []
    for number in range(n):
        world.advance(timedelta(minutes=1))
        keys.append(world.comment(post, f"Comment {number}"))
    return keys


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_payload_of_a_real_site_reads_as_it_should(path: Path, http: HttpClient) -> None:
    golden = json.loads(path.read_text())
    reader = WordPress(WordPressSettings(base_url="https://blog.example", own_user_ids=(1,)), http)
    comment = reader.normalise(golden["raw"])
    assert (None if comment is None else _told(asdict(comment), golden["comment"])) == golden["comment"]


def _told(value: Any, like: Any) -> Any:
    """What the golden speaks of; the fields that it leaves out must be empty."""
    if isinstance(value, dict):
        assert not [name for name in value if name not in like and value[name]]
        return {name: _told(value[name], like[name]) for name in like}
    return value.isoformat() if hasattr(value, "isoformat") else value


def test_there_are_goldens() -> None:
    assert len(GOLDEN) >= 5


@pytest.mark.parametrize(
    ("base_url", "native_id"),
    [
        ("https://Blog.example/", "blog.example/7"),
        ("https://blog.example/wp-json/", "blog.example/7"),
        ("https://blog.example/?rest_route=/", "blog.example/7"),
        ("https://shop.example/blog", "shop.example/blog/7"),
        ("https://public-api.wordpress.com/wp/v2/sites/a.example", "public-api.wordpress.com/wp/v2/sites/a.example/7"),
    ],
)
def test_comments_of_different_sites_have_different_ids(base_url: str, native_id: str, http: HttpClient) -> None:
    raw = {"id": 7, "post": 1, "date_gmt": "2026-03-02T10:00:00", "content": {"rendered": "Hello"}}
    comment = WordPress(WordPressSettings(base_url=base_url), http).normalise(raw)
    assert comment is not None
    assert comment.native_id == native_id


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"base_url": "blog.example"}, "must be an address"),
        ({"base_url": "https://u:p@blog.example"}, "without a password"),
        ({"base_url": "https://blog.example", "username": "owner"}, "belong together"),
        ({"base_url": "http://blog.example", "username": "owner", "application_password": "x"}, "https"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        WordPressSettings.model_validate(settings)


@pytest.mark.parametrize("root", ["/wp-json", "/cms/wp-json", ""])
def test_the_api_is_found_where_the_site_says_it_is(site: Site, reader: Reader, world: World, root: str) -> None:
    site.root = root
    reader.settings = _found_by_itself(site)
    _busy(world, 3)
    reader.catch_up()
    assert reader.present == site.expected()
    home = [one for one in site.requests if one.path == "/" and not one.query]
    assert home
    assert not any("authorization" in {name.casefold() for name in one.headers} for one in home)


def test_a_site_that_changes_its_permalinks_is_followed(site: Site, reader: Reader, world: World) -> None:
    reader.settings = _found_by_itself(site)
    keys = _busy(world, 3)
    reader.poll()
    site.root = ""
    world.reply(keys[0])
    reader.poll()
    assert reader.present == site.expected()


def test_the_password_is_not_sent_where_a_page_points_elsewhere(site: Site, reader: Reader) -> None:
    link = {"Link": '<https://evil.example/wp-json/>; rel="https://api.w.org/"'}
    site.barred["/"] = Reply("<html></html>", headers=link | {"Content-Type": "text/html"})
    reader.settings = _found_by_itself(site)
    with pytest.raises(Malformed, match="at another host"):
        reader.poll()
    assert site.seen_passwords() == []


def test_a_firewall_is_not_taken_for_a_wrong_password(site: Site, reader: Reader, world: World) -> None:
    _busy(world, 1)
    site.barred["/comments"] = Reply("<html>Access denied</html>", 403, {"Content-Type": "text/html"})
    with pytest.raises(Unavailable, match="firewall"):
        reader.poll()


def test_a_wrong_password_is_told_as_such(site: Site, reader: Reader) -> None:
    reader.settings = WordPressSettings.model_validate(site.source_settings() | {"application_password": "nnnn"})
    with pytest.raises(Unauthorized, match="is the application password right"):
        reader.poll()


def test_a_user_who_may_not_moderate_reads_like_a_guest_and_the_operator_hears_it_once(
    site: Site, reader: Reader, world: World
) -> None:
    site.may_moderate = False
    keys = _busy(world, 3)
    site.statuses[keys[1]] = "hold"
    notes = []
    for _ in range(2):
        page = reader.fetch()
        reader.keep(page)
        notes.append(page.note)
    assert "may not moderate" in notes[0]
    assert notes[1] == ""
    assert reader.present == site.expected() - {site.native_id(keys[1])}


def test_what_is_held_is_hidden_until_it_is_approved(site: Site, reader: Reader, world: World) -> None:
    keys = _busy(world, 1)
    site.statuses[keys[0]] = "hold"
    reader.poll()
    assert reader.of(keys[0]).is_hidden
    _busy(world, 30)  # far off the first page
    reader.poll()
    del site.statuses[keys[0]]
    reader.poll()
    assert not reader.of(keys[0]).is_hidden


@pytest.mark.parametrize("status", ["trash", "spam"])
def test_what_is_trashed_or_spam_is_gone_and_comes_back(site: Site, reader: Reader, world: World, status: str) -> None:
    keys = _busy(world, 3)
    reader.poll()
    site.statuses[keys[1]] = status
    reader.poll()
    assert reader.gone == {site.native_id(keys[1])}
    del site.statuses[keys[1]]
    reader.poll()
    assert reader.gone == set()


def test_to_a_guest_a_hidden_comment_is_not_gone(site: Site, http: HttpClient, world: World) -> None:
    reader = _as_guest(site, http)
    keys = _busy(world, 3)
    reader.catch_up()
    site.statuses[keys[1]] = "hold"
    reader.catch_up()
    assert reader.gone == set()
    world.delete(keys[1])
    reader.catch_up()
    assert reader.gone == {site.native_id(keys[1])}


def test_a_guest_finds_what_is_approved_late_far_below_at_the_next_poll(
    site: Site, http: HttpClient, world: World
) -> None:
    reader = _as_guest(site, http, per_page=3)
    keys = _busy(world, 12)
    site.statuses[keys[0]] = "hold"
    reader.poll()
    assert site.native_id(keys[0]) not in reader.present
    del site.statuses[keys[0]]
    world.comment(world.posts[0].key, "And one new")
    reader.poll()
    assert reader.present == site.expected()


def test_an_edit_below_the_first_page_is_found_within_the_hour(site: Site, http: HttpClient, world: World) -> None:
    reader = _as_guest(site, http, per_page=3)
    keys = _busy(world, 12)
    reader.poll()
    world.edit(keys[0], "Quite another text")
    world.advance(timedelta(minutes=61))
    reader.poll()
    assert reader.of(keys[0]).text == "Quite another text"


class Uncounted(Site):
    """A site behind a proxy that drops the headers with the totals."""

    def answer(self, request: Request) -> Reply:
        reply = super().answer(request)
        return Reply(reply.body, reply.status)


@pytest.mark.parametrize("n_read", [1, 2, 3])
@pytest.mark.parametrize("kind", [Site, Uncounted])
def test_deletions_between_two_pages_shift_nothing_out_of_sight(
    http: HttpClient, world: World, tmp_path: Path, n_read: int, kind: type[Site]
) -> None:
    with kind(world, tmp_path) as site:
        reader = _as_guest(site, http, per_page=3)
        keys = _busy(world, 12)
        for _ in range(n_read):
            reader.keep(reader.fetch())
        for key in keys[-2:]:
            world.delete(key)
        reader.catch_up()
        assert reader.present == site.expected()


def test_what_is_older_than_the_backfill_is_left_and_what_is_approved_later_is_not(
    site: Site, http: HttpClient, world: World
) -> None:
    reader = _as_guest(site, http, backfill=timedelta(days=2))
    old = world.comment(world.post(), "Long ago")
    world.advance(timedelta(days=10))
    young = _busy(world, 2)
    reader.catch_up()
    late = world.comment(world.posts[0].key, "Approved at last", at=world.now - timedelta(days=5))
    reader.catch_up()
    wanted = {site.native_id(key) for key in (*young, late)}
    assert {one for one in reader.present if "/post/" not in one} == wanted
    assert site.native_id(old) not in reader.held


def test_an_answer_of_something_else_deletes_nothing(site: Site, reader: Reader, world: World) -> None:
    keys = _busy(world, 3)
    reader.poll()
    site.statuses[keys[0]] = "spam"
    number = site.native_id(keys[0]).rpartition("/")[2]
    site.barred[f"/comments/{number}"] = Reply("<html>Not found</html>", 404, {"Content-Type": "text/html"})
    with pytest.raises(Gone):
        reader.recheck()
    assert reader.gone == set()


def test_a_site_that_does_not_sort_as_asked_comes_to_an_end(site: Site, http: HttpClient, world: World) -> None:
    _busy(world, 9)

    class Jumping(Site):
        def answer(self, request: Request) -> Reply:
            reply = super().answer(request)
            if request.path.endswith("/comments") and request.get("offset", "0") != "0":
                return Reply([self._comment_json(entry) for entry in self.world.comments[:3]], headers=reply.headers)
            return reply

    with Jumping(world, site.folder) as jumping:
        assert _as_guest(jumping, http, per_page=3).poll() < 40


def test_a_page_that_is_shorter_than_asked_for_is_not_the_last_one(http: HttpClient, world: World, site: Site) -> None:
    """WordPress leaves out what we may not see after it has counted."""
    keys = _busy(world, 12)
    hidden = set(keys[4:8])

    class Filtering(Site):
        def answer(self, request: Request) -> Reply:
            reply = super().answer(request)
            if not request.path.endswith("/comments"):
                return reply
            numbers = {self.world[key].number for key in hidden}
            return Reply([row for row in reply.body if row["id"] not in numbers], headers=reply.headers)

    with Filtering(world, site.folder) as filtering:
        reader = _as_guest(filtering, http, per_page=3)
        reader.poll()
        assert reader.present == filtering.expected() - {filtering.native_id(key) for key in hidden}


def test_a_trashed_post_is_gone_when_it_is_looked_at_again(site: Site, reader: Reader, world: World) -> None:
    keys = _busy(world, 2)
    reader.poll()
    post = world[keys[0]].post or ""
    world.delete(post)
    reader.recheck()
    assert reader.gone == {site.native_id(post)}


def test_a_cursor_of_another_make_is_replaced(reader: Reader, site: Site, world: World) -> None:
    _busy(world, 3)
    for strange in ("words", 7, {"since": "2026-03-01T00:00:00Z", "page": 4}):
        reader.cursor = strange
        reader.poll()
        assert reader.present == site.expected()


def test_every_recorded_payload_of_wordpress_is_read(shared: Path, http: HttpClient) -> None:
    recorded = json.loads((shared / "recordings" / "wordpress" / "comments_collection.json").read_text())
    reader = WordPress(WordPressSettings(base_url="https://example.org"), http)
    rows = recorded["response"]["body"]
    assert rows
    for row in rows:
        comment = reader.normalise(row)
        assert comment is not None
        assert comment.native_id == f"example.org/{row['id']}"
        assert comment.text
        assert comment.author.native_id.startswith("example.org/guest/")
