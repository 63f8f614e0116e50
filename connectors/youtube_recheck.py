"""Another look at known comments of YouTube: as they are now, what is new beside them, and what is gone.

YouTube says nothing of a deleted comment but its absence, and there are comments that it does not show by id though
they exist. So a comment counts as gone only where a complete list of what should hold it says so: the replies of its
thread, or all threads under its video.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from connectors.base import Json, Known, Rechecked
from connectors.youtube_api import (
    HELD,
    SPAM,
    Api,
    has_vanished,
    is_closed,
    n_replies_of,
    part_of,
    read_comment_id,
    read_video_id,
    replies_in,
    video_of,
)
from connectors.youtube_state import is_own_post, reply_raw, thread_raw, title_of, video_raw
from monitor.errors import RemoteError, Unauthorized

_MOST_PAGES = 10  # of threads under one video, to look for one that is not shown by id
_MOST_REPLY_PAGES = 20
_MOST_HELD_PAGES = 3


@dataclass(slots=True)
class _Found:
    """What is there now. `held` are the threads that are held back, with how."""

    threads: dict[str, Json] = field(default_factory=dict)
    replies: dict[str, dict[str, Json]] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)


class Look:
    """One recheck of comments and posts; `own` is our channel."""

    def __init__(self, api: Api, own: str, known: Sequence[Known]) -> None:
        self._api, self._own = api, own
        self._found = _Found()
        self._posts = [one.native_id for one in known if read_video_id(one.native_id)]
        comments = [one for one in known if read_comment_id(one.native_id) and not read_video_id(one.native_id)]
        self._ids = {one.native_id for one in comments}
        self._subjects = {_thread_of(one.native_id): one.subject_native_id or "" for one in comments}

    def take(self) -> Rechecked:
        """Ask for everything, in as few requests as can tell."""
        found, wanted = self._found, set(self._subjects)
        if wanted:
            self._learn(self._api.threads(sorted(wanted)))
            self._learn_held()
            self._seek(wanted - set(found.threads))
        for thread_id, thread in found.threads.items():
            self._look_below(thread_id, thread)
        subjects = [video for thread in found.threads.values() if (video := video_of(thread))]
        videos = self._look_at_videos([*self._posts, *subjects])
        return Rechecked([*self._raws(videos), *self._post_raws(videos)], found.gone)

    def _learn(self, threads: Iterable[Json]) -> None:
        found = {read_comment_id(part_of(thread, "id")): thread for thread in threads}
        self._found.threads |= {thread_id: found[thread_id] for thread_id in found if thread_id in self._subjects}

    def _learn_held(self) -> None:
        """Which of them are held back. Source: asked for by id, a comment does not say so (discovery document)."""
        if not self._api.is_owner:
            return
        try:
            for status in (HELD, SPAM):
                token, n = "", 0
                while n < _MOST_HELD_PAGES and (token or not n):
                    threads, token = self._api.threads_related_to(self._own, token, status)
                    self._learn(threads)
                    self._found.held |= {read_comment_id(part_of(thread, "id")): status for thread in threads}
                    n += 1
        except Unauthorized as error:
            if not is_closed(error):
                raise

    def _seek(self, missing: set[str]) -> None:
        """Look for threads that are not shown by id among all those under their videos."""
        for video in sorted({self._subjects[thread_id] for thread_id in missing}):
            sought = {thread_id for thread_id in missing if self._subjects[thread_id] == video}
            if read_video_id(video) and self._is_listed_whole(video, sought):
                lost = sought - set(self._found.threads)
                self._found.gone += sorted(one for one in self._ids if _thread_of(one) in lost)

    def _is_listed_whole(self, video: str, sought: set[str]) -> bool:
        token = ""
        for _ in range(_MOST_PAGES):
            try:
                threads, token = self._api.threads_under(video, token)
            except RemoteError as error:
                if is_closed(error):
                    return False  # comments are disabled, or the video is private: hidden, perhaps to return
                if has_vanished(error):
                    return True
                raise
            self._learn(threads)
            if not token or sought <= set(self._found.threads):
                return True
        return False

    def _look_below(self, thread_id: str, thread: Json) -> None:
        """The replies of a thread, and which of those we know are gone."""
        shown = _by_id(replies_in(thread))
        count = n_replies_of(thread)
        if count > len(shown):
            shown |= self._all_replies(thread_id)
        missing = sorted(
            one for one in self._ids if one != thread_id and _thread_of(one) == thread_id and one not in shown
        )
        if missing and count > len(shown):  # YouTube counts replies that it lists to nobody
            shown |= _by_id(self._api.comments(missing))
            missing = [one for one in missing if one not in shown]
        if thread_id not in self._found.held:
            self._found.gone += missing
        self._found.replies[thread_id] = shown

    def _all_replies(self, thread_id: str) -> dict[str, Json]:
        shown: dict[str, Json] = {}
        token = ""
        for _ in range(_MOST_REPLY_PAGES):
            replies, token = self._api.replies(thread_id, token)
            shown |= _by_id(replies)
            if not token:
                break
        return shown

    def _look_at_videos(self, ids: Sequence[str]) -> dict[str, Json]:
        videos = self._api.videos(dict.fromkeys(ids)) if ids else []
        shown = {read_video_id(part_of(video, "id")): video for video in videos}
        for post in self._posts:
            if post not in shown and self._has_vanished(post):
                self._found.gone.append(post)
        return shown

    def _has_vanished(self, video: str) -> bool:
        """Whether a video that is not shown is deleted, and not merely private."""
        try:
            self._api.threads_under(video)
        except RemoteError as error:
            if has_vanished(error):
                return True
            if not is_closed(error):
                raise
        return False

    def _raws(self, videos: dict[str, Json]) -> list[Json]:
        raws: list[Json] = []
        for thread_id, thread in self._found.threads.items():
            video = video_of(thread)
            title = title_of(videos.get(video))
            raws.append(thread_raw(thread, self._own, title, self._found.held.get(thread_id, "")))
            replies = self._found.replies[thread_id].values()
            raws += [reply_raw(reply, thread_id, video, self._own, title) for reply in replies]
        return raws

    def _post_raws(self, videos: dict[str, Json]) -> list[Json]:
        shown = [videos[post] for post in self._posts if post in videos]
        return [video_raw(video, self._own) for video in shown if is_own_post(video, self._own)]


def _thread_of(comment_id: str) -> str:
    """Source: the id of a reply is that of its thread, a dot, and its own."""
    return comment_id.partition(".")[0]


def _by_id(comments: Iterable[Json]) -> dict[str, Json]:
    found = {read_comment_id(part_of(comment, "id")): comment for comment in comments}
    return {comment_id: comment for comment_id, comment in found.items() if comment_id}
