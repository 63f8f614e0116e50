"""The connector against recorded answers of the real YouTube, replayed over real HTTP.

A request is answered by the recording of the same list with the same page token or ids; sizes, parts and order differ
from those of the tool that was recorded and are not compared. What was not recorded is made up here and kept small:
which channel it is, which videos it has, and the thread that recorded single comments are served as replies of. The
recordings of search and activities are of requests that the connector never makes.
"""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.base import Known
from connectors.youtube import YouTube, YouTubeSettings
from monitor.errors import Unauthorized
from monitor.http import HttpClient
from monitor.model import Comment
from tests.platforms.base import World
from tests.platforms.server import HttpFakePlatform, Reply, Request

SHARED = Path(os.environ.get("HEEDFUL_SHARED") or Path(__file__).resolve().parents[2] / "../shared")
FOLDER = SHARED / "recordings" / "youtube"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
CHANNEL = "UCa-vrCLQHviTOVnEKDOdetQ"
THREAD = "UgMadeUpThread4AaABAg"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the recordings are not there ({FOLDER})")


@dataclass(frozen=True)
class Recording:
    """One recorded request and its answer."""

    name: str
    query: dict[str, str]
    status: int
    body: Any

    @property
    def ids(self) -> list[str]:
        return [entry["id"] for entry in self.body["items"]]


def _recorded(name: str) -> Recording:
    found = json.loads((FOLDER / f"{name}.json").read_text())
    url = urlsplit(found["request"]["url"])
    query = {key: values[0] for key, values in parse_qs(url.query).items()}
    response = found["response"]
    return Recording(url.path.rpartition("/")[2], query, response["status"], response["body"])


class Replay(HttpFakePlatform):
    """Answers with recordings; what was never recorded is an empty list."""

    def __init__(self, folder: Path, *names: str) -> None:
        super().__init__(World(), folder)
        self.recordings = [_recorded(name) for name in names]
        self.channel = CHANNEL
        self.videos: list[str] = []  # of the channel
        self.lists: dict[tuple[str, str, str], Any] = {}  # (method, parameter, value): what is made up
        self.as_new = False  # the threads of a video are served as those of the channel

    def source_settings(self) -> dict[str, Any]:
        backfill = timedelta(days=9_000)
        return {"base_url": self.url, "channel": self.channel, "api_key": "a-recorded-key", "backfill": backfill}

    def native_id(self, key: str) -> str:
        return key

    def answer(self, request: Request) -> Reply:
        name = request.path.rpartition("/")[2]
        for which in ("videoId", "allThreadsRelatedToChannelId", "parentId", "id"):
            if (value := request.get(which)) and (found := self._found(name, which, value, request)):
                return found
        if name == "channels":
            playlists = {"relatedPlaylists": {"uploads": "UUmadeup"}}
            return _list([{"id": self.channel, "contentDetails": playlists}])
        if name == "playlistItems":
            return _list([{"contentDetails": {"videoId": video}} for video in self.videos])
        return _list([])

    def _found(self, name: str, which: str, value: str, request: Request) -> Reply | None:
        if (name, which, value) in self.lists:
            return _list(self.lists[name, which, value])
        for one in self.recordings:
            is_moved = self.as_new and which == "allThreadsRelatedToChannelId" and "videoId" in one.query
            is_same = is_moved or set(one.query.get(which, "").split(",")) == set(value.split(","))
            if one.name == name and is_same and one.query.get("pageToken", "") == request.get("pageToken"):
                return Reply(one.body, one.status)
        return None


def _list(entries: list[Any]) -> Reply:
    return Reply({"kind": "youtube#madeUpListResponse", "items": entries})


def _connector(replay: Replay, http: HttpClient) -> YouTube:
    return YouTube(YouTubeSettings.model_validate(replay.source_settings()), http)


def _read(replay: Replay, http: HttpClient) -> dict[str, Comment]:
    """Everything until there is no more, by native id."""
    held: dict[str, Comment] = {}
    connector, cursor = _connector(replay, http), None
    for _ in range(20):
        page = connector.fetch_page(cursor, NOW)
        comments = [connector.normalise(raw) for raw in page.raws]
        held |= {comment.native_id: comment for comment in comments if comment is not None}
        cursor = page.cursor
        if not page.more:
            break
    return held


def _tell(name: str, expected: int, obtained: int, why: str = "") -> None:
    print(f"{name:32} | expected {expected:3} | stored {obtained:3} | {why}")  # noqa: T201


def _is_as_recorded(comment: Comment, told: dict[str, Any], title: str = "") -> None:
    snippet = told["snippet"]
    assert comment.text == snippet["textOriginal"].strip()
    assert "<" not in comment.text
    assert comment.created_at == datetime.fromisoformat(snippet["publishedAt"])
    assert (comment.edited_at is not None) == (snippet["updatedAt"] > snippet["publishedAt"])
    assert comment.author.native_id == snippet["authorChannelId"]["value"]
    assert comment.author.name == snippet["authorDisplayName"]
    assert comment.n_likes == snippet["likeCount"]
    assert comment.subject_title == title


def test_every_recorded_thread_of_a_channel_is_obtained(http: HttpClient, tmp_path: Path) -> None:
    with Replay(tmp_path, "comment_threads_all_related") as replay:
        held = _read(replay, http)
        recording = replay.recordings[0]
    assert sorted(held) == sorted(recording.ids)
    for thread in recording.body["items"]:
        comment = held[thread["id"]]
        _is_as_recorded(comment, thread["snippet"]["topLevelComment"])
        assert comment.subject_native_id == thread["snippet"].get("videoId")
        assert comment.n_replies == thread["snippet"]["totalReplyCount"]
    listed = [request.get("parentId") for request in replay.requests if request.get("parentId")]
    assert len(listed) == 1, "one thread counts a reply and sends none along"
    _tell("comment_threads_all_related", 4, len(held))


@pytest.mark.parametrize("as_new", [True, False])
def test_both_recorded_pages_of_a_video_are_obtained(http: HttpClient, tmp_path: Path, as_new: bool) -> None:
    names = ("comment_threads_by_video_p1", "comment_threads_by_video_p2")
    with Replay(tmp_path, *names) as replay:
        replay.as_new = as_new
        first, second = replay.recordings
        video = first.query["videoId"]
        snippet = {"publishedAt": "2001-01-01T00:00:00Z", "channelId": CHANNEL, "title": "Made up"}
        replay.videos = [video]
        replay.lists["videos", "id", video] = [{"id": video, "snippet": snippet, "statistics": {"commentCount": "10"}}]
        held = _read(replay, http)
        asked = [request.get("pageToken") for request in replay.requests if request.path.endswith("commentThreads")]
    assert first.body["nextPageToken"] in asked
    assert set(held) == {*first.ids, *second.ids}
    for thread in (*first.body["items"], *second.body["items"]):
        _is_as_recorded(held[thread["id"]], thread["snippet"]["topLevelComment"], "Made up")
        assert held[thread["id"]].permalink == f"https://www.youtube.com/watch?v={video}&lc={thread['id']}"
    n_lines = len(first.ids) + len(second.ids)
    _tell("comment_threads_by_video_p1, p2", n_lines, len(held), "the second page repeats the first")


@pytest.mark.parametrize("name", ["comment_threads_multi_ids", "comment_thread_single"])
def test_recorded_threads_are_looked_at_again_by_their_ids(name: str, http: HttpClient, tmp_path: Path) -> None:
    with Replay(tmp_path, name) as replay:
        recording, connector = replay.recordings[0], _connector(replay, http)
        found = connector.recheck([Known(one, None, None) for one in recording.ids])
        comments = [connector.normalise(raw) for raw in found.raws]
    held = {comment.native_id: comment for comment in comments if comment is not None}
    assert sorted(held) == sorted(recording.ids)
    assert not found.gone
    for thread in recording.body["items"]:
        _is_as_recorded(held[thread["id"]], thread["snippet"]["topLevelComment"])
    _tell(name, len(recording.ids), len(held))


@pytest.mark.parametrize("name", ["comments_multi_ids", "comments_single"])
def test_recorded_comments_are_obtained_as_replies(name: str, http: HttpClient, tmp_path: Path) -> None:
    with Replay(tmp_path, name) as replay:
        recording = replay.recordings[0]
        replay.lists["comments", "parentId", THREAD] = recording.body["items"]
        snippet = {**recording.body["items"][0]["snippet"], "publishedAt": "2018-01-01T00:00:00Z"}
        top = {"topLevelComment": {"id": THREAD, "snippet": snippet}, "totalReplyCount": len(recording.ids)}
        replay.lists["commentThreads", "allThreadsRelatedToChannelId", CHANNEL] = [{"id": THREAD, "snippet": top}]
        held = _read(replay, http)
    assert sorted(held) == sorted([THREAD, *recording.ids])
    for told in recording.body["items"]:
        _is_as_recorded(held[told["id"]], told)
        assert held[told["id"]].root_native_id == THREAD
    _tell(name, len(recording.ids), len(held) - 1, "and the thread that is made up for them")


def test_recorded_videos_become_posts_where_they_are_ours(http: HttpClient, tmp_path: Path) -> None:
    with Replay(tmp_path, "videos_multi") as replay:
        recording = replay.recordings[0]
        replay.videos = recording.ids
        ours = recording.body["items"][0]
        replay.channel = ours["snippet"]["channelId"]
        held = _read(replay, http)
    assert list(held) == [ours["id"]]
    assert held[ours["id"]].kind == "post"
    assert held[ours["id"]].is_ours
    assert held[ours["id"]].text.startswith(ours["snippet"]["title"])
    _tell("videos_multi", 2, len(held), "the other video is of another channel")


def test_the_recorded_refusal_of_a_key_is_a_matter_of_credentials(http: HttpClient, tmp_path: Path) -> None:
    with Replay(tmp_path, "err_400_key_invalid") as replay:
        recording = replay.recordings[0]
        replay.answer = lambda request: Reply(recording.body, recording.status)  # type: ignore[method-assign]
        with pytest.raises(Unauthorized, match="not valid"):
            _read(replay, http)
    _tell("err_400_key_invalid", 0, 0, "Unauthorized")


def test_every_recording_is_replayed_or_is_of_a_request_that_is_never_made() -> None:
    source = Path(__file__).read_text()
    names = {path.stem for path in FOLDER.glob("*.json")}
    unused = {name for name in names if f'"{name}"' not in source}
    assert all(_recorded(name).name in ("search", "activities") for name in unused)
