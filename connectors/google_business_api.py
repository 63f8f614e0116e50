"""What Google's Business Profile APIs are asked: accounts and locations of today's, reviews of the old v4.

Source: developers.google.com/my-business/reference: rest/v4/accounts.locations.reviews (list, get),
accountmanagement/rest/v1/accounts, businessinformation/rest/v1/accounts.locations.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import uniform
from typing import Any
from urllib.parse import quote

from connectors.base import Access, Json
from connectors.google_errors import has_expired_position, reasons, translated
from monitor.errors import Gone, Malformed, RateLimited, RemoteError, Unauthorized
from monitor.http import HttpClient

PER_PAGE = 50  # more is refused
_SHOWN = "name,title,storeCode,metadata"
_LEAST_WAIT, _MOST_WAIT = 65.0, 90.0  # seconds after a 429; no header says how long
_MOST_PAGES = 100  # of a list of accounts or locations
_ACCOUNT = re.compile(r"accounts/[0-9]{1,30}")
_LOCATION = re.compile(r"locations/[0-9]{1,30}")
_REVIEW_ID = re.compile(r"[A-Za-z0-9:_.=-]{1,300}")
_UNVERIFIED = "FAILED_PRECONDITION"
_OF_ONE_LOCATION = frozenset({"PERMISSION_DENIED", "forbidden"})


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the three APIs answer."""

    reviews: str
    accounts: str
    locations: str


def read_review_id(value: object) -> str:
    """The id of a review, "" for what cannot be one."""
    return value if isinstance(value, str) and _REVIEW_ID.fullmatch(value) else ""


def read_account(value: object) -> str:
    """The name of an account ("accounts/1"), "" for what cannot be one."""
    return value if isinstance(value, str) and _ACCOUNT.fullmatch(value) else ""


def read_location(value: object) -> str:
    """The name of a location ("locations/2"), "" for what cannot be one."""
    return value if isinstance(value, str) and _LOCATION.fullmatch(value) else ""


def read_parent(value: object) -> str:
    """A location as v4 names it ("accounts/1/locations/2"), "" for what cannot be one."""
    account, slash, location = value.partition("/locations/") if isinstance(value, str) else ("", "", "")
    return f"{account}/locations/{location}" if slash and read_account(account) and location.isdecimal() else ""


def why_shut(error: RemoteError) -> str:
    """Why this one location cannot be read, "" where the error is not about a location alone."""
    why = reasons(error)
    if isinstance(error, Gone) and "NOT_FOUND" in why:  # Source: an address that is none gives a page of HTML
        return "Google does not find it any more: was it moved or merged?"
    if isinstance(error, Unauthorized) and error.status == 403 and why and why <= _OF_ONE_LOCATION:
        return "whoever gave the permission neither owns nor manages it"
    if isinstance(error, Malformed) and error.status == 400 and _UNVERIFIED in why:
        return "it is not verified, and Google shows reviews of verified ones only"
    return ""


class Api:
    """The requests of one call; `n_spent` counts them."""

    def __init__(self, addresses: Addresses, http: HttpClient, access: Access) -> None:
        self._at, self._http, self._access = addresses, http, access
        self.n_spent = 0

    def accounts(self) -> list[str]:
        """The names of all accounts that the token reaches."""
        rows = self._all(f"{self._at.accounts}/accounts", "accounts", {"pageSize": 20})
        return list(filter(None, (read_account(row.get("name")) for row in rows if isinstance(row, dict))))

    def locations(self, account: str) -> list[Json]:
        """The locations of an account, with what they are called. Source: without a readMask the answer is 400."""
        url = f"{self._at.locations}/{account}/locations"
        rows = self._all(url, "locations", {"readMask": _SHOWN, "pageSize": 100})
        return [row for row in rows if isinstance(row, dict) and read_location(row.get("name"))]

    def location(self, name: str) -> Json:
        """One location with what it is called."""
        return self._get(f"{self._at.locations}/{name}", {"readMask": _SHOWN})

    def reviews(self, parent: str, token: str = "", size: int = PER_PAGE) -> tuple[list[Json], str]:
        """A page of a location's reviews, the last updated first, and the token of the next one, "" at the end."""
        params = {"pageSize": size, "orderBy": "updateTime desc"}
        return self._listed(f"{self._at.reviews}/{parent}/reviews", "reviews", params, token)

    def review(self, parent: str, review_id: str) -> Json:
        """One review as it is now; None where Google says that there is none."""
        try:
            return self._get(f"{self._at.reviews}/{parent}/reviews/{quote(review_id, safe='')}", {})
        except Gone as error:
            if not why_shut(error):
                raise
            return None

    def _all(self, url: str, name: str, params: dict[str, Any]) -> list[Json]:
        """A whole list; from its beginning once more where Google forgot the position."""
        try:
            return self._walked(url, name, params)
        except Malformed as error:
            if not is_lost_position(error):
                raise
        return self._walked(url, name, params)

    def _walked(self, url: str, name: str, params: dict[str, Any]) -> list[Json]:
        rows, token = self._listed(url, name, params, "")
        for _ in range(_MOST_PAGES):
            if not token:
                break
            more, token = self._listed(url, name, params, token)
            rows += more
        return rows

    def _listed(self, url: str, name: str, params: dict[str, Any], token: str) -> tuple[list[Json], str]:
        told = self._get(url, params | ({"pageToken": token} if token else {}))
        rows = told.get(name)  # an empty list is left out
        following = told.get("nextPageToken") or ""
        if not isinstance(rows, list | None) or not isinstance(following, str):
            raise Malformed(f"no list of {name}", payload=json.dumps(told)[:20_000], status=200)
        if following and following == token:
            raise Malformed(f"{name}: the page token that it was asked with: a loop", status=200)
        return list(rows or ()), following

    def _get(self, url: str, params: dict[str, Any]) -> dict[str, Any]:
        self.n_spent += 1
        headers = {"Authorization": f"Bearer {self._access.token()}"}
        try:
            answer = self._http.get(url, params=params, headers=headers)
        except RemoteError as error:
            raise _told(error) from None
        told = answer.json()
        if not isinstance(told, dict):
            raise Malformed(f"{answer.shown} answered with no object", payload=json.dumps(told)[:20_000], status=200)
        return told


def is_lost_position(error: Malformed) -> bool:
    """Whether the page token is refused; Google also says no more than that an argument is invalid."""
    return error.status == 400 and (has_expired_position(error) or "INVALID_ARGUMENT" in reasons(error))


def _told(error: RemoteError) -> RemoteError:
    """The error that heedful knows what to do about, with what a person can do."""
    if error.status == 429 and _quota(error) == "0":
        changed: RemoteError = Unauthorized(
            f"{error}: Google has not yet approved this project for the Business Profile APIs", status=429
        )
    else:
        changed = translated(error)
        if isinstance(changed, RateLimited) and changed.retry_at is None:
            changed.retry_at = datetime.now(UTC) + timedelta(seconds=uniform(_LEAST_WAIT, _MOST_WAIT))  # noqa: S311
    if "ACCESS_TOKEN_SCOPE_INSUFFICIENT" in reasons(error):
        changed = Unauthorized(f"{error}: the token lacks the scope business.manage", status=error.status)
    changed.payload = error.payload
    return changed


def _quota(error: RemoteError) -> str:
    """The limit that was exceeded, "" where the answer does not say; a project that is not approved has 0."""
    try:
        details = json.loads(error.payload)["error"]["details"]
        found = [one["metadata"].get("quota_limit_value") for one in details if "metadata" in one]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""
    return next((str(limit) for limit in found if limit is not None), "")
