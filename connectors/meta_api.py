"""What Meta's Graph API is asked, and what its errors and usage headers mean; Facebook and Instagram share it.

An error is sorted by its code, not by its HTTP status, which is 400 for nearly everything.
Source: developers.facebook.com/docs/graph-api: guides/error-handling, overview/rate-limiting, results.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pydantic import SecretStr

from connectors.base import Access, Json
from connectors.meta_fields import part, read_id
from monitor.errors import Gone, Malformed, RateLimited, RemoteError, Unauthorized, Unavailable
from monitor.http import Answer, HttpClient

BATCH = 50  # how many objects one request may ask for by `ids`
VERSION = "v26.0"  # Source: docs/graph-api/changelog, current since 2026-07-29
_THROTTLED = (4, 17, 32, 341, 613)  # 80000 to 80014 besides, one for each kind of business use
_EXPIRED = (102, 190)
_WHY_EXPIRED = {
    458: "the app was removed",
    459: "Facebook asks the person to log in and confirm something",
    460: "the password was changed",
    463: "it has expired",
    464: "Facebook asks the person to log in and confirm something",
    467: "it was revoked",
    492: "the person lost their role on the Page",
}
_WAIT = timedelta(hours=1)  # where a throttling answer does not say how long
_LONGEST_WAIT = timedelta(hours=24)
_SLOW_AT, _STOP_AT = 75, 95  # percent of what the account may ask
_SLOW_FOR, _STOP_FOR = timedelta(minutes=15), timedelta(minutes=30)
# What a `next` link is made of, but for the token that stands in it too.
_POSITION = ("after", "until", "__paging_token", "offset")


class Api:
    """The requests of one call. `poll_after` is what the usage headers demand, `is_tired` that there is little left."""

    def __init__(self, base_url: str, access: Access, app_secret: SecretStr | None, http: HttpClient) -> None:
        self._base, self._access, self._app_secret, self._http = base_url, access, app_secret, http
        self.n_spent = 0
        self.poll_after: datetime | None = None
        self.is_tired = False
        self.served = ""  # the version that answered

    def get(self, path: str, params: Mapping[str, Any]) -> Json:
        """The answer to one request.

        Raises: the errors of `monitor.errors`; `is_denied`, `is_too_much` and `is_missing` tell more of them.
        """
        token = self._access.token()
        try:
            answer = self._ask(path, params, token)
        except Unauthorized as error:
            renewed = token if is_denied(error) else self._access.token()
            if renewed == token:
                raise
            answer = self._ask(path, params, renewed)
        self._heed(answer.headers)
        return answer.json()

    def _ask(self, path: str, params: Mapping[str, Any], token: str) -> Answer:
        headers = {"Authorization": f"Bearer {token}"}
        proof = {"appsecret_proof": proof_of(self._app_secret, token)} if self._app_secret else {}
        self.n_spent += 1
        failed: RemoteError
        try:
            return self._http.get(f"{self._base}/{path}", params={**params, **proof}, headers=headers)
        except RemoteError as error:
            failed = error
        raise sorted_by_code(failed, path, datetime.now(UTC)) from None

    def edge(self, path: str, params: Mapping[str, Any]) -> tuple[list[Json], dict[str, str], Json]:
        """The rows of one page, the position of the next ({}: there is none), and the whole answer.

        Raises: as `get`, and Malformed where it is not a list.
        """
        answer = self.get(path, params)
        data = part(answer, "data")
        if not isinstance(data, list):
            raise Malformed(f"{path} answered without data", payload=str(answer)[:20_000], status=200)
        return data, next_position(answer), answer

    def objects(self, ids: Iterable[str], fields: str) -> tuple[dict[str, Json], list[str]]:
        """The objects of these ids as they are now, and which of the ids Meta says do not exist.

        One bad id spoils a whole batch: the batch is then halved until it is found.
        """
        found: dict[str, Json] = {}
        missing: list[str] = []
        wanted = list(dict.fromkeys(ids))
        waiting = [wanted[start : start + BATCH] for start in range(0, len(wanted), BATCH)]
        while waiting:
            batch = waiting.pop()
            try:
                answer = self.get("", {"ids": ",".join(batch), "fields": fields})
            except (Gone, Unavailable) as error:
                if not is_missing(error) and not is_too_much(error):
                    raise
                if len(batch) > 1:
                    waiting += [batch[len(batch) // 2 :], batch[: len(batch) // 2]]
                elif is_missing(error):
                    missing += batch
                continue
            if isinstance(answer, dict):
                found.update((key, answer[key]) for key in batch if isinstance(answer.get(key), dict))
        return found, missing

    def single(self, object_id: str, fields: str) -> Json | None:
        """One object as it is now, None where Meta says that it does not exist."""
        try:
            return self.get(object_id, {"fields": fields})
        except Gone as error:
            if not is_missing(error):
                raise
            return None

    def _heed(self, headers: Mapping[str, str]) -> None:
        """Slow down before Meta throttles: whoever goes on asking then is blocked for longer."""
        now = datetime.now(UTC)
        self.served = headers.get("facebook-api-version", "")
        percent, wait = read_usage(headers)
        if wait or percent >= _STOP_AT:
            self.is_tired = True
            self.poll_after = now + (wait or _STOP_FOR)
        elif percent >= _SLOW_AT and not self.is_tired:
            self.poll_after = now + _SLOW_FOR


def proof_of(app_secret: SecretStr, token: str) -> str:
    """What shows that a request comes from the app itself. Source: docs/graph-api/guides/secure-requests."""
    return hmac.new(app_secret.get_secret_value().encode(), token.encode(), hashlib.sha256).hexdigest()


def is_missing(error: RemoteError) -> bool:
    """Whether Meta named the object as not there; any other 404 says nothing about it."""
    return isinstance(error, Gone) and _code_of(error.payload)[0] in (24, 100, 803)


def is_denied(error: RemoteError) -> bool:
    """Whether the token is good but does not reach this far."""
    code = _code_of(error.payload)[0]
    return isinstance(error, Unauthorized) and code is not None and code not in (*_EXPIRED, 368)


def is_too_much(error: RemoteError) -> bool:
    """Whether one request asked for more than the server would put together: ask for less at once."""
    code, _, said, _ = _code_of(error.payload)
    return isinstance(error, Unavailable) and code == 1 and "reduce the amount" in said


def sorted_by_code(error: RemoteError, path: str, now: datetime) -> RemoteError:
    """The same error as the class that its code says; `path` has no secret in it."""
    code, subcode, said, is_transient = _code_of(error.payload)
    if code is None:
        if isinstance(error, RateLimited):
            error.retry_at = _wait_of(error, now)
        return error
    says = f"{path or 'the batch'} answered {error.status} with code {code}" + (f"/{subcode}" if subcode else "")
    sorted_error = _of_code(code, subcode, said, says, is_transient)
    if sorted_error is None:
        return error
    if isinstance(sorted_error, RateLimited):
        sorted_error.retry_at = _wait_of(error, now)
    sorted_error.status, sorted_error.payload, sorted_error.headers = error.status, error.payload, error.headers
    return sorted_error


def _of_code(code: int, subcode: int, said: str, says: str, is_transient: bool) -> RemoteError | None:
    if code in _THROTTLED or 80000 <= code <= 80014:
        return RateLimited(f"{says}: too many calls")
    if code in _EXPIRED:
        return Unauthorized(f"{says}: the token is no longer good ({_WHY_EXPIRED.get(subcode, 'it is refused')})")
    if code == 368:
        return Unauthorized(f"{says}: Meta has blocked this for breaking its policies")
    needed = ", ".join(dict.fromkeys(re.findall(r"'((?:pages|instagram|ads|read|business)_[a-z_]{3,40})'", said)))
    if code in (3, 10) or 200 <= code <= 299 or (code == 100 and not subcode and "requires the" in said):
        return Unauthorized(f"{says}: a permission is missing" + (f" ({needed})" if needed else ""))
    if (code, subcode) == (100, 33) or code in (24, 803):
        return Gone(f"{says}: it does not exist, or the token may not see it")
    if code in (1, 2) or is_transient:
        return Unavailable(says)
    return Malformed(says) if code == 100 else None


def _code_of(payload: str) -> tuple[int | None, int, str, bool]:
    """The code, subcode and message of an error, and whether it calls itself transient."""
    try:
        error = part(json.loads(payload), "error")
    except (ValueError, RecursionError):
        error = None
    code, subcode, said = part(error, "code"), part(error, "error_subcode"), part(error, "message")
    if not isinstance(code, int) or isinstance(code, bool):
        return None, 0, "", False
    is_transient = part(error, "is_transient") is True
    return code, subcode if isinstance(subcode, int) else 0, said if isinstance(said, str) else "", is_transient


def _wait_of(error: RemoteError, now: datetime) -> datetime:
    _, wait = read_usage(error.headers)
    if wait:
        return now + wait
    return error.retry_at or now + _WAIT


def read_usage(headers: Mapping[str, str]) -> tuple[float, timedelta]:
    """How much of what the account may ask is used, in percent, and how long it must wait to ask again."""
    entries = [_parsed(headers.get("x-app-usage", "")), _parsed(headers.get("x-page-usage", ""))]
    business = _parsed(headers.get("x-business-use-case-usage", ""))
    for of_one in business.values() if isinstance(business, dict) else ():
        entries += of_one if isinstance(of_one, list) else []
    percent = max((_number(part(e, key)) for e in entries for key in _USAGE), default=0.0)
    minutes = max((_number(part(e, "estimated_time_to_regain_access")) for e in entries), default=0.0)
    return percent, min(timedelta(minutes=min(minutes, 10_000)), _LONGEST_WAIT)


_USAGE = ("call_count", "total_time", "total_cputime")


def _parsed(value: str) -> Json:
    try:
        return json.loads(value) if value else None
    except (ValueError, RecursionError):
        return None


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0 else 0.0


def next_position(edge: Json, *, needs_next: bool = True) -> dict[str, str]:
    """Where the next page of an edge begins, {} at its end; never the token that stands in the link.

    `needs_next`: where there is no `next` link there is no next page (Instagram's tags leave the link out).
    Source: docs/graph-api/results: a page may be empty and have a next one.
    """
    paging = part(edge, "paging")
    link, after = part(paging, "next"), part(part(paging, "cursors"), "after")
    if not isinstance(link, str):
        return {} if needs_next or not isinstance(after, str) or not part(edge, "data") else {"after": after[:2_000]}
    try:
        query = dict(parse_qsl(urlsplit(link).query))
    except ValueError:
        query = {}
    position = {name: query[name][:2_000] for name in _POSITION if query.get(name)}
    if isinstance(after, str) and "after" not in position and not position:
        position["after"] = after[:2_000]
    return position


def last_part(object_id: str) -> str:
    """The part of an id that is its own ("5" of "1_5")."""
    return read_id(object_id).rpartition("_")[2]
