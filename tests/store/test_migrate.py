from collections.abc import Sequence
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, insert, inspect, select
from sqlalchemy.engine import Engine

from monitor.files import shipped
from monitor.store.engine import reading, writing
from monitor.store.migrate import newest, present, upgrade
from monitor.store.schema import metadata
from tests.flows.brand import ANGRY, Bakery


def test_the_migrations_build_exactly_the_tables_of_the_schema(engine: Engine) -> None:
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_upgrading_twice_changes_nothing(engine: Engine) -> None:
    head = newest(shipped("migrations"))
    assert present(engine) == head
    assert upgrade(engine, shipped("migrations")) == (head, head)


FIRST = "0001"
Rows = dict[str, list[dict[str, Any]]]


def _lived(bakery: Bakery) -> Bakery:
    """A brand to which enough happened that all the queues have rows."""
    for number in range(5):
        bakery.platform.say(f"c{number}", f"{ANGRY} {number}", bakery.now, who=f"person{number}", subject="post")
        bakery.work()
        bakery.later(minutes=7)
    bakery.platform.say("reply", "We are sorry, and see to it.", bakery.now, who="bakery", parent="c0")
    bakery.platform.raws[1]["text"] += " I want my money back."
    bakery.platform.say("broken", "", bakery.now, kind="comment")
    bakery.platform.raws[-1]["at"] = "no time at all"
    bakery.later(hours=5)
    bakery.work()
    return bakery


def _rows(engine: Engine, names: Sequence[str]) -> Rows:
    found = MetaData()
    with reading(engine) as connection:
        found.reflect(connection, only=names)
        return {name: [dict(row._mapping) for row in connection.execute(select(found.tables[name]))] for name in names}


def _begin_again_at(engine: Engine, revision: str) -> None:
    """Drop everything and build the schema as it was then."""
    with writing(engine) as connection:
        everything = MetaData()
        everything.reflect(connection)
        everything.drop_all(connection)
    with writing(engine) as connection:
        config = Config()
        config.set_main_option("script_location", str(shipped("migrations")))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def _fill(engine: Engine, rows: Rows) -> Rows:
    """Store what the first schema had room for; what that was."""
    kept: Rows = {}
    with writing(engine) as connection:
        old = MetaData()
        old.reflect(connection)
        for table in old.sorted_tables:
            columns = table.columns.keys()
            kept[table.name] = [
                {name: row[name] for name in columns if name in row} for row in rows.get(table.name, ())
            ]
            if kept[table.name]:
                connection.execute(insert(table), kept[table.name])
    del kept["alembic_version"]
    return kept


def test_a_filled_store_of_the_first_version_is_upgraded_and_lives_on(engine: Engine) -> None:
    bakery = _lived(Bakery(engine))
    with reading(engine) as connection:
        names = [name for name in inspect(connection).get_table_names() if name != "alembic_version"]
    rows = _rows(engine, names)
    told = bakery.told()
    _begin_again_at(engine, FIRST)
    kept = _fill(engine, rows)
    full = {name for name, there in kept.items() if there}
    assert full >= {"sources", "comments", "threads", "flags", "alerts", "notices", "deliveries", "quarantine"}

    assert upgrade(engine, shipped("migrations")) == (FIRST, newest(shipped("migrations")))
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    after = _rows(engine, list(full))
    for name in full:
        columns = kept[name][0].keys()
        assert sorted(map(repr, ([row[c] for c in columns] for row in after[name]))) == sorted(
            map(repr, (list(row.values()) for row in kept[name]))
        ), name

    bakery.later(minutes=5)
    bakery.platform.say("late", f"{ANGRY} late", bakery.now, who="late", subject="elsewhere")
    bakery.work()
    assert len(bakery.told()) > len(told)
