"""Where things are: the configuration in use, the files that come with heedful, and where data goes by default."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from monitor.errors import ConfigError

NAME = "heedful.toml"


def shipped(*parts: str) -> Path:
    """A file that comes with heedful ("config", "rules.toml"): in a checkout the repository's, else the wheel's."""
    package = Path(__file__).resolve().parent
    packed = package / "_shipped"
    return (packed if packed.is_dir() else package.parent).joinpath(*parts)


def find_config(given: str | None, environ: Mapping[str, str] | None = None, here: Path | None = None) -> Path:
    """The configuration to use: the one given, HEEDFUL_CONFIG, or the first of the usual places; else the shipped.

    Raises: ConfigError where the file that was named does not exist.
    """
    environ = os.environ if environ is None else environ
    named = given or environ.get("HEEDFUL_CONFIG")
    if named:
        if not Path(named).is_file():
            whence = "--config" if given else "HEEDFUL_CONFIG"
            raise ConfigError(named, "", f"there is no such file ({whence} names it)")
        return Path(named)
    usual = usual_places(environ, here or Path())
    return next((path for path in usual if path.is_file()), shipped("config", NAME))


def usual_places(environ: Mapping[str, str], here: Path) -> tuple[Path, ...]:
    """Where a configuration is looked for, first match wins."""
    settings_home = environ.get("XDG_CONFIG_HOME") or str(Path(environ.get("HOME", "~")).expanduser() / ".config")
    return here / NAME, Path(settings_home) / "heedful" / NAME, Path("/etc/heedful") / NAME


def default_database_url(environ: Mapping[str, str]) -> str:
    """SQLite in the directory that systemd gave us, or else in the user's own data directory."""
    if state := environ.get("STATE_DIRECTORY"):
        return f"sqlite:///{Path(state.split(':')[0]) / 'heedful.db'}"
    data_home = environ.get("XDG_DATA_HOME") or str(Path(environ.get("HOME", "~")).expanduser() / ".local" / "share")
    return f"sqlite:///{Path(data_home) / 'heedful' / 'heedful.db'}"


def placed_database_url(url: str, directory: Path) -> str:
    """A SQLite file named without a leading slash lies beside the configuration, wherever a command is started."""
    scheme, separator, path = url.partition(":///")
    if not (separator and scheme.split("+")[0] == "sqlite") or not path or path.startswith((":", "/", "file:")):
        return url
    return f"{scheme}:///{directory.resolve() / path}"


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises: ConfigError with the place of the fault, or with why the file cannot be read.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        raise ConfigError(str(path), "", f"cannot be read: {reason}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(path), "", f"is not TOML: {error}") from None


def expand(path: str, directory: Path, environ: Mapping[str, str]) -> Path:
    """A path of the configuration: `~` and `$NAME` are filled in; relative ones start beside the configuration."""
    return directory / Path(Template(path).safe_substitute(environ)).expanduser()


def read_secret(path: Path) -> tuple[str, str]:
    """The secret in a file, without its final line end, and a warning ("" if none) where everyone may read it.

    Raises: ValueError, fit to be shown, where there is no such file or nothing in it.
    """
    try:
        secret = path.read_text(encoding="utf-8").rstrip("\r\n")
        is_open = path.stat().st_mode & 0o004
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ValueError(f"{path} cannot be read: {reason}") from None
    if not secret:
        raise ValueError(f"{path} is empty")
    return secret, f"everyone on this machine can read {path}; try: chmod 600 {path}" if is_open else ""
