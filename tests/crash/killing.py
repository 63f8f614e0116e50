"""Killing daemons at random: a world grows, a daemon reads it and tells of it, and is killed with SIGKILL, again."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from threading import Event, Thread
from time import monotonic, sleep

from sqlalchemy import Engine, func, select

from monitor.model import Team
from monitor.store import schema
from monitor.store.engine import open_engine, reading
from tests.crash import check
from tests.crash.daemons import Running, enter, write_config
from tests.crash.servers import Town
from tests.crash.world import ALARM, World, before

PAGES = [f"page-{number}" for number in range(24)]
ROOTLESS = frozenset(PAGES[::2])
START_UP_SHARE = 0.3  # of the kills fall before a daemon asks for anything, the others after that
PATIENCE_S = 180.0
TEAM = Team(author_ids=frozenset({(check.PLATFORM, "brand")}))


@dataclass
class Outcome:
    """What a schedule of kills led to; `wrong` is empty where everything held."""

    database: str
    n_kills: int
    n_comments: int = 0
    n_alerts: int = 0
    n_deliveries: int = 0
    n_repeated: int = 0
    n_killed_while_polling: int = 0
    n_killed_while_sending: int = 0
    n_lives_that_read: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.database}: {self.n_kills} kills ({self.n_killed_while_polling} during a poll, "
            f"{self.n_killed_while_sending} while sending; {self.n_lives_that_read} lives read something), "
            f"{self.n_comments} comments stored once, {self.n_alerts} alerts in {self.n_deliveries} deliveries, "
            f"{self.n_repeated} repeated, {len(self.wrong)} wrong, {self.seconds:.0f} s"
        )


def kill_daemons(database: str, directory: Path, n_kills: int, seed: int = 0) -> Outcome:
    """Kill a daemon that often, let one finish, and compare; `database` is the URL of a store that may be empty."""
    began, chance = monotonic(), Random(seed)
    outcome = Outcome(database.partition(":")[0], n_kills)
    world = World(PAGES, seed, ROOTLESS)
    for page in PAGES:
        world.say(page, f"{ALARM}, last year", at=before())  # history: nobody is to be told of it
    with Town(world, lambda: chance.uniform(0, 0.03), lambda: chance.uniform(0, 0.03)) as town:
        config = write_config(directory, database, town.url, PAGES, rootless=ROOTLESS)
        enter(config)
        with _growing(world):
            fate = _Fate(Random(seed), town)
            for _ in range(n_kills):
                _live_and_die(config, directory / "log.jsonl", fate, outcome)
        engine = open_engine(database)
        try:
            _finish(config, directory / "log.jsonl", engine, world, town, outcome)
        finally:
            engine.dispose()
    outcome.wrong += wrong_lines(directory / "log.jsonl")
    outcome.seconds = monotonic() - began
    return outcome


@contextmanager
def _growing(world: World) -> Iterator[None]:
    over = Event()

    def grow() -> None:
        while not over.wait(0.01):
            world.grow()

    thread = Thread(target=grow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        world.settle()


class _Fate:
    """When each daemon is to die: at random in its start-up or in its work, however fast this machine is."""

    def __init__(self, chance: Random, town: Town) -> None:
        self._chance, self.town = chance, town
        self._start_up_s = 0.0  # how long the first daemon took before it asked for anything

    def wait(self) -> None:
        """Return when the daemon that has just been started is to be killed."""
        if self._start_up_s and self._chance.random() < START_UP_SHARE:
            sleep(self._chance.uniform(0, self._start_up_s))
            return
        began = monotonic()
        self._wait_until_it_reads()
        self._start_up_s = self._start_up_s or monotonic() - began
        sleep(self._chance.uniform(0, 2 * self._start_up_s))

    def _wait_until_it_reads(self) -> None:
        n_before, end = self.town.n_asked, monotonic() + PATIENCE_S
        while self.town.n_asked == n_before:
            assert monotonic() < end, "it asked for nothing"
            sleep(0.002)


def _live_and_die(config: Path, log_file: Path, fate: _Fate, outcome: Outcome) -> None:
    town, n_asked = fate.town, fate.town.n_asked
    with Running.start(config, log_file) as running:
        fate.wait()
        outcome.n_killed_while_polling += any(town.at_work.values())
        outcome.n_killed_while_sending += bool(town.n_hooks_at_work)
        running.kill()
    outcome.n_lives_that_read += town.n_asked > n_asked


def _finish(config: Path, log_file: Path, engine: Engine, world: World, town: Town, outcome: Outcome) -> None:
    with Running.start(config, log_file) as running:
        owed = wait_until_done(engine, world)
        code = running.stop()
    outcome.wrong += owed
    if code != 0:
        outcome.wrong.append(f"the last daemon ended with {code}")
    outcome.wrong += check.wrong_comments(engine, world)
    outcome.wrong += [f"{text!r} was replaced twice" for _, text in check.doubled_revisions(engine)]
    outcome.wrong += check.untold(world, town.received, engine)
    outcome.wrong += [f"alert {alert_id} was told first twice" for alert_id in check.told_again(town.received)]
    outcome.wrong += check.out_of_order(engine, town.received)
    outcome.wrong += check.stale_threads(engine, TEAM, datetime.now(UTC))
    outcome.n_repeated = town.n_repeated
    if outcome.n_repeated > outcome.n_kills:
        outcome.wrong.append(f"{outcome.n_repeated} repeated deliveries for {outcome.n_kills} kills")
    with reading(engine) as connection:
        for name, table in (
            ("n_comments", schema.comments),
            ("n_alerts", schema.alerts),
            ("n_deliveries", schema.deliveries),
        ):
            setattr(outcome, name, connection.execute(select(func.count()).select_from(table)).scalar_one())


def wait_until_done(engine: Engine, world: World, patience_s: float = PATIENCE_S) -> list[str]:
    """Wait until everything that was said is stored and nothing is owed; what was still open when patience ended."""
    end = monotonic() + patience_s
    while True:
        wrong = check.wrong_comments(engine, world) + check.still_owed(engine, datetime.now(UTC))
        if not wrong or monotonic() > end:
            return wrong
        sleep(0.2)


def wrong_lines(log_file: Path) -> list[str]:
    """Lines of the daemons' logs that say that something failed in heedful itself."""
    lines = log_file.read_text().splitlines()
    return [line[:1_500] for line in lines if '"level": "error"' in line or "Traceback" in line]
