"""What the Mastodon API is asked, and how its conversations hang together.

Payloads are looked at here only as far as their ids, times and what they answer; what cannot be understood is
passed on, so that it reaches quarantine.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from connectors.base import Json
from connectors.fields import read_instant
from monitor.errors import Gone, Malformed, Unavailable
from monitor.http import HttpClient

BATCH = 20  # Source: mastodon/mastodon, app/controllers/api/v1/statuses_controller.rb, DEFAULT_STATUSES_LIMIT
CONTEXT_ANONYMOUS = 60  # Source: docs.joinmastodon.org, methods/statuses: descendants shown without a token
MAX_ANCESTORS = 200
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def read_id(value: object) -> str:
    """A platform id as text, "" for what cannot be one (ids go into URLs)."""
    text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    return text if _ID.fullmatch(text) else ""


def has_id(status: Json) -> bool:
    """Whether this can be told from other statuses at all."""
    return isinstance(status, dict) and bool(read_id(status.get("id")))


def in_time_order(native: str) -> tuple[int, str]:
    """The sort key of ids: numbers of growing length, or flakes and ULIDs of one length."""
    return len(native), native


class Api:
    """The requests of one call; `n_spent` counts them, `poll_after` is what the last answer's rate limit demands."""

    def __init__(self, base_url: str, token: str, http: HttpClient) -> None:
        self._base, self._http = base_url, http
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.is_anonymous = not token
        self.n_spent = 0
        self.poll_after: datetime | None = None
        self.is_old = False  # the last list came from a server that pages by since_id and ignores min_id

    def get(self, path: str, params: dict[str, Any] | None = None) -> Json:
        """The answer to one request.

        Raises: what `HttpClient.request` and `Answer.json` raise.
        """
        self.n_spent += 1
        answer = self._http.get(self._base + path, params=params, headers=self._headers)
        used_up = answer.headers.get("x-ratelimit-remaining", "").strip() == "0"
        self.poll_after = read_reset(answer.headers.get("x-ratelimit-reset", "")) if used_up else None
        link = answer.headers.get("link", "")
        self.is_old = "since_id=" in link and "min_id=" not in link
        return answer.json()

    def get_list(self, path: str, params: dict[str, Any]) -> list[Json]:
        """The answer where it must be a list.

        Raises: as `get`, and Malformed when it is something else.
        """
        found = self.get(path, params)
        if not isinstance(found, list):
            raise Malformed(f"{path} answered something that is not a list", payload=str(found)[:20_000], status=200)
        return found

    def own_id(self, handle: str = "") -> str:
        """The account that the token speaks for, or without a token the one of this handle."""
        path = "/api/v1/accounts/lookup" if self.is_anonymous else "/api/v1/accounts/verify_credentials"
        account = self.get(path, {"acct": handle} if self.is_anonymous else None)
        if not (own := read_id(account.get("id") if isinstance(account, dict) else None)):
            raise Malformed(f"{path} answered without an account id", status=200)
        return own

    def context(self, status_id: str) -> tuple[list[Json], list[Json]]:
        """What is above a status, topmost first, and what is below it; nothing where it is not shown (any more)."""
        try:
            found = self.get(f"/api/v1/statuses/{status_id}/context")
        except Gone:
            return [], []
        return _statuses_in(found, "ancestors"), _statuses_in(found, "descendants")

    def statuses(self, ids: list[str]) -> tuple[dict[str, Json], list[str]]:
        """The statuses of these ids as they are now, and which of the ids are gone.

        One that is merely absent from the batch is asked for by itself: only its own 404 means gone, and that
        only where the server answers anything else at all.
        """
        present: dict[str, Json] = {}
        is_alive = False
        for start in range(0, len(ids), BATCH):
            try:
                found = self.get_list("/api/v1/statuses", {"id[]": ids[start : start + BATCH]})
            except (Gone, Malformed):  # servers before 4.3 and many compatible ones have no batch
                break
            is_alive = True
            present.update((read_id(status["id"]), status) for status in found if has_id(status))
        missing = [status_id for status_id in ids if status_id not in present]
        gone = [status_id for status_id in missing if not self._add_single(status_id, present)]
        if gone and not present and not is_alive:
            self._prove_alive()
        return present, gone

    def _add_single(self, status_id: str, present: dict[str, Json]) -> bool:
        try:
            status = self.get(f"/api/v1/statuses/{status_id}")
        except Gone:
            return False
        if has_id(status):
            present[status_id] = status
        return True

    def _prove_alive(self) -> None:
        """A server that moved away answers 404 to everything: that nothing is there must not read as all deleted."""
        try:
            self.get("/api/v1/instance")
        except Gone:
            raise Unavailable("the server answers 404 to everything: is base_url still right?", status=404) from None


def _statuses_in(context: Json, part: str) -> list[Json]:
    found = context.get(part) if isinstance(context, dict) else None
    return found if isinstance(found, list) else []


def read_reset(value: str) -> datetime | None:
    """When the rate limit starts anew, None where it is not told.

    Source: Mastodon sends an ISO time, GoToSocial (docs/api/ratelimiting.md) unix seconds."""
    value = value.strip()
    if value.isdecimal() and len(value) <= 11:
        return datetime.fromtimestamp(int(value), UTC)
    return read_instant(value)


class Threads:
    """The conversations met in one call: what answers what, asked of the server only where it is unknown.

    `unreadable` is what was found in them without an id.
    """

    def __init__(self, api: Api, own: str) -> None:
        self._api, self._own = api, own
        self._known: dict[str, Json] = {}
        self._asked: set[str] = set()
        self.unreadable: list[Json] = []

    def learn(self, statuses: Iterable[Json]) -> None:
        """Remember these; each has an id."""
        self._known.update((read_id(status["id"]), status) for status in statuses)

    def below(self, status_id: str) -> list[Json]:
        """What hangs below a status, nothing when it was asked before; what is above is learnt on the way."""
        if status_id in self._asked:
            return []
        self._asked.add(status_id)
        above, below = self._api.context(status_id)
        self.learn(status for status in (*above, *below) if has_id(status))
        self.unreadable += [status for status in below if not has_id(status)]
        return [status for status in below if has_id(status)]

    def is_placed(self, status: Json) -> bool:
        """Whether its conversation is known up to the top."""
        return self._climb(status)[1]

    def place(self, status: Json) -> Json:
        """The raw comment: the status with the top of its conversation and our post above it."""
        chain, is_whole = self._climb(status)
        # A server may show few ancestors at a time (Pixelfed one, Mastodon 40 to strangers): ask from the topmost.
        while not is_whole and len(chain) < MAX_ANCESTORS and (top := read_id(chain[-1]["id"])) not in self._asked:
            self.below(top)
            chain, is_whole = self._climb(status)
        is_under_ours = len(chain) > 1 and self._is_our_post(chain[-1])
        root = chain[-2] if is_under_ours else chain[-1]
        subject = chain[-1] if is_under_ours else None
        return {"status": status, "own": self._own, "root": read_id(root["id"]), "subject": subject}

    def _climb(self, status: Json) -> tuple[list[Json], bool]:
        chain, ids = [status], {read_id(status["id"])}
        while above := read_id(chain[-1].get("in_reply_to_id")):
            if above not in self._known or above in ids or len(chain) >= MAX_ANCESTORS:
                return chain, False
            chain.append(self._known[above])
            ids.add(above)
        return chain, True

    def _is_our_post(self, status: Json) -> bool:
        account = status.get("account")
        by = read_id(account.get("id")) if isinstance(account, dict) else ""
        is_reply = status.get("in_reply_to_id") or status.get("in_reply_to_account_id")
        return bool(self._own) and by == self._own and not is_reply and status.get("visibility") != "direct"
