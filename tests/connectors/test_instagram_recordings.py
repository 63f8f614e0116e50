"""The connector against recorded answers of the Graph API, replayed over real HTTP.

A request is answered by the recording of the same path and cursor; the recordings name other fields than the connector
asks for (no author, no parent), and their answers are given as they are. What was not recorded is made up here: whose
the token is, and the media that leads to a recorded list of comments. The two recordings of a hashtag search are not
replayed: hashtags are not watched, and their rows say neither who wrote, nor when, nor what.
"""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.base import Known
from connectors.instagram import Instagram, InstagramSettings
from monitor.errors import Unauthorized
from monitor.http import HttpClient
from monitor.model import Comment
from tests.platforms.base import World
from tests.platforms.server import HttpFakePlatform, Reply, Request

SHARED = Path(os.environ.get("HEEDFUL_SHARED") or Path(__file__).resolve().parents[2] / "../shared")
FOLDER = SHARED / "recordings" / "instagram"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
ACCOUNT = "17841400000000001"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the recordings are not there ({FOLDER})")


def _recorded(name: str) -> tuple[str, str, int, Any]:
    """Path without the version, cursor, status and body of one recording."""
    found = json.loads((FOLDER / f"{name}.json").read_text())
    url = urlsplit(found["request"]["url"])
    path = url.path.strip("/").partition("/")[2]
    after = parse_qs(url.query).get("after", [""])[0]
    return path, after, found["response"]["status"], found["response"]["body"]


class Replay(HttpFakePlatform):
    """Answers with recordings; what was never recorded is missing."""

    def __init__(self, names: list[str], folder: Path, own: str = ACCOUNT, watch: str = "media") -> None:
        super().__init__(World(), folder)
        self.recordings = [_recorded(name) for name in names]
        self.watch = watch
        self.made_up: dict[str, Any] = {"me": {"user_id": own, "username": "somebody"}, f"{own}/media": {"data": []}}

    def source_settings(self) -> dict[str, Any]:
        url = f"{self.url}/v26.0"
        return {"api_url": url, "token": "recorded", "backfill": "9000d", "reach": "9000d", "watch": self.watch}

    def native_id(self, key: str) -> str:
        return key

    def answer(self, request: Request) -> Reply:
        path = request.path.removeprefix("/v26.0").strip("/")
        for recorded, after, status, body in self.recordings:
            if (recorded, after) == (path, request.get("after")):
                return Reply(body, status)
        if path in self.made_up:
            return Reply(self.made_up[path])
        return Reply({"error": {"message": "Unsupported get request.", "code": 100, "error_subcode": 33}}, 400)

    def lead_to(self, media_id: str, **more: Any) -> None:
        """List a media of ours that was not recorded itself."""
        media = {"id": media_id, "timestamp": "2020-02-20T10:00:00+0000", "caption": "A picture"}
        self.made_up[f"{ACCOUNT}/media"]["data"].append(media | more)
        self.made_up[media_id] = media


def _connector(replay: Replay, http: HttpClient) -> Instagram:
    return Instagram(InstagramSettings.model_validate(replay.source_settings()), http)


def _read(replay: Replay, http: HttpClient) -> dict[str, Comment]:
    """Everything until there is no more, and two polls after."""
    connector = _connector(replay, http)
    found: list[Comment] = []
    cursor, n_quiet, now = None, 0, NOW
    while n_quiet < 3:
        page = connector.fetch_page(cursor, now)
        found += [comment for raw in page.raws if (comment := connector.normalise(raw)) is not None]
        cursor, n_quiet = page.cursor, 0 if page.more else n_quiet + 1
        now += timedelta(0) if page.more else timedelta(minutes=5)
    return {comment.native_id: comment for comment in found}


def _shown(name: str, expected: int, stored: int) -> None:
    print(f"{name:44} | expected {expected:3} | stored {stored:3}")  # noqa: T201


def test_both_pages_of_recorded_comments_are_stored(http: HttpClient, tmp_path: Path) -> None:
    with Replay(["media_comments_p1", "media_comments_p2"], tmp_path) as replay:
        media_id = replay.recordings[0][0].partition("/")[0]
        replay.lead_to(media_id, comments_count=4)
        stored = _read(replay, http)
    rows = {row["id"]: row for _, _, _, body in replay.recordings for row in body["data"]}
    comments = {key: comment for key, comment in stored.items() if comment.kind == "comment"}
    _shown("media_comments_p1, _p2 (ig_comments)", len(rows), len(comments))
    assert len(rows) == 4
    assert {key: comment.text for key, comment in comments.items()} == {key: row["text"] for key, row in rows.items()}
    assert {comment.subject_native_id for comment in comments.values()} == {media_id}
    assert {comment.parent_native_id for comment in comments.values()} == {None}


def test_recorded_replies_hang_below_their_comment_although_they_do_not_say_so(
    http: HttpClient, tmp_path: Path
) -> None:
    with Replay(["comment_replies"], tmp_path) as replay:
        above = replay.recordings[0][0].partition("/")[0]
        comment: dict[str, Any] = {"id": above, "text": "A comment", "timestamp": "2020-08-07T03:00:00+0000"}
        paging = {"next": "https://graph.example/replies?after=none", "cursors": {"after": "none"}}
        comment["replies"] = {"data": [], "paging": paging}
        replay.recordings = [(path, "", status, body) for path, _, status, body in replay.recordings]
        replay.lead_to("17910000000000001", comments_count=2, comments={"data": [comment]})
        replay.made_up["17910000000000001/comments"] = {"data": [comment]}
        stored = _read(replay, http)
        rows = replay.recordings[0][3]["data"]
    found = [stored[row["id"]] for row in rows if row["id"] in stored]
    _shown("comment_replies", len(rows), len(found))
    assert [reply.text for reply in found] == [row["text"] for row in rows]
    assert {reply.parent_native_id for reply in found} == {above}


def test_a_recorded_media_is_our_post(http: HttpClient, tmp_path: Path) -> None:
    with Replay(["media_single"], tmp_path) as replay:
        body = replay.recordings[0][3]
        replay.made_up[f"{ACCOUNT}/media"] = {"data": [body]}
        stored = _read(replay, http)
    _shown("media_single", 1, len(stored))
    media = stored[body["id"]]
    assert (media.kind, media.text, media.permalink) == ("post", body["caption"], body["permalink"])


def test_a_recorded_comment_is_read_by_its_id(http: HttpClient, tmp_path: Path) -> None:
    with Replay(["comment_single"], tmp_path) as replay:
        native_id, _, _, body = replay.recordings[0]
        replay.lead_to("17910000000000001")
        connector = _connector(replay, http)
        found = connector.recheck([Known(native_id, "17910000000000001", native_id)])
        stored = {one.native_id: one for raw in found.raws if (one := connector.normalise(raw)) is not None}
    _shown("comment_single", 1, int(native_id in stored))
    assert (stored[native_id].text, stored[native_id].author.handle) == (body["text"], body["username"])
    assert not found.gone


def test_a_recorded_mention_is_read_by_its_id(http: HttpClient, tmp_path: Path) -> None:
    own = _recorded("mentioned_comment")[0]
    with Replay(["mentioned_comment"], tmp_path, own, "tags") as replay:
        body = replay.recordings[0][3]["mentioned_comment"]
        connector = _connector(replay, http)
        found = connector.recheck([Known(body["id"], None, None)])
        stored = [one for raw in found.raws if (one := connector.normalise(raw)) is not None]
    _shown("mentioned_comment", 1, len(stored))
    assert [(one.kind, one.native_id, one.text) for one in stored] == [("mention", body["id"], body["text"])]


def test_the_recorded_refusal_holds_the_account(http: HttpClient, tmp_path: Path) -> None:
    with Replay([], tmp_path) as replay:
        _, _, status, body = _recorded("err_400_code10_permission")
        replay.recordings = [(f"{ACCOUNT}/media", "", status, body)]
        with pytest.raises(Unauthorized, match="a permission is missing"):
            _read(replay, http)
