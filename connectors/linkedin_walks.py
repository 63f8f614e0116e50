"""Walks through posts: the backfill, and later the slow sweep for what LinkedIn's feed left out.

All comments of a post are listed, and the replies of those whose number of replies has grown. That spends no more
requests than have been saved up (`credit`).
"""

from collections.abc import Callable, Sequence
from datetime import timedelta

from connectors.base import Json
from connectors.linkedin_api import Api, comment_urn, is_not_found, part_of, read_comment_urn, read_ms, read_thread
from connectors.linkedin_payloads import comment_raw, n_replies_of, number_of
from connectors.linkedin_state import State
from monitor.errors import Gone, RemoteError, Unauthorized

DAY = timedelta(days=1).total_seconds()
RECENT = 30 * DAY  # posts published or commented on since then are swept daily, others once a week
WEEK = 7 * DAY
_MOST_QUEUED = 200


class Walks:
    """The walks of one call; changes the state. `give` hands out raw comments and ids of what is gone."""

    def __init__(
        self, api: Api, state: State, now: float, own: str, give: Callable[[Sequence[Json], Sequence[str]], None]
    ) -> None:
        self._api, self._state, self._now, self._own, self._give = api, state, now, own, give
        self.notes: list[str] = []

    @property
    def has_work(self) -> bool:
        """Whether there is something to walk through, and credit to do it."""
        state = self._state
        return state.credit > 0 and bool(state.replies or state.walk or state.queue)

    def fill(self) -> None:
        """Queue the posts that are due: never walked through, or not for a day (a week, where they are quiet)."""
        state, now = self._state, self._now
        if state.queue:
            return
        due = [
            (post["w"], -post["p"], urn)
            for urn, post in state.posts.items()
            if now - post["w"] >= (DAY if now - post["p"] < RECENT else WEEK)
        ]
        state.queue = [urn for _, _, urn in sorted(due)[:_MOST_QUEUED]]

    def seek(self, most: int = 10) -> None:
        """Queue posts whose name as an activity is not known: a comment on one of them has just been told."""
        unknown = [urn for urn, post in self._state.posts.items() if not post["a"] and urn not in self._state.queue]
        unknown.sort(key=lambda urn: -self._state.posts[urn]["p"])
        self._state.queue[:0] = unknown[:most]

    def hurry(self, post: str) -> None:
        """Walk through this post next."""
        state = self._state
        if state.walk.get("post") != post:
            state.queue = [post, *(one for one in state.queue if one != post)]

    def begin(self, post: str) -> None:
        """Walk through this post at once; the one under way has its turn after it."""
        state = self._state
        if state.walk and state.walk["post"] != post:
            state.queue.insert(0, state.walk["post"])
        state.queue = [one for one in state.queue if one != post]
        state.walk = {"post": post, "start": 0, "n": 0, "rows": 0, "first": ""}

    def step(self) -> None:
        """One page: of replies that are to be listed, or of the walk."""
        state = self._state
        if state.replies:
            self.read_replies(0)
        elif state.walk:
            self.read_comments()
        else:
            self.begin(state.queue[0])

    def read_comments(self, is_paid: bool = True) -> None:
        """A page of the walk."""
        state, walk = self._state, self._state.walk
        post = walk["post"]
        try:
            listed = self._api.comments(post, walk["start"])
        except RemoteError as error:
            self._refused(post, error)
            return
        finally:
            state.credit -= 1 if is_paid else 0
        state.can_read = True
        for row in listed.rows:
            self._take(row, post)
        first = number_of(listed.rows[0]) if listed.rows else ""
        walk |= {"n": walk["n"] + 1, "rows": walk["rows"] + len(listed.rows)}
        if listed.following and first and first == walk["first"]:
            self.notes.append(f"{post}: the same page of comments again; the rest is read tomorrow")
            self._end()
        elif listed.following:
            walk |= {"start": listed.following, "first": first}
        else:
            self._end()

    def _take(self, comment: Json, post: str) -> None:
        """Hand out a comment that is young or has new replies, and note which replies are to be listed."""
        state = self._state
        raw = comment_raw(comment, self._own, post, state.title_of(post))
        if not (number := number_of(comment)):
            self._give([raw], ())  # for quarantine
            return
        thread = read_comment_urn(part_of(comment, "commentUrn"))[0] or read_thread(part_of(comment, "object"))
        if post in state.posts and (thread := thread or post) != post:
            state.posts[post]["a"] = thread
        created = read_ms(part_of(comment, "created", "time"))
        is_young = not created or created >= state.since
        is_grown = False
        if not part_of(comment, "parentComment"):
            n_replies = n_replies_of(comment)
            before = state.count(number, n_replies)
            is_grown = n_replies > before if before is not None else n_replies > 0 and is_young
        if is_grown:
            state.replies.append([post, comment_urn(thread or post, number), 0])
        if is_young or is_grown:
            self._give([raw], ())
        state.is_got(number)

    def read_replies(self, which: int, is_paid: bool = True) -> None:
        """A page of the replies of one of the comments that wait for it."""
        state = self._state
        post, urn, start = state.replies[which]
        try:
            listed = self._api.comments(urn, start)
        except RemoteError as error:
            if not (is_not_found(error) or self._is_of_one(error)):
                raise
            del state.replies[which]  # deleted meanwhile
            return
        finally:
            state.credit -= 1 if is_paid else 0
        self._give([comment_raw(row, self._own, post, state.title_of(post)) for row in listed.rows], ())
        for row in listed.rows:
            state.is_got(number_of(row))
        if listed.following:
            state.replies[which] = [post, urn, listed.following]
        else:
            del state.replies[which]

    def _is_of_one(self, error: RemoteError) -> bool:
        """Whether LinkedIn refuses this one post, and not our credentials: others were shown to us."""
        return isinstance(error, Unauthorized) and error.status == 403 and self._state.can_read

    def _refused(self, post: str, error: RemoteError) -> None:
        """Leave a post whose comments are not shown; where it does not exist any more it is gone."""
        if self._is_of_one(error):
            self.notes.append(f"{post} cannot be read: {error}")
            self._end()
            return
        if not is_not_found(error):
            raise error
        try:
            self._api.post(post)
        except Gone as gone:
            if not is_not_found(gone):
                raise
            self._api.posts(self._own, count=1)  # where this fails we may no longer read, and nothing is gone
            self._give([], [post])
            self._state.posts.pop(post, None)
        self._end()

    def _end(self) -> None:
        state, walk = self._state, self._state.walk
        known = state.posts.get(walk["post"])
        if known is not None:
            known |= {"w": self._now, "n": max(walk["n"], 1)}
            if walk["n"] and not walk["rows"]:
                self._suspect(walk["post"])
        state.walk = {}

    def _suspect(self, post: str) -> None:
        """Say so where LinkedIn counts comments that it does not show; asked once a day.

        Source: to the role RECRUITING_POSTER lists of comments are empty, without an error.
        """
        if self._now - self._state.counted_at < DAY:
            return
        self._state.counted_at = self._now
        try:
            n = self._api.n_comments(post)
        except RemoteError as error:
            if not (is_not_found(error) or self._is_of_one(error)):
                raise
            return
        if n:
            says = f"LinkedIn counts {n} comments below {post} and shows none: the person who gave the permission"
            self.notes.append(f"{says} needs the role ADMINISTRATOR")
