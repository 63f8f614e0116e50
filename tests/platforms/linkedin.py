"""LinkedIn's Community Management API for one page: versioned, Rest.li 2.0.0, two names for each post, two levels.

The brand's posts are the page's own; a stranger's post mentions the page, and its comments are nobody's business but
ours. A reply to a reply hangs under the comment on top; a deleted comment takes its replies with it. The feed tells of
comments under their own time, in no order that anybody could rely on, and leaves out what is in `silent`.
Source: the sheet of the Community Management API, version 202607.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tests.platforms.base import BRAND, Entry, World
from tests.platforms.server import HttpFakePlatform, Reply, Request

TOKEN = "a-token-that-nobody-may-see"
NUMBER = "123"
PAGE = f"urn:li:organization:{NUMBER}"
VERSION = "202607"
FEED, POSTS, SOCIAL, METADATA = "organizationalEntityNotifications", "posts", "socialActions", "socialMetadata"
KEPT = timedelta(days=60)
_SPAN = re.compile(r"timeRange=\(start:([0-9]+),end:([0-9]+)\)")
_ACTIONS = re.compile(r"actions=List\(([A-Z_,]+)\)")
_KNOWN_ACTIONS = {
    *("LIKE", "COMMENT", "SHARE", "SHARE_MENTION", "ADMIN_COMMENT", "COMMENT_EDIT", "COMMENT_DELETE"),
}
_RESERVED = re.compile(r"([\\|{}@\[\]()<>#*_~])")


def refusal(status: int, code: str, message: str, number: int | None = None) -> Reply:
    """An error as LinkedIn writes it."""
    told: dict[str, Any] = {"status": status, "code": code, "message": message}
    return Reply(told | ({"serviceErrorCode": number} if number is not None else {}), status)


def ms(at: datetime) -> int:
    return round(at.timestamp() * 1_000)


class Fake(HttpFakePlatform):
    """Serves a world as one LinkedIn page."""

    secret = TOKEN
    cursors_never_expire = "a position is a number of rows"

    def __init__(self, world: World, folder: Path) -> None:
        super().__init__(world, folder)
        self.valid_token = TOKEN
        self.versions = {VERSION}
        self.refuses: dict[str, Reply] = {}  # by the first part of the path
        self.silent: set[str] = set()  # keys of comments of which the feed tells nothing
        self.is_undecorated = False
        self.names_activities = True  # of source posts; otherwise shares
        self.is_blind = False  # the role RECRUITING_POSTER
        self.hides_strangers_posts = False
        self.finds_replies_by_number = True
        self.has_links = True
        self.has_totals = False
        self.oldest_first = False
        self.retry_after = True
        self.shares: dict[str, str] = {}  # posts of strangers that share ours, by key: the key of ours
        self.raw_parts: dict[str, dict[str, Any]] = {}  # by key: what an answer has besides, or instead
        self.lag: dict[str, timedelta] = {}  # how long after the feed told of it a comment can be fetched
        self._kept: dict[str, list[Entry]] | None = None
        self._names: dict[str, str] = {}
        self._rows: tuple[object, list[tuple[str, dict[str, Any]]]] = (None, [])

    def changed(self) -> None:
        self._kept, self._names, self._rows = None, {}, (None, [])

    def source_settings(self) -> dict[str, Any]:
        # As with the Standard tier: what the Development tier allows is a test of its own.
        return {"token": TOKEN, "base_url": f"{self.url}/rest", "organization": NUMBER, "sweep_a_day": 5_000}

    # --- names ---

    def post_urn(self, key: str) -> str:
        entry = self.world[key]
        return f"urn:li:{'share' if entry.number % 2 else 'ugcPost'}:{7340000000000000000 + entry.number}"

    def activity(self, key: str) -> str:
        return f"urn:li:activity:{7345000000000000000 + self.world[key].number}"

    def comment_urn(self, key: str) -> str:
        return f"urn:li:comment:({self.activity(self.world[key].post or '')},{self.native_id(key)})"

    def native_id(self, key: str) -> str:
        entry = self.world[key]
        return self.post_urn(key) if entry.is_post else str(7350000000000000000 + entry.number)

    def actor(self, name: str) -> str:
        return PAGE if name == BRAND else f"urn:li:person:{name.replace('.', '_')}"

    # --- what there is ---

    def top_of(self, entry: Entry) -> Entry | None:
        """The comment on top of a reply's thread; None for one that is on top itself."""
        found = entry
        while found.reply_to:
            found = self.world[found.reply_to]
        return None if found.key == entry.key else found

    def is_there(self, entry: Entry) -> bool:
        top = self.top_of(entry)
        post = self.world[entry.post] if entry.post else None
        return all(one is None or one.deleted_at is None for one in (entry, top, post))

    def _under(self, key: str) -> list[Entry]:
        """The comments on top of a post, or the replies to a comment."""
        if self._kept is None:
            self._kept = {}
            for entry in self.world.comments:
                if self.is_there(entry):
                    top = self.top_of(entry)
                    self._kept.setdefault(top.key if top else entry.post or "", []).append(entry)
        found = self._kept.get(key, [])
        return found if self.oldest_first else found[::-1]

    def expected(self) -> set[str]:
        entries = [*self.world.posts, *(one for one in self.world.comments if self.is_there(one))]
        return {self.native_id(one.key) for one in entries if self._is_told(one)}

    def _is_told(self, entry: Entry) -> bool:
        """What anybody can learn of: below a stranger's post only our own comments."""
        return entry.post is None or self.world[entry.post].is_ours or entry.is_ours

    # --- HTTP ---

    def error_body(self, status: int) -> Any:
        codes = {401: "INVALID_ACCESS_TOKEN", 403: "ACCESS_DENIED", 404: "NOT_FOUND", 429: "TOO_MANY_REQUESTS"}
        return {"status": status, "code": codes.get(status, "INTERNAL_SERVER_ERROR"), "message": "No."}

    def rate_limit_headers(self, retry_after: int) -> dict[str, str]:
        return {"Retry-After": str(retry_after)} if self.retry_after else {}

    def answer(self, request: Request) -> Reply:
        if refused := self._refused(request):
            return refused
        parts = request.path.strip("/").split("/")
        if parts[0] != "rest" or any("urn:" in part or "(" in part for part in parts):
            return refusal(400, "ILLEGAL_ARGUMENT", "Syntax exception in path variables")
        if parts[1] in self.refuses:
            return self.refuses[parts[1]]
        match [unquote(part) for part in parts[1:]]:
            case ["organizationalEntityNotifications"]:
                return self._feed(request)
            case ["posts"]:
                return self._posts(request)
            case ["posts", urn]:
                return self._one_post(urn)
            case ["socialActions", urn, "comments"]:
                return self._comments(request, urn)
            case ["socialActions", urn, "comments", number]:
                return self._one_comment(urn, number)
            case ["socialMetadata", urn]:
                return self._metadata(urn)
        return refusal(404, "RESOURCE_NOT_FOUND", f"No virtual resource found for {request.path}")

    def _refused(self, request: Request) -> Reply | None:
        headers = request.headers
        if headers.get("authorization") != f"Bearer {self.valid_token}":
            return refusal(401, "INVALID_ACCESS_TOKEN", "Invalid access token", 65600)
        version = headers.get("linkedin-version", "")
        if not version:
            return refusal(400, "VERSION_MISSING", "A version must be present.")
        if version not in self.versions:
            return refusal(426, "NONEXISTENT_VERSION", f"Requested version {version}01 is not active")
        if headers.get("x-restli-protocol-version") != "2.0.0":
            return refusal(400, "ILLEGAL_ARGUMENT", "Invalid query parameters: protocol 1.0.0")
        if re.search(r"=urn:|%28|%2C", request.raw_query):
            return refusal(400, "PARAM_INVALID", "Invalid query parameters passed to request")
        return None

    def _listed(self, request: Request, rows: Sequence[Any], most: int) -> Reply:
        start, asked = int(request.get("start", "0")), int(request.get("count", "10"))
        if asked > most:
            return refusal(400, "PARAM_INVALID", f"count may be {most} at most")
        size = min(asked, self.page_size)
        links = []
        if start + size < len(rows) and self.has_links:
            links.append(
                {"rel": "next", "type": "application/json", "href": f"/rest/x?start={start + size}&count={size}"}
            )
        paging: dict[str, Any] = {"start": start, "count": size, "links": links}
        if self.has_totals:
            paging["total"] = len(rows)
        return Reply({"elements": list(rows[start : start + size]), "paging": paging})

    # --- the feed ---

    def _feed(self, request: Request) -> Reply:
        span, actions = _SPAN.search(request.raw_query), _ACTIONS.search(request.raw_query)
        if not span or not actions or request.get("q") != "criteria" or request.get("organizationalEntity") != PAGE:
            return refusal(400, "PARAM_INVALID", "Invalid criteria")
        wanted = set(actions[1].split(","))
        if wanted - _KNOWN_ACTIONS:
            return refusal(400, "PARAM_INVALID", "Invalid action")
        since, until = max(int(span[1]), ms(self.world.now - KEPT)), int(span[2])
        flags = (self.is_undecorated, self.names_activities, tuple(self.shares.items()))
        if self._rows[0] != flags:
            self._rows = (flags, list(self._told()))
        rows = [row for key, row in self._rows[1] if key not in self.silent and row["action"] in wanted]
        told = [row for row in rows if since <= row["lastModifiedAt"] < until]
        return self._listed(request, told if self.oldest_first else told[::-1], 50)

    def _told(self) -> Iterable[tuple[str, dict[str, Any]]]:
        """All that there is to tell of, with the key of what it is about."""
        for entry in self.world.entries:
            if entry.is_post:
                if not entry.is_ours:
                    yield entry.key, self._told_post(entry)
            elif self._is_told(entry):
                action = "ADMIN_COMMENT" if entry.is_ours else "COMMENT"
                yield entry.key, self._told_comment(entry, action, entry.created_at, 0)
                if entry.edited_at:
                    yield entry.key, self._told_comment(entry, "COMMENT_EDIT", entry.edited_at, 1)
                if entry.deleted_at:
                    yield entry.key, self._told_comment(entry, "COMMENT_DELETE", entry.deleted_at, 2)

    def _row(self, entry: Entry, action: str, at: datetime, kind: int, source: str) -> dict[str, Any]:
        row = {
            "notificationId": entry.number * 10 + kind,
            "organizationalEntity": PAGE,
            "action": action,
            "sourcePost": self.activity(source) if self.names_activities else self.post_urn(source),
            "lastModifiedAt": ms(at),
            "subscriber": "urn:li:person:adminX",
        }
        if not self.is_undecorated:
            post = self.world[source]
            owner = self.actor(post.by)
            row["decoratedSourcePost"] = {
                "entity": self.post_urn(source),
                "owner": owner,
                "text": post.text,
                "mediaCategory": "NONE",
            }
        return row

    def _told_comment(self, entry: Entry, action: str, at: datetime, kind: int) -> dict[str, Any]:
        row = self._row(entry, action, at, kind, entry.post or "")
        # Seen so: the name within a comment's name without its beginning.
        row["generatedActivity"] = self.comment_urn(entry.key).replace("(urn:li:", "(")
        if not self.is_undecorated and action != "COMMENT_DELETE":
            row["decoratedGeneratedActivity"] = {
                "comment": {
                    "entity": self.comment_urn(entry.key),
                    "owner": self.actor(entry.by),
                    "text": entry.text,
                    "object": self.activity(entry.post or ""),
                }
            }
        return row

    def _told_post(self, entry: Entry) -> dict[str, Any]:
        ours = self.shares.get(entry.key)
        row = self._row(entry, "SHARE" if ours else "SHARE_MENTION", entry.created_at, 0, ours or entry.key)
        row["generatedActivity"] = self.post_urn(entry.key)
        if not self.is_undecorated:
            share = {"entity": self.post_urn(entry.key), "owner": self.actor(entry.by), "text": entry.text}
            row["decoratedGeneratedActivity"] = {"share": share}
        return row

    # --- posts ---

    def _posts(self, request: Request) -> Reply:
        if request.get("q") != "author" or request.get("author") != PAGE:
            return refusal(400, "PARAM_INVALID", "Invalid finder")
        posts = [one for one in self.world.posts if one.is_ours]
        posts.sort(key=lambda one: (one.edited_at or one.created_at, one.number), reverse=True)
        return self._listed(request, [self._post(one) for one in posts], 100)

    def _one_post(self, urn: str) -> Reply:
        key = self._place(urn)
        entry = self.world[key] if key else None
        if entry is None or self.post_urn(entry.key) != urn:
            return refusal(404, "NOT_FOUND", "Could not find entity")
        if not entry.is_ours and self.hides_strangers_posts:
            return refusal(403, "ACCESS_DENIED", "Not enough permissions to access: GET /posts", 100)
        return Reply(self._post(entry))

    def _post(self, entry: Entry) -> dict[str, Any]:
        told = {
            "id": self.post_urn(entry.key),
            "author": self.actor(entry.by),
            "commentary": _RESERVED.sub(r"\\\1", entry.text),
            "createdAt": ms(entry.created_at) - 900,
            "publishedAt": ms(entry.created_at),
            "lastModifiedAt": ms(entry.edited_at or entry.created_at) + 300,
            "visibility": "PUBLIC",
            "lifecycleState": "PUBLISHED",
            "isReshareDisabledByAuthor": False,
            "distribution": {"feedDistribution": "MAIN_FEED", "thirdPartyDistributionChannels": []},
        }
        return _without_none(told | self.raw_parts.get(entry.key, {}))

    # --- comments ---

    def _place(self, urn: str) -> str | None:
        """The key of what this is the name of: a post under either name, or a comment; None where there is none."""
        if not self._names:
            for entry in self.world.entries:
                names = [self.native_id(entry.key)]
                names += [self.post_urn(entry.key), self.activity(entry.key)] if entry.is_post else []
                names += [] if entry.is_post else [self.comment_urn(entry.key)]
                self._names |= dict.fromkeys(names, entry.key)
        key = self._names.get(urn)
        return key if key is not None and self.is_there(self.world[key]) else None

    def _comments(self, request: Request, urn: str) -> Reply:
        key = self._place(urn)
        if key is None:
            return refusal(404, "NOT_FOUND", f"Could not find entity {urn}")
        rows = [] if self.is_blind else [self._comment(one) for one in self._under(key) if self._is_ready(one)]
        return self._listed(request, rows, 100)

    def _one_comment(self, urn: str, number: str) -> Reply:
        key, named = self._place(urn), self._place(number)
        found = self.world[named] if named else None
        is_there = found is not None and self._is_ready(found) and not self.is_blind
        if (
            key is None
            or found is None
            or not is_there
            or key not in (found.post, getattr(self.top_of(found), "key", ""))
        ):
            return refusal(404, "NOT_FOUND", f"Comment {number} does not exist")
        if found.reply_to and not self.finds_replies_by_number:
            return refusal(404, "NOT_FOUND", f"Comment {number} does not exist")
        if not self.world[found.post or ""].is_ours and self.hides_strangers_posts:
            return refusal(403, "ACCESS_DENIED", "Not enough permissions to access: GET-comments /socialActions", 100)
        return Reply(self._comment(found))

    def _is_ready(self, entry: Entry) -> bool:
        return entry.created_at + self.lag.get(entry.key, timedelta(0)) <= self.world.now

    def _comment(self, entry: Entry) -> dict[str, Any]:
        actor, top = self.actor(entry.by), self.top_of(entry)
        n_replies = len(self._under(entry.key))
        stamp = {"actor": actor, "time": ms(entry.created_at)}
        if entry.is_ours:
            stamp["impersonator"] = "urn:li:person:adminX"
        likes = {"totalLikes": 0, "aggregatedTotalLikes": 0, "likedByCurrentUser": False, "selectedLikes": []}
        told: dict[str, Any] = {
            "actor": actor,
            "agent": "urn:li:person:adminX" if entry.is_ours else None,
            "commentUrn": self.comment_urn(entry.key),
            "created": stamp,
            "id": self.native_id(entry.key),
            "lastModified": stamp | {"time": ms(entry.edited_at or entry.created_at)},
            "likesSummary": likes,
            "message": {"attributes": [], "text": entry.text},
            "object": self.activity(entry.post or ""),
            "parentComment": self.comment_urn(top.key) if top else None,
        }
        if top is None:
            summary = {"selectedComments": [], "totalFirstLevelComments": n_replies}
            told["commentsSummary"] = summary | {"aggregatedTotalComments": n_replies}
        return _without_none(told | self.raw_parts.get(entry.key, {}))

    def _metadata(self, urn: str) -> Reply:
        key = self._place(urn)
        if key is None:
            return refusal(404, "NOT_FOUND", f"Could not find entity {urn}")
        top = self._under(key)
        n = len(top) + sum(len(self._under(one.key)) for one in top)
        summary = {"count": n, "topLevelCount": len(top)}
        return Reply({"entity": urn, "reactionSummaries": {}, "commentsState": "OPEN", "commentSummary": summary})


def _without_none(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if value is not None}
