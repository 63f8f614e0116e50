"""A page of a fake LinkedIn and readers of it, for the tests of the connector."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.linkedin import LinkedIn, LinkedInSettings
from monitor.http import HttpClient
from tests.contract.reader import Reader
from tests.platforms.base import World
from tests.platforms.linkedin import Fake

Reading = Callable[..., Reader]
DEVELOPMENT_TIER = 16  # the default of sweep_a_day


@pytest.fixture
def fake(world: World, tmp_path: Path) -> Iterator[Fake]:
    with Fake(world, tmp_path) as platform:
        yield platform


@pytest.fixture
def reading(fake: Fake, http: HttpClient) -> Reading:
    def build(**settings: object) -> Reader:
        reader = Reader(LinkedIn, fake, http)
        reader.settings = LinkedInSettings.model_validate(fake.source_settings() | settings)
        return reader

    return build


def asked(fake: Fake, start: str, end: str = "") -> int:
    """How many requests went to paths that begin and end so."""
    paths = [request.path.removeprefix("/rest/") for request in fake.requests]
    return sum(path.startswith(start) and path.endswith(end) for path in paths)


def cost_of(fake: Fake, step: Callable[[], object]) -> int:
    """How many requests a step makes."""
    before = fake.n_requests
    step()
    return fake.n_requests - before


def polled_until(reader: Reader, native: str, most: timedelta, every: timedelta = timedelta(minutes=30)) -> timedelta:
    """Poll until this is held; how long that took."""
    world = reader.fake.world
    begun_at = world.now
    while native not in reader.present:
        world.advance(every)
        reader.poll()
        assert world.now - begun_at <= most, "not found in time"
    return world.now - begun_at
