"""Each fault of a platform between a real connector and the flows: nothing is lost, nobody is needed, one line each.

Driven by hand: the clock is the test's own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import Engine, select

from connectors.mastodon import Mastodon, MastodonSettings
from monitor.core.text import plain_text
from monitor.http import HttpClient
from monitor.store import schema, sources
from monitor.store.engine import reading
from tests.daemon.front import ADDRESS, NAME, Front, Internet, echo
from tests.faults import FAULTS, Script, redirect
from tests.flows.brand import Bakery
from tests.platforms.base import World
from tests.platforms.mastodon import TOKEN, Fake

N_ROUNDS = 4  # polls in a row that meet the fault


@dataclass
class Town:
    """A bakery whose account is read by the real connector, through a host that fails when told to."""

    bakery: Bakery
    world: World
    fake: Fake
    front: Front
    internet: Internet
    lines: list[Any]

    def poll_when_due(self) -> None:
        """Let the time pass until the source is due, and poll it."""
        due_at = self.report.due_at
        assert due_at is not None
        self.bakery.now = self.world.now = max(due_at, self.bakery.now)
        assert self.bakery.poll() >= 1

    @property
    def report(self) -> sources.SourceReport:
        with reading(self.bakery.engine) as connection:
            return sources.report(connection)[0]

    @property
    def stored(self) -> set[str]:
        """The texts that are stored and not deleted."""
        table = schema.comments
        with reading(self.bakery.engine) as connection:
            return set(connection.execute(select(table.c.text).where(table.c.deleted_at.is_(None))).scalars())

    @property
    def said(self) -> set[str]:
        return {self._shown(entry.text, entry.is_ours) for entry in (*self.world.comments, *self.world.posts)}

    def _shown(self, text: str, is_ours: bool) -> str:
        return plain_text(text) if is_ours else f"@brand {plain_text(text)}"

    def events(self, name: str) -> list[Any]:
        return [line for line in self.lines if line["event"] == name]


@pytest.fixture
def town(engine: Engine, tmp_path: Path) -> Iterator[Town]:
    world = World(datetime.now(UTC) - timedelta(minutes=1))
    with Fake(world, tmp_path) as fake, Front(fake.url) as front, structlog.testing.capture_logs() as lines:
        internet = Internet(front)
        patient = HttpClient(resolver=front.resolve, network=internet)
        hasty = HttpClient(
            timeout=timedelta(seconds=0.3),
            deadline=timedelta(seconds=0.6),
            resolver=front.resolve,
            network=internet,
        )
        endless = (FAULTS["timeout"], FAULTS["slow drip"])
        settings = MastodonSettings.model_validate(fake.source_settings() | {"base_url": f"http://{NAME}"})
        bakery = Bakery(engine, now=world.now)
        bakery.change_plan(reader=lambda _source: Mastodon(settings, hasty if front.fault in endless else patient))
        town = Town(bakery, world, fake, front, internet, lines)
        world.comment(world.post(), "Before the fault")
        bakery.later(minutes=1)
        town.poll_when_due()
        assert town.stored == town.said
        yield town
        for http in (patient, hasty):
            http.close()


RECOVERABLE: dict[str, tuple[Script, str]] = {
    "401": (FAULTS["401"], "Unauthorized"),
    "403": (FAULTS["403"], "Unauthorized"),
    "404": (FAULTS["404"], "Gone"),
    "500": (FAULTS["500"], "Unavailable"),
    "503": (FAULTS["503"], "Unavailable"),
    "reset": (FAULTS["reset"], "Unavailable"),
    "reset midway": (FAULTS["reset midway"], "Unavailable"),
    "timeout": (FAULTS["timeout"], "Unavailable"),
    "slow drip": (FAULTS["slow drip"], "Unavailable"),
    "truncated JSON": (FAULTS["truncated JSON"], "Malformed"),
    "cut short": (FAULTS["cut short"], "Unavailable"),
    "HTML": (FAULTS["HTML"], "Malformed"),
    "HTML that shows the request": (echo, "Malformed"),
    "50 MB body": (FAULTS["huge body"], "Malformed"),
    "gzip bomb": (FAULTS["gzip bomb"], "Malformed"),
    "redirect to a private address": (FAULTS["redirect to a private address"], "Unavailable"),
    "redirect to this machine": (redirect("http://127.0.0.1:1/"), "Unavailable"),
}

SLOW = ("timeout", "slow drip", "50 MB body", "gzip bomb")


@pytest.mark.parametrize(
    "fault", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in RECOVERABLE]
)
def test_a_platform_that_fails_is_read_on_when_the_fault_ends_and_nothing_is_lost(town: Town, fault: str) -> None:
    script, becomes = RECOVERABLE[fault]
    before = town.stored
    first, post = town.world.comments[0].key, town.world.posts[0].key
    town.front.fault = script
    town.world.comment(post, "During the fault")
    town.world.reply(first, "We will see to it")
    for _ in range(N_ROUNDS):
        town.poll_when_due()
        assert town.stored == before, "a failing platform changes nothing"
    assert town.report.n_failures == N_ROUNDS
    assert town.report.last_error
    town.front.fault = None
    town.world.comment(post, "After the fault")
    town.poll_when_due()
    assert town.stored == town.said
    assert (town.report.n_failures, town.report.last_error, town.report.held_until) == (0, "", None)
    assert [line["error"] for line in town.events("source.lost")] == [becomes]
    assert len(town.events("source.recovered")) == 1
    assert town.events("source.crashed") == []
    _nothing_secret(town)


def test_a_rate_limit_waits_as_long_as_it_is_told_without_being_a_failure(town: Town) -> None:
    town.front.fault = FAULTS["429"]
    town.world.comment(town.world.posts[0].key, "During the fault")
    for _ in range(N_ROUNDS):
        town.poll_when_due()
        asked = town.report.due_at
        assert asked is not None
        assert asked - datetime.now(UTC) > timedelta(seconds=100)
        assert town.report.n_failures == 0
    town.front.fault = None
    town.poll_when_due()
    assert town.stored == town.said
    assert town.report.held_until is None
    assert len(town.events("account.rate_limited")) == 1
    assert town.events("source.lost") == []
    assert len(town.events("source.recovered")) <= 1
    _nothing_secret(town)


def test_a_position_that_has_expired_at_the_server_is_found_anew(town: Town) -> None:
    town.fake.expire_cursors()
    town.world.comment(town.world.posts[0].key, "While the position was void")
    for _ in range(3):
        town.poll_when_due()
    assert town.stored == town.said
    assert len(town.events("source.lost")) == len(town.events("source.recovered")) <= 1
    _nothing_secret(town)


def test_a_fault_that_comes_and_goes_is_told_each_time_it_comes(town: Town) -> None:
    for _ in range(3):
        town.front.fault = FAULTS["503"]
        town.poll_when_due()
        town.front.fault = None
        town.poll_when_due()
    assert (len(town.events("source.lost")), len(town.events("source.recovered"))) == (3, 3)


def test_a_long_outage_of_changing_faults_is_one_line_lost_and_one_line_back(town: Town) -> None:
    town.world.comment(town.world.posts[0].key, "During the outage")
    for name in ("503", "reset", "HTML", "404", "401", "truncated JSON", "429", "500"):
        town.front.fault = FAULTS[name]
        town.poll_when_due()
    town.front.fault = None
    town.poll_when_due()
    assert town.stored == town.said
    assert (len(town.events("source.lost")), len(town.events("source.recovered"))) == (1, 1)
    _nothing_secret(town)


def _nothing_secret(town: Town) -> None:
    """The token is in no log line, even before redaction, and nowhere in the database; nobody private was dialled."""
    assert TOKEN not in str(town.lines)
    with reading(town.bakery.engine) as connection:
        for table in schema.metadata.sorted_tables:
            assert TOKEN not in str(connection.execute(select(table)).all()), f"the token is in {table.name}"
    assert set(town.internet.dialled) == {ADDRESS}
