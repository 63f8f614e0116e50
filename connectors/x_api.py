"""What the X API is asked: two dialects of field names, its problems, its rate headers, and what it bills.

Posts are looked at here only as far as their ids and references; what cannot be understood is passed on, so that it
reaches quarantine.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from connectors.base import Json
from monitor.errors import Malformed, RateLimited, RemoteError, Unauthorized, Unavailable
from monitor.http import MAX_WAIT, Answer, HttpClient

Dialect = Literal["tweet", "post"]

BATCH = 100  # ids of one look-up. Source: X OpenAPI 2.167, /2/tweets
SHORTEST_WAIT = timedelta(seconds=60)
# In US cents. Source: docs.x.com, x-api/getting-started/pricing (2026-08): post read, user read, owned read.
POST_CENTS, USER_CENTS, OWNED_CENTS = 0.5, 1.0, 0.1

_EPOCH_MS, _FIRST_SNOWFLAKE = 1_288_834_974_657, 29_700_859_247  # Source: docs.x.com, fundamentals/x-ids
_ID = re.compile(r"[0-9]{1,19}")  # Source: X OpenAPI 2.167, since_id
# Source: X OpenAPI 2.166 and 2.167. In 2.167 what a post refers to, its author and its earlier versions are no
# fields but expansions.
_FIELDS = "conversation_id,created_at,entities,id,lang,public_metrics,text,withheld"
_EXPANSIONS = "author_id,in_reply_to_user_id"
_ASKED: Mapping[Dialect, Mapping[str, str]] = {
    "tweet": {
        "tweet.fields": f"{_FIELDS},author_id,in_reply_to_user_id,referenced_tweets,edit_history_tweet_ids,note_tweet",
        "expansions": _EXPANSIONS,
    },
    "post": {
        "post.fields": f"{_FIELDS},note_post",
        "expansions": f"{_EXPANSIONS},referenced_posts,edit_history_post_ids",
    },
}
_USER_FIELDS = "id,name,username,protected,public_metrics"
_NAMES_FIELDS = re.compile(r"(tweet|post)\.fields|\bexpansions\b|referenced_(tweets|posts)|note_(tweet|post)")


def read_id(value: object) -> str:
    """A platform id as text, "" for what cannot be one (ids go into URLs and queries)."""
    text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    return text if _ID.fullmatch(text) else ""


def time_of(post_id: str) -> datetime | None:
    """When a post of this id was written, None for the small ids of before November 2010."""
    number = int(post_id)
    if number < _FIRST_SNOWFLAKE:
        return None
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=(number >> 22) + _EPOCH_MS)


def id_at(at: datetime) -> int:
    """The smallest id of a post that is written at this instant."""
    return max(1, (int(at.timestamp() * 1000) - _EPOCH_MS) << 22)


def history(post: Json) -> list[str]:
    """The ids of all versions of a post, the first one first; an edit makes a new id."""
    found = post.get("edit_history_tweet_ids") or post.get("edit_history_post_ids")
    ids = [read_id(one) for one in found] if isinstance(found, list) else []
    return sorted(set(filter(None, ids)), key=int) or [read_id(post.get("id"))]


def referenced(post: Json, kind: str) -> str:
    """The id of the post that this one answers ("replied_to"), quotes or repeats ("retweeted"), "" for none."""
    found = post.get("referenced_tweets") or post.get("referenced_posts")
    references = found if isinstance(found, list) else []
    return next((read_id(one.get("id")) for one in references if isinstance(one, dict) and one.get("type") == kind), "")


def has_id(post: Json) -> bool:
    """Whether this can be told from other posts at all."""
    return isinstance(post, dict) and bool(read_id(post.get("id")))


@dataclass(frozen=True, slots=True)
class Found:
    """One answer: its posts, who and what is included with them, the next page, and what is not there any more."""

    posts: list[Json] = field(default_factory=list)
    users: Mapping[str, Json] = field(default_factory=dict)
    included: Mapping[str, Json] = field(default_factory=dict)
    next_token: str = ""
    newest_id: str = ""
    missing: list[str] = field(default_factory=list)


class Api:
    """The requests of one call. `cents` is what they are billed at most, `poll_after` what the rate headers demand."""

    def __init__(
        self, base_url: str, token: Callable[[], str], http: HttpClient, dialect: Dialect, owned: bool
    ) -> None:
        self._base, self._token, self._http = base_url, token, http
        self._owned_cents = OWNED_CENTS if owned else POST_CENTS
        self._billed: set[str] = set()  # what is asked twice in a day is billed once
        self.dialect: Dialect = dialect
        self.cents = 0.0
        self.poll_after: datetime | None = None

    def posts(self, path: str, params: Mapping[str, str], is_own: bool = False) -> Found:
        """A list of posts; `is_own`: of the account whose token this is (its mentions, its own posts).

        Raises: what `HttpClient.request` raises, with X's own reading of it: see `_read_problem`.
        """
        answer = self._ask_in_dialect(path, params)
        found = _found(answer)
        self._bill(found.posts, "post", self._owned_cents if is_own else POST_CENTS)
        self._bill([*found.included.values()], "post", POST_CENTS)
        self._bill([*found.users.values()], "user", USER_CENTS)
        return found

    def lookup(self, ids: list[str]) -> Found:
        """The posts of these ids as they are now; `missing` only those that X itself says it cannot find."""
        whole = Found([], {}, {})
        for start in range(0, len(ids), BATCH):
            found = self.posts("/2/tweets", {"ids": ",".join(ids[start : start + BATCH])})
            whole = Found(
                whole.posts + found.posts,
                {**whole.users, **found.users},
                {**whole.included, **found.included},
                missing=whole.missing + found.missing,
            )
        return whole

    def own_id(self, handle: str) -> str:
        """The id of the account of this handle, or of the one whose token this is."""
        path = f"/2/users/by/username/{handle}" if handle else "/2/users/me"
        answer = self._ask(path, {})
        user = answer.get("data")
        if not isinstance(user, dict) or not (own := read_id(user.get("id"))):
            raise Malformed(f"{path} answered without an account: is `account` right?", status=200)
        self._bill([user], "user", USER_CENTS)
        return own

    def _ask_in_dialect(self, path: str, params: Mapping[str, str]) -> dict[str, Json]:
        try:
            return self._ask(path, {**params, **_ASKED[self.dialect], "user.fields": _USER_FIELDS})
        except Malformed as error:
            if error.status != 400 or not _NAMES_FIELDS.search(error.payload):
                raise
        # X renames its fields without a date for it: where one dialect is refused the other is spoken from then on.
        other: Dialect = "post" if self.dialect == "tweet" else "tweet"
        answer = self._ask(path, {**params, **_ASKED[other], "user.fields": _USER_FIELDS})
        self.dialect = other
        return answer

    def _ask(self, path: str, params: Mapping[str, str]) -> dict[str, Json]:
        token = self._token()
        try:
            answer = self._send(path, params, token)
        except Unauthorized as error:
            # Another thread or host may have renewed it between our reading it and X looking at it.
            renewed = self._token() if error.status == 401 else token
            if renewed == token:
                raise
            answer = self._send(path, params, renewed)
        reset = read_reset(answer.headers)
        if answer.headers.get("x-rate-limit-remaining", "").strip() == "0" and reset is not None:
            self.poll_after = max(reset, self.poll_after or reset)
        found = answer.json()
        if not isinstance(found, dict):
            raise Malformed(f"{path} answered something that is not an object", payload=answer.start, status=200)
        _refuse_bare_errors(path, found)
        return found

    def _send(self, path: str, params: Mapping[str, str], token: str) -> Answer:
        try:
            return self._http.get(self._base + path, params=params, headers={"Authorization": f"Bearer {token}"})
        except RemoteError as error:
            raise _read_problem(error) from None

    def _bill(self, resources: list[Json], kind: str, cents: float) -> None:
        names = {f"{kind}:{one['id']}" for one in resources if isinstance(one, dict) and "id" in one}
        self.cents = round(self.cents + cents * len(names - self._billed), 4)
        self._billed |= names


def _found(answer: dict[str, Json]) -> Found:
    data, includes, meta = answer.get("data"), _dict(answer.get("includes")), _dict(answer.get("meta"))
    token, newest = meta.get("next_token"), read_id(meta.get("newest_id"))
    return Found(
        data if isinstance(data, list) else [],
        _by_id(includes.get("users")),
        _by_id(includes.get("tweets") or includes.get("posts")),
        token if isinstance(token, str) and len(token) <= 500 else "",
        newest,
        [_missing(one) for one in _problems(answer) if _missing(one)],
    )


def _dict(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _by_id(values: Json) -> dict[str, Json]:
    return {read_id(one["id"]): one for one in values if has_id(one)} if isinstance(values, list) else {}


def _problems(answer: dict[str, Json]) -> list[dict[str, Any]]:
    errors = answer.get("errors")
    return [one for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []


def _kind(problem: Mapping[str, Any]) -> str:
    """The last part of a problem's type, such as "resource-not-found"."""
    kind = str(problem.get("type", "")).rpartition("/")[2]
    return kind if re.fullmatch(r"[A-Za-z0-9-]{1,40}", kind) else ""


def _missing(problem: Mapping[str, Any]) -> str:
    """The id of a post that X says it cannot find; protected and withheld ones are not shown to us but are there."""
    if _kind(problem) != "resource-not-found" or problem.get("parameter") not in (None, "ids"):
        return ""
    return read_id(problem.get("resource_id") or problem.get("value"))


def _refuse_bare_errors(path: str, answer: dict[str, Json]) -> None:
    """A 200 that holds errors alone is no empty list: nobody may conclude from it that there is nothing.

    Raises: Unauthorized, Unavailable.
    """
    problems = _problems(answer)
    # Of a look-up each error is about one post: all of them may be protected, or gone.
    if not problems or "data" in answer or "meta" in answer or all(_is_of_one(p) for p in problems):
        return
    says = f"{path} answered with nothing but errors ({', '.join(sorted({_kind(p) or 'unnamed' for p in problems}))})"
    if any(_kind(problem).startswith("not-authorized") for problem in problems):
        raise Unauthorized(says, status=200)
    raise Unavailable(says, status=200)


def _is_of_one(problem: Mapping[str, Any]) -> bool:
    return _kind(problem) == "resource-not-found" or problem.get("parameter") == "ids"


def read_reset(headers: Mapping[str, str]) -> datetime | None:
    """When the rate limit's window starts anew, None where the headers do not say."""
    value = headers.get("x-rate-limit-reset", "").strip()
    return datetime.fromtimestamp(int(value), UTC) if value.isdecimal() and len(value) <= 11 else None


def _read_problem(error: RemoteError) -> RemoteError:
    """The error as X means it: its 429 names the window or a cap, its 402 is a purse to be filled by a person."""
    try:
        problem = _dict(json.loads(error.payload))
    except (ValueError, RecursionError):
        problem = {}
    if kind := _kind(problem):
        error.args = (f"{error} ({kind})",)
    if isinstance(error, RateLimited):
        error.retry_at = _retry_at(error, kind, datetime.now(UTC))
    elif error.status == 402:
        says = f"{error}: the prepaid credits are used up; add some in the developer console"
        return Unauthorized(says, status=402)
    return error


def _retry_at(error: RemoteError, kind: str, now: datetime) -> datetime | None:
    if kind == "usage-capped":  # the day or month is over at a time that is not told: one look a day
        return (now + timedelta(days=1)).replace(hour=0, minute=5, second=0, microsecond=0)
    reset = read_reset(error.headers)
    return min(max(reset, now + SHORTEST_WAIT), now + MAX_WAIT) if reset is not None else error.retry_at
