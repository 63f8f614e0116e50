"""What X's webhooks tell, as hints: events of the Activity API, and of the Account Activity API before it.

Source: docs.x.com, x-api/activity/event-payloads, x-api/webhooks/introduction. Events are signed with the consumer
secret of the app, in base64.
"""

import json
import re
from collections.abc import Sequence
from datetime import timedelta

from connectors.base import Hint, Json, Push
from connectors.fields import read_instant
from monitor.core.signatures import Signature

SIGNED = Signature("x-twitter-webhooks-signature", encoding="base64")
_HEARD = ("post.", "tweet_")  # of what happens: likes, follows and messages are not read


def _read(body: bytes) -> Sequence[Hint]:
    try:
        payload = json.loads(body)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(payload, dict):
        raise ValueError("not an object")
    event = payload.get("data")
    if isinstance(event, dict):
        return _of_activity(event)
    us = _user(payload.get("for_user_id"))
    return [Hint(us, "mentions")] if us and any(name.startswith(_HEARD) for name in payload) else []


def _of_activity(event: dict[str, Json]) -> Sequence[Hint]:
    kind, of, post = event.get("event_type"), event.get("filter"), event.get("payload")
    if not (isinstance(kind, str) and kind.startswith(_HEARD)):
        return []
    us = _user(of.get("user_id")) if isinstance(of, dict) else ""
    at = read_instant(post.get("created_at")) if isinstance(post, dict) and kind.endswith(".create") else None
    return [Hint(us, "mentions", at)]


def _user(value: Json) -> str:
    return value if isinstance(value, str) and re.fullmatch(r"[0-9]{1,30}", value) else ""


X_PUSH = Push(SIGNED, _read, "crc", timedelta(hours=24))
