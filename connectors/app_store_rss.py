"""Reads the App Store's public feed of customer reviews, which needs no credentials and shows no answers.

A poll reads the first page of each app in each country; where that does not meet what was there before, the pages
below are walked. An empty page is never believed at once. Native ids are the numbers of the reviews.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, Field, field_validator

from connectors.app_store_rss_api import Api, id_of, label
from connectors.app_store_rss_reading import Walk, new_place
from connectors.app_store_values import checked_app
from connectors.base import Abilities, Address, Budget, ConnectorSettings, Json, Known, Page, Rechecked, resumed
from connectors.fields import Instant, checked_instant
from monitor.core.text import storable
from monitor.errors import Gone, Malformed, RemoteError
from monitor.http import HttpClient
from monitor.model import Author, Comment

LEARN_EVERY = timedelta(days=7)  # the names of the apps
TOPS_EVERY = timedelta(minutes=1)  # how often the first pages are read while others are still to come
_AUTHOR = re.compile(r"/id(\d{1,20})")


class AppStoreRssSettings(ConnectorSettings):
    """Which apps, and in which countries."""

    apps: Annotated[tuple[str, ...], Field(min_length=1)]
    """The Apple IDs of the apps: the numbers in the addresses of their App Store pages ("id1234567890")."""
    countries: Annotated[tuple[str, ...], Field(min_length=1)]
    """The App Stores to read, as two-letter country codes ("us", "de"): each has its own reviews."""
    base_url: Address = "https://itunes.apple.com"
    """Where the feed is."""

    @field_validator("apps", mode="before")
    @classmethod
    def _are_apps(cls, values: object) -> object:
        return tuple(checked_app(value) for value in values) if isinstance(values, (list, tuple)) else values

    @field_validator("countries")
    @classmethod
    def _are_countries(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        codes = tuple(value.strip().lower() for value in values)
        if bad := [code for code in codes if not re.fullmatch("[a-z]{2}", code)]:
            raise ValueError(f'"{bad[0]}" is not a country code of two letters')
        return codes


class _Place(BaseModel):
    """Where a review stands, and when it was seen, for feeds that do not tell when it was written."""

    app: Annotated[str, Field(pattern=r"^[0-9]{1,20}$")]
    country: Annotated[str, Field(pattern=r"^[a-z]{2}$")]
    name: str = ""
    seen_at: Instant


class AppStoreRss:
    """One source: the public reviews of one or more apps in one or more countries."""

    platform: ClassVar[str] = "app_store"
    Settings: ClassVar[type[ConnectorSettings]] = AppStoreRssSettings
    abilities: ClassVar[Abilities] = Abilities(
        replies="no: the public feed shows no answers, neither ours nor anybody's; the connector app_store does",
        deletions="no: the feed shows the newest reviews only, and a review that is missing may be older or merely"
        " not shown",
        late_replies="no: nobody can answer a review there",
        own_posts="no: an app's page is not a post",
        quiet_requests=6,  # one for each app and country, two where the answer is empty; here of three
        late_reply_delay="none: the feed has no replies. A review is usually there hours after it was written",
        budget=Budget(20, timedelta(minutes=1)),  # Source: measured by users of /lookup; Apple says nothing
    )

    def __init__(self, settings: AppStoreRssSettings, http: HttpClient) -> None:
        self._settings, self._http = settings, http

    def fetch_page(self, cursor: Json, now: datetime) -> Page:
        """The first page of each place, or the next ones of walks; `cursor` is {"v", "since", "places", "names"}."""
        since = (now - self._settings.backfill).isoformat()
        new = {"v": 1, "since": since, "places": {}, "names": {}, "tops_at": ""}
        state = resumed(cursor, lambda: new)
        api = Api(self._settings.base_url, self._http)
        raws: list[Json] = []
        notes: list[str] = []
        for number, (walk, is_top) in enumerate(self._steps(api, state, now)):
            try:
                raws += walk.top() if is_top else walk.older(notes)
            except RemoteError as error:
                if number == 0:
                    raise
                notes.append(f"{walk.name}: {error}")
                if not isinstance(error, (Gone, Malformed)):
                    break
        self._name(api, raws, state, now)
        more = any(place["page"] for place in state["places"].values())
        return Page(raws, state, more, note="; ".join(notes)[:1_000], spent=float(api.n_spent))

    def _steps(self, api: Api, state: dict[str, Any], now: datetime) -> list[tuple[Walk, bool]]:
        """What this poll reads: the first pages where they are due (True), and the next page of each walk."""
        walks = [
            Walk(api, state["places"].setdefault(f"{country}/{app}", new_place()), app, country, state["since"], now)
            for app in self._settings.apps
            for country in self._settings.countries
        ]
        older = [(walk, False) for walk in walks if walk.is_under_way]
        if older and state["tops_at"] > (now - TOPS_EVERY).isoformat():
            return older
        state["tops_at"] = now.isoformat()
        # Another one each minute is the first: the place that fails must not keep the others from being read.
        first = int(now.timestamp() // 60) % len(walks)
        return [(walk, True) for walk in walks[first:] + walks[:first]] + older

    def recheck(self, known: Sequence[Known]) -> Rechecked:  # noqa: ARG002 - the protocol's
        """Nothing: a single review cannot be asked for."""
        return Rechecked([])

    def normalise(self, raw: Json) -> Comment | None:
        """Read one review."""
        if not isinstance(raw, dict):
            raise ValueError("not a review")
        place, entry = _Place.model_validate(raw.get("place")), raw.get("entry")
        if not (number := id_of(entry)):
            raise ValueError("a review without its number")
        stars = label(entry, "im:rating")
        if not re.fullmatch("[1-5]", stars):
            raise ValueError("a review without its stars")
        updated = label(entry, "updated")
        votes = label(entry, "im:voteSum")
        parts = (storable(label(entry, name)).strip() for name in ("title", "content"))
        return Comment(
            native_id=number,
            kind="review",
            text="\n\n".join(part for part in parts if part),
            author=_author(entry),
            created_at=checked_instant(updated) if updated else place.seen_at,
            # No review has a page of its own: the fragment only tells one address from the other.
            permalink=f"https://apps.apple.com/{place.country}/app/id{place.app}?see-all=reviews#{number}",
            subject_native_id=f"app/{place.app}",
            subject_title=storable(place.name) or f"App {place.app}",
            subject_url=f"https://apps.apple.com/{place.country}/app/id{place.app}",
            stars=float(stars),
            n_likes=int(votes) if re.fullmatch("[0-9]{1,9}", votes) else 0,
        )

    def _name(self, api: Api, raws: list[Json], state: dict[str, Any], now: datetime) -> None:
        """Give each raw the name of its app, learnt once a week."""
        for raw in raws:
            app = raw["place"]["app"]
            name, learnt_at = state["names"].get(app, ["", ""])
            if learnt_at <= (now - LEARN_EVERY).isoformat():
                name = api.app_name(app, raw["place"]["country"]) or name
                state["names"][app] = [name, now.isoformat()]
            raw["place"]["name"] = name


def _author(entry: Json) -> Author:
    person = entry.get("author")
    address = label(person, "uri")
    number = _AUTHOR.search(address)
    is_web = address.startswith(("https://", "http://"))
    return Author(
        native_id=number[1] if number else "",
        name=storable(label(person, "name")),
        url=storable(address) if is_web else "",
    )
