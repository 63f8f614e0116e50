"""X as the reader of one account sees it: mentions, own posts, search and look-ups, in either dialect of field names.

Ids are made of the time that a post was written at, an edit makes a new one, and only the fields that are asked for
are sent. Every comment addresses the brand, as X's own clients do it, but for the keys in `silent`.
Source: docs.x.com (OpenAPI 2.166 and 2.167, pagination, response codes); a test holds the bodies to the OpenAPI.
"""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from tests.platforms.base import BRAND, Entry, World
from tests.platforms.server import HttpFakePlatform, Reply, Request

TOKEN = "a-token-that-nobody-may-see"
KEYWORD = "bakery"
PROBLEMS = "https://api.x.com/2/problems/"
LIST_PARAMS = {"max_results", "since_id", "until_id", "start_time", "end_time", "expansions", "user.fields"}
# What the newer dialect calls the fields of the older one.
POST_NAMES = {
    "referenced_tweets": "referenced_posts",
    "edit_history_tweet_ids": "edit_history_post_ids",
    "note_tweet": "note_post",
}
TOO_OLD = "'since_id' must be a tweet id created after a week ago. Please use a 'since_id' that"
ALWAYS = {"id", "text", "edit_history_tweet_ids"}
Body = dict[str, Any]


class Fake(HttpFakePlatform):
    """Serves a world as X does; its variants are what a source may watch, and the newer dialect."""

    secret = TOKEN
    variants: ClassVar[tuple[str, ...]] = ("mentions", "mentions, post names", "search")

    def __init__(self, world: World, folder: Path) -> None:
        super().__init__(world, folder)
        self.silent: set[str] = set()  # keys of comments that do not address the brand
        self.protected: set[str] = set()  # accounts that only followers may read
        self.unseen: set[str] = set()  # keys of posts that this token may not see, though they are there
        self.long: set[str] = set()  # keys of posts whose text is cut, as that of a long post
        self.links: dict[str, str] = {}  # where the t.co links in texts lead
        self.mentions_reach = 800
        self.search_lag = timedelta()
        self.requests_left = 299
        self.next_answers: list[Reply] = []  # told before anything else
        self._n_replies: Counter[str | None] = Counter()
        self._tokens = 0  # page tokens expired so often
        self._accounts: dict[str, int] = {BRAND: 990001}

    @property
    def speaks_post(self) -> bool:
        """Whether only the newer field names are understood."""
        return self.variant.endswith("post names")

    def source_settings(self) -> Body:
        watch = self.variant.partition(", ")[0]
        query = {"query": KEYWORD} if watch == "search" else {}
        # The world's clock is not the machine's, by which the age of posts is judged in a recheck.
        recheck_for = timedelta(days=36_500)
        return {
            "base_url": self.url,
            "token": TOKEN,
            "watch": watch,
            "own_account": BRAND,
            "recheck_for": recheck_for,
        } | query

    def native_id(self, key: str) -> str:
        return first_id(self.world[key])

    def author_id(self, by: str) -> str:
        """The account id of somebody."""
        return str(self._accounts.setdefault(by, 555000 + len(self._accounts)))

    def expected(self) -> set[str]:
        return {self.native_id(entry.key) for entry in (*self.world.comments, *self.world.posts)}

    def expire_cursors(self) -> None:
        """Page tokens are forgotten; a post's id never is."""
        self._tokens += 1

    def rate_limit_headers(self, retry_after: int) -> dict[str, str]:
        return self._limits(0, datetime.now(UTC) + timedelta(seconds=retry_after))

    def error_body(self, status: int) -> Body:
        if status == 429:
            return {"title": "Too Many Requests", "detail": "Too Many Requests", "type": "about:blank", "status": 429}
        return {"title": "Error", "detail": "Error", "type": "about:blank", "status": status}

    def answer(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Reply({"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}, 401)
        reply = self.next_answers.pop(0) if self.next_answers else self._route(request)
        limits = self._limits(self.requests_left, self.world.now + timedelta(minutes=15))
        return Reply(reply.body, reply.status, {**limits, **reply.headers})

    def _limits(self, remaining: int, reset: datetime) -> dict[str, str]:
        return {
            "x-rate-limit-limit": "300",
            "x-rate-limit-remaining": str(remaining),
            "x-rate-limit-reset": str(int(reset.timestamp())),
        }

    def _route(self, request: Request) -> Reply:
        brand = self.author_id(BRAND)
        match request.path.removeprefix("/2/").split("/"):
            case ["users", "me"]:
                return Reply({"data": self._user(BRAND)})
            case ["users", "by", "username", name] if name == BRAND:
                return Reply({"data": self._user(BRAND)})
            case ["users", number, "mentions"] if number == brand:
                addressed = [entry for entry in self._shown() if entry.by != BRAND and entry.key not in self.silent]
                newest = sorted(addressed, key=lambda entry: int(last_id(entry)))[-self.mentions_reach :]
                return self._listed(request, newest, {"pagination_token"})
            case ["users", number, "tweets"] if number == brand:
                own = [entry for entry in self._shown() if entry.by == BRAND]
                return self._listed(request, own, {"pagination_token", "exclude"})
            case ["tweets", "search", "recent" | "all" as index]:
                return self._search(request, index)
            case ["tweets"]:
                return self._lookup(request)
        return Reply({"title": "Not Found", "detail": "Not Found", "type": f"{PROBLEMS}resource-not-found"}, 404)

    def _shown(self) -> list[Entry]:
        return [entry for entry in self.world.entries if entry.deleted_at is None and entry.key not in self.unseen]

    def _search(self, request: Request, index: str) -> Reply:
        query, most = request.get("query"), 512 if index == "recent" else 1024
        if not query or len(query) > most:
            return refused("query", query, f"query can be at most {most} characters")
        if index == "recent":
            oldest = id_at(self.world.now - timedelta(days=7))
            if 0 < int(request.get("since_id") or oldest) < oldest:
                return refused("since_id", request.get("since_id"), f"{TOO_OLD} is larger than {oldest}")
        found = self._matching(query)
        if index == "recent":
            found = [entry for entry in found if int(last_id(entry)) >= oldest]
        until = self.world.now - self.search_lag
        return self._listed(
            request,
            [entry for entry in found if entry.arrived_at <= until],
            {"query", "next_token", "pagination_token"},
        )

    def _matching(self, query: str) -> list[Entry]:
        words = set(re.split(r"[() ]", query))
        without_us = f"-from:{self.author_id(BRAND)}" in words
        others = [entry for entry in self._shown() if not (without_us and entry.by == BRAND)]
        return [entry for entry in others if query == KEYWORD or f"conversation_id:{self._root(entry)}" in words]

    def _listed(self, request: Request, entries: Iterable[Entry], params: set[str]) -> Reply:
        if (wrong := self._wrong_params(request, LIST_PARAMS | params)) is not None:
            return wrong
        below = int(request.get("until_id") or 2**63)
        name = "next_token" if "next_token" in params else "pagination_token"
        if token := request.get(name):
            generation, _, position = token.partition("z")
            if generation != f"7140dib{self._tokens}":
                return refused(name, token, f"The `{name}` query parameter value [{token}] is not valid")
            below = int(position)
        above = int(request.get("since_id") or 0)
        numbered = sorted(((-int(last_id(e)), e.number, e) for e in entries), key=lambda it: it[:2])
        shown = [entry for number, _, entry in numbered if above < -number < below]
        size = min(int(request.get("max_results") or 10), self.page_size)
        page = shown[:size]
        meta: Body = {"result_count": len(page)}
        if page:
            meta |= {"newest_id": last_id(page[0]), "oldest_id": last_id(page[-1])}
        if len(shown) > size:
            meta["next_token"] = f"7140dib{self._tokens}z{last_id(page[-1])}"
        return self._posts(request, page, meta, [])

    def _lookup(self, request: Request) -> Reply:
        if (wrong := self._wrong_params(request, {"ids", "expansions", "user.fields"})) is not None:
            return wrong
        ids = request.get("ids").split(",")
        if len(ids) > 100:
            return refused("ids", request.get("ids"), "The number of values in the `ids` query parameter is not valid")
        known = {version: entry for entry in self.world.entries for version in versions(entry)}
        there = [known[i] for i in ids if i in known and known[i].deleted_at is None]
        hidden = {i for i in ids if i in known and known[i].key in self.unseen and known[i].deleted_at is None}
        lost = [i for i in ids if i not in known or known[i].deleted_at is not None]
        errors = [_partial(i, "not-authorized-for-resource", "Authorization Error") for i in sorted(hidden)]
        errors += [_partial(i, "resource-not-found", "Not Found Error") for i in lost]
        return self._posts(request, [entry for entry in there if entry.key not in self.unseen], None, errors)

    def _wrong_params(self, request: Request, allowed: set[str]) -> Reply | None:
        fields = "post.fields" if self.speaks_post else "tweet.fields"
        for name in request.query:
            if name not in allowed | {fields}:
                return refused(name, request.get(name), f"The query parameter [{name}] is not one of [{fields},...]")
        if "since_id" in request.query and "start_time" in request.query:
            return refused("since_id", request.get("since_id"), "'since_id' cannot be used with 'start_time'")
        return None

    def _posts(self, request: Request, page: list[Entry], meta: Body | None, errors: list[Body]) -> Reply:
        asked = {*request.get("tweet.fields").split(","), *request.get("post.fields").split(",")}
        expanded = set(request.get("expansions").split(","))
        self._n_replies = Counter(it.reply_to or it.post for it in self.world.comments)
        answer: Body = {}
        if page:
            answer["data"] = [self._post(entry, asked | (expanded if self.speaks_post else set())) for entry in page]
        people = {entry.by for entry in page} if "author_id" in expanded else set()
        if "in_reply_to_user_id" in expanded:
            people |= {above.by for entry in page if (above := self._above(entry))}
        if people:
            answer["includes"] = {"users": [self._user(by) for by in sorted(people)]}
        if "referenced_posts" in expanded:
            answered = [entry for it in page if (entry := self._above(it)) and entry.deleted_at is None]
            if answered:
                answer["includes"]["posts"] = [self._post(entry, asked | expanded) for entry in answered]
        if errors:
            answer["errors"] = errors
        if meta is not None:
            answer["meta"] = meta
        return Reply(answer)

    def _above(self, entry: Entry) -> Entry | None:
        key = entry.reply_to or entry.post
        return self.world[key] if key else None

    def _root(self, entry: Entry) -> str:
        return first_id(self.world[entry.post] if entry.post else entry)

    def _post(self, entry: Entry, asked: set[str]) -> Body:
        above = self._above(entry)
        text = self._text(entry)
        whole: Body = {
            "id": last_id(entry),
            "text": f"{text[:40]}…" if entry.key in self.long else text,
            "author_id": self.author_id(entry.by),
            "conversation_id": self._root(entry),
            "created_at": stamp(entry.edited_at or entry.created_at),
            "edit_history_tweet_ids": versions(entry),
            "lang": "en",
            "entities": self._entities(entry),
            "public_metrics": self._metrics(entry),
        }
        if above:
            whole["in_reply_to_user_id"] = self.author_id(above.by)
            whole["referenced_tweets"] = [{"type": "replied_to", "id": last_id(above)}]
        if entry.key in self.long:
            whole["note_tweet"] = {"text": text, "entities": self._entities(entry)}
        if not self.speaks_post:
            return {name: value for name, value in whole.items() if name in asked | ALWAYS}
        renamed = {POST_NAMES.get(name, name): value for name, value in whole.items()}
        return {
            name: value for name, value in renamed.items() if name in asked | {"id", "text", "edit_history_post_ids"}
        }

    def _text(self, entry: Entry) -> str:
        greeting = f"@{BRAND} " if self._addresses_brand(entry) else ""
        return greeting + entry.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    def _entities(self, entry: Entry) -> Body:
        found: Body = {}
        if self._addresses_brand(entry):
            mention = {"start": 0, "end": len(BRAND) + 1, "username": BRAND, "id": self.author_id(BRAND)}
            found["mentions"] = [mention]
        links = [(short, long) for short, long in self.links.items() if short in entry.text]
        if links:
            found["urls"] = [{"start": 0, "end": 23, "url": short, "expanded_url": long} for short, long in links]
        return found

    def _addresses_brand(self, entry: Entry) -> bool:
        return entry.by != BRAND and entry.key not in self.silent

    def _metrics(self, entry: Entry) -> Body:
        n_replies = self._n_replies[entry.key]
        reposts = "repost_count" if self.speaks_post else "retweet_count"
        counts = {"reply_count": n_replies, "like_count": 2, "quote_count": 0, "bookmark_count": 0}
        return {reposts: 0, **counts, "impression_count": 41}

    def _user(self, by: str) -> Body:
        posts = "post_count" if self.speaks_post else "tweet_count"
        return {
            "id": self.author_id(by),
            "name": by.title(),
            "username": by,
            "protected": by in self.protected,
            "public_metrics": {"followers_count": 5, "following_count": 3, posts: 1, "listed_count": 0},
        }


def refused(name: str, value: str, says: str) -> Reply:
    """A 400 about one parameter."""
    return Reply(
        {
            "errors": [{"parameters": {name: [value]}, "message": says}],
            "title": "Invalid Request",
            "detail": "One or more parameters to your request was invalid.",
            "type": f"{PROBLEMS}invalid-request",
        },
        400,
    )


def _partial(post_id: str, kind: str, title: str) -> Body:
    about = {"resource_id": post_id, "resource_type": "tweet", "parameter": "ids", "value": post_id}
    return about | {"title": title, "detail": f"{title}: [{post_id}].", "type": f"{PROBLEMS}{kind}"}


def id_at(at: datetime, number: int = 0) -> int:
    """The id of a post written then; `number` tells those of one millisecond apart."""
    return ((round(at.timestamp() * 1000) - 1_288_834_974_657) << 22) + number


def first_id(entry: Entry) -> str:
    """The id under which a post appeared."""
    return str(id_at(entry.created_at, entry.number))


def last_id(entry: Entry) -> str:
    """The id of its present version."""
    return versions(entry)[-1]


def versions(entry: Entry) -> list[str]:
    """The ids of its versions, the first one first."""
    edited = [str(id_at(entry.edited_at, entry.number))] if entry.edited_at else []
    return list(dict.fromkeys([first_id(entry), *edited]))


def stamp(at: datetime) -> str:
    """A time as X writes it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
