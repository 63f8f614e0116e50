"""Isso: the comments under the pages of one website, from the Isso server that the website runs.

Isso tells how many comments each page has in one request for all pages; a page is read, whole, when that number
changed, and otherwise in turn, because an edit changes no number and a deletion may be hidden by a new comment. A
page read whole shows what is gone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Self
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connectors.base import Abilities, Address, ConnectorSettings, Json, Known, Page, Rechecked
from connectors.isso_api import CommentPayload, Server
from monitor.core.text import plain_text
from monitor.http import HttpClient
from monitor.model import Author, Comment

_SHELL = 4  # the mode of a deleted comment that is kept because of its replies
_ACCEPTED = 1
_EDITING = timedelta(hours=1)  # authors edit soon (Isso's default allows 15 minutes): such pages come first
_REREAD = timedelta(hours=1)
_MOST_PAGES = 2_000  # that /latest may make us watch: anyone can open a page by commenting on it
_MOST_IDS = 200  # of one page that the cursor remembers
_LATEST = 1_000
_LATEST_MOST = 64_000


class OwnAuthor(BaseModel):
    """How the brand signs. Isso has no accounts: the hash stands for an e-mail address, a name for nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    hash: str = Field(min_length=6)
    """The "hash" that Isso shows for the brand's comments (`heedful fetch` prints it in the author's id)."""
    name: str = ""
    """The name they are signed with, if it must be this one too."""


class IssoSettings(ConnectorSettings):
    """One Isso server, and the pages to watch."""

    base_url: Address
    """Where Isso answers, such as "https://comments.example" or "https://site.example/isso"."""
    site_url: Address
    """The website that the comments stand on, such as "https://site.example"; links to comments begin with it."""
    pages: tuple[str, ...] = ()
    """The pages to watch, as Isso names them: their paths ("/menu/")."""
    latest: bool = False
    """Find the pages by Isso's list of latest comments; the server needs `latest-enabled = true`."""
    own_authors: tuple[OwnAuthor, ...] = ()
    """Who answers for the brand."""

    @model_validator(mode="after")
    def _watches_something(self) -> Self:
        if not self.pages and not self.latest:
            raise ValueError("name the pages to watch, or set latest = true")
        return self


@dataclass(frozen=True, slots=True)
class _Watched:
    """What is remembered of one page. Times are seconds since 1970, as Isso tells them."""

    count: int | None = None  # of accepted comments, when it was last queued
    read_at: float = 0.0
    changed_at: float = 0.0  # its latest comment or edit
    ids: tuple[int, ...] = ()  # of its newest comments
    is_queued: bool = False


@dataclass(frozen=True, slots=True)
class _Cursor:
    since: float  # threads in which nothing is younger were there before us and are not read
    pages: Mapping[str, _Watched] = field(default_factory=dict)
    n_latest: int = _LATEST

    @classmethod
    def read(cls, cursor: Json, since: datetime) -> "_Cursor":
        """The cursor as stored, or a new one where there is none or it is of another make."""
        try:
            pages = {uri: _Watched(**{**page, "ids": tuple(page["ids"])}) for uri, page in cursor["pages"].items()}
            return cls(cursor["since"], pages, cursor["n_latest"])
        except (AttributeError, KeyError, TypeError):
            return cls(since.timestamp())

    def as_json(self) -> Json:
        """What is stored."""
        pages = {uri: asdict(page) | {"ids": list(page.ids)} for uri, page in self.pages.items()}
        return {"since": self.since, "pages": pages, "n_latest": self.n_latest}

    @property
    def queue(self) -> list[str]:
        return [uri for uri, page in self.pages.items() if page.is_queued]


class Isso:
    """Reads one Isso server."""

    platform: ClassVar[str] = "isso"
    Settings: ClassVar[type[ConnectorSettings]] = IssoSettings
    abilities: ClassVar[Abilities] = Abilities(
        replies="Isso keeps two levels: a reply to a reply is read as one to the comment on top",
        own_posts="Isso knows comments only; the pages they stand on can be watched by the feeds connector",
        quiet_requests=3,
        recheck_batch=20,
        late_reply_delay="one poll, however old the page is",
    )

    def __init__(self, settings: IssoSettings, http: HttpClient) -> None:
        self._settings = settings
        self._server = Server(settings.base_url, http)
        parts = urlsplit(settings.base_url)
        self._site = (parts.netloc + parts.path).casefold()

    def fetch_page(self, cursor: Json, now: datetime) -> Page:
        """Ask which pages changed, or read one of those."""
        before = self._server.n_spent  # one call at a time: a source is read by one
        here = _Cursor.read(cursor, now - self._settings.backfill)
        goes_on = bool(here.queue)  # then there may be changes since the pages were last asked for
        here = here if goes_on else self._queued(here, now)
        raws, gone, here = self._page_read(here, here.queue[0], now) if here.queue else ([], [], here)
        more, spent = goes_on or bool(here.queue), self._server.n_spent - before
        return Page(raws=raws, cursor=here.as_json(), more=more, gone=self._named(gone), spent=spent)

    def recheck(self, known: Sequence[Known]) -> Rechecked:
        """Read the pages of known comments again; whatever else stands there comes along."""
        raws: list[Json] = []
        gone: list[int] = []
        before = self._server.n_spent
        for uri, numbers in self._by_page(known).items():
            found = self._server.comments(uri)
            shells, alive = _parted(found)
            raws += alive
            gone += [*shells, *self._server.vanished(numbers - {raw["id"] for raw in found})]
        return Rechecked(raws, self._named(gone), self._server.n_spent - before)

    def normalise(self, raw: Json) -> Comment | None:
        """Read one comment; None for the shell that is left of a deleted one."""
        told = CommentPayload.model_validate(raw)
        if told.mode == _SHELL:
            return None
        native_id = f"{self._site}/{told.id}"
        parent = f"{self._site}/{told.parent}" if told.parent else None
        url = self._settings.site_url + "/" + quote(told.uri.lstrip("/"), safe="/%?=&~+,;:@")
        return Comment(
            native_id=native_id,
            kind="comment",
            text=plain_text(told.text),
            author=self._read_author(told),
            created_at=datetime.fromtimestamp(told.created, UTC),
            permalink=f"{url}#isso-{told.id}",
            parent_native_id=parent,
            root_native_id=parent or native_id,  # Source: Isso hangs a reply to a reply under the top comment
            subject_native_id=self._page_prefix + told.uri,
            subject_title=told.uri,  # Isso tells no titles
            subject_url=url,
            edited_at=None if told.modified is None else datetime.fromtimestamp(told.modified, UTC),
            n_likes=told.likes,
            is_ours=self._is_ours(told),
            is_hidden=told.mode != _ACCEPTED,
        )

    def _read_author(self, told: CommentPayload) -> Author:
        """By hash and name: without an e-mail address the hash is that of a network, which many people share."""
        name = told.name
        return Author(f"{self._site}/{told.hash}/{name}" if told.hash else "", name, url=told.website)

    def _is_ours(self, told: CommentPayload) -> bool | None:
        """None where nobody said how the brand signs: then its team is all there is to go by."""
        if not self._settings.own_authors:
            return None
        name = told.name.casefold()
        return any(told.hash == own.hash and own.name.casefold() in ("", name) for own in self._settings.own_authors)

    @property
    def _page_prefix(self) -> str:
        return f"{self._site}/page:"

    def _named(self, numbers: Iterable[int]) -> list[str]:
        return [f"{self._site}/{number}" for number in numbers]

    def _by_page(self, known: Sequence[Known]) -> dict[str, set[int]]:
        pages: dict[str, set[int]] = {}
        for one in known:
            number = one.native_id.removeprefix(f"{self._site}/")
            if one.subject_native_id and one.subject_native_id.startswith(self._page_prefix) and number.isdecimal():
                pages.setdefault(one.subject_native_id.removeprefix(self._page_prefix), set()).add(int(number))
        return pages

    def _queued(self, here: _Cursor, now: datetime) -> _Cursor:
        """Queue the pages that changed, and the one whose turn it is."""
        pages = {uri: here.pages.get(uri, _Watched()) for uri in self._settings.pages}
        changed: set[str] = set()
        if self._settings.latest:
            pages, changed, n_latest = self._latest({**here.pages, **pages}, here.n_latest)
            here = replace(here, n_latest=n_latest)
        if len(pages) > 1:  # a single page is read at once: that costs no more than asking
            for uri, count in zip(pages, self._server.counts(list(pages)), strict=True):
                changed |= {uri} if count != pages[uri].count else set()
                pages[uri] = replace(pages[uri], count=count)
        turn = next(iter(pages), None) if len(pages) == 1 else _turn(pages, now.timestamp())
        queue = changed | ({turn} if turn is not None else set())
        return replace(here, pages={uri: replace(page, is_queued=uri in queue) for uri, page in pages.items()})

    def _page_read(self, here: _Cursor, uri: str, now: datetime) -> tuple[list[Json], list[int], _Cursor]:
        page = here.pages[uri]
        found = self._server.comments(uri)
        numbers = {raw["id"] for raw in found}
        gone, alive = _parted(found)
        gone += self._server.vanished(set(page.ids) - numbers)
        page = replace(
            page,
            read_at=now.timestamp(),
            changed_at=max((_changed_at(raw) for raw in found), default=page.changed_at),
            ids=tuple(sorted(raw["id"] for raw in alive)[-_MOST_IDS:]),
            is_queued=False,
        )
        raws = _since(alive, here.since)
        return raws, gone, replace(here, pages={**here.pages, uri: page})

    def _latest(self, pages: dict[str, _Watched], n: int) -> tuple[dict[str, _Watched], set[str], int]:
        """The pages with those that the latest comments name, which of them changed, and how many to ask for next."""
        latest, is_blind = self._server.latest(n)
        changed = set()
        for raw in latest:
            page = pages.setdefault(raw["uri"], _Watched())
            if _changed_at(raw) > page.changed_at:
                changed.add(raw["uri"])
        kept = sorted(pages, key=lambda uri: (uri in self._settings.pages, uri in changed, pages[uri].changed_at))
        kept = kept[-_MOST_PAGES:]
        return {uri: pages[uri] for uri in kept}, changed & set(kept), min(n * 4, _LATEST_MOST) if is_blind else n


def _changed_at(raw: Json) -> float:
    times = [raw.get("created"), raw.get("modified")]
    return max((float(when) for when in times if isinstance(when, int | float)), default=0.0)


def _parted(found: Sequence[Json]) -> tuple[list[int], list[Json]]:
    """The ids of those that are deleted, and the others."""
    shells = [raw["id"] for raw in found if raw.get("mode") == _SHELL]
    return shells, [raw for raw in found if raw.get("mode") != _SHELL]


def _since(raws: Sequence[Json], since: float) -> list[Json]:
    """Those of threads in which something was written since then."""
    alive = {raw.get("parent") or raw["id"] for raw in raws if _changed_at(raw) >= since}
    return [raw for raw in raws if (raw.get("parent") or raw["id"]) in alive]


def _turn(pages: Mapping[str, _Watched], now: float) -> str | None:
    """The page to read though nothing says that it changed: one just written on, or one not read for long."""
    written = [uri for uri, page in pages.items() if now - page.changed_at < _EDITING.total_seconds()]
    oldest = min(written or pages, key=lambda uri: pages[uri].read_at, default=None)
    if oldest is None or written:
        return oldest
    return oldest if now - pages[oldest].read_at >= _REREAD.total_seconds() else None
