"""Accounts, sources and channels: tables whose keys are partly ours and partly a connector's or a channel's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from sys import intern
from typing import Any

from pydantic import BaseModel

from monitor.core.nearest import nearest
from monitor.core.telling import NO_CAP, Cap
from monitor.errors import NotFound
from monitor.settings.reading import Raw, Reading, Table, known_keys
from monitor.settings.tables import AccountTable, ChannelTable, SourceTable

SHORTEST = timedelta(seconds=1)
SHORTEST_SECRET = 16


Classes = Mapping[str, type[Any]]


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """Our credentials at a platform; its sources' settings hold them too."""

    connector: str
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    budget: float | None = None  # in the connector's unit and window
    push_secret: str = field(default="", repr=False)
    verify_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """One watched place. `account` is "source:<id>" where none is named: it shares its quota with nobody."""

    brand: str
    connector: str
    platform: str
    account: str
    every: timedelta
    settings: Any


@dataclass(frozen=True, slots=True)
class ChannelConfig:
    """One chat target."""

    kind: str
    settings: Any
    cap: Cap = NO_CAP


@dataclass(frozen=True, slots=True)
class _Account:
    connector: str
    client_id: str
    client_secret: str = field(repr=False)
    budget: float | None
    push_secret: str = field(repr=False)
    verify_token: str = field(repr=False)
    prepared: Raw
    homes: Mapping[str, str]  # each of its keys -> "accounts.<id>", to say where a fault is


@dataclass
class PlaceReader:
    """Reads accounts and sources; each connector class is looked up once."""

    reading: Reading
    connectors: Classes
    brands: Mapping[str, Any]

    def read(self, raw: Raw) -> tuple[dict[str, AccountSettings], dict[str, SourceSettings]]:
        accounts = {
            name: account
            for name, table in self.reading.table(raw, "accounts").items()
            if (account := self._account(name, table))
        }
        every_account = set(self.reading.table(raw, "accounts"))
        sources = {
            intern(name): source
            for name, table in self.reading.table(raw, "sources").items()
            if (source := self._source(name, table, accounts, every_account))
        }
        read = {
            name: AccountSettings(a.connector, a.client_id, a.client_secret, a.budget, a.push_secret, a.verify_token)
            for name, a in accounts.items()
        }
        return read, sources

    def _account(self, name: str, raw: object) -> _Account | None:
        key = f"accounts.{name}"
        own, rest = _split(self.reading, AccountTable, raw, key)
        table = self.reading.read(AccountTable, own, key) if own is not None else None
        if table is None or not (found := self._class(table.connector, f"{key}.connector")):
            return None
        _refuse_unknown(self.reading, found.Settings, rest, key, ())
        rest = {name: value for name, value in rest.items() if name in known_keys(found.Settings)}
        prepared = self.reading.prepare(found.Settings, rest, key)
        refused = {field for place, field in self.reading.settled if place == key}
        homes = dict.fromkeys((found.Settings.model_fields.keys() & prepared) | refused, key)
        budget = table.budget
        if budget is not None and getattr(found.abilities, "budget", None) is None:
            self.reading.refuse(f"{key}.budget", f'the connector "{table.connector}" does not say what it spends')
        self._check_push(table, found, key)
        keys = (table.client_id, table.client_secret, budget, table.push_secret, table.verify_token)
        return _Account(table.connector, *keys, prepared, homes)

    def _check_push(self, table: AccountTable, found: type[Any], key: str) -> None:
        """A secret that keeps nobody out, or that no platform would sign with, is a mistake."""
        if not table.push_secret:
            if table.verify_token:
                self.reading.refuse(f"{key}.verify_token", "needs push_secret too")
        elif not hasattr(found, "push"):
            self.reading.refuse(f"{key}.push_secret", f'the platform of "{table.connector}" tells nothing by itself')
        elif min(len(one) for one in table.push_secret.split() or [""]) < SHORTEST_SECRET:
            self.reading.refuse(f"{key}.push_secret", f"has fewer than {SHORTEST_SECRET} characters: it can be guessed")

    def _source(self, name: str, raw: object, accounts: Mapping[str, _Account], named: set[str]) -> Any:
        key = f"sources.{name}"
        own, rest = _split(self.reading, SourceTable, raw, key)
        table = self.reading.read(SourceTable, own, key) if own is not None else None
        if table is None:
            return None
        if table.every < SHORTEST:
            self.reading.refuse(f"{key}.every", "is shorter than a second")
        if table.brand not in self.brands:
            self.reading.refuse(f"{key}.brand", f'there is no brand "{table.brand}"{nearest(table.brand, self.brands)}')
        account = accounts.get(table.account)
        if table.account and table.account not in named:
            self.reading.refuse(
                f"{key}.account", f'there is no account "{table.account}"{nearest(table.account, named)}'
            )
        if (table.account and account is None) or not (connector := self._connector(table, account, key)):
            return None
        settings = self._settings(self.connectors[connector].Settings, rest, account, key)
        if settings is None:
            return None
        return SourceSettings(
            brand=intern(table.brand),
            connector=intern(connector),
            platform=self.connectors[connector].platform,
            account=intern(table.account or f"source:{name}"),
            every=table.every,
            settings=settings,
        )

    def _connector(self, table: SourceTable, account: _Account | None, key: str) -> str:
        """The connector's name, "" where there is none (refused)."""
        if account and table.connector not in ("", account.connector):
            self.reading.refuse(f"{key}.connector", f'its account "{table.account}" is of "{account.connector}"')
        name = table.connector or (account.connector if account else "")
        if not name:
            self.reading.refuse(f"{key}.connector", f"is missing{nearest('', self.connectors)}")
        return name if name and self._class(name, f"{key}.connector") else ""

    def _settings(self, model: type[BaseModel], rest: Raw, account: _Account | None, key: str) -> BaseModel | None:
        _refuse_unknown(self.reading, model, rest, key, known_keys(SourceTable))
        prepared = self.reading.prepare(model, {n: rest[n] for n in rest if n in known_keys(model)}, key)
        if account:
            homes = {name: home for name, home in account.homes.items() if name not in prepared}
            return self.reading.validate(model, {**account.prepared, **prepared}, key, homes)
        return self.reading.validate(model, prepared, key)

    def _class(self, name: str, key: str) -> type[Any] | None:
        found = find_class(self.reading, self.connectors, name, "connector", key)
        if found is None or not (taken := taken_keys(found.Settings)):
            return found
        says = f'every source or account has that key already, so the connector "{name}" would never be given it'
        self.reading.refuse(key, f"{' and '.join(taken)}: {says}; its author must rename the setting")
        return None


def taken_keys(model: type[BaseModel]) -> list[str]:
    """Which keys of a connector's settings are ours: what is written there never reaches the connector."""
    ours = {*known_keys(SourceTable), *known_keys(AccountTable)}
    return [name for name in known_keys(model) if name in ours]


def read_channels(reading: Reading, raw: Raw, kinds: Classes) -> dict[str, ChannelConfig]:
    channels = {}
    for name, table in reading.table(raw, "channels").items():
        key = f"channels.{name}"
        own, rest = _split(reading, ChannelTable, table, key)
        channel = reading.read(ChannelTable, own, key) if own is not None else None
        found = channel and find_class(reading, kinds, channel.kind, "channel kind", f"{key}.kind")
        if not channel or not found:
            continue
        settings = reading.read(found.Settings, rest, key)
        if settings is not None:
            cap = Cap(channel.budget_per_hour, channel.budget_per_day)
            channels[name] = ChannelConfig(channel.kind, settings, cap)
    return channels


def find_class(reading: Reading, classes: Classes, name: str, what: str, key: str) -> type[Any] | None:
    """The class of this name, or None (refused)."""
    try:
        return classes[name]
    except NotFound as error:
        hint = nearest(name, classes) if name not in classes else ""
        reading.refuse(key, f"{error}{hint if 'did you mean' in hint else ''}")
    except KeyError:
        reading.refuse(key, f'there is no {what} "{name}"{nearest(name, classes)}')
    return None


def _split(reading: Reading, ours: type[Table], raw: object, key: str) -> tuple[Raw | None, Raw]:
    """The keys that are ours, and the rest."""
    if not isinstance(raw, dict):
        reading.refuse(key, "must be a table")
        return None, {}
    fields = known_keys(ours)
    return {n: v for n, v in raw.items() if n in fields}, {n: v for n, v in raw.items() if n not in fields}


def _refuse_unknown(reading: Reading, model: type[BaseModel], rest: Raw, key: str, also: Any) -> None:
    for name in rest:
        if name not in known_keys(model):
            reading.refuse(f"{key}.{name}", f"unknown key{nearest(name, [*known_keys(model), *also])}")
