"""What most tests of a connector begin with: an empty world and a real HTTP client."""

from collections.abc import Iterator

import pytest

from monitor.http import HttpClient
from tests.platforms.base import World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def http() -> Iterator[HttpClient]:
    client = HttpClient()
    yield client
    client.close()
