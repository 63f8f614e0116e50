"""A connector is complete: its class, its settings with their manual, its fake, and its page."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.base import Abilities, ConnectorSettings
from monitor.errors import Unauthorized
from monitor.settings.sources import taken_keys
from tests.contract.conftest import Case
from tests.contract.reader import Reader
from tests.platforms.base import FakePlatform

DOCS = Path(__file__).resolve().parents[2] / "docs" / "connectors"
CLAIMS = [
    field.name
    for field in fields(Abilities)
    if (field.type == "str" or field.type is str) and field.name != "late_reply_delay"
]


def _page(case: Case) -> str:
    path = DOCS / f"{case.name}.md"
    if not path.exists():
        pytest.fail(f"docs/connectors/{case.name}.md is missing")
    return " ".join(path.read_text().split())


def test_its_page_names_every_setting(case: Case) -> None:
    page = _page(case)
    assert [name for name in case.connector.Settings.model_fields if f"`{name}`" not in page] == []


def test_its_page_says_what_it_can_notice_and_why_not_the_rest(case: Case) -> None:
    page = _page(case)
    abilities = case.connector.abilities
    assert [name for name in CLAIMS if f"`{name}`" not in page] == []
    reasons = [getattr(abilities, name) for name in CLAIMS if getattr(abilities, name) != "yes"]
    assert [reason for reason in reasons if " ".join(reason.split()) not in page] == []
    assert abilities.late_reply_delay in page, "the page says how long a late reply can stay unseen"


def test_its_settings_explain_themselves_and_refuse_what_they_do_not_know(case: Case, fake: FakePlatform) -> None:
    kind = case.connector.Settings
    assert issubclass(kind, ConnectorSettings)
    assert [name for name, field in kind.model_fields.items() if not field.description] == []
    with pytest.raises(ValidationError):
        kind.model_validate(fake.source_settings() | {"no_such_setting": 1})


def test_no_setting_has_the_name_of_a_key_that_every_source_or_account_has(case: Case) -> None:
    assert taken_keys(case.connector.Settings) == [], "what is written there never reaches the connector"


def test_its_settings_do_not_show_their_secret(reader: Reader, fake: FakePlatform) -> None:
    assert not fake.secret or fake.secret not in repr(reader.settings) + str(reader.settings)


def test_it_says_which_platform_it_reads(case: Case) -> None:
    assert case.connector.platform
    assert len(CLAIMS) == 5


def test_a_connector_with_oauth_asks_its_access_for_the_token(case: Case, reader: Reader) -> None:
    oauth = getattr(case.connector, "oauth", None)
    if oauth is None:
        pytest.skip(f"{case.name} has no OAuth")
    if any(getattr(reader.settings, name, None) for name in ("api_key", "service_account")):
        pytest.skip(f"{case.name} reads with a key of another kind here")

    class Ended:
        """An access whose permission is over."""

        def token(self) -> str:
            raise Unauthorized("run heedful auth")

    assert oauth.token_url.startswith("https://")
    connector: Any = case.connector
    with pytest.raises(Unauthorized, match="run heedful auth"):
        connector(reader.settings, reader.http, Ended()).fetch_page(None, reader.fake.world.now)
