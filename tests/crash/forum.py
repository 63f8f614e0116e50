"""A connector of one's own for the forum that the crash harness serves: pages of changes, read from a position."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from connectors.base import Abilities, ConnectorSettings, Known, Page, Rechecked
from monitor.http import HttpClient
from monitor.model import Author, Comment


class ForumSettings(ConnectorSettings):
    url: str
    """Where the forum is."""
    page: str
    """Which of its pages to read."""
    tells_root: bool = True
    """Whether the forum says where a conversation begins; otherwise it follows from the parents."""
    limit: int = 7
    """How many changes one page brings."""


class Forum:
    """Reads GET /pages/<page>/changes?after=<seq>: whatever is new, edited or deleted, oldest first."""

    platform: ClassVar[str] = "forum"
    Settings: ClassVar[type[ConnectorSettings]] = ForumSettings
    abilities: ClassVar[Abilities] = Abilities(own_posts="pages have no text")

    def __init__(self, settings: ForumSettings, http: HttpClient) -> None:
        self._settings, self._http = settings, http

    def fetch_page(self, cursor: Any, now: datetime) -> Page:
        settings, after = self._settings, cursor or 0
        url = f"{settings.url}/pages/{settings.page}/changes"
        changes = self._http.get(url, params={"after": after, "limit": settings.limit}).json()
        present = [change for change in changes if not change["is_deleted"]]
        return Page(
            present,
            max([after, *(change["seq"] for change in changes)]),
            more=len(changes) == settings.limit,
            gone=[change["id"] for change in changes if change["is_deleted"]],
            own_author_ids=frozenset({"brand"}),
        )

    def normalise(self, raw: Any) -> Comment:
        return Comment(
            native_id=raw["id"],
            kind="comment",
            text=raw["text"],
            author=Author(native_id=raw["by"], name=raw["by"].title()),
            created_at=datetime.fromisoformat(raw["created_at"]),
            parent_native_id=raw["parent"],
            root_native_id=raw["root"] if self._settings.tells_root and raw["parent"] else None,
            edited_at=datetime.fromisoformat(raw["edited_at"]) if raw["edited_at"] else None,
        )

    def recheck(self, known: Sequence[Known]) -> Rechecked:
        return Rechecked(())
