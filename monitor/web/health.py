"""/healthz, /readyz and /metrics: how the daemon is, for machines that watch it."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any, Protocol
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy.exc import SQLAlchemyError

from monitor.app import App
from monitor.store import outbox, sources
from monitor.store.engine import reading

if TYPE_CHECKING:
    from monitor.web.server import WebServer

LAG_LIMIT = timedelta(minutes=5)  # of a queue, beyond which the daemon says that it is not ready

StartResponse = Callable[..., Any]


class Watched(Protocol):
    """What is asked about the daemon."""

    @property
    def app(self) -> App: ...

    @property
    def is_alive(self) -> bool: ...

    @property
    def web(self) -> "WebServer | None": ...

    def lags(self) -> dict[str, timedelta]: ...


class HealthServer:
    """Serves the three paths on a port of its own, in threads of its own."""

    def __init__(self, daemon: Watched) -> None:
        self._app, self._daemon = daemon.app, daemon
        registry = CollectorRegistry()
        registry.register(_Collector(daemon))
        if daemon.web:
            registry.register(daemon.web.counter)
        self._metrics = make_wsgi_app(registry, disable_compression=True)
        table = daemon.app.settings.daemon
        self._server = make_server(
            table.health_host, table.health_port, self._answer, server_class=_Threading, handler_class=_Quiet
        )
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            return self._measured(environ, start_response)
        if path == "/healthz":
            return _say(start_response, self._daemon.is_alive, {"alive": self._daemon.is_alive})
        if path == "/readyz":
            return self._ready(start_response)
        start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
        return [b"/healthz, /readyz and /metrics are here\n"]

    def _measured(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        try:
            return self._metrics(environ, start_response)  # type: ignore[no-any-return]
        except SQLAlchemyError as error:  # every figure is in the store: the scrape fails, and says why
            return _say(start_response, False, {"why": f"the store: {type(error).__name__}"})

    def _ready(self, start_response: StartResponse) -> Iterable[bytes]:
        try:
            lags = self._daemon.lags()
        except SQLAlchemyError as error:
            return _say(start_response, False, {"ready": False, "why": f"the store: {type(error).__name__}"})
        late = {queue: round(lag.total_seconds()) for queue, lag in lags.items() if lag > LAG_LIMIT}
        seconds = {queue: round(lag.total_seconds(), 3) for queue, lag in lags.items()}
        return _say(start_response, not late, {"ready": not late, "late_s": late, "lag_s": seconds})


def _say(start_response: StartResponse, is_well: bool, body: dict[str, Any]) -> Iterable[bytes]:
    start_response("200 OK" if is_well else "503 Service Unavailable", [("Content-Type", "application/json")])
    return [json.dumps(body).encode()]


class _Collector:
    """Reads the figures from the store when they are asked for: nothing is counted in memory."""

    def __init__(self, daemon: Watched) -> None:
        self._app, self._daemon = daemon.app, daemon

    def collect(self) -> Iterator[Metric]:
        lag = GaugeMetricFamily("heedful_queue_lag_seconds", "Age of the oldest due row.", labels=["queue"])
        for queue, waited in self._daemon.lags().items():
            lag.add_metric([queue], waited.total_seconds())
        yield lag
        with reading(self._app.engine) as connection:
            reports = sources.report(connection)
            sent = outbox.counts(connection)
        yield from self._sources(reports)
        deliveries = GaugeMetricFamily("heedful_deliveries", "Messages by state.", labels=["channel", "status"])
        for (channel, status), n in sent.items():
            deliveries.add_metric([channel, status], n)
        yield deliveries

    def _sources(self, reports: list[sources.SourceReport]) -> Iterator[Metric]:
        now = self._app.now()
        age = GaugeMetricFamily("heedful_source_read_age_seconds", "Since the last complete read.", labels=["source"])
        failures = GaugeMetricFamily("heedful_source_failures", "Failures in a row.", labels=["source"])
        bad = GaugeMetricFamily("heedful_source_quarantined", "Payloads that could not be read.", labels=["source"])
        for report in reports:
            if report.closed_at is None:
                age.add_metric([report.id], (now - (report.last_read_at or report.added_at)).total_seconds())
                failures.add_metric([report.id], report.n_failures)
                bad.add_metric([report.id], report.n_quarantined)
        yield from (age, failures, bad)


class _Threading(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    timeout = 10  # a client that dribbles does not hold a thread for ever

    def log_message(self, *_args: Any) -> None:
        """Say nothing: a probe every few seconds is no event."""
