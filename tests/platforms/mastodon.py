"""A Mastodon server of one account, as far as a reader of comments sees it.

Every comment addresses the brand as Mastodon's own clients do it, but for the keys in `silent`. The ids of statuses
are made of the time they were written at, so a late one lands below those already shown, as on the real thing.
Source: docs.joinmastodon.org; the recorded answers and the OpenAPI description hold the bodies to the real fields.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

from tests.platforms.base import BRAND, Entry, World
from tests.platforms.server import HttpFakePlatform, Reply, Request

TOKEN = "a-token-that-nobody-may-see"
HASHTAG = "bakery"
NOT_FOUND = Reply({"error": "Record not found"}, 404)
UNAUTHORIZED = Reply({"error": "The access token is invalid"}, 401)
NEEDS_TOKEN = ("/api/v1/notifications", "/api/v1/accounts/verify_credentials")


class Fake(HttpFakePlatform):
    """Serves a world as Mastodon 4.5 does; its variants are what a source may watch."""

    secret = TOKEN
    variants: ClassVar[tuple[str, ...]] = (
        "mentions",
        "own_posts",
        "hashtag",
        "hashtag, no token",
        "own_posts, no token",
    )

    def __init__(self, world: World, folder: Path) -> None:
        super().__init__(world, folder)
        self.silent: set[str] = set()  # keys of comments that do not address the brand
        self.direct: set[str] = set()  # keys of statuses that only those addressed may see
        self.warnings: dict[str, str] = {}  # content warnings by key
        self.n_ancestors = 4096  # how many a context shows
        self.has_batch = True
        self.repeats_mark = False  # min_id shows the mark itself again, as Pixelfed does
        self.ignores_min_id = False  # as servers before 2.4 did: the newest page, whose link says since_id
        self.moved_away = False  # nothing is found any more
        self.requests_left = 299
        self._shown: list[Entry] | None = None
        self._below_of: dict[str | None, list[Entry]] = {}
        self._table = 0  # the notifications table was rebuilt so often
        self._accounts: dict[str, int] = {BRAND: 12}

    def source_settings(self) -> dict[str, Any]:
        watch, _, no_token = self.variant.partition(", ")
        settings: dict[str, Any] = {"base_url": self.url, "watch": watch}
        if watch == "hashtag":
            settings["hashtag"] = HASHTAG
        return settings | ({"own_account": BRAND} if no_token else {"token": TOKEN})

    def native_id(self, key: str) -> str:
        return f"127.0.0.1/{status_id(self.world[key])}"

    def author_id(self, by: str) -> str:
        """The account id of somebody, as the server numbers it."""
        return str(self._accounts.setdefault(by, 900 + len(self._accounts)))

    def expected(self) -> set[str]:
        return {self.native_id(entry.key) for entry in (*self.world.comments, *self.world.posts)}

    def expire_cursors(self) -> None:
        """The notifications were written anew: their old ids are refused. Ids of statuses are never looked up."""
        self._table += 1

    def rate_limit_headers(self, retry_after: int) -> dict[str, str]:
        reset = self.world.now + timedelta(seconds=retry_after)
        return {"Retry-After": str(retry_after), **self._limits(0, reset)}

    def answer(self, request: Request) -> Reply:
        if self.moved_away:
            return Reply("<html><body>Not here</body></html>", 404, {"Content-Type": "text/html"})
        token = request.headers.get("authorization", "")
        if token not in ("", f"Bearer {TOKEN}") or (not token and request.path in NEEDS_TOKEN):
            return UNAUTHORIZED
        reply = self._route(request)
        limits = self._limits(self.requests_left, self.world.now + timedelta(minutes=5))
        return Reply(reply.body, reply.status, {**limits, **reply.headers})

    def _limits(self, remaining: int, reset: datetime) -> dict[str, str]:
        at = reset.isoformat(timespec="microseconds").replace("+00:00", "Z")
        return {"X-RateLimit-Limit": "300", "X-RateLimit-Remaining": str(remaining), "X-RateLimit-Reset": at}

    def _route(self, request: Request) -> Reply:
        match request.path.removeprefix("/api/v1/").split("/"):
            case ["instance"]:
                return Reply({"uri": "127.0.0.1", "title": "Fake", "version": "4.5.0"})
            case ["accounts", "verify_credentials"]:
                return Reply(self._account(BRAND))
            case ["accounts", "lookup"]:
                return Reply(self._account(BRAND)) if request.get("acct") == BRAND else NOT_FOUND
            case ["accounts", number, "statuses"]:
                own = (entry for entry in self._existing() if self.author_id(entry.by) == number)
                return self._listed(request, own, status_id, self._status, 40)
            case ["notifications"]:
                return self._notifications(request)
            case ["statuses"] if self.has_batch:
                wanted = set(request.query.get("id[]", [])[:20])
                return Reply([self._status(entry) for entry in self._existing() if str(status_id(entry)) in wanted])
            case ["statuses", number, *rest]:
                return self._one(number, rest)
            case ["timelines", "tag", tag] if unquote(tag) == HASHTAG:
                return self._listed(request, self._existing(), status_id, self._status, 40)
        return NOT_FOUND

    def _existing(self) -> list[Entry]:
        if self._shown is None:
            self._shown = [entry for entry in self.world.entries if entry.deleted_at is None]
            self._below_of = defaultdict(list)
            for entry in self._shown:
                self._below_of[entry.reply_to or entry.post].append(entry)
        return self._shown

    def changed(self) -> None:
        self._shown = None

    def _one(self, number: str, rest: list[str]) -> Reply:
        entry = next((entry for entry in self._existing() if str(status_id(entry)) == number), None)
        if entry is None:
            return NOT_FOUND
        if rest == ["context"]:
            return Reply({"ancestors": self._above(entry), "descendants": self._below(entry)})
        return Reply(self._status(entry)) if not rest else NOT_FOUND

    def _notifications(self, request: Request) -> Reply:
        if any(int(request.get(name) or 0) // 1_000_000 not in (0, self._table + 1) for name in ("min_id", "max_id")):
            return Reply({"error": "Invalid position"}, 400)
        wanted = request.query.get("types[]", ["mention"])
        entries = [e for e in self._existing() if e.by != BRAND and e.key not in self.silent and "mention" in wanted]
        return self._listed(request, entries, self._notification_id, self._notification, 80)

    def _notification_id(self, entry: Entry) -> int:
        return (self._table + 1) * 1_000_000 + entry.number

    def _listed(
        self,
        request: Request,
        entries: Iterable[Entry],
        number: Callable[[Entry], int],
        body: Callable[[Entry], dict[str, Any]],
        most: int,
    ) -> Reply:
        """One page, newest first; with min_id those right above it."""
        size = min(int(request.get("limit") or 20), most, self.page_size)
        low, high = int(request.get("min_id") or 0), int(request.get("max_id") or 0)
        if self.ignores_min_id:
            low = 0
        shown = sorted((entry for entry in entries if not high or number(entry) < high), key=number)
        if low:
            shown = [e for e in shown if number(e) > low or (self.repeats_mark and number(e) == low)][:size]
        page = shown[-size:][::-1]
        return Reply([body(entry) for entry in page], headers=self._links(request, [number(entry) for entry in page]))

    def _links(self, request: Request, ids: list[int]) -> dict[str, str]:
        if not ids:  # an empty page has no Link header
            return {}
        url, up = self.url + request.path, "since_id" if self.ignores_min_id else "min_id"
        return {"Link": f'<{url}?max_id={ids[-1]}>; rel="next", <{url}?{up}={ids[0]}>; rel="prev"'}

    def _parent(self, entry: Entry) -> Entry | None:
        """What a status answers; when that is deleted the server forgets it."""
        key = entry.reply_to or entry.post
        parent = self.world[key] if key else None
        return parent if parent and parent.deleted_at is None else None

    def _children(self, entry: Entry) -> list[Entry]:
        self._existing()
        return self._below_of.get(entry.key, [])

    def _above(self, entry: Entry) -> list[dict[str, Any]]:
        chain: list[Entry] = []
        parent = self._parent(entry)
        while parent is not None:
            chain.append(parent)
            parent = self._parent(parent)
        return [self._status(above) for above in chain[: self.n_ancestors][::-1]]

    def _below(self, entry: Entry) -> list[dict[str, Any]]:
        return [body for child in self._children(entry) for body in (self._status(child), *self._below(child))]

    def _notification(self, entry: Entry) -> dict[str, Any]:
        number = str(self._notification_id(entry))
        return {
            "id": number,
            "type": "mention",
            "created_at": stamp(entry.arrived_at),
            "group_key": f"ungrouped-{number}",
            "account": self._account(entry.by),
            "status": self._status(entry),
        }

    def _status(self, entry: Entry) -> dict[str, Any]:
        number, parent = str(status_id(entry)), self._parent(entry)
        key = entry.reply_to or entry.post
        url = f"{self.url}/@{entry.by}/{number}"
        visibility = "direct" if entry.key in self.direct else "private" if entry.is_private else "public"
        return {
            "id": number,
            "created_at": stamp(entry.created_at),
            "in_reply_to_id": str(status_id(parent)) if parent else None,
            "in_reply_to_account_id": self.author_id(self.world[key].by) if key else None,
            "sensitive": entry.key in self.warnings,
            "spoiler_text": self.warnings.get(entry.key, ""),
            "visibility": visibility,
            "language": "en",
            "uri": f"{self.url}/users/{entry.by}/statuses/{number}",
            "url": url,
            "replies_count": len(self._children(entry)),
            "reblogs_count": 0,
            "favourites_count": 0,
            "edited_at": stamp(entry.edited_at) if entry.edited_at else None,
            "content": self._content(entry),
            "reblog": None,
            "account": self._account(entry.by),
            "media_attachments": [],
            "mentions": [self._mention()] if self._addresses_brand(entry) else [],
            "tags": [{"name": HASHTAG, "url": f"{self.url}/tags/{HASHTAG}"}],
            "emojis": [],
            "card": None,
            "poll": None,
        }

    def _addresses_brand(self, entry: Entry) -> bool:
        return entry.by != BRAND and entry.key not in self.silent

    def _mention(self) -> dict[str, str]:
        return {"id": self.author_id(BRAND), "username": BRAND, "acct": BRAND, "url": f"{self.url}/@{BRAND}"}

    def _content(self, entry: Entry) -> str:
        link = f'<a href="{self.url}/@{BRAND}" class="u-url mention" rel="nofollow">@<span>{BRAND}</span></a>'
        greeting = f'<span class="h-card" translate="no">{link}</span> ' if self._addresses_brand(entry) else ""
        return f"<p>{greeting}{escape(entry.text).replace(chr(10), '<br />')}</p>"

    def _account(self, by: str) -> dict[str, Any]:
        picture = f"{self.url}/avatars/original/missing.png"
        return {
            "id": self.author_id(by),
            "username": by,
            "acct": by if by == BRAND else f"{by}@other.example",
            "display_name": by.title(),
            "locked": False,
            "bot": False,
            "indexable": False,
            "group": False,
            "created_at": "2022-04-01T00:00:00.000Z",
            "note": "",
            "url": f"{self.url}/@{by}",
            "uri": f"{self.url}/users/{by}",
            "avatar": picture,
            "avatar_static": picture,
            "header": picture,
            "header_static": picture,
            "followers_count": 5,
            "following_count": 3,
            "statuses_count": 1,
            "emojis": [],
            "fields": [],
        }


def status_id(entry: Entry) -> int:
    """Milliseconds of the time it was written at, and 16 bits that tell those of one millisecond apart."""
    return (int(entry.created_at.timestamp() * 1000) << 16) + entry.number


def stamp(at: datetime) -> str:
    """A time as Mastodon writes it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
