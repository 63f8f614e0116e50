"""Reads an Instagram account: the comments and replies below its media, who tags or mentions it, its messages.

Only professional accounts (Business, Creator) can be read. Native ids are Instagram's own ids. A comment below our
own media has that as its subject; media and comments of others that name us are the root of their conversation.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from pydantic import Field, SecretStr

from connectors import meta_messages
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
    resumed,
)
from connectors.instagram_account import Account, Us
from connectors.instagram_comments import (
    COMMENT_FIELDS,
    LOOK_FIELDS,
    MENTIONED_FIELDS,
    Media,
    media_of,
    read_raw,
    tags_of,
)
from connectors.meta_api import VERSION, Api
from connectors.meta_fields import part, read_id, rows
from connectors.meta_lists import new_state
from connectors.meta_messages import read_inbox, read_message
from connectors.meta_push import INSTAGRAM
from connectors.meta_reading import Reader
from connectors.oauth import OAuth
from monitor.errors import Gone, Malformed
from monitor.http import HttpClient
from monitor.model import Comment


class InstagramSettings(ConnectorSettings):
    """Which account to read, and what of it."""

    watch: Literal["media", "tags", "messages"] = "media"
    """What to read: the account's own media with all comments and replies; media of others in which it is tagged (and
    mentions that Meta reports); or its direct messages."""
    account_id: str = Field(default="", pattern=r"^[0-9]{0,30}$")
    """The number of the Instagram account; needed where the token reaches several."""
    token: SecretStr | None = None
    """An access token, of Facebook Login (a person's or a Page's) or of Instagram Login; not needed after
    `heedful auth ACCOUNT`."""
    app_secret: SecretStr | None = None
    """The secret of the app, where the app demands that calls are signed with it ("Require app secret")."""
    reach: timedelta = timedelta(days=730)
    """How old media may be and still be looked at for new comments ("730d")."""
    api_url: Address = f"https://graph.facebook.com/{VERSION}"
    """The Graph API with its version; "https://graph.instagram.com/v26.0" for a token of Instagram Login."""


class Instagram:
    """One source: the media of an account, what tags it, or its messages."""

    platform: ClassVar[str] = "instagram"
    Settings: ClassVar[type[ConnectorSettings]] = InstagramSettings
    abilities: ClassVar[Abilities] = Abilities(
        replies="Instagram has two levels only: a reply to a reply is given as one to the comment at the top",
        quiet_requests=5,
        recheck_batch=20,
        late_reply_delay="the time between two polls for the 20 newest media, and for older ones that time for each "
        "20 media of the account: 200 media at a poll every 5 minutes, 50 minutes; below media with more than 50 "
        "comments a minute more for each 50 of them",
        budget=Budget(4_800, timedelta(days=1), "calls"),
        storage=StorageRules(forgets_deleted=True),
    )
    # Facebook Login: by Instagram Login a token lives for an hour until it is exchanged in a way of its own.
    oauth: ClassVar[OAuth] = OAuth(
        authorize_url=f"https://www.facebook.com/{VERSION}/dialog/oauth",
        token_url=f"https://graph.facebook.com/{VERSION}/oauth/access_token",
        scopes=(
            *("instagram_basic", "instagram_manage_comments", "instagram_manage_messages"),
            *("pages_show_list", "pages_read_engagement", "pages_read_user_content"),
        ),
        scope_separator=",",
        uses_pkce=False,
        refresh_params={"grant_type": "fb_exchange_token", "fb_exchange_token": "{token}"},
        token_lives=60 * 86_400,
    )
    push: ClassVar[Push] = INSTAGRAM

    def __init__(self, settings: InstagramSettings, http: HttpClient, access: Access | None = None) -> None:
        self._settings = settings
        given = access or GivenToken(settings.token)
        self._account = Account(settings.api_url, settings.account_id, given, settings.app_secret, http)

    def fetch_page(self, cursor: Json, now: datetime) -> Page:
        """Read one step further; `cursor` is {"v", "own", and the state of what is watched}."""
        watch = self._settings.watch
        begin = meta_messages.new_state if watch == "messages" else new_state
        state = resumed(cursor, lambda: begin(now, self._settings.backfill))
        us = self._account.us(state, now)
        api = self._account.api(us, is_inbox=watch == "messages")
        if watch == "messages":
            raws, more, note = read_inbox(api, state, "me", (us.id, us.name), {"platform": "instagram"})
        else:
            reader = Reader(api, Media(us.name), state, us.id, now, self._settings.reach)
            reader.read([media_of(us.id) if watch == "media" else tags_of(us.id)])
            raws, more, note = reader.raws, reader.more, "; ".join(reader.notes)
        return Page(raws, state, more, (), frozenset({us.id}), api.poll_after, note, api.n_spent + us.n_spent)

    def recheck(self, known: Sequence[Known]) -> Rechecked:
        """Look again at known media and comments, and at what is new beside them.

        For watch = "tags" the known are mentions that a webhook told of: comments with the media as their root.
        """
        if self._settings.watch == "messages":
            return Rechecked((), spent=0)  # of a message Meta tells neither changes nor its end
        us = self._account.us({}, None)
        api = self._account.api(us)
        if self._settings.watch == "tags":
            raws = [raw for one in known for raw in _mentioned(api, us, one)]
            return Rechecked(raws, spent=api.n_spent + us.n_spent)
        look = _Look(api, us)
        look.at(known)
        return Rechecked(look.raws, look.gone, api.n_spent + us.n_spent)

    def normalise(self, raw: Json) -> Comment | None:
        """Read one raw media, comment, mention or message."""
        if not isinstance(raw, dict):
            raise ValueError("not an object")
        return read_message(raw) if "message" in raw else read_raw(raw)


def _mentioned(api: Api, us: Us, one: Known) -> list[Json]:
    """A comment or caption elsewhere that names us, as it is now; nothing where it is not shown (any more).

    Not being shown is no sign of its end: the owner may have switched comments off.
    Source: reference/ig-user/mentioned_comment, mentioned_media.
    """
    if not (native := read_id(one.native_id)):
        return []
    is_comment = bool(one.subject_native_id) or one.root_native_id != one.native_id
    for fields in MENTIONED_FIELDS:
        asked = f"mentioned_comment.comment_id({native}){{{fields}}}"
        if not is_comment:
            fields = fields.replace("text", "caption").replace(",media{id}", ",permalink")
            asked = f"mentioned_media.media_id({native}){{{fields}}}"
        try:
            answer = api.get(us.id, {"fields": asked})
        except Gone:
            return []
        except Malformed as error:
            if error.status != 400:
                raise
            continue  # a field that is not there for all: once more with fewer
        if is_comment and (found := part(answer, "mentioned_comment")) is not None:
            return [{"mentioned": found, "own": us.id, "us": us.name, "on": read_id(one.subject_native_id)}]
        if not is_comment and (found := part(answer, "mentioned_media")) is not None:
            return [{"post": found, "own": us.id, "us": us.name, "list": "tags"}]
    return []


class _Look:
    """One look at known comments: `raws` is what was found, `gone` what Instagram shows to be deleted."""

    def __init__(self, api: Api, us: Us) -> None:
        self._api, self._us, self._dialect = api, us, Media(us.name)
        self.raws: list[Json] = []
        self.gone: list[str] = []

    def at(self, known: Sequence[Known]) -> None:
        below: dict[str, list[str]] = {}
        for one in known:
            if above := read_id(one.subject_native_id or one.native_id):
                below.setdefault(above, []).append(one.native_id)
        lost = [media_id for media_id in below if not self._at_media(media_id, below[media_id])]
        # A token that lost its reach gets the same answer for everything as for what was deleted.
        if lost and (len(lost) < len(below) or self._sees_any_media()):
            self.gone += [native_id for media_id in lost for native_id in below[media_id]]

    def _at_media(self, media_id: str, wanted: list[str]) -> bool:
        """False where the media is not there."""
        media = self._api.single(media_id, LOOK_FIELDS)
        if media is None:
            return False
        on = self._dialect.on(media, self._us.id, "media")
        if (raw := self._dialect.raw_post(media, self._us.id, "media")) is not None:
            self.raws.append(raw)
        found = [row for row, _ in self._dialect.flat(rows(media, "comments"))]
        came = {read_id(part(row, "id")) for row in found}
        missing: list[str] = []
        for native_id in wanted:
            if native_id in came or native_id == media_id or not read_id(native_id):
                continue
            comment = self._api.single(native_id, COMMENT_FIELDS)
            if comment is None:
                missing.append(native_id)
            else:
                found += [row for row, _ in self._dialect.flat([comment])]
        self.raws += [{"comment": row, "on": on, "own": self._us.id} for row in found]
        if found or self._dialect.count(media) == 0:
            self.gone += missing
        return True

    def _sees_any_media(self) -> bool:
        media, _, _ = self._api.edge(f"{self._us.id}/media", {"fields": "id", "limit": 1})
        return bool(media)
