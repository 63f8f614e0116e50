"""Cards against the schema that Microsoft publishes for them (schemas/, MIT licence, unchanged)."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft6Validator

from monitor.model import Notice
from tests.channels.notices import HOSTILE_NOTICES, HOSTILE_ROOMS, NOTICES, NOW
from tests.channels.test_contract import make

SCHEMA = Path(__file__).parent / "schemas" / "adaptive-card-1.4.0.json"


@cache
def validator() -> Draft6Validator:
    return Draft6Validator(json.loads(SCHEMA.read_text("utf-8-sig")))


def faults(notice: Notice) -> list[str]:
    """What of its card the schema refuses. `msteams` is Teams' own, and no part of it."""
    (payload,) = make("teams").render(notice, NOW).payloads
    card: dict[str, Any] = dict(payload["attachments"][0]["content"])
    assert card.pop("msteams") == {"width": "Full"}
    return [error.message[:300] for error in validator().iter_errors(card)]


@pytest.mark.parametrize("name", sorted(NOTICES))
def test_every_kind_of_card_is_valid(name: str) -> None:
    assert faults(NOTICES[name]) == []


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(notice=HOSTILE_NOTICES | HOSTILE_ROOMS)
def test_whatever_people_write_the_card_is_valid(notice: Notice) -> None:
    assert faults(notice) == []


def test_the_schema_refuses_what_is_no_card() -> None:
    assert list(validator().iter_errors({"type": "AdaptiveCard", "version": "1.4", "body": [{"type": "Nonsense"}]}))
