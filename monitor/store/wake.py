"""Wake-ups between hosts that share one Postgres: LISTEN and NOTIFY. The clock's tick remains the safety net.

A daemon announces what its own commits made due from a thread of its own, after the commit and many at a time:
NOTIFY inside each transaction would make Postgres commit them one after the other. What has no daemon announces
inside its transaction.
"""

import os
import select
import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine

from monitor import log
from monitor.store.due import CHANNEL, NOTIFY

_log = log.get()

GAP_S = 0.05  # between two announcements
AGAIN_S = 5.0  # after the connection was lost


class Wakes:
    """One host's ear and voice: a thread with a database connection of its own."""

    def __init__(self, engine: Engine, on_wake: Callable[[str], None]) -> None:
        """`on_wake` is called with the name of a queue; with "" when any may have become due unheard."""
        self._engine, self._on_wake = engine, on_wake
        self._to_say: set[str] = set()
        self._lock, self._stopping = threading.Lock(), threading.Event()
        self._poked, self._poke = os.pipe()
        self._thread = threading.Thread(target=self._run, name="wake", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def say(self, queue: str) -> None:
        """Wake the other hosts for this queue, soon; returns at once."""
        with self._lock:
            if not self._to_say and not self._stopping.is_set():
                os.write(self._poke, b".")
            self._to_say.add(queue)

    def stop(self) -> None:
        """End the thread and its connection. Call it once; `say` does nothing from then on."""
        with self._lock:
            self._stopping.set()
            os.write(self._poke, b".")
        if self._thread.ident is not None:
            self._thread.join(AGAIN_S)
        if not self._thread.is_alive():
            os.close(self._poke)
            os.close(self._poked)

    def _run(self) -> None:
        is_lost = False
        while not self._stopping.is_set():
            try:
                with self._connected() as connection:
                    if is_lost:
                        _log.info("wake.recovered")
                        is_lost = False
                    self._on_wake("")
                    self._listen(connection)
            except Exception as error:
                # Whatever it is, the tick finds what is due meanwhile.
                if not is_lost and not self._stopping.is_set():
                    _log.warning("wake.lost", error=type(error).__name__)
                is_lost = True
                self._stopping.wait(AGAIN_S)

    def _connected(self) -> Any:
        pooled = self._engine.raw_connection()
        connection: Any = pooled.driver_connection
        pooled.detach()  # from the pool: it stays open and is nobody else's
        try:
            connection.autocommit = True
            connection.execute(f"LISTEN {CHANNEL}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _listen(self, connection: Any) -> None:
        while not self._stopping.is_set():
            ready, _, _ = select.select([connection.fileno(), self._poked], [], [])
            if self._poked in ready:
                os.read(self._poked, 4_096)
                self._announce(connection)
            for heard in connection.notifies(timeout=0):
                if heard.pid != connection.info.backend_pid:
                    self._on_wake(heard.payload)

    def _announce(self, connection: Any) -> None:
        with self._lock:
            queues, self._to_say = self._to_say, set()
        for queue in queues:
            connection.execute(NOTIFY, (queue,))
        if queues:
            self._stopping.wait(GAP_S)
