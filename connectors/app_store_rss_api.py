"""The App Store's public feed of customer reviews: a page as JSON, or as Atom where the JSON comes empty.

Source: nothing official. The shape is that of the recorded answers and of public readers of 2018 to 2026.
"""

import re
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import feedparser

from connectors.base import Json
from monitor.errors import Gone, Malformed, RemoteError
from monitor.http import Answer, HttpClient

_LAST = re.compile(r"/page=(\d{1,3})/")


@dataclass(frozen=True, slots=True)
class Shown:
    """One page: its reviews in the JSON's shape, and the number of the last page as far as it tells (0: not)."""

    entries: list[Json]
    last: int = 0

    @property
    def ids(self) -> list[str]:
        return [found for entry in self.entries if (found := id_of(entry))]

    @property
    def dates(self) -> list[str]:
        return [at for entry in self.entries if (at := label(entry, "updated"))]


def label(entry: Json, name: str) -> str:
    """One value: each is {"label": "..."}."""
    value = entry.get(name) if isinstance(entry, dict) else None
    found = value.get("label") if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def id_of(entry: Json) -> str:
    found = label(entry, "id")
    return found if found.isdecimal() and found.isascii() and len(found) <= 20 else ""


class Api:
    """The requests of one call; `n_spent` counts them."""

    def __init__(self, base_url: str, http: HttpClient) -> None:
        self._base, self._http = base_url, http
        self.n_spent = 0

    def page(self, app: str, country: str, number: int) -> Shown | None:
        """One page of an app's reviews in one country, newest first; None beyond the deepest page.

        The JSON of a page is at times empty, and that of old caches has no dates, while its Atom has all: so what
        is empty is asked for as Atom too.
        """
        path = f"/{country}/rss/customerreviews/id={app}/page={number}/sortby=mostrecent"
        try:
            shown = _from_json(self._get(f"{path}/json").json())
        except Malformed as error:
            if error.status == 400 and number > 1:  # "CustomerReviews RSS page depth is limited to 10"
                return None
            raise
        if shown.entries and len(shown.dates) == len(shown.ids):
            return shown
        atom = self._atom(path)
        return Shown(atom.entries, max(atom.last, shown.last)) if atom.entries else shown

    def app_name(self, app: str, country: str) -> str:
        """What the app is called in that country, "" where it cannot be learnt: it is no reason to fail."""
        try:
            found = self._get("/lookup", {"id": app, "country": country}).json()
        except RemoteError:
            return ""
        results = found.get("results") if isinstance(found, dict) else None
        first = results[0] if isinstance(results, list) and results else None
        name = first.get("trackName") if isinstance(first, dict) else None
        return name[:200] if isinstance(name, str) else ""

    def _atom(self, path: str) -> Shown:
        try:
            return _from_atom(self._get(f"{path}/xml").body)
        except (Malformed, Gone):  # the JSON was readable, so its word stands
            return Shown([])

    def _get(self, path: str, params: dict[str, Any] | None = None) -> Answer:
        self.n_spent += 1
        return self._http.get(self._base + path, params=params)


def _from_json(answer: Json) -> Shown:
    feed = answer.get("feed") if isinstance(answer, dict) else None
    if not isinstance(feed, dict):
        raise Malformed("the feed of reviews has no feed", payload=str(answer)[:20_000], status=200)
    found = feed.get("entry", [])
    entries = [found] if isinstance(found, dict) else found if isinstance(found, list) else []  # one comes bare
    links = feed.get("link")
    attributes = [link.get("attributes") for link in links if isinstance(link, dict)] if isinstance(links, list) else []
    # The app itself is an entry in some answers; it has no rating.
    return Shown(
        [entry for entry in entries if not isinstance(entry, dict) or "im:rating" in entry],
        _last_page([one for one in attributes if isinstance(one, dict)]),
    )


def _from_atom(body: bytes) -> Shown:
    feed = feedparser.parse(BytesIO(body), resolve_relative_uris=False, sanitize_html=False)
    entries = [_entry(entry) for entry in feed.entries if entry.get("im_rating")]
    return Shown(entries, _last_page(feed.feed.get("links") or []))


def _entry(entry: Any) -> Json:
    plain = [part.get("value", "") for part in entry.get("content") or () if part.get("type") == "text/plain"]
    person = entry.get("author_detail") or {}
    values = {
        "id": entry.get("id"),
        "title": entry.get("title"),
        "content": plain[0] if plain else "",
        "im:rating": entry.get("im_rating"),
        "im:version": entry.get("im_version"),
        "im:voteSum": entry.get("im_votesum"),
        "im:voteCount": entry.get("im_votecount"),
        "updated": entry.get("updated"),
    }
    shown = {name: {"label": value} for name, value in values.items() if isinstance(value, str)}
    who = {"name": {"label": person.get("name", "")}, "uri": {"label": person.get("href", "")}}
    return shown | {"author": who}


def _last_page(links: list[Any]) -> int:
    for link in links:
        address = link.get("href")
        # The address of the page itself stands in the query of each link.
        if link.get("rel") == "last" and isinstance(address, str) and (found := _LAST.search(address.split("?")[0])):
            return int(found[1])
    return 0
