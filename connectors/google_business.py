"""Reads the reviews of our locations on Google (Maps, Search), and our replies to them.

Native ids are "<location>/<review>" and "<location>/<review>/reply"; the subject of both is the location, by its name
in the reviews' API ("accounts/1/locations/2"). How locations are read on is in google_business_reading.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from pydantic import SecretStr, field_validator

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
from connectors.google_business_api import Addresses, Api, read_parent, read_review_id, why_shut
from connectors.google_business_reading import Reading, described, new_state
from connectors.google_business_reviews import raws_of, read_raw
from connectors.oauth import OAuth
from monitor.errors import RemoteError
from monitor.http import HttpClient
from monitor.model import Comment

SCOPE = "https://www.googleapis.com/auth/business.manage"
BATCH = 20
_NUMBER = re.compile(r"[0-9]{1,30}")


class GoogleBusinessSettings(ConnectorSettings):
    """Which locations to read."""

    locations: tuple[str, ...] = ()
    """The locations to read, by their numbers (of "locations/456"); none: all that whoever gave the permission owns or
    manages."""
    business_group: str = ""
    """The business group (account) that the locations are in, by its number (of "accounts/123"); none: all of them."""
    token: SecretStr | None = None
    """An OAuth access token given by hand, for a try: it lives for an hour. Not needed after
    `heedful auth ACCOUNT`."""
    reviews_url: Address = "https://mybusiness.googleapis.com/v4"
    """Where the API of reviews answers."""
    accounts_url: Address = "https://mybusinessaccountmanagement.googleapis.com/v1"
    """Where the API of accounts answers."""
    locations_url: Address = "https://mybusinessbusinessinformation.googleapis.com/v1"
    """Where the API of locations answers."""

    @field_validator("locations")
    @classmethod
    def _are_locations(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(_checked_number(value, "locations/") for value in values))

    @field_validator("business_group")
    @classmethod
    def _is_group(cls, value: str) -> str:
        return _checked_number(value, "accounts/") if value else ""


def _checked_number(value: str, prefix: str) -> str:
    number = value.strip().removeprefix(prefix)
    if not _NUMBER.fullmatch(number):
        raise ValueError(f'"{value[:60]}" is not a number, nor "{prefix}" and a number')
    return number


class GoogleBusiness:
    """One source: the reviews of some or all of our locations."""

    platform: ClassVar[str] = "google_business"
    Settings: ClassVar[type[ConnectorSettings]] = GoogleBusinessSettings
    abilities: ClassVar[Abilities] = Abilities(
        replies="a review has one reply, ours, and nobody can answer that",
        late_replies="customers cannot reply; our own reply to an old review is found by looking at it again",
        own_posts="no: what a profile posts takes no comments",
        quiet_requests=2,  # for two locations; once a day another two, and then a sweep
        recheck_batch=BATCH,
        late_reply_delay="our own reply to a review: 1 day where the review changed within 30 days, else 7 days; and"
        " one poll for each 250 reviews of the source",
        budget=Budget(300, timedelta(minutes=1)),
    )
    oauth: ClassVar[OAuth] = OAuth(
        authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
        token_url="https://oauth2.googleapis.com/token",  # noqa: S106 - an address
        scopes=(SCOPE,),
        authorize_params={"access_type": "offline", "prompt": "consent"},
    )

    def __init__(self, settings: GoogleBusinessSettings, http: HttpClient, access: Access | None = None) -> None:
        self._settings, self._http = settings, http
        self._access: Access = access or GivenToken(settings.token)

    def fetch_page(self, cursor: Json, now: datetime) -> Page:
        """Read pages of one location after the other; `cursor` is what `google_business_reading.new_state` says."""
        state = resumed(cursor, lambda: new_state(now - self._settings.backfill))
        api = self._api()
        asked = (self._settings.business_group, *self._settings.locations)
        reading = Reading(api, state, now, asked, lambda: self._locations(api))
        reading.read()
        return Page(
            reading.raws,
            state,
            reading.more,
            poll_after=reading.poll_after,
            note=reading.note,
            spent=float(api.n_spent),
        )

    def recheck(self, known: Sequence[Known]) -> Rechecked:
        """Look again at reviews, one request each, and at our replies to them."""
        api = self._api()
        wanted: dict[str, set[str]] = {}
        for one in known:
            if parent := read_parent(one.subject_native_id):
                wanted.setdefault(parent, set()).add(_review_of(one))
        raws: list[Json] = []
        gone: set[str] = set()
        for parent, reviews in sorted(wanted.items()):
            found, lost = _look(api, parent, sorted(filter(read_review_id, reviews)))
            raws += found
            number = parent.rpartition("/")[2]
            unanswered = {raw["id"] for raw in found if "review" in raw} - {
                raw["id"] for raw in found if "reply" in raw
            }
            gone |= {f"{number}/{review}" for review in lost} | {f"{number}/{one}/reply" for one in lost | unanswered}
        return Rechecked(raws, [one.native_id for one in known if one.native_id in gone], float(api.n_spent))

    def normalise(self, raw: Json) -> Comment | None:
        """Read one review or reply."""
        return read_raw(raw)

    def _api(self) -> Api:
        settings = self._settings
        addresses = Addresses(settings.reviews_url, settings.accounts_url, settings.locations_url)
        return Api(addresses, self._http, self._access)

    def _locations(self, api: Api) -> Iterator[tuple[str, Json]]:
        """The locations to read, each with the account that it is in: Google tells the two in different APIs."""
        account, wanted = self._settings.business_group, self._settings.locations
        for name in [f"accounts/{account}"] if account else api.accounts():
            for told in api.locations(name):
                if not wanted or told["name"].removeprefix("locations/") in wanted:
                    yield name, told


def _review_of(known: Known) -> str:
    """The id of the review that a comment is, or replies to."""
    return known.native_id.removesuffix("/reply").partition("/")[2]


def _look(api: Api, parent: str, reviews: Sequence[str]) -> tuple[list[Json], set[str]]:
    """The raw comments of these reviews of a location as they are now, and which of the reviews are gone.

    That a review is gone is believed only where Google still shows the reviews of its location.
    """
    try:
        found = {review_id: api.review(parent, review_id) for review_id in reviews}
        lost = {review_id for review_id, review in found.items() if review is None}
        if lost:
            api.reviews(parent, size=1)
        present = [review for review in found.values() if review is not None]
        told = described(api.location(f"locations/{parent.rpartition('/')[2]}")) if present else {}
    except RemoteError as error:
        if not why_shut(error):
            raise
        return [], set()  # moved, merged, no longer verified, no longer ours: the head of its list tells
    return [raw for review in present for raw in raws_of(review, {"name": parent, **told})], lost
