"""A connector of tests: what is in SAID stands on the wall."""

from datetime import datetime
from typing import Any, ClassVar

from connectors.base import Abilities, ConnectorSettings, Page, Rechecked
from monitor.http import HttpClient
from monitor.model import Author, Comment

SAID: list[tuple[str, str, datetime]] = []


class Wall:
    """Shows all of it at each read."""

    platform: ClassVar[str] = "wall"
    Settings: ClassVar[type[ConnectorSettings]] = ConnectorSettings
    abilities: ClassVar[Abilities] = Abilities()

    def __init__(self, settings: Any, http: HttpClient) -> None:
        pass

    def fetch_page(self, cursor: Any, now: datetime) -> Page:
        return Page([*SAID], len(SAID), more=False, own_author_ids=frozenset({"shop"}))

    def normalise(self, raw: Any) -> Comment:
        native_id, text, at = raw
        link = f"https://wall.example/{native_id}"
        return Comment(native_id, "comment", text, Author("kim", "Kim"), at, permalink=link)

    def recheck(self, known: Any) -> Rechecked:
        return Rechecked(())
