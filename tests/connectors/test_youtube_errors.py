"""What each of YouTube's errors means: credentials, quota, a position that died, a passing fault."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors.google_errors import midnight_pacific
from monitor.errors import Malformed, RateLimited, Unauthorized, Unavailable
from tests.connectors.youtube import Reading, fake, reading
from tests.platforms.base import Fault
from tests.platforms.server import Reply
from tests.platforms.youtube import Fake, error

__all__ = ["fake", "reading"]


# --- errors ---


def test_a_used_up_quota_waits_until_midnight_pacific(reading: Reading, fake: Fake) -> None:
    fake.refuses["commentThreads"] = error(403, "quotaExceeded", "You have exceeded your quota.")
    with pytest.raises(RateLimited, match="quota") as caught:
        reading().poll()
    assert caught.value.retry_at == midnight_pacific(datetime.now(UTC))


@pytest.mark.parametrize(
    ("now", "then"),
    [
        (datetime(2026, 7, 1, 6, 59, tzinfo=UTC), datetime(2026, 7, 1, 7, tzinfo=UTC)),
        (datetime(2026, 12, 1, 8, tzinfo=UTC), datetime(2026, 12, 2, 8, tzinfo=UTC)),
        (datetime(2026, 3, 8, 9, tzinfo=UTC), datetime(2026, 3, 9, 7, tzinfo=UTC)),  # a day of 23 hours
    ],
)
def test_midnight_pacific_is_that_of_the_season(now: datetime, then: datetime) -> None:
    assert midnight_pacific(now) == then


@pytest.mark.parametrize("reason", ["rateLimitExceeded", "userRateLimitExceeded"])
def test_too_fast_waits_a_minute(reading: Reading, fake: Fake, reason: str) -> None:
    fake.refuses["commentThreads"] = error(403, reason)
    with pytest.raises(RateLimited) as caught:
        reading().poll()
    assert caught.value.retry_at is not None
    assert timedelta(seconds=50) < caught.value.retry_at - datetime.now(UTC) <= timedelta(seconds=60)


def test_a_429_waits_as_long_as_it_says(reading: Reading, fake: Fake) -> None:
    fake.fail(Fault.RATE_LIMITED, retry_after=90)
    with pytest.raises(RateLimited) as caught:
        reading().poll()
    assert caught.value.retry_at is not None
    assert caught.value.retry_at - datetime.now(UTC) > timedelta(seconds=80)


@pytest.mark.parametrize("reason", ["keyInvalid", "API_KEY_INVALID"])
def test_a_wrong_api_key_is_a_matter_of_credentials(reading: Reading, fake: Fake, reason: str) -> None:
    fake.refuses["channels"] = error(400, reason, "Bad Request")
    with pytest.raises(Unauthorized, match="not valid"):
        reading().poll()


def test_an_api_key_that_google_calls_a_bad_request_is_a_matter_of_credentials(reading: Reading) -> None:
    with pytest.raises(Unauthorized, match="not valid"):
        reading(api_key="a-key-of-somebody-else").poll()


def test_an_api_that_is_not_enabled_says_so(reading: Reading, fake: Fake) -> None:
    fake.refuses["channels"] = error(403, "accessNotConfigured")
    with pytest.raises(Unauthorized, match="not enabled"):
        reading().poll()


def test_an_expired_token_is_a_matter_of_credentials(reading: Reading) -> None:
    with pytest.raises(Unauthorized):
        reading("owner", token="expired-an-hour-ago").poll()


def test_a_source_without_any_credential_says_what_to_run(reading: Reading) -> None:
    with pytest.raises(Unauthorized, match="heedful auth"):
        reading("owner", token=None).poll()


def test_permission_denied_that_calls_itself_service_unavailable_is_a_missing_permission(
    reading: Reading, fake: Fake
) -> None:
    fake.refuses["commentThreads"] = error(403, "SERVICE_UNAVAILABLE", kind="PERMISSION_DENIED")
    with pytest.raises(Unauthorized):
        reading().poll()


def test_a_backend_error_is_tried_again_later(reading: Reading, fake: Fake) -> None:
    fake.refuses["commentThreads"] = error(503, "backendError")
    with pytest.raises(Unavailable):
        reading().poll()


def test_a_list_that_leads_back_to_itself_is_a_loop(reading: Reading, fake: Fake) -> None:
    fake.refuses["commentThreads"] = Reply({"kind": "x", "items": [], "nextPageToken": "again"})
    with pytest.raises(Malformed, match="loop"):
        reading().poll()
