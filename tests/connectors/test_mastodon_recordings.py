"""The connector against recorded answers of real Mastodon servers, replayed over real HTTP.

A request is answered by the recording of the same path with the same max_id, min_id and since_id; the connector's
other parameters (limit, types) differ from those of the tools that were recorded and are not compared. A position
that was never recorded gives an empty page. Three answers were not recorded and are made up here: whose account it
is (from the path of the recording), the status that a recorded context belongs to (from one of its replies), and the
tag under which a recorded public timeline is served.
"""

import json
import os
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from connectors.base import Known, Page
from connectors.mastodon import Mastodon, MastodonSettings
from monitor.http import HttpClient
from monitor.model import Comment
from tests.platforms.base import World
from tests.platforms.server import HttpFakePlatform, Reply, Request

SHARED = Path(os.environ.get("HEEDFUL_SHARED") or Path(__file__).resolve().parents[2] / "../shared")
FOLDER = SHARED / "recordings" / "mastodon"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
POSITIONS = ("max_id", "min_id", "since_id")
Status = dict[str, Any]

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the recordings are not there ({FOLDER})")


@dataclass(frozen=True)
class Recording:
    """One recorded request and its answer."""

    path: str
    position: dict[str, str]
    body: Any
    headers: dict[str, str]


def _recorded(name: str) -> Recording:
    found = json.loads((FOLDER / f"{name}.json").read_text())
    url = urlsplit(found["request"]["url"])
    query = parse_qs(url.query)
    position = {key: query[key][0] for key in POSITIONS if key in query}
    headers = {k: v for k, v in found["response"]["headers"].items() if k.lower().startswith(("link", "x-ratelimit"))}
    return Recording(unquote(url.path), position, found["response"]["body"], headers)


@dataclass(frozen=True)
class Case:
    """Which recordings are served together, and what is watched there."""

    name: str
    files: tuple[str, ...]
    watch: str
    hashtag: str = ""
    own: str = ""
    tag_path: str = ""  # the hashtag's path that a recording of another timeline is served at
    is_old_server: bool = False

    @property
    def statuses(self) -> dict[str, Status]:
        """Every status of its pages, by id."""
        lines = [line for recording in map(_recorded, self.files) for line in recording.body]
        found = [line.get("status") if "type" in line and "content" not in line else line for line in lines]
        return {status["id"]: status for status in found if status is not None}


TAG = "fgiztsshwiaqqiztpmmjbtvmescsculuvmgjgopwoeidbcrixp"
CASES = [
    Case("hashtag, 4 pages", ("hashtag_p1", "hashtag_p2", "hashtag_p3", "hashtag_p4_empty"), "hashtag", TAG),
    Case("hashtag of fosstodon", ("hashtag_rstats_fosstodon",), "hashtag", "rstats"),
    Case(
        "public timeline of fosstodon",
        ("public_local_fosstodon",),
        "hashtag",
        "here",
        tag_path="/api/v1/timelines/public",
    ),
    Case("own posts, pages by max_id", ("account_statuses_p1", "account_statuses_p2_max_id"), "own_posts"),
    Case("own posts of mentions", ("account_statuses_p1", "account_statuses_p2_max_id"), "mentions"),
    Case(
        "own posts, server of 2018",
        ("account_statuses_old_p1", "account_statuses_old_p2"),
        "mentions",
        is_old_server=True,
    ),
    Case("notifications, 40", ("notifications_mastodonsocial_40",), "mentions", own="1"),
    Case("notifications, none", ("notifications_types_empty",), "mentions", own="1"),
    Case("notifications, one mention", ("notifications_types_mention_followreq",), "mentions", own="1"),
]


class Replay(HttpFakePlatform):
    """Answers with recordings; what was never recorded is an empty list or 404."""

    def __init__(self, case: Case, folder: Path) -> None:
        super().__init__(World(), folder)
        self.case = case
        self.recordings = [_recorded(name) for name in case.files]
        self.singles: dict[str, Status] = {}
        self.contexts: dict[str, Any] = {}

    @property
    def own(self) -> str:
        paths = [recording.path.split("/") for recording in self.recordings]
        return next((path[4] for path in paths if path[3] == "accounts"), self.case.own)

    def source_settings(self) -> dict[str, Any]:
        case = self.case
        token = {} if case.watch == "hashtag" else {"token": "recorded"}
        backfill = timedelta(days=9000)
        return {"base_url": self.url, "watch": case.watch, "hashtag": case.hashtag, "backfill": backfill, **token}

    def native_id(self, key: str) -> str:
        return f"127.0.0.1/{key}"

    def answer(self, request: Request) -> Reply:
        match request.path.removeprefix("/api/v1/").split("/"):
            case ["accounts", "verify_credentials"]:
                return Reply({"id": self.own})
            case ["statuses", number, "context"] if number in self.contexts:
                return Reply(self.contexts[number])
            case ["statuses", number] if number in self.singles:
                return Reply(self.singles[number])
            case ["statuses", *_]:
                return Reply({"error": "Record not found"}, 404)
        return self._page(request)

    def _page(self, request: Request) -> Reply:
        path = request.path
        if self.case.tag_path and path == f"/api/v1/timelines/tag/{self.case.hashtag}":
            path = self.case.tag_path
        position = {key: request.get(key) for key in POSITIONS if request.get(key)}
        if self.case.is_old_server:
            position.pop("min_id", None)  # it did not know it
        for recording in self.recordings:
            if (recording.path, recording.position) == (path, position):
                return Reply(recording.body, headers=recording.headers)
        return Reply([])


def _read(replay: Replay, http: HttpClient, cursor: Any = None) -> tuple[list[Comment], Page]:
    """Everything until there is no more, and then twice more, in the order it came."""
    connector = Mastodon(MastodonSettings.model_validate(replay.source_settings()), http)
    comments: list[Comment] = []
    n_quiet = 0
    while n_quiet < 3:
        page = connector.fetch_page(cursor, NOW)
        found = [connector.normalise(raw) for raw in page.raws]
        comments += [comment for comment in found if comment is not None]
        cursor, n_quiet = page.cursor, 0 if page.more else n_quiet + 1
    return comments, page


def _in_the_right_thread(comment: Comment, statuses: dict[str, Status], own: str) -> None:
    """The status's place, found again from the recording by the rules of the model's docstring."""
    chain = [statuses[comment.native_id.partition("/")[2]]]
    while chain[-1]["in_reply_to_id"] in statuses:
        chain.append(statuses[chain[-1]["in_reply_to_id"]])
    is_under_ours = len(chain) > 1 and chain[-1]["account"]["id"] == own and chain[-1]["in_reply_to_id"] is None
    thread = chain[:-1] if is_under_ours else chain
    above = chain[0]["in_reply_to_id"] if len(thread) > 1 or not is_under_ours else None
    assert comment.parent_native_id == (f"127.0.0.1/{above}" if above else None)
    assert comment.root_native_id == f"127.0.0.1/{thread[-1]['id']}"
    assert comment.subject_native_id == (f"127.0.0.1/{chain[-1]['id']}" if is_under_ours else None)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_recorded_status_is_obtained_once_and_in_its_thread(
    case: Case, http: HttpClient, tmp_path: Path, record_property: Any
) -> None:
    with Replay(case, tmp_path) as replay:
        comments, _ = _read(replay, http)
        expected = case.statuses
        obtained = Counter(comment.native_id.partition("/")[2] for comment in comments)
        record_property("table", f"{case.name}: {len(expected)} expected, {obtained.total()} obtained")
        print(f"{case.name:32} | expected {len(expected):3} | obtained {obtained.total():3}")  # noqa: T201
        assert obtained == Counter(expected.keys())
        for comment in comments:
            _in_the_right_thread(comment, expected, replay.own)
            assert comment.text.strip() or expected[comment.native_id.partition("/")[2]]["media_attachments"]
            assert comment.permalink.startswith("http")


def test_a_recorded_step_forward_by_min_id_brings_exactly_what_is_newer(http: HttpClient, tmp_path: Path) -> None:
    older, newer = "account_statuses_p2_max_id", "account_statuses_prev_min_id"
    case = Case("forward", (older, newer), "mentions")
    with Replay(case, tmp_path) as replay:
        first, forward = replay.recordings
        replay.recordings = [Recording(first.path, {}, first.body, first.headers)]  # as it was before the newer ones
        before, page = _read(replay, http)
        replay.recordings = [forward]
        after, _ = _read(replay, http, page.cursor)
    n_recorded, n_stored = len(first.body) + len(forward.body), len(before) + len(after)
    print(f"{older}, {newer} | expected {n_recorded} | obtained {n_stored}")  # noqa: T201
    assert [comment.native_id for comment in before] == _ids(first.body)
    assert [comment.native_id for comment in after] == _ids(forward.body)


def _ids(statuses: list[Status]) -> list[str]:
    return sorted(f"127.0.0.1/{status['id']}" for status in statuses)


@pytest.mark.parametrize("name", ["context_mastodonsocial_small", "context_mastodonsocial_large"])
def test_a_recorded_conversation_is_read_whole_and_in_order(name: str, http: HttpClient, tmp_path: Path) -> None:
    case = Case(name, (name,), "mentions", own="1")
    with Replay(case, tmp_path) as replay:
        recording = replay.recordings[0]
        top = recording.path.split("/")[-2]
        ancestors, descendants = recording.body["ancestors"], recording.body["descendants"]
        above = ancestors[-1]["id"] if ancestors else None
        status = descendants[0] | {"id": top, "in_reply_to_id": above}
        replay.contexts[top], replay.singles[top] = recording.body, status
        connector = Mastodon(MastodonSettings.model_validate(replay.source_settings()), http)
        found = connector.recheck([Known(f"127.0.0.1/{top}", None, None)])
        comments = [connector.normalise(raw) for raw in found.raws]
    statuses = {one["id"]: one for one in (*ancestors, status, *descendants)}
    kept = [comment for comment in comments if comment is not None]
    said = f"expected {len(descendants)} | obtained {len(kept) - 1} | and the status that is made up above them"
    print(f"{name} | {said}")  # noqa: T201
    assert Counter(comment.native_id for comment in kept) == Counter(
        f"127.0.0.1/{one['id']}" for one in (status, *descendants)
    )
    assert not found.gone
    for comment in kept:
        _in_the_right_thread(comment, statuses, replay.own)


def test_a_recorded_single_status_is_read_as_it_is(http: HttpClient, tmp_path: Path) -> None:
    case = Case("single", ("status_single_mastodonsocial",), "mentions", own="1")
    with Replay(case, tmp_path) as replay:
        status = replay.recordings[0].body
        replay.singles[status["id"]] = status
        connector = Mastodon(MastodonSettings.model_validate(replay.source_settings()), http)
        found = connector.recheck([Known(f"127.0.0.1/{status['id']}", None, None), Known("127.0.0.1/7", None, None)])
        comment = connector.normalise(found.raws[0])
    print(f"status_single_mastodonsocial | expected 1 | obtained {len(found.raws)}")  # noqa: T201
    assert found.gone == ["127.0.0.1/7"]
    assert comment is not None
    assert comment.permalink == status["url"]
    assert comment.author.handle == status["account"]["acct"]
    assert comment.created_at == datetime.fromisoformat(status["created_at"])
    assert comment.n_likes == status["favourites_count"]
