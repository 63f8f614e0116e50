"""The reviews of Google Business Profile: three APIs, locations in accounts, the last updated review first.

Each post of the world stands for one of two locations. Whatever a customer writes is a review of its location, because
nobody can answer a review but its owner; what the brand replies is the reply, and a second one takes its place.
"""

import base64
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.platforms.base import Entry, World
from tests.platforms.server import HttpFakePlatform, Reply, Request

TOKEN = "a-token-that-nobody-may-see"
ACCOUNT, GROUP = "accounts/100", "accounts/200"
LOCATIONS = ("456", "457")
TITLES = {"456": "Acme Bakery Main Street", "457": "Acme Bakery Harbour"}
STARS = ("STAR_RATING_UNSPECIFIED", "ONE", "TWO", "THREE", "FOUR", "FIVE")


def error(status: int, kind: str, message: str = "Refused.", reason: str = "", **metadata: str) -> Reply:
    """An error as Google's newer APIs tell it."""
    body: dict[str, Any] = {"code": status, "message": message, "status": kind}
    if reason:
        kind_of_detail = "type.googleapis.com/google.rpc.ErrorInfo"
        body["details"] = [{"@type": kind_of_detail, "reason": reason, "metadata": metadata}]
    return Reply({"error": body}, status)


class Fake(HttpFakePlatform):
    """Serves a world as two locations in two accounts."""

    secret = TOKEN

    def __init__(self, world: World, folder: Path) -> None:
        super().__init__(world, folder)
        self.valid_token = TOKEN
        self.accounts = {ACCOUNT: ["456"], GROUP: ["457"]}
        self.shut: dict[str, Reply] = {}  # what asking for the reviews of a location answers instead
        self.metadata: dict[str, Any] = {}
        self.stars: dict[str, str] = {}
        self.raw_parts: dict[str, dict[str, Any]] = {}  # by key: what a review has besides, or instead
        self.reply_parts: dict[str, dict[str, Any]] = {}  # the same of the reply to it
        self.withheld: set[str] = set()  # keys of reviews that Google hides for a while
        self.reply_moves_review = False
        self._generation = 0
        self._kept: tuple[dict[str, str], dict[str, list[Entry]], dict[str, Entry]] | None = None

    def changed(self) -> None:
        self._kept = None

    @property
    def _index(self) -> tuple[dict[str, str], dict[str, list[Entry]], dict[str, Entry]]:
        """The location of each post; the reviews of each, the last updated first; the reply to each review."""
        if self._kept is None:
            posts = [one.key for one in self.world.entries if one.is_post]
            places = {key: LOCATIONS[number % len(LOCATIONS)] for number, key in enumerate(posts)}
            comments = self.world.comments
            replies = {one.reply_to: one for one in comments if one.is_ours and one.reply_to}
            reviews: dict[str, list[Entry]] = {location: [] for location in LOCATIONS}
            for one in comments:
                if not (one.is_ours and one.reply_to):
                    reviews[places[one.post or ""]].append(one)
            self._kept = places, reviews, replies
            for found in reviews.values():
                found.sort(key=lambda one: (self._updated_at(one), one.number), reverse=True)
        return self._kept

    def source_settings(self) -> dict[str, Any]:
        return {
            "token": TOKEN,
            "reviews_url": f"{self.url}/v4",
            "accounts_url": f"{self.url}/management/v1",
            "locations_url": f"{self.url}/information/v1",
        }

    def native_id(self, key: str) -> str:
        entry = self.world[key]
        if entry.is_ours and entry.reply_to:
            return f"{self.native_id(entry.reply_to)}/reply"
        return f"{self._index[0][entry.post or '']}/AbFvOqk{entry.number:06d}"

    def expected(self) -> set[str]:
        _, reviews, replies = self._index
        shown = [one for found in reviews.values() for one in found if one.key not in self.withheld]
        answers = [replies[one.key] for one in shown if one.key in replies]
        return {self.native_id(entry.key) for entry in (*shown, *answers)}

    def expire_cursors(self) -> None:
        self._generation += 1

    def rate_limit_headers(self, retry_after: int) -> dict[str, str]:
        return {}  # Google does not say when to come back

    def error_body(self, status: int) -> Any:
        if status == 404:  # not a location but the API itself
            return "<!DOCTYPE html><html lang=en><title>Error 404 (Not Found)!!1</title>"
        if status == 403:
            return error(403, "PERMISSION_DENIED", "The API is disabled.", "SERVICE_DISABLED").body
        kinds = {401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}
        return error(status, kinds.get(status, "INTERNAL")).body

    def answer(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {self.valid_token}":
            return error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        match request.path.strip("/").split("/"):
            case ["management", "v1", "accounts"]:
                return self._listed(request, "accounts", [{"name": name} for name in self.accounts], 20)
            case ["information", "v1", "accounts", number, "locations"] if f"accounts/{number}" in self.accounts:
                named = [self._location(one) for one in self.accounts[f"accounts/{number}"]]
                return self._masked(request) or self._listed(request, "locations", named, 100)
            case ["information", "v1", "locations", number] if number in LOCATIONS:
                return self._masked(request) or Reply(self._location(number))
            case ["v4", "accounts", account, "locations", number, "reviews", *rest]:
                return self._reviews(request, f"accounts/{account}", number, rest)
        return error(404, "NOT_FOUND", "Requested entity was not found.")

    def _masked(self, request: Request) -> Reply | None:
        if request.get("readMask"):
            return None
        return error(400, "INVALID_ARGUMENT", "Request contains an invalid argument: read_mask is required.")

    def _location(self, number: str) -> dict[str, Any]:
        metadata = {"placeId": f"ChIJ{number}", "mapsUri": f"https://maps.google.com/maps?cid={number}"}
        return {"name": f"locations/{number}", "title": TITLES[number], "metadata": self.metadata or metadata}

    def _reviews(self, request: Request, account: str, number: str, rest: list[str]) -> Reply:
        if number in self.shut:
            return self.shut[number]
        if number not in self.accounts.get(account, []):
            return error(404, "NOT_FOUND", "Requested entity was not found.")
        found = [one for one in self._index[1][number] if one.key not in self.withheld]
        parent = f"{account}/locations/{number}"
        if rest:
            one = next((one for one in found if self._id(one) == rest[0]), None)
            return Reply(self._review(one, parent)) if one else error(404, "NOT_FOUND", "Review not found.")
        if request.get("orderBy", "updateTime desc") != "updateTime desc":
            return error(400, "INVALID_ARGUMENT", "Invalid order.")
        return self._listed(request, "reviews", [self._review(one, parent) for one in found], 50)

    def _listed(self, request: Request, name: str, rows: list[Any], most: int) -> Reply:
        asked = int(request.get("pageSize") or most)
        if asked > most:
            return error(400, "INVALID_ARGUMENT", f"The page size may be {most} at most.")
        size = min(asked, self.page_size)
        start = 0
        if token := request.get("pageToken"):
            generation, _, offset = base64.b64decode(token).decode().partition(":")
            if int(generation) != self._generation:
                return error(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")
            start = int(offset)
        body: dict[str, Any] = {name: rows[start : start + size]} if rows[start : start + size] else {}
        if start + size < len(rows):
            body["nextPageToken"] = base64.b64encode(f"{self._generation}:{start + size}".encode()).decode()
        if name == "reviews" and rows:
            body |= {"averageRating": 3.4, "totalReviewCount": len(rows) + 1}  # it lags
        return Reply(body)

    def _id(self, entry: Entry) -> str:
        return self.native_id(entry.key).partition("/")[2]

    def _updated_at(self, entry: Entry) -> datetime:
        at = entry.edited_at or entry.created_at
        reply = self._kept[2].get(entry.key) if self._kept and self.reply_moves_review else None
        return max(at, reply.created_at) if reply else at

    def _review(self, entry: Entry, parent: str) -> dict[str, Any]:
        told: dict[str, Any] = {
            "name": f"{parent}/reviews/{self._id(entry)}",
            "reviewId": self._id(entry),
            "reviewer": {"displayName": entry.by, "profilePhotoUrl": "https://photos.example/x", "isAnonymous": False},
            "starRating": self.stars.get(entry.key, "THREE"),
            "comment": entry.text,
            "createTime": stamp(entry.created_at),
            "updateTime": stamp(self._updated_at(entry)),
        }
        if reply := self._index[2].get(entry.key):
            at = stamp(reply.edited_at or reply.created_at)
            told["reviewReply"] = {"comment": reply.text, "updateTime": at} | self.reply_parts.get(entry.key, {})
        told |= self.raw_parts.get(entry.key, {})
        return {name: value for name, value in told.items() if value is not None}


def stamp(at: datetime) -> str:
    """A time as Google writes it, with as many decimals as it likes."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z" if at.microsecond else at.strftime("%Y-%m-%dT%H:%M:%SZ")
