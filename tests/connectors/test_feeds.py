"""Feeds of comments: what is read, how it is asked for, and what cannot be lost."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Json, Page
from connectors.feeds import Feeds, FeedsSettings
from monitor.errors import Gone, Malformed, Unavailable
from monitor.http import HttpClient
from monitor.model import Comment
from tests.platforms.base import START, Fault, World
from tests.platforms.feeds import Fake, FakeJsonFeed, FakeRss
from tests.platforms.server import HttpFakePlatform, Reply, Request

GOLDEN = Path(__file__).parents[1] / "golden" / "feeds"
NOW = START


@pytest.fixture
def http() -> Iterator[HttpClient]:
    client = HttpClient(max_body=2_000_000)
    yield client
    client.close()


class Site(HttpFakePlatform):
    """Answers each path with what a test put there; the body may be a function of the request."""

    def __init__(self, folder: Path) -> None:
        super().__init__(World(), folder)
        self.pages: dict[str, Reply | Callable[[Request], Reply]] = {}

    def answer(self, request: Request) -> Reply:
        page = self.pages.get(request.path, Reply("gone", 404))
        return page if isinstance(page, Reply) else page(request)

    def source_settings(self) -> dict[str, Any]:
        return {"url": f"{self.url}/feed"}

    def native_id(self, key: str) -> str:
        return f"{self.url.removeprefix('http://')}:{key}"

    def show(self, body: str | bytes, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages["/feed"] = Reply(body, headers={"Content-Type": "application/rss+xml"} | named)

    def seen_header(self, name: str) -> list[str | None]:
        lowered = [{key.lower(): value for key, value in one.headers.items()} for one in self.requests]
        return [headers.get(name) for headers in lowered]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path) as running:
        yield running


def reader(of: HttpFakePlatform, http: HttpClient, **settings: Any) -> Feeds:
    return Feeds(FeedsSettings(**(of.source_settings() | settings)), http)


def walk(feeds: Feeds, cursor: Json, now: datetime) -> tuple[list[Comment], Json, list[Page]]:
    """Fetch until there is no more, through JSON as the store does; at most a hundred pages."""
    comments: list[Comment] = []
    pages: list[Page] = []
    for _ in range(100):
        page = feeds.fetch_page(cursor, now)
        assert not (page.more and page.cursor == cursor)
        pages.append(page)
        comments += [c for raw in json.loads(json.dumps(list(page.raws))) if (c := feeds.normalise(raw))]
        cursor = json.loads(json.dumps(page.cursor))
        if not page.more:
            return comments, cursor, pages
    raise AssertionError("it never ends")


def rss(*items: str, channel: str = "", more_ns: str = "") -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:wfw="http://wellformedweb.org/CommentAPI/" xmlns:slash="http://purl.org/rss/1.0/modules/slash/"'
        f"{more_ns}><channel><title>t</title>{channel}{''.join(items)}</channel></rss>"
    )


def item(number: int, text: str = "", date: str = "Mon, 02 Mar 2026 09:00:00 +0000", inside: str = "") -> str:
    return (
        f"<item><guid>g{number}</guid><link>https://site.example/p/#c-{number}</link><dc:creator>Kim</dc:creator>"
        f"<pubDate>{date}</pubDate><description>{text or f'Comment {number}'}</description>{inside}</item>"
    )


@pytest.mark.parametrize("kind", [Fake, FakeRss, FakeJsonFeed])
@pytest.mark.parametrize("page_size", [3, 7, 50])
def test_every_comment_of_every_format_is_read_whatever_the_page_size(
    kind: type[Fake], page_size: int, tmp_path: Path, http: HttpClient
) -> None:
    world = World()
    post = world.post()
    for n in range(20):
        world.comment(post, f"Is <this> & that number {n}?")
    with kind(world, tmp_path) as fake:
        fake.page_size = page_size
        comments, cursor, _ = walk(reader(fake, http), None, world.now)
        assert {c.native_id for c in comments} == fake.expected()
        assert {c.text for c in comments} == {entry.text for entry in world.comments}
        assert {c.created_at for c in comments} == {START}
        assert {c.subject_native_id for c in comments} == {f"{fake.host}:https://site.example/{post}/"}
        for n in range(30):
            world.comment(post, f"More {n}")
        comments, _, _ = walk(reader(fake, http), cursor, world.advance())
        assert fake.expected() - {c.native_id for c in comments} <= {fake.native_id(f"c{n}") for n in range(2, 22)}


@pytest.mark.parametrize("name", sorted(path.name for path in GOLDEN.iterdir() if not path.name.startswith("expected")))
def test_golden_feeds_read_as_they_did(name: str, site: Site, http: HttpClient) -> None:
    """The documents are made up, in the words that WordPress, Isso and JSON Feed use."""
    site.show((GOLDEN / name).read_bytes())
    kind = "review" if name.endswith(".json") else "comment"
    comments, _, _ = walk(reader(site, http, kind=kind, own_authors=["https://bakery.example"]), None, NOW)
    got = json.loads(json.dumps([_shown(comment) for comment in comments]).replace(site.native_id("")[:-1], "HOST"))
    assert got == json.loads((GOLDEN / f"expected_{name.partition('.')[0]}.json").read_text())


def _shown(comment: Comment) -> dict[str, Any]:
    return {
        "native_id": comment.native_id,
        "kind": comment.kind,
        "text": comment.text,
        "author": [comment.author.native_id, comment.author.name],
        "created_at": comment.created_at.isoformat(),
        "edited_at": comment.edited_at.isoformat() if comment.edited_at else None,
        "parent": comment.parent_native_id,
        "subject": [comment.subject_native_id, comment.subject_title, comment.subject_url],
        "is_ours": comment.is_ours,
    }


def test_answers_hang_under_the_comment_they_answer_and_never_under_the_post(tmp_path: Path, http: HttpClient) -> None:
    world = World()
    top = world.comment(world.post(), "Where is my parcel?")
    reply = world.reply(top)
    with Fake(world, tmp_path) as fake:
        comments, _, _ = walk(reader(fake, http), None, world.now)
    found = {c.native_id: c for c in comments}
    assert found[fake.native_id(top)].parent_native_id is None
    assert found[fake.native_id(reply)].parent_native_id == fake.native_id(top)
    assert found[fake.native_id(reply)].is_ours is True
    assert found[fake.native_id(top)].is_ours is None


def test_validators_come_back_byte_for_byte_and_304_changes_nothing(site: Site, http: HttpClient) -> None:
    etag, modified = 'W/"a b-\\x-gzip;1"', "Mon,  02 Mar 2026 9:00:00 +0000"

    def answer(request: Request) -> Reply:
        seen = {key.lower(): value for key, value in request.headers.items()}
        same = seen.get("if-none-match") == etag and seen.get("if-modified-since") == modified
        return Reply(b"" if same else rss(item(1)), 304 if same else 200, {"ETag": etag, "Last-Modified": modified})

    site.pages["/feed"] = answer
    feeds = reader(site, http)
    first = feeds.fetch_page(None, NOW)
    second = feeds.fetch_page(first.cursor, NOW + timedelta(minutes=5))
    assert (len(first.raws), len(second.raws), second.more) == (1, 0, False)
    assert second.cursor == first.cursor
    assert site.seen_header("if-none-match") == [None, etag]
    assert site.seen_header("if-modified-since") == [None, modified]


def test_a_new_etag_on_the_same_body_is_nothing_new(site: Site, http: HttpClient) -> None:
    feeds = reader(site, http)
    site.show(rss(item(1)), ETag='"1"')
    first = feeds.fetch_page(None, NOW)
    site.show(rss(item(1)), ETag='"2"')
    assert not feeds.fetch_page(first.cursor, NOW).raws


def test_an_unreadable_answer_leaves_validators_and_what_is_known_alone(site: Site, http: HttpClient) -> None:
    feeds = reader(site, http)
    site.show(rss(item(1)), ETag='"1"')
    cursor = feeds.fetch_page(None, NOW).cursor
    kept = json.dumps(cursor)
    site.show("<html><body>Log in</body></html>", ETag='"login"')
    with pytest.raises(Malformed, match="no feed"):
        feeds.fetch_page(cursor, NOW)
    assert json.dumps(cursor) == kept


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"{}",
        b'{"items": []}',
        b"[]",
        b'{"version": "https://jsonfeed.org/version/1.1", "items": {}}',
        b"/etc/hostname",
        rss(item(1), item(2)).encode()[:-60],
        b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><body/></html>",
    ],
)
def test_what_is_no_feed_is_malformed(body: bytes, site: Site, http: HttpClient) -> None:
    site.show(body)
    with pytest.raises(Malformed) as caught:
        reader(site, http).fetch_page(None, NOW)
    assert caught.value.status == 200


def test_ids_do_not_change_when_the_feed_moves(site: Site, http: HttpClient) -> None:
    bare = '<item><guid isPermaLink="false">77</guid><link>/p/#c-77</link><description>Hi</description></item>'
    site.show(rss(bare))
    before, _, _ = walk(reader(site, http), None, NOW)
    site.pages["/moved/to/feed"] = site.pages["/feed"]
    site.pages["/feed"] = Reply("", 302, {"Location": f"{site.url}/moved/to/feed"})
    after, _, _ = walk(reader(site, http), None, NOW)
    assert [c.native_id for c in before] == [c.native_id for c in after] == [site.native_id("77")]
    assert before[0].permalink == f"{site.url}/p/#c-77"


def test_a_body_that_is_the_name_of_a_file_opens_no_file(site: Site, http: HttpClient, tmp_path: Path) -> None:
    hidden = tmp_path / "secret.xml"
    hidden.write_text(rss(item(1)))
    site.show(str(hidden))
    with pytest.raises(Malformed):
        reader(site, http).fetch_page(None, NOW)


def test_a_feed_with_broken_markup_inside_is_still_read(site: Site, http: HttpClient) -> None:
    site.show(rss(item(1, "Fish &nbsp; chips \x0b"), item(2)))
    comments, _, _ = walk(reader(site, http), None, NOW)
    assert [c.text for c in comments] == ["Fish \xa0 chips", "Comment 2"]


def test_external_entities_are_not_loaded(site: Site, http: HttpClient, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("TOPSECRET")
    doctype = (
        f'<!DOCTYPE rss [<!ENTITY a SYSTEM "file://{tmp_path}/secret.txt"><!ENTITY b SYSTEM "{site.url}/leak">'
        f'<!ENTITY % c SYSTEM "{site.url}/leak.dtd">%c;]>'
    )
    body = rss(item(1, "x &a; &b; y")).replace("?><rss", f"?>{doctype}<rss")
    site.show(body)
    comments, _, _ = walk(reader(site, http), None, NOW)
    assert "TOPSECRET" not in str(comments)
    assert [one.path for one in site.requests] == ["/feed"]


def test_a_billion_laughs_cost_nothing(site: Site, http: HttpClient) -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    site.show(rss(item(1, "&l11;")).replace("?><rss", f'?><!DOCTYPE rss [<!ENTITY l0 "ha">{laughs}]><rss'))
    comments, _, _ = walk(reader(site, http), None, NOW)  # in full they would be as many as no memory can hold
    assert all(len(c.text) < 1000 for c in comments)


def test_without_dates_a_comment_keeps_the_time_at_which_it_was_first_seen(site: Site, http: HttpClient) -> None:
    feeds = reader(site, http)
    undated = "<item><guid>g9</guid><description>When?</description></item>"
    site.show(rss(undated))
    first, cursor, _ = walk(feeds, None, NOW)
    site.show(rss(item(10), undated))
    second, _, _ = walk(feeds, cursor, NOW + timedelta(hours=1))
    assert first[0].created_at == NOW
    assert {c.native_id.rpartition(":")[2]: c.created_at for c in second}["g9"] == NOW


def test_a_date_in_the_future_becomes_the_time_of_the_read_and_stays(site: Site, http: HttpClient) -> None:
    feeds = reader(site, http)
    late = item(1, date="Fri, 01 Jan 2027 00:00:00 +0000")
    site.show(rss(late))
    first, cursor, _ = walk(feeds, None, NOW)
    site.show(rss(late, item(2)))
    second, _, _ = walk(feeds, cursor, datetime(2027, 6, 1, tzinfo=UTC))
    assert first[0].created_at == NOW
    assert next(c for c in second if c.native_id.endswith(":g1")).created_at == NOW


@pytest.mark.parametrize("date", ["", "yesterday", "Sat, 99 Foo 2026 99:99:99", "0000-00-00T00:00:00Z", "9" * 400])
def test_an_unreadable_date_is_a_missing_one(date: str, site: Site, http: HttpClient) -> None:
    site.show(rss(item(1, date=date)))
    comments, _, _ = walk(reader(site, http), None, NOW)
    assert comments[0].created_at <= NOW


def test_an_edit_in_atom_shows_when_it_was_made(tmp_path: Path, http: HttpClient) -> None:
    world = World()
    key = world.comment(world.post(), "It is on Thursday")
    with Fake(world, tmp_path) as fake:
        feeds = reader(fake, http)
        _, cursor, _ = walk(feeds, None, world.now)
        edited_at = world.advance()
        world.edit(key, "It is on Friday")
        comments, _, _ = walk(feeds, cursor, world.advance())
    assert [(c.text, c.created_at, c.edited_at) for c in comments] == [("It is on Friday", START, edited_at)]


def test_a_window_that_moved_on_completely_is_a_possible_gap_and_is_said(tmp_path: Path, http: HttpClient) -> None:
    world = World()
    post = world.post()
    with Fake(world, tmp_path) as fake:
        fake.page_size, fake.has_pages = 5, False
        feeds = reader(fake, http)
        for _ in range(5):
            world.comment(post)
        _, cursor, pages = walk(feeds, None, world.now)
        assert [page.note for page in pages] == [""]
        for _ in range(4):
            world.comment(post)
        _, cursor, pages = walk(feeds, cursor, world.advance())
        assert [page.note for page in pages] == [""]
        for _ in range(5):
            world.comment(post)
        _, cursor, pages = walk(feeds, cursor, world.advance())
    assert "may have been missed" in pages[-1].note
    assert pages[-1].poll_after is None


def test_older_pages_are_read_only_until_what_is_known(tmp_path: Path, http: HttpClient) -> None:
    world = World()
    post = world.post()
    with Fake(world, tmp_path) as fake:
        fake.page_size = 5
        feeds = reader(fake, http)
        for _ in range(50):
            world.comment(post)
        _, cursor, pages = walk(feeds, None, world.now)
        assert len(pages) == 11  # and a last look at the first
        for _ in range(7):
            world.comment(post)
        world.advance()
        world.edit("c2", "edited, so it stands among the new ones")
        comments, cursor, pages = walk(feeds, cursor, world.advance())
        assert len(pages) == 3
        assert {fake.native_id(f"c{n}") for n in (2, *range(52, 59))} <= {c.native_id for c in comments}
        assert [page.note for page in pages] == ["", "", ""]


def test_wordpress_pages_are_read_without_a_link_and_end_at_404(site: Site, http: HttpClient) -> None:
    generator = "<generator>https://wordpress.org/?v=6.9</generator>"

    def answer(request: Request) -> Reply:
        page = int(request.get("paged", "1"))
        if page > 3:
            return Reply("not found", 404)
        assert request.get("withoutcomments") == "1"
        return Reply(rss(*(item(page * 10 + n) for n in range(3)), channel=generator))

    site.pages["/feed"] = answer
    comments, cursor, pages = walk(reader(site, http, url=f"{site.url}/feed?withoutcomments=1"), None, NOW)
    assert (len(comments), len(pages)) == (9, 5)
    assert walk(reader(site, http, url=f"{site.url}/feed?withoutcomments=1"), cursor, NOW)[0] == []


def test_a_server_that_ignores_the_page_number_is_not_asked_for_ever(site: Site, http: HttpClient) -> None:
    site.show(rss(item(1), item(2), channel="<generator>https://wordpress.org/?v=6.9</generator>"))
    _, _, pages = walk(reader(site, http), None, NOW)
    assert len(pages) == 4


def test_a_page_link_that_expired_is_looked_up_again(tmp_path: Path, http: HttpClient) -> None:
    world = World()
    post = world.post()
    for _ in range(9):
        world.comment(post)
    with Fake(world, tmp_path) as fake:
        fake.page_size = 3
        feeds = reader(fake, http)
        first = feeds.fetch_page(None, world.now)
        fake.expire_cursors()
        rest, _, pages = walk(feeds, first.cursor, world.now)
        read = {c.native_id for c in rest} | {c.native_id for raw in first.raws if (c := feeds.normalise(raw))}
        assert read == fake.expected()
        assert [page.note for page in pages] == [""] * len(pages)


def test_an_older_page_that_stays_unreadable_does_not_stop_what_is_new(site: Site, http: HttpClient) -> None:
    more = f'<atom:link rel="next" href="{site.url}/older"/>'
    site.show(rss(item(1), channel=more, more_ns=' xmlns:atom="http://www.w3.org/2005/Atom"'))
    feeds = reader(site, http)
    comments, cursor, pages = walk(feeds, None, NOW)  # /older is 404
    assert len(comments) == 2  # the first page twice
    assert any("not read" in page.note for page in pages)
    site.pages["/older"] = Reply("<html>Just a moment</html>")
    late = NOW + timedelta(days=2)
    page = feeds.fetch_page(cursor, late)  # the daily deeper look
    with pytest.raises(Malformed):
        feeds.fetch_page(page.cursor, late)
    given_up = feeds.fetch_page(page.cursor, late + timedelta(hours=7))
    assert "older pages" in given_up.note
    assert not given_up.more


def test_late_approved_comments_are_found_by_the_daily_deeper_look(site: Site, http: HttpClient) -> None:
    shown = [item(n, date=f"Mon, 02 Mar 2026 09:{n:02}:00 +0000") for n in range(20, 0, -1)]

    def answer(request: Request) -> Reply:
        page = int(request.get("paged", "1"))
        items = shown[page * 5 - 5 : page * 5]
        body = rss(*items, channel="<generator>https://wordpress.org/?v=6.9</generator>")
        return Reply(body, headers={"ETag": '"newest is the same"'}) if items else Reply("", 404)

    site.pages["/feed"] = answer
    feeds = reader(site, http)
    _, cursor, _ = walk(feeds, None, NOW)
    shown.insert(12, item(99, date="Mon, 02 Mar 2026 09:08:30 +0000"))
    soon, cursor, _ = walk(feeds, cursor, NOW + timedelta(hours=1))
    later, _, _ = walk(feeds, cursor, NOW + timedelta(hours=25))
    assert "g99" not in {c.native_id.rpartition(":")[2] for c in soon}
    assert "g99" in {c.native_id.rpartition(":")[2] for c in later}


@pytest.mark.parametrize(
    ("ttl", "cache", "pause"),
    [
        ("", "max-age=600", timedelta(minutes=10)),
        ("15", "max-age=600", timedelta(minutes=15)),
        ("15", "", timedelta(minutes=15)),
        ("1440", "", timedelta(hours=1)),
        ("", "public, max-age=31536000", timedelta(hours=1)),
        ("", "no-cache, max-age=600", None),
        ("", "max-age=0", None),
        ("soon", "max-age=soon", None),
    ],
)
def test_the_feeds_own_pace_is_kept_up_to_a_limit(
    ttl: str, cache: str, pause: timedelta | None, site: Site, http: HttpClient
) -> None:
    site.show(rss(item(1), channel=f"<ttl>{ttl}</ttl>" if ttl else ""), Cache_Control=cache)
    page = reader(site, http).fetch_page(None, NOW)
    assert page.poll_after == (NOW + pause if pause else None)


def blog(site: Site, n_comments: dict[int, int], failing: int | None = None) -> None:
    """A blog's feed of posts, each naming the feed of its comments."""
    posts = "".join(
        f'<item><guid isPermaLink="false">post-{n}</guid><title>Post {n}</title><link>https://site.example/{n}/</link>'
        f"<pubDate>Sun, 01 Mar 2026 0{n}:00:00 +0000</pubDate><description>We write {n}</description>"
        f"<wfw:commentRss>{site.url}/{n}/feed</wfw:commentRss><slash:comments>{count}</slash:comments></item>"
        for n, count in n_comments.items()
    )
    site.show(rss(posts))
    for n, count in n_comments.items():
        body = rss(*(item(n * 100 + k) for k in range(count)))
        site.pages[f"/{n}/feed"] = Reply("down", 404) if n == failing else Reply(body)


def test_comments_of_posts_are_followed_and_hang_under_them(site: Site, http: HttpClient) -> None:
    blog(site, {1: 2, 2: 1, 3: 0})
    feeds = reader(site, http, follow_comments=True)
    comments, cursor, _ = walk(feeds, None, NOW)
    posts = [c for c in comments if c.kind == "post"]
    assert [(c.text, c.is_ours) for c in posts] == [(f"Post {n}\n\nWe write {n}", True) for n in (1, 2, 3)]
    assert {c.native_id: c.subject_native_id for c in comments if c.kind == "comment"} == {
        site.native_id("g100"): site.native_id("post-1"),
        site.native_id("g101"): site.native_id("post-1"),
        site.native_id("g200"): site.native_id("post-2"),
    }
    blog(site, {1: 2, 2: 1, 3: 1})
    comments, _, _ = walk(feeds, cursor, NOW + timedelta(minutes=5))
    assert site.native_id("g300") in {c.native_id for c in comments}


def test_the_post_whose_count_changed_is_read_first_and_the_others_in_turn(site: Site, http: HttpClient) -> None:
    blog(site, dict.fromkeys(range(1, 7), 1))
    feeds = reader(site, http, follow_comments=True, posts_per_poll=2)
    cursor: Json = None
    for minute in range(3):
        _, cursor, _ = walk(feeds, cursor, NOW + timedelta(minutes=minute))
    assert {one.path for one in site.requests} == {"/feed", *(f"/{n}/feed" for n in range(1, 7))}
    site.requests.clear()
    blog(site, {1: 1, 2: 1, 3: 1, 4: 1, 5: 1, 6: 2})
    walk(feeds, cursor, NOW + timedelta(minutes=3))
    assert [one.path for one in site.requests][:2] == ["/feed", "/6/feed"]


def test_one_posts_broken_comment_feed_does_not_stop_the_others(site: Site, http: HttpClient) -> None:
    blog(site, {1: 1, 2: 1, 3: 1}, failing=2)
    comments, cursor, pages = walk(reader(site, http, follow_comments=True), None, NOW)
    assert {c.native_id for c in comments if c.kind == "comment"} == {site.native_id("g100"), site.native_id("g300")}
    assert any("not read" in page.note for page in pages)
    assert "post-2" not in cursor["posts"]


def test_a_feed_cannot_send_us_into_the_private_network(site: Site, http: HttpClient) -> None:
    elsewhere = site.url.replace("127.0.0.1", "localhost")
    more = f'<atom:link rel="next" href="{elsewhere}/inside"/>'
    site.pages["/inside"] = Reply(rss(item(2)))
    site.show(rss(item(1), channel=more, more_ns=' xmlns:atom="http://www.w3.org/2005/Atom"'))
    page = reader(site, http).fetch_page(None, NOW)
    with pytest.raises(Unavailable):
        reader(site, http).fetch_page(page.cursor, NOW)
    assert [one.path for one in site.requests] == ["/feed"]


def test_a_bad_json_item_is_set_aside_and_its_neighbours_go_on(site: Site, http: HttpClient) -> None:
    items = [{"id": 5, "content_text": "five", "title": None}, "nonsense", {"id": "6", "date_published": "never"}]
    site.show(json.dumps({"version": "https://jsonfeed.org/version/1", "items": items}))
    page = reader(site, http).fetch_page(None, NOW)
    read: list[str] = []
    refused: list[str] = []
    for raw in page.raws:
        try:
            comment = reader(site, http).normalise(raw)
            read.append(comment.text if comment else "")
        except ValueError as error:
            refused.append(str(error))
    assert read == ["five"]
    assert len(refused) == 2
    assert any("date_published" in why for why in refused)


def test_gone_is_gone_and_a_reset_is_unavailable(tmp_path: Path, http: HttpClient) -> None:
    with Fake(World(), tmp_path) as fake:
        fake.fail(Fault.NOT_FOUND)
        with pytest.raises(Gone):
            reader(fake, http).fetch_page(None, NOW)
        fake.fail(Fault.RESET)
        with pytest.raises(Unavailable):
            reader(fake, http).fetch_page(None, NOW)


def test_an_empty_feed_is_no_comments_and_the_first_one_after_it_is_no_gap(tmp_path: Path, http: HttpClient) -> None:
    world = World()
    with Fake(world, tmp_path) as fake:
        feeds = reader(fake, http)
        comments, cursor, _ = walk(feeds, None, world.now)
        world.comment(world.post())
        later, _, pages = walk(feeds, cursor, world.advance())
    assert (comments, len(later), pages[-1].note) == ([], 1, "")


def test_the_cursor_stays_small(tmp_path: Path, http: HttpClient) -> None:
    world = World()
    post = world.post()
    for _ in range(1500):
        world.comment(post)
    with Fake(world, tmp_path) as fake:
        fake.page_size = 100
        comments, cursor, _ = walk(reader(fake, http), None, world.now)
    assert len(comments) == 1500
    assert len(json.dumps(cursor)) < 25_000
