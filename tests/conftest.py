"""What every test stands on: real SQLite in a file, real Postgres from TEST_DATABASE_URL or the pgserver wheel."""

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest
import structlog
from hypothesis import HealthCheck, settings
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine, make_url

from monitor.files import shipped
from monitor.store.engine import open_engine
from monitor.store.migrate import upgrade
from tests.wheel import postgres

# How fast the machine is decides nothing: neither one slow example nor examples that are slow to make fail a test.
settings.register_profile("heedful", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("heedful")

SHARED = Path(os.environ.get("HEEDFUL_SHARED", Path(__file__).resolve().parents[2] / "shared"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first, or one worker is still at it when the others have nothing left."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Some tests start logging, as a process does once: the next test of this process finds it as if it had not."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def shared() -> Path:
    """Recordings and data sets beside the repository; a test that wants them is skipped where they are missing."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the material in {SHARED} (name another place with HEEDFUL_SHARED)")
    return SHARED


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Postgres on which databases may be made and dropped."""
    named = os.environ.get("TEST_DATABASE_URL")
    if named:
        yield named
        return
    with ExitStack() as stack:
        try:
            server = stack.enter_context(postgres())
        except ImportError:
            pytest.skip("needs TEST_DATABASE_URL or the pgserver wheel")
        server.psql("ALTER SYSTEM SET fsync = off; ")
        server.psql("ALTER SYSTEM SET synchronous_commit = off;")
        server.psql("SELECT pg_reload_conf();")
        yield server.get_uri()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """The name of a migrated database, of which each test gets a copy."""
    name = f"heedful_template_{uuid4().hex[:12]}"
    _run_on(postgres_server, f"CREATE DATABASE {name}")
    engine = open_engine(_named(postgres_server, name))
    upgrade(engine, shipped("migrations"))
    engine.dispose()
    return name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A migrated SQLite file's bytes."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine, shipped("migrations"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT", heedful_reads=True) as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path.read_bytes()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty, migrated store: each test that asks for it runs on SQLite and on Postgres."""
    if request.param == "sqlite":
        return _sqlite(tmp_path, request.getfixturevalue("sqlite_template"))
    server = request.getfixturevalue("postgres_server")
    name = f"heedful_{uuid4().hex[:12]}"
    _run_on(server, f"CREATE DATABASE {name} TEMPLATE {request.getfixturevalue('postgres_template')}")
    return _named(server, name)


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: bytes) -> str:
    """The URL of an empty, migrated SQLite store."""
    return _sqlite(tmp_path, sqlite_template)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An empty store, on SQLite and on Postgres."""
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def _sqlite(directory: Path, template: bytes) -> str:
    path = directory / "heedful.db"
    path.write_bytes(template)
    return f"sqlite:///{path}"


def _named(server: str, database: str) -> str:
    return make_url(server).set(database=database).render_as_string(hide_password=False)


def _run_on(server: str, statement: str) -> None:
    engine = create_engine(make_url(server).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
