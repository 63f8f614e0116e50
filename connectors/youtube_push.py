"""What YouTube tells by PubSubHubbub (WebSub): that a channel has a new video, or a video a new title.

Of comments it tells nothing. Source: developers.google.com/youtube/v3/guides/push_notifications.
"""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from connectors.base import Hint, Push, Subscription
from monitor.core.signatures import Signature

# Source: W3C WebSub, 7.1; Google's hub signs with SHA-1.
SIGNED = Signature("X-Hub-Signature", prefix="sha1=", algorithm="sha1")
TOPIC = "https://www.youtube.com/xml/feeds/videos.xml?channel_id={}"
MOST = 100
# No XML is parsed for one id: nothing in it can be expanded, fetched or nested.
_CHANNEL = re.compile(
    rb"<yt:channelId>\s*(UC[A-Za-z0-9_-]{22})\s*</yt:channelId>|youtube\.com/channel/(UC[A-Za-z0-9_-]{22})(?![\w-])"
)


def _read(body: bytes) -> Sequence[Hint]:
    """The channels whose videos are told of, and of those that were taken down."""
    if b"<feed" not in body[:2_000]:
        raise ValueError("not a feed")
    found = dict.fromkeys(one or other for one, other in _CHANNEL.findall(body))
    return [Hint(channel.decode("ascii")) for channel in list(found)[:MOST]]


def _subscription(settings: Any, channel: str) -> Subscription:
    return Subscription(settings.hub_url, TOPIC.format(channel))


YOUTUBE_PUSH = Push(
    SIGNED,
    _read,
    "topic",
    timedelta(days=2),
    media_types=("application/atom+xml", "application/xml", "text/xml"),
    subscription=_subscription,
)
