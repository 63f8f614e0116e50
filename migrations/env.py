"""Alembic's entry: heedful hands it an open connection (monitor.store.migrate), inside one transaction."""

from alembic import context

from monitor.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
