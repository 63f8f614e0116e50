"""Two locations of a fake Google Business Profile and readers of them, for the tests of the connector."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.google_business import GoogleBusiness, GoogleBusinessSettings
from monitor.http import HttpClient
from tests.contract.reader import Reader
from tests.platforms.base import World
from tests.platforms.google_business import Fake

Reading = Callable[..., Reader]


@pytest.fixture
def fake(world: World, tmp_path: Path) -> Iterator[Fake]:
    with Fake(world, tmp_path) as platform:
        yield platform


@pytest.fixture
def reading(fake: Fake, http: HttpClient) -> Reading:
    def build(**settings: object) -> Reader:
        reader = Reader(GoogleBusiness, fake, http)
        reader.settings = GoogleBusinessSettings.model_validate(fake.source_settings() | settings)
        return reader

    return build


def asked(fake: Fake, end: str) -> int:
    """How many requests went to paths that end so."""
    return sum(request.path.endswith(end) for request in fake.requests)
