"""A Postgres for a run by hand; the tests have theirs from conftest."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from tests.wheel import postgres


@contextmanager
def store(kind: str, directory: Path) -> Iterator[str]:
    """The URL of an empty store of this kind: "sqlite" or "postgres"."""
    if kind == "sqlite":
        yield f"sqlite:///{directory}/heedful.db"
    elif named := os.environ.get("TEST_DATABASE_URL"):
        yield _fresh(named)
    else:
        with postgres() as server:
            yield _fresh(server.get_uri())


def _fresh(server: str) -> str:
    name = f"heedful_{uuid4().hex[:12]}"
    engine = create_engine(make_url(server).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return make_url(server).set(database=name).render_as_string(hide_password=False)
