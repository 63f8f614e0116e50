"""Reads the comments on a YouTube channel: all threads on its videos and about it, every reply, and its own videos.

With a token of the channel's owner the comments that YouTube holds for review come in too, as hidden ones. Native ids
are YouTube's own: of a comment, of a reply ("<thread>.<reply>"), of a video.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar, Self

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
    Push,
    Rechecked,
    StorageRules,
)
from connectors.fields import read_instant
from connectors.oauth import OAuth
from connectors.youtube_api import Api, part_of, read_comment_id
from connectors.youtube_payloads import read_raw
from connectors.youtube_push import YOUTUBE_PUSH
from connectors.youtube_reading import Reading
from connectors.youtube_recheck import Look
from connectors.youtube_state import State
from monitor.errors import Gone, Malformed, Unauthorized
from monitor.http import HttpClient
from monitor.model import Comment

WHO_WE_ARE = timedelta(days=1)  # how long the answer to "which channel is this" is believed
_CHANNEL = re.compile(r"UC[A-Za-z0-9_-]{22}|@[^\s/?#&]{3,60}|")


class YouTubeSettings(ConnectorSettings):
    """Which channel to read, and as whom."""

    channel: str = ""
    """The channel: its id ("UC" and 22 more characters) or its handle ("@brand"). Not needed with a token, which
    speaks for one channel."""
    api_key: SecretStr | None = None
    """An API key of a Google Cloud project: reads what everybody sees. Leave it out to read with the token that
    `heedful auth ACCOUNT` stores, as the channel's owner."""
    token: SecretStr | None = None
    """An OAuth access token given by hand, for a try: it lives for an hour."""
    spam: bool = False
    """With a token: read what YouTube takes for likely spam as well, as hidden comments."""
    base_url: Address = "https://www.googleapis.com/youtube/v3"
    """Where the API answers."""
    hub_url: Address = "https://pubsubhubbub.appspot.com/subscribe"
    """Where push is subscribed to, if the account has a push_secret."""

    @field_validator("channel")
    @classmethod
    def _is_a_channel(cls, value: str) -> str:
        if not _CHANNEL.fullmatch(value):
            raise ValueError('give the channel as "UC..." (24 characters) or "@handle"')
        return value

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if self.api_key is not None and self.token is not None:
            raise ValueError("give api_key or token, not both")
        if self.api_key is not None and not self.channel:
            raise ValueError("an api_key needs the channel")
        if self.api_key is not None and self.spam:
            raise ValueError("spam = true needs the owner's token: an api_key is shown published comments only")
        return self


class YouTube:
    """One source: everything said on one channel."""

    platform: ClassVar[str] = "youtube"
    Settings: ClassVar[type[ConnectorSettings]] = YouTubeSettings
    abilities: ClassVar[Abilities] = Abilities(
        replies="YouTube keeps two levels: a reply to a reply is read as one to the comment on top",
        quiet_requests=8,
        recheck_batch=50,
        late_reply_delay="as a rule 20 minutes and one poll; at most 20 minutes, and 1 minute for each 2 videos and "
        "for each 200 threads of the channel (4 hours for 200 videos with 20,000 threads); where YouTube's own count "
        "of a video stood still, 20 minutes for each video",
        budget=Budget(10_000, timedelta(days=1), "units", resets_in="America/Los_Angeles"),
        storage=StorageRules(
            text_for=timedelta(days=30), author_for=timedelta(days=30), forgets_deleted=True, renews=True
        ),
    )
    oauth: ClassVar[OAuth] = OAuth(
        authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
        token_url="https://oauth2.googleapis.com/token",  # noqa: S106 - an address
        # Source: commentThreads.list of the discovery document takes this scope alone.
        scopes=("https://www.googleapis.com/auth/youtube.force-ssl",),
        authorize_params={"access_type": "offline", "prompt": "consent"},
    )
    push: ClassVar[Push] = YOUTUBE_PUSH

    def __init__(self, settings: YouTubeSettings, http: HttpClient, access: Access | None = None) -> None:
        self._settings, self._http = settings, http
        self._access = access or GivenToken(settings.token)

    def fetch_page(self, cursor: Json, now: datetime) -> Page:
        """Work off some steps of a poll; what the cursor holds is told by `State`."""
        api, state = self._api(), State.read(cursor, now - self._settings.backfill)
        asked_at = read_instant(state.asked_at)
        if not state.channel or asked_at is None or now - asked_at > WHO_WE_ARE:
            state.channel, state.uploads = self._channel(api)
            state.asked_at = now.isoformat()
        reading = Reading(api, state, now, self._settings.spam)
        reading.read()
        return Page(
            reading.raws,
            state.as_json(),
            reading.more,
            own_author_ids=frozenset({state.channel}),
            note=reading.note,
            spent=api.n,
        )

    def recheck(self, known: Sequence[Known]) -> Rechecked:
        """Look again at known comments, what is new in their threads, and known videos."""
        api, named = self._api(), self._settings.channel
        found = Look(api, named if named.startswith("UC") else self._channel(api)[0], known).take()
        return replace(found, spent=api.n)

    def normalise(self, raw: Json) -> Comment | None:
        """Read one comment, reply or video."""
        return read_raw(raw)

    def _api(self) -> Api:
        key = self._settings.api_key
        return Api(self._settings.base_url, self._http, self._access, key.get_secret_value() if key else "")

    def _channel(self, api: Api) -> tuple[str, str]:
        """The id of the channel and of the playlist of its videos."""
        named = self._settings.channel
        found = api.channel(named)
        if found is None and not named:
            raise Unauthorized(
                "this Google account has no YouTube channel: authorise again and choose the brand account"
            )
        if found is None:
            raise Gone(f"YouTube knows no channel {named}", status=404)
        uploads = part_of(found, "contentDetails", "relatedPlaylists", "uploads")
        if not (channel := read_comment_id(part_of(found, "id"))):
            raise Malformed("YouTube answered with a channel that has no id", payload=str(found)[:20_000], status=200)
        return channel, uploads if isinstance(uploads, str) else ""
