"""Serves the web application from a thread of the daemon: uvicorn, with an end to whoever sends slowly."""

import asyncio
import logging
import socket
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

import h11
import uvicorn
from prometheus_client import Counter
from uvicorn.protocols.http.h11_impl import H11Protocol

from monitor import log
from monitor.app import App
from monitor.errors import ConfigError
from monitor.web.app import DOORS, Opening, build
from monitor.web.inbound import Chore, Inbound, Tally

_log = log.get()

REQUEST_TIME = 10.0  # seconds in which a request must have come in whole, head and body
IDLE_TIME = 5
END_TIME = 10
MOST_CONNECTIONS = 200
MOST_HEAD = 16_384  # bytes of request line and headers


class Served(Protocol):
    """The daemon, as the server knows it."""

    @property
    def app(self) -> App: ...

    def wake(self, queue: str) -> None: ...


class WebServer:
    """Serves every door on the port that the configuration names."""

    def __init__(self, daemon: Served, doors: Sequence[Opening] = DOORS) -> None:
        table = daemon.app.settings.web
        self._now, self._outages = daemon.app.now, log.Outages()
        self._tally = Tally(daemon.app.now)
        inbound = Inbound(daemon.app, daemon.wake, self._tally)
        self._doors = [open_door(inbound) for open_door in doors]
        self._socket = _listen(table.host, table.port, str(daemon.app.settings.file))
        self._server = uvicorn.Server(_config(build(self._doors, self._tally)))
        self._thread = threading.Thread(target=self._serve, name="web", daemon=True)

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    @property
    def is_alive(self) -> bool:
        """Whether it serves: systemd restarts a daemon of which a part has died."""
        return self._thread.is_alive()

    @property
    def counter(self) -> Counter:
        """What came in, by door and outcome, for /metrics."""
        return self._tally.counter

    @property
    def chores(self) -> list[Chore]:
        """What the doors must do now and then; a failure is logged when it begins and when it is over."""
        return [replace(chore, work=partial(self._do, chore)) for door in self._doors for chore in door.chores]

    def _do(self, chore: Chore) -> None:
        try:
            chore.work()
        except Exception:
            if self._outages.lost(chore.name, self._now()):
                _log.exception("chore.failed", chore=chore.name)
            return
        if ended := self._outages.back(chore.name, self._now()):
            _log.info("chore.recovered", chore=chore.name, n_failures=ended["n_failures"], lost_s=ended["lost_s"])

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Take no more requests, finish those that are at hand, and let each door do what is left."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(END_TIME + 5)
        self._socket.close()
        for door in self._doors:
            self._do(Chore("close", timedelta(0), door.close))  # what fails now must not keep the daemon from ending

    def _serve(self) -> None:
        self._server.run([self._socket])


def _listen(host: str, port: int, file: str) -> socket.socket:
    """Taken before anything is started, so that a port that is not free stops the start.

    Raises: ConfigError.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        raise ConfigError(file, "web.port", f"{host}:{port} cannot be listened on: {error.strerror or error}") from None


def _config(app: Any) -> uvicorn.Config:
    # It would say in the log whatever a stranger sends that is not HTTP.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    return uvicorn.Config(
        app,
        http=Prompt,
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=IDLE_TIME,
        timeout_graceful_shutdown=END_TIME,
        h11_max_incomplete_event_size=MOST_HEAD,
    )


class Prompt(H11Protocol):
    """HTTP/1.1 in which a request must come in whole within REQUEST_TIME.

    uvicorn has no such limit, and a byte now and then would hold a connection for ever.
    Source: github.com/Kludex/uvicorn/issues/157
    """

    _ends: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._ends = self.loop.call_later(REQUEST_TIME, transport.abort)

    def handle_events(self) -> None:
        super().handle_events()
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._disarm()  # it is all here: how long we take to answer is our own affair
        elif self._ends is None:
            self._ends = self.loop.call_later(REQUEST_TIME, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def _disarm(self) -> None:
        if self._ends is not None:
            self._ends.cancel()
            self._ends = None
