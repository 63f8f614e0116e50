"""TikTok's API for Business: videos with counts, comments of one video, replies of one comment; status 200.

Beyond the first comments of a video (500 with the real one) the order is by likes, and repeats itself. Replies have one
level: an answer to an answer hangs below the comment on top. What is deleted is absent, with all that hangs below it.
"""

import json
from pathlib import Path
from typing import Any

from tests.platforms.base import Entry, World
from tests.platforms.server import HttpFakePlatform, Reply, Request

TOKEN = "act.a-token-that-nobody-may-see"
BUSINESS = "open-id-of-the-brand"
INLINE = 3
CODES = {400: 40002, 401: 40105, 403: 40001, 404: 40404, 429: 40100}


def refusal(code: int, message: str, status: int = 200) -> Reply:
    """How TikTok says no."""
    return Reply({"code": code, "message": message, "request_id": "20260302AB"}, status)


NOT_OURS = refusal(40002, "The video does not exist or is not owned by the account.")
THROTTLED = refusal(40100, "Too many requests. Please retry in some time.")
NO_TOKEN = refusal(40105, "Access token is invalid or expired.")


class Fake(HttpFakePlatform):
    """Serves a world as the account of one business."""

    secret = TOKEN
    cursors_never_expire = "a position is an offset, and none is kept for longer than a walk"

    def __init__(self, world: World, folder: Path) -> None:
        super().__init__(world, folder)
        self.refuses: dict[str, Reply] = {}  # by how a path ends
        self.in_order = 500  # comments of a video that come by their time
        self.counts_replies = True  # in the count of a video
        self.counts_at_all = True
        self.heeds_filters = True
        self.frozen: dict[str, int] = {}  # counts of videos that stand still
        self.has_empty_pages = False  # among the others, with has_more
        self.private: set[str] = set()  # videos by key
        self.hidden: set[str] = set()  # comments by key
        self.sends_numbers = False  # ids and times, where others send text
        self.raw_parts: dict[str, dict[str, Any]] = {}
        self._kept: tuple[dict[str, list[Entry]], dict[str, list[Entry]]] | None = None

    def changed(self) -> None:
        self._kept = None

    def source_settings(self) -> dict[str, Any]:
        return {"base_url": self.url, "business_id": BUSINESS, "token": TOKEN}

    def native_id(self, key: str) -> str:
        entry = self.world[key]
        return str((7_399_999_999_000_000_000 if entry.is_post else 7_400_000_000_000_000_000) + entry.number)

    def expected(self) -> set[str]:
        shown = [one for post in self._posts() for one in self._all_below(post.key)]
        return {self.native_id(one.key) for one in (*self._posts(), *shown)}

    def error_body(self, status: int) -> Any:
        message = {429: "Too many requests. Please retry in some time.", 401: "Access token is invalid or expired."}
        return refusal(CODES.get(status, 50000), message.get(status, "No.")).body

    # --- the world as TikTok has it ---

    def _posts(self) -> list[Entry]:
        posts = [one for one in self.world.posts if one.key not in self.private]
        return sorted(posts, key=lambda one: (one.created_at, one.number), reverse=True)

    def _root(self, entry: Entry) -> Entry:
        while entry.reply_to is not None:
            entry = self.world[entry.reply_to]
        return entry

    @property
    def _index(self) -> tuple[dict[str, list[Entry]], dict[str, list[Entry]]]:
        """The comments on top of each post and the replies below each of those, the newest first."""
        if self._kept is None:
            tops: dict[str, list[Entry]] = {}
            replies: dict[str, list[Entry]] = {}
            for one in sorted(self.world.comments, key=lambda one: (one.created_at, one.number), reverse=True):
                if one.reply_to is None:
                    tops.setdefault(one.post or "", []).append(one)
                else:
                    replies.setdefault(self._root(one).key, []).append(one)
            self._kept = tops, replies
        return self._kept

    def _top(self, post: str) -> list[Entry]:
        return self._index[0].get(post, [])

    def _replies(self, root: str) -> list[Entry]:
        return self._index[1].get(root, [])

    def _all_below(self, post: str) -> list[Entry]:
        return [one for top in self._top(post) for one in (top, *self._replies(top.key))]

    # --- the API ---

    def answer(self, request: Request) -> Reply:
        assert "authorization" not in request.headers
        if request.headers.get("access-token") != TOKEN:
            return NO_TOKEN
        for end, reply in self.refuses.items():
            if request.path.endswith(end):
                return reply
        assert request.get("business_id") == BUSINESS
        match request.path:
            case "/business/get/":
                return self._ok({"username": "acme", "display_name": "Acme Bakery"})
            case "/business/video/list/":
                return self._videos(request)
            case "/business/comment/list/":
                return self._comments(request)
            case "/business/comment/reply/list/":
                return self._reply_list(request)
        return refusal(40404, "No such path.")

    def _ok(self, data: dict[str, Any]) -> Reply:
        return Reply({"code": 0, "message": "OK", "request_id": "20260302AA", "data": data})

    def _videos(self, request: Request) -> Reply:
        assert int(request.get("max_count")) <= 20
        fields, found = json.loads(request.get("fields")), self._posts()
        if self.heeds_filters and (filters := request.get("filters")):
            wanted = json.loads(filters)["video_ids"]
            assert len(wanted) <= 20
            found = [one for one in found if self.native_id(one.key) in wanted]
        return self._page("videos", [self._video(one, fields) for one in found], request)

    def _comments(self, request: Request) -> Reply:
        self._check_order(request)
        post = self._post_of(request)
        if post is None:
            return NOT_OURS
        found = self._top(post.key)
        if named := request.get("comment_ids"):
            wanted = json.loads(named)
            assert len(wanted) <= 30
            assert all(isinstance(one, str) for one in wanted)
            found = [one for one in found if self.native_id(one.key) in wanted]
        else:
            rest = found[self.in_order :]
            found = found[: self.in_order] + rest[1:] + rest[:1] + rest[:2]  # by likes, and some twice
        with_replies = request.get("include_replies") == "true"
        return self._page("comments", [self._comment(one, with_replies) for one in found], request)

    def _reply_list(self, request: Request) -> Reply:
        self._check_order(request)
        post = self._post_of(request)
        roots = (
            [one for one in self._top(post.key) if self.native_id(one.key) == request.get("comment_id")] if post else []
        )
        if not roots:
            return refusal(40002, "The comment does not exist.")
        return self._page("comments", [self._comment(one) for one in self._replies(roots[0].key)], request)

    def _check_order(self, request: Request) -> None:
        order = (request.get("sort_field"), request.get("sort_order"))
        assert order == ("create_time", "desc"), "without it the order is random"
        assert request.get("status") == "ALL"
        assert int(request.get("max_count")) <= 30

    def _post_of(self, request: Request) -> Entry | None:
        return next((one for one in self._posts() if self.native_id(one.key) == request.get("video_id")), None)

    def _page(self, name: str, found: list[Any], request: Request) -> Reply:
        at = int(request.get("cursor", "0"))
        size = min(int(request.get("max_count")), self.page_size)
        if self.has_empty_pages:  # every second place holds nothing
            at, is_empty = at // 2, at % 2
            end = at + size
            following = 2 * end if is_empty else 2 * at + 1
            shown = found[at:end] if is_empty else []
            return self._ok({name: shown, "cursor": following, "has_more": not is_empty or end < len(found)})
        end = at + size
        return self._ok({name: found[at:end], "cursor": end, "has_more": end < len(found)})

    def _video(self, entry: Entry, fields: list[str]) -> dict[str, Any]:
        below = self._all_below(entry.key) if self.counts_replies else self._top(entry.key)
        told = {
            "item_id": self.native_id(entry.key),
            "create_time": self._number(int(entry.created_at.timestamp())),
            "caption": entry.text,
            "share_url": f"https://www.tiktok.com/@acme/video/{self.native_id(entry.key)}?utm_campaign=tt4d",
            "comments": self.frozen.get(entry.key, len(below)),
            "likes": 12,
        }
        if not self.counts_at_all:
            del told["comments"]
        return {name: told[name] for name in fields if name in told} | self.raw_parts.get(entry.key, {})

    def _comment(self, entry: Entry, with_replies: bool = False) -> dict[str, Any]:
        number = sum(entry.by.encode())
        told: dict[str, Any] = {
            "comment_id": self._number(int(self.native_id(entry.key))),
            "video_id": self._number(int(self.native_id(entry.post or ""))),
            "user_id": f"{number}",
            "unique_identifier": f"u_{number}",
            "username": "acme" if entry.is_ours else entry.by,
            "display_name": entry.by.title(),
            "profile_image": "https://p16.example/a.jpg",
            "create_time": self._number(int(entry.created_at.timestamp())),
            "text": entry.text,
            "likes": 5,
            "owner": entry.is_ours,
            "liked": False,
            "pinned": False,
            "status": "HIDDEN" if entry.key in self.hidden else "PUBLIC",
        }
        if entry.reply_to is not None:
            told["parent_comment_id"] = self._number(int(self.native_id(self._root(entry).key)))
        else:
            replies = self._replies(entry.key)
            told["replies"] = len(replies)
            if with_replies and replies:
                told["reply_list"] = [self._comment(one) for one in replies[::-1][:INLINE]]  # the oldest, say
        return told | self.raw_parts.get(entry.key, {})

    def _number(self, value: int) -> int | str:
        return value if self.sends_numbers else str(value)
