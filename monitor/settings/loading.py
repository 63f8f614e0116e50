"""Reads the whole configuration, refusing whatever could not work, all at once."""

import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from monitor.core.alerts import Timings
from monitor.core.nearest import nearest
from monitor.core.playbooks import parse_playbook
from monitor.core.rota import Rota
from monitor.core.routing import Ladder, Route
from monitor.core.rules import Known, RuleSet, list_files, load_rules, parse_list
from monitor.core.telling import Person
from monitor.core.threads import FoldPolicy
from monitor.errors import ConfigError, ConfigErrors
from monitor.files import default_database_url, expand, placed_database_url, read_toml, shipped
from monitor.model import PlaybookBrief, Severity
from monitor.settings.brands import BrandSettings, read_brand
from monitor.settings.digests import DigestSettings, read_digests
from monitor.settings.people import read_people
from monitor.settings.reading import Raw, Reading
from monitor.settings.routes import check_routes, read_routing, route_names
from monitor.settings.signals import read_own_signals, read_second_opinion
from monitor.settings.sources import (
    AccountSettings,
    ChannelConfig,
    Classes,
    PlaceReader,
    SourceSettings,
    read_channels,
)
from monitor.settings.tables import (
    ID_PATTERN,
    AlertsTable,
    CredentialsTable,
    DaemonSettings,
    DatabaseSettings,
    SecondOpinionSettings,
    ThreadsTable,
    WatchSettings,
    WebSettings,
)
from monitor.signals.own import Own

TOP = (
    "database",
    "daemon",
    "web",
    "credentials",
    "brands",
    "accounts",
    "sources",
    "channels",
    "people",
    "digests",
    "routes",
    "ladders",
    "rotas",
    "alerts",
    "watch",
    "threads",
    "signals",
    "second_opinion",
)
FILES = ("rules", "playbooks")
SHIPPED = "shipped"  # what stands for our own rules or playbooks in the configuration
T = TypeVar("T")


class Available(Mapping[str, type[T]], Generic[T]):
    """A registry as a mapping: each class is imported when it is first asked for (NotFound if it cannot be)."""

    def __init__(self, names: Collection[str], load: Callable[[str], type[T]]) -> None:
        self._names, self._load = names, load
        self._loaded: dict[str, type[T]] = {}

    def __getitem__(self, name: str) -> type[T]:
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True)
class Settings:
    """Everything configured, validated. `warnings` are what works but should be looked at."""

    file: Path
    database: DatabaseSettings
    daemon: DaemonSettings
    web: WebSettings
    credentials: CredentialsTable
    brands: dict[str, BrandSettings]
    accounts: dict[str, AccountSettings]
    sources: dict[str, SourceSettings]
    channels: dict[str, ChannelConfig]
    people: dict[str, Person]
    digests: dict[str, DigestSettings]
    routes: list[Route]
    ladders: dict[str, Ladder]
    rotas: dict[str, Rota]
    rota_calendars: dict[str, str] = field(repr=False)  # by rota: where its calendar is
    timings: Timings
    passes: Severity
    fold: FoldPolicy
    watch: WatchSettings
    rules: RuleSet = field(repr=False)
    playbooks: dict[str, PlaybookBrief] = field(repr=False)
    signals: dict[str, Own] = field(default_factory=dict)
    second_opinion: SecondOpinionSettings | None = None
    warnings: tuple[str, ...] = ()


def load_settings(
    path: Path, connectors: Classes, channels: Classes, environ: Mapping[str, str] | None = None
) -> Settings:
    """Read and validate the configuration.

    Raises: ConfigErrors (a ConfigError) with every fault at once: stop, or keep the settings that you have.
    """
    reading = Reading(str(path), path.parent, os.environ if environ is None else environ)
    raw = read_toml(path)
    for key in raw:
        if key not in (*TOP, *FILES):
            reading.refuse(key, f"unknown table{nearest(key, (*TOP, *FILES))}")
    loaded = _load(reading, raw, connectors, channels, path)
    if reading.errors or loaded is None:
        raise ConfigErrors(reading.errors)
    return loaded


def _load(reading: Reading, raw: Raw, connectors: Classes, kinds: Classes, path: Path) -> Settings | None:
    for kind in ("brands", "accounts", "sources", "channels", "people", "ladders", "rotas", "digests"):
        _check_names(reading, kind, reading.table(raw, kind))
    database = _read_database(reading, raw)
    daemon = reading.read(DaemonSettings, reading.table(raw, "daemon"), "daemon")
    web = reading.read(WebSettings, reading.table(raw, "web"), "web")
    credentials = reading.read(CredentialsTable, reading.table(raw, "credentials"), "credentials")
    alerts = reading.read(AlertsTable, reading.table(raw, "alerts"), "alerts")
    threads = reading.read(ThreadsTable, reading.table(raw, "threads"), "threads")
    watch = _read_watch(reading, raw)
    brands = _read_brands(reading, raw)
    accounts, sources = PlaceReader(reading, connectors, reading.table(raw, "brands")).read(raw)
    channels = read_channels(reading, raw, kinds)
    people = read_people(reading, raw)
    digests = read_digests(reading, raw, people)
    _check_stakeholders(reading, brands, (*people, *reading.table(raw, "channels")))
    routing = read_routing(reading, raw, reading.table(raw, "people"))
    playbooks = _read_playbooks(reading, raw.get("playbooks", SHIPPED))
    own_signals = read_own_signals(reading, raw)
    known = Known(
        playbooks=playbooks,
        routes=route_names(raw.get("routes")),
        brands=reading.table(raw, "brands"),
        sources=reading.table(raw, "sources"),
        own_signals=own_signals,
    )
    second_opinion = read_second_opinion(reading, raw, known)
    rules = _read_rules(reading, raw, known)
    if rules:
        platforms = {*connectors, *(source.platform for source in sources.values())}
        check_routes(reading, raw.get("routes"), rules.titles, () if reading.errors else platforms)
    if not (database and daemon and web and credentials and alerts and watch and threads and rules):
        return None
    return Settings(
        file=path,
        database=database,
        daemon=daemon,
        web=web,
        credentials=credentials,
        brands=brands,
        accounts=accounts,
        sources=sources,
        channels=channels,
        people=people,
        digests=digests,
        routes=list(routing.routes),
        ladders=routing.ladders,
        rotas=routing.rotas,
        rota_calendars=routing.calendars,
        timings=Timings(alerts.group_wait, alerts.intervals, alerts.reminders, alerts.reopen_within),
        passes=Severity(alerts.passes),
        fold=FoldPolicy(**threads.model_dump()),
        watch=watch,
        rules=rules,
        playbooks=playbooks or {},
        signals=own_signals,
        second_opinion=second_opinion,
        warnings=tuple(reading.warnings),
    )


def _check_names(reading: Reading, kind: str, tables: Raw) -> None:
    for name in tables:
        if not re.fullmatch(ID_PATTERN, name):
            reading.refuse(f"{kind}.{name}", "a name is made of letters, digits, . _ - and @, at most 80")


def _read_database(reading: Reading, raw: Raw) -> DatabaseSettings | None:
    found = reading.read(DatabaseSettings, reading.table(raw, "database"), "database")
    if found is None:
        return None
    url = found.url or default_database_url(reading.environ)
    if not url.startswith(("sqlite", "postgresql")):
        reading.refuse("database.url", 'must begin with "sqlite:///" or "postgresql://"')
        return None
    return DatabaseSettings(url=placed_database_url(url, reading.directory))


def _check_stakeholders(reading: Reading, brands: Mapping[str, BrandSettings], known: Collection[str]) -> None:
    for brand_id, brand in brands.items():
        for name in brand.stakeholders:
            if name not in known:
                key = f"brands.{brand_id}.stakeholders"
                reading.refuse(key, f'there is no person and no channel "{name}"{nearest(name, known)}')


def _read_watch(reading: Reading, raw: Raw) -> WatchSettings | None:
    found = reading.read(WatchSettings, reading.table(raw, "watch"), "watch")
    if found is None:
        return None
    brands = reading.table(raw, "brands")
    if found.brand and found.brand not in brands:
        reading.refuse("watch.brand", f'there is no brand "{found.brand}"{nearest(found.brand, brands)}')
    if found.heartbeat_url and not found.heartbeat_url.startswith(("https://", "http://")):
        reading.refuse("watch.heartbeat_url", "must be a complete address, beginning with https://")
    return found


def _read_brands(reading: Reading, raw: Raw) -> dict[str, BrandSettings]:
    found = {}
    for name, table in reading.table(raw, "brands").items():
        if not isinstance(table, dict):
            reading.refuse(f"brands.{name}", "must be a table")
        elif brand := read_brand(reading, name, table):
            found[name] = brand
    return found


def _read_rules(reading: Reading, raw: Raw, known: Known) -> RuleSet | None:
    """The rules of every file named, or of ours; None where any is faulty (refused)."""
    names = raw.get("rules", [SHIPPED])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        reading.refuse("rules", 'must be a list of files, such as ["shipped", "rules.toml"]')
        return None
    tables: list[tuple[str, Raw]] = []
    lists: dict[str, Sequence[str]] = {}
    try:
        for name in names:
            path = shipped("config", "rules.toml") if name == SHIPPED else _path(reading, name)
            if not path.exists():
                beside = [SHIPPED, *(other.name for other in sorted(reading.directory.glob("*.toml")))]
                reading.refuse("rules", f"there is no file {path}{nearest(name, beside)}")
                return None
            tables.append((str(path), read_toml(path)))
            lists |= _read_lists(path, tables[-1])
        return load_rules(tables, known, lists)
    except ConfigErrors as error:
        reading.errors.extend(error.errors)
    except ConfigError as error:
        reading.errors.append(error)
    return None


def _read_lists(path: Path, table: tuple[str, Raw]) -> dict[str, Sequence[str]]:
    """The lists of people that a file of rules keeps in files beside it."""
    try:
        return {
            name: parse_list((path.parent / file).read_text(encoding="utf-8"))
            for name, file in list_files([table]).items()
        }
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), "lists", f"a list cannot be read: {error}") from None


def _read_playbooks(reading: Reading, directory: Any) -> dict[str, PlaybookBrief] | None:
    """Our playbooks, and the configured directory's over them; None where any is faulty (refused)."""
    n_errors = len(reading.errors)
    places = [shipped("config", "playbooks")]
    if not isinstance(directory, str):
        reading.refuse("playbooks", "must be the name of a directory")
    elif directory != SHIPPED:
        places.append(_path(reading, directory))
        if not places[1].is_dir():
            reading.refuse("playbooks", f"there is no directory {places[1]}")
    found: dict[str, PlaybookBrief] = {}
    for path in (path for place in places for path in sorted(place.glob("*.md"))):
        try:
            playbook = parse_playbook(path.read_text(encoding="utf-8"), str(path))
            found[playbook.name] = playbook
        except ConfigError as error:
            reading.errors.append(error)
        except (OSError, UnicodeDecodeError) as error:
            reading.errors.append(ConfigError(str(path), "", f"cannot be read: {error}"))
    return found if len(reading.errors) == n_errors else None


def _path(reading: Reading, name: str) -> Path:
    return expand(name, reading.directory, reading.environ)
