"""How lists of the X API are read from their newest post down to what is known, and which conversations are searched.

Lists are newest first, in pages chained by a token. The mark moves only when a walk has come to its end; until then
a new walk would begin at the same place, so that nothing between two pages can be left out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.base import Json
from connectors.x_api import Api, Found, has_id, history, id_at, read_id, referenced, time_of
from connectors.x_posts import title_of
from monitor.errors import Malformed

OVERLAP_MS = 60_000  # ids are only roughly in order of time. Source: docs.x.com, fundamentals/x-ids
LOOK_BACK = timedelta(hours=1)  # how late X may show a post and still be found by looking again
LOOK_AGAIN = timedelta(minutes=30)
RECENT = timedelta(days=7) - timedelta(minutes=10)  # what recent search reaches. Source: docs.x.com, x-api/posts/search
MAX_ROOTS, MAX_TITLES, MAX_OTHERS, MAX_ALIASES = 400, 100, 300, 100
SLOWEST_SEARCH = timedelta(hours=12)
_SMALLEST_ID = re.compile(r"larger than (\d{1,19})")


@dataclass(frozen=True, slots=True)
class Listing:
    """One list of the API. `reach`: how many posts it goes back at most, `window`: how long, where it is a search."""

    path: str
    params: Mapping[str, str]
    token_param: str
    is_own: bool = False
    reach: int = 0
    window: timedelta | None = None


def new_state(since: datetime) -> dict[str, Any]:
    """The state of a list that was never read: `mark` is the id up to which everything was handed out."""
    return {"mark": str(id_at(since)), "walk": None, "looked_at": 0, "is_new": True}


class Walk:
    """Reads one page of one list on from its state, which it changes; `more` says that there is more at once."""

    def __init__(self, api: Api, listing: Listing, state: dict[str, Any], now: datetime) -> None:
        self._api, self._listing, self._state, self._now = api, listing, state, now
        self.more = False
        self.note = ""

    def read(self) -> Found:
        """The posts of one page."""
        walk: dict[str, Any] = self._state["walk"] or self._begin()
        params = {**self._listing.params, "since_id": walk["since"]}
        if walk["token"]:
            params[self._listing.token_param] = walk["token"]
        elif walk["until"]:
            params["until_id"] = walk["until"]
        try:
            found = self._api.posts(self._listing.path, params, self._listing.is_own)
        except Malformed as error:
            if error.status != 400:
                raise
            self._state["walk"] = self._mended(walk, error)
            self.more = True
            return Found()
        self._go_on(walk, found)
        return found

    def _begin(self) -> dict[str, Any]:
        state, listing = self._state, self._listing
        since = int(state["mark"])
        if not state.get("again"):
            since -= OVERLAP_MS << 22
            if not state["is_new"] and self._now.timestamp() - state["looked_at"] >= LOOK_AGAIN.total_seconds():
                since = min(since, id_at(self._now - LOOK_BACK))
                state["looked_at"] = int(self._now.timestamp())
        if listing.window is not None and since < (first := id_at(self._now - listing.window)):
            if not state["is_new"]:
                self.note = f"search reaches back {listing.window.days + 1} days: what came before was missed"
            since = first
        started = int(self._now.timestamp())
        return {"since": str(max(since, 1)), "token": "", "until": "", "newest": "", "started": started, "n": 0}

    def _mended(self, walk: dict[str, Any], error: Malformed) -> dict[str, Any]:
        """The walk without the position that X refuses (a token that expired, an id older than search reaches)."""
        if walk["token"] and re.search(r"pagination_token|next_token", error.payload):
            return {**walk, "token": ""}
        smallest = _SMALLEST_ID.search(error.payload)
        if "since_id" in error.payload and smallest and int(smallest[1]) >= int(walk["since"]):
            self.note = "X does not go back as far as was read: some posts may have been missed"
            return {**walk, "since": str(int(smallest[1]) + 1)}
        raise error

    def _go_on(self, walk: dict[str, Any], found: Found) -> None:
        ids = [
            *(int(read_id(post["id"])) for post in found.posts if has_id(post)),
            *map(int, filter(None, [found.newest_id])),
        ]
        newest = max([*ids, int(walk["newest"] or 0)])
        until = min([*ids, int(walk["until"] or 0) or 2**63])
        n = walk["n"] + len(found.posts)
        if found.next_token and found.next_token != walk["token"]:
            position = {"token": found.next_token, "until": str(until) if until < 2**63 else "", "newest": str(newest)}
            self._state["walk"] = {**walk, **position, "n": n}
            self.more = True
            return
        # A list may be quiet for years: what is an hour older than the walk would have been in it.
        quiet_until = id_at(datetime.fromtimestamp(walk["started"], UTC) - LOOK_BACK)
        mark = max(int(self._state["mark"]), newest, quiet_until)
        # While several pages were read others may have come on top of them: they are looked for at once.
        self.more = bool(walk["token"] or walk["until"])
        self._state.update(mark=str(mark), walk=None, is_new=False, again=self.more)
        if self._listing.reach and n >= self._listing.reach:
            self.note = f"X shows the newest {self._listing.reach} only: older ones may have been missed"


class Roots:
    """Our own posts as the tops of conversations, and whose the others are; kept in the cursor.

    `ours` is {id: [title or None, active at, searched at, mark]} in unix seconds, `others` a list of ids, `aliases`
    the first id of each later version of a post. Only the conversations of the posts that were last active are kept.
    """

    def __init__(self, state: dict[str, Any], own: str) -> None:
        self._ours: dict[str, list[Any]] = state.setdefault("ours", {})
        self._others: list[str] = state.setdefault("others", [])
        self._aliases: dict[str, str] = state.setdefault("aliases", {})
        self._own = own

    def learn(self, post: Json) -> None:
        """Remember what a post tells of its conversation."""
        first, *later = history(post)
        self._aliases.update(dict.fromkeys(later, first))
        if len(self._aliases) > MAX_ALIASES:
            for old in list(self._aliases)[: len(self._aliases) - MAX_ALIASES]:
                del self._aliases[old]
        root = self.root_of(post)
        if not root:
            return
        at = time_of(read_id(post["id"]))
        active = int(at.timestamp()) if at else 0
        if root == first and self._own and read_id(post.get("author_id")) == self._own:
            self._keep(root, active, title_of(post))
        elif root in self._ours or self._answers_our_post(post, root):
            self._keep(root, active, None)

    def is_ours(self, root: str) -> None:
        """Remember that this is a post of ours, whose text may still have to be asked for."""
        if root:
            self._keep(root, 0, None)

    def is_not_shown_as_ours(self, root: str) -> None:
        """Remember that this conversation is somebody else's, or that its top is not shown to us (any more)."""
        if root in self._ours:
            self._ours[root][0] = self._ours[root][0] or ""
        elif root not in self._others:
            self._others.append(root)
            del self._others[: max(0, len(self._others) - MAX_OTHERS)]

    def unknown(self, post: Json) -> str:
        """The top that has to be asked for before this post can be placed, "" for none."""
        root = self.root_of(post)
        if not root or root in self._others:
            return ""
        if root == history(post)[0]:
            return ""
        return root if self._ours.get(root, [None])[0] is None else ""

    def root_of(self, post: Json) -> str:
        """The first id of the top of the conversation of a post, "" where X does not tell."""
        root = read_id(post.get("conversation_id"))
        return self._aliases.get(root, root)

    def place(self, post: Json, users: Mapping[str, Json]) -> Json:
        """The raw comment: the post with its author, our post above it, and the first id of what it answers."""
        root = self.root_of(post)
        answered = referenced(post, "replied_to")
        return {
            "post": post,
            "author": users.get(read_id(post.get("author_id"))),
            "own": self._own,
            "root": {"id": root, "title": self._ours[root][0] or ""} if root in self._ours else None,
            "parent": self._aliases.get(answered, answered),
        }

    def due(self, now: datetime, n: int) -> list[str]:
        """The conversations to be searched now, at most `n`: those together that were searched at about one time."""
        at = now.timestamp()
        waiting = [
            root for root, (_, active, searched, _) in self._ours.items() if at - searched >= _wait(active, searched)
        ]
        return sorted(waiting, key=lambda root: (int(self._ours[root][3]), int(root)))[:n]

    @property
    def is_any_unsearched(self) -> bool:
        """Whether some conversation was never searched."""
        return any(not searched for _, _, searched, _ in self._ours.values())

    def mark(self, batch: list[str]) -> int:
        """The id up to which all of these conversations were read."""
        return min(int(self._ours[root][3]) or int(root) for root in batch)

    def searched(self, batch: list[str], started: int, mark: str) -> None:
        """Remember that these conversations were read up to a mark."""
        for root in batch:
            if root in self._ours:
                self._ours[root][2:] = [started, mark]

    def _keep(self, root: str, active: int, title: str | None) -> None:
        if root in self._others:
            self._others.remove(root)
        before = self._ours.pop(root, [None, 0, 0, "0"])
        self._ours[root] = [title if title is not None else before[0], max(active, before[1]), *before[2:]]
        if len(self._ours) > MAX_ROOTS:
            del self._ours[min(self._ours, key=lambda one: self._ours[one][1])]
        titled = sorted((one for one, kept in self._ours.items() if kept[0] is not None), key=self._last_active)
        for one in titled[: max(0, len(titled) - MAX_TITLES)]:
            self._ours[one][0] = None

    def _last_active(self, root: str) -> int:
        active: int = self._ours[root][1]
        return active

    def _answers_our_post(self, post: Json, root: str) -> bool:
        return (
            bool(self._own)
            and read_id(post.get("in_reply_to_user_id")) == self._own
            and self._aliases.get(referenced(post, "replied_to"), referenced(post, "replied_to")) == root
        )


def _wait(active: int, searched: int) -> float:
    """Seconds between two searches of a conversation: a twentieth of the time that it has been silent."""
    return min((searched - active) / 20, SLOWEST_SEARCH.total_seconds()) if searched else 0
