"""How the reviews of one app in App Store Connect are read on from where they were left."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.app_store_api import Api, Shown, attribute, id_of
from connectors.base import Json
from connectors.fields import checked_instant, read_instant
from monitor.errors import Malformed

LOOK_AGAIN = timedelta(hours=6)
OVERLAP = timedelta(days=2)  # how late a review may become visible


def raws_of(app: str, pairs: Sequence[Json], since: str) -> list[Json]:
    """Reviews and answers as raw comments of their own; what is older than the backfill is left out."""
    raws: list[Json] = []
    for pair in pairs:
        review, response = pair["review"], pair["response"]
        at = attribute(review, "createdDate")
        if since and (written_at := read_instant(at)) is not None and written_at < checked_instant(since):
            continue
        raws.append({"kind": "review", "record": review, "app": app, "name": "", "review_id": ""})
        if response is not None:
            review_id = id_of(review)
            raws.append({"kind": "response", "record": response, "app": app, "name": "", "review_id": review_id})
    return raws


def new_app() -> dict[str, Any]:
    """What is remembered of one app.

    `top` are the ids of its newest page, `read_at` when that was read, `next` where the walk under way goes on ("":
    none) and `floor` back to when; `looked_at` when a walk began last.
    """
    return {"top": [], "read_at": "", "looked_at": "", "next": "", "floor": ""}


class Walk:
    """Reads the reviews of one app on from its state, which it changes."""

    def __init__(self, api: Api, state: dict[str, Any], app: str, now: datetime) -> None:
        self._api, self._state, self.app, self._now = api, state, app, now

    @property
    def is_under_way(self) -> bool:
        return bool(self._state["next"])

    def top(self, since: str) -> list[Json]:
        """The newest page; where it does not meet the last one, a walk begins."""
        shown = self._api.page(self.app, "")
        ids = [found for pair in shown.pairs if (found := id_of(pair["review"]))]
        if floor := self._floor(ids, since):
            self._state |= {"floor": floor, "looked_at": self._now.isoformat()}
            self._state["next"] = "" if self._is_below(shown) else shown.next
        self._state |= {"top": ids, "read_at": self._now.isoformat()}
        return shown.pairs

    def older(self) -> list[Json]:
        """The next page of the walk."""
        state = self._state
        try:
            shown = self._api.page(self.app, state["next"])
        except Malformed as error:
            if error.status != 400:
                raise
            # Apple has forgotten the position: the walk begins anew from the top, at the next poll.
            state |= {"next": "", "top": [], "read_at": state["floor"]}
            return []
        state["next"] = "" if self._is_below(shown) or shown.next == state["next"] else shown.next
        return shown.pairs

    def _floor(self, ids: list[str], since: str) -> str:
        """Back to when a walk has to go that begins now, "" where none does."""
        state = self._state
        if not state["read_at"]:
            return since
        if set(state["top"]).isdisjoint(ids):
            floor = (checked_instant(state["read_at"]) - OVERLAP).isoformat()
            return min(floor, state["floor"]) if self.is_under_way else floor
        is_due = state["looked_at"] <= (self._now - LOOK_AGAIN).isoformat()
        return (self._now - OVERLAP).isoformat() if is_due and not self.is_under_way else ""

    def _is_below(self, shown: Shown) -> bool:
        times = [
            at for pair in shown.pairs if (at := read_instant(attribute(pair["review"], "createdDate"))) is not None
        ]
        return bool(times) and max(times) < checked_instant(self._state["floor"])
