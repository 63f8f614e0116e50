"""Reads the reviews of your own apps, and your answers to them, from App Store Connect.

A poll reads the newest page of each app; where that does not meet what was there before, the pages below are
walked. Native ids are Apple's, "response/<id>" for answers. An edited review is dated anew under its old id.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field, SecretStr, field_validator

from connectors.app_store_api import Api, Key, id_of, prove_alive, read_key
from connectors.app_store_reading import Walk, new_app, raws_of
from connectors.app_store_values import checked_app
from connectors.base import Abilities, Address, Budget, ConnectorSettings, Json, Known, Page, Rechecked, resumed
from connectors.fields import Instant, Text
from connectors.lenient import OrNone
from monitor.errors import Unauthorized
from monitor.http import HttpClient
from monitor.model import Author, Comment

LEARN_EVERY = timedelta(days=7)  # the names of the apps
TOPS_EVERY = timedelta(minutes=1)
BATCH = 20
_RESPONSE = "response/"
CONSOLE = "https://appstoreconnect.apple.com"


class AppStoreSettings(ConnectorSettings):
    """Which apps, and the key to read them with."""

    apps: Annotated[tuple[str, ...], Field(min_length=1)]
    """The Apple IDs of your apps: the numbers under App Information in App Store Connect."""
    key_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{6,20}$")]
    """The id of the key."""
    issuer_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{0,64}$")] = ""
    """The issuer id that stands above the team's keys; none for an individual key."""
    private_key: SecretStr
    """The content of the .p8 file; private_key_file names the file."""
    base_url: Address = "https://api.appstoreconnect.apple.com"
    """Where the API is."""

    @field_validator("apps", mode="before")
    @classmethod
    def _are_apps(cls, values: object) -> object:
        return tuple(checked_app(value) for value in values) if isinstance(values, (list, tuple)) else values

    @field_validator("private_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr) -> SecretStr:
        try:
            read_key(value.get_secret_value())
        except Unauthorized as error:
            raise ValueError(str(error)) from None
        return value


_Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{8,64}$")]


class _ReviewAttributes(BaseModel):
    rating: OrNone[Annotated[int, Field(ge=1, le=5)]] = None
    title: Text = ""
    body: Text = ""
    reviewerNickname: Text = ""  # noqa: N815 - Apple's name
    createdDate: Instant  # noqa: N815


class _Review(BaseModel):
    id: _Id
    attributes: _ReviewAttributes


class _ResponseAttributes(BaseModel):
    responseBody: Text  # noqa: N815
    lastModifiedDate: Instant  # noqa: N815
    state: Text = ""


class _Response(BaseModel):
    id: _Id
    attributes: _ResponseAttributes


class _Raw(BaseModel):
    """A review, or our answer with the id of the review that it answers."""

    kind: Literal["review", "response"]
    record: dict[str, Any]
    app: Annotated[str, Field(pattern=r"^[0-9]{1,20}$")]
    name: Text = ""
    review_id: str = ""


class AppStore:
    """One source: the reviews of one or more apps of an App Store Connect account, in all countries."""

    platform: ClassVar[str] = "app_store"
    Settings: ClassVar[type[ConnectorSettings]] = AppStoreSettings
    abilities: ClassVar[Abilities] = Abilities(
        replies="no: a review has one answer, ours, which is read; customers cannot reply",
        late_replies="no: customers cannot reply; our answer to an old review is seen when that is looked at again",
        own_posts="no: an app's page is not a post",
        quiet_requests=6,  # one for each app; once a week another one, for its name
        recheck_batch=BATCH,
        late_reply_delay="our own answer to a review is seen when the review is looked at again: after a tenth of its"
        " age, at most a day, and 7 days where it is older than 60 days",
        budget=Budget(3500, timedelta(hours=1)),
    )

    def __init__(self, settings: AppStoreSettings, http: HttpClient) -> None:
        self._settings, self._http = settings, http

    def fetch_page(self, cursor: Json, now: datetime) -> Page:
        """The newest page of each app, or the next pages of walks; `cursor` is {"v", "since", "apps", "names", ...}."""
        since = (now - self._settings.backfill).isoformat()
        new = {"v": 1, "since": since, "apps": {}, "names": {}, "tops_at": ""}
        state = resumed(cursor, lambda: new)
        api = self._api()
        walks = [Walk(api, state["apps"].setdefault(app, new_app()), app, now) for app in self._settings.apps]
        raws: list[Json] = []
        is_walking = any(walk.is_under_way for walk in walks)
        if not is_walking or state["tops_at"] <= (now - TOPS_EVERY).isoformat():
            state["tops_at"] = now.isoformat()
            for walk in walks:
                raws += raws_of(walk.app, walk.top(state["since"]), state["since"])
        for walk in walks:
            if is_walking and walk.is_under_way:
                raws += raws_of(walk.app, walk.older(), state["since"])
        self._name(api, raws, state, now)
        more = any(walk.is_under_way for walk in walks)
        return Page(raws, state, more, poll_after=api.poll_after, spent=float(api.n_spent))

    def recheck(self, known: Sequence[Known]) -> Rechecked:
        """Look again at reviews, one request each, and at our answers below them."""
        api = self._api()
        apps = {_review_id(one): (one.subject_native_id or "").removeprefix("app/") for one in known}
        found = {review_id: api.review(review_id) for review_id in apps if id_of({"id": review_id})}
        missing = {review_id for review_id, pair in found.items() if pair is None}
        if missing and len(missing) == len(found):
            prove_alive(api, self._settings.apps[0])
        raws: list[Json] = []
        names: dict[str, str] = {}
        for review_id, pair in found.items():
            app = apps[review_id] if apps[review_id] in self._settings.apps else self._settings.apps[0]
            if pair is not None:
                names[app] = names[app] if app in names else api.app_name(app)
                raws += [raw | {"name": names[app]} for raw in raws_of(app, [pair], "")]
        shown = {_RESPONSE + id_of(raw["record"]) for raw in raws if raw["kind"] == "response"}
        gone = [one.native_id for one in known if _review_id(one) in missing]
        gone += [
            one.native_id
            for one in known
            if one.native_id.startswith(_RESPONSE)
            and found.get(_review_id(one)) is not None
            and one.native_id not in shown
        ]
        return Rechecked(raws, gone, float(api.n_spent))

    def normalise(self, raw: Json) -> Comment | None:
        """Read one review or one answer of ours."""
        placed = _Raw.model_validate(raw)
        place: dict[str, Any] = {
            "subject_native_id": f"app/{placed.app}",
            "subject_title": placed.name or f"App {placed.app}",
            "subject_url": f"https://apps.apple.com/app/id{placed.app}",
        }
        # No review has a page of its own: the fragment only tells one address from the other.
        page = f"{CONSOLE}/apps/{placed.app}/distribution/activity/ios/ratingsResponses"
        if placed.kind == "response":
            response = _Response.model_validate(placed.record)
            if not id_of({"id": placed.review_id}):
                raise ValueError("an answer to no review")
            return Comment(
                native_id=f"{_RESPONSE}{response.id}",
                kind="comment",
                text=response.attributes.responseBody,
                author=Author("developer", placed.name or "Developer"),
                created_at=response.attributes.lastModifiedDate,
                permalink=f"{page}#{response.id}",
                parent_native_id=placed.review_id,
                root_native_id=placed.review_id,
                is_ours=True,
                is_hidden=response.attributes.state == "PENDING_PUBLISH",
                **place,
            )
        review = _Review.model_validate(placed.record)
        said = review.attributes
        return Comment(
            native_id=review.id,
            kind="review",
            text="\n\n".join(part.strip() for part in (said.title, said.body) if part.strip()),
            author=Author("", said.reviewerNickname),
            created_at=said.createdDate,
            permalink=f"{page}#{review.id}",
            stars=said.rating,
            **place,
        )

    def _api(self) -> Api:
        settings = self._settings
        key = Key(settings.key_id, settings.issuer_id, settings.private_key.get_secret_value())
        return Api(settings.base_url, key, self._http)

    def _name(self, api: Api, raws: list[Json], state: dict[str, Any], now: datetime) -> None:
        """Give each raw the name of its app, learnt once a week."""
        for raw in raws:
            name, learnt_at = state["names"].get(raw["app"], ["", ""])
            if learnt_at <= (now - LEARN_EVERY).isoformat():
                name = api.app_name(raw["app"])
                state["names"][raw["app"]] = [name, now.isoformat()]
            raw["name"] = name


def _review_id(known: Known) -> str:
    return (known.root_native_id or "") if known.native_id.startswith(_RESPONSE) else known.native_id
