"""One platform read from its beginning: the real connector, flows and store, over HTTP, with a clock that jumps."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import func, select

from monitor.app import App, read_settings
from monitor.core.quota import window
from monitor.flows.memory import Memory
from monitor.flows.poll import Poller
from monitor.model import Budget, make_id
from monitor.store import schema, sources
from monitor.store.engine import reading, writing
from tests.backfill.brand import Size, build, write
from tests.backfill.cases import Case
from tests.platforms import load_fake
from tests.platforms.base import BRAND

SOURCE, ACCOUNT = "source", "account"
A_TURN = timedelta(seconds=1)  # how long one takes by the clock of the brand
NEWS_EVERY = timedelta(minutes=7)
FAR_FUTURE = datetime(9000, 1, 1, tzinfo=UTC)
MOST_TURNS = 60_000
REQUESTS = ("requests", "calls", "units")  # units of budgets of which each request costs one


@dataclass(frozen=True, slots=True)
class Found:
    """What came out of one platform; times are in minutes of the brand's clock."""

    platform: str
    posts: int
    comments: int
    shown: int  # of them and of our posts, as much as the platform shows to a reader
    stored: int
    arrived: int  # while it was read
    read_in: float
    requests: int  # of the backfill
    unit: str
    spent: float
    most_in_window: float
    budget: float | None
    a_day_after: float  # what the day after costs
    late: Mapping[str, float | None] = field(default_factory=dict)  # by what was written
    stated: float | None = None
    wrong: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """As the last line tells it."""
        return json.dumps(asdict(self), sort_keys=True)


class Harness:
    """A brand on one platform, and heedful beside it."""

    def __init__(self, case: Case, size: Size, folder: Path) -> None:
        self.case, self.size, self.folder = case, size, folder
        self.world, self.oldest = build(size)
        self.chance = Random(7)
        self.n_arrived, self.next_news = 0, self.world.now + NEWS_EVERY if case.is_alive else FAR_FUTURE
        self.n_requests: Counter[datetime] = Counter()  # by window of the budget

    @contextmanager
    def open(self) -> Iterator[None]:
        """Serve the platform, and build heedful around it."""
        fake = load_fake(self.case.name)(self.world, self.folder)
        fake.page_size = self.case.page_size
        fake.variant = self.case.variant or fake.variant
        for name, value in self.case.fake.items():
            setattr(fake, name, value)
        self.fake = fake
        with fake:
            self.app = App(read_settings(self._configuration()), lambda: self.world.now)
            self.app.upgrade()
            self.app.sync()
            memory = Memory()
            self.poller = Poller(self.app.engine, lambda: self.app.plan, memory, self.app.now, lambda _: None)
            try:
                yield
            finally:
                self.app.close()

    def _configuration(self) -> Path:
        settings = self.fake.source_settings() | {"backfill": timedelta(days=400)} | dict(self.case.settings)
        lines = [f"{name} = {_toml(value)}" for name, value in settings.items()]
        path = self.folder / "heedful.toml"
        (self.folder / "rules.toml").write_text("")  # nothing is judged here
        text = 'rules = ["rules.toml"]\n'
        text += f'[database]\nurl = "sqlite:///{self.folder}/brand.db"\n[brands.b]\nname = "Brand"\n'
        if self.case.budget is not None:
            text += f'[accounts.{ACCOUNT}]\nconnector = "{self.case.name}"\nbudget = {self.case.budget:g}\n'
        text += f'[sources.{SOURCE}]\nbrand = "b"\nconnector = "{self.case.name}"\nevery = {_toml(self.case.every)}\n'
        text += f'account = "{ACCOUNT}"\n' if self.case.budget is not None else ""
        path.write_text(text + "\n".join(lines) + "\n")
        path.chmod(0o600)
        return path

    @property
    def budget(self) -> Budget | None:
        return self.app.plan.budgets.get(f"source:{SOURCE}" if self.case.budget is None else ACCOUNT)

    def step(self, until: datetime) -> bool:
        """One turn of whatever is due first; whether there was one before `until`."""
        with reading(self.app.engine) as connection:
            due_at = connection.execute(select(schema.sources.c.due_at)).scalar_one()
        assert due_at is not None, "the source was closed"
        at = max(self.world.now, datetime.fromtimestamp(due_at / 1e6, self.world.now.tzinfo))
        if at > until:
            self._move_to(until)
            return False
        self._move_to(at)
        with writing(self.app.engine) as connection:
            claims = sources.claim(connection, self.world.now, self.app.plan.lease, 1, {}, 1)
        for _, claimed in claims:
            before = self.fake.n_requests
            self.poller.poll(claimed)
            start = window(self.budget, self.world.now)[0] if self.budget else self.world.now.replace(minute=0)
            self.n_requests[start] += self.fake.n_requests - before
        self._check_source()
        self._move_to(self.world.now + A_TURN)
        return True

    def _check_source(self) -> None:
        with reading(self.app.engine) as connection:
            error = connection.execute(select(schema.sources.c.last_error)).scalar_one()
        assert not error, f"{self.case.name}: {error}"

    def _move_to(self, at: datetime) -> None:
        while self.next_news <= at:
            self.world.now = max(self.world.now, self.next_news)
            posts = self.world.posts
            write(self.world, self.chance.choice(posts[-8:]).key, self.chance)
            self.n_arrived += 1
            self.next_news += NEWS_EVERY
        self.world.now = max(self.world.now, at)

    def missing(self, wanted: set[str]) -> set[str]:
        """Which of these native ids are not in the store, or are there as gone."""
        table = schema.comments
        with reading(self.app.engine) as connection:
            rows = connection.execute(select(table.c.native_id).where(table.c.deleted_at.is_(None)))
            return wanted - {row[0] for row in rows}

    def run(self) -> Found:
        """Everything: the backfill, a day of life, and late replies."""
        case, began_at = self.case, self.world.now
        with self.open():
            shown = case.shown(self.fake)
            self._backfill(shown, began_at)
            read_in = self.world.now - began_at
            wrong = [f"missing after backfill: {len(lost)}"] if (lost := self.missing(shown)) else []
            n_requests, spent = self.fake.n_requests, self._spent()
            if case.price is not None and spent > case.price * (self.size.n_comments + self.n_arrived):
                wrong.append(f"{spent:g} spent")
            ends_at = self.world.now + self.size.life
            while self.step(ends_at):
                pass
            a_day = (self.fake.n_requests - n_requests) * (timedelta(days=1) / self.size.life)
            self.next_news = FAR_FUTURE  # late replies are waited for in quiet: it may take a week
            late = {what: self._write_late(what) for what in case.late}
            wrong += [f"missing at the end: {len(lost)}"] if (lost := self.missing(shown)) else []
            stated = case.stated(self.size)
            wrong += [
                f"late {what}: {at}" for what, at in late.items() if at is None or (stated and at > _minutes(stated))
            ]
            budget = self.budget
            most = max(self._in_windows().values(), default=0.0)
            if budget and most > budget.n:
                wrong.append(f"{most:g} in one window")
            if not self._is_counted():
                wrong.append(f"{self._spent():g} counted of {self.fake.n_requests} requests")
            return Found(
                case.label,
                self.size.n_posts,
                self.size.n_comments,
                len(shown),
                self._n_stored(),
                self.n_arrived,
                _minutes(read_in),
                n_requests,
                budget.unit if budget else "requests",
                spent,
                most,
                budget.n if budget else None,
                a_day,
                late,
                None if stated is None else _minutes(stated),
                tuple(wrong),
            )

    def _backfill(self, shown: set[str], began_at: datetime) -> None:
        """Until a poll came to its end and everything that was shown is there."""
        for _ in range(MOST_TURNS):
            with reading(self.app.engine) as connection:
                is_read = connection.execute(select(schema.sources.c.last_read_at)).scalar_one() is not None
            if is_read and not self.missing(shown):
                return
            if self.world.now - began_at > self.case.most_to_read:
                return
            self.step(began_at + self.case.most_to_read)

    def _write_late(self, what: str) -> float | None:
        """Write something on the year-old post now; after how many minutes it was in the store."""
        post, comment = self.oldest.post, self.oldest.comment
        if what.endswith("the newest"):
            newest = next(one for one in reversed(self.world.comments) if not one.is_ours)
            post, comment = newest.post or "", newest.key
        written_at = self.world.now
        above = None if what == "comment" else comment
        key = write(self.world, post, self.chance, above, BRAND if what.startswith("our") else "late-guest")
        native_id = self.fake.native_id(key)
        stated = self.case.stated(self.size)
        until = written_at + max(timedelta(hours=1), 2 * (stated or timedelta(days=2)))
        while self.step(until):
            if self._holds(native_id):
                return _minutes(self.world.now - written_at)
        return None

    def _holds(self, native_id: str) -> bool:
        number = make_id("b", self.app.settings.sources[SOURCE].platform, native_id)
        with reading(self.app.engine) as connection:
            return (
                connection.execute(select(schema.comments.c.id).where(schema.comments.c.id == number)).first()
                is not None
            )

    def _n_stored(self) -> int:
        with reading(self.app.engine) as connection:
            return int(connection.execute(select(func.count()).select_from(schema.comments)).scalar_one())

    def _spent(self) -> float:
        table = schema.spendings
        with reading(self.app.engine) as connection:
            total = connection.execute(select(func.sum(table.c.spent)).where(table.c.source_id == SOURCE)).scalar()
        return float(total or 0.0)

    def _is_counted(self) -> bool:
        """Whether the ledger has each request; of files and of money it counts something else."""
        counts_others = not self.fake.n_requests or (self.budget is not None and self.budget.unit not in REQUESTS)
        return counts_others or abs(self._spent() - self.fake.n_requests) <= 2

    def _in_windows(self) -> Mapping[datetime, float]:
        """What was used up in each window: requests as the platform saw them, and money as the ledger counted it."""
        if self.budget is None or self.budget.unit in REQUESTS:
            return self.n_requests
        table = schema.spendings
        with reading(self.app.engine) as connection:
            rows = connection.execute(select(table.c.starts_at, table.c.spent).where(table.c.source_id == ""))
            return {datetime.fromtimestamp(row[0] / 1e6, self.world.now.tzinfo): row[1] for row in rows}


def _minutes(length: timedelta) -> float:
    return round(length.total_seconds() / 60, 1)


def _toml(value: Any) -> str:
    if isinstance(value, timedelta):
        return f'"{round(value.total_seconds())}s"'
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_toml(one)}" for name, one in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return json.dumps(value)
