"""Yelp's Places API: the three newest excerpts of a business in each language, a count, and a quota of the day.

Each post of the world stands for one of two businesses. Whatever a customer writes is a review, in one of eleven
languages in turn; what the brand answers is shown nowhere, and a deleted review is merely no longer there.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from tests.platforms.base import Entry, World
from tests.platforms.server import HttpFakePlatform, Reply, Request

KEY = "a-key-that-nobody-may-see"
ALIAS = "brand-cafe-springfield"
BUSINESSES = ("bRaNdCaFe_1-aBcDeFgHi", "bRaNdCaFe_2-aBcDeFgHi")
LANGUAGES = ("en", "fr", "de", "es", "it", "nl", "sv", "pl", "ja", "tr", "pt")
SHOWN = 3
SLOW_DOWN = "TOO_MANY_REQUESTS_PER_SECOND"
USED_UP = "ACCESS_LIMIT_REACHED"
CODES = {400: "VALIDATION_ERROR", 401: "TOKEN_INVALID", 403: "AUTHORIZATION_ERROR", 404: "NOT_FOUND", 429: USED_UP}


def refusal(status: int, code: str = "", **more: str) -> Reply:
    """An error as Yelp writes it."""
    said = {"code": code or CODES.get(status, "INTERNAL_ERROR"), "description": "Something was not right.", **more}
    return Reply({"error": said}, status)


class Fake(HttpFakePlatform):
    """Serves a world as two businesses."""

    secret = KEY
    shows_no_replies = "Yelp's API shows no answers"
    cursors_never_expire = "there are no positions"

    def __init__(self, world: World, folder: Path) -> None:
        super().__init__(world, folder)
        self.valid_key = KEY
        self.refuses: Reply | None = None
        self.refused: dict[str, Reply] = {}  # by business
        self.moved: dict[str, str] = {}  # the id that a business has now, by its former one
        self.one_language = ""  # all reviews are in this one
        self.knows_newest = True
        self.n_hidden = 0  # reviews that are counted and not shown
        self.rating = 3.5
        self.remaining = 250
        self.reset_at = datetime.now(UTC) + timedelta(hours=5)
        self.raw_parts: dict[str, dict[str, Any]] = {}

    def source_settings(self) -> dict[str, Any]:
        return {"base_url": self.url, "businesses": list(BUSINESSES), "api_key": KEY}

    def native_id(self, key: str) -> str:
        return f"aBcD-{self.world[key].number:08d}_efGH"

    def expected(self) -> set[str]:
        return {self.native_id(one.key) for business in BUSINESSES for one in self.reviews_of(business)}

    def reviews_of(self, business: str) -> list[Entry]:
        """All that customers wrote about it, the latest first."""
        posts = [entry.key for entry in self.world.entries if entry.is_post]
        mine = {post for number, post in enumerate(posts) if BUSINESSES[number % 2] == business}
        found = [one for one in self.world.comments if one.post in mine and not one.is_ours]
        return sorted(found, key=lambda one: (one.created_at, one.number), reverse=True)

    def language_of(self, entry: Entry) -> str:
        return self.one_language or LANGUAGES[entry.number % len(LANGUAGES)]

    def error_body(self, status: int) -> Any:
        return refusal(status).body

    def rate_limit_headers(self, retry_after: int) -> dict[str, str]:
        at = datetime.now(UTC) + timedelta(seconds=retry_after)
        return {"RateLimit-DailyLimit": "300", "RateLimit-Remaining": "0", "RateLimit-ResetTime": at.isoformat()}

    def answer(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {self.valid_key}":
            return refusal(401)
        if self.refuses is not None:
            return self.refuses
        parts = unquote(request.path).strip("/").split("/")
        name = BUSINESSES[0] if parts[1] == ALIAS else parts[1]
        name = {new: old for old, new in self.moved.items()}.get(name, name)
        if name in self.refused:
            return self.refused[name]
        if name not in BUSINESSES:
            return refusal(404, "BUSINESS_NOT_FOUND")
        if name in self.moved and self.moved[name] != parts[1]:
            return refusal(301, "BUSINESS_MIGRATED", new_business_id=self.moved[name])
        reply = self._business(name, parts[1]) if len(parts) == 2 else self._reviews(name, request)
        limits = {"RateLimit-DailyLimit": "300", "RateLimit-Remaining": f"{self.remaining}"}
        return Reply(reply.body, reply.status, limits | {"RateLimit-ResetTime": self.reset_at.isoformat()})

    def _business(self, name: str, asked: str) -> Reply:
        told = {
            "id": asked if asked != ALIAS else name,
            "alias": ALIAS,
            "name": f"Brand Café {name[10]}",
            "url": f"https://www.yelp.com/biz/{ALIAS}-{name[10]}?adjust_creative=x1&utm_campaign=api&utm_source=x1",
            "is_closed": False,
            "review_count": len(self.reviews_of(name)) + self.n_hidden,
            "rating": self.rating,
        }
        return Reply(told)

    def _reviews(self, name: str, request: Request) -> Reply:
        assert set(request.query) <= {"locale", "sort_by"}
        found = self.reviews_of(name)
        if not found and not self.n_hidden:
            return refusal(404, "BUSINESS_NOT_FOUND")
        if request.get("sort_by") and not self.knows_newest:
            return refusal(400, "VALIDATION_ERROR")
        language = request.get("locale", "en_US").partition("_")[0]
        shown = [one for one in found if self.language_of(one) == language]
        if request.get("sort_by") != "newest":
            shown = shown[::-1]  # by relevance, whatever that is
        body = {
            "reviews": [self._review(one) for one in shown[:SHOWN]],
            "total": len(shown),
            "possible_languages": sorted({self.language_of(one) for one in found}),
        }
        return Reply(body)

    def _review(self, entry: Entry) -> dict[str, Any]:
        review_id = self.native_id(entry.key)
        address = f"https://www.yelp.com/biz/{ALIAS}?adjust_creative=x1&hrid={review_id}&utm_campaign=api&utm_medium=v3"
        told: dict[str, Any] = {
            "id": review_id,
            "url": address,
            "text": entry.text,
            "rating": 2,
            "time_created": written(entry.created_at),
            "user": {
                "id": f"u_{sum(entry.by.encode())}",
                "name": entry.by,
                "profile_url": f"https://www.yelp.com/user_details?userid=u_{sum(entry.by.encode())}",
                "image_url": None,
            },
        }
        return told | self.raw_parts.get(entry.key, {})


def written(at: datetime) -> str:
    """A time as Yelp writes it: Pacific, without saying so."""
    return at.astimezone(ZoneInfo("America/Los_Angeles")).strftime("%Y-%m-%d %H:%M:%S")
