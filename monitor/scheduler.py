"""The daemon: a clock that wakes the seven queues, threads that work them, and a clean end."""

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from types import FrameType
from typing import TYPE_CHECKING

from apscheduler.schedulers.background import BackgroundScheduler

from monitor import log
from monitor.app import App, read_settings
from monitor.core.self_watch import Limits
from monitor.errors import ConfigError
from monitor.flows import assess, digests, notify, prune, rotas
from monitor.flows.deliver import Deliverer
from monitor.flows.due import Crew, Pump
from monitor.flows.leases import Leases
from monitor.flows.lines import Lines
from monitor.flows.links import LinkOpener
from monitor.flows.memory import Memory
from monitor.flows.poll import Poller
from monitor.flows.self_watch import Heartbeat, SelfWatch
from monitor.store import due, outbox, sources
from monitor.store.engine import reading, writing
from monitor.store.wake import Wakes
from monitor.systemd import notify as tell_systemd
from monitor.web.health import HealthServer

if TYPE_CHECKING:
    from monitor.web.server import WebServer

_log = log.get()

PRUNE_EVERY = timedelta(minutes=10)
DRILL_EVERY = timedelta(hours=6)
SHORTEST_NAP_S = 0.02  # what is due within it is taken up together
LOOK_EVERY = timedelta(minutes=1)  # at how the daemon itself is


def settle_memory() -> None:
    """Leave what is loaded by now out of garbage collections, and make them rarer.

    A page makes thousands of short-lived objects without a cycle: with Python's own thresholds a tenth of the
    daemon's time went into looking for cycles among them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


class Daemon:
    """Runs one App until it is told to stop."""

    def __init__(self, app: App) -> None:
        self.app = app
        daemon = app.settings.daemon
        self._stop = threading.Event()
        self.pumps: Mapping[str, Pump] = {
            "sources": Pump("sources", self._poll),
            "threads": Pump("threads", self._assess),
            "alerts": Pump("alerts", self._notify),
            "deliveries": Pump("deliveries", self._deliver),
            "links": Pump("links", self._open_links),
            "second_opinions": Pump("second_opinions", self._ask),
            "digests": Pump("digests", self._digest),
        }
        self._memory = Memory()
        self._heart: Heartbeat | None = None
        poller = Poller(app.engine, lambda: app.plan, self._memory, app.now, self.wake)
        deliverer = Deliverer(app.engine, lambda: app.plan, app.now, self.wake)
        self._poller = poller
        self._links = LinkOpener(app.engine, lambda: app.plan, app.http, app.now, self.wake)
        self._pollers = Crew("poll", daemon.poll_threads, self.pumps["sources"].wake)
        self._senders = Crew("deliver", daemon.deliver_threads, self.pumps["deliveries"].wake)
        self._leases = {queue: Leases(queue, app.engine, app.now) for queue in ("sources", "deliveries")}
        self._lines = Lines(lambda: app.plan, deliverer, self._leases["deliveries"], self._stop.is_set)
        self._wakes = Wakes(app.engine, self._hear) if app.engine.dialect.name == "postgresql" else None
        self._clock = BackgroundScheduler(timezone="UTC", job_defaults={"max_instances": 1, "coalesce": True})
        self.web = self._open_web()
        self._health = HealthServer(self) if daemon.health_port else None

    def _open_web(self) -> "WebServer | None":
        if not self.app.settings.web.port:
            return None
        from monitor.web.server import WebServer  # 10 MiB that a daemon without it does not pay

        return WebServer(self)

    def wake(self, queue: str) -> None:
        """A commit made rows of this queue due: look at it now instead of at the next tick."""
        self.pumps[queue].wake()
        if self._wakes:
            self._wakes.say(queue)

    def _hear(self, queue: str) -> None:
        """Another host made rows of this queue due; "" is any of them, and what we do not know is not for us."""
        for name, pump in self.pumps.items():
            if queue in ("", name):
                pump.wake()

    def start(self) -> None:
        """Upgrade the store, take over the configuration and begin."""
        settle_memory()
        self.app.upgrade()
        self.app.sync()
        for name, pump in self.pumps.items():
            pump.start()
            self._every(f"tick-{name}", self.app.settings.daemon.tick, pump.wake)
        self._every("leases", self.app.settings.daemon.lease / 3, self._renew_leases)
        self._every("prune", PRUNE_EVERY, self._prune)
        self._every("credentials", DRILL_EVERY, self._drill)
        self._drill()
        self._every("self-watch", LOOK_EVERY, self._look)
        self._every("rotas", rotas.EVERY, self._fetch_rotas)
        self._clock.add_job(self._fetch_rotas, id="rotas-first")
        self._every("heartbeat", self.app.settings.watch.heartbeat_every, self._beat)
        self._every("watchdog", timedelta(seconds=10), self._watchdog)
        self._clock.start()
        if self._wakes:
            self._wakes.start()
        for pump in self.pumps.values():
            pump.wake()
        if self._health:
            self._health.start()
        if self.web:
            self.web.start()
            for chore in self.web.chores:
                self._every(chore.name, chore.every, chore.work)
        tell_systemd("READY=1")
        _log.info(
            "daemon.started",
            sources=len(self.app.settings.sources),
            channels=len(self.app.settings.channels),
            database=self.app.engine.dialect.name,
        )

    def run(self) -> None:
        """Start, and work until SIGINT or SIGTERM; SIGHUP reads the configuration again."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGHUP, self._on_reload)
        self.start()
        while not self._stop.wait(1.0):
            pass
        if not self.stop():
            # A thread that hangs in somebody else's code would keep the process. Its row is due when the lease ends.
            sys.stdout.flush()
            os._exit(0)

    def stop(self) -> bool:
        """End: nothing new is claimed, what is at hand is finished, within the lease. Whether it all was."""
        tell_systemd("STOPPING=1")
        self._stop.set()
        ends = monotonic() + self.app.settings.daemon.lease.total_seconds()
        self._clock.shutdown(wait=False)
        if self.web:
            self.web.stop()
        if self._wakes:
            self._wakes.stop()
        for pump in self.pumps.values():
            pump.stop(max(0.0, ends - monotonic()))
        crews = [threading.Thread(target=crew.stop, daemon=True) for crew in (self._pollers, self._senders)]
        for thread in crews:
            thread.start()
        for thread in crews:
            thread.join(max(0.0, ends - monotonic()))
        if self._health:
            self._health.stop()
        is_done = not any(thread.is_alive() for thread in crews) and not any(
            pump.is_alive for pump in self.pumps.values()
        )
        if is_done:
            self.app.close()
        _log.info("daemon.stopped", unfinished=not is_done)
        return is_done

    @property
    def is_alive(self) -> bool:
        """Whether every queue still has its worker, and the web application its thread."""
        return (self.web is None or self.web.is_alive) and all(pump.is_alive for pump in self.pumps.values())

    def lags(self) -> dict[str, timedelta]:
        """How long the oldest due row of each queue has waited; second opinions may be as slow as they like."""
        now = self.app.now()
        with reading(self.app.engine) as connection:
            return {queue: due.lag(connection, queue, now) for queue in self.pumps if queue != "second_opinions"}

    def reload(self) -> None:
        """Read the configuration file again; a bad one is refused, and the present settings stay."""
        try:
            settings = read_settings(self.app.settings.file)
        except ConfigError as error:
            _log.error("config.refused", says=str(error))
            return
        self.app.reload(settings)
        self.wake("sources")
        _log.info("config.reloaded", sources=len(settings.sources))

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stop.set()

    def _on_reload(self, _number: int, _frame: FrameType | None) -> None:
        threading.Thread(target=self.reload, name="reload", daemon=True).start()

    def _every(self, name: str, interval: timedelta, work: Callable[[], object]) -> None:
        self._clock.add_job(work, "interval", seconds=interval.total_seconds(), id=name)

    def _poll(self) -> float | None:
        app, now = self.app, self.app.now()
        while self._pollers.n_free and self._is_due("sources", now):
            per_account = app.settings.daemon.per_account
            with writing(app.engine) as connection:
                claims = sources.claim(
                    connection, now, app.plan.lease, self._pollers.n_free, self._pollers.busy(), per_account
                )
            for account, claimed in claims:
                work = self._leases["sources"].holding(self._poller.poll, now, app.plan.lease)
                self._pollers.put(account, work, claimed)
            if not claims:
                break  # all that is due belongs to accounts that are busy: they wake us
        if not self._pollers.n_free:
            return None  # who is done wakes us
        with reading(app.engine) as connection:
            return self._until(due.next_after(connection, "sources", now), now)

    def _until(self, at: datetime | None, now: datetime) -> float | None:
        """Seconds until then, if that is before the next tick: what is to happen every second would else happen every
        other one, whenever the tick comes a moment too early.
        """
        if at is None or at - now > self.app.settings.daemon.tick:
            return None
        return max(SHORTEST_NAP_S, (at - self.app.now()).total_seconds())

    def _is_due(self, queue: str, now: datetime) -> bool:
        with reading(self.app.engine) as connection:
            return due.is_any_due(connection, queue, now)

    def _assess(self) -> None:
        app, fresh = self.app, self._memory.fresh
        while not self._stop.is_set() and assess.assess_due(app.engine, app.plan, app.now, self.wake, fresh):
            pass

    def _notify(self) -> None:
        while not self._stop.is_set() and notify.notify_due(self.app.engine, self.app.plan, self.app.now, self.wake):
            pass

    def _digest(self) -> None:
        while not self._stop.is_set() and digests.tell_due(self.app.engine, self.app.plan, self.app.now, self.wake):
            pass

    def _deliver(self) -> float | None:
        app, now = self.app, self.app.now()
        if not self._senders.n_free or not self._is_due("deliveries", now):
            return None
        busy = self._senders.busy()
        with reading(app.engine) as connection:
            waiting = [c for c in outbox.waiting_channels(connection, now) if c not in busy]
            free_at = outbox.next_free(connection, now) if waiting else None
        if waiting:
            with writing(app.engine) as connection:
                claims = outbox.claim(connection, waiting[: self._senders.n_free], now, app.plan.lease)
            for channel, claimed in claims:
                self._senders.put(channel, partial(self._lines.work_off, channel, now), claimed)
        return self._until(free_at, now)

    def _open_links(self) -> None:
        while not self._stop.is_set() and self._links.open_due():
            pass

    def _ask(self) -> None:
        app = self.app
        while not self._stop.is_set() and (adviser := app.plan.adviser):
            if not adviser.ask_due(app.engine, app.plan.lease, app.now, self.wake):
                return

    def _renew_leases(self) -> None:
        for held in self._leases.values():
            held.renew(self.app.plan.lease)

    def _prune(self) -> None:
        prune.prune(self.app.engine, self.app.plan, prune.Keep(), self.app.now())

    def _drill(self) -> None:
        if self.app.grants.drill():
            self.wake("alerts")

    def _fetch_rotas(self) -> None:
        app = self.app
        brand = app.settings.watch.brand or next(iter(app.settings.brands), "")
        fetcher = rotas.RotaFetcher(app.engine, lambda: app.plan, app.http, app.now)
        if fetcher.fetch_all(app.settings.rota_calendars, brand):
            self.wake("alerts")

    def _look(self) -> None:
        app = self.app
        table = app.settings.watch
        brand = table.brand or next(iter(app.settings.brands), "")
        limits = Limits(table.lag, table.unreadable_per_hour, table.free_mib * 2**20)
        if brand and SelfWatch(app.engine, brand, limits, app.now).look(self.lags()):
            self.wake("alerts")

    def _beat(self) -> None:
        """Only while all is well: the silence of what is stuck must be noticed too."""
        url = self.app.settings.watch.heartbeat_url
        if self._heart is None or self._heart.url != url:
            self._heart = Heartbeat(self.app.http, url)
        if url and self.is_alive and max(self.lags().values()) < self.app.settings.watch.lag:
            self._heart.beat()

    def _watchdog(self) -> None:
        if self.is_alive:
            tell_systemd("WATCHDOG=1")
