"""What is Mattermost's alone: the ids of its errors, its rate limit, and the check that posts nothing."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given

from monitor.channels.mattermost import Mattermost, MattermostSettings, escape
from monitor.errors import Gone, RateLimited, RemoteError, Unauthorized, Unavailable
from monitor.http import HttpClient
from tests.channels.notices import FIRST, HOSTILE, NOW
from tests.channels.rooms import MATTERMOST_KEY, FakeMattermost, markdown_fault

HTTP = HttpClient()


def channel(fake: FakeMattermost, key: str = MATTERMOST_KEY) -> Mattermost:
    url: Any = f"{fake.url}/sub/hooks/{key}"
    return Mattermost(MattermostSettings(url=url), HTTP)


@pytest.mark.parametrize(
    ("status", "what", "expected"),
    [
        (400, "invalid", Gone),
        (404, "channel", Gone),
        (403, "permissions", Unauthorized),
        (501, "disabled", Unauthorized),
        (500, "new_kind", Unavailable),
    ],
)
def test_the_errors_id_says_what_the_status_does_not(status: int, what: str, expected: type[RemoteError]) -> None:
    with FakeMattermost() as fake:
        body = json.dumps(
            {"id": f"web.incoming_webhook.{what}.app_error", "message": "Ungültig", "status_code": status}
        )
        fake.fail_with = (status, body.encode(), {})
        with pytest.raises(RemoteError) as caught:
            channel(fake).send(channel(fake).render(FIRST, NOW), "0delivery", NOW)
    assert type(caught.value) is expected
    assert caught.value.status == status


def test_the_limiters_seconds_are_kept() -> None:
    with FakeMattermost() as fake:
        fake.fail_with = (429, b"limit exceeded\n", {"x-ratelimit-reset": "7"})
        with pytest.raises(RateLimited) as caught:
            channel(fake).send(channel(fake).render(FIRST, NOW), "0delivery", NOW)
    assert caught.value.retry_at == NOW + timedelta(seconds=7)


def test_a_proxys_page_is_not_taken_for_a_success() -> None:
    with FakeMattermost() as fake:
        fake.fail_with = (200, b"<html>Sign in</html>", {})
        with pytest.raises(Unavailable, match="not Mattermost's ok"):
            channel(fake).send(channel(fake).render(FIRST, NOW), "0delivery", NOW)


def test_a_living_webhook_passes_the_check_and_a_dead_one_does_not() -> None:
    with FakeMattermost() as fake:
        channel(fake).check()
        with pytest.raises(Gone):
            channel(fake, "deadkey0123456789abcdefghi").check()
        assert fake.accepted == []


@given(HOSTILE)
def test_no_markup_and_no_name_survives_escaping(text: str) -> None:
    escaped = escape(text)
    assert markdown_fault(escaped) == ""
    assert "<!" not in escaped
    assert "@channel" not in escaped
    assert "~town" not in escape("~town-square")
