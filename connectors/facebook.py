"""Reads a Facebook Page: its posts with all comments below them, who names it, its recommendations, its inbox.

Native ids are Facebook's own ids. Somebody else's post (on the Page, or naming it) and a recommendation are the root
of their conversation; the Page's own posts are the subject of theirs.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

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
from connectors.facebook_account import Account, Whose
from connectors.facebook_comments import (
    COMMENT_FIELDS,
    LISTS,
    PHOTO_FIELDS,
    POST_FIELDS,
    RATINGS,
    REEL_FIELDS,
    Posts,
    photos_of,
    read_raw,
    story_of,
)
from connectors.meta_api import BATCH, VERSION, Api
from connectors.meta_fields import part, read_id, rows
from connectors.meta_lists import new_state
from connectors.meta_messages import read_inbox, read_message
from connectors.meta_push import PAGE
from connectors.meta_reading import Reader
from connectors.oauth import OAuth
from monitor.http import HttpClient
from monitor.model import Comment

MAX_BESIDE = 100  # photos of albums and stories of recommendations whose comments wait to be read


class FacebookSettings(ConnectorSettings):
    """Which Page to read, and what of it."""

    watch: Literal["page", "reviews", "messages"] = "page"
    """What to read: the posts of the Page and of its visitors, reels, ads and whoever tags it, with all comments; its
    recommendations; or its Messenger inbox."""
    page_id: str = Field(default="", pattern=r"^[0-9]{0,30}$")
    """The number of the Page; needed where the token is a person's who manages several Pages."""
    token: SecretStr | None = None
    """The Page's access token, or that of a person who manages it; not needed after `heedful auth ACCOUNT`."""
    app_secret: SecretStr | None = None
    """The secret of the app, where the app demands that calls are signed with it ("Require app secret")."""
    with_ads: bool = True
    """Whether to read what stands below ads that were never posts; left out by itself where the token may not."""
    reach: timedelta = timedelta(days=730)
    """How old a post may be and still be looked at for new comments ("730d")."""
    api_url: Address = f"https://graph.facebook.com/{VERSION}"
    """The Graph API with its version; change it when Meta retires that version before you update heedful."""


class Facebook:
    """One source: a Page's posts and comments, its recommendations, or its inbox."""

    platform: ClassVar[str] = "facebook"
    Settings: ClassVar[type[ConnectorSettings]] = FacebookSettings
    abilities: ClassVar[Abilities] = Abilities(
        replies="Facebook has two levels only: a reply to a reply is given as one to the comment at the top",
        quiet_requests=8,
        recheck_batch=BATCH,
        late_reply_delay="the time between two polls for the 25 newest posts, and for older ones that time for each "
        "25 posts of the Page: 200 posts at a poll every 5 minutes, 40 minutes",
        budget=Budget(4_800, timedelta(days=1), "calls"),
        storage=StorageRules(forgets_deleted=True),
    )
    # Source: developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow, access-tokens/get-long-lived
    oauth: ClassVar[OAuth] = OAuth(
        authorize_url=f"https://www.facebook.com/{VERSION}/dialog/oauth",
        token_url=f"https://graph.facebook.com/{VERSION}/oauth/access_token",
        scopes=("pages_show_list", "pages_read_engagement", "pages_read_user_content", "pages_messaging"),
        scope_separator=",",
        uses_pkce=False,
        refresh_params={"grant_type": "fb_exchange_token", "fb_exchange_token": "{token}"},
        token_lives=60 * 86_400,
    )
    push: ClassVar[Push] = PAGE

    def __init__(self, settings: FacebookSettings, http: HttpClient, access: Access | None = None) -> None:
        self._settings = settings
        given = access or GivenToken(settings.token)
        self._account = Account(settings.api_url, settings.page_id, given, settings.app_secret, http)

    def fetch_page(self, cursor: Json, now: datetime) -> Page:
        """Read one step further; `cursor` is {"v", "own", and the state of what is watched}."""
        is_messages = self._settings.watch == "messages"
        begin = meta_messages.new_state if is_messages else new_state
        state = resumed(cursor, lambda: begin(now, self._settings.backfill))
        whose = self._account.whose(state, now)
        api = self._account.api(whose)
        if is_messages:
            raws, more, note = read_inbox(api, state, whose.id, (whose.id, ""), {"platform": "messenger"})
            notes = [note] if note else []
        else:
            raws, more, notes = self._read_posts(api, state, whose.id, now)
        if whose.note:
            notes.append(whose.note)
        own_ids = frozenset({whose.id})
        n_spent = api.n_spent + whose.n_spent
        return Page(raws, state, more, (), own_ids, api.poll_after, "; ".join(notes), n_spent)

    def _read_posts(
        self, api: Api, state: dict[str, Any], own: str, now: datetime
    ) -> tuple[list[Json], bool, list[str]]:
        is_reviews = self._settings.watch == "reviews"
        reader = Reader(api, Posts(), state, own, now, self._settings.reach)
        if is_reviews:
            reader.read([RATINGS.of(own)])
        else:
            reader.read([one.of(own) for one in LISTS if self._settings.with_ads or one.name != "ads_posts"])
        beside = state.setdefault("beside", [])
        if not reader.more and not api.is_tired:
            self._read_beside(api, reader, beside)
        waiting = {one[0] for one in beside}
        for post, on in reader.visited:
            found = [story_of(post)] if is_reviews else photos_of(post)
            beside += [[one, on] for one in found if one and one not in waiting][: max(0, MAX_BESIDE - len(beside))]
        return reader.raws, reader.more or bool(state["walks"]), reader.notes

    def _read_beside(self, api: Api, reader: Reader, beside: list[Any]) -> None:
        """What has comments of its own and stands in no list: photos of an album, stories of recommendations."""
        now = dict(beside[:BATCH])
        del beside[:BATCH]
        if now:
            found, _ = api.objects(now, PHOTO_FIELDS)
            for one, answer in found.items():
                reader.look_below({**answer, "id": one}, now[one])

    def recheck(self, known: Sequence[Known]) -> Rechecked:
        """Look again at known posts and comments, and at the newest comments of the posts that they are under."""
        if self._settings.watch == "messages":
            return Rechecked((), spent=0)  # of a message Meta tells neither changes nor its end
        whose = self._account.whose({}, None)
        api = self._account.api(whose)
        look = _Look(api, whose, known, is_reviews=self._settings.watch == "reviews")
        look.at_posts()
        look.at_comments()
        return Rechecked(look.raws, look.gone, api.n_spent + whose.n_spent)

    def normalise(self, raw: Json) -> Comment | None:
        """Read one raw post, comment, recommendation or message."""
        if not isinstance(raw, dict):
            raise ValueError("not an object")
        return read_message(raw) if "message" in raw else read_raw(raw)


class _Look:
    """One look at known comments: `raws` is what was found, `gone` what Facebook shows to be deleted."""

    def __init__(self, api: Api, whose: Whose, known: Sequence[Known], *, is_reviews: bool) -> None:
        self._api, self._own, self._is_reviews = api, whose.id, is_reviews
        self._ids = {one.native_id for one in known if read_id(one.native_id)}
        self._above = {
            one.native_id: read_id(one.subject_native_id or one.root_native_id or one.native_id)
            for one in known
            if one.native_id in self._ids
        }
        self._dialect = Posts()
        self._posts: dict[str, Json] = {}
        self._is_shown: dict[str, bool] = {}  # whether a post shows comments, so that one not among them is not there
        self.raws: list[Json] = []
        self.gone: list[str] = []

    def at_posts(self) -> None:
        """The posts, with their newest comments."""
        wanted = sorted(set(filter(None, self._above.values())))
        lost: list[str] = []
        posts = [one for one in wanted if "_" in one or self._is_reviews]
        reels = [one for one in wanted if one not in posts]
        post_fields = PHOTO_FIELDS if self._is_reviews else POST_FIELDS
        for fields, ids in ((post_fields, posts), (REEL_FIELDS, reels)):
            found, missing = self._api.objects(ids, fields) if ids else ({}, [])
            self._posts |= found
            lost += missing
        for post_id, post in self._posts.items():
            self._take(post_id, post)
        # A token that lost its reach gets the same answer for everything as for what was deleted.
        if lost and (self._posts or self._sees_any_post()):
            self.gone += [one for one in lost if one in self._ids]
            self._is_shown |= dict.fromkeys(lost, True)

    def _take(self, post_id: str, post: Json) -> None:
        on = self._on(post_id, post)
        found = rows(post, "comments")
        self._is_shown[post_id] = bool(found) or self._dialect.count(post) == 0
        if not self._is_reviews and (raw := self._dialect.raw_post(post, self._own, "")) is not None:
            self.raws.append(raw)
        is_elsewhere = (
            not self._is_reviews
            and not self._dialect.is_ours(post, self._own)
            and not post_id.startswith(f"{self._own}_")
        )
        for row in found:
            is_wanted = not is_elsewhere or self._dialect.is_ours(row, self._own) or part(row, "id") in self._ids
            if is_wanted:
                self.raws.append({"comment": row, "on": on, "own": self._own})

    def at_comments(self) -> None:
        """The known comments that did not come with their posts."""
        came = {read_id(part(raw.get("comment"), "id")) for raw in self.raws}
        wanted = [one for one in self._ids if one not in came and one != self._above[one]]
        found, missing = self._api.objects(sorted(wanted), COMMENT_FIELDS) if wanted else ({}, [])
        for comment_id, comment in found.items():
            if (post := self._posts.get(self._above[comment_id])) is not None:
                on = self._on(self._above[comment_id], post)
                self.raws.append({"comment": comment, "on": on, "own": self._own})
        shown = {self._above[one] for one in found}
        self.gone += [one for one in missing if self._is_shown.get(self._above[one]) or self._above[one] in shown]

    def _on(self, post_id: str, post: Json) -> Json:
        if self._is_reviews:
            return {"id": post_id, "root": True, "title": "", "url": ""}
        return self._dialect.on(post, self._own, "")

    def _sees_any_post(self) -> bool:
        edge, fields = ("ratings", "created_time") if self._is_reviews else ("feed", "id")
        rows_there, _, _ = self._api.edge(f"{self._own}/{edge}", {"fields": fields, "limit": 1})
        return bool(rows_there)
