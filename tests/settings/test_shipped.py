"""The configuration that we ship: as it is, with every comment mark taken away, and its JSON Schema."""

import itertools
import json
import re
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from monitor.app import parts
from monitor.files import shipped
from monitor.model import Recipient
from monitor.settings import load_settings
from monitor.settings.brands import BrandTable
from monitor.settings.digests import DigestTable
from monitor.settings.people import PersonTable
from monitor.settings.reading import known_keys
from monitor.settings.routes import RouteTable
from monitor.settings.schema import schema, schema_text
from monitor.settings.tables import (
    AlertsTable,
    ChannelTable,
    DaemonSettings,
    DatabaseSettings,
    SourceTable,
    ThreadsTable,
)
from tests.settings.places import CHANNELS, CONNECTORS

SHIPPED = shipped("config", "heedful.toml")
SECRETS = {
    "JANE_TOPIC": "jane-3f9c",
    "SHOP_SLACK_TOKEN": "xoxb-0-hush",
    "SHOP_PAGERDUTY_KEY": "hush" * 8,
    "SHOP_ROTA_URL": "https://calendar.example/private-3f9c/basic.ics",
    "SHOP_MASTODON_TOKEN": "x" * 40,
    "SHOP_PUSH_SECRET": "p" * 32,
    "SHOP_SLACK_WEBHOOK": "https://hooks.slack.com/services/T0/B0/x",
    "SHOP_VERIFY_TOKEN": "v" * 32,
}
ENVIRON = {
    "HOME": "/home/nobody",
    "SHOP_GROUPME_BOT": "a1b2c3",
    "SHOP_GROUPME_SECRET": "a-text-that-nobody-guesses",
    "SHOP_SLACK_SIGNING_SECRET": "0123456789abcdef0123456789abcdef",
    "SHOP_TUBE_SECRET": "hush",
    **SECRETS,
}


def uncommented(text: str) -> str:
    return re.sub(r"(?m)^#(?! |$)", "", text)


def test_the_shipped_configuration_loads_as_it_is() -> None:
    settings = load_settings(SHIPPED, *parts(), environ=ENVIRON)
    assert list(settings.channels) == ["console"]
    assert settings.sources == {}
    assert settings.database.url == "sqlite:////home/nobody/.local/share/heedful/heedful.db"
    assert settings.warnings == ()


def test_every_setting_that_is_commented_out_loads_too(tmp_path: Path) -> None:
    path = tmp_path / "heedful.toml"
    path.write_text(uncommented(SHIPPED.read_text(encoding="utf-8")), encoding="utf-8")
    settings = load_settings(path, *parts(), environ=ENVIRON)
    assert set(settings.sources) == {"shop-mentions", "shop-blog"}
    rooms = {"team-slack", "care-slack", "on-call", "owners-groupme"}
    assert set(settings.channels) == {"console", *rooms, "jane-phone"}
    assert settings.people["jane"].channels == ("jane-phone",)
    assert settings.digests["morning"].recipients == (Recipient("team-slack"), Recipient("jane-phone", "jane"))
    assert settings.brands["shop"].calendar.zone.key == "Europe/London"


@pytest.mark.parametrize(
    ("key", "model"),
    [("database", DatabaseSettings), ("daemon", DaemonSettings), ("alerts", AlertsTable), ("threads", ThreadsTable)],
)
def test_what_is_commented_out_is_every_setting_with_its_default(key: str, model: type[BaseModel]) -> None:
    raw = tomllib.loads(uncommented(SHIPPED.read_text(encoding="utf-8")))[key]
    assert set(raw) == set(model.model_fields)
    from monitor.core.durations import parse_duration

    for name, info in model.model_fields.items():
        if key != "database":
            given = raw[name]
            if "timedelta" in str(info.annotation):
                given = tuple(map(parse_duration, given)) if isinstance(given, list) else parse_duration(given)
            assert given == info.default, name


def test_every_key_of_brands_sources_and_routes_is_explained_in_the_shipped_configuration() -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    tables = (BrandTable, SourceTable, PersonTable, DigestTable, ChannelTable)
    names = {name for model in tables for name in model.model_fields}
    names |= {info.alias or name for name, info in RouteTable.model_fields.items()}
    assert [name for name in sorted(names) if not re.search(rf"(?m)^#?{name} = ", text)] == []


def test_every_setting_has_an_explanation_above_it() -> None:
    lines = SHIPPED.read_text(encoding="utf-8").splitlines()
    own_keys = {
        "base_url",
        "token_env",
        "url",
        "url_env",
        "bot_id_env",
        "topic_env",
        "kind",
    }  # of connectors and channels
    bare = [
        line
        for above, line in itertools.pairwise(lines)
        if (match := re.match(r"#?([a-z_]+) = ", line))
        and match[1] not in own_keys
        and not above.startswith("# ")
        and not re.match(r"#?[a-z_]+ = ", above)
        and "shop-blog" not in above
    ]
    assert bare == []


def test_the_published_schema_is_what_the_code_says() -> None:
    published = shipped("config", "heedful.schema.json").read_text(encoding="utf-8")
    assert published == schema_text(*parts()), "renew it: heedful config schema > config/heedful.schema.json"


def test_the_schema_knows_every_key_that_the_settings_know() -> None:
    made = schema(CONNECTORS, CHANNELS)
    park = next(branch for branch in made["properties"]["sources"]["additionalProperties"]["allOf"])
    assert park["if"]["properties"] == {"connector": {"const": "park"}}
    there = set(park["then"]["properties"])
    assert there == {*known_keys(CONNECTORS["park"].Settings), *SourceTable.model_fields}
    assert park["then"]["properties"]["backfill"]["default"] == "30d"
    assert park["then"]["properties"]["pages"]["minimum"] == 1
    assert set(made["properties"]["daemon"]["properties"]) == set(DaemonSettings.model_fields)
    assert "continue" in made["properties"]["routes"]["items"]["properties"]
    bell = made["properties"]["channels"]["additionalProperties"]["allOf"][0]["then"]
    assert bell["allOf"] == [{"anyOf": [{"required": ["url"]}, {"required": ["url_env"]}, {"required": ["url_file"]}]}]


def test_the_schema_has_no_reference_that_leads_nowhere() -> None:
    made = schema(*parts())
    found = re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(made))
    assert found, "routes lie within routes"
    for path in found:
        place: object = made
        for name in path.split("/"):
            assert isinstance(place, dict)
            place = place[name]
