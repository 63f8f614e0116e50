"""One channel of a fake YouTube and readers of it, for the tests of the connector."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.youtube import YouTube, YouTubeSettings
from monitor.http import HttpClient
from tests.contract.reader import Reader
from tests.platforms.base import World
from tests.platforms.youtube import Fake

Reading = Callable[..., Reader]


@pytest.fixture
def fake(world: World, tmp_path: Path) -> Iterator[Fake]:
    with Fake(world, tmp_path) as platform:
        yield platform


@pytest.fixture
def reading(fake: Fake, http: HttpClient) -> Reading:
    def build(variant: str = "key", **settings: object) -> Reader:
        fake.variant = variant
        reader = Reader(YouTube, fake, http)
        reader.settings = YouTubeSettings.model_validate(fake.source_settings() | settings)
        return reader

    return build


def _asked(fake: Fake, name: str) -> int:
    return sum(request.path.endswith(f"/{name}") for request in fake.requests)


def _thread_of(world: World, n_replies: int) -> tuple[str, list[str]]:
    top = world.comment(world.post())
    return top, [world.reply(top, by=f"lee{number}") for number in range(n_replies)]


def asked(fake: Fake, name: str) -> int:
    """How many requests went to a method."""
    return sum(request.path.endswith(f"/{name}") for request in fake.requests)


def thread_of(world: World, n_replies: int) -> tuple[str, list[str]]:
    """A comment with replies; the keys of it and of them."""
    top = world.comment(world.post())
    return top, [world.reply(top, by=f"lee{number}") for number in range(n_replies)]


def year_old_channel(world: World, n_videos: int, n_comments: int) -> list[str]:
    """Videos with comments of a year ago; the keys of the comments."""
    keys = []
    for _ in range(n_videos):
        video = world.post()
        keys += [world.comment(video, by=f"kim{number}") for number in range(n_comments)]
    world.advance(timedelta(days=365))
    return keys
