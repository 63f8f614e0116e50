"""The public feed's connector against recorded answers of the real iTunes (2021), replayed over real HTTP.

The pages were recorded singly (5 and 10 of one app): each is served as the first page, and in the chain as the page
that it was, with the recorded fifth page standing for those before it that are missing. The answers have no dates,
and Atom and lookup were not recorded (404), so every review counts as old as the backfill goes.
"""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.app_store_rss import AppStoreRss, AppStoreRssSettings
from monitor.errors import Malformed
from monitor.http import HttpClient
from monitor.model import Comment
from tests.platforms.base import World
from tests.platforms.server import HttpFakePlatform, Reply, Request

SHARED = Path(os.environ.get("HEEDFUL_SHARED") or Path(__file__).resolve().parents[2] / "../shared")
FOLDER = SHARED / "recordings" / "appstore"
NOW = datetime(2026, 11, 21, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the recordings are not there ({FOLDER})")


def _response(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())["response"]
    return found


def _entries(name: str) -> dict[str, dict[str, Any]]:
    body = _response(name)["body"]
    found = body["feed"].get("entry", []) if isinstance(body, dict) else []
    return {entry["id"]["label"]: entry for entry in found}


class Replay(HttpFakePlatform):
    """Answers the pages with recordings; `pages` are their names by number."""

    def __init__(self, folder: Path) -> None:
        super().__init__(World(), folder)
        self.pages: dict[int, str] = {}

    def source_settings(self) -> dict[str, Any]:
        return {"base_url": self.url, "apps": ["497799835"], "countries": ["cn"]}

    def native_id(self, key: str) -> str:
        return key

    def answer(self, request: Request) -> Reply:
        parts = request.path.strip("/").split("/")
        number = int(parts[4].removeprefix("page=")) if len(parts) == 7 else 0
        if number not in self.pages or parts[-1] != "json":
            return Reply("", 404)
        response = _response(self.pages[number])
        return Reply(response["body"], response["status"])


@pytest.fixture
def replay(tmp_path: Path) -> Iterator[Replay]:
    with Replay(tmp_path) as server:
        yield server


def _read(replay: Replay, http: HttpClient) -> dict[str, Comment]:
    connector = AppStoreRss(AppStoreRssSettings.model_validate(replay.source_settings()), http)
    comments: dict[str, Comment] = {}
    cursor: Any = None
    for _ in range(50):
        page = connector.fetch_page(cursor, NOW)
        read = [connector.normalise(raw) for raw in page.raws]
        comments |= {comment.native_id: comment for comment in read if comment is not None}
        cursor = page.cursor
        if not page.more:
            return comments
    raise AssertionError("no end")


END = "err_page_depth_11"
CASES = {
    "small app, 2 pages": {1: "smallapp_gb_page1", 2: "smallapp_gb_page2_empty"},
    "page 5": {1: "xcode_cn_page5", 2: END},
    "page 10, the last": {1: "xcode_cn_page10_last", 2: END},
    "pages 5 to 11": {
        **dict.fromkeys(range(1, 10), "xcode_cn_page5"),
        10: "xcode_cn_page10_last",
        11: END,
    },
}


@pytest.mark.parametrize("name", CASES)
def test_every_recorded_review_is_obtained_and_whole(name: str, replay: Replay, http: HttpClient) -> None:
    replay.pages = CASES[name]
    expected: dict[str, dict[str, Any]] = {}
    for recording in CASES[name].values():
        expected |= _entries(recording)
    comments = _read(replay, http)
    print(f"{name:20} | expected {len(expected):3} | stored {len(comments):3}")  # noqa: T201
    assert set(comments) == set(expected)
    for number, comment in comments.items():
        entry = expected[number]
        assert comment.stars == float(entry["im:rating"]["label"])
        assert comment.author.name == entry["author"]["name"]["label"]
        assert entry["author"]["uri"]["label"].partition("?")[0].endswith(comment.author.native_id)
        assert entry["title"]["label"].strip() in comment.text
        assert entry["content"]["label"].replace("\r\n", "\n").strip() in comment.text


def test_the_recorded_depth_error_at_the_first_page_is_an_error(replay: Replay, http: HttpClient) -> None:
    replay.pages = {1: END}
    with pytest.raises(Malformed):
        _read(replay, http)
