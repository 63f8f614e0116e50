"""The daemon watches itself: what is wrong is told once, through the channels, and once more when it is over."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from monitor import log
from monitor.core.self_watch import PREFIXES, Limits, Seen, over, troubles
from monitor.errors import RemoteError
from monitor.flows import operator
from monitor.http import HttpClient
from monitor.store import quarantine
from monitor.store.engine import reading, writing

_log = log.get()

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class SelfWatch:
    """Looks at the daemon's own state; `brand` is whose channels hear of it."""

    engine: Engine
    brand: str
    limits: Limits
    now: Callable[[], datetime]

    def look(self, lags: Mapping[str, timedelta]) -> int:
        """Tell what has gone wrong since the last look, and what is over; how many alerts that moved."""
        now = self.now()
        with reading(self.engine) as connection:
            unreadable = quarantine.n_by_source(connection, now - HOUR)
            told = operator.open_keys(connection, self.brand, PREFIXES)
        seen = Seen(lags, unreadable, free_bytes(self.engine))
        begun = {key: says for key, says in troubles(seen, self.limits).items() if key not in told}
        ended = over(told, seen, self.limits)
        if not begun and not ended:
            return 0  # an idle look takes no write lock
        with writing(self.engine) as connection:
            n = sum(operator.report(connection, self.brand, key, says, now) for key, says in begun.items())
            n += sum(operator.over(connection, self.brand, key, now) for key in ended)
        for key in begun:
            _log.error("daemon.troubled", what=key)
        for key in ended:
            _log.info("daemon.eased", what=key)
        return n


def free_bytes(engine: Engine) -> int | None:
    """What is left on the disk of a SQLite file; None of a server's, which is not ours to look at."""
    file = engine.url.database
    if engine.dialect.name != "sqlite" or not file or file == ":memory:":
        return None
    try:
        return shutil.disk_usage(Path(file).resolve().parent).free
    except OSError:
        return None


class Heartbeat:
    """Says to somebody else, every so often, that the daemon is alive, so that its silence is noticed."""

    def __init__(self, http: HttpClient, url: str) -> None:
        self._http, self.url = http, url
        self._n_failures = 0

    def beat(self) -> bool:
        """Say so once; whether it was heard. Its failure is logged when it begins and when it is over."""
        try:
            self._http.request("GET", self.url, secret_path=True, timeout=timedelta(seconds=15))
        except RemoteError as error:
            self._n_failures += 1
            if self._n_failures == 1:
                _log.warning("heartbeat.lost", error=type(error).__name__, says=str(error)[:300])
            return False
        if self._n_failures:
            _log.info("heartbeat.recovered", n_failures=self._n_failures)
            self._n_failures = 0
        return True
