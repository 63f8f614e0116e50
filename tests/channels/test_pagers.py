"""What wakes people: an alert is one incident from its trigger to its end, whoever repeats what."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from monitor.channels.base import Live
from monitor.errors import RateLimited, Unauthorized
from monitor.model import Severity
from tests.channels.notices import DIGEST, FIRST, NOW
from tests.channels.pagers import FakeOpsgenie, FakePagerDuty
from tests.channels.test_contract import make, posted

PAGERS = ["opsgenie", "pagerduty"]
ALERT = FIRST.alert_id
ROSE = replace(FIRST, reason="severity_rose", says="more urgent now", severity=Severity.CRISIS)
TAKEN = replace(FIRST, reason="update", says="acknowledged", status="acknowledged", owner="Alex")
STILL = replace(FIRST, reason="update", says="still open")
OVER = replace(FIRST, reason="resolved", says="resolved", status="resolved")


def stands(fake: Any) -> Mapping[str, str]:
    known = {"triggered": "open", "acked": "acknowledged"}
    statuses = {key: each if isinstance(each, str) else each["status"] for key, each in fake.open.items()}
    return {key: known.get(status, status) for key, status in statuses.items()}


@pytest.mark.parametrize("kind", PAGERS)
def test_an_alert_is_one_incident_from_its_trigger_to_its_end(kind: str) -> None:
    with posted(kind) as (fake, channel):
        assert isinstance(channel, Live)
        ref = channel.post(channel.render(FIRST, NOW), "0delivery", NOW, "")
        assert ref == ALERT
        channel.post(channel.render(ROSE, NOW), "1delivery", NOW, ref)
        channel.post(channel.render(ROSE, NOW), "1delivery", NOW, ref)  # after an unknown outcome
        assert stands(fake) == {ALERT: "open"}
        channel.edit(ref, channel.render(TAKEN, NOW), NOW)
        assert stands(fake) == {ALERT: "acknowledged"}
        channel.post(channel.render(OVER, NOW), "2delivery", NOW, ref)
        assert stands(fake) == {}


@pytest.mark.parametrize("kind", PAGERS)
def test_a_change_that_is_no_act_of_anybody_wakes_nobody(kind: str) -> None:
    with posted(kind) as (fake, channel):
        channel.edit(ALERT, channel.render(STILL, NOW), NOW)
        assert fake.requests == []


@pytest.mark.parametrize("kind", PAGERS)
def test_a_digest_is_no_part_of_an_alert_and_of_the_least_urgency(kind: str) -> None:
    with posted(kind) as (fake, channel):
        channel.send(channel.render(DIGEST, NOW), "0delivery", NOW)
        channel.send(channel.render(replace(DIGEST, id=43), NOW), "1delivery", NOW)
        assert len(fake.open) == 2
        assert all(key.startswith("digest-") for key in fake.open)
        urgency = [
            each["body"]["priority"] if kind == "opsgenie" else each["payload"]["severity"] for each in fake.accepted
        ]
        assert urgency == ["P5" if kind == "opsgenie" else "info"] * 2


def test_the_severities_are_the_targets() -> None:
    pager, genie = make("pagerduty"), make("opsgenie")
    told = [replace(FIRST, severity=severity) for severity in Severity]
    assert [pager.render(each, NOW).payloads[0]["payload"]["severity"] for each in told] == [
        *("critical", "error", "warning", "info")
    ]
    assert [genie.render(each, NOW).payloads[0]["body"]["priority"] for each in told] == ["P1", "P2", "P3", "P4"]


def test_what_stands_in_an_open_alert_of_opsgenie_is_brought_up_to_date() -> None:
    with FakeOpsgenie() as fake:
        channel = make("opsgenie", fake.url)
        channel.send(channel.render(FIRST, NOW), "0delivery", NOW)
        channel.send(channel.render(ROSE, NOW), "1delivery", NOW)
        assert fake.open[ALERT]["priority"] == "P1"
        assert "more urgent now" in fake.open[ALERT]["description"]


def test_a_key_that_pagerduty_does_not_know_holds_the_channel() -> None:
    with FakePagerDuty() as fake:
        stranger = make("pagerduty", fake.url, routing_key="0" * 32)
        with pytest.raises(Unauthorized, match="routing key"):
            stranger.check()


def test_pagerduty_is_left_alone_for_a_minute_where_it_does_not_say_how_long() -> None:
    with FakePagerDuty() as fake:
        fake.fail_with = (429, b"", {})
        channel = make("pagerduty", fake.url)
        with pytest.raises(RateLimited) as caught:
            channel.send(channel.render(FIRST, NOW), "0delivery", NOW)
        assert caught.value.retry_at == NOW + timedelta(minutes=1)
