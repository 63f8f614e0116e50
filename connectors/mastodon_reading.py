"""How a list of the Mastodon API is read on from where it was left, so that nothing in it is left out."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.base import Json
from connectors.fields import read_instant
from connectors.mastodon_api import Api, has_id, in_time_order, read_id
from monitor.errors import Malformed

OVERLAP = timedelta(hours=2)  # how late a remote status may reach a hashtag and still be found by looking again
LOOK_AGAIN = timedelta(minutes=30)
MAX_SEEN, MAX_GAPS = 400, 8


@dataclass(frozen=True, slots=True)
class Stream:
    """One list of the API. `is_settled`: its ids are given at insertion, so that nothing appears below a mark.

    `follows_replies`: where the number of replies to a status changed, its conversation is read. `only_under_ours`:
    only what hangs under a post of ours is wanted.
    """

    name: str
    path: str
    params: dict[str, Any]
    is_settled: bool
    follows_replies: bool = False
    only_under_ours: bool = False


@dataclass(frozen=True, slots=True)
class _Entry:
    """One line of a stream: its place there and the status that it is about."""

    id: str
    at: datetime | None
    status: Json


def _entry(raw: Json) -> _Entry:
    if not isinstance(raw, dict):
        return _Entry("", None, raw)
    status: Json = raw
    if "type" in raw and "content" not in raw:
        # Servers that do not know a filter send every type: only these two address us.
        status = raw.get("status") if raw["type"] in ("mention", "quote") else None
    return _Entry(read_id(raw.get("id")), read_instant(raw.get("created_at")), status)


def new_state(since: datetime) -> dict[str, Any]:
    """The state of a stream that was never read.

    `mark` is the highest id handed out, `gaps` are [below which id, back to when] in order of opening, `until` is
    the time up to which everything was handed out, `seen` what was handed out lately and in which version.
    """
    return {"mark": "", "gaps": [], "until": since.isoformat(), "since": since.isoformat(), "seen": {}, "looked_at": ""}


class Reader:
    """Reads one stream on from its state, which it changes; `more` says that there is more at once."""

    def __init__(self, api: Api, stream: Stream, state: dict[str, Any], now: datetime) -> None:
        self._api, self.stream, self.state, self._now = api, stream, state, now
        self.more = False

    def read(self) -> list[Json]:
        """The statuses of one page of what is new and of one page of what is missing, as they changed."""
        try:
            entries = self._newer() + self._older()
        except Malformed as error:
            if error.status not in (400, 422) or not (self.state["mark"] or self.state["gaps"]):
                raise
            self._start_over()
            return []
        if not self.state["gaps"] and not self.more:
            self.state["until"] = (self._now - OVERLAP).isoformat()
        self.more = self.more or bool(self.state["gaps"])
        return self._changed([entry.status for entry in entries if entry.status is not None])

    def _page(self, **position: str) -> tuple[list[_Entry], list[str]]:
        raws = self._api.get_list(self.stream.path, {**self.stream.params, **position})
        entries = [_entry(raw) for raw in raws]
        return entries, sorted({entry.id for entry in entries if entry.id}, key=in_time_order)

    def _newer(self) -> list[_Entry]:
        mark: str = self.state["mark"]
        walks = bool(mark) and self.stream.is_settled
        entries, ids = self._page(**({"min_id": mark} if walks else {}))
        news = [found for found in ids if in_time_order(found) > in_time_order(mark)]  # Pixelfed repeats the mark
        is_newest_page = not walks or self._api.is_old
        if news and is_newest_page and news == ids:
            self._add_gap(ids[0], self.state["until"])
            self.state["looked_at"] = self._now.isoformat()
        elif ids and not self.stream.is_settled:
            self._look_again(ids[0], entries)
        if news:
            self.state["mark"] = news[-1]
            self.more = not is_newest_page
        if walks:
            return [entry for entry in entries if not entry.id or entry.id in news]
        return entries if mark else self._within_backfill(entries)

    def _older(self) -> list[_Entry]:
        gaps: list[list[str]] = self.state["gaps"]
        if not gaps:
            return []
        below, until = gaps[-1]
        entries, ids = self._page(max_id=below)
        times = [entry.at for entry in entries if entry.at is not None]
        if not ids or in_time_order(ids[0]) >= in_time_order(below) or (times and max(times).isoformat() < until):
            gaps.pop()
        else:
            gaps[-1] = [ids[0], until]
        return self._within_backfill(entries)

    def _look_again(self, oldest: str, entries: list[_Entry]) -> None:
        """A remote status gets an id of the time it was written at, below our mark: read the last hours again.

        Source: mastodon/mastodon, lib/mastodon/snowflake.rb.
        """
        horizon = self._now - OVERLAP
        looked_at = read_instant(self.state["looked_at"])
        if looked_at is not None and looked_at + LOOK_AGAIN > self._now:
            return
        self.state["looked_at"] = self._now.isoformat()
        if all(entry.at is None or entry.at > horizon for entry in entries):
            self._add_gap(oldest, horizon.isoformat())

    def _add_gap(self, below: str, until: str) -> None:
        gaps: list[list[str]] = self.state["gaps"]
        gaps.append([below, until])
        if len(gaps) > MAX_GAPS:  # the two oldest as one: something is read twice, nothing is left out
            gaps[:2] = [[gaps[1][0], min(gaps[0][1], gaps[1][1])]]

    def _start_over(self) -> None:
        """The server refuses our position (it was moved to other software, say): find what we had from the top."""
        # Not at once but at the next poll: it may refuse again.
        self.state |= {"mark": "", "gaps": []}

    def _within_backfill(self, entries: list[_Entry]) -> list[_Entry]:
        return [entry for entry in entries if entry.at is None or entry.at.isoformat() >= self.state["since"]]

    def _changed(self, statuses: list[Json]) -> list[Json]:
        """Those that were not handed out before as they are now."""
        if self.stream.is_settled:
            return statuses
        seen: dict[str, str] = self.state["seen"]
        news = [
            status for status in statuses if not has_id(status) or seen.get(read_id(status["id"])) != _version(status)
        ]
        seen.update((read_id(status["id"]), _version(status)) for status in news if has_id(status))
        self.state["seen"] = dict(sorted(seen.items(), key=lambda pair: in_time_order(pair[0]))[-MAX_SEEN:])
        return news


def _version(status: Json) -> str:
    return f"{status.get('replies_count')}:{status.get('edited_at') or ''}"[:60]
