"""What an Isso server answers, as far as anyone may ask.

Source: Isso 0.14, isso/views/comments.py and isso/db/comments.py.
"""

import json
from collections.abc import Iterable
from html import unescape
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, Field, PositiveInt

from connectors.base import Json
from monitor.core.text import storable
from monitor.errors import Gone, Malformed, Unauthorized
from monitor.http import HttpClient

_MOST_LOOK_UPS = 20  # of single comments within one call; the others have their turn at a later recheck
_OF_LIST = ("replies", "total_replies", "hidden_replies")  # what a comment says of the list below it


def _web(value: object) -> str:
    text = storable(unescape(value)) if isinstance(value, str) else ""
    try:
        return text if urlsplit(text).scheme in ("http", "https") else ""
    except ValueError:
        return ""


_Web = Annotated[str, BeforeValidator(_web)]
_Text = Annotated[str, BeforeValidator(lambda value: storable(value) if isinstance(value, str) else value)]
_Seconds = Annotated[float, Field(ge=0, lt=32_503_680_000, allow_inf_nan=False)]  # until the year 3000


class CommentPayload(BaseModel):
    """A comment as Isso tells it, with the page it stands on."""

    id: PositiveInt
    parent: PositiveInt | None = None
    uri: _Text
    text: _Text
    author: _Text | None = None
    website: _Web = ""
    mode: int = 1
    created: _Seconds
    modified: _Seconds | None = None
    likes: int = 0
    hash: _Text = ""

    @property
    def name(self) -> str:
        """Source: Isso escapes names and websites for HTML as it stores them."""
        return storable(unescape(self.author or "")).strip()


class Server:
    """One Isso server; `n_spent` counts the requests."""

    def __init__(self, base_url: str, http: HttpClient) -> None:
        self._base_url, self._http = base_url, http
        self.n_spent = 0

    def latest(self, n: int) -> tuple[list[Json], bool]:
        """The n latest comments of all pages, and whether there may be others that it does not show.

        Source: Isso sorts replies behind all other comments, so that what it calls the latest may be replies alone.

        Raises: Gone where the server's configuration does not allow it.
        """
        self.n_spent += 1
        try:
            told = self._http.get(f"{self._base_url}/latest", params={"limit": n}).json()
        except Gone as error:
            raise Gone(f"{error}: does the server's configuration say latest-enabled = true?", status=404) from None
        if not isinstance(told, list):
            raise Malformed("Isso answered /latest with no list", payload=json.dumps(told)[:20_000])
        latest = [raw for raw in told if isinstance(raw, dict) and isinstance(raw.get("uri"), str)]
        return latest, len(told) >= n and all(raw.get("parent") for raw in latest)

    def counts(self, uris: list[str]) -> list[int]:
        """How many accepted comments each page has, in the order of `uris`."""
        self.n_spent += 1
        answer = self._http.request(
            "POST",
            f"{self._base_url}/count",
            headers={"Content-Type": "application/json"},
            content=json.dumps(uris).encode(),
        )
        counts = answer.json()
        if not isinstance(counts, list) or len(counts) != len(uris):
            raise Malformed(f"{answer.shown} did not count the pages", payload=json.dumps(counts)[:20_000])
        return counts

    def comments(self, uri: str) -> list[Json]:
        """All comments of a page, the shells too, one after the other."""
        self.n_spent += 1
        answer = self._http.get(f"{self._base_url}/", params={"uri": uri})
        told = answer.json()
        if not isinstance(told, dict) or not isinstance(told.get("replies"), list):
            raise Malformed(f"{answer.shown} answered with no comments", payload=json.dumps(told)[:20_000])
        found: list[Json] = []
        waiting = list(reversed(told["replies"]))
        while waiting:
            raw = waiting.pop()
            if not isinstance(raw, dict) or not isinstance(raw.get("id"), int):
                raise Malformed(f"{answer.shown} lists a comment without an id", payload=json.dumps(raw)[:20_000])
            waiting += reversed(raw.get("replies") or [])
            found.append({name: value for name, value in raw.items() if name not in _OF_LIST} | {"uri": uri})
        return found

    def vanished(self, numbers: Iterable[int]) -> list[int]:
        """Which of these comments exist no more.

        Source: to anyone but the author Isso answers 403 for a comment that exists, and 404 for one that does not.
        """
        gone = []
        for number in sorted(numbers)[:_MOST_LOOK_UPS]:
            self.n_spent += 1
            try:
                self._http.get(f"{self._base_url}/id/{number}")
            except Gone:
                gone.append(number)
            except Unauthorized:
                continue
        return gone
