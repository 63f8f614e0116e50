"""App Store Connect as a reader of reviews sees it: signed tokens, JSON:API pages with a cursor, answers beside them.

Each post of the world stands for one of three apps, each comment right below it is a review, and the brand's reply
to a review is the answer. Source: Apple's OpenAPI description 4.4.1.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.platforms.app_store_rss import APPS, reviews_of, written_at
from tests.platforms.base import Entry, World
from tests.platforms.server import HttpFakePlatform, Reply, Request

_KEY = generate_private_key(SECP256R1())
PEM = _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
_PUBLIC = _KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
KEY_ID, ISSUER = "2X9R4HXF34", "57246542-96fe-1a63-e053-0824d011072a"
ZONE = timedelta(hours=-7)


class Fake(HttpFakePlatform):
    """Serves a world as api.appstoreconnect.apple.com does."""

    secret = PEM

    def __init__(self, world: World, folder: Path) -> None:
        super().__init__(world, folder)
        self.left = 3400  # requests of this hour
        self.issuer = ISSUER
        self.pending: set[str] = set()  # keys of answers that are not yet published
        self.has_agreement = True
        self._generation = 0  # of the positions that were handed out
        self._known: dict[str, Entry] | None = None
        self._reviews: dict[str, list[Entry]] = {}
        self._by_id: dict[str, Entry] = {}

    def source_settings(self) -> dict[str, Any]:
        return {
            "base_url": self.url,
            "apps": list(APPS),
            "key_id": KEY_ID,
            "issuer_id": self.issuer,
            "private_key": PEM,
        }

    def native_id(self, key: str) -> str:
        entry = self.world[key]
        number = f"{entry.number:012x}"
        if entry.reply_to is None:
            return f"00000058-61ad-f24d-a4e3-{number}"
        return f"response/00000059-aaaa-bbbb-cccc-{number}"

    def expected(self) -> set[str]:
        reviews = [entry for app in APPS for entry in reviews_of(self.world, app)]
        answers = [answer for review in reviews if (answer := self._answer_to(review))]
        return {self.native_id(entry.key) for entry in (*reviews, *answers)}

    def expire_cursors(self) -> None:
        self._generation += 1

    def error_body(self, status: int) -> Any:
        codes = {401: "NOT_AUTHORIZED", 403: "FORBIDDEN_ERROR", 404: "NOT_FOUND", 429: "RATE_LIMIT_EXCEEDED"}
        return self._error(status, codes.get(status, "UNEXPECTED_ERROR")).body

    def answer(self, request: Request) -> Reply:
        if not self._is_signed(request.headers.get("authorization", "").removeprefix("Bearer ")):
            return self._error(401, "NOT_AUTHORIZED")
        if not self.has_agreement:
            return self._error(403, "FORBIDDEN.REQUIRED_AGREEMENTS_MISSING_OR_EXPIRED")
        reply = self._route(request)
        limit = f"user-hour-lim:3500;user-hour-rem:{self.left};"
        return Reply(reply.body, reply.status, {"X-Rate-Limit": limit})

    def _is_signed(self, token: str) -> bool:
        try:
            claims = jwt.decode(token, _PUBLIC, algorithms=["ES256"], audience="appstoreconnect-v1")
            kid = jwt.get_unverified_header(token)["kid"]
        except (jwt.PyJWTError, KeyError):
            return False
        whose = claims.get("iss") == self.issuer if self.issuer else claims.get("sub") == "user"
        lives = claims["exp"] - datetime.now(UTC).timestamp()
        return kid == KEY_ID and whose and lives <= 1200

    def _route(self, request: Request) -> Reply:
        match request.path.removeprefix("/v1/").split("/"):
            case ["apps", app, "customerReviews"] if app in APPS:
                return self._page(request, app)
            case ["apps", app] if app in APPS:
                return Reply({"data": {"type": "apps", "id": app, "attributes": {"name": f"Bakery {app[-1]}"}}})
            case ["customerReviews", review_id]:
                if (found := self._review_of(review_id)) is not None:
                    return Reply(self._document([found]) | {"data": self._review(found)})
        return self._error(404, "NOT_FOUND")

    def _page(self, request: Request, app: str) -> Reply:
        if request.get("sort") != "-createdDate" or int(request.get("limit") or 0) > 200:
            return self._error(400, "PARAMETER_ERROR.INVALID")
        found, start = self._reviews_of(app), 0
        if position := request.get("cursor"):
            generation, _, after = position.partition(".")
            if generation != str(self._generation):
                return self._error(400, "PARAMETER_ERROR.INVALID")
            when, _, number = after.partition("_")
            start = sum((written_at(e).timestamp(), e.number) >= (float(when), int(number)) for e in found)
        size = min(int(request.get("limit") or 50), self.page_size)
        shown = found[start : start + size]
        links = {"self": f"{self.url}{request.path}"}
        if start + size < len(found):
            last = f"{written_at(shown[-1]).timestamp()}_{shown[-1].number}"
            # Whatever host stands here: it must not be asked.
            links["next"] = f"https://elsewhere.example{request.path}?cursor={self._generation}.{last}&limit={size}"
        paging = {"paging": {"total": len(found), "limit": size}}
        return Reply(self._document(shown) | {"links": links, "meta": paging})

    def _reviews_of(self, app: str) -> list[Entry]:
        if app not in self._reviews:
            self._reviews[app] = reviews_of(self.world, app)
        return self._reviews[app]

    def _review_of(self, review_id: str) -> Entry | None:
        if not self._by_id:
            self._by_id = {self.native_id(entry.key): entry for app in APPS for entry in self._reviews_of(app)}
        return self._by_id.get(review_id)

    def _document(self, reviews: list[Entry]) -> dict[str, Any]:
        answers = [answer for review in reviews if (answer := self._answer_to(review))]
        document: dict[str, Any] = {"data": [self._review(entry) for entry in reviews]}
        return document | ({"included": [self._response(answer) for answer in answers]} if answers else {})

    def _answer_to(self, review: Entry) -> Entry | None:
        """The brand's latest answer: a new one replaces the one before."""
        return self._answers().get(review.key)

    def _answers(self) -> dict[str, Entry]:
        """The brand's answers by the review that they answer, found once for each state of the world."""
        if self._known is None:
            answers = (entry for entry in self.world.comments if entry.is_ours and entry.reply_to)
            self._known = {entry.reply_to or "": entry for entry in answers}
        return self._known

    def changed(self) -> None:
        self._known, self._reviews, self._by_id = None, {}, {}

    def _review(self, entry: Entry) -> dict[str, Any]:
        answer = self._answer_to(entry)
        data = {"type": "customerReviewResponses", "id": self._bare(answer)} if answer else None
        return {
            "type": "customerReviews",
            "id": self.native_id(entry.key),
            "attributes": {
                "rating": 2,
                "title": "A title",
                "body": entry.text,
                "reviewerNickname": entry.by,
                "createdDate": stamp(written_at(entry)),
                "territory": "USA",
            },
            "relationships": {"response": {"data": data} if data else {}},
        }

    def _response(self, entry: Entry) -> dict[str, Any]:
        state = "PENDING_PUBLISH" if entry.key in self.pending else "PUBLISHED"
        attributes = {"responseBody": entry.text, "lastModifiedDate": stamp(written_at(entry)), "state": state}
        return {"type": "customerReviewResponses", "id": self._bare(entry), "attributes": attributes}

    def _bare(self, entry: Entry) -> str:
        return self.native_id(entry.key).removeprefix("response/")

    def _error(self, status: int, code: str) -> Reply:
        error = {"id": "f1d0", "status": str(status), "code": code, "title": "Failed.", "detail": "It failed."}
        return Reply({"errors": [error]}, status)


def stamp(at: datetime) -> str:
    """A time as Apple writes it: with the offset of California."""
    return f"{(at + ZONE).replace(tzinfo=None).isoformat(timespec='seconds')}-07:00"
