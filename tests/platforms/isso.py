"""An Isso server: what it answers was taken from a real Isso 0.14 (see tests/servers)."""

import json
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

from tests.platforms.base import BRAND, Entry, World
from tests.platforms.server import HttpFakePlatform, Reply, Request

_NOT_JSON = {"Content-Type": "text/html; charset=utf-8"}


class Fake(HttpFakePlatform):
    """One server; the posts of the world are its pages. `held` are keys that wait for approval."""

    cursors_never_expire = "a cursor holds counts and ids of comments, and no position of the server's"

    variants = ("latest", "pages")

    def __init__(self, world: World, folder: Path) -> None:
        self._pages: dict[str, str] = {}
        super().__init__(world, folder)
        self.held: set[str] = set()
        self.latest_enabled = True

    def source_settings(self) -> dict[str, Any]:
        own = [{"hash": author_hash(BRAND), "name": BRAND}]
        settings: dict[str, Any] = {"base_url": self.url, "site_url": "https://site.example", "own_authors": own}
        if self.variant == "pages":  # also such as nobody has written on yet
            return settings | {"pages": [f"/page-{number}/" for number in range(1, 13)]}
        return settings | {"latest": True}

    def native_id(self, key: str) -> str:
        entry, host = self.world[key], self.url.removeprefix("http://")
        return f"{host}/page:{self.uri(key)}" if entry.is_post else f"{host}/{entry.number}"

    def uri(self, post: str) -> str:
        """The page's name."""
        if not self._pages:
            posts = [entry.key for entry in self.world.entries if entry.is_post]
            self._pages = {key: f"/page-{number}/" for number, key in enumerate(posts, 1)}
        return self._pages[post]

    def changed(self) -> None:
        self._pages = {}

    def error_body(self, status: int) -> Any:
        return f"<!doctype html><html lang=en><title>{status}</title><h1>{status}</h1>"

    def answer(self, request: Request) -> Reply:
        if request.path == "/" and request.method == "GET":
            return Reply(self._page(request.get("uri")))
        if request.path == "/count" and request.method == "POST":
            return Reply([len(self._accepted(uri)) for uri in json.loads(request.body)])
        if request.path == "/latest" and self.latest_enabled:
            return self._latest(request)
        if request.path.startswith("/id/"):
            exists = any(entry.number == int(request.path[4:]) for entry in [*self.world.comments, *self._shells()])
            return Reply(self.error_body(403 if exists else 404), 403 if exists else 404, _NOT_JSON)
        return Reply(self.error_body(404), 404, _NOT_JSON)

    def _top(self, entry: Entry) -> Entry | None:
        """The top comment above; Isso hangs a reply to a reply there too, and knows only parents that exist."""
        above = entry.reply_to
        while above is not None and self.world[above].reply_to is not None:
            above = self.world[above].reply_to
        return self.world[above] if above is not None else None

    def _shells(self) -> list[Entry]:
        """Deleted comments that are kept because of what was answered below them."""
        tops = {top.key for entry in self.world.comments if (top := self._top(entry)) is not None}
        return [entry for entry in self.world.entries if entry.deleted_at is not None and entry.key in tops]

    def _accepted(self, uri: str) -> list[Entry]:
        return [e for e in self.world.comments if e.post and self.uri(e.post) == uri and e.key not in self.held]

    def _page(self, uri: str) -> dict[str, Any]:
        shells = [entry for entry in self._shells() if entry.post and self.uri(entry.post) == uri]
        shown = sorted([*self._accepted(uri), *shells], key=lambda entry: entry.created_at)
        tops = [self._comment(entry) for entry in shown if self._top(entry) is None]
        for told in tops:
            below = [self._comment(e) for e in shown if (top := self._top(e)) and top.number == told["id"]]
            told |= {"total_replies": len(below), "hidden_replies": 0, "replies": below}
        return {"id": None, "total_replies": len(shown), "hidden_replies": 0, "replies": tops, "config": {}}

    def _latest(self, request: Request) -> Reply:
        if not request.get("limit").isdecimal():
            return Reply(self.error_body(400), 400, _NOT_JSON)
        shown = [entry for entry in self.world.comments if entry.key not in self.held]
        shown.sort(key=lambda entry: (self._top(entry) is not None, entry.created_at))
        told = []
        for entry in shown[-int(request.get("limit")) :]:
            assert entry.post is not None
            told.append({**self._comment(entry), "uri": self.uri(entry.post)})
            del told[-1]["hash"]
        return Reply(told)

    def _comment(self, entry: Entry) -> dict[str, Any]:
        top, is_shell = self._top(entry), entry.deleted_at is not None
        return {
            "id": entry.number,
            "parent": top.number if top else None,
            "text": "" if is_shell else f"<p>{_html(entry.text)}</p>",
            "author": None if is_shell else escape(entry.by, quote=False),
            "website": None,
            "mode": 4 if is_shell else 1,
            "created": entry.created_at.timestamp(),
            "modified": entry.edited_at.timestamp() if entry.edited_at else None,
            "likes": 0,
            "dislikes": 0,
            "notification": None,
            "hash": author_hash(entry.by),
        }


def _html(text: str) -> str:
    return escape(text).replace("\n", "<br>\n")


def author_hash(name: str) -> str:
    """What Isso shows of the e-mail address of the author of this name."""
    return sha256(name.encode()).hexdigest()[:12]
