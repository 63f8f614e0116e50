"""The simulated platform as a connector of the user's own: it shows what is visible at the fake present."""

from bisect import bisect_right
from datetime import datetime
from typing import Any, ClassVar

from connectors.base import Abilities, ConnectorSettings, Page
from monitor.http import HttpClient
from monitor.model import Author, Comment
from tests.simulate.world import OURS, Month, Said

PAGE = 100
_shown: dict[str, "Shown"] = {}  # by the name that a source's settings carry


class Shown:
    """A month on show."""

    def __init__(self, month: Month) -> None:
        self.said = month.said
        self.instants = {place: [one.at for one in listed] for place, listed in month.said.items()}
        self.by_id = {one.id: one for listed in month.said.values() for one in listed}


def show(name: str, month: Month) -> None:
    """Let sources whose `month` is this name read it."""
    _shown[name] = Shown(month)


class BusySettings(ConnectorSettings):
    place: str
    """Which of the brand's places."""
    month: str
    """Which month."""


class Busy:
    """Reads one place of the month."""

    platform: ClassVar[str] = "busy"
    Settings: ClassVar[type[ConnectorSettings]] = BusySettings
    abilities: ClassVar[Abilities] = Abilities()

    def __init__(self, settings: BusySettings, http: HttpClient) -> None:
        self._settings, self._http = settings, http

    def fetch_page(self, cursor: Any, now: datetime) -> Page:
        shown, place = _shown[self._settings.month], self._settings.place
        start = cursor or 0
        visible = bisect_right(shown.instants[place], now)
        end = min(start + PAGE, visible)
        return Page(shown.said[place][start:end], end, more=end < visible, own_author_ids=frozenset({OURS}))

    def normalise(self, raw: Said) -> Comment:
        return Comment(
            native_id=raw.id,
            kind="post" if raw.is_post else "comment",
            text=raw.text,
            author=Author(raw.who, raw.who, n_followers=raw.n_followers),
            created_at=raw.at,
            permalink=f"https://busy.example/{raw.id}",
            parent_native_id=raw.parent or None,
            subject_native_id=raw.post or None,
        )
