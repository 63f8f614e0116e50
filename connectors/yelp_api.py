"""What Yelp's Places API is asked, and what its refusals mean.

Source: docs.developer.yelp.com: rate limiting, errors, business reviews.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote, urlsplit
from zoneinfo import ZoneInfo

from connectors.base import Access, Json
from connectors.newest_reviews import NotShown, Place, Review, Shown
from monitor.core.text import excerpt, storable
from monitor.errors import Gone, Malformed, RateLimited, RemoteError, Unauthorized, Unavailable
from monitor.http import MAX_WAIT, HttpClient

PAUSE = timedelta(seconds=2)  # after TOO_MANY_REQUESTS_PER_SECOND
YELPS_TIME = ZoneInfo("America/Los_Angeles")
# Source: the supported locales of the API; for each language the one with the most speakers there.
LOCALES = {
    "cs": "cs_CZ", "da": "da_DK", "de": "de_DE", "en": "en_US", "es": "es_ES", "fi": "fi_FI", "fil": "fil_PH",
    "fr": "fr_FR", "it": "it_IT", "ja": "ja_JP", "ms": "ms_MY", "nb": "nb_NO", "nl": "nl_NL", "pl": "pl_PL",
    "pt": "pt_PT", "sv": "sv_SE", "tr": "tr_TR", "zh": "zh_TW",
}  # fmt: skip
_NAME = re.compile(r"[\w.'-]{1,200}")  # an id, or an alias, which may have letters of any alphabet
_CODE = re.compile(r"[A-Z][A-Z_]{2,60}")
_REFUSED = frozenset({"TOKEN_INVALID", "UNAUTHORIZED_ACCESS_TOKEN", "TOKEN_MISSING", "UNAUTHORIZED_API_KEY"})
_KEPT_OF_REVIEW = ("id", "url", "text", "rating", "time_created")
_KEPT_OF_USER = ("id", "name", "profile_url")


def read_name(value: object) -> str:
    """The id or alias of a business, or the id of a review; "" for what cannot be one."""
    text = value.strip() if isinstance(value, str) else ""
    return text if _NAME.fullmatch(text) and text.strip(".") else ""


def read_instant(value: object) -> datetime | None:
    """A time as aware UTC, None for anything else. Source: times have no zone and are Pacific."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        if at is None:
            return None
        return (at if at.tzinfo is not None else at.replace(tzinfo=YELPS_TIME)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


class Api:
    """The requests of one call; `n_spent` counts them, `spent_until` is when a used up day begins anew."""

    def __init__(self, base_url: str, access: Access, http: HttpClient) -> None:
        self._base, self._access, self._http = base_url, access, http
        self.n_spent = 0
        self.spent_until: datetime | None = None

    def place(self, name: str) -> Place:
        """One business. Raises: as `newest_reviews.Platform`."""
        try:
            told = self._get(f"/businesses/{quote(name, safe='')}", {})
        except Unavailable as error:
            moved = _moved_to(error)
            if not moved or moved == name:
                raise
            told = self._get(f"/businesses/{quote(moved, safe='')}", {})
        business, count = read_name(told.get("id")), told.get("review_count")
        if not business:
            raise Malformed("Yelp answered with a business that has no id", payload=str(told)[:20_000], status=200)
        is_count = isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 2**53
        rating = told.get("rating")
        look = [count if is_count else None, rating if isinstance(rating, (int, float)) else None]
        title = told.get("name")
        return Place(
            business,
            excerpt(storable(title)) if isinstance(title, str) and title.strip() else name,
            bare_url(told.get("url")),
            count if is_count else None,
            look,
        )

    def reviews(self, place: Place, language: str) -> Shown | None:
        """The few excerpts that Yelp shows for a locale; of a business without reviews it says that there is none."""
        locale = language if "_" in language else LOCALES.get(language, "")
        path, params = f"/businesses/{quote(place.id, safe='')}/reviews", {"locale": locale} if locale else {}
        try:
            told = self._newest(path, params)
        except Gone:
            return None
        reviews, languages = told.get("reviews"), told.get("possible_languages")
        if not isinstance(reviews, list):
            raise Malformed("Yelp answered with no list of reviews", payload=str(told)[:20_000], status=200)
        known = (
            [one for one in languages if isinstance(one, str) and one in LOCALES] if isinstance(languages, list) else []
        )
        return Shown([_review(one, place) for one in reviews], known)

    def _newest(self, path: str, params: Mapping[str, str]) -> dict[str, Any]:
        """Source: without an order Yelp sorts by what it finds relevant, which hides what is new."""
        try:
            return self._get(path, {**params, "sort_by": "newest"})
        except Malformed as error:
            if _code(error) != "VALIDATION_ERROR":
                raise
        return self._get(path, params)  # a plan that does not know the order

    def _get(self, path: str, params: Mapping[str, str]) -> dict[str, Any]:
        headers = {"Accept": "application/json", "Authorization": f"Bearer {self._access.token()}"}
        self.n_spent += 1
        try:
            # Redirects are not followed: where a business has moved is told in the body.
            answer = self._http.request("GET", self._base + path, params=params, headers=headers)
        except RemoteError as error:
            raise _told(error) from None
        if answer.headers.get("ratelimit-remaining", "").split(".")[0] == "0":
            self.spent_until = reset_at(answer.headers)
        told = answer.json()
        if not isinstance(told, dict):
            raise Malformed(f"{answer.shown} answered with no object", payload=str(told)[:20_000], status=200)
        return told


def bare_url(value: object) -> str:
    """An address without the parameters that only track; "" for what is none."""
    text = storable(value).strip() if isinstance(value, str) else ""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return ""
    kept = [one for one in parts.query.split("&") if one and not re.match(r"(?i)adjust_creative(=|$)|utm_", one)]
    return parts._replace(query="&".join(kept)).geturl()


def reset_at(headers: Mapping[str, str]) -> datetime:
    """When the day's requests begin anew: as the header says, within a day, or at midnight UTC."""
    now = datetime.now(UTC)
    try:
        at = datetime.fromisoformat(headers.get("ratelimit-resettime", ""))
        at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        at = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return min(max(at, now), now + MAX_WAIT)


def _review(review: Json, place: Place) -> Review:
    told = review if isinstance(review, dict) else {}
    user = told.get("user")
    raw: dict[str, Any] = {name: told[name] for name in _KEPT_OF_REVIEW if name in told}
    if isinstance(user, dict):
        raw["user"] = {name: user[name] for name in _KEPT_OF_USER if name in user}
    business = {"id": place.id, "name": place.title, "url": place.url}
    told_raw = {"review": raw, "business": business}
    return Review(read_name(told.get("id")), read_instant(told.get("time_created")), [told_raw])


def _error(error: RemoteError) -> dict[str, Any]:
    try:
        told = json.loads(error.payload)
    except (ValueError, RecursionError):
        return {}
    said = told.get("error") if isinstance(told, dict) else None
    return said if isinstance(said, dict) else {}


def _code(error: RemoteError) -> str:
    code = _error(error).get("code")
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


def _moved_to(error: RemoteError) -> str:
    """The id that a business has now. Source: 301 BUSINESS_MIGRATED with `new_business_id`."""
    if error.status not in (301, 302, 307, 308):
        return ""
    said = _error(error)
    location = unquote(urlsplit(error.headers.get("location", "")).path.rpartition("/")[2])
    return read_name(said.get("new_business_id")) or read_name(location)


def _told(error: RemoteError) -> Exception:
    """The error that heedful knows what to do about."""
    code = _code(error)
    says = f"{error} ({code})" if code else str(error)
    changed: RemoteError = error
    if isinstance(error, RateLimited):
        now = datetime.now(UTC)
        is_short = code == "TOO_MANY_REQUESTS_PER_SECOND"
        changed = RateLimited(says, retry_at=now + PAUSE if is_short else reset_at(error.headers), status=error.status)
    elif code == "BUSINESS_UNAVAILABLE":
        return NotShown(says)
    elif error.status == 401 or code in _REFUSED:
        changed = Unauthorized(f"{says}: Yelp does not accept the API key", status=error.status)
    elif error.status == 403:
        changed = Unauthorized(f"{says}: the plan does not include this", status=403)
    elif isinstance(error, (Gone, Malformed)):
        changed = type(error)(says, status=error.status)
    changed.payload, changed.headers = error.payload, error.headers
    return changed
