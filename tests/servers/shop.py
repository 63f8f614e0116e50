"""The product around a real server: its own configuration, store and flows, worked by hand instead of by the clock."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from sqlalchemy import delete, update

from monitor.app import build, read_settings
from monitor.flows import assess
from monitor.flows.memory import Memory
from monitor.flows.poll import Poller
from monitor.flows.rechecks import FASTEST
from monitor.store import backlog, comments, schema, sources
from monitor.store.engine import reading, writing
from monitor.store.instants import to_us

SOURCE = "site"


class Shop:
    """One brand with one source."""

    def __init__(self, folder: Path, database_url: str, connector: str, settings: Mapping[str, Any]) -> None:
        lines = [f"{name} = {_toml(value)}" for name, value in settings.items()]
        file = folder / "heedful.toml"
        file.write_text(
            f'[database]\nurl = "{database_url}"\n[brands.shop]\nname = "The Shop"\ntimezone = "Europe/London"\n'
            f'[sources.{SOURCE}]\nbrand = "shop"\nconnector = "{connector}"\nevery = "1m"\n' + "\n".join(lines) + "\n"
        )
        self.app = build(read_settings(file), self.now)

    def __enter__(self) -> Self:
        self.app.upgrade()
        self.app.sync()
        self._poller = Poller(self.app.engine, lambda: self.app.plan, Memory(), self.now, lambda _queue: None)
        return self

    def __exit__(self, *_: object) -> None:
        self.app.close()

    def now(self) -> datetime:
        """The real clock: the server tells times of its own, and ours must not run ahead of them."""
        return datetime.now(UTC)

    def work(self) -> None:
        """Do what would be done within the next minutes: poll, look again at the threads held, judge them."""
        now = to_us(self.now())
        earlier = now - 2 * (FASTEST // timedelta(microseconds=1))
        held, checked = schema.comments, schema.threads.c.check_at.is_not(None)
        with writing(self.app.engine) as connection:
            # Minutes pass for us alone: what we hold was seen before them, and no look is still waited for.
            connection.execute(update(held).where(held.c.seen_at > earlier).values(seen_at=earlier))
            connection.execute(update(schema.threads).where(checked).values(check_at=now))
            connection.execute(delete(schema.settings_seen).where(schema.settings_seen.c.name == f"look:{SOURCE}"))
            connection.execute(update(schema.sources).values(due_at=now, next_poll_at=now))
        while self._poll():
            pass
        while assess.assess_due(self.app.engine, self.app.plan, self.now, lambda _queue: None):
            pass

    def _poll(self) -> int:
        with writing(self.app.engine) as connection:
            claims = sources.claim(connection, self.now(), self.app.plan.lease, 10, {}, 5)
        for _account, claimed in claims:
            self._poller.poll(claimed)
        return len(claims)

    def backlog(self) -> list[str]:
        """Who waits, with the beginning of what they wrote, oldest first: "Kim: Is it open?"."""
        with reading(self.app.engine) as connection:
            lines = backlog.page(connection, backlog.Filters(), self.now())
        lines.sort(key=lambda line: (line.awaiting_since, line.excerpt))
        return [f"{line.author_name}: {line.excerpt}" for line in lines]

    def threads(self) -> list[list[str]]:
        """Every thread that holds a comment which exists, as its texts in order of time, oldest thread first."""
        with reading(self.app.engine) as connection:
            rows = connection.exec_driver_sql("SELECT DISTINCT thread_id FROM comments").scalars().all()
            held = comments.load_threads(connection, "shop", rows)
        present = [[one.comment for one in thread if one.deleted_at is None] for thread in held.values()]
        ordered = [sorted(thread, key=lambda one: (one.created_at, one.native_id)) for thread in present if thread]
        ordered.sort(key=lambda thread: (thread[0].created_at, thread[0].native_id))
        return [[one.text for one in thread] for thread in ordered]

    def source(self) -> Any:
        """The source's row: how it fares."""
        with reading(self.app.engine) as connection:
            return connection.exec_driver_sql("SELECT n_failures, last_error FROM sources").one()


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_toml(inner)}" for name, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)  # strings, numbers and booleans are written alike
