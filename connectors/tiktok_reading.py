"""How an account on TikTok is read on: its videos, and the comments of those whose number of comments changed.

There is no feed of all comments. A poll asks for the newest videos with their counts, a round every 20 minutes for all
of them. Where a count changed, the comments are walked through from the newest until what came explains the change: a
late reply to an old comment makes the walk go down to it. The slow sweep walks through whole videos, whatever they
count. Beyond 500 comments TikTok orders by likes and repeats itself: a walk that gets there goes to the end, or ends
there if that was done within the day.
"""

from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from connectors.base import Json
from connectors.tiktok_api import VIDEOS_PER_PAGE, Api, Batch, count_of, has_vanished, part_of, read_id, read_instant
from connectors.tiktok_payloads import comment_raw, context_of, replies_in, video_raw
from connectors.tiktok_state import MOST_VIDEOS, State
from monitor.errors import Gone, Malformed

ROUND = timedelta(minutes=20)
SWEEP = timedelta(days=1)  # a video walked through so lately is not swept
SWEPT_AT_ONCE = 4
OVERLAP = timedelta(hours=1)  # how late a comment may surface and still be found among the newest
STALE = timedelta(seconds=30)  # a poll that took longer looks for what is new once more before it ends
IN_ORDER = 500  # comments of a video come by their time; the rest by likes
_MOST_REQUESTS = 6  # of one page, before it is handed over
_MOST_WALKED = 120  # of one poll; what is still queued waits for the next one
_MOST_AGAIN = 10
_MOST_PAGES = 2_000  # of one video
_MOST_REPLY_PAGES = 50
_MORE_REPLIES = 5  # are listed than came, so that they meet what is known


class Reading:
    """One call: works off steps of `state`, which it changes, into `raws`."""

    def __init__(self, api: Api, state: State, now: datetime) -> None:
        self._api, self._state, self._at = api, state, now.timestamp()
        self._notes: list[str] = []
        self.raws: list[Json] = []

    @property
    def more(self) -> bool:
        """Whether this poll has steps left."""
        return bool(self._state.todo or self._state.replies)

    @property
    def note(self) -> str:
        """What the operator should know."""
        return "; ".join(self._notes)[:1_000]

    def read(self) -> None:
        """Work off as many steps as one page may have; a poll that has none left begins anew."""
        state = self._state
        if not self.more:
            state.n_again = state.n_walked = 0
            state.is_round = self._at - state.round_at >= ROUND.total_seconds()
            state.sweep = self._to_sweep() if state.is_round else []
            self._begin()
        if state.walk.get("n_pages"):
            # A place is an offset: what was deleted meanwhile would let us skip as much, so a page is read again.
            state.walk |= {"at": state.walk["last"], "is_again": True}
        while self.more and self._api.n < _MOST_REQUESTS:
            self._step()

    def _begin(self) -> None:
        state = self._state
        state.todo, state.at, state.n_listed, state.begun_at = ["videos", "walk"], 0, 0, self._at

    def _step(self) -> None:
        if self._state.replies:
            self._read_replies()
        elif self._state.todo[0] == "videos":
            self._read_videos()
        else:
            self._read_walk()

    def _done(self) -> None:
        state = self._state
        del state.todo[0]
        is_stale = self._at - state.begun_at > STALE.total_seconds()
        if not state.todo and is_stale and state.n_again < _MOST_AGAIN:
            state.n_again += 1
            state.is_round, state.sweep = False, []
            self._begin()

    # --- videos ---

    def _read_videos(self) -> None:
        state = self._state
        batch = self._api.videos(state.at)
        for video in batch.entries:
            self._take_video(video)
        state.n_listed += max(len(batch.entries), 1)  # a page may be short, or empty
        if batch.following is not None and state.n_listed < (MOST_VIDEOS if state.is_round else VIDEOS_PER_PAGE):
            state.at = batch.following
            return
        if state.is_round:
            state.round_at = self._at
        self._done()

    def _take_video(self, video: Json) -> None:
        state, context = self._state, context_of(video)
        at = read_instant(part_of(video, "create_time"))
        if at is None or at.timestamp() >= state.since:
            self.raws.append(video_raw(video, state.username, state.name, state.business))
        if not context["id"]:
            return
        count, known = count_of(part_of(video, "comments")), state.videos.get(context["id"])
        if known is None:
            self._queue(context, count, rise=count or 0, is_whole=True)
        elif count is None:
            if state.is_round:  # without a count only a look tells
                self._queue(context, None, rise=0, is_whole=False)
        elif count != known[0]:
            self._queue(context, count, rise=count - (known[0] or 0), is_whole=False)
        if context["id"] in state.sweep:
            self._queue(context, count, rise=0, is_whole=True)
        state.keep_video(context["id"], known or [0, 0, 0.0])

    def _queue(self, context: dict[str, str], count: int | None, rise: int, is_whole: bool) -> None:
        """A walk through the comments of a video; there is one at a time."""
        state = self._state
        for waiting in state.queue:
            if waiting["id"] == context["id"]:
                is_whole = is_whole or waiting["is_whole"]
                waiting |= {"count": count, "rise": max(rise, waiting["rise"]), "is_whole": is_whole}
                return
        if count == 0 and is_whole:
            return
        state.queue.append({**context, "count": count, "rise": rise, "is_whole": is_whole})

    def _to_sweep(self) -> list[str]:
        """The videos that were not walked through for longest: their counts may have stood still by chance."""
        hour, hours = int(self._at // 3_600), SWEEP.total_seconds() / 3_600
        due = [(known[1], video) for video, known in self._state.videos.items() if known[1] and known[0] != 0]
        return [video for walked, video in sorted(due)[:SWEPT_AT_ONCE] if hour - walked >= hours]

    # --- comments ---

    def _read_walk(self) -> None:
        """One page of the comments of the video under way, or the first one of the next video."""
        state = self._state
        if not state.walk and not self._next_walk():
            self._done()
            return
        walk = state.walk
        state.n_walked += 1
        try:
            batch = self._api.comments(walk["id"], walk["at"])
        except Gone as error:
            if not has_vanished(error):
                raise
            self._end_walk(walk)  # it is private, or was deleted; what was said below it is not gone by that
            return
        except Malformed as error:
            self._notes.append(f"the comments of video {walk['id']} wait for the next poll: {error}")
            state.walk = {}
            return
        is_again, before = walk.pop("is_again", False), (walk["n_new"], walk["n_met"])
        is_known = self._take_comments(batch.entries, walk)
        if is_again:
            walk["n_new"], walk["n_met"] = before
        walk |= {"n_pages": walk["n_pages"] + 1, "last": walk["at"]}
        if self._is_over(batch, walk, is_known):
            self._end_walk(walk)
        else:
            walk["at"] = batch.following

    def _next_walk(self) -> bool:
        state = self._state
        if not state.queue or state.n_walked >= _MOST_WALKED:
            return False
        state.walk = state.queue.pop(0) | {"at": 0, "last": 0, "n_pages": 0, "n_new": 0, "top": 0.0, "n_met": 0}
        return True

    def _take_comments(self, comments: list[Json], walk: dict[str, Any]) -> bool:
        """Hand out a page; whether it goes down to what is known."""
        mark = self._state.videos.get(walk["id"], [0, 0, 0.0])[2]
        # Where the count rose by what came, nothing surfaced late.
        floor = mark if walk["rise"] > 0 else mark - OVERLAP.total_seconds()
        is_known = False
        for comment in comments:
            at = read_instant(part_of(comment, "create_time"))
            written = at.timestamp() if at is not None else self._at
            is_known = is_known or written <= floor
            walk["top"] = max(walk["top"], min(written, self._at))
            self._take_comment(comment, walk, written, mark)
        walk["n_met"] += len(comments)
        return is_known

    def _take_comment(self, comment: Json, walk: dict[str, Any], written: float, mark: float) -> None:
        """Hand out a comment with the replies sent along, and see whether there are others."""
        state, along = self._state, replies_in(comment)
        times = [at.timestamp() for reply in along if (at := read_instant(part_of(reply, "create_time")))]
        is_young = max([written, *times]) >= state.since
        n_late = sum(one > mark for one in times)
        n_replies = count_of(part_of(comment, "replies")) or 0
        if n_replies > len(along):
            before = state.count_anew(_key(comment), n_replies)
            is_first = not mark
            n_late = max(n_replies - before, 0) if before is not None else n_replies if written > mark else n_late
            # One with few replies until now was never counted: only a look tells.
            if (is_young and n_late) or (not is_first and (n_late or before is None)):
                self._queue_replies(comment, walk, n_late)
        walk["n_new"] += (written > mark) + n_late
        if is_young or (n_late and mark):
            self.raws.append(comment_raw(comment, _context(walk), state.username))
            self._take_replies(along, comment, _context(walk))

    def _is_over(self, batch: Batch, walk: dict[str, Any], is_known: bool) -> bool:
        if batch.following is None or walk["n_pages"] >= _MOST_PAGES:
            return True
        if walk["n_met"] > IN_ORDER and not walk["is_whole"]:
            # Only all of it would tell now, which is read once a day and no more.
            hour = self._state.videos.get(walk["id"], [0, 0, 0.0])[1]
            walk["is_whole"] = self._at / 3_600 - hour >= SWEEP.total_seconds() / 3_600
            return not walk["is_whole"]
        return is_known and not walk["is_whole"] and walk["n_new"] >= walk["rise"]

    def _end_walk(self, walk: dict[str, Any]) -> None:
        state = self._state
        _, hour, mark = state.videos.get(walk["id"], [0, 0, 0.0])
        now = int(self._at // 3_600)
        was_whole, count = walk["is_whole"] or not hour, walk["count"]
        if count is not None and not was_whole:
            count += max(walk["n_new"] - max(walk["rise"], 0), 0)  # what came since the videos were listed
        state.keep_video(walk["id"], [count, now if was_whole else hour, max(mark, walk["top"])])
        state.walk = {}

    # --- replies ---

    def _queue_replies(self, comment: Json, walk: dict[str, Any], n: int) -> None:
        comment_id = read_id(part_of(comment, "comment_id"))
        if comment_id and all(one["comment"] != comment_id for one in self._state.replies):
            place = {"comment": comment_id, "video": _context(walk), "n": n}
            self._state.replies.append(place | {"at": 0, "n_met": 0, "n_pages": 0})

    def _read_replies(self) -> None:
        """One page of the replies to the first comment that waits for it, the newest first."""
        state = self._state
        wanted = state.replies[0]
        try:
            batch = self._api.replies(wanted["video"]["id"], wanted["comment"], wanted["at"])
        except Gone as error:
            if not has_vanished(error):
                raise
            batch = Batch([], None)
        self._take_replies(batch.entries, {"comment_id": wanted["comment"]}, wanted["video"])
        wanted["n_met"] += len(batch.entries)
        wanted["n_pages"] += 1
        times = [at.timestamp() for one in batch.entries if (at := read_instant(part_of(one, "create_time")))]
        is_met = wanted["n_met"] >= wanted["n"] + _MORE_REPLIES or max(times, default=state.since) < state.since
        if batch.following is None or is_met or wanted["n_pages"] >= _MOST_REPLY_PAGES:
            del state.replies[0]
        else:
            wanted["at"] = batch.following

    def _take_replies(self, replies: list[Json], comment: Json, context: dict[str, str]) -> None:
        """Hand out what is young enough, or cannot be read."""
        root = read_id(part_of(comment, "comment_id"))
        for reply in replies:
            at = read_instant(part_of(reply, "create_time"))
            if at is None or at.timestamp() >= self._state.since:
                self.raws.append(comment_raw(reply, context, self._state.username, root))


def _context(walk: dict[str, Any]) -> dict[str, str]:
    return {name: walk[name] for name in ("id", "title", "url")}


def _key(comment: Json) -> str:
    return blake2b(read_id(part_of(comment, "comment_id")).encode(), digest_size=6).hexdigest()
