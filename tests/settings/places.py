"""A connector and a channel of which only the settings matter, and a way to load a configuration from text."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from monitor.settings import Settings, load_settings


class ParkSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    server: str
    """The address of the park's board."""
    token: SecretStr
    """Made under Settings, Development."""
    backfill: timedelta = timedelta(days=30)
    pages: int = Field(default=3, ge=1)
    pause: timedelta | None = None


class Park:
    platform = "park"
    Settings = ParkSettings
    push = "it tells us"


class BoxSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = ""


class Box:
    platform = "box"
    Settings = BoxSettings


class ClashSettings(BaseModel):
    every: int = 3
    client_id: str = ""


class Clash:
    """A connector whose author took names that are ours."""

    platform = "clash"
    Settings = ClashSettings


class BellSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    url: SecretStr
    loud: bool = False


class Bell:
    kind = "bell"
    Settings = BellSettings


CONNECTORS: Mapping[str, type[Any]] = {"park": Park, "box": Box}
CHANNELS: Mapping[str, type[Any]] = {"bell": Bell}
WHOLE = """
[brands.shop]
name = "The Corner Shop"
timezone = "Europe/London"

[accounts.shop]
connector = "park"
server = "https://park.example"
token_env = "PARK_TOKEN"

[sources.bench]
brand = "shop"
account = "shop"
every = "90s"

[sources.letters]
brand = "shop"
connector = "box"

[channels.bell]
kind = "bell"
url_env = "BELL_URL"

[[routes]]
name = "crisis"
channels = ["bell"]
severity = "high"
continue = true
"""
ENVIRON = {"PARK_TOKEN": "park-secret", "BELL_URL": "https://bell.example/bell-secret", "HOME": "/home/nobody"}


def load(directory: Path, text: str = WHOLE, environ: Mapping[str, str] = ENVIRON) -> Settings:
    path = directory / "heedful.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, CONNECTORS, CHANNELS, environ)
