"""Rotas that are kept elsewhere: their calendars are fetched every hour, and what we have stays while that fails."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from monitor import log
from monitor.core.rota import on_call_by_calendar
from monitor.errors import RemoteError
from monitor.flows import operator
from monitor.flows.plan import Plan
from monitor.http import HttpClient
from monitor.store import rotas
from monitor.store.engine import reading, writing

_log = log.get()

EVERY = timedelta(hours=1)
TELL_AFTER = timedelta(days=1)  # without a calendar, or with one so old
MOST = 2_000_000  # characters of one calendar


@dataclass(frozen=True, slots=True)
class RotaFetcher:
    """Fetches the calendars of a plan's rotas; `brand` is whose channels hear that one cannot be had."""

    engine: Engine
    plan: Callable[[], Plan]
    http: HttpClient
    now: Callable[[], datetime]

    def fetch_all(self, calendars: dict[str, str], brand: str) -> bool:
        """Fetch each rota's calendar (rota: its address); whether the operator is told anything."""
        told = [self._fetch(rota, url, brand) for rota, url in calendars.items()]
        return any(told)

    def _fetch(self, rota: str, url: str, brand: str) -> bool:
        now = self.now()
        with reading(self.engine) as connection:
            fetched_at, error_before = rotas.states(connection).get(rota, (None, ""))
        try:
            text = self._read(url, now)
        except (RemoteError, ValueError) as error:
            if not error_before:
                _log.warning("rota.lost", rota=rota, error=type(error).__name__, says=str(error)[:300])
            with writing(self.engine) as connection:
                rotas.note_failure(connection, rota, str(error))
                return self._tell(connection, rota, brand, fetched_at, str(error), now)
        with writing(self.engine) as connection:
            rotas.keep(connection, rota, text, now)
            is_over = bool(brand) and operator.over(connection, brand, f"rota:{rota}", now)
        if error_before:
            _log.info("rota.recovered", rota=rota)
        return is_over

    def _read(self, url: str, now: datetime) -> str:
        """The calendar's text, which says who is on call now or that nobody is.

        Raises: RemoteError, or ValueError where it is none: keep what there is.
        """
        answer = self.http.request("GET", url, follow=True, secret_path=True)
        text = answer.body.decode("utf-8", "replace").replace("\0", "")
        if len(text) > MOST:
            raise ValueError(f"it is longer than {MOST:,} characters")
        on_call_by_calendar(text, now, self.plan().people)
        return text

    def _tell(
        self, connection: Connection, rota: str, brand: str, fetched_at: datetime | None, error: str, now: datetime
    ) -> bool:
        if not brand or (fetched_at is not None and now - fetched_at < TELL_AFTER):
            return False
        since = "was never read" if fetched_at is None else "has not been read for a day"
        says = f'The calendar of the rota "{rota}" {since}: {error[:300]}. Who is on call may be wrong.'
        return operator.report(connection, brand, f"rota:{rota}", says, now)
