"""The App Store's public feed of reviews: JSON pages that are at times empty, Atom beside them, no answers.

Each post of the world stands for one of three apps, and each comment right below it is a review of that app.
"""

from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from tests.platforms.base import Entry, World
from tests.platforms.server import HttpFakePlatform, Reply, Request

APPS = ("1000000001", "1000000002", "1000000003")
COUNTRY = "us"
TOO_DEEP = "CustomerReviews RSS page depth is limited to 10"


def reviews_of(world: World, app: str) -> list[Entry]:
    """What customers wrote about an app, the latest first; an edited review is dated anew."""
    posts = [entry.key for entry in world.entries if entry.is_post]
    mine = {post for number, post in enumerate(posts) if APPS[number % len(APPS)] == app}
    found = [e for e in world.entries if e.post in mine and e.reply_to is None and e.deleted_at is None]
    return sorted(found, key=lambda entry: (written_at(entry), entry.number), reverse=True)


def written_at(entry: Entry) -> Any:
    """The one date that a review has."""
    return entry.edited_at or entry.created_at


class Fake(HttpFakePlatform):
    """Serves a world as itunes.apple.com does."""

    shows_no_replies = "the public feed shows no answers"
    cursors_never_expire = "pages are numbers"

    def __init__(self, world: World, folder: Path) -> None:
        super().__init__(world, folder)
        self.deepest = 1000  # pages; the real one ends at 10
        self.empty_json: set[int] = set()  # pages whose JSON has no reviews although there are some
        self.empty_atom: set[int] = set()
        self.has_dates = True
        self.missing: set[str] = set()  # countries that answer 404
        self.broken: set[str] = set()  # countries that answer 502
        self.stars: dict[str, int] = {}
        self.countries: tuple[str, ...] = (COUNTRY,)

    def source_settings(self) -> dict[str, Any]:
        return {"base_url": self.url, "apps": list(APPS), "countries": list(self.countries)}

    def native_id(self, key: str) -> str:
        return str(9_000_000_000 + self.world[key].number)

    def expected(self) -> set[str]:
        return {self.native_id(entry.key) for app in APPS for entry in reviews_of(self.world, app)}

    def answer(self, request: Request) -> Reply:
        match request.path.strip("/").split("/"):
            case ["lookup"]:
                return Reply({"resultCount": 1, "results": [{"trackName": f"Bakery {request.get('id')[-1]}"}]})
            case [country, "rss", "customerreviews", app, page, "sortby=mostrecent", form]:
                if country in self.broken:
                    return Reply("<html>Bad Gateway</html>", 502)
                if country in self.missing:
                    return Reply("", 404)
                return self._page(country, app.removeprefix("id="), int(page.removeprefix("page=")), form)
        return Reply("", 404)

    def _page(self, country: str, app: str, number: int, form: str) -> Reply:
        if number > self.deepest:
            return Reply(TOO_DEEP, 400)
        size = min(self.page_size, 50)
        found = reviews_of(self.world, app)
        last = max(1, min(-(-len(found) // size), self.deepest))
        shown = found[(number - 1) * size : number * size]
        if number in (self.empty_json if form == "json" else self.empty_atom):
            shown = []
        address = f"https://itunes.apple.com/{country}/rss/customerreviews/page={{}}/id={app}/sortby=mostrecent/xml"
        links = {"self": address.format(number), "last": f"{address.format(last)}?urlDesc=/customerreviews/page=77/x"}
        if form == "xml":
            return Reply(self._atom(shown, country, links), headers={"Content-Type": "text/xml; charset=UTF-8"})
        entries = [self._entry(entry, country) for entry in shown]
        feed: dict[str, Any] = {
            "author": {"name": {"label": "iTunes Store"}},
            "updated": {"label": self.world.now.isoformat()},
            "link": [{"attributes": {"rel": rel, "href": href}} for rel, href in links.items()],
        }
        if entries:  # one entry comes bare, none not at all
            feed["entry"] = entries[0] if len(entries) == 1 else entries
        return Reply({"feed": feed})

    def _entry(self, entry: Entry, country: str) -> dict[str, Any]:
        values = {
            "im:version": "5.1.0",
            "im:rating": str(self.stars.get(entry.key, 2)),
            "id": self.native_id(entry.key),
            "title": "A title",
            "im:voteSum": "1",
            "im:voteCount": "2",
        } | ({"updated": written_at(entry).isoformat()} if self.has_dates else {})
        uri = f"https://itunes.apple.com/{country}/reviews/id{sum(entry.by.encode())}"
        return {name: {"label": value} for name, value in values.items()} | {
            "author": {"uri": {"label": uri}, "name": {"label": entry.by}, "label": ""},
            "content": {"label": entry.text, "attributes": {"type": "text"}},
            "link": {"attributes": {"rel": "related", "href": "https://itunes.apple.com/us/review?id=1"}},
            "im:contentType": {"attributes": {"term": "Application", "label": "Application"}},
        }

    def _atom(self, entries: list[Entry], country: str, links: dict[str, str]) -> str:
        tags = "".join(f"<link rel={quoteattr(rel)} href={quoteattr(href)}/>" for rel, href in links.items())
        return (
            '<?xml version="1.0" encoding="utf-8"?><feed xmlns:im="http://itunes.apple.com/rss"'
            f' xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><id>x</id><title>Reviews</title>{tags}'
            f"{''.join(self._atom_entry(entry, country) for entry in entries)}</feed>"
        )

    def _atom_entry(self, entry: Entry, country: str) -> str:
        uri = f"https://itunes.apple.com/{country}/reviews/id{sum(entry.by.encode())}"
        return (
            f"<entry><updated>{written_at(entry).isoformat()}</updated><id>{self.native_id(entry.key)}</id>"
            f'<title>A title</title><content type="text">{escape(entry.text)}</content>'
            f'<im:contentType term="Application" label="Application"/><im:voteSum>1</im:voteSum>'
            f"<im:voteCount>2</im:voteCount><im:rating>{self.stars.get(entry.key, 2)}</im:rating>"
            f"<im:version>5.1.0</im:version><author><name>{escape(entry.by)}</name><uri>{uri}</uri></author>"
            f'<content type="html">&lt;table&gt;&lt;/table&gt;</content></entry>'
        )
