"""All HTTP that heedful does, in and out: one shared client, errors sorted by what to do next.

The caller gets an `Answer` for a 2xx or 304 and one of `monitor.errors` for anything else. No URL, header or
body that could hold a secret appears in an error; the host and path do, unless the caller says that the path
itself is secret.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from monitor.errors import Gone, Malformed, RateLimited, RemoteError, Unauthorized, Unavailable


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers (case-insensitive), the whole decoded body, and the URL that answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    def json(self) -> Any:
        """The body as JSON.

        Raises: Malformed, carrying the start of what came (an HTML page with status 200, a cut answer).
        """
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise Malformed(
                f"{_shown(self.url)} answered {self.status} with something that is not JSON ({error})",
                payload=self.body[:20_000].decode("utf-8", "replace"),
                status=self.status,
            ) from None


class HttpClient:
    """The shared client: threads may use it side by side. Close it once, at the end."""

    def __init__(
        self,
        *,
        timeout: timedelta = timedelta(seconds=20),
        deadline: timedelta = timedelta(seconds=45),
        max_body: int = 15_000_000,
        user_agent: str = "heedful/0.1",
    ) -> None:
        self._client = httpx.Client(
            timeout=timeout.total_seconds(),
            limits=httpx.Limits(max_connections=20, max_keepalive_connections=20),
            headers={"user-agent": user_agent},
            trust_env=False,
        )
        self._deadline, self._max_body = deadline, max_body

    def get(
        self, url: str, *, params: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """GET, following up to 3 redirects (never from a public host to a private address).

        Raises: see `request`.
        """
        return self.request("GET", url, params=params, headers=headers, follow=True)

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        follow: bool = False,
        secret_path: bool = False,
    ) -> Answer:
        """Send one request and read the whole answer, at most `max_body` bytes within `deadline`.

        `secret_path`: the path is a secret (a webhook URL); errors then name the host only.

        Raises: Unavailable, RateLimited, Unauthorized, Gone or Malformed, each with `status` where there was
        one; `was_sent` is False where no connection was made.
        """
        try:
            response = self._client.request(
                method, url, params=params, headers=headers, content=content, follow_redirects=follow
            )
        except httpx.HTTPError as error:
            raise Unavailable(f"{_shown(url, secret_path)}: {type(error).__name__}") from None
        if response.status_code >= 300 and response.status_code != 304:
            raise _error(response, _shown(url, secret_path))
        return Answer(response.status_code, response.headers, response.content, str(response.url))

    def close(self) -> None:
        self._client.close()


def _error(response: httpx.Response, shown: str) -> RemoteError:
    status = response.status_code
    says = f"{shown} answered {status}"
    if status == 429:
        return RateLimited(says, retry_at=retry_at(response.headers, datetime.now(UTC)), status=status)
    if status in (401, 403):
        return Unauthorized(says, status=status)
    if status in (404, 410):
        return Gone(says, status=status)
    if status >= 500:
        return Unavailable(says, retry_at=retry_at(response.headers, datetime.now(UTC)), status=status)
    return Malformed(says, payload=response.text[:20_000], status=status)


def retry_at(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """When `Retry-After` (seconds or an HTTP date) lets us try again, or None where it says nothing readable."""
    value = headers.get("retry-after", "").strip()
    if value.isdigit():
        return now + timedelta(seconds=min(int(value), 86_400))
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _shown(url: str, secret_path: bool = False) -> str:
    parts = httpx.URL(url)
    return f"{parts.host}" if secret_path else f"{parts.host}{parts.path}"
