"""A poll that takes longer than the lease: the source is not read twice at once, and is read in the end."""

from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.crash import check
from tests.crash.daemons import Running, enter, write_config
from tests.crash.killing import wait_until_done
from tests.crash.servers import Town
from tests.crash.world import ALARM, World

pytestmark = pytest.mark.slow


LEASE_S = 4.0  # renewed at each third of it: even a machine that is held up for two seconds keeps it


@pytest.mark.slow
@pytest.mark.parametrize("n_daemons", [1, 2])
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_poll_that_outlasts_the_lease_is_read_once_at_a_time_and_stored(
    n_daemons: int, database_url: str, engine: Engine, tmp_path: Path
) -> None:
    world = World(["cakes"])
    with Town(world, lambda: LEASE_S * 1.5) as town, ExitStack() as stack:
        config = write_config(tmp_path, database_url, town.url, ["cakes"], lease=f"{LEASE_S}s")
        enter(config)
        world.say("cakes", ALARM, calls="alarm")
        for number in range(n_daemons):
            stack.enter_context(Running.start(config, tmp_path / f"log-{number}.jsonl"))
        assert wait_until_done(engine, world) == []
    assert town.overlaps == []
    assert check.untold(world, town.received, engine) == []
