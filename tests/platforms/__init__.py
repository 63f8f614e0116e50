"""Fake platforms: for each connector one small server that speaks that platform's real API over real HTTP.

`tests/platforms/<name>.py` defines a class `Fake`, a `FakePlatform` (see base.py); nothing has to be registered.
"""

from importlib import import_module

from tests.platforms.base import FakePlatform


def load_fake(name: str) -> type[FakePlatform]:
    """The fake of this connector.

    Raises: LookupError, naming the file or class that is missing.
    """
    try:
        module = import_module(f"tests.platforms.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"tests.platforms.{name}":
            raise
        raise LookupError(f"tests/platforms/{name}.py is missing: the connector {name} has no fake platform") from None
    fake: type[FakePlatform] | None = getattr(module, "Fake", None)
    if fake is None:
        raise LookupError(f"tests/platforms/{name}.py defines no class Fake")
    return fake
