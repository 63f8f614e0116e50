"""What the process that daemons are forked from has imported and begun already: all that is not worth killing."""

import psycopg  # noqa: F401
import sqlalchemy.dialects.postgresql.psycopg
import sqlalchemy.dialects.sqlite.pysqlite  # noqa: F401

import tests.crash.daemons
import tests.crash.forum  # noqa: F401
from monitor import signals
from monitor.model import Author, Comment
from tests.crash.world import before

signals.measure([Comment("1", "comment", "Where can I park?", Author("kim", "Kim"), before())])  # loads its word lists
