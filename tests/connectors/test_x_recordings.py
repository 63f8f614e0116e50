"""The connector against recorded answers of the real API, replayed over real HTTP, and its fake against X's OpenAPI.

A recorded list is served at the path that the connector asks for; its next page, which was never recorded, is empty.
Not replayed: the five recordings of version 1.1, which is another API that heedful does not speak. A look-up of
other posts was not recorded: X is made to say of each id that it cannot find it.
"""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Known, Page
from connectors.x import X, XSettings
from monitor.errors import Malformed
from monitor.http import HttpClient
from monitor.model import Comment
from tests.contract.reader import Reader
from tests.platforms.base import BRAND, World
from tests.platforms.server import HttpFakePlatform, Reply, Request
from tests.platforms.x import POST_NAMES, PROBLEMS, Fake

SHARED = Path(os.environ.get("HEEDFUL_SHARED") or Path(__file__).resolve().parents[2] / "../shared")
FOLDER, SPEC = SHARED / "recordings" / "x", SHARED / "specs" / "x.json"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
OWN = "990001"

needs_recordings = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the recordings are not there ({FOLDER})")
needs_spec = pytest.mark.skipif(not SPEC.is_file(), reason=f"X's OpenAPI is not there ({SPEC})")


@dataclass(frozen=True)
class Case:
    """A recording, and the list of the connector at whose path it is served."""

    name: str
    watch: str = "mentions"
    served_at: str = "mentions"


CASES = [
    Case("v2_users_mentions"),
    Case("v2_mentions_public_metrics"),
    Case("v2_search_recent", "search", "recent"),
    Case("v2_search_recent_expansions", "search", "recent"),
    Case("v2_search_all", "search", "all"),
    Case("v2_users_tweets", "mentions", "tweets"),
    Case("v2_home_timeline"),  # another list of the same shape, and the longest that was recorded
    Case("v2_quote_tweets"),  # the same
]


class Replay(HttpFakePlatform):
    """Answers one list with a recording; every other list is empty and nothing is found by its id."""

    def __init__(self, case: Case, folder: Path) -> None:
        super().__init__(World(), folder)
        self.case = case
        found = json.loads((FOLDER / f"{case.name}.json").read_text())["response"]
        self.body, self.headers = found["body"], found["headers"]
        self.singles: dict[str, Any] = {}
        self.was_served = False

    def source_settings(self) -> dict[str, Any]:
        case = self.case
        query = {"query": "Tweepy"} if case.watch == "search" else {}
        settings = {"base_url": self.url, "token": "recorded", "watch": case.watch, "own_account": OWN}
        return settings | query | {"archive": case.served_at == "all", "recheck_for": timedelta(days=9_000)}

    def native_id(self, key: str) -> str:
        return key

    def answer(self, request: Request) -> Reply:
        last = request.path.rpartition("/")[2]
        if request.path == "/2/tweets":
            return Reply(self._lookup(request.get("ids").split(",")))
        is_first = not request.get("next_token") and not request.get("pagination_token")
        is_there = last == self.case.served_at and "conversation_id:" not in request.get("query")
        if is_there and is_first and not self.was_served:
            self.was_served = True  # nothing newer was recorded
            limits = {key: value for key, value in self.headers.items() if key.startswith("x-rate-limit")}
            return Reply(self.body, headers=limits)
        return Reply({"meta": {"result_count": 0}})

    def _lookup(self, ids: list[str]) -> dict[str, Any]:
        there = [self.singles[one] for one in ids if one in self.singles]
        kind = f"{PROBLEMS}resource-not-found"
        errors = [
            {"resource_id": one, "parameter": "ids", "value": one, "title": "Not Found Error", "type": kind}
            for one in ids
            if one not in self.singles
        ]
        return ({"data": there} if there else {}) | ({"errors": errors} if errors else {})


def _read(replay: Replay, http: HttpClient) -> tuple[list[Comment], Page]:
    connector = X(XSettings.model_validate(replay.source_settings()), http)
    comments: list[Comment] = []
    cursor: Any = None
    while True:
        page = connector.fetch_page(cursor, NOW)
        read = [connector.normalise(raw) for raw in page.raws]
        comments += [comment for comment in read if comment is not None]
        if not page.more:
            return comments, page
        cursor = json.loads(json.dumps(page.cursor))


@needs_recordings
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_recorded_post_is_obtained_once(case: Case, http: HttpClient, tmp_path: Path) -> None:
    with Replay(case, tmp_path) as replay:
        comments, _ = _read(replay, http)
        # One of the home timeline was edited: the recording shows its newest id, and the comment has its first.
        expected = {post.get("edit_history_tweet_ids", [post["id"]])[0]: post for post in replay.body["data"]}
        users = {user["id"]: user for user in replay.body.get("includes", {}).get("users", [])}
    print(f"{case.name:32} | expected {len(expected):3} | obtained {len(comments):3}")  # noqa: T201
    assert sorted(comment.native_id for comment in comments) == sorted(expected)
    for comment in comments:
        post = expected[comment.native_id]
        assert comment.text.strip()
        assert comment.author.native_id == post.get("author_id", "")
        assert comment.author.handle == users.get(post.get("author_id"), {}).get("username", "")
        if "created_at" in post:
            assert comment.created_at == datetime.fromisoformat(post["created_at"])
        if "public_metrics" in post:
            assert comment.n_replies == post["public_metrics"]["reply_count"]
        answered = [one["id"] for one in post.get("referenced_tweets", []) if one["type"] == "replied_to"]
        assert comment.parent_native_id == (answered[0] if answered else None)
        assert "&amp;" not in comment.text


@needs_recordings
def test_a_recorded_single_post_is_looked_at_again(http: HttpClient, tmp_path: Path) -> None:
    with Replay(Case("v2_tweet"), tmp_path) as replay:
        post = replay.body["data"]
        replay.singles[post["id"]] = post
        connector = X(XSettings.model_validate(replay.source_settings()), http)
        found = connector.recheck([Known(post["id"], None, None), Known("1293593516040269000", None, None)])
        comment = connector.normalise(found.raws[0])
    print(f"v2_tweet | expected 1 | obtained {len(found.raws)}")  # noqa: T201
    assert found.gone == ["1293593516040269000"]
    assert comment is not None
    assert comment.native_id == post["id"]


@needs_recordings
def test_the_recorded_account_is_who_we_are(http: HttpClient, tmp_path: Path) -> None:
    class Account(Replay):
        def answer(self, request: Request) -> Reply:
            return Reply(self.body) if request.path == "/2/users/me" else Reply({"meta": {"result_count": 0}})

    with Account(Case("v2_me"), tmp_path) as server:
        settings = XSettings.model_validate(server.source_settings() | {"own_account": ""})
        page = X(settings, http).fetch_page(None, NOW)
    assert page.own_author_ids == {server.body["data"]["id"]}


@needs_recordings
def test_a_recorded_400_is_an_error_and_flips_no_dialect(http: HttpClient, tmp_path: Path) -> None:
    class Refusing(Replay):
        def answer(self, request: Request) -> Reply:
            return Reply(self.body, 400)

    with Refusing(Case("err_400_invalid_request"), tmp_path) as server:
        with pytest.raises(Malformed, match="invalid-request"):
            X(XSettings.model_validate(server.source_settings()), http).fetch_page(None, NOW)
        assert server.n_requests == 1


# --- the fake, and what the connector asks for, against X's OpenAPI (version 2.167: the names of "post") ---


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(SPEC.read_text())
    return found


def _told(http: HttpClient, folder: Path, variant: str) -> tuple[list[Request], list[Reply]]:
    """The requests of a whole life of a source, and the answers to them."""

    told: list[Reply] = []

    class Listening(Fake):
        def answer(self, request: Request) -> Reply:
            told.append(super().answer(request))
            return told[-1]

    world = World()
    with Listening(world, folder) as fake:
        fake.variant = variant
        fake.links["https://t.co/abc"] = "https://bakery.example/menu"
        first = world.comment(world.post(), "See https://t.co/abc")
        fake.long.add(first)
        world.reply(first)
        gone = world.reply(first, by="lee")
        reader = Reader(X, fake, http)
        reader.catch_up()
        world.advance()
        world.delete(gone)
        world.edit(first, "See https://t.co/abc again")
        reader.catch_up()
        assert reader.of(first).author.name
        return fake.requests, told


def _schema(spec: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = spec["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _invented(spec: dict[str, Any], schema: dict[str, Any], value: Any, path: str) -> list[str]:
    """The fields of a value that its schema does not know, and the required ones that it lacks."""
    schema = _schema(spec, schema)
    if "oneOf" in schema and "discriminator" in schema:
        name = value["type"].replace("tweet", "post")
        schema = _schema(spec, {"$ref": schema["discriminator"]["mapping"][name]})
    if isinstance(value, list):
        return [wrong for one in value for wrong in _invented(spec, schema.get("items", {}), one, f"{path}[]")]
    if not isinstance(value, dict) or not (known := _properties(spec, schema)):
        return []
    wrong = [f"{path}.{name}" for name in value if name not in known]
    wrong += [f"{path}.{name} is required" for name in schema.get("required", ()) if name not in value]
    return wrong + [
        w for name in value if name in known for w in _invented(spec, known[name], value[name], f"{path}.{name}")
    ]


def _properties(spec: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    found = dict(schema.get("properties", {}))
    for part in schema.get("allOf", ()):
        found |= _properties(spec, _schema(spec, part))
    return found


def _operation(spec: dict[str, Any], path: str) -> dict[str, Any]:
    for template, operations in spec["paths"].items():
        parts, wanted = template.split("/"), path.split("/")
        if len(parts) == len(wanted) and all(a == b or a.startswith("{") for a, b in zip(parts, wanted, strict=True)):
            found: dict[str, Any] = operations["get"]
            return found
    raise AssertionError(f"{path} is not in the OpenAPI")


def _renamed(value: Any) -> Any:
    """An answer of the older dialect in the names of the newer one."""
    names = POST_NAMES | {"retweet_count": "repost_count", "tweet_count": "post_count"}
    if isinstance(value, dict):
        return {names.get(key, key): _renamed(inner) for key, inner in value.items()}
    return [_renamed(inner) for inner in value] if isinstance(value, list) else value


@needs_spec
@pytest.mark.parametrize("variant", ["mentions, post names", "mentions", "search"])
def test_the_fake_sends_no_field_that_the_openapi_does_not_know(
    variant: str, spec: dict[str, Any], http: HttpClient, tmp_path: Path
) -> None:
    requests, answers = _told(http, tmp_path, variant)
    assert {request.path.rpartition("/")[2] for request in requests} >= {BRAND, "tweets"}
    for request, answer in zip(requests, answers, strict=True):
        if answer.status == 200:
            content = _operation(spec, request.path)["responses"]["200"]["content"]["application/json"]["schema"]
            assert _invented(spec, content, _renamed(answer.body), request.path) == []


@needs_spec
def test_nothing_is_asked_for_that_the_openapi_does_not_know(
    spec: dict[str, Any], http: HttpClient, tmp_path: Path
) -> None:
    requests = _told(http, tmp_path, "mentions, post names")[0]
    spoken = [request for request in requests if "tweet.fields" not in request.query]
    assert len(spoken) > 5
    for request in spoken:
        known = {p["name"]: p["schema"] for p in map(_parameter(spec), _operation(spec, request.path)["parameters"])}
        assert set(request.query) <= set(known)
        for name in ("post.fields", "expansions", "user.fields"):
            if name in request.query:
                assert set(request.get(name).split(",")) <= set(known[name]["items"]["enum"])


def _parameter(spec: dict[str, Any]) -> Any:
    def resolved(parameter: dict[str, Any]) -> dict[str, Any]:
        name = parameter.get("$ref", "").rpartition("/")[2]
        found: dict[str, Any] = spec["components"]["parameters"][name] if name else parameter
        return found

    return resolved
