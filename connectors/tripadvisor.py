"""Reads the newest reviews of locations on Tripadvisor, as far as its Content API shows them: five in each language.

Native ids are Tripadvisor's own, "<review>/response" for what the management answered; the subject is the location,
"location/<id>". How it is read on is in newest_reviews.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator

from connectors.base import (
    Abilities,
    Address,
    Budget,
    ConnectorSettings,
    Json,
    Known,
    Page,
    Rechecked,
    StorageRules,
    resumed,
)
from connectors.fields import Text, read_instant
from connectors.lenient import OrNone
from connectors.newest_reviews import Reading, new_state
from connectors.tripadvisor_api import Api, Limits, read_id, web_address
from monitor.errors import Gone
from monitor.http import HttpClient
from monitor.model import Author, Comment

SWEEP = timedelta(hours=12)
BATCH = 50
_MOST_LOCATIONS, _MOST_LANGUAGES = 20, 10
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?")
_PAGE_NUMBER = re.compile(r"-d(\d{1,19})-")  # in the address of a location's page


class TripadvisorSettings(ConnectorSettings):
    """Which locations' reviews to read."""

    model_config = ConfigDict(hide_input_in_errors=True)

    locations: tuple[str, ...]
    """The locations: each by its number, or by the address of its page on Tripadvisor, which holds it."""
    api_key: SecretStr
    """The key of the Content API."""
    languages: tuple[str, ...] = ("en",)
    """The languages whose reviews to read ("en", "de", "pt_PT"); others are not shown, and each costs a request."""
    texts: bool = False
    """Read the words of reviews and responses too. heedful analyses what it reads, and Tripadvisor's terms ask for
    its permission to do so: yours to get. Without them there are stars, dates, who answered, and the address."""
    referer: str = ""
    """The address of the web site that the key is restricted to, if it is restricted to one."""
    base_url: Address = "https://api.content.tripadvisor.com/api/v1"
    """Where the API answers."""

    @field_validator("locations")
    @classmethod
    def _are_locations(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        found = [_PAGE_NUMBER.search(value) for value in values]
        ids = tuple(dict.fromkeys(one[1] if one else value.strip() for one, value in zip(found, values, strict=True)))
        if not 0 < len(ids) <= _MOST_LOCATIONS or not all(map(read_id, ids)):
            raise ValueError(f"name 1 to {_MOST_LOCATIONS} locations, each by its number or the address of its page")
        return ids

    @field_validator("languages")
    @classmethod
    def _are_languages(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        names = tuple(dict.fromkeys(value.strip() for value in values))
        if not 0 < len(names) <= _MOST_LANGUAGES or not all(map(_LANGUAGE.fullmatch, names)):
            raise ValueError(f'name 1 to {_MOST_LANGUAGES} languages as "en" or "pt_PT"')
        return names

    @field_validator("referer")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://[!-~]+", value):
            raise ValueError('give it as "https://www.bakery.example"')
        return value


class Tripadvisor:
    """One source: the newest reviews of one or more locations."""

    platform: ClassVar[str] = "tripadvisor"
    Settings: ClassVar[type[ConnectorSettings]] = TripadvisorSettings
    abilities: ClassVar[Abilities] = Abilities(
        replies="a review has one response, the management's, and nobody can answer that",
        edits="only while a review is among the five that Tripadvisor shows in its language",
        deletions="no: a review that is no longer shown may be older than five others",
        late_replies="customers cannot reply; our own response is found while its review is among the five shown",
        own_posts="no: the page of a location is not a post",
        quiet_requests=2,  # one for each location, here of two
        recheck_batch=BATCH,
        late_reply_delay="our own response: 12 hours and one poll, while its review is among the five newest of its"
        " language",
        # Source: 5,000 calls a month are free; that many a day they last.
        budget=Budget(160, timedelta(days=1)),
        storage=StorageRules(text_for=timedelta(days=1), author_for=timedelta(days=1)),
    )

    def __init__(self, settings: TripadvisorSettings, http: HttpClient) -> None:
        self._settings, self._http, self._limits = settings, http, Limits()

    def fetch_page(self, cursor: Json, now: datetime) -> Page:
        """Read all locations; `cursor` is what `newest_reviews.new_state` says."""
        state = resumed(cursor, lambda: new_state(now - self._settings.backfill))
        api = self._api()
        reading = Reading(api, state, now, self._settings.languages, SWEEP)
        reading.read(self._settings.locations)
        return Page(reading.raws, state, poll_after=reading.poll_after, note=reading.note, spent=float(api.n_spent))

    def recheck(self, known: Sequence[Known]) -> Rechecked:
        """Look again at what is shown of the locations of these reviews; that one is missing says nothing."""
        api = self._api()
        ids = {read_id((one.subject_native_id or "").removeprefix("location/")) for one in known}
        raws: list[Json] = []
        for location in sorted(ids & set(self._settings.locations)):
            try:
                place = api.place(location)
                shown = [api.reviews(place, language) for language in self._settings.languages]
            except Gone:
                continue
            raws += [raw for some in shown if some is not None for review in some.reviews for raw in review.raws]
        return Rechecked(raws, spent=float(api.n_spent))

    def normalise(self, raw: Json) -> Comment | None:
        """Read one review or response."""
        told = _Raw.model_validate(raw)
        return _review(told) if told.response is None else _response(told, told.response)

    def _api(self) -> Api:
        settings = self._settings
        return Api(
            settings.base_url,
            settings.api_key,
            self._http,
            self._limits,
            referer=settings.referer,
            texts=settings.texts,
        )


def _checked_id(value: object) -> str:
    if not (found := read_id(value)):
        raise ValueError("not an id")
    return found


def _instant(value: object) -> datetime | None:
    if value is not None and read_instant(value) is None:
        raise ValueError("not a time with its zone")
    return read_instant(value)


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else 0


_Id = Annotated[str, BeforeValidator(_checked_id)]
_Url = Annotated[str, BeforeValidator(web_address)]
_Instant = Annotated[datetime, BeforeValidator(_instant)]
_Later = Annotated[datetime | None, BeforeValidator(_instant)]


class _Words(BaseModel):
    """Title and text, both missing where the settings do not want them."""

    title: Text = ""
    text: Text = ""
    lang: Text = ""

    @property
    def words(self) -> str:
        return "\n\n".join(part for part in (self.title.strip(), self.text.strip()) if part)

    @property
    def language(self) -> str:
        return self.lang.replace("_", "-") if _LANGUAGE.fullmatch(self.lang) else ""


class _User(BaseModel):
    username: Text = ""


class _Review(_Words):
    id: _Id
    published_date: _Instant
    rating: OrNone[Annotated[float, Field(ge=1, le=5)]] = None
    helpful_votes: Annotated[int, BeforeValidator(_count)] = 0
    url: _Url = ""
    user: Annotated[_User, BeforeValidator(lambda value: value if isinstance(value, dict) else {})] = _User()


class _Response(_Words):
    author: Text = ""
    published_date: _Later = None


class _Location(BaseModel):
    id: _Id
    name: Text = ""
    url: _Url = ""


class _Raw(BaseModel):
    """A review, or the response to one with what it takes of the review."""

    review: _Review
    location: _Location
    response: _Response | None = None


def _review(told: _Raw) -> Comment:
    review = told.review
    return Comment(
        native_id=review.id,
        kind="review",
        text=review.words,
        author=Author("", review.user.username.strip()),  # Source: no stable id is given
        created_at=review.published_date,
        permalink=review.url,
        root_native_id=review.id,
        language=review.language,
        stars=review.rating,
        n_likes=review.helpful_votes,
        **_subject(told.location),
    )


def _response(told: _Raw, response: _Response) -> Comment:
    review, location = told.review, told.location
    return Comment(
        native_id=f"{review.id}/response",
        kind="comment",
        text=response.text.strip() or response.title.strip(),  # the title is the same for all of them
        author=Author(f"location/{location.id}", response.author.strip() or location.name.strip()),
        created_at=response.published_date or review.published_date,
        permalink=f"{review.url.partition('#')[0]}#response" if review.url else "",
        parent_native_id=review.id,
        root_native_id=review.id,
        language=response.language,
        is_ours=True,
        **_subject(location),
    )


def _subject(location: _Location) -> dict[str, Any]:
    return {
        "subject_native_id": f"location/{location.id}",
        "subject_title": location.name.strip() or f"Location {location.id}",
        "subject_url": location.url,
    }
