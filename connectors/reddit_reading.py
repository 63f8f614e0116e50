"""How a listing of Reddit is read on from where it was left, so that nothing in it is left out.

Listings are newest first and reach back about 1,000 things. `before=` is never used: where its anchor was deleted
the answer is empty for ever. Each poll reads the top; where that does not meet what was on top before, the gap
between the two is walked by `after=`, with several anchors in case one is deleted meanwhile.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from connectors.base import Json
from connectors.reddit_api import Api, created, name_of

LOOK_AGAIN = timedelta(minutes=30)
OVERLAP = timedelta(hours=24)  # how late the spam filter or a moderator may let something through
OVERLAP_MOST = 200  # and how many newer things may stand above it by then
_SLACK = timedelta(hours=1)  # clocks, and things that appear out of order
_MAX_GAPS, _MAX_ANCHORS, _MAX_RESTARTS = 4, 4, 2
_REACH = 900  # a walk that ends after so many things met the listing's end and not that of the things


@dataclass(frozen=True, slots=True)
class Stream:
    """One listing. `reads_all`: at first it is walked to its end, whatever the backfill, to know of old posts."""

    name: str
    path: str
    params: dict[str, Any] = field(default_factory=dict)
    reads_all: bool = False


def new_state() -> dict[str, Any]:
    """The state of a stream that was never read; times are unix seconds.

    `top` are the names that were on top at the last read, `gaps` are walks under way: {"anchors": names to go on
    from, "until": back to when, "n": how many were seen, "most": after how many it ends, "again": restarts}.
    """
    return {"top": [], "read_at": None, "looked_at": 0.0, "gaps": []}


class Reader:
    """Reads one stream on from its state, which it changes."""

    def __init__(self, api: Api, stream: Stream, state: dict[str, Any], since: float, now: datetime) -> None:
        self._api, self.stream, self.state = api, stream, state
        self._since, self._now = since, now.timestamp()
        self.note = ""
        self.was_cut = False  # a walk ended at the listing's end, short of where it should have gone

    @property
    def has_gaps(self) -> bool:
        return bool(self.state["gaps"])

    def top(self) -> list[Json]:
        """The newest page."""
        things, after = self._page("")
        names = [name for thing in things if (name := name_of(thing))]
        meets = not set(names).isdisjoint(self.state["top"])
        oldest = _oldest(things)
        read_at = self.state["read_at"]
        if read_at is None:
            floor = 0.0 if self.stream.reads_all else self._since
            self._open(names, after, oldest, floor)
            self.state["looked_at"] = self._now
        elif not meets:
            self._open(names, after, oldest, read_at - _SLACK.total_seconds())
        elif self._now - self.state["looked_at"] >= LOOK_AGAIN.total_seconds():
            # What was let through late has its old time and place, below what we knew.
            self._open(names, after, oldest, self._now - OVERLAP.total_seconds(), OVERLAP_MOST)
            self.state["looked_at"] = self._now
        self.state |= {"top": names, "read_at": self._now}
        return things

    def older(self) -> list[Json]:
        """The next page of the newest gap."""
        gap = self.state["gaps"][-1]
        anchors: list[str] = gap["anchors"]
        things, after = self._page(anchors[0] if anchors else "")
        names = [name for thing in things if (name := name_of(thing))]
        if not things and anchors:
            self._try_elsewhere(gap)
            return []
        gap["n"] += len(things)
        oldest = _oldest(things)
        is_far_enough = (oldest is not None and oldest < gap["until"]) or 0 < gap["most"] <= gap["n"]
        if is_far_enough or not after or after in anchors:
            self.state["gaps"].remove(gap)
            if not is_far_enough and gap["n"] >= _REACH and not gap["most"]:
                self.was_cut = True
                self.note = f"{self.stream.path} reaches back {gap['n']} entries only: what is older was not listed"
        else:
            gap["anchors"] = _anchors(after, names)
        return things

    def _page(self, after: str) -> tuple[list[Json], str]:
        position = {"after": after, "count": 100} if after else {}
        return self._api.listing(self.stream.path, {"limit": 100, **self.stream.params, **position})

    def _open(self, names: list[str], after: str, oldest: float | None, until: float, most: int = 0) -> None:
        if not after or (oldest is not None and oldest < until):
            return
        gaps: list[dict[str, Any]] = self.state["gaps"]
        gaps.append({"anchors": _anchors(after, names), "until": until, "n": len(names), "most": most, "again": 0})
        if len(gaps) > _MAX_GAPS:  # the two oldest as one: something is read twice, nothing is left out
            first, second = gaps[:2]
            gaps[:2] = [second | {"until": min(first["until"], second["until"]), "most": 0}]

    def _try_elsewhere(self, gap: dict[str, Any]) -> None:
        """An empty page behind an anchor: that was deleted, or left the server's list; it never says so."""
        gap["anchors"] = gap["anchors"][1:]
        if gap["anchors"]:
            return
        gap["again"] += 1
        if gap["again"] > _MAX_RESTARTS:
            self.state["gaps"].remove(gap)
            self.note = f"{self.stream.path} answers empty pages before its end: something may have been missed"


def _anchors(after: str, names: list[str]) -> list[str]:
    others = [name for name in reversed(names) if name != after]
    return [after, *others][:_MAX_ANCHORS]


def _oldest(things: list[Json]) -> float | None:
    times = [at for thing in things if (at := created(thing)) is not None]
    return min(times, default=None)
