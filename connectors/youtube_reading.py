"""How a YouTube channel is read on, step by step: what is new, replies beyond the few sent along, and what moved.

A poll reads the newest threads of the channel until it is an hour below what it knew. A reply to an old comment moves
nothing there; it is found by the number of comments that YouTube counts for each video, which is asked for all videos
of the channel every 20 minutes: where it changed, the threads under that video are walked through. That, and the slow
sweep which walks through each video now and then even if its number stood still, spends at most `_PER_MINUTE` units.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from hashlib import blake2b

from connectors.base import Json
from connectors.fields import read_instant
from connectors.google_errors import has_expired_position, reasons
from connectors.youtube_api import (
    HELD,
    SPAM,
    Api,
    has_vanished,
    is_closed,
    n_replies_of,
    part_of,
    published_at,
    read_comment_id,
    read_video_id,
    replies_in,
    video_of,
)
from connectors.youtube_state import MOST_CREDIT, State, is_own_post, reply_raw, thread_raw, title_of, video_raw
from monitor.errors import Gone, Malformed, RemoteError, Unauthorized

OVERLAP = timedelta(hours=1)  # how late a comment may surface and still be found among the newest
ROUND = timedelta(minutes=20)
SWEEP = timedelta(days=1)  # a video walked through so lately is not swept
STALE = timedelta(seconds=30)  # a poll that took longer looks for what is new once more before it ends
REFUSED_FOR = timedelta(days=1)  # then what is held back is asked for again
_PER_MINUTE = 2.0
_MOST_AGAIN = 10
_MOST_REQUESTS = 6  # of one page, before it is handed over
_MOST_HELD_PAGES, _MOST_REPLY_PAGES = 5, 50
_MOST_COUNTS, _MOST_TITLES, _MOST_VIDEOS = 2_000, 150, 2_000


class Reading:
    """One call: works off steps of `state`, which it changes, into `raws`."""

    def __init__(self, api: Api, state: State, now: datetime, with_spam: bool) -> None:
        self._api, self._state, self._now = api, state, now
        self._held = ([HELD, SPAM] if with_spam else [HELD]) if api.is_owner else []
        self._since = read_instant(state.since) or now
        self.raws: list[Json] = []
        self.note = ""

    @property
    def more(self) -> bool:
        """Whether this poll has steps left."""
        return bool(self._state.todo or self._state.replies)

    def read(self) -> None:
        """Work off as many steps as one page may have; a poll that has none left begins anew."""
        if not self.more:
            self._begin()
        while self.more and self._api.n < _MOST_REQUESTS:
            self._step()

    def _begin(self) -> None:
        state = self._state
        before = read_instant(state.credited_at) or self._now
        minutes = max((self._now - before).total_seconds() / 60, 0)
        state.credit = min(state.credit + minutes * _PER_MINUTE, MOST_CREDIT)
        state.credited_at = self._now.isoformat()
        state.todo = ["new", *(self._held if self._is_past(state.refused_at, REFUSED_FOR) else [])]
        if state.uploads and self._is_past(state.round_at, ROUND):
            state.todo.append("uploads")
        state.todo.append("walk")
        state.position, state.n_again = {}, 0

    def _is_past(self, at: str, wait: timedelta) -> bool:
        then = read_instant(at)
        return then is None or self._now - then >= wait

    def _step(self) -> None:
        if self._state.replies:
            self._read_replies()
            return
        match self._state.todo[0]:
            case "new":
                self._read_new()
            case "uploads":
                self._read_uploads()
            case "walk":
                self._walk()
            case status:
                self._read_held(status)

    def _done(self) -> None:
        state = self._state
        del state.todo[0]
        state.position = {}
        begun_at = read_instant(state.new_at)
        is_stale = begun_at is not None and self._now - begun_at > STALE
        if not state.todo and is_stale and state.n_again < _MOST_AGAIN:
            state.n_again += 1
            state.todo.append("new")

    # --- what is new ---

    def _read_new(self) -> None:
        state, position = self._state, self._state.position
        is_first = not position
        threads, token = self._page(lambda token: self._api.threads_related_to(state.channel, token))
        times = [at for thread in threads if (at := published_at(part_of(thread, "snippet", "topLevelComment")))]
        if is_first:
            state.new_at = self._now.isoformat()
        if times and "top" not in position:
            position["top"] = min(max(times), self._now).isoformat()
        mark = read_instant(state.mark)
        until = mark - OVERLAP if mark else self._since
        self._take(threads)
        if token and not (times and min(times) < until):
            position["token"] = token
            return
        state.mark = max(state.mark, position.get("top", ""))
        self._done()

    def _page(self, ask: Callable[[str], tuple[list[Json], str]]) -> tuple[list[Json], str]:
        """One page from where the step stands; from its top where YouTube forgot that place.

        Source: page tokens are short-lived, which is why none is kept from one poll to the next.
        """
        position = self._state.position
        try:
            return ask(position.get("token", ""))
        except Malformed as error:
            if not has_expired_position(error) or not position.get("token"):
                raise
        position["token"] = ""
        return ask("")

    def _read_held(self, status: str) -> None:
        state, position = self._state, self._state.position
        try:
            threads, token = self._page(lambda token: self._api.threads_related_to(state.channel, token, status))
        except Unauthorized as error:
            if not is_closed(error):
                raise
            state.refused_at = self._now.isoformat()
            self.note = f"comments held back are not shown to this token; is it the channel's owner? ({error})"
            self._done()
            return
        self._take(threads, status)
        position["n"] = position.get("n", 0) + 1
        position["token"] = token
        if not token or position["n"] >= _MOST_HELD_PAGES:
            self._done()

    def _take(self, threads: list[Json], held: str = "") -> None:
        """Hand out threads with the replies that came along, and note which replies are still to be listed."""
        self._learn_titles(video_of(thread) for thread in threads)
        for thread in threads:
            if not (thread_id := read_comment_id(part_of(thread, "id"))):
                self.raws.append({"thread": thread})  # for quarantine
            elif held or self._is_wanted(thread, thread_id):
                self._hand_out(thread, thread_id, held)

    def _is_wanted(self, thread: Json, thread_id: str) -> bool:
        """Whether anything in it is young enough, or came since; more replies are listed where YouTube counts them."""
        counts, count, along = self._state.counts, n_replies_of(thread), replies_in(thread)
        times = [published_at(one) for one in (part_of(thread, "snippet", "topLevelComment"), *along)]
        is_young = any(at is None or at >= self._since for at in times)
        if count <= len(along):
            return is_young
        key = blake2b(thread_id.encode(), digest_size=6).hexdigest()
        before = counts.pop(key, None)
        counts[key] = count
        if len(counts) > _MOST_COUNTS:
            del counts[next(iter(counts))]  # its replies are listed once more when it is met again
        has_grown = before is not None and count > before
        if has_grown or (before is None and is_young):
            self._state.replies.append([thread_id, video_of(thread), "", 0])
        return is_young or has_grown

    def _hand_out(self, thread: Json, thread_id: str, held: str) -> None:
        video, own = video_of(thread), self._state.channel
        title = self._state.titles.get(video, "")
        self.raws.append(thread_raw(thread, own, title, held))
        self.raws += [reply_raw(reply, thread_id, video, own, title) for reply in replies_in(thread)]

    def _read_replies(self) -> None:
        """One page of the replies of the first thread that waits for it."""
        state = self._state
        thread_id, video, token, n_pages = state.replies[0]
        try:
            replies, following = self._api.replies(thread_id, token)
        except RemoteError as error:
            if token and has_expired_position(error):
                state.replies[0] = [thread_id, video, "", n_pages + 1]
                return
            if not has_vanished(error):
                raise
            replies, following = [], ""
        state.credit -= 1
        self._learn_titles([video])
        title = state.titles.get(video, "")
        self.raws += [reply_raw(reply, thread_id, video, state.channel, title) for reply in replies]
        if following and n_pages + 1 < _MOST_REPLY_PAGES:
            state.replies[0] = [thread_id, video, following, n_pages + 1]
        else:
            del state.replies[0]

    # --- videos ---

    def _learn_titles(self, videos: Iterable[str]) -> None:
        titles = self._state.titles
        wanted = dict.fromkeys(video for video in videos if video)
        unknown = [video for video in wanted if video not in titles]
        if unknown:
            self._take_videos(self._api.videos(unknown))
        for video in wanted:
            titles[video] = titles.pop(video, "")  # the last used at the end; what is not shown is not asked for again
        for video in list(titles)[: max(len(titles) - max(_MOST_TITLES, len(wanted)), 0)]:
            del titles[video]

    def _take_videos(self, videos: list[Json]) -> None:
        for video in videos:
            if not (video_id := read_video_id(part_of(video, "id"))):
                continue
            self._state.titles[video_id] = title_of(video)
            at = published_at(video)
            if is_own_post(video, self._state.channel) and (at is None or at >= self._since):
                self.raws.append(video_raw(video, self._state.channel))

    def _read_uploads(self) -> None:
        state, position = self._state, self._state.position
        try:
            entries, token = self._page(lambda token: self._api.uploads(state.uploads, token))
        except Gone as error:
            if "playlistNotFound" not in reasons(error):  # so YouTube says that a channel has no videos
                raise
            entries, token = [], ""
        ids = [read_video_id(part_of(entry, "contentDetails", "videoId")) for entry in entries]
        known = set(state.titles)
        videos = self._api.videos(filter(None, dict.fromkeys(ids)))
        self._take_videos(videos)
        for video in set(state.titles) - known:
            del state.titles[video]  # only those that comments need are kept
        for video in videos:
            self._compare(video)
        position["token"] = token
        if not token:
            state.round_at = self._now.isoformat()
            self._sweep()
            self._done()

    def _compare(self, video: Json) -> None:
        """Queue a video whose number of comments changed; where comments are disabled there is none."""
        state, count = self._state, part_of(video, "statistics", "commentCount")
        video_id = read_video_id(part_of(video, "id"))
        if not video_id or not isinstance(count, str) or not count.isdecimal() or len(count) > 15:
            return
        before, hour = state.videos.pop(video_id, [-1, 0])
        state.videos[video_id] = [int(count), hour]
        if len(state.videos) > _MOST_VIDEOS:
            del state.videos[next(iter(state.videos))]
        # What is under a video that is younger than the backfill is read among the new threads.
        is_new = before < 0 and (published_at(video) or self._since) >= self._since
        if int(count) not in (0, before) and not is_new and video_id not in state.queue:
            state.queue.append(video_id)

    def _sweep(self) -> None:
        """Queue the video that was not walked through for longest: its number may have stood still by chance."""
        hour = int(self._now.timestamp() // 3_600)
        oldest = min((one for one in self._state.videos.items() if one[1][0]), key=lambda one: one[1][1], default=None)
        if oldest is None or hour - oldest[1][1] < SWEEP.total_seconds() / 3_600:
            return
        if oldest[0] not in self._state.queue:
            self._state.queue.append(oldest[0])

    def _walk(self) -> None:
        """One page of the threads under the first video of the queue, as long as there is credit to begin one."""
        state, position = self._state, self._state.position
        if not state.queue or (state.credit <= 0 and not position):
            self._done()
            return
        video = state.queue[0]
        try:
            threads, token = self._page(lambda token: self._api.threads_under(video, token))
        except RemoteError as error:
            if not (is_closed(error) or has_vanished(error)):
                raise
            threads, token = [], ""  # comments are disabled by now, or the video is private or gone
        state.credit -= 1
        self._take(threads)
        state.position = {"token": token} if token else {}
        if not token:
            del state.queue[0]
            if video in state.videos:
                state.videos[video][1] = int(self._now.timestamp() // 3_600)
