"""The connector against recorded answers of the real Reddit (2016 to 2025), replayed over real HTTP.

A request is answered by the recording of the same path with the same `after`; the connector's other parameters
(limit, sort) differ from those of the tools that were recorded and are not compared. Listings that were recorded
elsewhere (/user/x/, /r/all) are served at the path where the connector reads such a listing. What was never
recorded is an empty listing; what /api/info was never asked for is not shown, so the place of a comment of the
inbox is what its address tells.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from connectors.base import Known
from connectors.reddit import Reddit, RedditSettings
from monitor.errors import Gone, Unauthorized
from monitor.http import HttpClient
from monitor.model import Comment
from tests.platforms.base import World
from tests.platforms.server import HttpFakePlatform, Reply, Request

SHARED = Path(os.environ.get("HEEDFUL_SHARED") or Path(__file__).resolve().parents[2] / "../shared")
FOLDER = SHARED / "recordings" / "reddit"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
EMPTY = {"kind": "Listing", "data": {"after": None, "children": []}}

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the recordings are not there ({FOLDER})")


@dataclass(frozen=True)
class Case:
    """Recordings that are served together: `at` is the path that the connector asks for."""

    name: str
    files: tuple[str, ...]
    at: str
    settings: dict[str, Any]


def _subreddit(name: str) -> dict[str, Any]:
    return {"watch": "subreddit", "subreddits": [name]}


SEARCH = {"watch": "search", "query": "recorded"}
ACCOUNT = {"watch": "account"}
CASES = [
    Case("r/askreddit 2016", ("subreddit_comments_askreddit_2016",), "/r/askreddit/comments", _subreddit("askreddit")),
    Case("r/askreddit 2020", ("subreddit_comments_askreddit",), "/r/askreddit/comments", _subreddit("askreddit")),
    Case("r/askreddit 2021", ("askreddit_2021_poll1",), "/r/askreddit/comments", _subreddit("askreddit")),
    Case("r/askreddit 2021, 2nd", ("askreddit_2021_poll2_before",), "/r/askreddit/comments", _subreddit("askreddit")),
    Case("r/all, 1st poll", ("all_comments_poll1",), "/r/everything/comments", _subreddit("everything")),
    Case("r/all, 2nd poll", ("all_comments_poll2_before_empty",), "/r/everything/comments", _subreddit("everything")),
    Case("r/all, 5th poll", ("all_comments_poll5_before_new",), "/r/everything/comments", _subreddit("everything")),
    Case("r/all, 15th poll", ("all_comments_poll15_before_new",), "/r/everything/comments", _subreddit("everything")),
    Case("search", ("search_all",), "/search", SEARCH),
    Case("inbox, replies", ("inbox_comment_replies_64",), "/message/inbox", ACCOUNT),
    Case("inbox, mentions", ("inbox_mentions_16",), "/message/inbox", ACCOUNT),
    Case("own comments", ("user_comments_new",), "/user/spez/comments", ACCOUNT),
    Case(
        "own posts and comments, 3 pages",
        ("user_overview_p1", "user_overview_p2", "user_overview_last"),
        "/user/spez/comments",
        ACCOUNT,
    ),
]
THREADS = [
    ("2gmzqe", ("submission_comments_2016",)),
    ("52o2fl", ("thread_deleted_comment",)),
    ("98vj9e", ("thread_sort_new_limit4",)),
    ("57dw9a", ("thread_with_more_stubs", "thread_continue_this")),
]


def _recorded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return found


def _things(body: Any) -> Iterator[dict[str, Any]]:
    """Every comment, post and message in an answer."""
    if isinstance(body, list):
        for part in body:
            yield from _things(part)
    elif isinstance(body, dict):
        if body.get("kind") in ("t1", "t3", "t4"):
            yield body["data"]
        for part in body.values():
            yield from _things(part)


class Replay(HttpFakePlatform):
    """Answers with recordings."""

    def __init__(self, folder: Path) -> None:
        super().__init__(World(), folder)
        self.answers: dict[tuple[str, str], Reply] = {}

    def serve(self, name: str, path: str, after: str = "") -> dict[str, Any]:
        """Serve a recording at this path; returns what was recorded."""
        found = _recorded(name)
        response = found["response"]
        headers = {k: v for k, v in response["headers"].items() if k.lower().startswith("x-ratelimit")}
        self.answers[path, after] = Reply(response["body"], response["status"] or 200, headers)
        return found

    def connector(self, http: HttpClient, settings: dict[str, Any]) -> Reddit:
        base = {"base_url": self.url, "own_account": "spez", "token": "recorded", "backfill": timedelta(days=9000)}
        return Reddit(RedditSettings.model_validate(base | settings), http)

    def source_settings(self) -> dict[str, Any]:
        return {}

    def native_id(self, key: str) -> str:
        return key

    def answer(self, request: Request) -> Reply:
        return self.answers.get((request.path, request.get("after")), Reply(EMPTY))


@pytest.fixture
def replay(tmp_path: Path) -> Iterator[Replay]:
    with Replay(tmp_path) as server:
        yield server


def _read(connector: Reddit) -> tuple[dict[str, Comment], set[str]]:
    """Everything until there is no more."""
    comments: dict[str, Comment] = {}
    gone: set[str] = set()
    cursor: Any = None
    for _ in range(100):
        page = connector.fetch_page(cursor, NOW)
        read = [connector.normalise(raw) for raw in page.raws]
        comments |= {comment.native_id: comment for comment in read if comment is not None}
        gone |= set(page.gone)
        cursor = page.cursor
        if not page.more:
            return comments, gone
    raise AssertionError("no end")


def _told(name: str, expected: int, stored: int, gone: int) -> None:
    why = f" | shown as deleted {gone}" if gone else ""
    print(f"{name:32} | expected {expected:3} | stored {stored:3}{why}")  # noqa: T201


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_recorded_entry_of_a_listing_is_obtained_and_whole(case: Case, replay: Replay, http: HttpClient) -> None:
    expected: dict[str, dict[str, Any]] = {}
    after = ""
    for name in case.files:  # the third page of three followed one that was not recorded: here it follows the second
        found = replay.serve(name, case.at, after)
        after = found["response"]["body"]["data"]["after"]
        expected |= {one["name"]: one for one in _things(found["response"]["body"])}
    comments, gone = _read(replay.connector(http, case.settings))
    _told(case.name, len(expected), len(comments), len(gone))
    # What Reddit itself shows as deleted or removed is not stored.
    assert set(comments) | gone == set(expected)
    assert {expected[name].get("body") for name in gone} <= {"[deleted]", "[removed]"}
    for name, comment in comments.items():
        _is_whole(comment, expected[name])


def _is_whole(comment: Comment, recorded: dict[str, Any]) -> None:
    assert comment.created_at.timestamp() == recorded["created_utc"]
    assert comment.author.name == recorded["author"]
    assert comment.author.native_id == (recorded.get("author_fullname") or "")
    assert comment.permalink.startswith("https://www.reddit.com/")
    assert "?" not in comment.permalink
    if comment.native_id.startswith("t3_"):
        assert comment.text.startswith(recorded["title"].strip())
        return
    assert comment.text == recorded["body"].replace("\r\n", "\n")
    is_below_ours = (recorded.get("link_author") or "").casefold() == "spez"
    if is_below_ours:
        assert comment.subject_native_id == recorded["link_id"]
    above = recorded["parent_id"]
    assert comment.parent_native_id == (None if is_below_ours and above.startswith("t3_") else above)


@pytest.mark.parametrize(("link", "files"), THREADS, ids=[link for link, _ in THREADS])
def test_every_comment_of_a_recorded_conversation_is_obtained(
    link: str, files: tuple[str, ...], replay: Replay, http: HttpClient
) -> None:
    first = replay.serve(files[0], f"/comments/{link}")
    expected = {one["name"]: one for one in _things(first["response"]["body"])}
    for name in files[1:]:
        found = replay.serve(name, urlsplit(_recorded(name)["request"]["url"]).path)
        expected |= {one["name"]: one for one in _things(found["response"]["body"])}
    post = {"kind": "t3", "data": dict(expected[f"t3_{link}"], num_comments=99)}
    replay.answers["/search", ""] = Reply({"kind": "Listing", "data": {"after": None, "children": [post]}})
    # "more" was not recorded: these ids are asked for and nothing comes.
    replay.answers["/api/morechildren", ""] = Reply({"json": {"errors": [], "data": {"things": []}}})
    comments, gone = _read(replay.connector(http, SEARCH))
    _told(link, len(expected), len(comments), len(gone))
    assert set(comments) | gone == set(expected)
    asked = [request for request in replay.requests if request.path == "/api/morechildren"]
    assert bool(asked) is (link == "98vj9e")
    for comment in comments.values():
        if comment.native_id.startswith("t1_"):
            assert comment.root_native_id == f"t3_{link}"
            assert comment.parent_native_id == expected[comment.native_id]["parent_id"]


def test_a_recorded_deleted_comment_is_gone(replay: Replay, http: HttpClient) -> None:
    replay.serve("info_deleted_comment", "/api/info")
    found = replay.connector(http, SEARCH).recheck([Known("t1_d7ltvl0", None, None), Known("t1_other", None, None)])
    assert (list(found.raws), list(found.gone)) == ([], ["t1_d7ltvl0"])


@pytest.mark.parametrize(
    ("name", "error"), [("err_401_json", Unauthorized), ("err_403_forbidden", Unauthorized), ("err_404_json", Gone)]
)
def test_recorded_errors_say_what_to_do(name: str, error: type[Exception], replay: Replay, http: HttpClient) -> None:
    replay.serve(name, "/search")
    with pytest.raises(error):
        replay.connector(http, SEARCH).fetch_page(None, NOW)
