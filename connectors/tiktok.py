"""Reads the comments and replies on an account's own TikTok videos, hidden ones too, and the videos themselves.

Native ids are TikTok's own: of a comment, of a reply, of a video.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Protocol, Self, runtime_checkable

from pydantic import SecretStr, field_validator, model_validator

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
from connectors.oauth import OAuth
from connectors.tiktok_api import MOST_IDS, Api
from connectors.tiktok_payloads import read_raw
from connectors.tiktok_reading import Reading
from connectors.tiktok_recheck import Look
from connectors.tiktok_state import State
from monitor.errors import Malformed, Unauthorized
from monitor.http import HttpClient
from monitor.model import Comment

WHO_WE_ARE = timedelta(days=1)  # how long the account's name is believed


@runtime_checkable
class _Remembers(Protocol):
    """An Access that knows what else the platform granted beside the token."""

    def fact(self, name: str) -> str: ...


class TikTokSettings(ConnectorSettings):
    """As whom to read; which account is read follows from it."""

    business_id: str = ""
    """The account's open_id. Not needed after `heedful auth`, which learns it."""
    token: SecretStr | None = None
    """An access token given by hand, for a try: it lives for a day. It needs the business_id."""
    base_url: Address = "https://business-api.tiktok.com/open_api/v1.3"
    """Where the API answers."""

    @field_validator("business_id")
    @classmethod
    def _is_an_id(cls, value: str) -> str:
        if value and not (len(value) <= 128 and value.isascii() and value.isprintable() and " " not in value):
            raise ValueError("give the open_id that TikTok told with the token")
        return value

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if self.token is not None and not self.business_id:
            raise ValueError("a token given by hand needs the business_id")
        return self


class TikTok:
    """One source: everything said below the videos of one account."""

    platform: ClassVar[str] = "tiktok"
    Settings: ClassVar[type[ConnectorSettings]] = TikTokSettings
    abilities: ClassVar[Abilities] = Abilities(
        replies="TikTok keeps two levels: a reply to a reply is read as one to the comment on top",
        edits="no: comments on TikTok cannot be edited",
        quiet_requests=2,  # for 20 videos; a round asks for all of them
        recheck_batch=MOST_IDS,
        late_reply_delay="as a rule 20 minutes and one poll; beyond the 500 newest comments of a video, and where "
        "TikTok's own count of it stood still, a day and 20 minutes for each 4 videos of the account (200 videos: 41 "
        "hours)",
        budget=Budget(40, timedelta(minutes=1)),  # Source: of an account, for each endpoint
        storage=StorageRules(forgets_deleted=True),
    )
    oauth: ClassVar[OAuth] = OAuth(
        authorize_url="https://www.tiktok.com/v2/auth/authorize",
        token_url="https://business-api.tiktok.com/open_api/v1.3/tt_user/oauth2/token/",  # noqa: S106 - an address
        refresh_url="https://business-api.tiktok.com/open_api/v1.3/tt_user/oauth2/refresh_token/",
        scopes=("user.info.basic", "video.list", "comment.list"),
        scope_separator=",",
        uses_pkce=False,
        token_lives=86_400,
        refresh_days=365,
        speaks_json=True,
        client_name="client_key",
        code_name="auth_code",
        kept=("open_id",),
    )

    def __init__(self, settings: TikTokSettings, http: HttpClient, access: Access | None = None) -> None:
        self._settings, self._http = settings, http
        self._access = access or GivenToken(settings.token)

    def fetch_page(self, cursor: Json, now: datetime) -> Page:
        """Work off some steps of a poll; what the cursor holds is told by `State`."""
        state, notes = State.read(cursor, now - self._settings.backfill), list[str]()
        api = self._api()
        if state.business != self._business() or now.timestamp() - state.asked_at > WHO_WE_ARE.total_seconds():
            self._learn(api, state, notes)
            state.business, state.asked_at = self._business(), now.timestamp()
        reading = Reading(api, state, now)
        reading.read()
        return Page(
            reading.raws,
            state.as_json(),
            reading.more,
            own_author_ids=frozenset({state.business}),
            note="; ".join(filter(None, (*notes, reading.note))),
            spent=float(api.n),
        )

    def recheck(self, known: Sequence[Known]) -> Rechecked:
        """Look again at known comments, what is new below them, and known videos."""
        api = self._api()
        state = State(0.0)
        self._learn(api, state, [])
        return Look(api, self._business(), state.username, state.name).take(known)

    def normalise(self, raw: Json) -> Comment | None:
        """Read one comment, reply or video."""
        return read_raw(raw)

    def _api(self) -> Api:
        return Api(self._settings.base_url, self._business(), self._access, self._http)

    def _business(self) -> str:
        """Raises: Unauthorized where nobody has said which account is meant."""
        named = self._settings.business_id
        if not named and isinstance(self._access, _Remembers):
            named = self._access.fact("open_id")
        if not named:
            self._access.token()  # who has no permission at all is told so
            raise Unauthorized("TikTok's open_id of the account is not known: run heedful auth, or set business_id")
        return named

    def _learn(self, api: Api, state: State, notes: list[str]) -> None:
        """The account's name. It is good to have: who wrote as the account is told with each comment too."""
        try:
            state.username, state.name = api.account()
        except Malformed as error:
            notes.append(f"the account's name is not told: {error}")
