"""What Trustpilot is asked, with an API key for what everybody sees and with a business token for the private lists.

Source: developers.trustpilot.com: authentication, business-units-api, service-reviews-api.
"""

import json
import re
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from connectors.base import Access, Json
from monitor.errors import Gone, Malformed, RateLimited, RemoteError, Unauthorized, Unavailable
from monitor.http import HttpClient

PER_PAGE = 100
BLOCKED_WAIT = timedelta(minutes=5)  # after a 429 or a block, where no header says how long
_LIVES = timedelta(hours=100)
_SHORTEST = timedelta(minutes=1)
_ID = re.compile(r"[0-9a-f]{24}")
_TOKEN_PATH = "/oauth/oauth-business-users-for-applications/accesstoken"  # noqa: S105 - a path
_JSON = {"Accept": "application/json"}


def read_id(value: object) -> str:
    """The id of a review, a unit or a person, "" for what cannot be one."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""


class BusinessToken:
    """The token of an application of the business; kept while more than a tenth of its life is left.

    `is_fresh`: it was given just now, so that whoever refuses it refuses the application.
    """

    def __init__(self, base_url: str, key: SecretStr, secret: SecretStr, http: HttpClient) -> None:
        self._url, self._http = base_url + _TOKEN_PATH, http
        self._pair = SecretStr(f"{key.get_secret_value()}:{secret.get_secret_value()}")
        self._token, self._until = "", datetime.min.replace(tzinfo=UTC)
        self.is_fresh = False

    def token(self) -> str:
        """Raises: Unauthorized where key and secret are refused; else as `HttpClient.request`."""
        now = datetime.now(UTC)
        self.is_fresh = not self._token or now >= self._until
        if self.is_fresh:
            self._token, lives = self._ask()
            self._until = now + lives * 0.9
        return self._token

    def forget(self) -> None:
        """Ask anew next time: the token was refused before its end."""
        self._token = ""

    def _ask(self) -> tuple[str, timedelta]:
        basic = b64encode(self._pair.get_secret_value().encode()).decode()
        headers = _JSON | {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
        try:
            answer = self._http.request("POST", self._url, headers=headers, content=b"grant_type=client_credentials")
        except Malformed as error:
            if error.status != 400:
                raise
            raise Unauthorized(f"{error}: Trustpilot refuses api_key and api_secret", status=400) from None
        except RemoteError as error:
            raise _told(error) from None
        told = answer.json()
        token = told.get("access_token") if isinstance(told, dict) else None
        if not isinstance(token, str) or not token:
            raise Malformed(f"{answer.shown} answered without a token", status=200)
        lives = str(told.get("expires_in", ""))  # Source: a number in some answers and text in others
        is_number = lives.isdecimal() and len(lives) < 9
        return token, max(timedelta(seconds=int(lives)), _SHORTEST) if is_number else _LIVES


class Api:
    """The requests of one call; `access` for the private lists, None for the public ones. `n_spent` counts them."""

    def __init__(self, base_url: str, key: SecretStr | None, access: Access | None, http: HttpClient) -> None:
        self._base, self._key, self._access, self._http = base_url, key, access, http
        self.n_spent = 0

    def find(self, domain: str) -> str:
        """The id of the business unit of a domain.

        Raises: Gone where Trustpilot knows none; else as `HttpClient.request`.
        """
        found = read_id(self._get("/business-units/find", {"name": domain}).get("id"))
        if not found:
            raise Gone(f"Trustpilot names no business unit for {domain}", status=404)
        return found

    def prove_alive(self, unit: str) -> None:
        """Raises: Gone where Trustpilot does not show the unit; else as `HttpClient.request`."""
        if read_id(self._get(f"/business-units/{unit}", {}).get("id")) != unit:
            raise Malformed("another business unit than was asked for", status=200)

    def reviews(self, unit: str, page: int) -> tuple[list[Json], bool]:
        """A page (from 1) of a unit's reviews, the latest first, and whether there is another one."""
        params = {"page": page, "perPage": PER_PAGE, "orderBy": "createdat.desc", "includeReportedReviews": "true"}
        told = self._get(f"{self._prefix}/business-units/{unit}/reviews", params)
        reviews, links = told.get("reviews"), told.get("links")
        if not isinstance(reviews, list):
            raise Malformed("Trustpilot answered with no list of reviews", payload=str(told)[:20_000], status=200)
        if isinstance(links, list):
            return reviews, bool(reviews) and any(
                isinstance(one, dict) and one.get("rel") == "next-page" for one in links
            )
        return reviews, len(reviews) >= PER_PAGE

    def review(self, review_id: str) -> Json | None:
        """One review as it is now, None where there is none."""
        try:
            return self._get(f"{self._prefix}/reviews/{review_id}", {})
        except Gone:
            return None

    @property
    def _prefix(self) -> str:
        return "/private" if self._access is not None else ""

    def _get(self, path: str, params: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._asked(path, params)
        except Unauthorized as error:
            held = self._access
            if error.status != 401 or not isinstance(held, BusinessToken) or held.is_fresh:
                raise
            held.forget()
        return self._asked(path, params)

    def _asked(self, path: str, params: dict[str, Any]) -> dict[str, Any]:
        headers = dict(_JSON)
        if self._access is not None and path.startswith("/private/"):
            headers["Authorization"] = f"Bearer {self._access.token()}"
        elif self._key is not None:
            headers["apikey"] = self._key.get_secret_value()
        else:
            raise Unauthorized("no API key is given: set api_key_env or api_key_file")
        self.n_spent += 1
        try:
            answer = self._http.get(self._base + path, params=params, headers=headers)
        except RemoteError as error:
            raise _told(error) from None
        told = answer.json()
        if not isinstance(told, dict):
            raise Malformed(f"{answer.shown} answered with no object", payload=str(told)[:20_000], status=200)
        return told


def _told(error: RemoteError) -> RemoteError:
    """The error that heedful knows what to do about."""
    changed, later = error, datetime.now(UTC) + BLOCKED_WAIT
    if isinstance(error, RateLimited):
        changed = RateLimited(str(error), retry_at=error.retry_at or later, status=error.status)
    elif error.status == 403 and not _is_json(error.payload):
        # Source: a page of HTML comes from the network in front of the API, and says nothing of the credentials.
        changed = Unavailable(f"{error}: the network in front of Trustpilot blocks us", retry_at=later, status=403)
    elif error.status == 403:
        changed = Unauthorized(f"{error}: the plan or the key does not include this", status=403)
    elif error.status == 401:
        changed = Unauthorized(f"{error}: the API key or the token is not valid", status=401)
    changed.payload = error.payload
    return changed


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), (dict, list))
    except (ValueError, RecursionError):
        return False
