"""Two apps of a fake Google Play and readers of them, for the tests of the connector."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.google_play import GooglePlay, GooglePlaySettings
from monitor.http import HttpClient
from tests.contract.reader import Reader
from tests.platforms.base import World
from tests.platforms.google_play import PACKAGES, Fake

Reading = Callable[..., Reader]


@pytest.fixture
def fake(world: World, tmp_path: Path) -> Iterator[Fake]:
    with Fake(world, tmp_path) as platform:
        yield platform


@pytest.fixture
def reading(fake: Fake, http: HttpClient) -> Reading:
    def build(variant: str = "token", **settings: object) -> Reader:
        fake.variant = variant
        reader = Reader(GooglePlay, fake, http)
        reader.settings = GooglePlaySettings.model_validate(fake.source_settings() | settings)
        return reader

    return build


def one_app(reading: Reading, **settings: object) -> Reader:
    """A reader of the first app alone."""
    return reading(packages=PACKAGES[:1], **settings)
