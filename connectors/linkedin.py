"""Reads an organisation's page on LinkedIn: comments and replies on its posts, its posts, and posts that mention it.

Native ids are the number of a comment and the URN of a post. How it is read on is in linkedin_reading.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, ClassVar

from pydantic import Field, SecretStr, field_validator

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
)
from connectors.linkedin_api import Api
from connectors.linkedin_payloads import read_raw
from connectors.linkedin_reading import Reading
from connectors.linkedin_recheck import Look
from connectors.linkedin_state import LEAST_CREDIT, State
from connectors.linkedin_walks import DAY
from connectors.oauth import OAuth
from monitor.http import HttpClient
from monitor.model import Comment

BATCH = 5
VERSION_LIVES = 12  # months
_WARNED_BEFORE = 2  # months
_PAGE = re.compile(r"urn:li:organization(?:Brand)?:[0-9]{1,20}")


class LinkedInSettings(ConnectorSettings):
    """Which page to read."""

    organization: str
    """The page, by its number (in the address of its admin page) or its URN ("urn:li:organization:123")."""
    version: str = "202607"
    """The version of LinkedIn's API, as year and month. Each lives for about a year; heedful warns in time."""
    reshares: bool = True
    """Read posts that share one of yours with words of their own, too."""
    sweep_a_day: Annotated[int, Field(ge=0, le=1_000_000)] = 16
    """How many requests a day may look for what LinkedIn's feed left out. Raise it with the Standard tier."""
    token: SecretStr | None = None
    """An access token given by hand: it lives for 60 days. Not needed after `heedful auth ACCOUNT`."""
    base_url: Address = "https://api.linkedin.com/rest"
    """Where the API answers."""

    @field_validator("organization")
    @classmethod
    def _is_a_page(cls, value: str) -> str:
        value = value.strip()
        urn = f"urn:li:organization:{value}" if value.isdecimal() and value.isascii() else value
        if not _PAGE.fullmatch(urn):
            raise ValueError('give the page by its number or as "urn:li:organization:123"')
        return urn

    @field_validator("version")
    @classmethod
    def _is_a_month(cls, value: str) -> str:
        if not re.fullmatch(r"20[0-9]{2}(0[1-9]|1[0-2])", value):
            raise ValueError('must be a year and a month, as in "202607"')
        return value


class LinkedIn:
    """One source: everything said to one page."""

    platform: ClassVar[str] = "linkedin"
    Settings: ClassVar[type[ConnectorSettings]] = LinkedInSettings
    abilities: ClassVar[Abilities] = Abilities(
        replies="LinkedIn keeps two levels: a reply to a reply is read as one to the comment on top",
        quiet_requests=2,  # the feed, and every 4 hours our posts; walks beside that are paid for by `sweep_a_day`
        recheck_batch=BATCH,
        late_reply_delay="one poll, as LinkedIn's feed tells of it; where the feed left it out, 1 day (1 week below a"
        " post where nothing happened for 30 days) and as long as `sweep_a_day` takes for all posts: 1 request for each"
        " post and each 100 comments",
        budget=Budget(100, timedelta(days=1)),
        storage=StorageRules(text_for=timedelta(hours=48), author_for=timedelta(hours=24), forgets_deleted=True),
    )
    oauth: ClassVar[OAuth] = OAuth(
        authorize_url="https://www.linkedin.com/oauth/v2/authorization",
        token_url="https://www.linkedin.com/oauth/v2/accessToken",  # noqa: S106 - an address
        scopes=("r_organization_social_feed", "rw_organization_admin"),
        uses_pkce=False,  # a code_verifier makes LinkedIn refuse the client (401 invalid_client)
        # No refresh_days: a refresh does not renew the refresh token's year. Each answer says how much of it is left.
    )

    def __init__(self, settings: LinkedInSettings, http: HttpClient, access: Access | None = None) -> None:
        self._settings, self._http = settings, http
        self._access: Access = access or GivenToken(settings.token)

    def fetch_page(self, cursor: Json, now: datetime) -> Page:
        """Work off some steps of a poll; what the cursor holds is told by `State`."""
        settings, api = self._settings, self._api()
        credit = max(LEAST_CREDIT, settings.sweep_a_day)
        state = State.read(cursor, _ms(now - settings.backfill), _ms(now), credit)
        own = settings.organization
        reading = Reading(api, state, now.timestamp(), own, settings.sweep_a_day, settings.reshares)
        reading.read()
        notes = [reading.note, self._warning(state, now)]
        return Page(
            reading.raws,
            state.as_json(),
            reading.more,
            gone=reading.gone,
            own_author_ids=frozenset({own}),
            note="; ".join(filter(None, notes)),
            spent=float(api.n),
        )

    def recheck(self, known: Sequence[Known]) -> Rechecked:
        """Look again at known comments, what is new below them, and known posts."""
        api = self._api()
        found = Look(api, self._settings.organization, known).take()
        return replace(found, spent=float(api.n))

    def normalise(self, raw: Json) -> Comment | None:
        """Read one comment, reply or post."""
        return read_raw(raw)

    def _api(self) -> Api:
        return Api(self._settings.base_url, self._settings.version, self._http, self._access)

    def _warning(self, state: State, now: datetime) -> str:
        """What to say, once a day, of a version that will soon be served no more."""
        version = self._settings.version
        age = (now.year - int(version[:4])) * 12 + now.month - int(version[4:])
        if age < VERSION_LIVES - _WARNED_BEFORE or now.timestamp() - state.warned_at < DAY:
            return ""
        state.warned_at = now.timestamp()
        return f"LinkedIn soon ends version {version}: set `version` to a newer month, or bring heedful up to date"


def _ms(at: datetime) -> int:
    return max(round(at.timestamp() * 1_000), 0)
