"""The time zone of this machine, as a proposal."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def system_zone(environ: Mapping[str, str] | None = None, etc: Path = Path("/etc")) -> str:
    """The IANA name of the zone that the system's clock is shown in; "UTC" where it cannot be told."""
    for name in _said(os.environ if environ is None else environ, etc):
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
        return name
    return "UTC"


def _said(environ: Mapping[str, str], etc: Path) -> Iterator[str]:
    """What names a zone: TZ, Debian's file, and where the clock's link leads; each may be missing or nonsense."""
    yield environ.get("TZ", "").removeprefix(":").strip()
    with suppress(OSError, UnicodeDecodeError):
        yield (etc / "timezone").read_text(encoding="utf-8").strip()
    with suppress(OSError):
        yield os.readlink(etc / "localtime").partition("zoneinfo/")[2]
