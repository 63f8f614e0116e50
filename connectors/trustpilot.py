"""Reads the reviews of a company on Trustpilot, and its replies to them.

Native ids are Trustpilot's own, "<review>/reply" for replies; the subject is the business unit, "unit/<id>". How units
are read on is in trustpilot_reading.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Self

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
    StorageRules,
    resumed,
)
from connectors.trustpilot_api import Api, BusinessToken, read_id
from connectors.trustpilot_reading import Reading, new_state
from connectors.trustpilot_reviews import raws_of, read_raw
from monitor.errors import Gone
from monitor.http import HttpClient
from monitor.model import Comment

BATCH = 20
_MOST_UNITS = 10
_DOMAIN = re.compile(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+")


class TrustpilotSettings(ConnectorSettings):
    """Whose reviews to read, and as whom."""

    model_config = ConfigDict(hide_input_in_errors=True)

    business_units: tuple[str, ...]
    """The companies: each by its domain as Trustpilot has it ("bakery.example"), or the id of its business unit."""
    api_key: SecretStr | None = None
    """The API key of the application; enough for what everybody sees."""
    api_secret: SecretStr | None = None
    """The secret that belongs to the key: with it the private lists are read."""
    token: SecretStr | None = None
    """An access token given by hand, for a try of the private lists: it lives for 100 hours."""
    base_url: Address = "https://api.trustpilot.com/v1"
    """Where the API answers."""

    @field_validator("business_units")
    @classmethod
    def _are_units(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        names = tuple(dict.fromkeys(value.strip().lower() for value in values))
        if not 0 < len(names) <= _MOST_UNITS or not all(read_id(one) or _DOMAIN.fullmatch(one) for one in names):
            raise ValueError(
                f'name 1 to {_MOST_UNITS} companies, each as "bakery.example" or by an id of 24 hex digits'
            )
        return names

    @model_validator(mode="after")
    def _has_a_key(self) -> Self:
        if self.api_key is None:
            raise ValueError("api_key is missing: everything at Trustpilot needs one")
        if self.api_secret is not None and self.token is not None:
            raise ValueError("give api_secret or token, not both")
        return self


class Trustpilot:
    """One source: the reviews of one or more business units."""

    platform: ClassVar[str] = "trustpilot"
    Settings: ClassVar[type[ConnectorSettings]] = TrustpilotSettings
    abilities: ClassVar[Abilities] = Abilities(
        replies="a review has one reply, the company's, and nobody can answer that",
        late_replies="customers cannot reply; our own reply to an old review is found by looking at it again",
        own_posts="no: a company's page is not a post",
        quiet_requests=3,  # for two units, and a token
        recheck_batch=BATCH,
        late_reply_delay="our own reply, or an edit, of a review: 1 day where it is at most 90 days old, else 7 days;"
        " and one poll for each 500 reviews of the source",
        budget=Budget(833, timedelta(minutes=5)),
        storage=StorageRules(forgets_deleted=True),
    )

    def __init__(self, settings: TrustpilotSettings, http: HttpClient) -> None:
        self._settings, self._http = settings, http
        key, secret = settings.api_key, settings.api_secret
        self._access: Access | None = GivenToken(settings.token) if settings.token else None
        if key is not None and secret is not None:
            self._access = BusinessToken(settings.base_url, key, secret, http)

    def fetch_page(self, cursor: Json, now: datetime) -> Page:
        """Read pages of one unit after the other; `cursor` is what `trustpilot_reading.new_state` says."""
        state = resumed(cursor, lambda: new_state(now - self._settings.backfill))
        api = self._api()
        reading = Reading(api, state, now, self._settings.business_units)
        reading.read()
        after, spent = reading.poll_after, float(api.n_spent)
        return Page(reading.raws, state, reading.more, poll_after=after, note=reading.note, spent=spent)

    def recheck(self, known: Sequence[Known]) -> Rechecked:
        """Look again at reviews, one request each, and at our replies to them.

        That reviews are gone is believed only where Trustpilot still shows their business unit.
        """
        api = self._api()
        units = {one.native_id.partition("/")[0]: (one.subject_native_id or "").removeprefix("unit/") for one in known}
        found = {review: api.review(review) for review, unit in units.items() if read_id(review) and read_id(unit)}
        for unit in {units[review] for review, told in found.items() if told is None}:
            try:
                api.prove_alive(unit)
            except Gone:
                found = {review: told for review, told in found.items() if told is not None or units[review] != unit}
        raws = [raw for review, told in found.items() if told is not None for raw in raws_of(told, units[review])]
        gone = []
        for one in known:
            review, _, is_reply = one.native_id.partition("/")
            told = found.get(review)
            is_unanswered = told is not None and told.get("id") == review and told.get("companyReply") is None
            if (review in found and told is None) or (is_reply and is_unanswered):
                gone.append(one.native_id)
        return Rechecked(raws, gone, float(api.n_spent))

    def normalise(self, raw: Json) -> Comment | None:
        """Read one review or reply."""
        return read_raw(raw)

    def _api(self) -> Api:
        return Api(self._settings.base_url, self._settings.api_key, self._access, self._http)
