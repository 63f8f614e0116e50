"""How the reviews of some locations are read on from where they were left.

A poll reads the head of each location's list, down to a day before what it knew. What a head cannot show, sweeps do:
our reply need not move its review, and a review that Google hid for a while comes back in its old place.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.base import Json
from connectors.fields import read_instant
from connectors.google_business_api import Api, is_lost_position, why_shut
from connectors.google_business_reviews import raws_of, web_address
from monitor.core.text import storable
from monitor.errors import Gone, Malformed, RateLimited, RemoteError, Unauthorized, Unavailable

LIST_EVERY = timedelta(days=1)  # the locations
OVERLAP = timedelta(days=1)  # how late Google may publish a review under its old date
RECENT, RECENT_EVERY = timedelta(days=30), timedelta(days=1)
WHOLE_EVERY = timedelta(days=7)
STALE = timedelta(seconds=30)  # who walked longer through pages looks for what is new once more
_MOST_REQUESTS = 10  # of one page of ours
_MOST_SWEPT = 5  # requests of a sweep at one poll, and one more for each 20 locations
_MOST_AGAIN = 10
_MOST_LOCATIONS = 1_000
Lists = Callable[[], Iterator[tuple[str, Json]]]


def new_state(since: datetime) -> dict[str, Any]:
    """What is remembered between two pages: the cursor; its times are seconds since 1970.

    `asked` are the account and the locations that the settings name, as last listed. `locations` has for each its name
    in v4, title and page; `since`: what is older is not read; `mark`: when the newest review was updated; when the last
    30 days and all of it were swept; `shut`: why it is not read at present. `todo` are those whose head this poll has
    yet to read, `position` is where the first of them stands, `deep` are those that took several pages, `sweep` is the
    one under way.
    """
    start: dict[str, Any] = {"v": 1, "since": since.timestamp(), "listed_at": 0.0, "asked": [], "locations": {}}
    return start | {"todo": [], "position": {}, "deep": [], "begun_at": 0.0, "n_again": 0, "sweep": {}}


class Reading:
    """One page of ours; changes the state.

    `asked` are the account ("" for all) and the locations that the settings name; `lists` gives all of these as
    (account, location as Google tells it).
    """

    def __init__(self, api: Api, state: dict[str, Any], now: datetime, asked: Sequence[str], lists: Lists) -> None:
        self._api, self._state, self._now, self._asked, self._lists = api, state, now, list(asked), lists
        self._at = now.timestamp()
        self._notes: list[str] = []
        self.raws: list[Json] = []
        self.poll_after: datetime | None = None

    @property
    def more(self) -> bool:
        return bool(self._state["todo"])

    @property
    def note(self) -> str:
        return "; ".join(self._notes)

    def read(self) -> None:
        """Read heads, and when all are read a little of a sweep.

        Raises: as the requests do; Unauthorized or Gone where not one location can be read.
        """
        state = self._state
        if not state["todo"]:
            self._begin()
        n = 0
        while state["todo"] and n < _MOST_REQUESTS:
            self._read_head(state["todo"][0])
            n += 1
        if not state["todo"] and n < _MOST_REQUESTS:
            self._sweep_on()

    # --- which locations ---

    def _begin(self) -> None:
        state = self._state
        if self._at - state["listed_at"] >= LIST_EVERY.total_seconds() or state["asked"] != self._asked:
            self._list()
        state |= {"todo": self._open(), "position": {}, "deep": [], "begun_at": self._at, "n_again": 0}

    def _open(self) -> list[str]:
        return [number for number, location in self._state["locations"].items() if not location["shut"]]

    def _list(self) -> None:
        """Learn what locations there are; one that is listed no more is kept, in case it comes back."""
        known, is_first = self._state["locations"], not self._state["listed_at"]
        listed: dict[str, dict[str, Any]] = {}
        for account, told in self._lists():
            number = told["name"].rpartition("/")[2]
            name = f"{account}/locations/{number}"
            if number not in listed or name == known.get(number, {}).get("name"):  # several accounts may share it
                listed[number] = {"name": name, **described(told)}
        if not listed:
            raise Unauthorized("whoever gave the permission owns and manages no location of Google Business Profile")
        since = self._state["since"] if is_first else self._at - OVERLAP.total_seconds()
        new = {"since": since, "mark": 0.0, "recent_at": self._at, "whole_at": self._at}
        for number in [number for number in known if number not in listed]:
            self._shut(number, "it is listed no more")
        for number, told in list(listed.items())[:_MOST_LOCATIONS]:
            known[number] = new | known.get(number, {}) | told | {"shut": ""}
        if len(listed) > _MOST_LOCATIONS:
            self._notes.append(f"{len(listed)} locations: only the first {_MOST_LOCATIONS:,} are read")
        self._notes += [f"location {number} is not listed" for number in self._asked[1:] if number not in listed]
        self._state |= {"listed_at": self._at, "asked": self._asked}

    def _shut(self, number: str, why: str) -> None:
        """Leave a location out until they are listed again."""
        location = self._state["locations"][number]
        if not location["shut"]:
            self._notes.append(f"{location['title'] or number}: {why}")
        location["shut"] = why
        if self._state["sweep"].get("number") == number:
            self._state["sweep"] = {}

    # --- heads ---

    def _read_head(self, number: str) -> None:
        """One page of a location, from where it stands."""
        location, position = self._state["locations"][number], self._state["position"]
        if location["shut"]:
            self._next_head()
            return
        try:
            reviews, token = self._page(location, position)
        except RemoteError as error:
            self._refused(number, error)
            return
        self._take(location, reviews)
        times = _times(reviews)
        position.setdefault("top", min(max(times, default=0.0), self._at))
        floor = max(location["since"], location["mark"] - OVERLAP.total_seconds())
        if not token or (times and times[-1] < floor):
            location["mark"] = max(location["mark"], position["top"])
            self._next_head()
            return
        position["token"] = token
        if number not in self._state["deep"]:
            self._state["deep"].append(number)

    def _refused(self, number: str, error: RemoteError) -> None:
        """Leave a location out that cannot be read, unless it only moved to another account.

        Raises: the error where it is not about this location alone; Gone or Unauthorized where it was the last one.
        """
        if not (why := why_shut(error)):
            raise error
        before = self._state["locations"][number]["name"]
        if isinstance(error, Gone) and self._state["listed_at"] != self._at:
            self._list()
            if self._state["locations"][number]["name"] != before:
                self._state["position"] = {}
                return
        self._shut(number, why)
        self._next_head()
        if not self._open():
            kind = Gone if isinstance(error, Gone) else Unauthorized
            raise kind(f"{error}: {why}", status=error.status)

    def _next_head(self) -> None:
        """What took several pages is looked at once more: something may have been written meanwhile."""
        state = self._state
        del state["todo"][0]
        state["position"] = {}
        took = self._at - state["begun_at"]
        if not state["todo"] and took > STALE.total_seconds() and state["n_again"] < _MOST_AGAIN:
            again = [number for number in state["deep"] if not state["locations"][number]["shut"]]
            state |= {"todo": again, "deep": [], "begun_at": self._at, "n_again": state["n_again"] + 1}

    def _page(self, location: dict[str, Any], position: dict[str, Any]) -> tuple[list[Json], str]:
        """A page; the first one where Google has forgotten the position."""
        try:
            return self._api.reviews(location["name"], position.get("token", ""))
        except Malformed as error:
            if not position.get("token") or not is_lost_position(error) or why_shut(error):
                raise
        return self._api.reviews(location["name"])

    def _take(self, location: dict[str, Any], reviews: list[Json]) -> None:
        place = {name: location[name] for name in ("name", "title", "url")}
        for review in reviews:
            at = _updated_at(review)
            if at is None or at >= location["since"]:
                self.raws += raws_of(review, place)

    # --- sweeps ---

    def _sweep_on(self) -> None:
        """A few pages of a sweep; whatever goes wrong with it, the heads were read."""
        try:
            for _ in range(_MOST_SWEPT + len(self._state["locations"]) // 20):
                if not self._state["sweep"] and not self._begin_sweep():
                    return
                self._sweep_page()
        except RateLimited as error:
            self.poll_after = error.retry_at
        except Unavailable as error:
            self._notes.append(f"a sweep waits: {error}")

    def _begin_sweep(self) -> bool:
        """Begin with the location that waits longest, if one is due."""
        due = [one for number in self._open() if (one := self._due(number)) is not None]
        if not due:
            return False
        _, number, what = min(due)
        self._state["sweep"] = {"number": number, "what": what, "begun_at": self._at, "token": ""}
        return True

    def _due(self, number: str) -> tuple[float, str, str] | None:
        location = self._state["locations"][number]
        for what, every in (("whole_at", WHOLE_EVERY), ("recent_at", RECENT_EVERY)):
            if self._at - location[what] >= every.total_seconds():
                return location["recent_at"], number, what
        return None

    def _sweep_page(self) -> None:
        sweep = self._state["sweep"]
        location = self._state["locations"][sweep["number"]]
        try:
            reviews, token = self._page(location, sweep)
        except (Malformed, Unauthorized, Gone) as error:
            if isinstance(error, Unauthorized) and not why_shut(error):
                raise
            # It is the others' turn; whatever is wrong with the location, its head will tell.
            self._notes.append(f"a sweep of {location['title'] or sweep['number']} ended early: {error}")
            self._end_sweep(location)
            return
        self._take(location, reviews)
        recent = (self._now - RECENT).timestamp()
        floor = location["since"] if sweep["what"] == "whole_at" else max(location["since"], recent)
        times = _times(reviews)
        sweep["token"] = token
        if not token or (times and times[-1] < floor):
            self._end_sweep(location)

    def _end_sweep(self, location: dict[str, Any]) -> None:
        sweep = self._state["sweep"]
        location |= {"recent_at": sweep["begun_at"], sweep["what"]: sweep["begun_at"]}
        self._state["sweep"] = {}


def described(told: Json) -> dict[str, str]:
    """What a location is called and where its page is, as Google tells it."""
    title, code = _text(told.get("title")), _text(told.get("storeCode"))
    metadata = told.get("metadata")
    url = metadata.get("mapsUri") if isinstance(metadata, dict) else ""
    return {"title": f"{title} ({code})" if title and code else title, "url": web_address(url)[:500]}


def _text(value: object) -> str:
    return storable(value).strip()[:200] if isinstance(value, str) else ""


def _updated_at(review: Json) -> float | None:
    told = review.get("updateTime") or review.get("createTime") if isinstance(review, dict) else None
    at = read_instant(told)
    return at.timestamp() if at is not None else None


def _times(reviews: list[Json]) -> list[float]:
    return [at for at in map(_updated_at, reviews) if at is not None]
