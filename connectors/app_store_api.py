"""What App Store Connect is asked, and the tokens that its requests are signed with.

Source: developer.apple.com/documentation/appstoreconnectapi (generating-tokens-for-api-requests,
identifying-rate-limits) and Apple's OpenAPI description, 4.4.1.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from connectors.base import Json
from monitor.errors import Gone, Malformed, RateLimited, Unauthorized, Unavailable
from monitor.http import HttpClient

LIFE = timedelta(minutes=10)  # more than 20 minutes is refused
BURST_WAIT = timedelta(minutes=2)  # a limit for each minute exists that no header tells of
_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_LEFT = re.compile(r"user-hour-rem:\s*(\d{1,9})")
_ASKED = {
    "include": "response",
    "fields[customerReviews]": "rating,title,body,reviewerNickname,createdDate,territory,response",
    "fields[customerReviewResponses]": "responseBody,lastModifiedDate,state,review",
}


@dataclass(frozen=True, slots=True)
class Key:
    """A key of App Store Connect; `issuer` is empty for a key of one person."""

    id: str
    issuer: str
    pem: str

    def sign(self, now: datetime) -> str:
        """A token that is valid from now on, for some minutes.

        Raises: Unauthorized where the key is not one of App Store Connect's.
        """
        whose = {"iss": self.issuer} if self.issuer else {"sub": "user"}
        claims = whose | {"iat": now, "exp": now + LIFE, "aud": "appstoreconnect-v1"}
        return jwt.encode(claims, read_key(self.pem), algorithm="ES256", headers={"kid": self.id})


def read_key(pem: str) -> EllipticCurvePrivateKey:
    """The private key of a .p8 file.

    Raises: Unauthorized, without a word of the key.
    """
    try:
        key = load_pem_private_key(pem.strip().replace("\\n", "\n").encode(), password=None)
        if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1):
            return key
    except (ValueError, TypeError, UnsupportedAlgorithm):
        pass
    raise Unauthorized("private_key is not the content of a .p8 file of App Store Connect (a P-256 key in PEM)")


@dataclass(frozen=True, slots=True)
class Shown:
    """One page of reviews, each {"review": ..., "response": ... or None}, and where the next one begins ("": none)."""

    pairs: list[Json]
    next: str = ""


def id_of(record: Json) -> str:
    found = record.get("id") if isinstance(record, dict) else None
    return found if isinstance(found, str) and _ID.fullmatch(found) else ""


def attribute(record: Json, name: str) -> str:
    """One attribute as text, "" where it is none."""
    attributes = record.get("attributes") if isinstance(record, dict) else None
    found = attributes.get(name) if isinstance(attributes, dict) else None
    return found if isinstance(found, str) else ""


class Api:
    """The requests of one call; `n_spent` counts them, `poll_after` is what the hour's limit demands."""

    def __init__(self, base_url: str, key: Key, http: HttpClient) -> None:
        self._base, self._key, self._http = base_url, key, http
        self._token = ""
        self.n_spent = 0
        self.poll_after: datetime | None = None

    def page(self, app: str, position: str, limit: int = 200) -> Shown:
        """The newest reviews of an app with our answers, or those from a position on."""
        params: dict[str, Any] = {"sort": "-createdDate", "limit": limit, **_ASKED}
        answer = self._get(f"/v1/apps/{app}/customerReviews", params | ({"cursor": position} if position else {}))
        reviews = answer.get("data")
        if not isinstance(reviews, list):
            raise Malformed("customerReviews answered without data", payload=str(answer)[:20_000], status=200)
        return Shown(_paired(reviews, answer.get("included")), _next(answer))

    def review(self, review_id: str) -> Json | None:
        """One review with our answer, None where it is gone.

        Raises: as the rest; Gone never.
        """
        try:
            answer = self._get(f"/v1/customerReviews/{review_id}", _ASKED)
        except Gone:
            return None
        return _paired([answer.get("data")], answer.get("included"))[0]

    def app_name(self, app: str) -> str:
        """What the app is called.

        Raises: as `HttpClient.request`; Gone where the key does not see such an app.
        """
        return attribute(self._get(f"/v1/apps/{app}", {"fields[apps]": "name"}).get("data"), "name")

    def _get(self, path: str, params: dict[str, Any]) -> dict[str, Any]:
        now = datetime.now(UTC)
        self._token = self._token or self._key.sign(now)  # a call takes less time than a token lives
        self.n_spent += 1
        try:
            headers = {"Authorization": f"Bearer {self._token}"}
            answer = self._http.request("GET", self._base + path, params=params, headers=headers)
        except RateLimited as error:
            error.retry_at = error.retry_at or now + BURST_WAIT
            raise
        except Unauthorized as error:
            raise _refused(error) from None
        left = _LEFT.search(answer.headers.get("x-rate-limit", ""))
        # The hour is a rolling one: some of it is free again soon.
        self.poll_after = now + timedelta(minutes=10) if left and int(left[1]) < 10 else None
        found = answer.json()
        if not isinstance(found, dict):
            raise Malformed(f"{path} answered something that is not an object", payload=str(found)[:20_000], status=200)
        return found


def _refused(error: Unauthorized) -> Unauthorized:
    """The same with what to do about it."""
    if error.status == 401:
        why = "the key was revoked, its id or issuer is wrong, or this machine's clock is"
    elif "AGREEMENT" in error.payload:
        why = "an agreement waits for the account holder in App Store Connect, under Business"
    else:
        why = "the key needs the role Customer Support, App Manager or Admin"
    refused = Unauthorized(f"{error}: {why}", retry_at=error.retry_at, status=error.status)
    refused.payload, refused.headers = error.payload, error.headers
    return refused


def _paired(reviews: Sequence[Json], included: Json) -> list[Json]:
    """Each review with our answer, which the page has in a list of its own."""
    responses = {id_of(one): one for one in included if id_of(one)} if isinstance(included, list) else {}
    pairs = []
    for review in reviews:
        relations = review.get("relationships") if isinstance(review, dict) else None
        relation = relations.get("response") if isinstance(relations, dict) else None
        pairs.append(
            {
                "review": review,
                "response": responses.get(id_of(relation.get("data"))) if isinstance(relation, dict) else None,
            }
        )
    return pairs


def _next(answer: dict[str, Any]) -> str:
    """The position of the next page: only the cursor is taken from the link, so no other host is ever asked."""
    links = answer.get("links")
    link = links.get("next") if isinstance(links, dict) else None
    if not isinstance(link, str):
        return ""
    try:
        return parse_qs(urlsplit(link).query).get("cursor", [""])[0][:500]
    except ValueError:
        return ""


def prove_alive(api: Api, app: str) -> None:
    """That all reviews asked for are gone is believed only where the app itself is still shown.

    Raises: Unavailable where it is not.
    """
    try:
        api.app_name(app)
    except Gone:
        raise Unavailable("App Store Connect shows neither the reviews nor their app", status=404) from None
