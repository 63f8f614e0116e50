"""Reads the reviews of our own apps on Google Play, and our answers to them.

Google shows the reviews of the last 7 days, the last modified first, and nothing older: a poll reads down to what it
knew, and once an hour the whole window, because an answer of ours does not move its review. Native ids are
"<package>/<review>" and "<package>/<review>/reply".
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, ClassVar, Self
from urllib.parse import quote

from pydantic import ConfigDict, SecretStr, field_validator, model_validator

from connectors.base import (
    Abilities,
    Access,
    Address,
    Budget,
    ConnectorSettings,
    GivenToken,
    Json,
    Known,
    Page,
    Rechecked,
    resumed,
)
from connectors.google_errors import has_expired_position, reasons, translated
from connectors.google_play_reviews import (
    PACKAGE,
    developer_id,
    modified_at,
    part_of,
    raws_of,
    read_raw,
    read_review_id,
)
from connectors.google_service_account import ServiceAccount, read_key
from connectors.oauth import OAuth
from monitor.errors import Malformed, RemoteError, Unauthorized
from monitor.http import HttpClient
from monitor.model import Comment

SCOPE = "https://www.googleapis.com/auth/androidpublisher"
WINDOW = timedelta(days=7)
OVERLAP = timedelta(hours=1)
WHOLE = timedelta(hours=1)  # so often the whole window is read
STALE = timedelta(seconds=30)  # a poll that took longer looks for what is new once more before it ends
TOO_LONG = timedelta(days=5)  # without a poll: soon there would be reviews that nobody can read any more
_MOST_REQUESTS = 5  # of one page
_MOST_SEEN = 1_000
_MOST_APPS = 10
_MOST_AGAIN = 10


class GooglePlaySettings(ConnectorSettings):
    """Which apps to read, and as whom."""

    model_config = ConfigDict(hide_input_in_errors=True)  # the key would stand there

    packages: tuple[str, ...]
    """The apps, by the names of their packages ("com.example.bakery")."""
    service_account: SecretStr | None = None
    """The JSON key of a service account, whole: give its file as `service_account_file`."""
    token: SecretStr | None = None
    """An OAuth access token given by hand, for a try: it lives for an hour."""
    base_url: Address = "https://androidpublisher.googleapis.com/androidpublisher/v3"
    """Where the API answers."""

    @field_validator("packages")
    @classmethod
    def _are_packages(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not 0 < len(value) <= _MOST_APPS or any(not PACKAGE.fullmatch(one) or len(one) > 300 for one in value):
            raise ValueError(f'name 1 to {_MOST_APPS} apps, each as "com.example.bakery"')
        return tuple(dict.fromkeys(value))

    @model_validator(mode="after")
    def _has_one_credential(self) -> Self:
        if self.service_account is not None:
            if self.token is not None:
                raise ValueError("give service_account or token, not both")
            read_key(self.service_account)
        return self


class GooglePlay:
    """One source: the reviews of some of our apps."""

    platform: ClassVar[str] = "google_play"
    Settings: ClassVar[type[ConnectorSettings]] = GooglePlaySettings
    abilities: ClassVar[Abilities] = Abilities(
        replies="a review has one answer, by the developer, and nobody can reply to that",
        deletions="Google Play does not tell: a deleted review is merely missing, like one that is older than 7 days",
        late_replies="only within 7 days of the review's last change: what is older Google Play shows to nobody",
        own_posts="an app has no posts",
        quiet_requests=3,  # for two apps, and a token
        late_reply_delay="an answer of ours, 1 hour and one poll; a changed review comes with the next poll",
        budget=Budget(200, timedelta(hours=1)),
    )
    oauth: ClassVar[OAuth] = OAuth(
        authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
        token_url="https://oauth2.googleapis.com/token",  # noqa: S106 - an address
        scopes=(SCOPE,),
        authorize_params={"access_type": "offline", "prompt": "consent"},
    )

    def __init__(self, settings: GooglePlaySettings, http: HttpClient, access: Access | None = None) -> None:
        self._settings, self._http = settings, http
        key = settings.service_account
        self._account = ServiceAccount(read_key(key), SCOPE, http) if key else None
        self._access: Access = self._account or access or GivenToken(settings.token)

    def fetch_page(self, cursor: Json, now: datetime) -> Page:
        """Read pages of one app after the other.

        `cursor` is {"v", "todo": the apps that this poll has yet to read, "position" in the first of them, "begun_at",
        "n_again", "read_at", "apps": {package: {"mark", "whole_at", "seen": {digest of a review: [first, last]}}}}; the
        times are seconds since 1970, first and last are those at which a review was seen to be modified.
        """
        state = resumed(cursor, lambda: {"v": 1, "todo": [], "read_at": 0.0, "apps": {}})
        note = "" if state["todo"] else self._begin(state, now)
        raws: list[Json] = []
        n = 0
        while state["todo"] and n < _MOST_REQUESTS:
            raws += self._read(state, state["todo"][0], now)
            n += 1
        own = frozenset(map(developer_id, self._settings.packages))
        return Page(raws, state, bool(state["todo"]), own_author_ids=own, note=note, spent=float(n))

    def recheck(self, known: Sequence[Known]) -> Rechecked:  # noqa: ARG002 - the protocol's
        """Nothing: the hourly look at the whole window costs less and shows more."""
        return Rechecked([])

    def normalise(self, raw: Json) -> Comment | None:
        """Read one review or answer."""
        return read_raw(raw)

    def _begin(self, state: dict[str, Any], now: datetime) -> str:
        """Begin a poll; what the operator should know of the time since the last one."""
        last = state["read_at"]
        state |= {"todo": list(self._settings.packages), "position": {}, "begun_at": now.timestamp(), "n_again": 0}
        for package in self._settings.packages:
            state["apps"].setdefault(package, {"mark": 0.0, "whole_at": 0.0, "seen": {}})
        if not last:
            return "Google Play shows the reviews of the last 7 days; older ones are in the Play Console's CSV files"
        away = timedelta(seconds=now.timestamp() - last)
        if away > WINDOW:
            since = datetime.fromtimestamp(last, UTC)
            return f"not polled since {since:%Y-%m-%d}: reviews of that time may be lost; see the Console's CSV files"
        return f"not polled for {away.days} days: after 7 reviews are lost for good" if away > TOO_LONG else ""

    def _read(self, state: dict[str, Any], package: str, now: datetime) -> list[Json]:
        """One page of an app's reviews, from where it stands."""
        app, position = state["apps"][package], state["position"]
        if not position:
            position["whole"] = now.timestamp() - app["whole_at"] >= WHOLE.total_seconds()
        reviews, token = self._page(package, position)
        times = [at.timestamp() for review in reviews if (at := modified_at(part_of(review, "userComment")))]
        position.setdefault("top", min(max(times, default=0.0), now.timestamp()))
        position["token"] = token
        is_known = bool(times) and min(times) < app["mark"] - OVERLAP.total_seconds()
        if not token or (is_known and not position["whole"]):
            self._done(state, app, now)
        return [raw for review in reviews for raw in raws_of(review, package, _first_at(app["seen"], review))]

    def _done(self, state: dict[str, Any], app: dict[str, Any], now: datetime) -> None:
        position = state["position"]
        app["mark"] = max(app["mark"], position["top"])
        if position["whole"]:
            app["whole_at"] = now.timestamp()
        oldest = (now - WINDOW - OVERLAP).timestamp()
        kept = {key: times for key, times in app["seen"].items() if times[1] >= oldest}
        app["seen"] = dict(sorted(kept.items(), key=lambda one: one[1][1])[-_MOST_SEEN:])
        del state["todo"][0]
        state["position"] = {}
        if not state["todo"]:
            took = now.timestamp() - state["begun_at"]
            if took > STALE.total_seconds() and state["n_again"] < _MOST_AGAIN:
                again = {"n_again": state["n_again"] + 1, "begun_at": now.timestamp()}
                state |= {"todo": list(self._settings.packages), **again}
            state["read_at"] = now.timestamp()

    def _page(self, package: str, position: dict[str, Any]) -> tuple[list[Json], str]:
        try:
            return self._get(package, position.get("token", ""))
        except Malformed as error:
            # Source: the API calls any bad parameter "invalid", and the position is the only one that can go bad.
            is_refused = error.status == 400 and (has_expired_position(error) or "invalid" in reasons(error))
            if not is_refused or not position.get("token"):
                raise
        return self._get(package, "")

    def _get(self, package: str, token: str) -> tuple[list[Json], str]:
        url = f"{self._settings.base_url}/applications/{quote(package)}/reviews"
        params = {"maxResults": 100} | ({"token": token} if token else {})
        try:
            told = self._asked(url, params)
        except RemoteError as error:
            raise translated(error) from None
        # Source: where there are no reviews the answer is {}.
        if not isinstance(told, dict) or not isinstance(told.get("reviews"), list | None):
            raise Malformed(f"{package}: no list of reviews", payload=json.dumps(told)[:20_000], status=200)
        pages = told.get("tokenPagination")
        following = pages.get("nextPageToken") if isinstance(pages, dict) else None
        if isinstance(following, str) and following and following == token:
            raise Malformed(f"{package}: the page token that it was asked with: a loop", status=200)
        return told.get("reviews") or [], following if isinstance(following, str) else ""

    def _asked(self, url: str, params: dict[str, Any]) -> Json:
        """The answer; a token that was refused before its end is asked for anew, once."""
        for _ in range(2):
            headers = {"Authorization": f"Bearer {self._access.token()}"}
            try:
                return self._http.get(url, params=params, headers=headers).json()
            except Unauthorized as error:
                if self._account is None or self._account.is_fresh or error.status != 401:
                    raise
                self._account.forget()
        raise Unauthorized("Google Play refuses the tokens of the service account", status=401)


def _first_at(seen: dict[str, list[int]], review: Json) -> int | None:
    """When a review was first seen modified, if it was modified since; remembers it."""
    at = modified_at(part_of(review, "userComment"))
    review_id = read_review_id(review.get("reviewId")) if isinstance(review, dict) else ""
    if at is None or not review_id:
        return None
    key = blake2b(review_id.encode(), digest_size=6).hexdigest()
    first, _ = seen.get(key, (int(at.timestamp()), 0))
    seen[key] = [first, int(at.timestamp())]
    return first if first < int(at.timestamp()) else None
