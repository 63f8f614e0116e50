"""Bringing the store to the schema of this version: Alembic's migrations, forward only, in one transaction."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from monitor.store.engine import is_postgres, reading, writing

_LOCK = 6_841_372  # of Postgres: two hosts that start together upgrade one after the other


def upgrade(engine: Engine, migrations: Path) -> tuple[str | None, str]:
    """Run what is missing; the revisions before and after. Safe to run from several hosts at once."""
    with writing(engine) as connection:
        if is_postgres(connection):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        before = MigrationContext.configure(connection).get_current_revision()
        config = _config(migrations)
        config.attributes["connection"] = connection
        if before != newest(migrations):
            command.upgrade(config, "head")
        after = MigrationContext.configure(connection).get_current_revision()
    return before, after or ""


def present(engine: Engine) -> str | None:
    """The revision that the store is at; None for an empty one."""
    with reading(engine) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest(migrations: Path) -> str:
    """The revision that this version of heedful wants."""
    return ScriptDirectory.from_config(_config(migrations)).get_current_head() or ""


def _config(migrations: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    return config
