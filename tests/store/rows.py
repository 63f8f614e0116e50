"""Comments and pages for the store's tests."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy.engine import Engine

from monitor.model import Author, Comment
from monitor.store.comments import Incoming, Saved, save_page
from monitor.store.engine import writing

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
BRAND, PLATFORM, SOURCE = "bakery", "mastodon", "bakery-mentions"


def comment(native_id: str, text: str = "Is it open?", parent: str | None = None, **fields: object) -> Comment:
    minute = sum(native_id.encode()) % 60
    values = {
        "kind": "comment",
        "author": Author(f"person-{native_id}", f"Person {native_id}"),
        "created_at": NOON + timedelta(minutes=minute),
        "parent_native_id": parent,
    } | fields
    return Comment(native_id=native_id, text=text, **values)  # type: ignore[arg-type]


def save(
    engine: Engine,
    comments: Sequence[Comment],
    gone: Iterable[str] = (),
    now: datetime = NOON,
    added_at: datetime = LONG_AGO,
) -> Saved:
    """Store a page of comments without signals."""
    measured = [{"angry": 0.1} for _ in comments]
    with writing(engine) as connection:
        incoming = Incoming(BRAND, PLATFORM, SOURCE, added_at, comments, measured, "test=1")
        return save_page(connection, incoming, gone, now)
