"""A channel of 20,000 comments comes in whole within the day's units, while new comments keep arriving."""

from datetime import timedelta
from pathlib import Path

import pytest

from connectors.youtube import YouTube, YouTubeSettings
from monitor.http import HttpClient
from tests.contract.reader import Reader
from tests.platforms.base import World
from tests.platforms.youtube import Fake

N_VIDEOS, N_EACH = 200, 100
EVERY = timedelta(minutes=5)


def _year_of_comments(world: World) -> list[str]:
    """A video now and then for a year, each with threads of all sizes; returns the keys of the comments on top."""
    tops: list[str] = []
    for number in range(N_VIDEOS):
        video = world.post(f"Recipe {number}")
        for of_video in range(N_EACH):
            if of_video % 4 == 3:
                world.reply(tops[-1 - number % 3], by=f"lee{of_video}")
            else:
                tops.append(world.comment(video, by=f"kim{of_video}"))
        world.advance(timedelta(days=365) / N_VIDEOS)
    return tops


@pytest.mark.slow
def test_a_large_channel_comes_in_whole_within_the_units_and_late_replies_within_the_delay(tmp_path: Path) -> None:
    world = World()
    tops = _year_of_comments(world)
    client = HttpClient()
    with Fake(world, tmp_path) as fake:
        fake.variant, fake.page_size = "owner", 100
        reader = Reader(YouTube, fake, client)
        given = fake.source_settings() | {"backfill": timedelta(days=400)}
        reader.settings = YouTubeSettings.model_validate(given)
        units, written, waits = 0, dict[str, int](), dict[str, timedelta]()
        for n_polls in range(24 * 12):
            before = fake.n_requests
            reader.poll()
            units += fake.n_requests - before
            for native in (written.keys() - waits.keys()) & reader.present:
                waits[native] = (n_polls - written[native]) * EVERY
            world.comment(world.posts[-1 - n_polls % 7].key, f"New {n_polls}")
            if n_polls % 24 == 5:
                written[fake.native_id(world.reply(tops[n_polls * 40 % len(tops)], by="kim"))] = n_polls
            world.advance(EVERY)
        reader.poll()
        assert reader.present == fake.expected()
        assert len(reader.present) > 20_000
    client.close()
    longest = max(waits.values())
    print(f"{units} units in a day; late replies within {longest}; a cursor of {len(str(reader.cursor)):,} bytes")  # noqa: T201
    assert units < 10_000
    assert len(waits) == len(written) == 12
    assert longest <= timedelta(hours=4)
