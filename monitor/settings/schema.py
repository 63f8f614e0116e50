"""The JSON Schema of heedful.toml, for editors: made from the same models that read it."""

import json
from typing import Any

from pydantic import BaseModel

from monitor.settings.brands import BrandTable
from monitor.settings.digests import DigestTable
from monitor.settings.people import PersonTable
from monitor.settings.reading import Raw, secret_names
from monitor.settings.routes import CoverTable, LadderTable, RotaTable, RouteTable, StepTable
from monitor.settings.sources import Classes
from monitor.settings.tables import (
    ID_PATTERN,
    AccountTable,
    AlertsTable,
    ChannelTable,
    CredentialsTable,
    DaemonSettings,
    DatabaseSettings,
    SecondOpinionSettings,
    SignalTable,
    SourceTable,
    ThreadsTable,
    WatchSettings,
    WebSettings,
)

DURATION = {
    "type": "string",
    "pattern": r"^(\d+(\.\d+)?\s*(ms|s|m|h|d|w)\s*)+$",
    "examples": ["90s", "5m", "2h", "30d"],
}


def schema_text(connectors: Classes, channels: Classes) -> str:
    """The schema as it is published: config/heedful.schema.json."""
    return json.dumps(schema(connectors, channels), indent=1, ensure_ascii=False) + "\n"


def schema(connectors: Classes, channels: Classes) -> Raw:
    """The whole schema; the keys of sources and accounts depend on their connector, those of channels on their kind."""
    named = {name: _table(connectors[name].Settings) for name in connectors}
    kinds = {name: _table(channels[name].Settings) for name in channels}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "heedful.toml",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "rules": _texts('Files of rules, later ones over earlier ones; "shipped" are heedful\'s own.'),
            "playbooks": {
                "type": "string",
                "description": "A directory of playbooks over those that come with heedful.",
            },
            "database": _table(DatabaseSettings),
            "daemon": _table(DaemonSettings),
            "web": _table(WebSettings),
            "credentials": _table(CredentialsTable),
            "brands": _map(_table(BrandTable)),
            "accounts": _map(_shared(_table(AccountTable), "connector", named, is_partial=True)),
            "sources": _map(_shared(_table(SourceTable), "connector", named, is_partial=True)),
            "channels": _map(_shared(_table(ChannelTable), "kind", kinds, is_partial=False)),
            "people": _map(_table(PersonTable)),
            "digests": _map(_table(DigestTable)),
            "routes": {"type": "array", "items": _within_itself(_table(RouteTable), "routes")},
            "ladders": _map(_listing(LadderTable, "steps", StepTable)),
            "rotas": _map(_listing(RotaTable, "covers", CoverTable)),
            "alerts": _table(AlertsTable),
            "watch": _table(WatchSettings),
            "threads": _table(ThreadsTable),
            "signals": _map(_table(SignalTable) | {"additionalProperties": True}),
            "second_opinion": _table(SecondOpinionSettings),
        },
    }


def _texts(says: str) -> Raw:
    return {"type": "array", "items": {"type": "string"}, "description": says}


def _map(table: Raw) -> Raw:
    return {"type": "object", "propertyNames": {"pattern": f"^{ID_PATTERN}$"}, "additionalProperties": table}


def _within_itself(table: Raw, name: str) -> Raw:
    """A table that may hold others of its own kind."""
    inner = {"type": "array", "items": {"$ref": f"#/properties/{name}/items"}, "description": "Tried within this one."}
    return {**table, "properties": {**table["properties"], name: inner}}


def _listing(model: type[BaseModel], name: str, inner: type[BaseModel]) -> Raw:
    """A table with a list of smaller tables."""
    table = _table(model)
    listed = {**table["properties"][name], "items": _table(inner)}
    return {**table, "properties": {**table["properties"], name: listed}}


def _shared(ours: Raw, key: str, parts: dict[str, Raw], is_partial: bool) -> Raw:
    """A table of our keys and those of whichever part its `key` names; where an account may give the rest, in part."""
    branches: list[Raw] = []
    for name, theirs in parts.items():
        then = {
            "properties": {**ours["properties"], **theirs["properties"]},
            "additionalProperties": False,
            **({} if is_partial else {"required": theirs.get("required", [])}),
            **({"allOf": theirs["allOf"]} if "allOf" in theirs and not is_partial else {}),
        }
        branches.append({"if": {"properties": {key: {"const": name}}, "required": [key]}, "then": then})
    about = {**ours["properties"][key], "examples": list(parts)}
    return {
        "type": "object",
        "properties": {**ours["properties"], key: about},
        "required": ours.get("required", []),
        "allOf": branches,
    }


def _table(model: type[BaseModel]) -> Raw:
    """The schema of one table: durations as text, each secret in any of its three ways, references resolved."""
    raw = model.model_json_schema(by_alias=True, mode="validation")
    definitions = raw.get("$defs", {})
    properties = {name: _readable(value, definitions) for name, value in raw.get("properties", {}).items()}
    required = list(raw.get("required", []))
    ways: list[Raw] = []
    for name in secret_names(model):
        says = properties[name].get("description", "")
        for way, what in (("env", "the environment variable that holds it"), ("file", "the file that holds it")):
            properties[f"{name}_{way}"] = {"type": "string", "description": f"{says} ({what})".strip()}
        if name in required:
            required.remove(name)
            ways.append({"anyOf": [{"required": [way]} for way in (name, f"{name}_env", f"{name}_file")]})
    table: Raw = {"type": "object", "additionalProperties": False, "properties": properties}
    return table | ({"required": required} if required else {}) | ({"allOf": ways} if ways else {})


def _readable(value: Any, definitions: Raw) -> Any:
    if isinstance(value, list):
        return [_readable(one, definitions) for one in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        target = definitions[value["$ref"].rpartition("/")[2]]
        value = {**target, **{name: one for name, one in value.items() if name != "$ref"}}
    if value.get("format") == "duration":
        kept = {name: one for name, one in value.items() if name in ("description", "title")}
        return {**kept, **DURATION, **_default(value)}
    dropped = ("title", "writeOnly") if value.get("format") == "password" else ("title",)
    found = {name: _readable(one, definitions) for name, one in value.items() if name not in (*dropped, "properties")}
    if isinstance(fields := value.get("properties"), dict):
        found["properties"] = {name: _readable(one, definitions) for name, one in fields.items()}
    found.pop("format", None) if found.get("format") == "password" else None
    return {name: " ".join(one.split()) if name == "description" else one for name, one in found.items()}


def _default(value: Raw) -> Raw:
    """A duration's default as people write it."""
    if not isinstance(value.get("default"), str):
        return {}
    from datetime import timedelta

    from pydantic import TypeAdapter

    from monitor.core.durations import show_duration

    return {"default": show_duration(TypeAdapter(timedelta).validate_python(value["default"]))}
