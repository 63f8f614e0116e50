"""How the reviews of one app in one country are read on from where they were left."""

from datetime import datetime, timedelta
from typing import Any

from connectors.app_store_rss_api import Api, Shown, id_of, label
from connectors.base import Json
from connectors.fields import checked_instant, read_instant

LOOK_AGAIN = timedelta(hours=6)
OVERLAP = timedelta(days=2)  # how late, and how far out of order, a review may come
MOST_TRIES = 5  # at a page that should not be empty and is


def new_place() -> dict[str, Any]:
    """What is remembered of one app in one country.

    `top` are the ids of its first page, `read_at` when that was read, `page` the next one of the walk under way (0:
    none), `floor` back to when that goes, `is_known` whether the first walk is over, `undated` when a review without
    a date was first seen.
    """
    state = {"top": [], "read_at": "", "looked_at": "", "page": 0, "floor": "", "tries": 0}
    return state | {"is_known": False, "undated": {}}


class Walk:
    """Reads one page of one place on from its state, which it changes."""

    def __init__(self, api: Api, place: dict[str, Any], app: str, country: str, since: str, now: datetime) -> None:
        self._api, self._place, self._app, self._country = api, place, app, country
        self._since, self._now = since, now

    @property
    def name(self) -> str:
        return f"{self._country}/{self._app}"

    @property
    def is_under_way(self) -> bool:
        return bool(self._place["page"])

    def top(self) -> list[Json]:
        """The reviews of the first page; where they do not meet the last ones, a walk begins."""
        place = self._place
        shown = self._api.page(self._app, self._country, 1)
        if shown is None or not shown.entries:  # never "there are none": what is known stays as it is
            return []
        if floor := self._floor(shown):
            place |= {"floor": floor, "looked_at": self._now.isoformat(), "tries": 0}
            place["page"] = 0 if self._is_below(shown) else 2
        place |= {"top": shown.ids, "read_at": self._now.isoformat()}
        return self._raws(shown.entries)

    def older(self, notes: list[str]) -> list[Json]:
        """The reviews of the next page of the walk."""
        place = self._place
        number: int = place["page"]
        if not number:  # the first page met the rest meanwhile
            return []
        shown = self._api.page(self._app, self._country, number)
        if shown is not None and not shown.entries and number <= shown.last:
            self._insist(notes)
            return []
        is_over = shown is None or not shown.entries or self._is_below(shown)
        place |= {"page": 0 if is_over else number + 1, "tries": 0}
        return self._raws(shown.entries if shown else [])

    def _floor(self, shown: Shown) -> str:
        """Back to when a walk has to go that begins now, "" where none does."""
        place = self._place
        meets = not set(place["top"]).isdisjoint(shown.ids)
        if not place["read_at"]:
            return self._since
        if not meets:
            floor = (checked_instant(place["read_at"]) - OVERLAP).isoformat()
            return min(floor, place["floor"]) if self.is_under_way else floor
        is_due = place["looked_at"] <= (self._now - LOOK_AGAIN).isoformat()
        return (self._now - OVERLAP).isoformat() if is_due and not self.is_under_way else ""

    def _insist(self, notes: list[str]) -> None:
        """The feed itself says that there is more: it is asked again at later polls."""
        self._place["tries"] += 1
        if self._place["tries"] >= MOST_TRIES:
            notes.append(f"{self.name}: page {self._place['page']} stays empty; it was left out")
            self._place |= {"tries": 0, "page": self._place["page"] + 1}

    def _is_below(self, shown: Shown) -> bool:
        instants = [at for text in shown.dates if (at := read_instant(text)) is not None]
        return bool(instants) and max(instants) < checked_instant(self._place["floor"])

    def _raws(self, entries: list[Json]) -> list[Json]:
        raws = []
        since = checked_instant(self._since)
        for entry in entries:
            written_at = read_instant(label(entry, "updated"))
            if written_at is not None and written_at < since:
                continue
            place = {"app": self._app, "country": self._country, "name": "", "seen_at": self._seen_at(entry)}
            raws.append({"entry": entry, "place": place})
        self._place["is_known"] = self._place["is_known"] or bool(self._place["read_at"] and not self._place["page"])
        return raws

    def _seen_at(self, entry: Json) -> str:
        """When a review without a date was first seen; at the first read it counts as old as the backfill goes."""
        if label(entry, "updated") or not (number := id_of(entry)):
            return self._since
        undated: dict[str, str] = self._place["undated"]
        seen_at = undated.setdefault(number, self._now.isoformat() if self._place["is_known"] else self._since)
        for oldest in list(undated)[:-500]:
            del undated[oldest]
        return seen_at
