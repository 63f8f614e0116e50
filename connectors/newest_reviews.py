"""How reviews are read where a platform shows only the newest few of a place, in each language, and knows no "since".

A poll asks each place how many reviews it has. Where that changed, and now and then where it did not, the few that are
shown are read in every language; new is whatever was not seen before. More may have come than are shown: then a note
says so, for nothing else ever will.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from connectors.base import Json
from monitor.errors import Gone, RateLimited, RemoteError

SHUT_FOR = timedelta(days=1)  # until a place that is not shown is asked for again
FIRST_LANGUAGE = "en"  # in whichever it is asked, the platform tells of the others
_MOST_SEEN = 300
_MOST_LANGUAGES = 20


@dataclass(frozen=True, slots=True)
class Place:
    """What reviews are about, as the platform tells it. `print` differs whenever reviews came or went."""

    id: str
    title: str
    url: str
    count: int | None  # of its reviews, None where the platform does not say
    print: Sequence[Json]


@dataclass(frozen=True, slots=True)
class Review:
    """One review as it was shown, with its answer; `id` is "" and `at` None where they cannot be read."""

    id: str
    at: datetime | None
    raws: Sequence[Json]


@dataclass(frozen=True, slots=True)
class Shown:
    """The reviews of a place in one language, and the languages that there are, where the platform tells them."""

    reviews: Sequence[Review]
    languages: Sequence[str] = ()


class NotShown(Exception):
    """The platform does not show this place at present, and says nothing against our credentials."""


class Platform(Protocol):
    """What a platform is asked."""

    def place(self, name: str) -> Place:
        """A place by what the settings, or the platform, call it.

        Raises: Gone where there is none; NotShown; else as the request.
        """
        ...

    def reviews(self, place: Place, language: str) -> Shown | None:
        """The newest reviews in one language; None where the platform has nothing to say."""
        ...


def new_state(since: datetime) -> dict[str, Any]:
    """What is remembered between two pages: the cursor; its times are seconds since 1970.

    `places` has for each that the settings name: its id, what its reviews looked like from outside (`print`, `count`),
    when they were read, the ids that were `seen`, the languages that there were, and until when it is not asked for.
    """
    return {"v": 1, "since": since.timestamp(), "places": {}}


class Reading:
    """One poll; changes the state. `languages` are those to read, none: those that the platform tells of."""

    def __init__(
        self, platform: Platform, state: dict[str, Any], now: datetime, languages: Sequence[str], sweep: timedelta
    ) -> None:
        self._platform, self._state, self._languages = platform, state, tuple(languages)
        self._at, self._sweep = now.timestamp(), sweep.total_seconds()
        self._notes: list[str] = []
        self.raws: list[Json] = []
        self.poll_after: datetime | None = None

    @property
    def note(self) -> str:
        """What the operator should know."""
        return "; ".join(self._notes)[:1_000]

    def read(self, names: Sequence[str]) -> None:
        """Read every place, another one first each minute: the one that fails must not keep the others from it.

        Raises: what happens at the first one; later it is noted, and what was read until then is kept.
        """
        places = {name: self._state["places"].get(name) or _new_place() for name in names}
        self._state["places"] = places
        first = int(self._at // 60) % len(names)
        due = [name for name in (*names[first:], *names[:first]) if places[name]["shut_until"] <= self._at]
        for number, name in enumerate(due):
            try:
                self._read_place(name, deepcopy(places[name]))
            except NotShown as error:
                self._shut(name, error)
            except RemoteError as error:
                if number == 0:
                    raise
                if not isinstance(error, Gone):
                    self._notes.append(str(error))
                    self.poll_after = error.retry_at if isinstance(error, RateLimited) else None
                    return
                self._shut(name, error)

    def _shut(self, name: str, error: Exception) -> None:
        self._state["places"][name]["shut_until"] = self._at + SHUT_FOR.total_seconds()
        self._notes.append(f"{name} is not read for a day: {error}")

    def _read_place(self, name: str, held: dict[str, Any]) -> None:
        place = self._platform.place(held["id"] or name)
        held["id"] = place.id
        looks = [*place.print, *self._languages]
        if held["print"] == looks and self._at - held["read_at"] < self._sweep:
            self._state["places"][name] = held
            return
        reviews = self._reviews(place, held)
        if reviews is not None:
            self._take(reviews, place, held)
            held |= {"print": looks, "count": place.count, "read_at": self._at}
        self._state["places"][name] = held

    def _reviews(self, place: Place, held: dict[str, Any]) -> dict[str, Review] | None:
        """What is shown in all languages, by id; None where the platform refused to say in any of them."""
        if place.count == 0:
            return {}
        todo, told = list(self._languages or held["languages"] or [FIRST_LANGUAGE]), set[str]()
        found: dict[str, Review] = {}
        n_silent = 0
        for language in todo:  # which grows by the languages that are told of
            shown = self._platform.reviews(place, language)
            n_silent += shown is None
            for review in shown.reviews if shown is not None else ():
                found[review.id or f"?{len(found)}"] = review
            if shown is not None and not self._languages:
                told.update(shown.languages)
                room = _MOST_LANGUAGES - len(todo)
                todo += [one for one in shown.languages if one and one not in todo][: max(room, 0)]
        held["languages"] = sorted(told)[:_MOST_LANGUAGES] if told else held["languages"]
        return None if n_silent == len(todo) else found

    def _take(self, reviews: dict[str, Review], place: Place, held: dict[str, Any]) -> None:
        """Hand out what is young enough, or came since the first read; count what came and is not shown."""
        seen, is_first = set(held["seen"]), held["count"] is None and not held["read_at"]
        new = [one for one in reviews if one not in seen]
        since = self._state["since"]
        for key, review in reviews.items():
            is_young = review.at is None or review.at.timestamp() >= since
            if is_young or (key not in seen and not is_first):
                self.raws += review.raws
        risen = (place.count or 0) - (held["count"] or 0) - len(new)
        if not is_first and held["count"] is not None and risen > 0:
            self._notes.append(f"{risen} more new at {place.title}, which the API does not show: {place.url}")
        shown = [one for one in reviews if not one.startswith("?")]
        held["seen"] = [*(one for one in held["seen"] if one not in reviews), *shown][-_MOST_SEEN:]


def _new_place() -> dict[str, Any]:
    looks: dict[str, Any] = {"id": "", "print": [], "count": None, "read_at": 0.0}
    return looks | {"seen": [], "languages": [], "shut_until": 0.0}
