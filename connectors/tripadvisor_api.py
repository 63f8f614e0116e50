"""What Tripadvisor's Content API is asked, and what its refusals mean.

Source: tripadvisor-content-api.readme.io: overview, location details, location reviews, rate limits.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from connectors.base import Json
from connectors.fields import read_instant
from connectors.newest_reviews import Place, Review, Shown
from monitor.core.text import excerpt, printable, storable
from monitor.errors import Gone, Malformed, RateLimited, RemoteError, Unauthorized
from monitor.http import HttpClient

PAUSE, LONG_PAUSE = timedelta(seconds=2), timedelta(hours=1)
AGAIN = timedelta(minutes=10)  # a second refusal within that is not about one second
_KEPT = ("id", "lang", "published_date", "rating", "helpful_votes", "url", "title", "text")
_KEPT_OF_RESPONSE = ("title", "text", "lang", "author", "published_date")
_WORDS = frozenset({"title", "text"})


def read_id(value: object) -> str:
    """An id, a number or text of digits, "" for what cannot be one."""
    text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    return text if 0 < len(text) < 20 and text.isascii() and text.isdecimal() else ""


def web_address(value: object) -> str:
    """An address of the web as it is, with the parameters that the terms want kept; "" for anything else."""
    text = storable(value).strip() if isinstance(value, str) else ""
    return text if text.startswith(("https://", "http://")) else ""


class Limits:
    """What the last refusals say about how long to wait, for no header does: seconds first, then an hour."""

    def __init__(self) -> None:
        self._refused_at: datetime | None = None

    def refused(self, now: datetime) -> datetime:
        """When to try again after a 429."""
        before, self._refused_at = self._refused_at, now
        return now + (LONG_PAUSE if before is not None and now - before < AGAIN else PAUSE)


class Api:
    """The requests of one call; `n_spent` counts them. Without `texts` no word of a review is passed on."""

    def __init__(
        self, base_url: str, key: SecretStr, http: HttpClient, limits: Limits, *, referer: str, texts: bool
    ) -> None:
        self._base, self._key, self._http, self._limits = base_url, key, http, limits
        self._referer, self._texts = referer, texts
        self.n_spent = 0

    def place(self, name: str) -> Place:
        """One location. Raises: Gone where there is none; else as `HttpClient.request`."""
        told = self._get(f"/location/{name}/details", {"language": "en"})
        title, count = told.get("name"), read_id(told.get("num_reviews"))
        if not read_id(told.get("location_id")):
            raise Malformed("Tripadvisor answered with no location", payload=str(told)[:20_000], status=200)
        buckets = told.get("review_rating_count")
        looks = [count, *(read_id(buckets.get(str(n))) for n in range(1, 6))] if isinstance(buckets, dict) else [count]
        is_named = isinstance(title, str) and bool(title.strip())
        return Place(
            name,
            excerpt(storable(title)) if isinstance(title, str) and is_named else f"Location {name}",
            web_address(told.get("web_url")),
            int(count) if count else None,
            looks,
        )

    def reviews(self, place: Place, language: str) -> Shown | None:
        """The newest reviews of a location in one language, at most five."""
        told = self._get(f"/location/{place.id}/reviews", {"language": language})
        reviews = told.get("data")
        if not isinstance(reviews, list):
            raise Malformed("Tripadvisor answered with no list of reviews", payload=str(told)[:20_000], status=200)
        return Shown([self._review(one, place) for one in reviews])

    def _review(self, review: Json, place: Place) -> Review:
        """A review and the management's response, where there is one, without anything else of the answer."""
        told = review if isinstance(review, dict) else {}
        user, response = told.get("user"), told.get("owner_response")
        location = {"id": place.id, "name": place.title, "url": place.url}
        kept = self._kept(told, _KEPT)
        if isinstance(user, dict) and "username" in user:
            kept["user"] = {"username": user["username"]}
        raws: list[Json] = [{"review": kept, "location": location}]
        if isinstance(response, dict):
            answered = {name: told[name] for name in ("id", "published_date", "url") if name in told}
            answer = self._kept(response, _KEPT_OF_RESPONSE)
            raws.append({"review": answered, "response": answer, "location": location})
        return Review(read_id(told.get("id")), read_instant(told.get("published_date")), raws)

    def _kept(self, told: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
        return {name: told[name] for name in names if name in told and (self._texts or name not in _WORDS)}

    def _get(self, path: str, params: Mapping[str, str]) -> dict[str, Any]:
        headers = {"Accept": "application/json"} | ({"Referer": self._referer} if self._referer else {})
        self.n_spent += 1
        try:
            # Redirects are not followed: the key stands in the address.
            asked = {**params, "key": self._key.get_secret_value()}
            answer = self._http.request("GET", self._base + path, params=asked, headers=headers)
        except RemoteError as error:
            raise self._told(error) from None
        told = answer.json()
        if not isinstance(told, dict):
            raise Malformed(f"{answer.shown} answered with no object", payload=str(told)[:20_000], status=200)
        return told

    def _told(self, error: RemoteError) -> RemoteError:
        """The error that heedful knows what to do about."""
        why = _why(error.payload)
        says = f"{error} ({why})" if why else str(error)
        changed: RemoteError = error
        if isinstance(error, RateLimited):
            later = self._limits.refused(datetime.now(UTC))
            changed = RateLimited(says, retry_at=error.retry_at or later, status=error.status)
        elif isinstance(error, Unauthorized):
            hint = "the key is not valid, not for this IP address or domain (referer), or the account is not paid"
            changed = Unauthorized(f"{says}: {hint}", status=error.status)
        elif isinstance(error, (Gone, Malformed)):
            changed = type(error)(says, status=error.status)
        changed.payload, changed.headers = error.payload, error.headers
        return changed


def _why(payload: str) -> str:
    """What a refusal says; the API itself and the gateway before it write it in three ways."""
    try:
        told = json.loads(payload)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(told, dict):
        return ""
    inner = told.get("error")
    said = inner.get("message") if isinstance(inner, dict) else told.get("Message") or told.get("message")
    return printable(storable(said))[:120] if isinstance(said, str) else ""
