"""A site's feed of comments, as Atom (by default), RSS 2.0 or JSON Feed, newest change first, in pages."""

import json
from hashlib import blake2b
from pathlib import Path
from typing import Any, ClassVar
from xml.sax.saxutils import escape, quoteattr

from tests.platforms.base import BRAND, Entry, World
from tests.platforms.server import HttpFakePlatform, Reply, Request

ATOM = "http://www.w3.org/2005/Atom"
NEWLINE = "\n"
TYPES = {"atom": "application/atom+xml", "rss": "application/rss+xml", "json": "application/feed+json"}


class Fake(HttpFakePlatform):
    """One feed at /feed with `page_size` entries a page; older pages by rel=next, prev-archive or next_url.

    The next-page links carry a session, which `expire_cursors` ends. `has_pages = False`: the window alone.
    """

    format: ClassVar[str] = "atom"

    def __init__(self, world: World, folder: Path) -> None:
        super().__init__(world, folder)
        self.session = 1
        self.has_pages = True
        self.extra_headers: dict[str, str] = {}

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")

    def source_settings(self) -> dict[str, Any]:
        return {"url": f"{self.url}/feed", "own_authors": [f"https://people.example/{BRAND}"]}

    def native_id(self, key: str) -> str:
        return f"{self.host}:{_tag(self.world[key])}"

    def expire_cursors(self) -> None:
        self.session += 1

    def error_body(self, status: int) -> Any:
        return f"<html><body><h1>{status}</h1></body></html>"

    def answer(self, request: Request) -> Reply:
        page = int(request.get("page", "1"))
        if request.path != "/feed" or request.get("session", str(self.session)) != str(self.session):
            return Reply(self.error_body(404), 404, {"Content-Type": "text/html"})
        entries = sorted(self.world.comments, key=lambda e: (e.edited_at or e.arrived_at, e.number), reverse=True)
        shown = entries[(page - 1) * self.page_size : page * self.page_size]
        is_last = not self.has_pages or page * self.page_size >= len(entries)
        older = "" if is_last else f"{self.url}/feed?page={page + 1}&session={self.session}"
        body = self.document(shown, older).encode()
        headers = {
            "Content-Type": TYPES[self.format],
            "ETag": f'W/"{blake2b(body, digest_size=6).hexdigest()}"',
            "Last-Modified": "Mon, 02 Mar 2026 10:00:00 GMT",
            **self.extra_headers,
        }
        is_known = request.headers.get("If-None-Match", request.headers.get("if-none-match")) == headers["ETag"]
        return Reply(b"", 304, headers) if is_known else Reply(body, 200, headers)

    def document(self, entries: list[Entry], older: str) -> str:
        """The feed with these entries and the link to the older ones."""
        link = f'<link rel="next" href={quoteattr(older)}/>' if older else ""
        inside = "".join(self._atom(entry) for entry in entries)
        return (
            f'<?xml version="1.0" encoding="utf-8"?><feed xmlns="{ATOM}" '
            'xmlns:thr="http://purl.org/syndication/thread/1.0"><title>Comments</title>'
            f"<id>tag:site.example,2026:comments</id><updated>2026-03-02T10:00:00Z</updated>{link}{inside}</feed>"
        )

    def _atom(self, entry: Entry) -> str:
        page = f"https://site.example/{entry.post}/"
        answered = self.world[entry.reply_to] if entry.reply_to else None
        ref = _tag(answered) if answered else f"tag:site.example,2026:{entry.post}"
        href = f"{page}#c-{answered.number}" if answered else page
        return (
            f"<entry><id>{_tag(entry)}</id><title>Re: {entry.post}</title>"
            f"<link href={quoteattr(_permalink(entry))}/>"
            f"<published>{entry.created_at.isoformat()}</published>"
            f"<updated>{(entry.edited_at or entry.created_at).isoformat()}</updated>"
            f"<author><name>{escape(entry.by)}</name><uri>https://people.example/{escape(entry.by)}</uri></author>"
            f'<thr:in-reply-to ref={quoteattr(ref)} href={quoteattr(href)}/><content type="html">'
            f"{escape(f'<p>{escape(entry.text)}</p>'.replace(NEWLINE, '<br/>'))}</content></entry>"
        )


class FakeRss(Fake):
    """The same as RSS 2.0: no answers, no edits, authors by name alone."""

    format = "rss"

    def document(self, entries: list[Entry], older: str) -> str:
        link = f'<atom:link rel="next" href={quoteattr(older)}/>' if older else ""
        inside = "".join(
            f"<item><title>By: {escape(e.by)}</title><link>{_permalink(e)}</link>"
            f"<dc:creator>{escape(e.by)}</dc:creator><pubDate>{e.created_at:%a, %d %b %Y %H:%M:%S} +0000</pubDate>"
            f'<guid isPermaLink="false">{_tag(e)}</guid><description>{escape(escape(e.text))}</description></item>'
            for e in entries
        )
        return (
            f'<?xml version="1.0"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" '
            f'xmlns:atom="{ATOM}"><channel><title>Comments</title><link>https://site.example/</link>'
            f"{link}{inside}</channel></rss>"
        )


class FakeJsonFeed(Fake):
    """The same as JSON Feed 1.1."""

    format = "json"

    def document(self, entries: list[Entry], older: str) -> str:
        items = [
            {
                "id": _tag(e),
                "url": _permalink(e),
                "content_text": e.text,
                "date_published": e.created_at.isoformat(),
                "date_modified": e.edited_at.isoformat() if e.edited_at else None,
                "authors": [{"name": e.by, "url": f"https://people.example/{e.by}"}],
            }
            for e in entries
        ]
        feed = {"version": "https://jsonfeed.org/version/1.1", "title": "Comments", "items": items}
        return json.dumps(feed | ({"next_url": older} if older else {}))


def _tag(entry: Entry) -> str:
    return f"tag:site.example,2026:c-{entry.number}"


def _permalink(entry: Entry) -> str:
    return f"https://site.example/{entry.post}/#c-{entry.number}"
