"""What the Reddit API is asked, and what its answers are made of: things, listings, trees with holes in them.

Payloads are looked at here only as far as their names, times and markers; what cannot be understood is passed on,
so that it reaches quarantine.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

from connectors.base import Access, Json
from connectors.reddit_app import AppToken
from monitor.errors import Gone, Malformed, RateLimited, Unauthorized, Unavailable
from monitor.http import Answer, HttpClient, retry_at

BATCH = 100  # Source: reddit.com/dev/api: /api/info and /api/morechildren take 100 names at a time
THREAD_LIMIT = 500  # Source: reddit.com/dev/api, GET /comments/{article}: what an ordinary account is shown at once
SITE = "https://www.reddit.com"
_NAME = re.compile(r"t[1346]_[0-9a-z]{1,13}")
_ID = re.compile(r"[0-9a-z]{1,13}")
_IN_CONTEXT = re.compile(r"/comments/([0-9a-z]{1,13})/")
_SHORTEST_WAIT, _LONGEST_WAIT = timedelta(seconds=5), timedelta(minutes=15)
_DELETED = ("[deleted]", "[removed]", "[ Removed by Reddit ]")
_REASONS = {"private": "is private", "banned": "is banned", "quarantined": "is quarantined", "gold_only": "is closed"}
# What is kept of a thing: the rest changes at every read (scores of others, flairs) or is large (the HTML).
_KEPT = (
    *("name", "author", "author_fullname", "created_utc", "edited", "body", "title", "selftext", "url", "is_self"),
    *("parent_id", "link_id", "permalink", "context", "subreddit", "subject", "dest", "type", "score", "num_comments"),
    *("first_message_name", "removed", "spam", "banned_by", "removed_by_category", "likes"),
)


@dataclass(frozen=True, slots=True)
class Tree:
    """A conversation as far as one answer shows it: comments, and what it leaves out.

    `more` are the ids (without prefix) of comments that are to be asked for, `below` those of comments whose
    replies are to be asked for with a request of their own ("continue this thread").
    """

    link: Json
    things: list[Json]
    more: list[str] = field(default_factory=list)
    below: list[str] = field(default_factory=list)


def name_of(thing: Json) -> str:
    """The fullname ("t1_abc") of a thing, "" where it has none (names go into URLs)."""
    data = data_of(thing)
    return read_name(data.get("name"))


def data_of(thing: Json) -> dict[str, Any]:
    data = thing.get("data") if isinstance(thing, dict) else None
    return data if isinstance(data, dict) else {}


def read_name(value: object) -> str:
    return value if isinstance(value, str) and _NAME.fullmatch(value) else ""


def read_id(value: object) -> str:
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""


def created(thing: Json) -> float | None:
    """Unix seconds, None where it does not tell. `created` beside it is in a zone of Reddit's own."""
    at = data_of(thing).get("created_utc")
    return float(at) if isinstance(at, (int, float)) and not isinstance(at, bool) and isfinite(at) else None


def count_of(thing: Json) -> int:
    count = data_of(thing).get("num_comments")
    return count if isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 10**9 else 0


def is_deleted(thing: Json) -> bool:
    """Whether its author deleted it or a moderator removed it: only the text tells outsiders.

    Source: the platform shows "[deleted]" and "[removed]" in its place; what somebody typed has an author.
    """
    data = data_of(thing)
    text = data.get("selftext") if name_of(thing).startswith("t3_") else data.get("body")
    has_author = data.get("author") not in (None, "", "[deleted]")
    if not has_author:
        return text in _DELETED or data.get("removed_by_category") in ("deleted", "author")
    return text in _DELETED[1:]


def link_of(thing: Json) -> dict[str, Any] | None:
    """The post above a comment, as far as the comment itself or the post tells; None where it does not."""
    data = data_of(thing)
    if name_of(thing).startswith("t3_"):
        return {key: data.get(key) for key in ("name", "author", "title", "permalink")}
    if "link_author" not in data:
        return None
    address = data.get("link_permalink")
    return {
        "name": data.get("link_id"),
        "author": data["link_author"],
        "title": data.get("link_title"),
        "permalink": address.removeprefix(SITE) if isinstance(address, str) else None,
    }


def link_name(thing: Json) -> str:
    """The fullname of the post above a comment; the inbox tells it only in the address of the comment."""
    data = data_of(thing)
    if found := read_name(data.get("link_id")):
        return found
    context = data.get("context")
    match = _IN_CONTEXT.search(context) if isinstance(context, str) else None
    return f"t3_{match[1]}" if match else ""


def trimmed(thing: Json) -> Json:
    """The thing without what nobody reads; as it is where it has not the shape of a thing."""
    if not isinstance(thing, dict) or not isinstance(thing.get("data"), dict):
        return thing
    data = thing["data"]
    return {"kind": thing.get("kind"), "data": {key: data[key] for key in _KEPT if key in data}}


class Api:
    """The requests of one call; `n_spent` counts them, `poll_after` is what the rate limit of the last one demands."""

    def __init__(self, base_url: str, access: Access, user_agent: str, http: HttpClient) -> None:
        self._base, self._access, self._agent, self._http = base_url, access, user_agent, http
        self.n_spent = 0
        self.poll_after: datetime | None = None

    def get(self, path: str, params: dict[str, Any] | None = None) -> Json:
        """The answer to one request.

        Raises: what `HttpClient.request` and `Answer.json` raise; Gone for a place that is closed to us.
        """
        params = {"raw_json": 1, **(params or {})}  # without it &, < and > come as entities
        token = self._access.token()
        try:
            answer = self._ask(path, params, token)
        except Unauthorized as error:
            if error.status == 401 and isinstance(self._access, AppToken):
                self._access.forget(token)
            renewed = self._access.token() if error.status == 401 else token
            if renewed == token:
                raise
            answer = self._ask(path, params, renewed)
        self.poll_after = _pause(answer.headers, datetime.now(UTC))
        return answer.json()

    def _ask(self, path: str, params: dict[str, Any], token: str) -> Answer:
        headers = {"Authorization": f"bearer {token}", "User-Agent": self._agent}
        self.n_spent += 1
        # Not followed: a subreddit that does not exist redirects to the search for one, which answers 200.
        try:
            return self._http.request("GET", self._base + path, params=params, headers=headers)
        except RateLimited as error:
            error.retry_at = error.retry_at or retry_at(
                {"retry-after": error.headers.get("x-ratelimit-reset", "")}, datetime.now(UTC)
            )
            raise
        except Unavailable as error:
            if error.status not in (301, 302):
                raise
        except Unauthorized as error:
            if error.status != 403 or (why := _why_closed(error.payload)) is None:
                raise
            raise Gone(f"{path} {why}: the account is not let in", status=403) from None
        raise Gone(f"{path} redirects: there is no such subreddit", status=302)

    def listing(self, path: str, params: dict[str, Any]) -> tuple[list[Json], str]:
        """The things of one page, newest first, and the name after which the next page begins ("": none)."""
        return _listing(self.get(path, params), path)

    def info(self, names: Sequence[str]) -> dict[str, Json]:
        """The things of these names as they are now, deleted ones too; what Reddit does not show is left out."""
        found: dict[str, Json] = {}
        for start in range(0, len(names), BATCH):
            things, _ = self.listing("/api/info", {"id": ",".join(names[start : start + BATCH])})
            found.update((name_of(thing), thing) for thing in things if name_of(thing))
        return found

    def thread(self, link: str, below: str = "") -> Tree:
        """A post and the newest of its comments, or those below one comment; `link` and `below` have no prefix."""
        path = f"/comments/{link}/_/{below}" if below else f"/comments/{link}"
        parts = self.get(path, {"limit": THREAD_LIMIT, "sort": "new"})
        if not isinstance(parts, list) or not parts:
            raise Malformed(f"{path} answered something that is not a thread", payload=str(parts)[:20_000], status=200)
        links, _ = _listing(parts[0], path)
        # The second part is missing or empty where all below was removed.
        children = _listing(parts[1], path)[0] if len(parts) > 1 else []
        return _flat(links[0] if links else None, children)

    def more(self, link: str, ids: Sequence[str]) -> Tree:
        """The comments behind a "more" of a thread; at most 100 ids."""
        params = {"api_type": "json", "link_id": f"t3_{link}", "children": ",".join(ids), "sort": "new"}
        answer = self.get("/api/morechildren", params)
        inner = answer.get("json") if isinstance(answer, dict) else None
        data = data_of(inner)
        things = data.get("things")
        if not isinstance(things, list):
            raise Malformed("/api/morechildren answered without things", payload=str(answer)[:20_000], status=200)
        return _flat(None, things)


def _why_closed(payload: str) -> str | None:
    try:
        said = json.loads(payload)
    except ValueError:
        return None
    reason = said.get("reason") if isinstance(said, dict) else None
    return _REASONS.get(reason) if isinstance(reason, str) else None


def _pause(headers: Any, now: datetime) -> datetime | None:
    """When to go on after the quota is used up. Both headers are floats, and cached answers have neither."""
    try:
        left = float(headers.get("x-ratelimit-remaining", ""))
        wait = timedelta(seconds=float(headers.get("x-ratelimit-reset", "")))
    except (ValueError, OverflowError):
        return None
    return now + min(max(wait, _SHORTEST_WAIT), _LONGEST_WAIT) if left < 2 else None


def _listing(answer: Json, path: str) -> tuple[list[Json], str]:
    data = data_of(answer)
    children = data.get("children")
    if not isinstance(children, list):
        raise Malformed(f"{path} answered something that is not a listing", payload=str(answer)[:20_000], status=200)
    return children, read_name(data.get("after"))


def _flat(link: Json, children: Iterable[Json]) -> Tree:
    """A tree's comments without their nesting. Not by recursion: hostile trees are deep."""
    tree = Tree(link, [])
    waiting = list(children)
    while waiting:
        thing = waiting.pop()
        data = data_of(thing)
        if isinstance(thing, dict) and thing.get("kind") == "more":
            ids = [found for one in data.get("children") or () if (found := read_id(one))]
            above = read_name(data.get("parent_id"))
            if ids:
                tree.more.extend(ids)
            elif above.startswith("t1_"):
                tree.below.append(above[3:])
            continue
        tree.things.append(thing)
        # "" where there are none.
        below = data_of(data.get("replies")).get("children")
        waiting += below if isinstance(below, list) else []
    return tree
