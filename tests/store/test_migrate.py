from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import Engine

from monitor.files import shipped
from monitor.store.engine import reading
from monitor.store.migrate import newest, present, upgrade
from monitor.store.schema import metadata


def test_the_migrations_build_exactly_the_tables_of_the_schema(engine: Engine) -> None:
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_upgrading_twice_changes_nothing(engine: Engine) -> None:
    head = newest(shipped("migrations"))
    assert present(engine) == head
    assert upgrade(engine, shipped("migrations")) == (head, head)
