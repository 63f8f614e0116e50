"""Where the parts meet: from validated settings to a plan that the flows can work from."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

import connectors
from connectors.base import Abilities, Known
from monitor import channels, log, signals
from monitor.core.digests import Schedule
from monitor.errors import NotFound
from monitor.files import shipped
from monitor.flows import digests as digest_flow
from monitor.flows.plan import Brand, Plan, Reader
from monitor.grants import Grants
from monitor.http import HttpClient
from monitor.model import Budget, Recipient, StorageRules
from monitor.settings import AccountSettings, Available, Settings, SourceSettings, load_settings
from monitor.store import digests, migrate, sources, threads
from monitor.store.engine import open_engine, writing

if TYPE_CHECKING:
    from monitor.flows.hints import Listener
    from monitor.flows.second_opinions import Adviser

_log = log.get()

MAX_READERS = 1_000  # built connectors that are kept; more are built again when they are needed


def utc_now() -> datetime:
    return datetime.now(UTC)


def parts() -> tuple[Available[Any], Available[Any]]:
    """The connectors and the channels that there are, by name; each is imported when it is first asked for."""
    return Available(connectors.REGISTRY, connectors.load), Available(channels.REGISTRY, channels.load)


def read_settings(path: Path) -> Settings:
    """The settings of a configuration file, with our connectors and channels.

    Raises: ConfigErrors with every fault at once.
    """
    return load_settings(path, *parts())


class App:
    """The built parts of one configuration; `plan` is replaced as a whole by a reload."""

    def __init__(self, settings: Settings, now: Callable[[], datetime] = utc_now) -> None:
        self.now = now
        self.settings = settings
        daemon = settings.daemon
        pool = daemon.poll_threads + daemon.deliver_threads + (16 if settings.web.port else 8)
        self.engine: Engine = open_engine(settings.database.url, pool_size=pool)
        self.http = HttpClient()
        self.plan = self._build_plan(settings)

    @property
    def grants(self) -> Grants:
        return Grants(self.settings, self.engine, self.http, self.now)

    def _build_plan(self, settings: Settings) -> Plan:
        grants = Grants(settings, self.engine, self.http, self.now)
        return _build_plan(settings, self.http, Readers(settings, self.http, grants.access))

    def upgrade(self) -> None:
        """Bring the store to this version's schema."""
        before, after = migrate.upgrade(self.engine, shipped("migrations"))
        if before != after:
            _log.info("store.upgraded", before=before, after=after)

    def sync(self) -> None:
        """Make the store's sources match the configuration; if rules or signals changed, judge open threads again."""
        now = self.now()
        wanted = [
            sources.Wanted(source_id, source.brand, source.platform, source.account)
            for source_id, source in self.settings.sources.items()
        ]
        version = f"{self.settings.rules.digest} {signals.version(self.settings.signals)}{_asked(self.settings)}"
        with writing(self.engine) as connection:
            sources.sync(connection, wanted, now)
            digest_flow.sync(connection, self.plan, now)
            if threads.remembered(connection, "verdicts") != version:
                n = threads.mark_open_due(connection, now)
                threads.remember(connection, "verdicts", version)
                _log.info("rules.changed", threads=n)

    def reload(self, settings: Settings) -> None:
        """Work from new settings from now on; the database stays the one that was opened."""
        self.plan = self._build_plan(settings)
        self.settings = settings
        self.sync()

    def close(self) -> None:
        self.http.close()
        self.engine.dispose()


def build(settings: Settings, now: Callable[[], datetime] = utc_now) -> App:
    """Build the parts; nothing is contacted yet."""
    return App(settings, now)


def _build_plan(settings: Settings, http: HttpClient, readers: "Readers") -> Plan:
    return Plan(
        brands={
            brand_id: Brand(
                id=brand_id,
                name=brand.name,
                timezone=brand.timezone,
                calendar=brand.calendar,
                team=brand.team,
                forbidden=brand.forbidden,
                opens_links=brand.opens_links,
                quiet=brand.quiet,
                answer_within=brand.answer_within,
                stakeholders=_recipients(settings, brand.stakeholders),
            )
            for brand_id, brand in settings.brands.items()
        },
        intervals={source_id: source.every for source_id, source in settings.sources.items()},
        reader=readers,
        known=Known,
        channels={
            name: channels.load(channel.kind)(channel.settings, http) for name, channel in settings.channels.items()
        },
        people=settings.people,
        caps={name: channel.cap for name, channel in settings.channels.items()},
        passes=settings.passes,
        digests=_digests(settings),
        routes=tuple(settings.routes),
        ladders=settings.ladders,
        rotas=settings.rotas,
        rules=settings.rules,
        timings=settings.timings,
        playbooks=settings.playbooks,
        fold=settings.fold,
        lease=settings.daemon.lease,
        own_signals=settings.signals,
        adviser=_adviser(settings, http),
        budgets=_budgets(settings),
        listeners=_listeners(settings),
        storage={
            source_id: rules
            for source_id, source in settings.sources.items()
            if (rules := abilities(source.connector).storage) != StorageRules()
        },
    )


def _recipients(settings: Settings, names: Sequence[str]) -> tuple[Recipient, ...]:
    """People and channels, by name; a person is told by all of theirs."""
    found: list[Recipient] = []
    for name in names:
        person = settings.people.get(name)
        found += [Recipient(channel, name) for channel in person.channels] if person else [Recipient(name)]
    return tuple(dict.fromkeys(found))


def abilities(connector: str) -> Abilities:
    """What a connector of this name says of its platform."""
    return connectors.load(connector).abilities


def _digests(settings: Settings) -> dict[tuple[str, str], Schedule]:
    """What is told by the calendar, by its place in the queue."""
    return {
        (each.brand, digests.make_id(each.kind, each.recipient, each.name)): each
        for digest in settings.digests.values()
        for each in digest.schedules(settings.brands)
    }


def _budgets(settings: Settings) -> dict[str, Budget]:
    """What each account may spend: as the connector says, or as much as the configuration says of it."""
    found: dict[str, Budget] = {}
    for source in settings.sources.values():
        budget = abilities(source.connector).budget
        if budget is not None and source.account not in found:
            account = settings.accounts.get(source.account)
            own = account.budget if account else None
            found[source.account] = budget if own is None else replace(budget, n=own)
    return found


def _listeners(settings: Settings) -> "dict[str, Listener]":
    """The accounts whose platforms may tell us something. One app may serve several: they have one secret."""
    told = {name: account for name, account in settings.accounts.items() if account.push_secret}
    if not told or not settings.web.port:
        return {}
    from monitor.flows.hints import Listener

    def is_told(source: SourceSettings, account: AccountSettings) -> bool:
        theirs = told.get(source.account)
        return theirs is not None and (theirs.connector, theirs.push_secret) == (account.connector, account.push_secret)

    return {
        name: Listener(
            push=getattr(connectors.load(account.connector), "push"),  # noqa: B009 - not every connector has one
            secrets=account.push_secret.split(),
            verify_token=account.verify_token,
            sources={one: source.settings for one, source in settings.sources.items() if is_told(source, account)},
        )
        for name, account in told.items()
    }


def _asked(settings: Settings) -> str:
    """What the verdicts depend on where another model is asked; "" where none is."""
    table = settings.second_opinion
    return f" {table.model} {','.join(table.signals)} {table.band} {table.weight}" if table else ""


def _adviser(settings: Settings, http: HttpClient) -> "Adviser | None":
    table = settings.second_opinion
    if table is None:
        return None
    from monitor.core.opinions import Policy
    from monitor.flows.second_opinions import Adviser, Endpoint

    endpoint = Endpoint(table.base_url, table.model, table.api_key, table.timeout, table.budget_per_day)
    policy = Policy(_limits(settings, table.signals), table.band, table.weight, table.include_private)
    return Adviser(policy, endpoint, http)


def _limits(settings: Settings, names: Sequence[str]) -> dict[str, frozenset[float]]:
    """For each of these signals the values at which a rule, a flag or the fold decides something."""
    from monitor.signals.flags import thresholds

    fold = settings.fold
    decided = {
        *settings.rules.limits,
        *thresholds().items(),
        ("closing", fold.closing_threshold),
        ("needs_reply", fold.needs_reply_threshold),
        ("tagging_only", fold.tagging_threshold),
    }
    return {name: frozenset(limit for about, limit in decided if about == name) for name in names}


class Readers:
    """Builds each source's connector when it is first polled, and keeps the ones used lately."""

    def __init__(self, settings: Settings, http: HttpClient, access: Callable[[str], Any]) -> None:
        self._settings, self._http, self._access = settings, http, access
        self._built: OrderedDict[str, Any] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, source_id: str) -> Reader:
        """The connector of a source.

        Raises: NotFound: the configuration has no such source.
        """
        with self._lock:
            if source_id in self._built:
                self._built.move_to_end(source_id)
                return self._built[source_id]  # type: ignore[no-any-return]
        source = self._settings.sources.get(source_id)
        if source is None:
            raise NotFound(f'the configuration has no source "{source_id}"')
        reader = self._build(source)
        with self._lock:
            self._built[source_id] = reader
            while len(self._built) > MAX_READERS:
                self._built.popitem(last=False)
        return reader

    def _build(self, source: SourceSettings) -> Reader:
        found: Any = connectors.load(source.connector)
        access = self._access(source.account)
        return found(source.settings, self._http, access) if access else found(source.settings, self._http)  # type: ignore[no-any-return]
