"""What is to happen soon happens then: a daemon whose clock ticks once an hour reads and sends all the same."""

from collections.abc import Callable
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from time import monotonic, sleep

from tests.crash.daemons import Running, enter, write_config
from tests.crash.servers import Town
from tests.crash.world import ALARM, World
from tests.faults import Exchange, FaultServer, answer

PUSH = """
[channels.telephone]
kind = "ntfy"
topic = "alerts"
base_url = "{url}"
"""


def _wait_until(is_so: Callable[[], object], seconds: float = 120) -> None:
    end = monotonic() + seconds
    while not is_so():
        assert monotonic() < end
        sleep(0.01)


def test_a_source_is_read_every_second_whenever_the_clock_ticks(sqlite_url: str, tmp_path: Path) -> None:
    with Town(World(["cakes"])) as town, ExitStack() as stack:
        config = write_config(tmp_path, sqlite_url, town.url, ["cakes"], tick="1h", every="1s")
        enter(config)
        stack.enter_context(Running.start(config, tmp_path / "log.jsonl"))
        _wait_until(lambda: len(town.polls) >= 4)
        assert min(later[0] - earlier[1] for earlier, later in pairwise(town.polls)) > 0.5


def test_messages_go_out_as_soon_as_their_target_wants_the_next_one(sqlite_url: str, tmp_path: Path) -> None:
    arrived: list[float] = []

    def take(exchange: Exchange) -> None:
        arrived.append(monotonic())
        answer(200, b'{"id": "xE73Iyuabi"}')(exchange)

    world = World(["cakes"])
    with Town(world) as town, FaultServer(take) as target, ExitStack() as stack:
        config = write_config(tmp_path, sqlite_url, town.url, ["cakes"], tick="1h", every="1h")
        said = config.read_text().replace('["hook"]', '["telephone"]')
        config.write_text(said + PUSH.format(url=target.url))
        enter(config)
        for _ in range(3):
            world.say("cakes", ALARM, calls="alarm")
        stack.enter_context(Running.start(config, tmp_path / "log.jsonl"))
        _wait_until(lambda: len(arrived) == 3)
    assert min(later - earlier for earlier, later in pairwise(arrived)) > 0.5
