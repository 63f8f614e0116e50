"""Trustpilot's API of service reviews: numbered pages, the latest first, one reply by the company to each review.

Each post of the world stands for one of two business units. Whatever a customer writes is a review of its unit; what
the brand replies is the reply, and a second one takes its place. An edit moves nothing.
"""

import base64
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from tests.platforms.base import Entry, World
from tests.platforms.server import HttpFakePlatform, Reply, Request

KEY, SECRET, TOKEN = "a-key-that-nobody-may-see", "a-secret-that-nobody-may-see", "a-token-that-nobody-may-see"
DOMAIN = "bakery.example"
UNITS = ("46d6a890000064000500e0c3", "46d6a890000064000500e0c4")
NAMES = dict(zip(UNITS, (DOMAIN, "cakes.example"), strict=True))
HTML = "<!DOCTYPE html><html><title>ERROR: The request could not be satisfied</title></html>"


def refusal(status: int, message: str) -> Reply:
    """An error of the API itself."""
    return Reply({"message": message, "errorCode": status, "details": ""}, status)


def fault(message: str, code: str) -> Reply:
    """An error of the gateway in front of it."""
    return Reply({"fault": {"faultstring": message, "detail": {"errorcode": code}}}, 401)


class Fake(HttpFakePlatform):
    """Serves a world as two business units; its variants are as whom a source may read them."""

    secret = KEY
    variants: ClassVar[tuple[str, ...]] = ("public", "private")
    cursors_never_expire = "a position is the number of a page"

    def __init__(self, world: World, folder: Path) -> None:
        super().__init__(world, folder)
        self.valid_token = TOKEN
        self.lives: Any = "360000"
        self.n_tokens = 0
        self.refuses: Reply | None = None
        self.refuses_secret = False
        self.has_links = True
        self.lost_units: set[str] = set()
        self.raw_parts: dict[str, dict[str, Any]] = {}  # by key: what a review has besides, or instead
        self._kept: tuple[dict[str, str], dict[str, list[Entry]], dict[str, Entry]] | None = None

    def changed(self) -> None:
        self._kept = None

    @property
    def _index(self) -> tuple[dict[str, str], dict[str, list[Entry]], dict[str, Entry]]:
        """The unit of each post; the reviews of each, the latest first; the reply to each review."""
        if self._kept is None:
            posts = [one.key for one in self.world.entries if one.is_post]
            places = {key: UNITS[number % len(UNITS)] for number, key in enumerate(posts)}
            comments = self.world.comments
            replies = {one.reply_to: one for one in comments if one.is_ours and one.reply_to}
            reviews: dict[str, list[Entry]] = {unit: [] for unit in UNITS}
            for one in comments:
                if not (one.is_ours and one.reply_to):
                    reviews[places[one.post or ""]].append(one)
            for found in reviews.values():
                found.sort(key=lambda one: (one.created_at, one.number), reverse=True)
            self._kept = places, reviews, replies
        return self._kept

    def source_settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = {"base_url": self.url, "business_units": list(UNITS), "api_key": KEY}
        return settings | ({"api_secret": SECRET} if self.variant == "private" else {})

    def native_id(self, key: str) -> str:
        entry = self.world[key]
        if entry.is_ours and entry.reply_to:
            return f"{self.native_id(entry.reply_to)}/reply"
        return f"66f0aa00c1d2e3f4{entry.number:08x}"

    def expected(self) -> set[str]:
        _, reviews, replies = self._index
        shown = [one for found in reviews.values() for one in found]
        return {self.native_id(one.key) for one in (*shown, *(replies[one.key] for one in shown if one.key in replies))}

    def error_body(self, status: int) -> Any:
        return refusal(status, "Refused").body

    def answer(self, request: Request) -> Reply:
        assert "python" not in request.headers.get("user-agent", "python").lower()
        assert "apikey" not in request.query, "it would stand in logs"
        parts = request.path.strip("/").split("/")
        if parts[0] == "oauth":
            return self._token(request)
        if self.refuses is not None:
            return self.refuses
        if parts[0] == "private":
            if request.headers.get("authorization") != f"Bearer {self.valid_token}":
                return fault("Invalid Access Token", "keymanagement.service.invalid_access_token")
            return self._route(request, parts[1:], is_private=True)
        if request.headers.get("apikey") != KEY:
            return fault("Invalid ApiKey", "oauth.v2.InvalidApiKey")
        return self._route(request, parts, is_private=False)

    def _token(self, request: Request) -> Reply:
        assert (request.method, request.body) == ("POST", b"grant_type=client_credentials")
        pair = base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
        if self.refuses_secret or pair != f"{KEY}:{SECRET}":
            return fault("Invalid client", "oauth.v2.InvalidClientIdentifier")
        self.n_tokens += 1
        return Reply({"access_token": self.valid_token, "token_type": "Bearer", "expires_in": self.lives})

    def _route(self, request: Request, parts: list[str], is_private: bool) -> Reply:
        match parts:
            case ["business-units", "find"] if request.get("name") == DOMAIN and not is_private:
                return Reply({"id": UNITS[0], "displayName": "Bakery", "numberOfReviews": {"total": 3}})
            case ["business-units", unit] if unit in UNITS and unit not in self.lost_units and not is_private:
                return Reply({"id": unit, "displayName": "Bakery"})
            case ["business-units", unit, "reviews"] if unit in UNITS and unit not in self.lost_units:
                return self._page(request, unit, is_private)
            case ["reviews", review_id]:
                for unit, found in self._index[1].items():
                    shown = [
                        one for one in found if self.native_id(one.key) == review_id and unit not in self.lost_units
                    ]
                    if shown:
                        return Reply(self._review(shown[0], unit, is_private))
        return refusal(404, "Not found")

    def _page(self, request: Request, unit: str, is_private: bool) -> Reply:
        assert request.get("orderBy") == "createdat.desc"
        assert int(request.get("perPage")) <= 100
        size, number = min(int(request.get("perPage")), self.page_size), int(request.get("page"))
        found = self._index[1][unit]
        shown = found[(number - 1) * size : number * size]
        body: dict[str, Any] = {"reviews": [self._review(one, unit, is_private) for one in shown]}
        if self.has_links:
            href = f"https://elsewhere.example{request.path}?page={number + 1}"
            body["links"] = [{"rel": "next-page", "href": href, "method": "GET"}] if number * size < len(found) else []
        return Reply(body)

    def _review(self, entry: Entry, unit: str, is_private: bool) -> dict[str, Any]:
        told: dict[str, Any] = {
            "id": self.native_id(entry.key),
            "consumer": {
                "id": f"5f00aa00c1d2e3f4{sum(entry.by.encode()):08x}",
                "displayName": entry.by,
                "displayLocation": "Lyon, FR",
                "numberOfReviews": 3,
            },
            "businessUnit": {"id": unit, "identifyingName": NAMES[unit], "displayName": NAMES[unit].title()},
            "stars": 2,
            "title": entry.text[:20],
            "text": entry.text,
            "language": "en",
            "createdAt": stamp(entry.created_at),
            "updatedAt": stamp(entry.edited_at) if entry.edited_at else None,
            "experiencedAt": "2026-02-20T00:00:00Z",
            "companyReply": None,
            "isVerified": True,
            "numberOfLikes": 0,
            "status": "active",
        }
        if reply := self._index[2].get(entry.key):
            edited_at = stamp(reply.edited_at) if reply.edited_at else None
            told["companyReply"] = {"text": reply.text, "createdAt": stamp(reply.created_at), "updatedAt": edited_at}
        if is_private:
            told |= {"referralEmail": "kim@mail.example", "referenceId": "order-77", "tags": [], "invitation": None}
        return told | self.raw_parts.get(entry.key, {})


def stamp(at: datetime) -> str:
    """A time as Trustpilot writes it, with milliseconds sometimes."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z") if at.minute % 2 else at.strftime("%Y-%m-%dT%H:%M:%SZ")
