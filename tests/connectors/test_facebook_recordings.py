"""The connector against recorded answers of the Graph API, replayed over real HTTP.

A request is answered by the recording of the same path and position (after, until). The recordings name other fields
than the connector asks for, and masked cursors; their answers are given as they are. What was not recorded is made up
here: whose the token is, and for recordings of one edge the list that leads to it. Comments were recorded with a token
that is shown neither the ids of comments nor who wrote.
"""

import json
import os
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.base import Known
from connectors.facebook import Facebook, FacebookSettings
from monitor.errors import Unauthorized
from monitor.http import HttpClient
from monitor.model import Comment
from tests.platforms.base import World
from tests.platforms.server import HttpFakePlatform, Reply, Request

SHARED = Path(os.environ.get("HEEDFUL_SHARED") or Path(__file__).resolve().parents[2] / "../shared")
FOLDER = SHARED / "recordings" / "facebook"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
POSITIONS = ("after", "until")

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the recordings are not there ({FOLDER})")


def _recorded(name: str) -> tuple[str, dict[str, str], int, Any]:
    """Path without the version, position, status and body of one recording."""
    found = json.loads((FOLDER / f"{name}.json").read_text())
    url = urlsplit(found["request"]["url"])
    query = parse_qs(url.query)
    path = url.path.partition("/")[2]
    path = path.partition("/")[2] if path.startswith("v") else path
    position = {key: query[key][0] for key in POSITIONS if key in query}
    return path, position, found["response"]["status"], found["response"]["body"]


class Replay(HttpFakePlatform):
    """Answers with recordings; what was never recorded is an empty list, or missing."""

    def __init__(self, page: str, names: list[str], folder: Path) -> None:
        super().__init__(World(), folder)
        self.page = page
        self.recordings = [_recorded(name) for name in names]
        self.made_up: dict[str, Any] = {"me": {"id": page, "name": "A Page", "category": "Product"}}

    def source_settings(self) -> dict[str, Any]:
        return {"api_url": f"{self.url}/v26.0", "token": "recorded", "backfill": "9000d", "reach": "9000d"}

    def native_id(self, key: str) -> str:
        return key

    def answer(self, request: Request) -> Reply:
        path = request.path.removeprefix("/v26.0").strip("/")
        if path in self.made_up and not any(request.get(key) for key in POSITIONS):
            return Reply(self.made_up[path])
        if ids := request.get("ids"):
            found = {one: body for one in ids.split(",") if (body := self._single(one)) is not None}
            return Reply(found) if found else _missing()
        position = {key: request.get(key) for key in POSITIONS if request.get(key)}
        for recorded, at, status, body in self.recordings:
            # /feed and /posts are one list, of which the connector asks for the first.
            if (recorded.replace("/posts", "/feed"), at) == (path, position):
                return Reply(body, status)
        return Reply({"data": []})

    def _single(self, object_id: str) -> Any:
        return next((body for path, _, _, body in self.recordings if path == object_id), self.made_up.get(object_id))


def _missing() -> Reply:
    return Reply({"error": {"message": "Unsupported get request.", "code": 100, "error_subcode": 33}}, 400)


def _read(replay: Replay, http: HttpClient) -> list[Comment]:
    """Everything until there is no more, and two polls after."""
    connector = Facebook(FacebookSettings.model_validate(replay.source_settings()), http)
    found: list[Comment] = []
    cursor, n_quiet, now = None, 0, NOW
    while n_quiet < 3:
        page = connector.fetch_page(cursor, now)
        found += [comment for raw in page.raws if (comment := connector.normalise(raw)) is not None]
        cursor, n_quiet = page.cursor, 0 if page.more else n_quiet + 1
        now += timedelta(0) if page.more else timedelta(minutes=5)
    return found


def _shown(name: str, expected: int, stored: int) -> None:
    print(f"{name:44} | expected {expected:3} | stored {stored:3}")  # noqa: T201


def test_the_comments_of_a_recorded_post_are_stored_each_below_what_it_answers(
    http: HttpClient, tmp_path: Path
) -> None:
    names = ["post_comments_p1", "post_comments_p2"]
    with Replay("19292868552", names, tmp_path) as replay:
        path, *_ = replay.recordings[0]
        post_id = path.partition("/")[0]
        # What the list would say of the post: 18, as the recording's summary does; 15 are shown.
        summary = replay.recordings[0][3]["summary"]
        post = {"id": post_id, "created_time": "2021-08-10T18:00:00+0000", "message": "A post"}
        replay.made_up["19292868552/feed"] = {"data": [post | {"comments": {"data": [], "summary": summary}}]}
        comments = [comment for comment in _read(replay, http) if comment.kind == "comment"]
    rows = [row for _, _, _, body in replay.recordings for row in body["data"]]
    stored = {comment.native_id: comment for comment in comments}
    _shown("post_comments_p1, _p2 (fb_comments)", len(rows), len(stored))
    assert len(stored) == len(rows) == 15
    assert Counter(c.text for c in stored.values()) == Counter(row["message"] for row in rows)
    replies = {row["permalink_url"] for row in rows if "reply_comment_id" in row["permalink_url"]}
    # No author is told, so the post is somebody's: the top comments answer it, and the replies those.
    assert {c.permalink for c in stored.values() if c.parent_native_id != post_id} == replies
    assert all(c.parent_native_id in {post_id, *stored} for c in stored.values())
    n_replies = Counter(c.parent_native_id for c in stored.values())
    counted = {c.native_id: c.n_replies for c in stored.values() if c.n_replies}
    assert {key: n_replies[key] for key in counted} == counted


@pytest.mark.parametrize(
    ("page", "names", "expected"),
    [
        # 10 posts in two pages, whose comments were not asked for (limit 0): the walks that follow find nothing.
        ("19292868552", ["page_feed_p1", "page_feed_p2"], 10),
        # The second page was recorded with the rows of the first: 5 posts, each twice.
        ("4", ["feed_fields_p1", "feed_fields_p2"], 5),
    ],
)
def test_each_post_of_a_recorded_feed_is_stored(
    http: HttpClient, tmp_path: Path, page: str, names: list[str], expected: int
) -> None:
    with Replay(page, names, tmp_path) as replay:
        posts = _read(replay, http)
        asked = [request for request in replay.requests if request.path.endswith("/feed")]
    ids = {row["id"] for _, _, _, body in replay.recordings for row in body["data"]}
    _shown(", ".join(names), len(ids), len({post.native_id for post in posts}))
    assert {post.native_id for post in posts} == ids
    assert len(ids) == expected
    assert any(request.get("after") or request.get("until") for request in asked), "the second page was asked for"
    assert all(post.text for post in posts)


def test_a_recorded_comment_and_a_recorded_post_are_read_by_their_id(http: HttpClient, tmp_path: Path) -> None:
    with Replay("19292868552", ["comment_single", "post_single"], tmp_path) as replay:
        connector = Facebook(FacebookSettings.model_validate(replay.source_settings()), http)
        (single, *_), (post_id, *_) = replay.recordings
        above = "19292868552_10158371815748553"
        replay.made_up[above] = {"id": above, "created_time": "2021-07-21T20:00:00+0000", "message": "A post"}
        found = connector.recheck([Known(single, above, single), Known(post_id, None, post_id)])
        stored = {c.native_id: c for raw in found.raws if (c := connector.normalise(raw)) is not None}
    _shown("comment_single, post_single", 2, len(stored.keys() & {single, post_id}))
    assert {single, post_id} <= stored.keys()
    assert not found.gone
    body = replay.recordings[0][3]
    assert (stored[single].text, stored[single].permalink) == (body["message"], body["permalink_url"])
    # The recorded id and the one that its address tells are the same.
    without = connector.normalise(
        {"comment": {k: v for k, v in body.items() if k != "id"}, "on": _on(above), "own": ""}
    )
    assert without is not None
    assert without.native_id == single


def _on(post_id: str) -> dict[str, Any]:
    return {"id": post_id, "root": False, "title": "A post", "url": ""}


@pytest.mark.parametrize(
    ("name", "says"),
    [("err_400_code100_permission", "pages_read_engagement"), ("err_400_code190_463_expired", "it has expired")],
)
def test_a_recorded_error_holds_the_account_and_says_why(
    http: HttpClient, tmp_path: Path, name: str, says: str
) -> None:
    with Replay("19292868552", [], tmp_path) as replay:
        _, _, status, body = _recorded(name)
        replay.recordings = [("19292868552/feed", {}, status, body)]
        with pytest.raises(Unauthorized, match=says):
            _read(replay, http)
