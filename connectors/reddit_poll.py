"""One poll of Reddit: the tops of its listings, some of what is missing below, and each thing put in its place."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.base import Json
from connectors.reddit_api import Api, created, data_of, is_deleted, link_name, link_of, name_of, trimmed
from connectors.reddit_reading import Reader, Stream, new_state
from connectors.reddit_threads import Threads

STEPS = 5  # requests of one poll for what is missing below
TOPS_EVERY = timedelta(minutes=1)  # how often the tops are read while something is missing below
_MOST_SEEN = 300


class Reading:
    """One poll. `lists_all`: the listings show every comment, below whatever post."""

    def __init__(
        self, streams: Sequence[Stream], own: str, lists_all: bool, api: Api, state: dict[str, Any], now: datetime
    ) -> None:
        self._api, self._state, self._now, self._own = api, state, now, own
        self._lists_all = lists_all
        self._threads = Threads(api, state, now)
        self._readers = [
            Reader(api, stream, state["streams"].setdefault(stream.name, new_state()), state["since"], now)
            for stream in streams
        ]
        self._found: list[Json] = []
        self._with_link: list[tuple[Json, Json]] = []

    @property
    def has_more(self) -> bool:
        return self._threads.has_more or any(reader.has_gaps for reader in self._readers)

    @property
    def note(self) -> str:
        return "; ".join(note for note in (*(reader.note for reader in self._readers), self._threads.note) if note)

    def read(self) -> None:
        """The tops where they are due, then some of what is missing."""
        if not self.has_more or self._now.timestamp() - self._state["tops_at"] >= TOPS_EVERY.total_seconds():
            for reader in self._readers:
                self._take(reader, reader.top())
            if not self._lists_all:
                self._found += self._threads.sweep()
            self._state["tops_at"] = self._now.timestamp()
        for _ in range(STEPS):
            gaps = [reader for reader in self._readers if reader.has_gaps]
            if gaps:
                self._take(gaps[0], gaps[0].older())
            elif self._threads.has_more:
                things, link = self._threads.step()
                self._with_link += [(thing, link) for thing in things]
        if not any(reader.has_gaps for reader in self._readers):
            self._state["was_cut"] = False

    def handed_out(self) -> tuple[list[Json], list[str]]:
        """The raw comments with their places, and the names of those that show as deleted."""
        found = {name_of(thing): thing for thing in self._found if name_of(thing)}
        raws, gone = placed(self._api, found.values(), self._own)
        more, more_gone = _split([pair for pair in self._with_link if name_of(pair[0])], self._own)
        everything = (*self._found, *(thing for thing, _ in self._with_link))
        unreadable = [{"data": data_of(thing) or thing} for thing in everything if not name_of(thing)]
        since = self._state["since"]
        by_name = {raw["data"].get("name"): raw for raw in (*raws, *more)}
        above = {raw["link"].get("name") for raw in by_name.values() if raw["link"] and _is_since(raw, since)}
        young = [raw for name, raw in by_name.items() if _is_since(raw, since) or name in above]
        return [*young, *unreadable], sorted({*gone, *more_gone})

    def _take(self, reader: Reader, things: list[Json]) -> None:
        if reader.stream.name == "inbox":
            things = self._unseen(things)
        self._found += things
        was_cut = reader.was_cut and self._lists_all
        if reader.stream.name == "posts":
            self._threads.learn(things, reads=not self._lists_all or bool(self._state.get("was_cut")))
        if was_cut and not self._state.get("was_cut"):
            # The listing shows no more: what is below the posts has it all.
            self._state["was_cut"] = True
            self._threads.ask_all()

    def _unseen(self, things: list[Json]) -> list[Json]:
        """Those not handed out before, because each costs a look at its place."""
        seen = set(self._state["seen"])
        news = [thing for thing in things if name_of(thing) not in seen]
        self._state["seen"] = [*self._state["seen"], *filter(None, map(name_of, news))][-_MOST_SEEN:]
        return news


def _is_since(raw: Json, since: float) -> bool:
    at = created(raw)
    return at is None or at >= since


def placed(api: Api, things: Iterable[Json], own: str) -> tuple[list[Json], list[str]]:
    """Things with the posts above them, asked for where they do not tell, and the names of the deleted."""
    things = list(things)
    homeless = [one for one in things if name_of(one).startswith("t1_") and link_of(one) is None]
    links = {name_of(one): one for one in things if name_of(one).startswith("t3_")}
    wanted = [name_of(one) for one in homeless if "link_id" not in data_of(one)]  # the inbox tells less
    wanted += [name for one in homeless if (name := link_name(one)) and name not in links]
    present = api.info(list(dict.fromkeys(wanted))) if wanted else {}
    links |= {name: one for name, one in present.items() if name.startswith("t3_")}
    pairs = []
    for thing in things:
        whole = present.get(name_of(thing), thing)
        link = link_of(thing) if name_of(thing).startswith("t1_") else None
        pairs.append((whole, link or _link_among(links, link_name(thing) or link_name(whole))))
    return _split(pairs, own)


def _link_among(links: dict[str, Json], name: str) -> Json:
    return link_of(links[name]) if name in links else {"name": name} if name else None


def _split(pairs: Iterable[tuple[Json, Json]], own: str) -> tuple[list[Json], list[str]]:
    raws, gone = [], []
    for thing, link in pairs:
        if is_deleted(thing):
            gone.append(name_of(thing))
            continue
        shown = trimmed(thing)
        data = shown["data"] if isinstance(shown, dict) and "data" in shown else shown
        is_comment = name_of(thing).startswith("t1_")
        raws.append({"data": data, "own": own, "link": link if is_comment else None})
    return raws, [name for name in gone if name]
