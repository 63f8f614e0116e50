"""Recorded Mastodon pages through the daemon's own flows: what a real server said is what the store holds, once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.engine import Engine

from connectors.mastodon import Mastodon, MastodonSettings
from monitor.http import HttpClient
from monitor.model import make_id
from monitor.store import schema
from monitor.store.engine import reading, writing
from tests.connectors.test_mastodon_recordings import CASES, FOLDER, NOW, Case, Replay
from tests.flows.brand import Bakery

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the recordings are not there ({FOLDER})")


@pytest.fixture
def http() -> Iterator[HttpClient]:
    client = HttpClient()
    yield client
    client.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_store_holds_every_recorded_status_once_and_in_its_thread(
    case: Case, engine: Engine, http: HttpClient, tmp_path: Path
) -> None:
    with Replay(case, tmp_path) as replay:
        connector = Mastodon(MastodonSettings.model_validate(replay.source_settings()), http)
        bakery = Bakery(engine, platform=connector, now=NOW)  # type: ignore[arg-type]
        for start_again in (False, True):
            if start_again:  # a cursor that was lost: everything is read a second time
                with writing(engine) as connection:
                    connection.execute(schema.sources.update().values(cursor="null"))
            bakery.later(minutes=1)
            bakery.poll()
            bakery.assess()
            bakery.notify()
            with reading(engine) as connection:
                table = schema.comments
                statement = select(table.c.native_id, table.c.thread_id, table.c.is_history)
                held = {row[0]: (row[1], row[2]) for row in connection.execute(statement)}
                alerts = connection.execute(select(schema.alerts.c.id)).all()
            assert set(held) == {f"127.0.0.1/{number}" for number in case.statuses}
            assert {native_id: thread for native_id, (thread, _) in held.items()} == _threads(case, replay.own)
            assert all(is_history for _, is_history in held.values())
            assert alerts == [], "what was there before the source alerts nobody"


def _threads(case: Case, own: str) -> dict[str, int]:
    """Each status's thread, found from the recording: the topmost status below our own root post, else the topmost."""
    statuses = case.statuses
    found = {}
    for number, status in statuses.items():
        chain = [status]
        while chain[-1]["in_reply_to_id"] in statuses:
            chain.append(statuses[chain[-1]["in_reply_to_id"]])
        is_under_ours = len(chain) > 1 and chain[-1]["account"]["id"] == own and chain[-1]["in_reply_to_id"] is None
        top = (chain[:-1] if is_under_ours else chain)[-1]["id"]
        found[f"127.0.0.1/{number}"] = make_id("bakery", "tiny", f"127.0.0.1/{top}")
    return found
