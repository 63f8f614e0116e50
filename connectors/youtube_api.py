"""What the YouTube Data API is asked; each request costs one unit of the project's day.

Source: developers.google.com/youtube/v3/docs and the discovery document youtube.v3.
"""

import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.base import Access, Json
from connectors.fields import read_instant
from connectors.google_errors import midnight_pacific, reasons, translated
from monitor.errors import Gone, Malformed, RemoteError, Unauthorized
from monitor.http import HttpClient

MOST_IDS = 50  # of one request
PER_PAGE = 100
HELD = "heldForReview"
SPAM = "likelySpam"
# What is said of one video, and nothing of our credentials.
_CLOSED = frozenset({"commentsDisabled", "forbidden", "insufficientPermissions"})
_VANISHED = frozenset({"videoNotFound", "commentThreadNotFound", "commentNotFound", "parentCommentNotFound"})
_COMMENT_ID = re.compile(r"[A-Za-z0-9_.-]{1,120}")
_VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{11}")


def read_comment_id(value: object) -> str:
    """The id of a thread or comment, "" for what cannot be one."""
    return value if isinstance(value, str) and _COMMENT_ID.fullmatch(value) else ""


def read_video_id(value: object) -> str:
    """The id of a video, "" for what cannot be one."""
    return value if isinstance(value, str) and _VIDEO_ID.fullmatch(value) else ""


def part_of(raw: Json, *path: str) -> Json:
    """What stands at a path of nested objects, None where there is nothing of that shape."""
    for name in path:
        raw = raw.get(name) if isinstance(raw, dict) else None
    return raw


def video_of(thread: Json) -> str:
    """The video that a thread hangs under, "" where it is one about the channel or under a community post."""
    return read_video_id(part_of(thread, "snippet", "videoId"))


def replies_in(thread: Json) -> list[Json]:
    """The few replies that are sent along with a thread."""
    found = part_of(thread, "replies", "comments")
    return [reply for reply in found if isinstance(reply, dict)] if isinstance(found, list) else []


def n_replies_of(thread: Json) -> int:
    """How many replies YouTube counts below a thread."""
    count = part_of(thread, "snippet", "totalReplyCount")
    return count if isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 2**53 else 0


def published_at(comment: Json) -> datetime | None:
    """When a comment or video was published."""
    return read_instant(part_of(comment, "snippet", "publishedAt"))


def is_closed(error: RemoteError) -> bool:
    """Whether YouTube refuses this one video or list, and not our credentials."""
    return isinstance(error, Unauthorized) and bool(reasons(error) & _CLOSED)


def has_vanished(error: RemoteError) -> bool:
    """Whether YouTube says in words that what was asked for does not exist."""
    return isinstance(error, Gone) and bool(reasons(error) & _VANISHED)


class Api:
    """The requests of one call, with a key or as whoever the token speaks for; `n` counts the units they cost."""

    def __init__(self, base_url: str, http: HttpClient, access: Access, key: str) -> None:
        self._base, self._http, self._access, self._key = base_url, http, access, key
        self.n = 0

    @property
    def is_owner(self) -> bool:
        """Whether we ask with a token, and so may ask for what is held back."""
        return not self._key

    def get(self, path: str, **params: Any) -> tuple[list[Json], str]:
        """The entries of one page and the token of the next one, "" at the end.

        Raises: what `HttpClient.get` raises, by the reason that Google gives; Malformed where there is no list.
        """
        asked = {name: value for name, value in params.items() if value}
        headers = {}
        if self._key:
            asked["key"] = self._key
        else:
            headers["Authorization"] = f"Bearer {self._access.token()}"
        self.n += 1
        try:
            answer = self._http.get(f"{self._base}/{path}", params=asked, headers=headers)
        except RemoteError as error:
            raise translated(error, midnight_pacific(datetime.now(UTC))) from None
        told = answer.json()
        # Where there is nothing Google leaves a field out, or has been seen to send null.
        entries = told.get("items") if isinstance(told, dict) else None
        entries = [] if entries is None and isinstance(told, dict) and "kind" in told else entries
        token = (told.get("nextPageToken") or "") if isinstance(told, dict) else ""
        if not isinstance(entries, list) or not isinstance(token, str):
            raise Malformed(f"{answer.shown} answered with no list", payload=json.dumps(told)[:20_000], status=200)
        if token and token == params.get("pageToken"):
            raise Malformed(f"{answer.shown} answered with the page token that it was asked with: a loop", status=200)
        return entries, token

    def channel(self, named: str) -> Json:
        """The channel of this id or @handle, or the one of whoever the token speaks for; None where there is none."""
        which = {"id": named} if named.startswith("UC") else {"forHandle": named} if named else {"mine": "true"}
        found, _ = self.get("channels", part="id,contentDetails", **which)
        return found[0] if found else None

    def threads_related_to(self, channel: str, token: str, status: str = "") -> tuple[list[Json], str]:
        """A page of the threads on all videos of a channel and about it, the newest first.

        `status`: only those held back so, which none but the owner may ask for.
        """
        which = {"allThreadsRelatedToChannelId": channel, "moderationStatus": status}
        return self._threads(**which, order="time", maxResults=PER_PAGE, pageToken=token)

    def threads_under(self, video: str, token: str = "") -> tuple[list[Json], str]:
        """A page of the threads under one video, the newest first."""
        return self._threads(videoId=video, order="time", maxResults=PER_PAGE, pageToken=token)

    def threads(self, ids: Sequence[str]) -> list[Json]:
        """The threads of these ids as they are now, as far as YouTube shows them by id."""
        # Source: nothing else may be asked for together with ids (commentThreads.list).
        return [one for some in _chunks(ids) for one in self._threads(id=",".join(some))[0]]

    def replies(self, thread: str, token: str = "") -> tuple[list[Json], str]:
        """A page of the replies to the comment on top of a thread, in no order that YouTube promises."""
        return self._comments(parentId=thread, maxResults=PER_PAGE, pageToken=token)

    def comments(self, ids: Sequence[str]) -> list[Json]:
        """The comments of these ids as they are now, as far as YouTube shows them by id."""
        return [one for some in _chunks(ids) for one in self._comments(id=",".join(some))[0]]

    def uploads(self, playlist: str, token: str = "") -> tuple[list[Json], str]:
        """A page of a channel's own videos, the newest first."""
        return self.get("playlistItems", part="contentDetails", playlistId=playlist, maxResults=50, pageToken=token)

    def videos(self, ids: Iterable[str]) -> list[Json]:
        """The videos of these ids with their titles and how many comments they have."""
        part = "snippet,statistics,status"
        return [one for some in _chunks(list(ids)) for one in self.get("videos", part=part, id=",".join(some))[0]]

    # YouTube's default is HTML. Source: commentThreads.list, comments.list, parameter textFormat.
    def _threads(self, **which: Any) -> tuple[list[Json], str]:
        return self.get("commentThreads", part="id,snippet,replies", textFormat="plainText", **which)

    def _comments(self, **which: Any) -> tuple[list[Json], str]:
        return self.get("comments", part="id,snippet", textFormat="plainText", **which)


def _chunks(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[start : start + MOST_IDS] for start in range(0, len(ids), MOST_IDS)]
