"""The reviews of the Google Play Developer API: the last 7 days, the last modified first, one answer to each.

Each post of the world stands for one of two apps. Whatever a customer writes is a review of its app, because nobody
can reply to a review but the developer; what the brand replies is the answer, and a second one takes its place.
"""

import base64
import json
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.platforms.base import Entry, World
from tests.platforms.server import HttpFakePlatform, Reply, Request
from tests.platforms.youtube import error

TOKEN = "a-token-that-nobody-may-see"
PACKAGES = ("com.example.bakery", "com.example.bakery.pro")
EMAIL = "reader@bakery.iam.example"
WINDOW = timedelta(days=7)


@cache
def private_key() -> str:
    """The service account's key, made once."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


class Fake(HttpFakePlatform):
    """Serves a world as two apps; its variants are the credentials."""

    secret = TOKEN
    variants: ClassVar[tuple[str, ...]] = ("service account", "token")

    def __init__(self, world: World, folder: Path) -> None:
        super().__init__(world, folder)
        self.stars: dict[str, int] = {}
        self.titles: dict[str, str] = {}
        self.translated: set[str] = set()
        self.bare: set[str] = set()  # keys of reviews with nothing but what is always there
        self.answer_first = False  # the answer stands before the review
        self.refuses: Reply | None = None
        self.refuses_signature = False
        self.n_tokens = 0
        self.valid_token = TOKEN
        self._generation = 0
        self._kept: tuple[dict[str, str], list[Entry], dict[str, Entry]] | None = None

    def changed(self) -> None:
        self._kept = None

    @property
    def _index(self) -> tuple[dict[str, str], list[Entry], dict[str, Entry]]:
        """The app of each post; the reviews, the last modified first; the answer to each."""
        if self._kept is None:
            posts = [one.key for one in self.world.entries if one.is_post]
            packages = {key: PACKAGES[number % len(PACKAGES)] for number, key in enumerate(posts)}
            comments = self.world.comments
            answers = {one.reply_to: one for one in comments if one.is_ours and one.reply_to}
            reviews = [one for one in comments if not (one.is_ours and one.reply_to)]
            reviews.sort(key=lambda one: (modified_at(one), one.number), reverse=True)
            self._kept = packages, reviews, answers
        return self._kept

    def source_settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = {"base_url": self.url, "packages": list(PACKAGES)}
        if self.variant == "token":
            return settings | {"token": TOKEN}
        key = {"type": "service_account", "client_email": EMAIL, "private_key": private_key(), "private_key_id": "k1"}
        return settings | {"service_account": json.dumps(key | {"token_uri": f"{self.url}/token"})}

    def native_id(self, key: str) -> str:
        entry = self.world[key]
        if entry.is_ours and entry.reply_to:
            return f"{self.native_id(entry.reply_to)}/reply"
        return f"{self._package(entry)}/gp:AOqpTOF{entry.number:06d}"

    def expected(self) -> set[str]:
        return {self.native_id(entry.key) for entry in self.world.comments}

    def expire_cursors(self) -> None:
        self._generation += 1

    def error_body(self, status: int) -> Any:
        reason = {401: "authError", 403: "forbidden", 404: "applicationNotFound", 429: "rateLimitExceeded"}
        return error(status, reason.get(status, "backendError")).body

    def answer(self, request: Request) -> Reply:
        if request.path == "/token":
            return self._token(request)
        if self.refuses is not None:
            return self.refuses
        if request.headers.get("authorization") != f"Bearer {self.valid_token}":
            return error(401, "authError", "Invalid Credentials", "UNAUTHENTICATED")
        match request.path.strip("/").split("/"):
            case ["applications", package, "reviews"] if package in PACKAGES:
                return self._listed(request, self._reviews(package))
        return error(404, "applicationNotFound", "No application was found.", "NOT_FOUND")

    def _token(self, request: Request) -> Reply:
        form = parse_qs(request.body.decode())
        assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
        public = serialization.load_pem_private_key(private_key().encode(), None).public_key()
        assert isinstance(public, rsa.RSAPublicKey)
        try:
            claims = jwt.decode(form["assertion"][0], public, ["RS256"], audience=f"{self.url}/token")
        except jwt.PyJWTError:
            self.refuses_signature = True
            claims = {}
        if self.refuses_signature:
            return Reply({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, 400)
        assert (claims["iss"], claims["scope"]) == (EMAIL, "https://www.googleapis.com/auth/androidpublisher")
        assert claims["exp"] - claims["iat"] <= 3_600
        self.n_tokens += 1
        return Reply({"access_token": self.valid_token, "expires_in": 3_599, "token_type": "Bearer"})

    def _package(self, entry: Entry) -> str:
        return self._index[0][entry.post or ""]

    def _reviews(self, package: str) -> list[Entry]:
        oldest = self.world.now - WINDOW
        return [one for one in self._index[1] if self._package(one) == package and modified_at(one) >= oldest]

    def _listed(self, request: Request, reviews: list[Entry]) -> Reply:
        size = min(int(request.get("maxResults") or 10), 100, self.page_size)
        start = 0
        if token := request.get("token"):
            generation, _, offset = base64.b64decode(token).decode().partition(":")
            if int(generation) != self._generation:
                return error(400, "invalid", "Invalid Value", "INVALID_ARGUMENT")
            start = int(offset)
        page = reviews[start : start + size]
        if not page:
            return Reply({})
        body: dict[str, Any] = {"reviews": [self._review(one) for one in page]}
        if start + size < len(reviews):
            following = base64.b64encode(f"{self._generation}:{start + size}".encode()).decode()
            body["tokenPagination"] = {"nextPageToken": following}
        return Reply(body)

    def _review(self, entry: Entry) -> dict[str, Any]:
        comments = [{"userComment": self._user(entry)}]
        if answer := self._index[2].get(entry.key):
            told = {"text": answer.text, "lastModified": stamp(modified_at(answer))}
            comments.append({"developerComment": told})
        if self.answer_first:
            comments.reverse()
        review_id = self.native_id(entry.key).partition("/")[2]
        return {"reviewId": review_id, "authorName": "" if entry.key in self.bare else entry.by, "comments": comments}

    def _user(self, entry: Entry) -> dict[str, Any]:
        typed = f"{self.titles.get(entry.key, '')}\t{entry.text}"
        told: dict[str, Any] = {
            "text": f"In other words: {typed.strip()}" if entry.key in self.translated else typed,
            "lastModified": stamp(modified_at(entry)),
            "starRating": self.stars.get(entry.key, 3),
        }
        if entry.key in self.translated:
            told["originalText"] = typed
        if entry.key in self.bare:
            return told
        device = {"productName": "panther (Pixel 7)", "manufacturer": "Google", "deviceClass": "FORM_FACTOR_PHONE"}
        versions = {"androidOsVersion": 36, "appVersionCode": 320, "appVersionName": "3.2.0", "device": "panther"}
        thumbs = {"thumbsUpCount": 4, "thumbsDownCount": 0}
        return told | versions | thumbs | {"reviewerLanguage": "en_GB", "deviceMetadata": device}


def modified_at(entry: Entry) -> datetime:
    """The one date that Google tells."""
    return entry.edited_at or entry.created_at


def stamp(at: datetime) -> dict[str, Any]:
    """A time as this API writes it: int64 is text in JSON."""
    return {"seconds": str(int(at.timestamp())), "nanos": at.microsecond * 1_000}
