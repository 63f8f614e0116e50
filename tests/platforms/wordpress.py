"""A WordPress site, as its REST API shows it to a guest and to someone who may moderate.

What it answers, errors and headers included, was taken from a real WordPress 6.5 (see tests/servers).
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

from tests.platforms.base import Entry, World
from tests.platforms.server import HttpFakePlatform, Reply, Request

USER, PASSWORD = "owner", "abcd EFGH 1234 ijkl"
USER_ID = 1
_CODES = {
    401: ("rest_cannot_access", "Only authenticated users can access the REST API."),
    403: ("rest_forbidden", "Sorry, you are not allowed to do that."),
    404: ("rest_no_route", "No route was found matching the URL and request method."),
    429: ("too_many_requests", "Slow down."),
    500: ("internal_server_error", "There has been a critical error on this website."),
    503: ("unavailable", "Briefly unavailable for scheduled maintenance."),
}


class Fake(HttpFakePlatform):
    """One site. `statuses` moderates: key -> hold, spam or trash; `may_moderate` is our user's right."""

    secret = PASSWORD
    cursors_never_expire = "a cursor holds comment ids and dates, which a site never forgets"

    variants = ("moderator", "guest")

    def __init__(self, world: World, folder: Path) -> None:
        super().__init__(world, folder)
        self.statuses: dict[str, str] = {}
        self.may_moderate = True
        self.root = "/wp-json"

    def source_settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = {"base_url": f"{self.url}/wp-json", "per_page": max(2, self.page_size)}
        if self.variant == "guest":
            return settings | {"own_user_ids": [USER_ID]}
        return settings | {"username": USER, "application_password": PASSWORD}

    def native_id(self, key: str) -> str:
        entry = self.world[key]
        host = self.url.removeprefix("http://")
        return f"{host}/post/{entry.number}" if entry.is_post else f"{host}/{entry.number}"

    def expected(self) -> set[str]:
        return {self.native_id(entry.key) for entry in [*self.world.comments, *self.world.posts]}

    def error_body(self, status: int) -> Any:
        code, message = _CODES[status]
        return {"code": code, "message": message, "data": {"status": status}}

    def answer(self, request: Request) -> Reply:
        if request.path == "/":
            return self._home(request)
        if not request.path.startswith(self.root):
            return Reply("<!DOCTYPE html><title>Page not found</title>", 404, {"Content-Type": "text/html"})
        return self._route(request.path.removeprefix(f"{self.root}/wp/v2/"), request)

    def _home(self, request: Request) -> Reply:
        if route := request.get("rest_route"):
            return self._route(route.removeprefix("/wp/v2/"), request)
        root = f"{self.url}{self.root}/" if self.root else f"{self.url}/?rest_route=/"
        headers = {"Content-Type": "text/html", "Link": f'<{root}>; rel="https://api.w.org/"'}
        return Reply("<!DOCTYPE html><title>A blog</title>", headers=headers)

    def _route(self, route: str, request: Request) -> Reply:
        collection, _, number = route.strip("/").partition("/")
        if collection == "users" and number == "me":
            return Reply({"id": USER_ID}) if self._is_user(request) else self._refused(401, "rest_not_logged_in")
        if collection == "comments":
            return self._comment(int(number), request) if number else self._comments(request)
        if collection == "posts":
            return self._post(int(number)) if number else self._posts(request)
        return self._refused(404, "rest_no_route")

    def _is_user(self, request: Request) -> bool:
        expected = "Basic " + b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return {name.casefold(): value for name, value in request.headers.items()}.get("authorization") == expected

    def _refused(self, status: int, code: str) -> Reply:
        return Reply({"code": code, "message": "Sorry.", "data": {"status": status}}, status)

    def _status(self, entry: Entry) -> str:
        return self.statuses.get(entry.key, "approved")

    def _comments(self, request: Request) -> Reply:
        wanted = {"approved"}
        if request.get("status") == "all":
            if not self._is_user(request):
                return self._refused(401, "rest_forbidden_param")
            if not self.may_moderate:
                return self._refused(403, "rest_forbidden_param")
            wanted = {"approved", "hold"}
        found = [entry for entry in self.world.comments if self._status(entry) in wanted]
        if include := request.get("include"):
            found = [entry for entry in found if str(entry.number) in include.split(",")]
        if after := request.get("after"):
            found = [entry for entry in found if entry.created_at > datetime.fromisoformat(after)]
        found.sort(key=lambda entry: entry.number, reverse=True)
        return _paged(found, request, self._comment_json)

    def _comment(self, number: int, request: Request) -> Reply:
        for entry in self.world.comments:
            if entry.number == number:
                if self._status(entry) != "approved" and not (self._is_user(request) and self.may_moderate):
                    return self._refused(403 if self._is_user(request) else 401, "rest_cannot_read")
                return Reply(self._comment_json(entry))
        return self._refused(404, "rest_comment_invalid_id")

    def _posts(self, request: Request) -> Reply:
        found = self.world.posts
        if include := request.get("include"):
            found = [entry for entry in found if str(entry.number) in include.split(",")]
        if after := request.get("modified_after"):
            found = [entry for entry in found if _modified(entry) > datetime.fromisoformat(after)]
        found = sorted(found, key=_modified, reverse=True)
        return _paged(found, request, self._post_json)

    def _post(self, number: int) -> Reply:
        for entry in self.world.posts:
            if entry.number == number:
                return Reply(self._post_json(entry))
        return self._refused(404, "rest_post_invalid_id")

    def _link(self, post: Entry) -> str:
        return f"{self.url}/{post.key}/"

    def _comment_json(self, entry: Entry) -> dict[str, Any]:
        assert entry.post is not None
        post = self.world[entry.post]
        parent = self.world[entry.reply_to] if entry.reply_to else None
        hashed = sha256(f"{entry.by}@mail.example".encode()).hexdigest()
        up = {"embeddable": True, "post_type": "post", "href": f"{self.url}/wp-json/wp/v2/posts/{post.number}"}
        return {
            "id": entry.number,
            "post": post.number,
            "parent": parent.number if parent else 0,
            "author": USER_ID if entry.is_ours else 0,
            "author_name": escape(entry.by),
            "author_url": "",
            "author_avatar_urls": {"24": f"https://secure.gravatar.com/avatar/{hashed}?s=24&d=mm&r=g"},
            "date_gmt": _gmt(entry.created_at),
            "content": {"rendered": _html(entry.text)},
            "link": f"{self._link(post)}#comment-{entry.number}",
            "status": self._status(entry),
            "type": "comment",
            "_links": {"up": [up]},
            "_embedded": {"up": [{"title": {"rendered": escape(_title(post))}, "link": self._link(post)}]},
        }

    def _post_json(self, entry: Entry) -> dict[str, Any]:
        return {
            "id": entry.number,
            "date_gmt": _gmt(entry.created_at),
            "modified_gmt": _gmt(_modified(entry)),
            "link": self._link(entry),
            "title": {"rendered": escape(_title(entry))},
            "content": {"rendered": _html(entry.text), "protected": False},
            "author": USER_ID,
            "status": "publish",
        }


def _paged(found: Sequence[Entry], request: Request, shown: Any) -> Reply:
    offset, size = int(request.get("offset", "0")), int(request.get("per_page", "10"))
    headers: Mapping[str, str] = {"X-WP-Total": str(len(found)), "X-WP-TotalPages": str(-(-len(found) // size))}
    return Reply([shown(entry) for entry in found[offset : offset + size]], headers=headers)


def _html(text: str) -> str:
    return "<p>{}</p>\n".format(escape(text).replace("\n", "<br />\n"))


def _title(post: Entry) -> str:
    return f"Post & {post.key}"


def _modified(post: Entry) -> datetime:
    return post.edited_at or post.created_at


def _gmt(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S")
