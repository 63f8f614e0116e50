"""How the lists of the Threads API are read from their newest entry down, and which conversations are looked at.

Threads counts no replies: of a post it only says that it has some. Lists are newest first, but a reply may carry the
time of what it answers; so a list is read on while anything on a page is young, and now and then whole.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

from connectors.base import Json
from connectors.meta_api import Api, is_too_much, next_position
from connectors.meta_fields import part, read_id, read_seconds
from monitor.errors import Malformed, Unavailable

OVERLAP = timedelta(hours=1)  # how much older than the newest an entry may be and still be new
POSTS_WHOLE, CONVERSATION_WHOLE = timedelta(hours=6), timedelta(days=1)  # between two reads of all pages
YOUNG = timedelta(days=7)  # the conversations that are read whole now and then
SLOWEST_LOOK = timedelta(hours=6)
MAX_ROOTS, MAX_RESTARTS, MAX_PAGES = 1_000, 3, 40
LARGEST_PAGE = 50
# Source: developers.facebook.com/documentation/threads/reference: fields of media and of replies
FIELDS = (
    "id,text,username,permalink,timestamp,media_type,shortcode,has_replies,is_quote_post,quoted_post,root_post,"
    "replied_to,is_reply,is_reply_owned_by_me,hide_status"
)
POST_FIELDS = "id,text,username,permalink,timestamp,media_type,shortcode,has_replies,is_quote_post,owner"


@dataclass(frozen=True, slots=True)
class Listing:
    """One list: its path and fields, and how far down it is read at first and whole (unix seconds)."""

    path: str
    fields: str
    floor: int
    size: int = LARGEST_PAGE
    whole_every: timedelta | None = None


def new_list() -> dict[str, Any]:
    """The state of a list: `mark` is the newest time, `print` tells its first page from another, `whole_at` when all
    of it was read; unix seconds."""
    return {"mark": 0, "print": 0, "whole_at": 0, "walk": None}


class Walk:
    """Reads one page of one list on from its state, which it changes; `more` says that there is more at once."""

    def __init__(self, api: Api, listing: Listing, state: dict[str, Any], now: datetime) -> None:
        self._api, self._listing, self._state, self._now = api, listing, state, int(now.timestamp())
        self.more = False

    def read(self) -> list[Json]:
        """The entries of one page; none where the first page is as it was."""
        walk: dict[str, Any] = self._state["walk"] or self._begin()
        try:
            rows, answer = self._page(walk)
        except Malformed as error:
            if error.status != 400 or not walk["after"] or walk["again"] >= MAX_RESTARTS:
                raise
            # The server does not know our position any more: from the top again, as far down as was meant.
            self._state["walk"] = {**walk, "after": {}, "again": walk["again"] + 1}
            self.more = True
            return []
        if not walk["after"] and not walk["whole"] and self._state["print"] == _print(rows):
            self._state["walk"] = None
            return []
        self._go_on(walk, rows, answer)
        return rows

    def _begin(self) -> dict[str, Any]:
        state, every = self._state, self._listing.whole_every
        is_whole = not state["whole_at"] or (
            every is not None and self._now - state["whole_at"] >= every.total_seconds()
        )
        until = self._listing.floor if is_whole else state["mark"] - int(OVERLAP.total_seconds())
        return {"after": {}, "until": until, "newest": 0, "print": 0, "again": 0, "whole": is_whole}

    def _page(self, walk: dict[str, Any]) -> tuple[list[Json], Json]:
        params = {"fields": self._listing.fields, "limit": self._state.get("size", self._listing.size), **walk["after"]}
        while True:
            try:
                rows, _, answer = self._api.edge(self._listing.path, params)
                return rows, answer
            except Unavailable as error:
                if not is_too_much(error) or params["limit"] <= 1:
                    raise
            params["limit"] = self._state["size"] = params["limit"] // 2

    def _go_on(self, walk: dict[str, Any], rows: list[Json], answer: Json) -> None:
        state = self._state
        times = [at for row in rows if (at := read_seconds(part(row, "timestamp"))) is not None]
        newest = max([walk["newest"], *times])
        seal = walk["print"] if walk["after"] else _print(rows)
        position = following(answer, walk["after"])
        if position and not (times and max(times) < walk["until"]):
            state["walk"] = {**walk, "after": position, "newest": newest, "print": seal}
            self.more = True
            return
        # While several pages were read others may have come on top of them: the first page is looked at once more.
        self.more = bool(walk["after"])
        whole_at = self._now if walk["whole"] else state["whole_at"]
        state.update(mark=max(state["mark"], newest), print=seal, whole_at=whole_at, walk=None)


def _print(rows: list[Json]) -> int:
    """What tells a page from what it was: its ids, texts, and whether they are hidden or answered."""
    shown = [[part(row, name) for name in ("id", "text", "hide_status", "has_replies")] for row in rows]
    return crc32(json.dumps(shown).encode()) or 1


def following(answer: Json, before: Mapping[str, str]) -> dict[str, str]:
    """Where the next page begins, {} at the end: a page may be empty, or lack the link, and still have a next one."""
    position = next_position(answer)
    after = part(part(part(answer, "paging"), "cursors"), "after")
    if not position and isinstance(after, str) and after:
        position = {"after": after[:2_000]}
    return {} if position == before else position


class Roots:
    """Our posts that have replies, as [last active at, looked at, mark, print, whole at] by id; kept in the cursor."""

    def __init__(self, state: dict[str, Any]) -> None:
        self._roots: dict[str, list[int]] = state["roots"]
        self._walks: dict[str, Any] = state["walks"]

    def learn(self, post: Json, oldest: int) -> None:
        """Remember a post of ours where it may have replies and is not older than that."""
        post_id, at = read_id(part(post, "id")), read_seconds(part(post, "timestamp"))
        if not post_id or at is None or at < oldest or part(post, "has_replies") is False or post_id in self._roots:
            return
        self._roots[post_id] = [at, 0, 0, 0, 0]
        if len(self._roots) > MAX_ROOTS:
            self.forget(min(self._roots, key=lambda one: self._roots[one][0]))

    def __contains__(self, post_id: str) -> bool:
        return post_id in self._roots

    def forget(self, post_id: str) -> None:
        """It is there no more."""
        self._roots.pop(post_id, None)
        self._walks.pop(post_id, None)

    def due(self, now: datetime, n: int) -> list[str]:
        """The conversations to be read now, at most `n`: those being read first, then whoever waits longest."""
        at = int(now.timestamp())
        late = {root: _due_at(kept) for root, kept in self._roots.items() if root not in self._walks}
        return [*self._walks, *sorted((root for root in late if late[root] <= at), key=lambda root: late[root])][:n]

    @property
    def is_any_unread(self) -> bool:
        """Whether some conversation was never read, or is being read."""
        return bool(self._walks) or any(not kept[1] for kept in self._roots.values())

    def state_of(self, root: str) -> dict[str, Any]:
        """The state of a conversation as a list's."""
        _, _, mark, seal, whole_at = self._roots[root]
        return {"mark": mark, "print": seal, "whole_at": whole_at, "walk": self._walks.get(root)}

    def is_young(self, root: str, now: datetime) -> bool:
        """Whether it was active lately."""
        return int(now.timestamp()) - self._roots[root][0] < YOUNG.total_seconds()

    def keep(self, root: str, state: dict[str, Any], now: datetime, *, again: bool) -> None:
        """Take the state of a conversation back; `again`: it is looked at once more at once."""
        active = max(self._roots[root][0], state["mark"])
        looked_at = 0 if again else int(now.timestamp())
        self._roots[root] = [active, looked_at, state["mark"], state["print"], state["whole_at"]]
        if state["walk"] is None:
            self._walks.pop(root, None)
        else:
            self._walks[root] = state["walk"]


def _due_at(kept: list[int]) -> float:
    """A conversation is looked at again after a twentieth of the time that it has been silent."""
    active, looked_at = kept[:2]
    return looked_at + min((looked_at - active) / 20, SLOWEST_LOOK.total_seconds()) if looked_at else 0
