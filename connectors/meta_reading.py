"""How Meta's lists of posts are read on, and the comments below them, so that a late one is found on the oldest post.

A poll reads the newest page of a list and one page further down it, which goes round and round ("sweep"). A list
brings with each post its newest comments and their number: where these do not reach back to the last visit, or the
number rose for another reason, the post's comments are walked, a page at a time. What is remembered of a post is its
number of comments and when it was visited.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from connectors.base import Json
from connectors.meta_api import Api, is_denied, is_missing, is_too_much, last_part, next_position
from connectors.meta_fields import part, read_id
from connectors.meta_lists import Dialect, Listing, new_list
from monitor.errors import Gone, Malformed, RemoteError, Unauthorized, Unavailable

OVERLAP = timedelta(hours=1)  # a comment may appear that long after the time it says it was written at
TOP_EVERY = timedelta(minutes=10)  # how long a backfill may go on before the newest page is read again
LOOK_AGAIN = timedelta(hours=1)  # below a post that shows no comments although it has some
TRY_AGAIN = timedelta(days=1)  # a list that the token may not read
MAX_SEEN, MAX_RESTARTS = 1_500, 3
REACH_PAGES = 40  # of one post, in a walk that looks for a rise in its number of comments
SMALLEST_PAGE = 1


class Reader:
    """Reads one source on from its state, which it changes. `raws`, `more` and `notes` are what came of it."""

    def __init__(
        self, api: Api, dialect: Dialect, state: dict[str, Any], own: str, now: datetime, reach: timedelta
    ) -> None:
        self._api, self._dialect, self._state, self._own = api, dialect, state, own
        self._now, self._floor = int(now.timestamp()), int((now - reach).timestamp())
        self.raws: list[Json] = []
        self.visited: list[tuple[Json, Json]] = []  # posts met, and what their comments know of them
        self.notes: list[str] = []
        self.more = False

    def read(self, lists: list[Listing]) -> None:
        """One step: the newest pages, or one page of what is still missing."""
        is_fresh = self._state["top_at"] + TOP_EVERY.total_seconds() > self._now
        step: Callable[[], None] | None = self._missing_step(lists) if is_fresh else None
        if step is None:
            self._tops(lists)
        else:
            step()
        # After the last step of a backfill the newest page is read once more: new comments came meanwhile.
        is_behind = step is not None and self._state["top_at"] < self._now
        self.more = self._missing_step(lists) is not None or is_behind
        self._forget()

    def _missing_step(self, lists: list[Listing]) -> Callable[[], None] | None:
        if self._state["walks"]:
            return self._walk
        for listing in lists:
            known = self._state["lists"].get(listing.name)
            if known is None:
                return partial(self._open, listing)
            if known["first"] and known["after"]:
                return partial(self._sweep, listing, {})
        return None

    def _tops(self, lists: list[Listing]) -> None:
        self._state["top_at"] = self._now
        for listing in self._turn(lists):
            known = self._state["lists"].get(listing.name)
            if known is None or known["first"]:
                self._open(listing)
            elif known["off"] + TRY_AGAIN.total_seconds() <= self._now:
                position = self._list_page(listing, {})
                if not self._api.is_tired:
                    self._sweep(listing, position)

    def _turn(self, lists: list[Listing]) -> list[Listing]:
        """The first list and one of the others, each in its turn."""
        known = self._state["lists"]
        others = [listing for listing in lists[1:] if listing.name in known]
        if not others:
            return lists[:1]
        self._state["turn"] = (self._state["turn"] + 1) % len(others)
        unread = [one for one in others if known[one.name]["first"]]
        return [lists[0], *(unread or [others[self._state["turn"]]])]

    def _open(self, listing: Listing) -> None:
        """The newest page of a list whose first reading is not over."""
        known = self._state["lists"].setdefault(listing.name, new_list(listing.size))
        position = self._list_page(listing, {})
        known["after"] = known["after"] or position
        known["first"] = known["first"] and bool(known["after"])

    def _sweep(self, listing: Listing, begin: dict[str, str]) -> None:
        """One page further down; at the bottom it begins anew."""
        known = self._state["lists"][listing.name]
        position = known["after"] or begin
        if not position:
            return
        following = self._list_page(listing, position)
        known["after"] = {} if following == position else following
        if not known["after"]:
            known["size"] = listing.size  # the next round tries again whether so many are too much
        known["first"] = known["first"] and bool(known["after"])

    def _list_page(self, listing: Listing, position: dict[str, str]) -> dict[str, str]:
        """Visit the posts of one page; returns where the next one begins, {} at the end."""
        known = self._state["lists"][listing.name]
        try:
            posts, following = self._asked(listing, known, position)
        except (Unauthorized, Gone, Malformed) as error:
            if isinstance(error, Malformed) and error.status == 400 and position:
                self._start_over(listing, known)
                return {}
            if not listing.is_optional or not _is_refused(error):
                raise
            known |= {"off": self._now, "first": False, "after": {}}
            self.notes.append(f"{listing.name} is left out for a day: {error}")
            return {}
        for post in posts:
            self._visit(listing, post)
        times = [at for post in posts if (at := self._dialect.created(post)) is not None]
        return {} if times and max(times) < self._floor else following

    def _asked(
        self, listing: Listing, known: dict[str, Any], position: dict[str, str]
    ) -> tuple[list[Json], dict[str, str]]:
        while True:
            params = {**dict(listing.params), "fields": listing.fields, "limit": known["size"], **position}
            try:
                posts, _, answer = self._api.edge(listing.path, params)
                return posts, next_position(answer, needs_next=listing.needs_next)
            except Unavailable as error:
                if known["size"] <= SMALLEST_PAGE or not is_too_much(error):
                    raise
                known["size"] //= 2

    def _start_over(self, listing: Listing, known: dict[str, Any]) -> None:
        """The server does not know our position (any more): the list is read from its top again."""
        known["after"] = {}
        if known["first"] and known["again"] < MAX_RESTARTS:
            known["again"] += 1
            self._state["top_at"] = 0
        elif known["first"]:
            known["first"] = False
            self.notes.append(f"{listing.name} could not be read to its end: the sweep goes on with it")

    def _visit(self, listing: Listing, post: Json) -> None:
        if self._dialect.is_known(post, listing.name, self._state["seen"]):
            return
        raw = self._dialect.raw_post(post, self._own, listing.name)
        created = self._dialect.created(post)
        if raw is not None and (created is None or created >= self._state["since"]):
            self.raws.append(raw)
        on = self._dialect.on(post, self._own, listing.name)
        if on is not None:
            self.visited.append((post, on))
            self.look_below(post, on, only_ours=listing.only_ours)

    def look_below(self, post: Json, on: Json, *, only_ours: bool = False) -> None:
        """Hand out the comments that came with a post, and have the others walked where there may be new ones."""
        if not (object_id := read_id(part(post, "id"))):
            return
        rows = list(self._dialect.flat(_data(part(post, "comments"))))
        self._hand_out([row for row, _ in rows], on, only_ours)
        if only_ours:
            return
        count = self._dialect.count(post)
        before, visited, walked = self._state["seen"].get(last_part(object_id), (0, 0, 0))
        n_new = _n_newer(rows, visited, self._dialect)
        until = self._walk_until(post, count, before + n_new, visited, walked)
        if until is not None and until == 0 and walked + self._patience(count) > self._now:
            count = before + n_new  # looked for lately, and it takes many pages: the rise is remembered for later
        elif until is not None:
            self._add_walk(object_id, on, until)
            walked = self._now
        if rows or self._is_told(post, count):
            before, visited = count or 0, self._now
        # Otherwise nothing is shown although there is something: what is written meanwhile must be found afterwards.
        self._state["seen"][last_part(object_id)] = [before, visited, walked]

    def _is_told(self, post: Json, count: int | None) -> bool:
        """Whether the platform itself says that there are no comments, where it shows none."""
        embedded = part(post, "comments")
        is_empty_list = isinstance(part(embedded, "data"), list) and not next_position(embedded)
        return count == 0 or (count is None and is_empty_list)

    def _walk_until(self, post: Json, count: int | None, explained: int, visited: int, walked: int) -> int | None:
        """Back to when the comments of a post must be walked: 0 for as far as may be, None for not at all."""
        embedded = part(post, "comments")
        data = _data(embedded)
        rises = (count or 0) > explained
        until: int = max(visited - int(OVERLAP.total_seconds()), self._state["since"])
        if not data:
            is_due = walked + LOOK_AGAIN.total_seconds() < self._now
            return until if is_due and not self._is_told(post, count) else None
        if next_position(embedded):
            times = [at for row in data if (at := self._dialect.created(row)) is not None]
            if not (times and _descends(times) and times[-1] < until):
                return until
        elif not any(nested for _, nested in self._dialect.flat(data)):
            return None
        return 0 if rises else None

    def _patience(self, count: int | None) -> float:
        """How long to wait between two walks that look for a rise: a minute for each page."""
        return 60.0 * ((count or 0) // self._dialect.walk_size)

    def _add_walk(self, object_id: str, on: Json, until: int, *, is_reply_walk: bool = False) -> None:
        walk = {"id": object_id, "on": on, "until": until, "after": {}, "left": REACH_PAGES if not until else 100_000}
        walk |= {"again": 0, "last": 0, "up": False, "replies": is_reply_walk, "size": self._dialect.walk_size}
        if is_reply_walk:
            self._state["walks"].insert(0, walk)  # at once, so that few of them wait at a time
        else:
            self._state["walks"].append(walk)

    def _walk(self) -> None:
        """One page of the comments below one post."""
        walk: dict[str, Any] = self._state["walks"][0]
        path, params = self._dialect.below(walk["id"], is_comment=walk["replies"])
        try:
            data, following, _ = self._api.edge(path, {**params, "limit": walk["size"], **walk["after"]})
        except (Gone, Malformed, Unavailable) as error:
            self._stumble(walk, error)
            return
        rows = list(self._dialect.flat(data, walk["id"] if walk["replies"] else ""))
        self._hand_out([row for row, _ in rows], walk["on"], only_ours=False)
        times = [at for row in data if (at := self._dialect.created(row)) is not None]
        walk["up"] = walk["up"] or not _descends([*([walk["last"]] if walk["last"] else ()), *times])
        walk["last"], walk["left"] = times[-1] if times else walk["last"], walk["left"] - 1
        is_back = not walk["up"] and not walk["replies"] and bool(times) and times[-1] < walk["until"]
        if is_back or following in ({}, walk["after"]) or walk["left"] <= 0:
            self._state["walks"].remove(walk)
        else:
            walk["after"] = following
        for nested in filter(None, (nested for _, nested in rows)):
            self._add_walk(nested, walk["on"], 0, is_reply_walk=True)

    def _stumble(self, walk: dict[str, Any], error: Gone | Malformed | Unavailable) -> None:
        if is_too_much(error) and walk["size"] > SMALLEST_PAGE:
            walk["size"] //= 2
            return
        if isinstance(error, Gone):
            if not is_missing(error):
                raise error
            self._state["walks"].remove(walk)  # the post was deleted meanwhile
            return
        if error.status != 400 or isinstance(error, Unavailable):
            raise error
        walk |= {"after": {}, "last": 0, "again": walk["again"] + 1}
        if walk["again"] > MAX_RESTARTS:
            self._state["walks"].remove(walk)
            self.notes.append(f"the comments below {walk['id']} could not be read to their end: {error}")

    def _hand_out(self, rows: list[Json], on: Json, only_ours: bool) -> None:
        for row in rows:
            at = self._dialect.created(row)
            is_wanted = not only_ours or self._dialect.is_ours(row, self._own)
            if is_wanted and (at is None or at >= self._state["since"]):
                self.raws.append({"comment": row, "on": on, "own": self._own})

    def _forget(self) -> None:
        seen: dict[str, list[int]] = self._state["seen"]
        if len(seen) > MAX_SEEN:
            latest = sorted(seen.items(), key=lambda pair: pair[1][1])[-MAX_SEEN:]
            self._state["seen"] = dict(latest)


def _is_refused(error: RemoteError) -> bool:
    """Whether Meta itself says that this list is not for us, and it is not merely broken."""
    return is_denied(error) or (isinstance(error, (Gone, Malformed)) and error.status == 400)


def _data(embedded: Json) -> list[Json]:
    data = part(embedded, "data")
    return data if isinstance(data, list) else []


def _n_newer(rows: list[tuple[Json, str]], visited: int, dialect: Dialect) -> int:
    """How many comments are younger than that; one that a server sends twice is one."""
    newer = [row for row, _ in rows if (dialect.created(row) or 0) > visited]
    return len({repr(row) for row in newer})


def _descends(times: list[int]) -> bool:
    """Whether this can be newest first: servers have been seen that ignore the order."""
    return len(times) < 2 or times[0] > times[-1] or all(at == times[0] for at in times)
