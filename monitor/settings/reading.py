"""Reads one table of the configuration into its model, and collects what is wrong instead of stopping at it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from monitor.core.durations import parse_duration
from monitor.core.nearest import nearest
from monitor.errors import ConfigError
from monitor.files import expand, read_secret

Raw = dict[str, Any]
M = TypeVar("M", bound=BaseModel)
_SECRET_MARK = object()
SecretText = Annotated[str, Field(repr=False), _SECRET_MARK]  # a plain `str` that may be given as _env or _file


class Table(BaseModel):
    """One table of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


@dataclass
class Reading:
    """One reading of one configuration file: where it is, the environment, and what was found wrong."""

    file: str
    directory: Path
    environ: Mapping[str, str]
    errors: list[ConfigError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    refused: set[tuple[str, str]] = field(default_factory=set)  # (key, reason)
    settled: set[tuple[str, str]] = field(default_factory=set)  # (table, field): its value was refused already

    def refuse(self, key: str, reason: str) -> None:
        """Note an error once, however many tables share it."""
        if (key, reason) not in self.refused:
            self.refused.add((key, reason))
            self.errors.append(ConfigError(self.file, key, reason))

    def warn(self, warning: str) -> None:
        if warning not in self.warnings:
            self.warnings.append(warning)

    def table(self, raw: Mapping[str, Any], key: str, parent: str = "") -> Raw:
        """The table of this name, {} where it is absent or (refused) something else."""
        found = raw.get(key, {})
        if isinstance(found, dict):
            return found
        self.refuse(f"{parent}.{key}" if parent else key, "must be a table")
        return {}

    def prepare(self, model: type[BaseModel], raw: Raw, key: str) -> Raw:
        """The table with its durations read and its `_env` and `_file` secrets fetched."""
        kinds = _kinds(model)
        prepared = dict(raw)
        for name in (name for name in raw if name in kinds.durations):
            self._duration(prepared, name, f"{key}.{name}")
        for name in kinds.secrets:
            if f"{name}_env" in raw or f"{name}_file" in raw:
                self._secret(prepared, name, key)
        return prepared

    def validate(self, model: type[M], prepared: Raw, key: str, places: Mapping[str, str] | None = None) -> M | None:
        """The model, or None with each fault noted; `places` names other homes of single fields (an account)."""
        try:
            return model.model_validate(prepared)
        except ValidationError as error:
            for fault in error.errors(include_url=False, include_input=False):
                first = str(fault["loc"][0]) if fault["loc"] else ""
                home = (places or {}).get(first, key)
                if (home, first) in self.settled:
                    continue
                loc = ".".join(str(part) for part in fault["loc"])
                self.refuse(f"{home}.{loc}" if loc else home, _reason(model, first, fault["type"], fault["msg"]))
            return None

    def read(self, model: type[M], raw: Raw, key: str) -> M | None:
        return self.validate(model, self.prepare(model, raw, key), key)

    def _duration(self, prepared: Raw, name: str, key: str) -> None:
        try:
            given = prepared[name]
            prepared[name] = list(map(parse_duration, given)) if isinstance(given, list) else parse_duration(given)
        except ValueError as error:
            self.refuse(key, str(error))
            self.settled.add((key.removesuffix(f".{name}"), name))

    def _secret(self, prepared: Raw, name: str, key: str) -> None:
        ways = [way for way in (name, f"{name}_env", f"{name}_file") if way in prepared]
        given = {way: prepared.pop(way) for way in ways}
        way = ways[-1]
        try:
            if len(ways) > 1:
                raise ValueError(f"is given more than once: {', '.join(ways)}")
            prepared[name] = self._fetch_secret(way, given[way], f"{key}.{way}")
        except ValueError as error:
            self.refuse(f"{key}.{way}", str(error))
            self.settled.add((key, name))

    def _fetch_secret(self, way: str, where: object, key: str) -> str:
        if not isinstance(where, str) or not where:
            raise ValueError(f"must be the {'name of a variable' if way.endswith('_env') else 'path of a file'}")
        if way.endswith("_env"):
            if secret := self.environ.get(where):
                return secret
            raise ValueError(f"the environment variable {where} is not set")
        secret, warning = read_secret(expand(where, self.directory, self.environ))
        if warning:
            self.warn(f"{self.file}: {key}: {warning}")
        return secret


@dataclass(frozen=True)
class _Kinds:
    durations: frozenset[str]
    secrets: tuple[str, ...]


@cache
def _kinds(model: type[BaseModel]) -> _Kinds:
    """Which fields of a model are durations, and which are secrets."""
    fields = model.model_fields
    return _Kinds(
        frozenset(name for name, info in fields.items() if _mentions(info.annotation, timedelta)),
        tuple(secret_names(model)),
    )


def secret_names(model: type[BaseModel]) -> list[str]:
    """The fields that may be given as `_env` or `_file`."""
    return [name for name, info in model.model_fields.items() if _is_secret(info)]


def _is_secret(info: FieldInfo) -> bool:
    return _SECRET_MARK in info.metadata or _mentions(info.annotation, SecretStr)


def _mentions(annotation: object, wanted: type) -> bool:
    return annotation is wanted or any(_mentions(part, wanted) for part in get_args(annotation))


def known_keys(model: type[BaseModel]) -> list[str]:
    """Every key that this table may hold."""
    secrets = secret_names(model)
    return [*model.model_fields, *(f"{name}_{way}" for name in secrets for way in ("env", "file"))]


def _reason(model: type[BaseModel], name: str, kind: str, says: str) -> str:
    if kind == "extra_forbidden":
        return f"unknown key{nearest(name, known_keys(model))}"
    if kind == "missing":
        how = f'; give {name}_env = "NAME" or {name}_file = "path"' if name in secret_names(model) else ""
        info = model.model_fields.get(name)
        meaning = (info.description or "").strip().split("\n")[0] if info else ""
        return f"is missing{how}{f' ({meaning})' if meaning else ''}"
    return says.removeprefix("Value error, ").removeprefix("Assertion failed, ")
