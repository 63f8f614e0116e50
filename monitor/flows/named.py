"""What hints named and no list shows, read by its id beside a page of its source."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine

from monitor import log
from monitor.errors import RateLimited, RemoteError, Unauthorized
from monitor.flows.plan import Reader
from monitor.store import hints
from monitor.store.engine import reading

_log = log.get()


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at named comments brought; `missing` are those that the platform did not show."""

    raws: Sequence[Any] = ()
    spent: float = 0.0
    found: Sequence[str] = ()
    missing: Sequence[str] = ()

    def settle(self, connection: Connection, source_id: str) -> None:
        """Forget what was read, in the transaction that stores it; the rest is tried again a few times."""
        hints.done(connection, source_id, self.found)
        n_forgotten = hints.failed(connection, source_id, self.missing)
        if n_forgotten:
            _log.warning("hint.forgotten", source=source_id, n=n_forgotten)


NOTHING = Look()


def look(engine: Engine, reader: Reader, source_id: str, known: Callable[[str, str | None, str | None], Any]) -> Look:
    """Read what waits, at most as many as the connector takes at once.

    Raises: RateLimited, Unauthorized. What else goes wrong does not keep the page from being stored.
    """
    if not hasattr(reader, "push") or not reader.abilities.recheck_batch:
        return NOTHING
    with reading(engine) as connection:
        waiting = hints.waiting(connection, source_id, reader.abilities.recheck_batch)
    if not waiting:
        return NOTHING
    ids = [one.native_id for one in waiting]
    try:
        seen = reader.recheck([known(one.native_id, one.subject_native_id, one.root_native_id) for one in waiting])
    except (RateLimited, Unauthorized):
        raise
    except RemoteError as error:
        return Look((), 1.0 if error.status else 0.0, (), ids)
    shown = _ids(reader, seen.raws)
    found, missing = [one for one in ids if one in shown], [one for one in ids if one not in shown]
    return Look(seen.raws, seen.spent, found, missing)


def _ids(reader: Reader, raws: Sequence[Any]) -> set[str]:
    """The ids of what was found; what cannot be read goes to quarantine, and was found all the same by nobody."""
    found = set()
    for raw in raws:
        try:
            comment = reader.normalise(raw)
        except ValueError:
            continue
        if comment is not None:
            found.add(comment.native_id)
    return found
