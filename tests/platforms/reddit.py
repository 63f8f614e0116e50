"""Reddit as a reader of comments sees it: listings with anchors, trees with holes, the inbox, deletions that show.

Source: reddit.com/dev/api and the archived server (r2/r2/models/builder.py) for the paging; the recorded answers
hold the bodies to the real fields.
"""

import base64
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from tests.platforms.base import BRAND, Entry, World
from tests.platforms.server import HttpFakePlatform, Reply, Request

TOKEN = "a-token-that-nobody-may-see"
APP_ID, APP_SECRET = "p-jcoLKBynTLew", "an-app-secret-that-nobody-may-see"
SUBREDDIT = "bakery"
SITE = "https://www.reddit.com"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
NOT_FOUND = Reply({"message": "Not Found", "error": 404}, 404)


def base36(number: int) -> str:
    """A number as Reddit writes its ids."""
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
    return digits or "0"


class Fake(HttpFakePlatform):
    """Serves a world as oauth.reddit.com does; its variants are what a source may watch."""

    secret = TOKEN
    variants: ClassVar[tuple[str, ...]] = ("subreddit", "account", "search")

    def __init__(self, world: World, folder: Path) -> None:
        super().__init__(world, folder)
        self.reach = 1000  # how far back a listing goes
        self.shown = 500  # comments of a tree in one answer
        self.deepest = 10  # levels of a tree in one answer
        self.quota = "996.0"
        self.removed: set[str] = set()  # keys of what a moderator removed
        self.no_account: set[str] = set()  # who deleted their account
        self.messages: list[dict[str, Any]] = []  # private messages, oldest first
        self.token = TOKEN
        self.n_tokens = 0  # that were asked for with an app's secret
        self.lives = 86_400  # seconds, of such a token
        self.closed = ""  # why the subreddit is closed to us: private, banned
        self.is_redirected = False  # the subreddit never existed
        self.counts_nothing = False  # comments come and go and the number stays
        self._lost: set[str] = set()
        self._below: dict[str, list[Entry]] = defaultdict(list)
        self._counts: Counter[str | None] = Counter()

    def source_settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = {"base_url": self.url, "own_account": BRAND, "token": TOKEN, "watch": self.variant}
        if self.variant == "subreddit":
            settings["subreddits"] = [SUBREDDIT]
        elif self.variant == "search":
            settings["query"] = "bakery"
        return settings

    def native_id(self, key: str) -> str:
        entry = self.world[key]
        return f"{'t3' if entry.is_post else 't1'}_{self.short(key)}"

    def short(self, key: str) -> str:
        """The id without its prefix."""
        return base36(60_000_000 + self.world[key].number)

    def expected(self) -> set[str]:
        return {self.native_id(entry.key) for entry in (*self.world.comments, *self.world.posts)}

    def expire_cursors(self) -> None:
        """The cached listings were made anew: anchors handed out before lead to an empty page."""
        self._lost = {self.native_id(entry.key) for entry in self.world.entries}

    def error_body(self, status: int) -> Any:
        return {"message": "Failed", "error": status}

    def rate_limit_headers(self, retry_after: int) -> dict[str, str]:
        return {"x-ratelimit-remaining": "0.0", "x-ratelimit-used": "1000", "x-ratelimit-reset": f"{retry_after}.0"}

    def answer(self, request: Request) -> Reply:
        if request.path == "/api/v1/access_token":
            return self._app_token(request)
        if request.headers.get("authorization") != f"bearer {self.token}":
            return Reply({"message": "Unauthorized", "error": 401}, 401, {"WWW-Authenticate": 'error="invalid_token"'})
        if "heedful" not in request.headers.get("user-agent", "") or request.get("raw_json") != "1":
            return Reply({"message": "Too Many Requests", "error": 429}, 429)
        self._below = defaultdict(list)
        for entry in self._comments(also_deleted=True):
            self._below[entry.reply_to or entry.post or ""].append(entry)
        self._counts = Counter(entry.post for entry in self._comments())
        reply = self._route(request)
        limits = {"x-ratelimit-remaining": self.quota, "x-ratelimit-used": "4", "x-ratelimit-reset": "300"}
        return Reply(reply.body, reply.status, {**limits, **reply.headers})

    def _app_token(self, request: Request) -> Reply:
        assert (request.method, request.body) == ("POST", b"grant_type=client_credentials")
        assert "heedful" in request.headers.get("user-agent", "")
        self.n_tokens += 1
        pair = base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
        if pair != f"{APP_ID}:{APP_SECRET}":
            return Reply({"message": "Unauthorized", "error": 401}, 401)
        return Reply({"access_token": self.token, "token_type": "bearer", "expires_in": self.lives, "scope": "*"})

    def _route(self, request: Request) -> Reply:
        match request.path.strip("/").split("/"):
            case ["r", _, *_] if self.is_redirected:
                return Reply("", 302, {"Location": f"{self.url}/subreddits/search?q=x"})
            case ["r", _, *_] if self.closed:
                return Reply({"message": "Forbidden", "error": 403, "reason": self.closed}, 403)
            case ["r", name, "comments"] if name == SUBREDDIT:
                return self._listed(request, self._comments(), self._comment)
            case ["r", name, "new"] if name == SUBREDDIT:
                return self._listed(request, self._posts(), self._post)
            case ["search"]:
                return self._listed(request, self._posts(), self._post)
            case ["user", name, "comments"] if name == BRAND:
                return self._listed(request, (e for e in self._comments() if e.is_ours), self._comment)
            case ["user", name, "submitted"] if name == BRAND:
                return self._listed(request, (e for e in self._posts() if e.is_ours), self._post)
            case ["message", "inbox"]:
                return self._inbox(request)
            case ["message", "sent"]:
                sent = [one for one in self.messages if one["author"] == BRAND]
                return Reply(_listing([{"kind": "t4", "data": one} for one in sent[::-1]], None))
            case ["comments", link, *rest]:
                return self._tree(link, rest[1] if len(rest) > 1 else "")
            case ["api", "info"]:
                return self._info(request.get("id").split(","))
            case ["api", "morechildren"]:
                wanted = set(request.get("children").split(","))
                things = [
                    self._in_tree(e, "") for e in self._comments(also_deleted=True) if self.short(e.key) in wanted
                ]
                return Reply({"json": {"errors": [], "data": {"things": things}}})
        return NOT_FOUND

    def _is_here(self, entry: Entry) -> bool:
        return entry.deleted_at is None and entry.key not in self.removed

    def _comments(self, also_deleted: bool = False) -> list[Entry]:
        return [e for e in self.world.entries if not e.is_post and (also_deleted or self._is_here(e))]

    def _posts(self) -> list[Entry]:
        return [entry for entry in self.world.entries if entry.is_post and self._is_here(entry)]

    def _listed(self, request: Request, entries: Iterable[Entry], body: Callable[[Entry], dict[str, Any]]) -> Reply:
        newest = sorted(entries, key=lambda entry: (entry.created_at, entry.number), reverse=True)[: self.reach]
        names = [self.native_id(entry.key) for entry in newest]
        start, after = 0, request.get("after")
        if after:
            if after not in names or after in self._lost:
                return Reply(_listing([], None))
            start = names.index(after) + 1
        size = min(int(request.get("limit") or 25), 100, self.page_size)
        shown = names[start : start + size]
        self._lost -= set(shown)
        has_more = start + size < len(names)
        return Reply(_listing([body(e) for e in newest[start : start + size]], shown[-1] if has_more else None))

    def _inbox(self, request: Request) -> Reply:
        """What answers our account or names it, and messages; a comment here tells less of itself."""
        addressed = [entry for entry in self._comments() if entry.by != BRAND and self._answers_us(entry)]
        if self.messages:
            received = [{"kind": "t4", "data": one} for one in self.messages[::-1] if one["author"] != BRAND]
            things = [self._inbox_comment(entry) for entry in addressed[::-1]]
            return Reply(_listing([*received, *things], None))
        return self._listed(request, addressed, self._inbox_comment)

    def _answers_us(self, entry: Entry) -> bool:
        above = self.world[entry.reply_to or entry.post or ""]
        return above.is_ours or f"u/{BRAND}" in entry.text.casefold()

    def _inbox_comment(self, entry: Entry) -> dict[str, Any]:
        data = self._comment(entry)["data"]
        missing = ("link_id", "link_author", "link_title", "link_permalink", "link_url", "permalink", "edited")
        kind = (
            "username_mention"
            if f"u/{BRAND}" in entry.text.casefold()
            else "comment_reply"
            if entry.reply_to
            else "post_reply"
        )
        inbox = {"was_comment": True, "type": kind, "dest": BRAND, "new": True, "subject": kind.replace("_", " ")}
        kept = {key: value for key, value in data.items() if key not in missing}
        return {"kind": "t1", "data": kept | inbox | {"context": f"{data['permalink']}?context=3"}}

    def _info(self, names: list[str]) -> Reply:
        found = {self.native_id(entry.key): entry for entry in self.world.entries}
        entries = [found[name] for name in names[:100] if name in found]
        return Reply(_listing([self._post(e) if e.is_post else self._plain(e) for e in entries], None))

    def _plain(self, entry: Entry) -> dict[str, Any]:
        """A comment without what only listings tell of the post above it."""
        data = self._comment(entry)["data"]
        return {
            "kind": "t1",
            "data": {key: value for key, value in data.items() if not key.startswith("link_") or key == "link_id"},
        }

    def _tree(self, link: str, below: str) -> Reply:
        post = next((e for e in self.world.entries if e.is_post and self.short(e.key) == link), None)
        if post is None:
            return NOT_FOUND
        roots = self._below[post.key]
        if below:
            roots = [e for e in self.world.entries if e.post == post.key and self.short(e.key) == below]
        left = [self.shown]
        return Reply([_listing([self._post(post)], None), _listing(self._branch(roots, left, 0, ""), None)])

    def _branch(self, entries: list[Entry], left: list[int], depth: int, above: str) -> list[dict[str, Any]]:
        """These and what is below them, newest first, as far as the answer goes; the rest as "more"."""
        things: list[dict[str, Any]] = []
        hidden: list[Entry] = []
        newest = sorted(entries, key=lambda entry: entry.number, reverse=True)
        if newest and depth >= self.deepest:
            data = {"count": 0, "name": "t1__", "id": "_", "parent_id": above, "depth": depth, "children": []}
            return [{"kind": "more", "data": data}]
        for entry in newest:
            children = self._below[entry.key]
            if left[0] <= 0:
                hidden += self._whole(entry)
                continue
            left[0] -= 1
            replies = self._branch(children, left, depth + 1, self.native_id(entry.key))
            if replies or self._is_here(entry):
                things.append(self._in_tree(entry, _listing(replies, None) if replies else ""))
        if hidden:
            ids = [self.short(entry.key) for entry in hidden]
            data = {"count": len(ids), "name": f"t1_{ids[0]}", "id": ids[0], "parent_id": above, "children": ids}
            things.append({"kind": "more", "data": data})
        return things

    def _whole(self, entry: Entry) -> list[Entry]:
        return [entry, *(found for child in self._below[entry.key] for found in self._whole(child))]

    def _in_tree(self, entry: Entry, replies: Any) -> dict[str, Any]:
        return {"kind": "t1", "data": self._plain(entry)["data"] | {"replies": replies}}

    def _shared(self, entry: Entry) -> dict[str, Any]:
        is_removed = entry.key in self.removed
        by = "[deleted]" if entry.deleted_at or entry.by in self.no_account else entry.by
        text = "[deleted]" if entry.deleted_at else "[removed]" if is_removed else entry.text
        return {
            "text": text,
            "author": by,
            **({} if by == "[deleted]" else {"author_fullname": f"t2_{by}"}),
            "name": self.native_id(entry.key),
            "id": self.short(entry.key),
            "created": entry.created_at.timestamp() + 28_800,
            "created_utc": entry.created_at.timestamp(),
            "edited": entry.edited_at.timestamp() if entry.edited_at else False,
            "subreddit": SUBREDDIT,
            "score": 1,
            "likes": None,
            "distinguished": None,
            "stickied": False,
        }

    def _comment(self, entry: Entry) -> dict[str, Any]:
        shared = self._shared(entry)
        post = self.world[entry.post or ""]
        link = f"/r/{SUBREDDIT}/comments/{self.short(post.key)}/a_post/"
        more = {
            "body": shared.pop("text"),
            "body_html": f'<div class="md"><p>{entry.text}</p></div>',
            "link_id": self.native_id(post.key),
            "link_author": self._shared(post)["author"],
            "link_title": post.text,
            "link_permalink": f"{SITE}{link}",
            "parent_id": self.native_id(entry.reply_to or post.key),
            "permalink": f"{link}{self.short(entry.key)}/",
            "replies": "",
        }
        return {"kind": "t1", "data": shared | more}

    def _post(self, entry: Entry) -> dict[str, Any]:
        shared = self._shared(entry)
        is_gone = not self._is_here(entry)
        more = {
            "title": entry.text,
            "selftext": shared.pop("text") if is_gone else "",
            "is_self": True,
            "url": f"{SITE}/r/{SUBREDDIT}/comments/{self.short(entry.key)}/a_post/",
            "permalink": f"/r/{SUBREDDIT}/comments/{self.short(entry.key)}/a_post/",
            "num_comments": 5 if self.counts_nothing else self._counts[entry.key],
            "removed_by_category": None,
        }
        return {"kind": "t3", "data": shared | more}

    def message(self, text: str, by: str = "kim", answers: str = "") -> str:
        """Send a private message to or from the brand; returns its name."""
        name = f"t4_{base36(90_000 + len(self.messages))}"
        first = next(
            (one["first_message_name"] or one["name"] for one in self.messages if one["name"] == answers), None
        )
        data: dict[str, Any] = {
            "name": name,
            "author": by,
            "author_fullname": f"t2_{by}",
            "body": text,
            "subject": "Your shop",
        }
        data |= {"created_utc": (self.world.now + timedelta(seconds=len(self.messages))).timestamp(), "dest": BRAND}
        data |= {"parent_id": answers or None, "first_message_name": first, "was_comment": False, "context": ""}
        self.messages.append(data)
        return name


def _listing(children: list[dict[str, Any]], after: str | None) -> dict[str, Any]:
    return {"kind": "Listing", "data": {"after": after, "before": None, "dist": len(children), "children": children}}
