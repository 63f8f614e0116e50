"""The connector against the only answer of Threads that is at hand, replayed over real HTTP.

It is hand-written by another project (two own posts), no recording: nothing of replies or mentions was ever recorded.
"""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.threads import Threads, ThreadsSettings
from monitor.http import HttpClient
from tests.platforms.base import World
from tests.platforms.server import HttpFakePlatform, Reply, Request

SHARED = Path(os.environ.get("HEEDFUL_SHARED") or Path(__file__).resolve().parents[2] / "../shared")
FOLDER = SHARED / "recordings" / "threads"
NOW = datetime(2026, 11, 21, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the recordings are not there ({FOLDER})")


class Replay(HttpFakePlatform):
    """Answers the list of own posts; everything else is empty."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(World(), folder)
        self.body: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())["response"]["body"]

    def source_settings(self) -> dict[str, Any]:
        long = timedelta(days=9_000)
        return {"api_url": self.url, "token": "recorded", "backfill": long, "reach": long}

    def native_id(self, key: str) -> str:
        return key

    def answer(self, request: Request) -> Reply:
        if request.path == "/me":
            return Reply({"id": "3141592653", "username": self.body["data"][0]["username"]})
        return Reply(self.body if request.path == "/me/threads" and not request.get("after") else {"data": []})


def test_every_post_is_obtained_as_our_own(http: HttpClient, tmp_path: Path) -> None:
    cursor: Any = None
    with Replay("user_threads", tmp_path) as replay:
        connector = Threads(ThreadsSettings.model_validate(replay.source_settings()), http)
        raws: list[Any] = []
        more = True
        while more:
            page = connector.fetch_page(cursor, NOW)
            raws += page.raws
            cursor, more = page.cursor, page.more
    comments = [comment for raw in raws if (comment := connector.normalise(raw)) is not None]
    print(f"user_threads | expected {len(replay.body['data'])} | obtained {len(comments)}")  # noqa: T201
    assert [comment.native_id for comment in comments] == [post["id"] for post in replay.body["data"]]
    for comment, post in zip(comments, replay.body["data"], strict=True):
        assert (comment.kind, comment.is_ours) == ("post", True)
        assert (comment.text, comment.permalink) == (post["text"], post["permalink"])
        assert comment.created_at == datetime.fromisoformat(post["timestamp"])
