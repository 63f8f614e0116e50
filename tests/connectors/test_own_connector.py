"""A connector of the user's own: the recipe in docs/connectors/your-own.md works as it stands there."""

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors import load
from connectors.base import Connector
from monitor.errors import NotFound, Unauthorized
from monitor.http import HttpClient
from tests.platforms.base import Entry, Fault, World
from tests.platforms.server import HttpFakePlatform, Reply, Request

RECIPE = Path(__file__).resolve().parents[2] / "docs" / "connectors" / "your-own.md"
SECRET = "forum-key-1234"


class FakeForum(HttpFakePlatform):
    """The forum of the recipe: GET /posts?after=<id>, oldest first, at most 50."""

    def answer(self, request: Request) -> Reply:
        if request.headers.get("Authorization", request.headers.get("authorization")) != f"Bearer {SECRET}":
            return Reply({"error": "who are you?"}, 401)
        shown = [entry for entry in self.world.comments if entry.number > int(request.get("after", "0"))]
        return Reply([self._post(entry) for entry in shown[:50]])

    def _post(self, entry: Entry) -> dict[str, Any]:
        answered = self.world[entry.reply_to] if entry.reply_to else None
        return {
            "id": entry.number,
            "author": {"id": len(entry.by), "name": entry.by},
            "html": f"<p>{entry.text}</p>",
            "at": entry.created_at.isoformat(),
            "answers": answered.number if answered else None,
            "topic": {"id": 1, "title": "Opening hours"},
        }

    def source_settings(self) -> dict[str, Any]:
        return {"url": self.url, "token": SECRET}

    def native_id(self, key: str) -> str:
        return str(self.world[key].number)


@pytest.fixture
def forum(tmp_path: Path) -> Iterator[type[Connector]]:
    """The class of the recipe, by its dotted path, from a module where Python finds it."""
    [code] = re.findall(r"^```python\n(.*?)^```", RECIPE.read_text(), re.DOTALL | re.MULTILINE)
    (tmp_path / "my_forum.py").write_text(code)
    sys.path.insert(0, str(tmp_path))
    try:
        yield load("my_forum:Forum")
    finally:
        sys.path.remove(str(tmp_path))
        sys.modules.pop("my_forum", None)


def test_the_recipe_reads_every_comment_and_what_comes_later(
    forum: type[Connector], http: HttpClient, tmp_path: Path
) -> None:
    world = World()
    post = world.post()
    first = world.comment(post, "Is it <b>tonight</b>?")
    answer = world.reply(first)
    for _ in range(60):
        world.comment(post)
    with FakeForum(world, tmp_path) as fake:
        connector = forum(forum.Settings.model_validate(fake.source_settings()), http)
        page = connector.fetch_page(None, world.now)
        rest = connector.fetch_page(page.cursor, world.now)
        world.comment(post, "One more")
        late = connector.fetch_page(rest.cursor, world.advance())
    comments = {c.native_id: c for raw in (*page.raws, *rest.raws, *late.raws) if (c := connector.normalise(raw))}
    assert set(comments) == fake.expected()
    assert (page.more, rest.more, len(late.raws)) == (True, False, 1)
    assert comments[fake.native_id(first)].text == "Is it tonight?"
    assert comments[fake.native_id(first)].subject_title == "Opening hours"
    assert comments[fake.native_id(answer)].parent_native_id == fake.native_id(first)
    assert {c.created_at.tzinfo for c in comments.values()} == {UTC}
    assert comments[fake.native_id(first)].created_at == datetime(2026, 3, 2, 10, tzinfo=UTC)


def test_the_recipe_gets_its_errors_from_the_client_and_refuses_what_it_cannot_read(
    forum: type[Connector], http: HttpClient, tmp_path: Path
) -> None:
    with FakeForum(World(), tmp_path) as fake:
        connector = forum(forum.Settings.model_validate(fake.source_settings()), http)
        fake.fail(Fault.UNAUTHORIZED)
        with pytest.raises(Unauthorized) as caught:
            connector.fetch_page(None, fake.world.now)
    assert SECRET not in str(caught.value)
    with pytest.raises(ValueError, match="author"):
        connector.normalise({"id": 1})


def test_the_recipe_keeps_its_secret(forum: type[Connector]) -> None:
    assert SECRET not in repr(forum.Settings.model_validate({"url": "https://forum.example", "token": SECRET}))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("no_such_module:Forum", "cannot be loaded"),
        ("my_forum:Nothing", "cannot be loaded"),
        ("masto", 'there is no connector "masto"'),
    ],
)
def test_a_connector_that_is_not_there_is_named(forum: type[Connector], name: str, says: str) -> None:
    with pytest.raises(NotFound, match=says):
        load(name)


def test_the_recipe_is_short() -> None:
    [code] = re.findall(r"^```python\n(.*?)^```", RECIPE.read_text(), re.DOTALL | re.MULTILINE)
    assert len([line for line in code.splitlines() if line.strip()]) <= 50
