"""Tripadvisor's Content API: the five newest reviews of a location in each language, counts, a key in the query.

Each post of the world stands for one of two locations. Whatever a customer writes is a review, in one of seven
languages in turn; what the brand answers is the management's response, and a second one takes its place.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

from tests.platforms.base import Entry, World
from tests.platforms.server import HttpFakePlatform, Reply, Request

KEY = "A1-KEY-THAT-NOBODY-MAY-SEE"
LOCATIONS = ("1234567", "1234568")
LANGUAGES = ("en", "de", "fr", "it", "es", "nl", "pt_PT")
SHOWN = 5
BODIES = {
    400: {"error": {"message": "Bad parameter", "type": "BadRequestException", "code": "94"}},
    401: {"error": {"message": "Invalid API key", "type": "UnauthorizedException", "code": "151"}},
    403: {"Message": "User is not authorized to access this resource"},
    404: {"error": {"message": "Location not found", "type": "NotFoundException", "code": "103"}},
    429: {"Message": "Too Many Requests"},
}


class Fake(HttpFakePlatform):
    """Serves a world as two locations."""

    secret = KEY
    cursors_never_expire = "there are no positions"

    def __init__(self, world: World, folder: Path) -> None:
        super().__init__(world, folder)
        self.refuses: Reply | None = None
        self.lost: set[str] = set()
        self.referer = ""  # the only one that the key may be used with
        self.shows_responses = True
        self.one_language = ""
        self.n_hidden = 0  # reviews that are counted and not shown
        self.shown = SHOWN
        self.raw_parts: dict[str, dict[str, Any]] = {}

    def source_settings(self) -> dict[str, Any]:
        settings = {"locations": list(LOCATIONS), "languages": list(LANGUAGES), "api_key": KEY, "texts": True}
        return settings | {"base_url": self.url}

    def native_id(self, key: str) -> str:
        entry = self.world[key]
        if entry.is_ours and entry.reply_to:
            return f"{self.native_id(entry.reply_to)}/response"
        return str(990_000_000 + entry.number)

    def expected(self) -> set[str]:
        found = [one for location in LOCATIONS for one in self.reviews_of(location)]
        ours = {one.reply_to for one in self.world.comments if one.is_ours and one.reply_to}
        answered = {f"{self.native_id(one.key)}/response" for one in found if one.key in ours}
        return {self.native_id(one.key) for one in found} | (answered if self.shows_responses else set())

    def reviews_of(self, location: str) -> list[Entry]:
        """All that customers wrote about it, the latest first."""
        posts = [entry.key for entry in self.world.entries if entry.is_post]
        mine = {post for number, post in enumerate(posts) if LOCATIONS[number % 2] == location}
        found = [one for one in self.world.comments if one.post in mine and not (one.is_ours and one.reply_to)]
        return sorted(found, key=lambda one: (one.created_at, one.number), reverse=True)

    def language_of(self, entry: Entry) -> str:
        return self.one_language or LANGUAGES[entry.number % len(LANGUAGES)]

    def error_body(self, status: int) -> Any:
        return BODIES.get(status, {"message": "Internal server error"})

    def refusal(self, status: int) -> Reply:
        return Reply(self.error_body(status), status)

    def answer(self, request: Request) -> Reply:
        if request.get("key") != KEY:
            return self.refusal(401)
        if self.referer and request.headers.get("referer") != self.referer:
            return self.refusal(403)
        if self.refuses is not None:
            return self.refuses
        match request.path.strip("/").split("/"):
            case ["location", location, what] if location in LOCATIONS and location not in self.lost:
                return self._details(location) if what == "details" else self._reviews(location, request)
        return self.refusal(404)

    def _details(self, location: str) -> Reply:
        """Source: the numbers of the details are text."""
        count = len(self.reviews_of(location)) + self.n_hidden
        told = {
            "location_id": location,
            "name": f"Brand Hotel {location[-1]}",
            "web_url": f"https://www.tripadvisor.com/Hotel_Review-g1-d{location}-Reviews-Brand_Hotel.html?m=66827",
            "rating": "3.5",
            "num_reviews": str(count),
            "review_rating_count": {"1": "0", "2": str(count), "3": "0", "4": "0", "5": "0"},
            "write_review": f"https://www.tripadvisor.com/UserReview-g1-d{location}-Brand_Hotel.html?m=66827",
        }
        return Reply(told)

    def _reviews(self, location: str, request: Request) -> Reply:
        assert set(request.query) == {"key", "language"}
        found = [one for one in self.reviews_of(location) if self.language_of(one) == request.get("language")]
        return Reply({"data": [self._review(one, location) for one in found[: self.shown]]})

    def _review(self, entry: Entry, location: str) -> dict[str, Any]:
        review_id = self.native_id(entry.key)
        told: dict[str, Any] = {
            "id": int(review_id),
            "lang": self.language_of(entry),
            "location_id": int(location),
            "published_date": stamp(entry.created_at),
            "rating": 2,
            "helpful_votes": 0,
            "rating_image_url": "https://www.tripadvisor.com/img/cdsi/img2/ratings/traveler/s2.0.svg",
            "url": f"https://www.tripadvisor.com/ShowUserReviews-g1-d{location}-r{review_id}-Brand.html?m=66827#review",
            "text": entry.text,
            "title": "A title",
            "trip_type": "Couples",
            "travel_date": "2026-02-28",
            "user": {"username": entry.by, "user_location": {"id": "null"}, "avatar": {}},
            "subratings": {},
        }
        ours = [one for one in self.world.comments if one.is_ours and one.reply_to == entry.key]
        if ours and self.shows_responses:
            told["owner_response"] = {
                "id": 880_000_000 + ours[-1].number,
                "title": "Owner response",
                "text": ours[-1].text,
                "lang": "en",
                "author": "The manager",
                "published_date": stamp(ours[-1].created_at),
            }
        return told | self.raw_parts.get(entry.key, {})


def stamp(at: datetime) -> str:
    """A time as Tripadvisor writes it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
