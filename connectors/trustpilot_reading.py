"""How the reviews of some business units are read on from where they were left.

A poll reads the head of each unit's list, down to a day before what it knew. An edit or a reply does not move a review,
so once a day the last 90 days are swept, and once a week all of it.
"""

from datetime import datetime, timedelta
from typing import Any

from connectors.base import Json
from connectors.fields import read_instant
from connectors.trustpilot_api import Api
from connectors.trustpilot_reviews import raws_of
from monitor.errors import Gone, Malformed, RateLimited, Unavailable

OVERLAP = timedelta(days=1)
RECENT, RECENT_EVERY = timedelta(days=90), timedelta(days=1)
WHOLE_EVERY = timedelta(days=7)
STALE = timedelta(seconds=30)  # who walked longer through pages looks for what is new once more
LEARN_EVERY = timedelta(days=7)  # the ids of domains
_MOST_REQUESTS = 10  # of one page of ours
_MOST_SWEPT = 5  # requests of a sweep at one poll
_MOST_AGAIN = 10


def new_state(since: datetime) -> dict[str, Any]:
    """What is remembered between two pages: the cursor; its times are seconds since 1970.

    `units` has for each business unit that the settings name its id and when that was learnt, `mark`: when its newest
    review was written, and when the last 90 days and all of it were swept. `todo` are those whose head this poll has
    yet to read, `position` is the page of the first of them, `deep` are those that took several, `sweep` is under way.
    """
    start: dict[str, Any] = {"v": 1, "since": since.timestamp(), "units": {}, "todo": [], "position": {}}
    return start | {"deep": [], "begun_at": 0.0, "n_again": 0, "sweep": {}}


class Reading:
    """One page of ours; changes the state."""

    def __init__(self, api: Api, state: dict[str, Any], now: datetime, named: tuple[str, ...]) -> None:
        self._api, self._state, self._now, self._named = api, state, now, named
        self._at = now.timestamp()
        self.raws: list[Json] = []
        self.note = ""
        self.poll_after: datetime | None = None

    @property
    def more(self) -> bool:
        return bool(self._state["todo"])

    def read(self) -> None:
        """Read heads, and when all are read a little of a sweep.

        Raises: as the requests do; nothing of a sweep but what concerns the credentials.
        """
        state = self._state
        if not state["todo"]:
            state["units"] = {name: state["units"].get(name) or self._new() for name in self._named}
            state |= {"todo": list(self._named), "position": {}, "deep": [], "begun_at": self._at, "n_again": 0}
        n = 0
        while state["todo"] and n < _MOST_REQUESTS:
            self._read_head(state["todo"][0])
            n += 1
        if not state["todo"] and n < _MOST_REQUESTS:
            self._sweep_on()

    def _new(self) -> dict[str, Any]:
        return {"id": "", "learnt_at": 0.0, "mark": 0.0, "recent_at": self._at, "whole_at": self._at}

    def _id(self, name: str) -> str:
        """The id of a unit, learnt by its domain now and then."""
        unit = self._state["units"][name]
        if "." in name and self._at - unit["learnt_at"] >= LEARN_EVERY.total_seconds():
            unit |= {"id": self._api.find(name), "learnt_at": self._at}
        return str(unit["id"] or name)

    def _read_head(self, name: str) -> None:
        state = self._state
        unit, position = state["units"].get(name), state["position"]
        if unit is None:  # the settings name it no more
            self._next_head()
            return
        page = position.get("page", 1)
        floor = max(state["since"], unit["mark"] - OVERLAP.total_seconds())
        times, has_more = self._read(name, page)
        position.setdefault("top", min(max(times, default=0.0), self._at))
        if not has_more or (times and times[-1] < floor):
            unit["mark"] = max(unit["mark"], position["top"])
            self._next_head()
            return
        position["page"] = page + 1
        if name not in state["deep"]:
            state["deep"].append(name)

    def _next_head(self) -> None:
        """What took several pages is looked at once more: something may have been written meanwhile."""
        state = self._state
        del state["todo"][0]
        state["position"] = {}
        took = self._at - state["begun_at"]
        if not state["todo"] and took > STALE.total_seconds() and state["n_again"] < _MOST_AGAIN:
            again = {"todo": state["deep"], "deep": [], "begun_at": self._at, "n_again": state["n_again"] + 1}
            state |= again

    def _read(self, name: str, page: int) -> tuple[list[float], bool]:
        """Take a page of a unit; when its reviews were written, and whether there is another page."""
        unit = self._id(name)
        reviews, has_more = self._api.reviews(unit, page)
        times = []
        for review in reviews:
            at = read_instant(review.get("createdAt")) if isinstance(review, dict) else None
            times += [at.timestamp()] if at else []
            if at is None or at.timestamp() >= self._state["since"]:
                self.raws += raws_of(review, unit)
        return times, has_more

    def _sweep_on(self) -> None:
        """A few pages of a sweep; whatever goes wrong with it, the heads were read."""
        try:
            for _ in range(_MOST_SWEPT):
                if not self._state["sweep"] and not self._begin_sweep():
                    return
                self._sweep_page()
        except RateLimited as error:
            self.poll_after = error.retry_at
        except (Unavailable, Malformed, Gone) as error:
            self.note = f"a sweep waits: {error}"

    def _begin_sweep(self) -> bool:
        due = []
        for name, unit in self._state["units"].items():
            if self._at - unit["whole_at"] >= WHOLE_EVERY.total_seconds():
                due.append((unit["recent_at"], name, "whole_at"))
            elif self._at - unit["recent_at"] >= RECENT_EVERY.total_seconds():
                due.append((unit["recent_at"], name, "recent_at"))
        if due:
            _, name, what = min(due)
            self._state["sweep"] = {"name": name, "what": what, "begun_at": self._at, "page": 1}
        return bool(due)

    def _sweep_page(self) -> None:
        state, sweep = self._state, self._state["sweep"]
        unit = state["units"].get(sweep["name"])
        if unit is None:
            state["sweep"] = {}
            return
        times, has_more = self._read(sweep["name"], sweep["page"])
        recent = (self._now - RECENT).timestamp()
        floor = state["since"] if sweep["what"] == "whole_at" else max(state["since"], recent)
        sweep["page"] += 1
        if not has_more or (times and times[-1] < floor):
            unit |= {"recent_at": sweep["begun_at"], sweep["what"]: sweep["begun_at"]}
            state["sweep"] = {}
