"""Which posts of Reddit are watched for new comments below them, and how a conversation is read to its end.

A post shows how many comments it has. Where that number changed the conversation is read anew, newest first, one
request at a time; what is still to be asked for is in the state. A number can stay the same while comments come and
go, so each conversation is read again once in a while whatever it says.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from connectors.base import Json
from connectors.reddit_api import BATCH, Api, Tree, count_of, is_deleted, link_of, name_of
from monitor.errors import Gone, Malformed

MOST_LINKS = 1000  # as many as a listing shows
MOST_MISSING = 5_000  # comments behind "more" of one conversation that are remembered
READ_AGAIN_DAYS = 7
_DAY = 86_400
_MOST_TRIES = 3


class Threads:
    """The watched posts of one source: `links` {id: [number of comments, day when read]}, `todo`, `swept`."""

    def __init__(self, api: Api, state: dict[str, Any], now: datetime) -> None:
        self._api, self._state = api, state
        self._today = int(now.timestamp()) // _DAY
        self._links: dict[str, list[int]] = state.setdefault("links", {})
        self._todo: list[dict[str, Any]] = state.setdefault("todo", [])
        self.note = ""

    @property
    def has_more(self) -> bool:
        return bool(self._todo)

    def learn(self, things: Iterable[Json], reads: bool) -> None:
        """Note how many comments these posts have; `reads`: those with a new number are to be read."""
        for thing in things:
            name, count = name_of(thing), count_of(thing)
            if not name.startswith("t3_"):
                continue
            if is_deleted(thing):
                self._links.pop(name[3:], None)
                continue
            known = self._links.get(name[3:], [0, self._today])
            self._links[name[3:]] = [count, known[1]]
            if reads and count != known[0]:
                self._ask(name[3:])
        self._keep_newest()

    def ask_all(self) -> None:
        """All watched conversations are to be read, the newest posts first."""
        for link, (count, _) in sorted(self._links.items(), key=_newest_last, reverse=True):
            if count:
                self._ask(link)

    def sweep(self) -> list[Json]:
        """Look at the number of comments of the next 100 watched posts; returns the posts."""
        if not self._links:
            return []
        ids = sorted(self._links, key=_by_age)
        after = [one for one in ids if _by_age(one) > _by_age(self._state.get("swept") or "")] or ids
        batch = after[:BATCH]
        self._state["swept"] = batch[-1]
        things = list(self._api.info([f"t3_{one}" for one in batch]).values())
        self.learn(things, reads=True)
        overdue = [one for one, (count, day) in self._links.items() if count and day + READ_AGAIN_DAYS <= self._today]
        if overdue and not self._todo:
            self._ask(min(overdue, key=lambda one: self._links[one][1]))
        return things

    def step(self) -> tuple[list[Json], Json]:
        """One request of the conversation that is being read: its things, and the post above them."""
        doing = self._todo[0]
        try:
            tree = self._fetched(doing)
        except Gone:  # made private meanwhile: what we hold of it is looked at by `recheck`
            self._todo.pop(0)
            return [], None
        except Malformed as error:
            self._put_off(doing, error)
            return [], None
        things = tree.things if doing["link"] is None or tree.link is None else [tree.link, *tree.things]
        doing["left"] -= 1
        if not (doing["more"] or doing["below"]) or doing["left"] <= 0:
            self._todo.pop(0)
        return things, doing["link"]

    def _put_off(self, doing: dict[str, Any], error: Malformed) -> None:
        """One conversation that cannot be read must not keep all others from being read."""
        doing["tries"] = doing.get("tries", 0) + 1
        self._todo.remove(doing)
        if doing["tries"] < _MOST_TRIES:
            self._todo.append(doing)
        else:
            self.note = f"the conversation {doing['id']} was given up: {error}"

    def _fetched(self, doing: dict[str, Any]) -> Tree:
        link: str = doing["id"]
        asked: set[str] = set()
        if not doing["read"]:
            tree = self._api.thread(link)
            # Each answer of an honest server brings one comment at least: no hole is asked for for ever.
            doing |= {"read": True, "link": link_of(tree.link), "left": 10 + count_of(tree.link)}
            if tree.link is not None:
                self._links[link] = [count_of(tree.link), self._today]
        elif doing["more"]:
            asked = set(doing["more"][:BATCH])
            tree = self._api.more(link, sorted(asked))
            doing["more"] = doing["more"][BATCH:]
        else:
            asked = {doing["below"][0]}
            tree = self._api.thread(link, doing["below"][0])
            doing["below"] = doing["below"][1:]
        doing["more"] += [one for one in dict.fromkeys(tree.more) if one not in asked and one not in doing["more"]]
        doing["below"] += [one for one in dict.fromkeys(tree.below) if one not in asked and one not in doing["below"]]
        if len(doing["more"]) > MOST_MISSING:
            doing["more"] = doing["more"][:MOST_MISSING]
            self.note = f"the conversation {link} is too long: its oldest comments are not read"
        return tree

    def _ask(self, link: str) -> None:
        if all(one["id"] != link or one["read"] for one in self._todo):
            self._todo.append({"id": link, "read": False, "link": None, "more": [], "below": [], "left": 1})

    def _keep_newest(self) -> None:
        for link in sorted(self._links, key=_by_age)[:-MOST_LINKS]:
            del self._links[link]


def _by_age(link: str) -> tuple[int, str]:
    """Ids are numbers of base 36 that grow with time."""
    return len(link), link


def _newest_last(pair: tuple[str, list[int]]) -> tuple[int, str]:
    return _by_age(pair[0])
