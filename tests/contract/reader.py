"""Reads one source to its end and keeps what it read in a plain dict: the least that heedful does with a connector."""

import json
from collections.abc import Callable
from typing import Any

from connectors.base import Connector, Json, Known, Page
from monitor.http import HttpClient
from monitor.model import Comment, Team
from tests.platforms.base import FakePlatform

MAX_PAGES = 300


class Reader:
    """One source of one fake platform. A connector is built anew for each call, as after a restart."""

    def __init__(self, connector: type[Connector], fake: FakePlatform, http: HttpClient) -> None:
        self.connector, self.fake, self.http = connector, fake, http
        self.held: dict[str, Comment] = {}
        self.gone: set[str] = set()
        self.own_author_ids: set[str] = set()
        self.cursor: Json = None
        self.settings = connector.Settings.model_validate(fake.source_settings())

    def build(self) -> Connector:
        """The connector of this source."""
        return self.connector(self.settings, self.http)

    def fetch(self) -> Page:
        """One page, checked for what must hold of every page; nothing is kept yet."""
        before = json.dumps(self.cursor)
        page = self.build().fetch_page(self.cursor, self.fake.world.now)
        assert json.dumps(self.cursor) == before, "fetch_page changed the cursor that it was given"
        after = json.dumps(page.cursor)
        assert json.loads(after) == page.cursor, "the cursor does not survive JSON"
        assert not (page.more and after == before), "the same cursor with more=True is a loop"
        assert not self.fake.secret or self.fake.secret not in after, "the cursor holds the credential"
        return page

    def keep(self, page: Page, arrange: Callable[[list[Json]], list[Json]] = list) -> None:
        """Store a page and its cursor, both at once."""
        for raw in arrange(list(page.raws)):
            self._keep_one(raw)
        self.gone.update(page.gone)
        self.own_author_ids |= page.own_author_ids
        self.cursor = json.loads(json.dumps(page.cursor))

    def _keep_one(self, raw: Json) -> None:
        comment = self.build().normalise(raw)
        if comment is not None:
            self.held[comment.native_id] = comment
            self.gone.discard(comment.native_id)

    def poll(self) -> int:
        """Pages until there is no more; returns their number."""
        for n_pages in range(1, MAX_PAGES):
            page = self.fetch()
            self.keep(page)
            if not page.more:
                return n_pages
        raise AssertionError(f"still more after {MAX_PAGES} pages")

    def recheck(self) -> None:
        """Look again at everything held, where the connector can."""
        if not (size := self.connector.abilities.recheck_batch):
            return
        known = [
            Known(comment.native_id, comment.subject_native_id, comment.root_native_id)
            for comment in self.held.values()
            if comment.native_id not in self.gone
        ]
        for batch in (known[start : start + size] for start in range(0, len(known), size)):
            found = self.build().recheck(batch)
            for raw in found.raws:
                self._keep_one(raw)
            self.gone.update(found.gone)

    def catch_up(self) -> None:
        """Everything that heedful does to learn of changes: a poll and a look at what it holds."""
        self.poll()
        self.recheck()

    @property
    def present(self) -> set[str]:
        """The native ids of what is held and not gone."""
        return set(self.held) - self.gone

    def of(self, key: str) -> Comment:
        """What is held of this entry of the world."""
        return self.held[self.fake.native_id(key)]

    def is_ours(self, key: str) -> bool:
        """Whether the brand is recognised as the author, with what was learned and what the operator would say."""
        named = self.fake.team()
        learned = {(self.connector.platform, author_id) for author_id in self.own_author_ids}
        return Team(named.author_ids | learned, named.handles, named.names).owns(self.connector.platform, self.of(key))


def every_raw(reader: Reader) -> list[Any]:
    """All raw comments of a source, read from its beginning."""
    raws: list[Any] = []
    for _ in range(MAX_PAGES):
        page = reader.fetch()
        raws += page.raws
        reader.keep(page)
        if not page.more:
            break
    return raws
