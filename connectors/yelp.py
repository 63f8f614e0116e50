"""Reads the newest reviews of businesses on Yelp, as far as its Places API shows them: three excerpts in each language.

Native ids are Yelp's own; the subject is the business, "business/<id>". How it is read on is in newest_reviews.
"""

import html
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator

from connectors.base import (
    Abilities,
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
from connectors.fields import Text
from connectors.lenient import OrNone
from connectors.newest_reviews import Reading, new_state
from connectors.yelp_api import LOCALES, Api, bare_url, read_instant, read_name
from monitor.http import HttpClient
from monitor.model import Author, Comment

SWEEP = timedelta(days=1)
_MOST_BUSINESSES = 20


class YelpSettings(ConnectorSettings):
    """Which businesses' reviews to read."""

    model_config = ConfigDict(hide_input_in_errors=True)

    businesses: tuple[str, ...]
    """The businesses: each by its id, or by its alias, which ends the address of its page on Yelp
    ("brand-cafe-springfield")."""
    api_key: SecretStr
    """The API key of the app; it does not expire."""
    languages: tuple[str, ...] = ()
    """The languages whose reviews to read ("en", or a locale as "en_GB"); none: all that Yelp says there are. Each
    costs a request of its own."""
    base_url: Address = "https://api.yelp.com/v3"
    """Where the API answers."""

    @field_validator("businesses")
    @classmethod
    def _are_businesses(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        names = tuple(dict.fromkeys(value.strip() for value in values))
        if not 0 < len(names) <= _MOST_BUSINESSES or not all(map(read_name, names)):
            raise ValueError(f'name 1 to {_MOST_BUSINESSES} businesses, each by its id or as "brand-cafe-springfield"')
        return names

    @field_validator("languages")
    @classmethod
    def _are_languages(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        names = tuple(dict.fromkeys(value.strip() for value in values))
        if bad := [one for one in names if one.partition("_")[0] not in LOCALES]:
            raise ValueError(f'"{bad[0]}" is none of {", ".join(LOCALES)}, nor a locale as "en_GB"')
        return names


class Yelp:
    """One source: the newest reviews of one or more businesses."""

    platform: ClassVar[str] = "yelp"
    Settings: ClassVar[type[ConnectorSettings]] = YelpSettings
    abilities: ClassVar[Abilities] = Abilities(
        replies="no: the API shows no answers, neither ours nor anybody's; mark a review as answered yourself",
        edits="only while a review is among the three that Yelp shows, and then within a day",
        deletions="no: a review that is no longer shown may be older than three others, or not recommended",
        late_replies="no: nobody can answer a review but its business, and the API does not show that",
        own_posts="no: the page of a business is not a post",
        quiet_requests=2,  # one for each business, here of two
        late_reply_delay="none: the API shows no replies",
        budget=Budget(300, timedelta(days=1)),  # of the smallest plan
        storage=StorageRules(text_for=timedelta(days=1), author_for=timedelta(days=1)),
    )

    def __init__(self, settings: YelpSettings, http: HttpClient) -> None:
        self._settings, self._http = settings, http

    def fetch_page(self, cursor: Json, now: datetime) -> Page:
        """Read all businesses; `cursor` is what `newest_reviews.new_state` says."""
        state = resumed(cursor, lambda: new_state(now - self._settings.backfill))
        api = Api(self._settings.base_url, GivenToken(self._settings.api_key), self._http)
        reading = Reading(api, state, now, self._settings.languages, SWEEP)
        reading.read(self._settings.businesses)
        after = reading.poll_after or api.spent_until
        return Page(reading.raws, state, poll_after=after, note=reading.note, spent=float(api.n_spent))

    def recheck(self, known: Sequence[Known]) -> Rechecked:  # noqa: ARG002 - the protocol's
        """Nothing: a single review cannot be asked for."""
        return Rechecked([])

    def normalise(self, raw: Json) -> Comment | None:
        """Read one review."""
        told = _Raw.model_validate(raw)
        review, business, person = told.review, told.business, told.review.user
        return Comment(
            native_id=review.id,
            kind="review",
            text=html.unescape(review.text).strip(),
            author=Author(person.id, person.name.strip(), url=person.profile_url),
            created_at=review.time_created,
            permalink=review.url,
            root_native_id=review.id,
            subject_native_id=f"business/{business.id}",
            subject_title=business.name.strip() or business.id,
            subject_url=business.url,
            stars=review.rating,
        )


def _checked_id(value: object) -> str:
    if not (found := read_name(value)):
        raise ValueError("not an id")
    return found


def _checked_instant(value: object) -> datetime:
    if (at := read_instant(value)) is None:
        raise ValueError("not a time")
    return at


_Id = Annotated[str, BeforeValidator(_checked_id)]
_Url = Annotated[str, BeforeValidator(bare_url)]
_Instant = Annotated[datetime, BeforeValidator(_checked_instant)]


class _User(BaseModel):
    id: Annotated[str, BeforeValidator(read_name)] = ""
    name: Text = ""
    profile_url: _Url = ""


class _Review(BaseModel):
    id: _Id
    time_created: _Instant
    url: _Url = ""
    text: Text = ""
    rating: OrNone[Annotated[float, Field(ge=1, le=5)]] = None
    user: Annotated[_User, BeforeValidator(lambda value: value if isinstance(value, dict) else {})] = _User()


class _Business(BaseModel):
    id: _Id
    name: Text = ""
    url: _Url = ""


class _Raw(BaseModel):
    review: _Review
    business: _Business
