"""Reddit read by an app alone: its token is asked for, kept, renewed, and refused in words that help."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.reddit import Reddit, RedditSettings
from monitor.errors import Unauthorized
from monitor.http import HttpClient
from tests.platforms.base import World
from tests.platforms.reddit import APP_ID, APP_SECRET, Fake


@pytest.fixture
def fake(world: World, tmp_path: Path) -> Iterator[Fake]:
    with Fake(world, tmp_path) as platform:
        yield platform


def _settings(fake: Fake, **changes: Any) -> RedditSettings:
    given = {name: value for name, value in fake.source_settings().items() if name != "token"}
    app = {"app_id": APP_ID, "app_secret": APP_SECRET, "site_url": fake.url}
    return RedditSettings.model_validate(given | app | changes)


def _read(connector: Reddit, world: World, cursor: Any = None) -> Any:
    page = connector.fetch_page(cursor, world.now)
    return page, [connector.normalise(raw) for raw in page.raws]


def test_a_subreddit_is_read_by_an_app_alone_with_one_token_for_many_reads(
    fake: Fake, world: World, http: HttpClient
) -> None:
    comment = world.comment(world.post())
    connector = Reddit(_settings(fake), http)
    page, comments = _read(connector, world)
    assert fake.native_id(comment) in {one.native_id for one in comments if one}
    _read(connector, world, page.cursor)
    assert fake.n_tokens == 1


def test_a_token_that_is_refused_before_its_end_is_asked_for_anew_once(
    fake: Fake, world: World, http: HttpClient
) -> None:
    connector = Reddit(_settings(fake), http)
    page, _ = _read(connector, world)
    fake.token = "another-token"
    _read(connector, world, page.cursor)
    assert fake.n_tokens == 2


def test_a_token_that_lives_for_hardly_a_minute_is_used_all_the_same(
    fake: Fake, world: World, http: HttpClient
) -> None:
    fake.lives = 61
    connector = Reddit(_settings(fake), http)
    page, _ = _read(connector, world)
    assert fake.n_tokens == 1
    _read(connector, world, page.cursor)
    assert fake.n_tokens == 1


def test_a_wrong_secret_says_so_and_is_not_shown(fake: Fake, world: World, http: HttpClient) -> None:
    connector = Reddit(_settings(fake, app_secret="a-wrong-secret"), http)
    with pytest.raises(Unauthorized, match="app_id and app_secret") as caught:
        connector.fetch_page(None, world.now)
    assert "a-wrong-secret" not in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [{"watch": "account"}, {"app_id": ""}, {"app_secret": None}, {"token": "given"}],
    ids=["an inbox", "no id", "no secret", "two credentials"],
)
def test_settings_that_an_app_cannot_serve_are_refused(fake: Fake, changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        _settings(fake, **changes)
