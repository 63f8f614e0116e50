"""Taking in comments that were exported elsewhere: stored and assessed like any others, but as history."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from monitor import signals
from monitor.errors import Malformed
from monitor.flows.memory import Memory
from monitor.flows.plan import Reader
from monitor.flows.poll import FAR_FUTURE, read
from monitor.model import Source
from monitor.store import comments as store
from monitor.store import quarantine
from monitor.store.engine import writing


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What one page of an import changed."""

    n_new: int
    n_edited: int
    n_unchanged: int
    n_unread: int
    errors: tuple[str, ...]
    note: str = ""  # what its reader says of it besides


def take_in(
    engine: Engine, reader: Reader, source: Source, now: datetime, own_signals: signals.Beside = signals.NONE
) -> Iterator[TakenIn]:
    """Store everything that a reader gives, a page at a time; safe to repeat. None of it alerts anybody.

    Raises: RemoteError where it cannot be read; what was read before stays.
    """
    memory, cursor = Memory(), None
    while True:
        page = reader.fetch_page(cursor, now)
        if page.more and page.cursor == cursor:
            raise Malformed(f"{source.id}: the same cursor again, with more to come: a loop")
        haul = read(reader, source, memory, page.raws, page.gone, own_signals)
        incoming = store.Incoming(
            source.brand, source.platform, source.id, FAR_FUTURE, haul.comments, haul.signals, haul.signals_version
        )
        with writing(engine) as connection:
            saved = store.save_page(connection, incoming, (), now)
            quarantine.keep(connection, source.brand, source.id, haul.unread, now)
        errors = tuple(error for error, _ in haul.unread)
        n_same = saved.n_unchanged + haul.n_same
        yield TakenIn(saved.n_new, saved.n_edited, n_same, len(haul.unread), errors, page.note)
        if not page.more:
            return
        cursor = page.cursor
