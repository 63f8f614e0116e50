"""What an error of a Google API means; its status alone does not say it.

Google answers 403 to a used-up quota as well as to a missing permission, and 400 to a wrong API key: the reasons stand
in the body. Source: developers.google.com/youtube/v3/docs/errors, cloud.google.com/apis/design/errors.
"""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.errors import Malformed, RateLimited, RemoteError, Unauthorized

DAY_IS_USED_UP = frozenset({"quotaExceeded", "dailyLimitExceeded", "dailyLimitExceededUnreg"})
TOO_FAST = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED"})
WRONG_KEY = frozenset({"keyInvalid", "keyExpired", "API_KEY_INVALID", "API_KEY_EXPIRED"})
NOT_ENABLED = frozenset({"accessNotConfigured", "SERVICE_DISABLED"})
EXPIRED_POSITION = frozenset({"invalidPageToken", "pageTokenInvalid", "processingFailure"})
_SLOW_DOWN = timedelta(minutes=1)


def reasons(error: RemoteError) -> frozenset[str]:
    """The reasons that the body of an answer gives, in every spelling Google has for them."""
    try:
        told = json.loads(error.payload)["error"]
        lists = [told.get("errors"), told.get("details")]
        found = [one.get("reason") for some in lists if isinstance(some, list) for one in some if isinstance(one, dict)]
        found.append(told.get("status"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return frozenset()
    return frozenset(reason for reason in found if isinstance(reason, str))


def has_expired_position(error: RemoteError) -> bool:
    """Whether the page token that was sent is refused: begin again from the top."""
    if not isinstance(error, Malformed) or error.status != 400:
        return False
    return bool(reasons(error) & EXPIRED_POSITION) or "page token" in error.payload.lower()


def translated(error: RemoteError, day_ends_at: datetime | None = None) -> RemoteError:
    """The error that heedful knows what to do about; the same one where its status says it all.

    `day_ends_at`: when the units of a used-up day come back.
    """
    why, status = reasons(error), error.status
    changed = error
    if status in (403, 429) and why & DAY_IS_USED_UP and error.retry_at is None:
        retry_at = day_ends_at or datetime.now(UTC) + timedelta(hours=1)
        changed = RateLimited(f"{error}: the day's quota is used up", retry_at=retry_at, status=status)
    elif status == 403 and why & TOO_FAST:
        changed = RateLimited(f"{error}: too fast", retry_at=datetime.now(UTC) + _SLOW_DOWN, status=status)
    elif status == 400 and why & WRONG_KEY:
        changed = Unauthorized(f"{error}: the API key is not valid", status=status)
    elif status == 403 and why & NOT_ENABLED:
        changed = Unauthorized(f"{error}: the API is not enabled in the Google Cloud project", status=status)
    changed.payload = error.payload
    return changed


def midnight_pacific(now: datetime) -> datetime:
    """When the quotas that are counted by the day start anew.

    Source: developers.google.com/youtube/v3/getting-started#quota.
    """
    there = now.astimezone(ZoneInfo("America/Los_Angeles"))
    return (there + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
