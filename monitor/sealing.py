"""Sealing what must not be readable in the database: with a key that lies elsewhere (environment or file)."""

import os
from collections.abc import Mapping
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from monitor.errors import HeedfulError


class SealBroken(HeedfulError):
    """The key is missing or another one: give the key with which it was sealed, or authorise again."""


class Box:
    """Seals and opens texts. Several keys (a line each): the first seals, all of them open, so that keys can change."""

    def __init__(self, keys: str) -> None:
        """Raises: SealBroken where it is no key."""
        try:
            self._fernet = MultiFernet([Fernet(line.strip()) for line in keys.splitlines() if line.strip()])
        except ValueError:
            raise SealBroken("the key for credentials is not one that `heedful auth` has made") from None

    def seal(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Raises: SealBroken."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise SealBroken("stored credentials were sealed with another key than the one given") from None


def find_key(key_env: str, key_file: Path | None, environ: Mapping[str, str]) -> str:
    """The key that the configuration names.

    Raises: SealBroken saying what to do where there is none.
    """
    if key_env and environ.get(key_env):
        return environ[key_env]
    if key_file is not None and key_file.exists():
        return key_file.read_text(encoding="utf-8")
    named = f"the environment variable {key_env}" if key_env else f"the file {key_file}" if key_file else ""
    if named:
        raise SealBroken(f"the key for credentials is missing: {named}; `heedful auth` makes a missing file")
    raise SealBroken('name a key for credentials: [credentials] key_file = "heedful.key" or key_env = "NAME"')


def make_key(key_file: Path) -> None:
    """Write a new key that only its owner can read; an existing file is left alone (FileExistsError)."""
    handle = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(Fernet.generate_key().decode() + "\n")
