"""What a quick command needs of the configuration: where the store is and how the brands are called.

`heedful backlog` must answer at once, so this neither imports pydantic nor any connector. `heedful check` and the
daemon validate everything (monitor.settings).
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from monitor.errors import ConfigError
from monitor.files import default_database_url, expand, placed_database_url, read_secret, read_toml


@dataclass(frozen=True, slots=True)
class BrandGlance:
    """How a brand is called, and the IANA time zone that its people read times in."""

    name: str
    timezone: str


@dataclass(frozen=True, slots=True)
class Glance:
    """`sources` maps each source's id to its brand."""

    file: Path
    database_url: str = field(repr=False)
    brands: Mapping[str, BrandGlance]
    sources: Mapping[str, str]

    def timezone(self, brand: str) -> str:
        """The brand's time zone; UTC for one that is no longer configured."""
        found = self.brands.get(brand)
        return found.timezone if found else "UTC"


def glance(path: Path, environ: Mapping[str, str] | None = None) -> Glance:
    """Look at the configuration without validating it.

    Raises: ConfigError where the file cannot be read or the database's URL cannot be found out.
    """
    environ = os.environ if environ is None else environ
    raw = read_toml(path)
    brands = {
        brand_id: BrandGlance(str(table.get("name") or brand_id), str(table.get("timezone") or "UTC"))
        for brand_id, table in _tables(raw, "brands").items()
    }
    sources = {source_id: str(table.get("brand", "")) for source_id, table in _tables(raw, "sources").items()}
    return Glance(path, _database_url(path, raw, environ), brands, sources)


def _tables(raw: Mapping[str, Any], key: str) -> dict[str, dict[str, Any]]:
    tables = raw.get(key)
    return {n: t for n, t in tables.items() if isinstance(t, dict)} if isinstance(tables, dict) else {}


def _database_url(path: Path, raw: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    table = raw.get("database")
    table = table if isinstance(table, dict) else {}
    url = str(table.get("url") or "")
    if name := table.get("url_env"):
        url = environ.get(str(name), "")
        if not url:
            raise ConfigError(str(path), "database.url_env", f"the environment variable {name} is not set")
    elif file := table.get("url_file"):
        try:
            url, _ = read_secret(expand(str(file), path.parent, environ))
        except ValueError as error:
            raise ConfigError(str(path), "database.url_file", str(error)) from None
    return placed_database_url(url or default_database_url(environ), path.parent)
