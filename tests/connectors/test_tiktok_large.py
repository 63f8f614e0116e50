"""An account of 20,000 comments comes in whole within TikTok's limits, while new comments keep arriving."""

from datetime import timedelta
from pathlib import Path

import pytest

from connectors.tiktok import TikTok, TikTokSettings
from monitor.http import HttpClient
from tests.contract.reader import Reader
from tests.platforms.base import World
from tests.platforms.tiktok import Fake

N_VIDEOS, N_EACH, N_POLLS = 200, 100, 48
EVERY = timedelta(minutes=5)
PER_POLL = 40 * 5  # requests that TikTok allows an account between two polls


def _year_of_comments(world: World) -> list[str]:
    """A video now and then for a year, each with comments and replies; returns the keys of the comments on top."""
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
def test_a_large_account_comes_in_whole_within_the_limits_and_late_replies_within_the_delay(tmp_path: Path) -> None:
    world = World()
    tops = _year_of_comments(world)
    client = HttpClient()
    with Fake(world, tmp_path) as fake:
        reader = Reader(TikTok, fake, client)
        reader.settings = TikTokSettings.model_validate(fake.source_settings() | {"backfill": timedelta(days=400)})
        costs, written, waits, whole_after = [], dict[str, int](), dict[str, timedelta](), 0
        for n_polls in range(N_POLLS):
            before = fake.n_requests
            reader.poll()
            costs.append(fake.n_requests - before)
            whole_after = whole_after or (n_polls + 1 if len(reader.present) >= N_VIDEOS * N_EACH else 0)
            for native in (written.keys() - waits.keys()) & reader.present:
                waits[native] = (n_polls - written[native]) * EVERY
            world.comment(world.posts[-1 - n_polls % 7].key, f"New {n_polls}")
            if n_polls > N_POLLS / 2 and n_polls % 3 == 0 and n_polls < N_POLLS - 6:
                written[fake.native_id(world.reply(tops[n_polls * 310 % len(tops)], by="kim"))] = n_polls
            world.advance(EVERY)
        world.advance(timedelta(minutes=20))
        reader.poll()
        assert reader.present == fake.expected()
        assert len(reader.present) > 20_000
    client.close()
    longest = max(waits.values())
    print(  # noqa: T201
        f"whole after {whole_after} polls; at most {max(costs)} requests in one, {sum(costs)} in all; "
        f"late replies within {longest}; a cursor of {len(str(reader.cursor)):,} bytes"
    )
    assert max(costs) <= PER_POLL
    assert len(waits) == len(written) > 3
    assert longest <= timedelta(minutes=25)
