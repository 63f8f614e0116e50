"""Each test of the contract runs for each connector of the registry, in each way that its source can be set up."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from connectors import REGISTRY, load
from connectors.base import Connector
from monitor.errors import NotFound
from monitor.http import HttpClient
from tests.contract.reader import Reader
from tests.platforms import load_fake
from tests.platforms.base import FakePlatform, World


@dataclass(frozen=True)
class Case:
    """One connector with its fake, and what is missing of them, which every test says."""

    name: str
    variant: str
    missing: str = ""

    @property
    def connector(self) -> type[Connector]:
        if self.missing:
            pytest.fail(self.missing)
        return load(self.name)

    @property
    def fake(self) -> type[FakePlatform]:
        if self.missing:
            pytest.fail(self.missing)
        return load_fake(self.name)

    def __str__(self) -> str:
        return f"{self.name}-{self.variant}" if self.variant else self.name


def cases() -> list[Case]:
    """One for each connector and variant; a connector without its parts is a case too, which fails."""
    found: list[Case] = []
    for name in REGISTRY:
        try:
            load(name)
            found += [Case(name, variant) for variant in load_fake(name).variants]
        except (NotFound, LookupError) as error:
            found.append(Case(name, "", str(error)))
    return found


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        metafunc.parametrize("case", cases(), ids=str)


@pytest.fixture(scope="session")
def http() -> Iterator[HttpClient]:
    client = HttpClient(max_body=1_000_000)
    yield client
    client.close()


@pytest.fixture(scope="session")
def hasty() -> Iterator[HttpClient]:
    """For a platform that never comes to an end."""
    client = HttpClient(timeout=timedelta(seconds=0.5), deadline=timedelta(seconds=0.5))
    yield client
    client.close()


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def fake(case: Case, world: World, tmp_path: Path) -> Iterator[FakePlatform]:
    platform = case.fake(world, tmp_path)
    platform.variant = case.variant
    with platform:
        yield platform


@pytest.fixture
def reader(case: Case, fake: FakePlatform, http: HttpClient) -> Reader:
    return Reader(case.connector, fake, http)
