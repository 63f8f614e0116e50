"""What TikTok's API for Business is asked about an account's own videos, and what its codes mean.

Nearly every answer has status 200, also one that refuses: what it means is in its `code`.
Source: business-api.tiktok.com portal: Accounts API v1.3 (video list, comment list, comment reply list), rate limits.
"""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.base import Access, Json
from monitor.errors import Gone, Malformed, RateLimited, RemoteError, Unauthorized, Unavailable
from monitor.http import HttpClient

PER_PAGE, VIDEOS_PER_PAGE = 30, 20
MOST_IDS = 30  # of one request for comments
_MOST_SOUGHT = 10  # pages of videos
_MOST_REQUESTS = 1_000  # of one call
THROTTLED_FOR = timedelta(minutes=5)
_VIDEO_FIELDS = '["item_id","create_time","caption","share_url","comments"]'
_NEWEST = {"sort_field": "create_time", "sort_order": "desc"}  # without it the order is random
_REFUSED = {40001: "no permission", 40104: "no token", 40105: "the token has ended", 40303: "no approved developer"}
_THROTTLED = 40100
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ABOUT_VIDEO = re.compile(r"(?i)\b(video|item|post|comment)s?\b")
_NOT_THERE = re.compile(r"(?i)not (be )?found|n.t exist|not own|not belong|no longer|deleted|unavailable")
_LIMIT = re.compile(r"(?i)too many requests|rate limit|qpm|throttl|daily (limit|cap|quota)")
_ACCESS = re.compile(r"(?i)access.?token|permission|not authori[sz]ed|unauthori[sz]ed|scope|approved developer")


def read_id(value: object) -> str:
    """The id of a video or comment, text or a number of some 19 digits; "" for what cannot be one."""
    text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    return text if 0 < len(text) < 26 and text.isascii() and text.isdecimal() and text.strip("0") else ""


def read_instant(value: object) -> datetime | None:
    """A time in unix seconds, text or a number, as aware UTC; None for anything else."""
    text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    is_number = 0 < len(text) < 12 and text.isascii() and text.isdecimal()
    return datetime.fromtimestamp(int(text), UTC) if is_number else None


def count_of(value: object) -> int | None:
    """A count, None for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 16:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None


def part_of(raw: Json, name: str) -> Json:
    """What stands there under a name, None where there is nothing of that shape."""
    return raw.get(name) if isinstance(raw, dict) else None


def has_vanished(error: RemoteError) -> bool:
    """Whether TikTok says that a video or comment is not there, which only a code of its own does."""
    return isinstance(error, Gone) and error.status == 200


def is_refusal(error: RemoteError) -> bool:
    """Whether TikTok answered with a code that says no more than that it does not want to."""
    return isinstance(error, Malformed) and "refused with code" in str(error)


class Batch:
    """One page: its entries and where the next one begins, None at the end."""

    def __init__(self, entries: list[Json], following: int | None) -> None:
        self.entries, self.following = entries, following


class Api:
    """The requests of one call, about the account that TikTok knows by the open_id `business`; `n` counts them."""

    def __init__(self, base_url: str, business: str, access: Access, http: HttpClient) -> None:
        self._base, self._business, self._access, self._http = base_url, business, access, http
        self.n = 0

    def account(self) -> tuple[str, str]:
        """The account's username and its name, as far as TikTok tells."""
        told = self._get("/business/get/", fields='["username","display_name"]')
        names = (told.get("username"), told.get("display_name"))
        username, name = (one if isinstance(one, str) else "" for one in names)
        return username, name

    def videos(self, at: int) -> Batch:
        """A page of the account's videos."""
        told = self._get("/business/video/list/", fields=_VIDEO_FIELDS, max_count=VIDEOS_PER_PAGE, cursor=at or None)
        return _batch(told, "videos", at)

    def videos_named(self, ids: Sequence[str]) -> list[Json]:
        """These videos, as far as TikTok shows them; looked for in the list where it does not heed the filter."""
        found: list[Json] = []
        for start in range(0, len(ids), VIDEOS_PER_PAGE):
            some = list(ids[start : start + VIDEOS_PER_PAGE])
            shown = self._filtered(some)
            found += shown if shown is not None else self._sought(set(some))
        return found

    def _filtered(self, ids: list[str]) -> list[Json] | None:
        params = {"fields": _VIDEO_FIELDS, "max_count": VIDEOS_PER_PAGE, "filters": json.dumps({"video_ids": ids})}
        found: list[Json] = []
        at: int | None = 0
        while at is not None and self.n < _MOST_REQUESTS:
            try:
                batch = _batch(self._get("/business/video/list/", **params, cursor=at or None), "videos", at)
            except Malformed as error:
                if not is_refusal(error):
                    raise
                return None  # a filter that is not known
            if not all(read_id(part_of(one, "item_id")) in ids for one in batch.entries):
                return None  # or is not heeded
            found += batch.entries
            at = batch.following if len(found) < len(ids) else None
        return found

    def _sought(self, ids: set[str]) -> list[Json]:
        found: list[Json] = []
        at: int | None = 0
        for _ in range(_MOST_SOUGHT):
            if at is None or len(found) == len(ids):
                break
            batch = self.videos(at)
            found += [one for one in batch.entries if read_id(part_of(one, "item_id")) in ids]
            at = batch.following
        return found

    def comments(self, video: str, at: int) -> Batch:
        """A page of the comments right below a video, hidden ones too, each with up to 3 of its replies.

        The newest come first, as far as the first 500; the rest is ordered by likes, and repeats itself.
        """
        told = self._below(video, "/business/comment/list/", include_replies="true", cursor=at)
        return _batch(told, "comments", at)

    def comments_named(self, video: str, ids: Sequence[str]) -> list[Json]:
        """These comments, at most 30, as far as they exist; a page of them may be short, or empty."""
        params = {"include_replies": "true", "comment_ids": json.dumps(list(ids))}
        found: dict[str, Json] = {}
        at: int | None = 0
        while at is not None:
            if self.n >= _MOST_REQUESTS:
                raise Malformed("TikTok's pages of named comments come to no end", status=200)
            batch = _batch(self._below(video, "/business/comment/list/", **params, cursor=at), "comments", at)
            found |= {read_id(part_of(one, "comment_id")): one for one in batch.entries}
            at = batch.following if len(found) < len(ids) else None
        return [one for comment, one in found.items() if comment in ids]

    def replies(self, video: str, comment: str, at: int) -> Batch:
        """A page of the replies to a comment, the newest first."""
        told = self._below(video, "/business/comment/reply/list/", comment_id=comment, cursor=at)
        return _batch(told, "comments", at)

    def _below(self, video: str, path: str, **params: Any) -> dict[str, Any]:
        return self._get(path, video_id=video, status="ALL", max_count=PER_PAGE, **_NEWEST, **params)

    def _get(self, path: str, **params: Any) -> dict[str, Any]:
        asked = {name: value for name, value in params.items() if value is not None}
        headers = {"Access-Token": self._access.token(), "Accept": "application/json"}
        self.n += 1
        try:
            answer = self._http.get(self._base + path, params={"business_id": self._business, **asked}, headers=headers)
        except RemoteError as error:
            raise _translated(error) from None
        told = answer.json()
        code = told.get("code") if isinstance(told, dict) else None
        if not isinstance(code, int) or isinstance(code, bool):
            raise Malformed(f"{answer.shown} answered without a code", payload=str(told)[:20_000], status=200)
        if code != 0:
            raise refusal(answer.shown, told, answer.start)
        data = told.get("data")
        return data if isinstance(data, dict) else {}


def _batch(data: dict[str, Any], name: str, at: int) -> Batch:
    entries, following = data.get(name), count_of(data.get("cursor"))
    if entries is None and not data.get("has_more"):
        entries = []  # an account without videos, a video without comments
    if not isinstance(entries, list):
        raise Malformed(f"TikTok answered with no list of {name}", payload=str(data)[:20_000], status=200)
    # A place that does not move would be read for ever.
    goes_on = data.get("has_more") is True and following is not None and following != at
    return Batch(entries, following if goes_on else None)


def _translated(error: RemoteError) -> RemoteError:
    """What an answer with another status means: its code says it better, where there is one."""
    try:
        told = json.loads(error.payload)
    except (ValueError, RecursionError):
        told = None
    code = told.get("code") if isinstance(told, dict) else None
    if isinstance(told, dict) and isinstance(code, int) and code:
        changed = refusal(str(error), told, error.payload)
        if not isinstance(changed, Malformed):
            changed.retry_at, changed.status = error.retry_at or changed.retry_at, error.status
            return changed
    if isinstance(error, RateLimited) and error.retry_at is None:
        error.retry_at = datetime.now(UTC) + THROTTLED_FOR
    return error


def refusal(shown: str, told: dict[str, Any], payload: str) -> RemoteError:
    """The error that a code stands for; of one that is not known, its message decides."""
    code, message, request = told["code"], told.get("message"), told.get("request_id")
    message = message if isinstance(message, str) else ""
    is_named = isinstance(request, str) and _REQUEST_ID.fullmatch(request)
    says = f"{shown} refused with code {code}" + (f" (request {request})" if is_named else "")
    error = _sorted(code, message, says)
    error.payload = payload
    return error


def _sorted(code: int, message: str, says: str) -> RemoteError:
    if code == _THROTTLED or _LIMIT.search(message):
        return RateLimited(says, retry_at=_free_at(message), status=200)
    if 50_000 <= code < 60_000:
        return Unavailable(says, status=200)
    if code not in (40104, 40105, 40303) and _ABOUT_VIDEO.search(message) and _NOT_THERE.search(message):
        return Gone(f"{says}: not there, or not ours", status=200)
    if code in _REFUSED:
        return Unauthorized(f"{says}: {_REFUSED[code]}", status=200)
    if _ACCESS.search(message):
        return Unauthorized(f"{says}: the token or its permissions do not suffice", status=200)
    return Malformed(says, status=200)


def _free_at(message: str) -> datetime:
    """Source: a limit of a minute is over after five; one of a day at midnight UTC."""
    now = datetime.now(UTC)
    if re.search(r"(?i)\bda(y|ily)\b", message):
        return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return now + THROTTLED_FOR
