"""Tokens in the store: sealed, renewed in time by one alone, never lost, and people warned before they end."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select
from sqlalchemy.engine import Engine

from connectors.oauth import OAuth
from monitor.errors import RemoteError, Unauthorized
from monitor.flows.credentials import Application, StoredAccess, drill, granted, run_drill
from monitor.http import HttpClient
from monitor.sealing import Box, SealBroken
from monitor.store import alerts, credentials, schema
from monitor.store.engine import reading, writing
from tests.tokens import CODE, TokenServer

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEY = Fernet.generate_key().decode()


@dataclass
class Town:
    engine: Engine
    server: TokenServer
    http: HttpClient
    now: datetime = NOON
    box: Box = field(default_factory=lambda: Box(KEY))

    @property
    def application(self) -> Application:
        return Application(OAuth("https://p.example/agree", self.server.url, ("read", "write")), "us", "hush")

    def access(self) -> StoredAccess:
        return StoredAccess(self.engine, lambda: self.box, "acme", self.application, self.http, lambda: self.now)

    def grant(self, lives: int | None = 3600, refresh_token: str = "refresh-0", **more: Any) -> None:
        told = {"access_token": "access-0", "refresh_token": refresh_token, "expires_in": lives, "scope": "read write"}
        kept = granted(self.box, self.application.oauth, told | more, {}, self.now)
        with writing(self.engine) as connection:
            credentials.save(connection, "acme", "tube", kept, self.now)


@pytest.fixture
def town(engine: Engine) -> Iterator[Town]:
    server, http = TokenServer(), HttpClient()
    yield Town(engine, server, http)
    http.close()
    server.close()


def test_a_valid_token_is_used_and_nobody_is_asked(town: Town) -> None:
    town.grant()
    assert [town.access().token() for _ in range(3)] == ["access-0"] * 3
    assert town.server.asked == []


def test_a_token_is_renewed_before_it_ends_and_the_new_refresh_token_is_kept(town: Town) -> None:
    town.grant()
    for n in (1, 2, 3):
        town.now += timedelta(minutes=56)
        assert town.access().token() == f"access-{n}"
    assert [asked["refresh_token"] for asked in town.server.asked] == ["refresh-0", "refresh-1", "refresh-2"]
    assert {asked["client_secret"] for asked in town.server.asked} == {"hush"}


def test_many_threads_renew_it_once(town: Town) -> None:
    town.grant()
    town.now += timedelta(hours=2)
    town.server.delay_s = 0.2
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(town.access().token())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["access-1"] * 8
    assert len(town.server.asked) == 1


def test_while_the_platform_is_away_a_token_that_still_serves_is_used(town: Town) -> None:
    town.grant()
    town.now += timedelta(minutes=57)
    town.server.status = 503
    assert town.access().token() == "access-0"
    town.now += timedelta(minutes=5)
    with pytest.raises(RemoteError):
        town.access().token()
    town.server.status = 200
    assert town.access().token() == "access-1"


def test_a_grant_that_was_withdrawn_says_what_to_run_and_shows_no_secret(town: Town) -> None:
    town.grant(refresh_token="stolen-and-used")
    town.now += timedelta(hours=2)
    with pytest.raises(Unauthorized) as caught:
        town.access().token()
    assert "heedful auth acme" in str(caught.value)
    assert "invalid_grant" in str(caught.value)
    assert "stolen" not in str(caught.value)
    assert "hush" not in str(caught.value)


def test_a_renewer_that_died_is_succeeded_after_its_lease(town: Town) -> None:
    town.grant()
    town.now += timedelta(hours=2)
    with writing(town.engine) as connection:
        assert credentials.begin_refresh(connection, "acme", 0, town.now, timedelta(minutes=1))
        assert not credentials.begin_refresh(connection, "acme", 0, town.now, timedelta(minutes=1))
    town.now += timedelta(minutes=2)
    assert town.access().token() == "access-1"


def test_a_refused_token_is_renewed_at_its_next_use(town: Town) -> None:
    town.grant()
    with writing(town.engine) as connection:
        credentials.expire(connection, "acme", town.now)
    assert town.access().token() == "access-1"


def test_no_token_lies_in_the_database_in_clear(town: Town) -> None:
    town.grant()
    with reading(town.engine) as connection:
        row = str(connection.execute(select(schema.credentials)).all())
    assert "access-0" not in row
    assert "refresh-0" not in row


def test_another_key_opens_nothing_and_says_so_and_an_older_key_still_opens(town: Town) -> None:
    town.grant()
    town.box = Box(Fernet.generate_key().decode())
    with pytest.raises(Unauthorized, match="another key"):
        town.access().token()
    town.box = Box(f"{Fernet.generate_key().decode()}\n{KEY}\n")
    assert town.access().token() == "access-0"
    with pytest.raises(SealBroken):
        Box("no key at all")


def test_nobody_has_authorised_it_yet(town: Town) -> None:
    with pytest.raises(Unauthorized, match="heedful auth acme"):
        town.access().token()


def test_people_are_warned_14_7_and_1_days_before_the_end_once_each_and_told_that_it_is_over(town: Town) -> None:
    town.grant(lives=30 * 86_400, refresh_token="")
    told = []
    for day in range(31):
        now = NOON + timedelta(days=day)
        with writing(town.engine) as connection:
            held = credentials.load_all(connection)
            found = drill(held, {"acme": ("read", "write")}, now)
            if run_drill(connection, "bakery", found, held, now):
                told.append(30 - day)
    assert told == [14, 7, 1, 0]
    town.now = NOON + timedelta(days=31)
    town.grant(lives=60 * 86_400, refresh_token="")
    with writing(town.engine) as connection:
        held = credentials.load_all(connection)
        run_drill(connection, "bakery", drill(held, {}, town.now), held, town.now)
        keys = [("bakery", f"operator:credential:acme:{days}") for days in (14, 7, 1, 0)]
        assert alerts.load_open(connection, keys) == {}


def test_a_missing_permission_is_told(town: Town) -> None:
    town.grant(scope="read")
    with reading(town.engine) as connection:
        (found,) = drill(credentials.load_all(connection), {"acme": ("read", "write")}, NOON)
    assert found.says == "lacks the permission write"


# --- a platform that speaks JSON, as TikTok does ---


class JsonTokens(TokenServer):
    """Wraps its tokens, and refuses with status 200."""

    def __init__(self) -> None:
        super().__init__()
        self.refuses_with = 0

    def read(self, body: str) -> dict[str, str]:
        fields: dict[str, str] = json.loads(body)
        return fields

    def answer(self, fields: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if self.refuses_with:
            return 200, {"code": self.refuses_with, "message": f"{fields}", "request_id": "1", "data": {}}
        sent = {"code" if name == "auth_code" else name: value for name, value in fields.items()}
        status, told = super().answer(sent)
        if status != 200:
            return 200, {"code": 40105, "message": "refused", "data": {}}
        more = {"open_id": "open-1", "refresh_token_expires_in": 31_536_000, "scope": "comment.list,video.list"}
        return 200, {"code": 0, "message": "OK", "data": told | more}


@pytest.fixture
def json_town(engine: Engine) -> Iterator[Town]:
    server, http = JsonTokens(), HttpClient()
    yield JsonTown(engine, server, http)
    http.close()
    server.close()


class JsonTown(Town):
    @property
    def application(self) -> Application:
        oauth = OAuth(
            "https://p.example/agree", self.server.url, ("comment.list",), uses_pkce=False, speaks_json=True,
            client_name="client_key", code_name="auth_code", kept=("open_id",),
        )  # fmt: skip
        return Application(oauth, "us", "hush")


def test_tokens_are_asked_for_and_told_in_json_with_what_the_connector_needs_beside_them(json_town: Town) -> None:
    fields = {"grant_type": "authorization_code", "code": CODE, "redirect_uri": "https://www.shop.example/"}
    told = json_town.application.redeem(json_town.http, fields)
    kept = granted(json_town.box, json_town.application.oauth, told, {}, json_town.now)
    assert kept.scopes == ["comment.list", "video.list"]
    assert kept.refresh_expires_at == NOON + timedelta(days=365)
    with writing(json_town.engine) as connection:
        credentials.save(connection, "acme", "tube", kept, json_town.now)
    assert (json_town.access().token(), json_town.access().fact("open_id")) == ("access-1", "open-1")
    json_town.now += timedelta(hours=2)
    assert json_town.access().token() == "access-2"
    assert json_town.access().fact("open_id") == "open-1"
    assert json_town.access().fact("anything else") == ""


def test_a_refusal_with_status_200_is_one_and_shows_no_secret(json_town: Town) -> None:
    assert isinstance(json_town.server, JsonTokens)
    fields = {"grant_type": "refresh_token", "refresh_token": "stolen-and-used"}
    with pytest.raises(Unauthorized, match="the grant was refused: code 40105"):
        json_town.application.fetch(json_town.http, json_town.server.url, fields)
    for code, kind in ((40001, Unauthorized), (40100, RemoteError), (50002, RemoteError)):
        json_town.server.refuses_with = code
        with pytest.raises(RemoteError) as caught:
            json_town.application.fetch(json_town.http, json_town.server.url, fields)
        assert type(caught.value) is kind
        assert "stolen" not in str(caught.value)
        assert "hush" not in str(caught.value)
