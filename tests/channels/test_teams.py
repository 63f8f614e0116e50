"""What is Teams's alone: a card's size, the address that must stay as it is, and refusals of the workflow."""

import json
from dataclasses import replace
from typing import Any

import pytest

from monitor.channels.teams import MAX_BODY, Teams, TeamsSettings
from monitor.errors import Gone, RemoteError, Unauthorized, Unavailable
from monitor.http import HttpClient
from tests.channels.notices import FIRST, KIM, NOW
from tests.channels.rooms import TEAMS_QUERY, FakeTeams

HTTP = HttpClient()


def channel(fake: FakeTeams, query: str = TEAMS_QUERY) -> Teams:
    url: Any = f"{fake.url}/workflows/a1/triggers/manual/paths/invoke?{query}"
    return Teams(TeamsSettings(url=url), HTTP)


def body_of(teams: Teams, **changes: Any) -> list[dict[str, Any]]:
    (payload,) = teams.render(replace(FIRST, **changes), NOW).payloads
    found: list[dict[str, Any]] = payload["attachments"][0]["content"]["body"]
    return found


def test_the_address_with_its_signature_is_used_as_it_was_given() -> None:
    with FakeTeams() as fake:
        channel(fake).send(channel(fake).render(FIRST, NOW), "0delivery", NOW)
        assert fake.requests[0][1].endswith(TEAMS_QUERY)


def test_a_card_is_below_20_kb_whatever_its_letters_weigh() -> None:
    long = replace(
        KIM, excerpt="👩‍👩‍👧‍👦" * 200, author_name="é" * 90, subject_title="寿" * 200, reasons=KIM.reasons * 4
    )
    notice = replace(FIRST, threads=(long,) * 5, n_threads=5)
    with FakeTeams() as fake:
        teams = channel(fake)
        teams.send(teams.render(notice, NOW), "0delivery", NOW)
        assert 4_000 < len(fake.requests[0][3]) <= MAX_BODY


def test_a_date_macro_and_a_mention_are_not_expanded() -> None:
    with FakeTeams() as fake:
        hostile = replace(
            KIM, excerpt="{{DATE(2025-03-01T10:00:05Z)}} <at>all</at> <AT id=1>x", author_name="<at>Kim</at>"
        )
        shown = json.dumps(body_of(channel(fake), threads=(hostile,)), ensure_ascii=False)
    assert "{{" not in shown
    assert "<at" not in shown.lower()


def test_each_thread_has_its_own_button_and_http_has_none() -> None:
    with FakeTeams() as fake:
        old = replace(KIM, permalink="http://old.example/1")
        shown = json.dumps(body_of(channel(fake), threads=(KIM, old)))
    assert shown.count("Action.OpenUrl") == 1
    assert "http://old.example/1" in shown


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "WorkflowTriggerIsNotEnabled", Gone),
        (404, "WorkflowNotFound", Gone),
        (401, "DirectApiAuthorizationRequired", Unauthorized),
        (502, "NoResponse", Unavailable),
    ],
)
def test_a_workflow_that_no_longer_runs_is_held(status: int, code: str, expected: type[RemoteError]) -> None:
    with FakeTeams() as fake:
        fake.fail_with = (status, json.dumps({"error": {"code": code, "message": "…"}}).encode(), {})
        with pytest.raises(RemoteError) as caught:
            channel(fake).send(channel(fake).render(FIRST, NOW), "0delivery", NOW)
    assert type(caught.value) is expected


def test_a_wrong_signature_is_refused() -> None:
    with FakeTeams() as fake:
        teams = channel(fake, query="api-version=1&sig=wrong")
        message = teams.render(FIRST, NOW)
        with pytest.raises(Unauthorized):
            teams.send(message, "0delivery", NOW)


def test_a_page_in_place_of_the_workflow_is_no_success() -> None:
    with FakeTeams() as fake:
        fake.fail_with = (200, b"<!doctype html><title>Sign in</title>", {})
        with pytest.raises(Unavailable):
            channel(fake).send(channel(fake).render(FIRST, NOW), "0delivery", NOW)
