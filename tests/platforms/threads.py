"""Threads as the token of one account sees it: its posts, conversations, replies, and who names it.

Entries are newest first, with times in whole seconds; only the fields that are asked for are sent, the last page has a
cursor but no link, and nothing counts replies.
Source: developers.facebook.com/documentation/threads, reference and retrieve-and-manage-replies.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from math import ceil
from pathlib import Path
from typing import Any

from tests.platforms.base import BRAND, Entry, World
from tests.platforms.server import HttpFakePlatform, Reply, Request

TOKEN = "a-token-that-nobody-may-see"
REPLY_FIELDS = {"root_post", "replied_to", "is_reply", "is_reply_owned_by_me", "hide_status"}
POST_FIELDS = {
    *("id", "text", "username", "permalink", "timestamp", "media_type", "shortcode", "has_replies", "is_quote_post"),
    *("owner", "quoted_post"),
}
Body = dict[str, Any]


class Fake(HttpFakePlatform):
    """Serves a world as Threads does."""

    secret = TOKEN

    def __init__(self, world: World, folder: Path) -> None:
        self._existing: list[Entry] | None = None
        super().__init__(world, folder)
        self.tagged: set[str] = set()  # keys of comments that name the brand; posts of others always do
        self.hidden: dict[str, str] = {}  # hide_status by key
        self.reposts: set[str] = set()  # keys of the brand's posts that repeat another's
        self.silent_pictures: set[str] = set()  # keys of what has no text at all
        self.unseen: set[str] = set()  # keys of what this token may not see
        self.swapped: set[str] = set()  # keys of replies that carry the time of what they answer
        self.refused: dict[str, Reply] = {}  # by the last part of the path
        self.next_answers: list[Reply] = []  # told before anything else
        self.usage: dict[str, str] = {}
        self._answered: set[str | None] = set()  # keys of what has something below it
        self._cursors = 0  # cursors expired so often

    def source_settings(self) -> Body:
        return {"api_url": f"{self.url}/v1.0", "token": TOKEN}

    def native_id(self, key: str) -> str:
        return media_id(self.world[key])

    def expected(self) -> set[str]:
        return {self.native_id(entry.key) for entry in (*self.world.comments, *self.world.posts)}

    def expire_cursors(self) -> None:
        self._cursors += 1

    def rate_limit_headers(self, retry_after: int) -> dict[str, str]:
        usage = {"call_count": 100, "total_time": 5, "estimated_time_to_regain_access": ceil(retry_after / 60)}
        return {"X-Business-Use-Case-Usage": json.dumps({"4000001": [usage]})}

    def error_body(self, status: int) -> Body:
        code, subcode = {401: (190, 463), 403: (10, 0), 429: (4, 0), 500: (1, 0), 503: (2, 0)}.get(status, (2500, 0))
        return graph_error(code, subcode)

    def answer(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {TOKEN}" or "access_token" in request.query:
            return Reply(graph_error(190, 463), 400)
        reply = self.next_answers.pop(0) if self.next_answers else self._route(request)
        return Reply(reply.body, reply.status, {**self.usage, **reply.headers})

    def _route(self, request: Request) -> Reply:
        match request.path.removeprefix("/v1.0/").split("/"):
            case [*_, last] if last in self.refused:
                return self.refused[last]
            case ["me"]:
                return Reply({"id": "26000000000000001", "username": BRAND})
            case ["me", "threads"]:
                return self._listed(request, [entry for entry in self._shown() if entry.is_post and entry.is_ours])
            case ["me", "replies"]:
                return self._listed(request, [entry for entry in self._shown() if not entry.is_post and entry.is_ours])
            case ["me", "mentions"]:
                others = [entry for entry in self._shown() if not entry.is_ours]
                return self._listed(request, [entry for entry in others if entry.is_post or entry.key in self.tagged])
            case [number, "conversation"] if (root := self._found(number)) is not None:
                return self._listed(request, [entry for entry in self._shown() if entry.post == root.key])
            case [number] if (entry := self._found(number)) is not None:
                return Reply(self._media(entry, set(request.get("fields").split(","))))
        return Reply(graph_error(100, 33), 400)

    def changed(self) -> None:
        self._existing = None

    def _shown(self) -> list[Entry]:
        if self._existing is None:
            self._existing = [entry for entry in self.world.entries if entry.deleted_at is None]
            self._answered = {key for it in self._existing for key in (it.reply_to, it.post)}
        return [entry for entry in self._existing if entry.key not in self.unseen] if self.unseen else self._existing

    def _found(self, number: str) -> Entry | None:
        if not number.isdecimal():
            return None
        place = int(number) - 18_000_000_000_000_000
        return next((entry for entry in self._shown() if entry.number == place), None)

    def _listed(self, request: Request, entries: Iterable[Entry]) -> Reply:
        shown = sorted(entries, key=lambda entry: (self._time(entry), entry.number), reverse=True)
        if after := request.get("after"):
            generation, _, position = after.partition("Q")
            if generation != str(self._cursors):
                return Reply(graph_error(100, 0), 400)
            at, number = position.split("_")
            shown = [
                entry for entry in shown if (self._time(entry).timestamp(), entry.number) < (float(at), int(number))
            ]
        size = min(int(request.get("limit") or 25), self.page_size)
        page, asked = shown[:size], set(request.get("fields", "id").split(","))
        answer: Body = {"data": [self._media(entry, asked) for entry in page]}
        if page:
            position = f"{self._cursors}Q{self._time(page[-1]).timestamp()}_{page[-1].number}"
            answer["paging"] = {"cursors": {"before": "QVFIU1", "after": position}}
            if len(shown) > size:
                answer["paging"]["next"] = (
                    f"{self.url}{request.path}?access_token={TOKEN}&limit={size}&after={position}"
                )
        return Reply(answer)

    def _time(self, entry: Entry) -> datetime:
        above = self.world[entry.reply_to or entry.post or entry.key]
        return (above if entry.key in self.swapped else entry).created_at.replace(microsecond=0)

    def _media(self, entry: Entry, asked: set[str]) -> Body:
        root = self.world[entry.post] if entry.post else None
        above = self.world[entry.reply_to] if entry.reply_to else root
        whole: Body = {
            "id": media_id(entry),
            "username": entry.by,
            "permalink": f"https://www.threads.net/@{entry.by}/post/C{entry.number}",
            "timestamp": stamp(self._time(entry)),
            "media_type": "REPOST_FACADE" if entry.key in self.reposts else "TEXT_POST",
            "shortcode": f"C{entry.number}",
            "has_replies": entry.key in self._answered,
            "is_quote_post": False,
            "is_reply": root is not None,
            "is_reply_owned_by_me": root is not None and entry.is_ours,
            "hide_status": self.hidden.get(entry.key, "NOT_HUSHED"),
        }
        if entry.key not in self.silent_pictures:
            whole["text"] = entry.text
        if root is None and entry.is_ours:
            whole["owner"] = {"id": "26000000000000001"}
        # What is deleted, hidden or private is left out of what hangs below it.
        if root is not None and root.deleted_at is None and root.key not in self.unseen:
            whole["root_post"] = {"id": media_id(root)}
        if above is not None and above.deleted_at is None and above.key not in self.unseen:
            whole["replied_to"] = {"id": media_id(above)}
        return {name: value for name, value in whole.items() if name in asked | {"id"}}


def graph_error(code: int, subcode: int = 0, **more: Any) -> Body:
    """An error as Meta writes it."""
    error: Body = {"message": "An error", "type": "OAuthException", "code": code, "fbtrace_id": "Axyz", **more}
    return {"error": error | ({"error_subcode": subcode} if subcode else {})}


def media_id(entry: Entry) -> str:
    """The id of a post or reply."""
    return str(18_000_000_000_000_000 + entry.number)


def stamp(at: datetime) -> str:
    """A time as Threads writes it."""
    return at.strftime("%Y-%m-%dT%H:%M:%S+0000")
