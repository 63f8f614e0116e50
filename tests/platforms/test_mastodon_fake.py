"""The fake Mastodon invents nothing: its bodies have the fields of the API's own description, and all it requires."""

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from monitor.http import HttpClient
from tests.platforms.base import World
from tests.platforms.mastodon import TOKEN, Fake

SHARED = Path(os.environ.get("HEEDFUL_SHARED") or Path(__file__).resolve().parents[2] / "../shared")
SPEC = SHARED / "specs" / "mastodon.json"
TYPES = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict, "null": type(None)}
# The account of verify_credentials is also a CredentialAccount, with settings that no reader looks at.
PATHS = {
    "/api/v1/notifications": "/api/v1/notifications",
    "/api/v1/timelines/tag/bakery": "/api/v1/timelines/tag/{hashtag}",
    "/api/v1/accounts/12/statuses": "/api/v1/accounts/{id}/statuses",
    "/api/v1/accounts/lookup?acct=brand": "/api/v1/accounts/lookup",
    "/api/v1/statuses/{id}": "/api/v1/statuses/{id}",
    "/api/v1/statuses/{id}/context": "/api/v1/statuses/{id}/context",
    "/api/v1/statuses?id[]={id}": "/api/v1/statuses",
}

pytestmark = pytest.mark.skipif(not SPEC.is_file(), reason=f"the description of the API is not there ({SPEC})")


@cache
def _spec() -> Any:
    return json.loads(SPEC.read_text())


def _faults(value: Any, schema: Any, where: str) -> list[str]:
    """What in a value the schema does not allow: missing, invented or of another type."""
    if "$ref" in schema:
        return _faults(value, _spec()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], where)
    choices = schema.get("oneOf") or schema.get("anyOf") or []
    if choices:
        return [] if any(not _faults(value, choice, where) for choice in choices) else [f"{where}: fits no choice"]
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(isinstance(value, TYPES[kind]) for kind in kinds if kind in TYPES):
        return [f"{where}: is not {kinds}"]
    if isinstance(value, list):
        return [fault for inner in value for fault in _faults(inner, schema.get("items", {}), f"{where}[]")]
    if not isinstance(value, dict) or "properties" not in schema:
        return [f"{where}: {value!r} is not among its values"] if value not in schema.get("enum", [value]) else []
    known = schema["properties"]
    wrong = [f"{where}.{name}: missing" for name in schema.get("required", []) if name not in value]
    wrong += [f"{where}.{name}: invented" for name in value if name not in known]
    return wrong + [f for name in value if name in known for f in _faults(value[name], known[name], f"{where}.{name}")]


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    world = World()
    with Fake(world, tmp_path) as platform:
        first = world.comment(world.post())
        world.advance()
        world.edit(first, "Changed")
        world.reply(world.reply(first), by="lee")
        platform.warnings[first] = "bad food"
        platform.direct.add(world.post("@brand hello", by="ann"))
        yield platform


@pytest.mark.parametrize("path", list(PATHS))
def test_its_answers_have_the_fields_of_the_real_ones_and_no_other(fake: Fake, path: str) -> None:
    number = fake.native_id("c2").partition("/")[2]
    http = HttpClient()
    answer = http.get(fake.url + path.replace("{id}", number), headers={"Authorization": f"Bearer {TOKEN}"})
    http.close()
    described = _spec()["paths"][PATHS[path]]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    body = answer.json()
    assert body
    assert _faults(body, described, "") == []


def test_the_check_itself_sees_what_is_invented_and_what_is_missing() -> None:
    context = {"$ref": "#/components/schemas/Context"}
    assert _faults({"ancestors": [], "root": 1}, context, "") == [".descendants: missing", ".root: invented"]
