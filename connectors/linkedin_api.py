"""What LinkedIn's Community Management API is asked, and what its names and errors mean.

Names (URNs) are percent-encoded in a URL while the signs of Rest.li around them (`List(...)`, `(start:..,end:..)`) are
not, so each URL is written here as it is sent. A post has two numbers: one as share or ugcPost, another as activity.

Source: learn.microsoft.com/linkedin/marketing/community-management (shares/comments-api, shares/posts-api,
organizations/organization-social-action-notifications) and linkedin/shared/api-guide/concepts.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import uniform
from typing import Any
from urllib.parse import quote

from connectors.base import Access, Json
from monitor.errors import Gone, Malformed, RateLimited, RemoteError, Unauthorized
from monitor.http import Answer, HttpClient

PER_PAGE = 100
PER_NEWS_PAGE = 50
COMMENTED = ("COMMENT", "ADMIN_COMMENT", "COMMENT_EDIT")
DELETED = "COMMENT_DELETE"
MENTIONED, SHARED = "SHARE_MENTION", "SHARE"
_OVERLAP = 10  # a tenth of a page is read again: what is deleted meanwhile moves everything up
_MOST_START = 100_000
_TOO_FAST = re.compile(r"(?i)\bminute|\bsecond|short.?term|per.?second|throttl\w+ for a")
_TOKENS = {65600: "is invalid", 65601: "was revoked", 65602: "has expired"}
_POST = re.compile(r"urn:li:(?:share|ugcPost):[0-9]{1,20}")
_THREAD = re.compile(r"(?:urn:li:)?([A-Za-z]{1,30}:[0-9]{1,20})")
_COMMENT = re.compile(r"urn:li:comment:\((?:urn:li:)?([A-Za-z]{1,30}:[0-9]{1,20}),([0-9]{1,20})\)")
_ACTOR = re.compile(r"urn:li:[A-Za-z]{1,30}:[A-Za-z0-9_-]{1,100}")
_NUMBER = re.compile(r"[0-9]{1,20}")
_START = re.compile(r"[?&]start=([0-9]{1,9})(?:&|$)")


def read_post(value: object) -> str:
    """The name of a post, "" for anything else."""
    return value if isinstance(value, str) and _POST.fullmatch(value) else ""


def read_thread(value: object) -> str:
    """What comments hang under (an activity, a post), "" for anything else; some answers leave "urn:li:" out."""
    found = _THREAD.fullmatch(value) if isinstance(value, str) else None
    return f"urn:li:{found[1]}" if found else ""


def read_comment_urn(value: object) -> tuple[str, str]:
    """What a comment hangs under and its number, ("", "") for what is no comment's name."""
    found = _COMMENT.fullmatch(value) if isinstance(value, str) else None
    return (f"urn:li:{found[1]}", found[2]) if found else ("", "")


def comment_urn(thread: str, number: str) -> str:
    """How LinkedIn names a comment."""
    return f"urn:li:comment:({thread},{number})"


def read_actor(value: object) -> str:
    """The name of a person or page, "" for anything else."""
    return value if isinstance(value, str) and _ACTOR.fullmatch(value) else ""


def read_number(value: object) -> str:
    """The number of a comment, "" for anything else; some answers have it as a number."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return text if isinstance(text, str) and _NUMBER.fullmatch(text) else ""


def read_ms(value: object) -> int:
    """Milliseconds since 1970 within the years that there are, 0 for anything else."""
    is_one = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 253_402_300_800_000
    return value if is_one and isinstance(value, int) else 0


def part_of(raw: Json, *path: str) -> Json:
    """What stands at a path of nested objects, None where there is nothing of that shape."""
    for name in path:
        raw = raw.get(name) if isinstance(raw, dict) else None
    return raw


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of a list, and where the next one starts (0: there is none)."""

    rows: list[Json]
    following: int = 0


class Api:
    """The requests of one call; `n` counts them."""

    def __init__(self, base_url: str, version: str, http: HttpClient, access: Access) -> None:
        self._base, self._version, self._http, self._access = base_url, version, http, access
        self.n = 0

    def news(self, page: str, actions: tuple[str, ...], since: int, until: int, start: int) -> Listed:
        """What happened around an organisation in a span of time (milliseconds), in no promised order.

        Source: the feed goes back 60 days.
        """
        span = f"(start:{since},end:{until})"
        query = f"q=criteria&organizationalEntity={_encoded(page)}&actions=List({','.join(actions)})&timeRange={span}"
        return self._list("organizationalEntityNotifications", query, start, PER_NEWS_PAGE)

    def posts(self, page: str, start: int = 0, count: int = PER_PAGE) -> Listed:
        """An organisation's own posts, the last changed first."""
        query = f"q=author&author={_encoded(page)}&sortBy=LAST_MODIFIED"
        return self._list("posts", query, start, count)

    def post(self, urn: str) -> Json:
        """One post. Raises: Gone where there is none, Unauthorized (403) where it is a member's that we may not see."""
        return self._get(f"posts/{_encoded(urn)}")

    def comments(self, urn: str, start: int = 0, count: int = PER_PAGE) -> Listed:
        """The comments on a post or activity, or the replies to a comment, in no promised order."""
        return self._list(f"socialActions/{_encoded(urn)}/comments", "", start, count)

    def comment(self, urn: str, number: str) -> Json:
        """One comment, or reply, of a post or activity."""
        return self._get(f"socialActions/{_encoded(urn)}/comments/{number}")

    def n_comments(self, urn: str) -> int | None:
        """How many comments LinkedIn counts below a post; None where it does not say."""
        summary = part_of(self._get(f"socialMetadata/{_encoded(urn)}"), "commentSummary")
        names = ("count", "topLevelCount", "aggregatedTotalComments", "totalFirstLevelComments")
        counts = [summary[name] for name in names if isinstance(summary, dict) and name in summary]
        return max((count for count in counts if type(count) is int), default=None)

    def _list(self, path: str, query: str, start: int, count: int) -> Listed:
        before = f"{query}&" if query else ""
        told = self._get(f"{path}?{before}start={start}&count={count}")
        rows = told.get("elements")
        if not isinstance(rows, list):
            raise Malformed(f"{path}: no list of elements", payload=json.dumps(told)[:20_000], status=200)
        return Listed(rows, _following(told.get("paging"), start, count, len(rows)))

    def _get(self, path: str) -> dict[str, Any]:
        headers = {
            "Authorization": f"Bearer {self._access.token()}",
            "LinkedIn-Version": self._version,
            "X-Restli-Protocol-Version": "2.0.0",
        }
        self.n += 1
        try:
            answer = self._http.get(f"{self._base}/{path}", headers=headers)
        except RemoteError as error:
            raise translated(error, self._version) from None
        return _object(answer)


def _encoded(urn: str) -> str:
    return quote(urn, safe="")


def _object(answer: Answer) -> dict[str, Any]:
    told = answer.json()
    if not isinstance(told, dict):
        raise Malformed(f"{answer.shown} answered with no object", payload=json.dumps(told)[:20_000], status=200)
    return told


def _following(paging: Json, start: int, asked: int, n_rows: int) -> int:
    """Where the next page starts, 0 at the end.

    Source: pages can have fewer rows than asked for although more follow (Rest.li leaves out what may not be seen), and
    no sign of the end is always there: so the list goes on where any of them says so.
    """
    links, total, count = part_of(paging, "links"), part_of(paging, "total"), part_of(paging, "count")
    count = count if isinstance(count, int) and 0 < count < asked else asked
    href = _next_link(links)
    follows = href is not None or n_rows >= count or (type(total) is int and n_rows > 0 and start + n_rows < total)
    if not follows or start >= _MOST_START:
        return 0
    found = _START.search(href or "")
    linked = int(found[1]) if found else 0
    end = linked if linked > start else start + (n_rows or count)
    return max(end - n_rows // _OVERLAP, start + 1)


def _next_link(links: Json) -> str | None:
    for link in links if isinstance(links, list) else ():
        if part_of(link, "rel") == "next":
            href = part_of(link, "href")
            return href if isinstance(href, str) else ""
    return None


def _told(error: RemoteError) -> dict[str, Any]:
    """What an error's body says, {} where it is not LinkedIn's."""
    try:
        told = json.loads(error.payload)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def is_not_found(error: RemoteError) -> bool:
    """Whether LinkedIn itself, and nothing in front of it, says that there is no such thing."""
    return isinstance(error, Gone) and _told(error).get("status") == 404


def translated(error: RemoteError, version: str) -> RemoteError:
    """The error that heedful knows what to do about, with what LinkedIn says of it."""
    told, status = _told(error), error.status
    code, message = (one if isinstance(one := told.get(name), str) else "" for name in ("code", "message"))
    says = " ".join(re.sub(r"[^\w .,:;/()'-]", "", f"{code} {message}").split())[:200]
    changed = error
    if status == 426 or "NONEXISTENT_VERSION" in code:
        # Source: each version lives for about twelve months; the payload says no more than this.
        changed = Malformed(f"{error}: LinkedIn no longer serves version {version}: set `version`", status=status)
    elif status == 401:
        number = told.get("serviceErrorCode")
        why = _TOKENS.get(number, "is refused") if isinstance(number, int) else "is refused"
        changed = Unauthorized(f"{error}: the token {why}: run `heedful auth` ({says})", status=status)
    elif status == 403:
        says = f"the role or the permission is missing, a new token alone does not help ({says})"
        changed = Unauthorized(f"{error}: {says}", status=status)
    elif status == 429:
        changed = RateLimited(
            f"{error}: {says}", retry_at=error.retry_at or _comes_back(says, datetime.now(UTC)), status=status
        )
    elif isinstance(error, Malformed) and says:
        changed = Malformed(f"{error}: {says}", payload=error.payload, status=status)
    if changed is not error and status != 426:
        changed.payload = error.payload
    return changed


def _comes_back(says: str, now: datetime) -> datetime:
    """When to ask again after a 429 without Retry-After. Source: quotas are a day's, and begin anew at midnight UTC."""
    if _TOO_FAST.search(says):
        return now + timedelta(seconds=uniform(65, 90))  # noqa: S311 - spreads load
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(seconds=uniform(5, 120))  # noqa: S311
