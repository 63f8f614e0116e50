"""How a LinkedIn page is read on, step by step: its posts, the feed of what happened, and what the feed named.

The feed tells which comment came, changed or went, and which post mentions the page; what it names is fetched by its
name, or by one walk through its post where there is much of it. Walks (linkedin_walks) bring what was there before,
and what the feed leaves out.
"""

from collections.abc import Sequence
from datetime import timedelta

from connectors import linkedin_news as news
from connectors.base import Json
from connectors.linkedin_api import (
    COMMENTED,
    DELETED,
    MENTIONED,
    SHARED,
    Api,
    is_not_found,
    part_of,
    read_actor,
    read_comment_urn,
    read_ms,
    read_post,
)
from connectors.linkedin_payloads import comment_raw, n_replies_of, post_raw, published_ms, title_of
from connectors.linkedin_state import State
from connectors.linkedin_walks import DAY, WEEK, Walks
from monitor.errors import RemoteError, Unauthorized

OVERLAP_MS = 15 * 60_000  # how late the feed may tell what happened; the sweep finds what is later
KEPT_MS = round(60 * DAY) * 1_000  # how far the feed goes back
LIST_EVERY = timedelta(hours=4).total_seconds()  # our own posts
NEWS_EVERY = timedelta(minutes=5).total_seconds()  # while a long poll goes on
STALE = 30.0  # seconds; a poll that took longer asks for news once more before it ends
RETRY = 60.0  # seconds until what the feed named but LinkedIn does not show yet is asked for again
_MOST_TRIES = 3
_MOST_REQUESTS = 8  # of one page of ours
_MOST_LISTS = 10
_MOST_SEEN, _MOST_WANTED = 5_000, 3_000


class Reading:
    """One call: works off steps of `state`, which it changes, into `raws` and `gone`."""

    def __init__(self, api: Api, state: State, now: float, own: str, sweep_a_day: float, reads_shares: bool) -> None:
        self._api, self._state, self._now, self._own = api, state, now, own
        self._a_day = sweep_a_day
        self._actions = (*COMMENTED, DELETED, MENTIONED, *((SHARED,) if reads_shares else ()))
        self._walks = Walks(api, state, now, own, self._give)
        self._notes: list[str] = []
        self.raws: list[Json] = []
        self.gone: list[str] = []

    @property
    def more(self) -> bool:
        """Whether this poll has steps left."""
        return bool(self._state.todo) or self._walks.has_work

    @property
    def note(self) -> str:
        return "; ".join([*self._notes, *self._walks.notes])

    def read(self) -> None:
        """Work off as many steps as one page may have; a poll that has none left begins anew."""
        state = self._state
        if not self.more:
            self._begin()
        elif "news" not in state.todo and self._now - state.news_at >= NEWS_EVERY:
            state.todo[:0] = ["news", "wanted"]
        while self.more and self._api.n < _MOST_REQUESTS:
            self._step()
        if not self.more and self._now - state.news_at > STALE:
            state.todo = ["news", "wanted"]

    def _begin(self) -> None:
        state = self._state
        days = max(self._now - (state.credited_at or self._now), 0) / DAY
        state.credit = max(state.credit, min(state.credit + days * self._a_day, self._a_day))
        state.credited_at = self._now
        state.todo = ["news", "wanted"]
        if self._now - state.listed_at >= LIST_EVERY:
            state.todo.insert(0, "posts")
            state.listing = {}
        self._walks.fill()

    def _step(self) -> None:
        todo = self._state.todo
        match todo[0] if todo else "":
            case "posts":
                self._read_posts()
            case "news":
                self._read_news()
            case "wanted":
                self._read_wanted()
            case "crowd":
                self._read_crowd()
            case _:
                self._walks.step()

    def _give(self, raws: Sequence[Json], gone: Sequence[str]) -> None:
        self.raws += raws
        self.gone += gone

    # --- our own posts ---

    def _read_posts(self) -> None:
        """A page of our posts, down to what was last changed before the last look; all of them once a week."""
        state = self._state
        if not state.listing:
            state.listing = {"start": 0, "n": 0, "is_whole": self._now - state.whole_at >= WEEK}
        position = state.listing
        listed = self._api.posts(self._own, position["start"])
        for post in listed.rows:
            self._take_post(post)
        position["n"] += 1
        changed = [read_ms(part_of(post, "lastModifiedAt")) / 1_000 for post in listed.rows]
        is_known = not position["is_whole"] and all(0 < at < state.listed_at - DAY for at in changed)
        if listed.following and not is_known and position["n"] < _MOST_LISTS:
            position["start"] = listed.following
            return
        if position["is_whole"]:
            state.whole_at = self._now
        state.listed_at, state.listing = self._now, {}
        del state.todo[0]
        self._walks.fill()

    def _take_post(self, post: Json) -> None:
        """Remember a post of ours, and hand it out if it is young. Source: lists hold drafts too."""
        state, urn, at = self._state, read_post(part_of(post, "id")), published_ms(post)
        if not urn:
            self.raws.append(post_raw(post, self._own))  # for quarantine
            return
        if read_actor(part_of(post, "author")) != self._own:
            return
        if part_of(post, "lifecycleState") not in (None, "PUBLISHED"):
            return
        is_young = at >= state.since
        # What was there before us is walked through at once if it is young; of all else the feed tells us.
        walked_at = 0.0 if is_young and at < state.begun else self._now
        state.add_post(urn, walked_at, at / 1_000, title_of(post))
        if is_young or not at:
            self.raws.append(post_raw(post, self._own))

    # --- the feed ---

    def _read_news(self) -> None:
        state = self._state
        if not state.news:
            self._begin_news()
        position = state.news
        listed = self._api.news(self._own, self._actions, position["since"], position["until"], position["start"])
        for row in listed.rows:
            self._hear(row)
        if listed.following:
            position["start"] = listed.following
            return
        state.mark = max(state.mark, position["top"])
        state.news = {}
        since = state.mark - 2 * OVERLAP_MS
        state.seen = {key: at for key, at in list(state.seen.items())[-_MOST_SEEN:] if at >= since}
        state.deleted = {key: at for key, at in list(state.deleted.items())[-_MOST_SEEN:] if at >= since}
        del state.todo[0]

    def _begin_news(self) -> None:
        state, now_ms = self._state, round(self._now * 1_000)
        floor = now_ms - KEPT_MS
        if state.news_at and state.news_at * 1_000 < floor:
            self._notes.append("LinkedIn's feed goes back 60 days only: mentions may have been missed")
        since = state.mark - OVERLAP_MS if state.mark else state.since
        # The end of a span may or may not belong to it.
        state.news = {"since": max(since, floor, 0), "until": now_ms + 1_000, "start": 0, "top": 0}
        state.news_at = self._now

    def _hear(self, row: Json) -> None:
        """Note what one row of the feed asks for, once: LinkedIn repeats itself."""
        state, key, at = self._state, news.key_of(row), read_ms(part_of(row, "lastModifiedAt"))
        state.news["top"] = max(state.news["top"], min(at, round(self._now * 1_000)))
        if state.seen.get(key, -1) >= at:
            return
        state.seen.pop(key, None)
        state.seen[key] = at
        action = part_of(row, "action")
        if action == DELETED:
            self._hear_deleted(row, at)
        elif action in COMMENTED:
            self._hear_comment(row, at)
        elif action in (MENTIONED, SHARED) and (wanted := news.wanted_mention(row, self._own)):
            self._want(wanted)

    def _hear_deleted(self, row: Json, at: int) -> None:
        if number := news.comment_of(row)[1]:
            self.gone.append(number)
            self._state.deleted[number] = at
            self._state.is_got(number)

    def _hear_comment(self, row: Json, at: int) -> None:
        state, (thread, number) = self._state, news.comment_of(row)
        if not number or number in state.deleted:
            return
        post, owner = news.source_of(row)
        post = post or state.post_of(thread) or state.post_of(news.thread_of(row))
        if post and post not in state.posts and owner not in ("", self._own):
            self._want(news.wanted_comment(row, post, root=post))
            return
        if post in state.posts:
            known = state.posts[post]
            known["a"] = known["a"] or (thread if thread != post else "")
            known["p"] = max(known["p"], at / 1_000)
            if not known["w"] and at < state.begun:
                return  # its walk brings it
        elif post:
            self._want({"of": "post", "id": post, "n": 0, "title": news.wanted_comment(row, post, "")["title"]})
        else:
            self._walks.seek()  # one of them is the post: its walk will tell which
        self._want(news.wanted_comment(row, post, root=""))

    def _want(self, wanted: news.Wanted) -> None:
        queue = self._state.wanted
        if any((one["of"], one["id"]) == (wanted["of"], wanted["id"]) for one in queue):
            return
        if len(queue) >= _MOST_WANTED:
            self._notes.append(f"more than {_MOST_WANTED:,} comments at once: the rest is left to the sweep")
            return
        queue.append(wanted)

    # --- what the feed named ---

    def _read_wanted(self) -> None:
        """Fetch the first of it, or walk through its post where that takes fewer requests."""
        state = self._state
        ready = [one for one in state.wanted if not one["n"] or self._now - one["at"] >= RETRY]
        if not ready:
            del state.todo[0]
            return
        wanted = ready[0]
        if wanted["of"] == "comment" and self._is_crowded(wanted, ready):
            self._walks.begin(wanted["post"])
            state.crowd = {"post": wanted["post"], "n": len(state.replies)}
            state.todo.insert(0, "crowd")
            return
        try:
            self._fetch(wanted)
        except RemoteError as error:
            self._refused(wanted, error)
        else:
            state.wanted.remove(wanted)

    def _is_crowded(self, wanted: news.Wanted, ready: Sequence[news.Wanted]) -> bool:
        known = self._state.posts.get(wanted["post"])
        if known is None or wanted.get("is_single"):
            return False
        n_here = sum(one.get("post") == wanted["post"] for one in ready)
        return bool(n_here > known["n"])

    def _read_crowd(self) -> None:
        """A page of a walk that does not wait for credit; whatever it did not bring is fetched one by one."""
        state = self._state
        post, n_before = state.crowd["post"], state.crowd["n"]
        if state.walk.get("post") == post:
            self._walks.read_comments(is_paid=False)
        elif len(state.replies) > n_before:
            self._walks.read_replies(-1, is_paid=False)
        else:
            for one in state.wanted:
                one |= {"is_single": True} if one.get("post") == post else {}
            del state.todo[0]

    def _fetch(self, wanted: news.Wanted) -> None:
        if wanted["of"] == "post":
            self._fetch_post(wanted["id"])
        elif wanted["of"] == "mention":
            self.raws.append(post_raw(self._api.post(wanted["id"]), self._own, is_shared=wanted["shared"]))
        else:
            self._fetch_comment(wanted)

    def _fetch_post(self, urn: str) -> None:
        """A post that the list did not have; below a stranger's, comments are parts of a thread that it begins."""
        post = self._api.post(urn)
        self._take_post(post)
        if read_actor(part_of(post, "author")) not in ("", self._own):
            for one in self._state.wanted:
                one |= {"root": urn} if one.get("post") == urn else {}

    def _fetch_comment(self, wanted: news.Wanted) -> None:
        """One comment, under its post's name as share or, where LinkedIn finds none, as activity."""
        state, post, root = self._state, wanted["post"], wanted["root"]
        where = post if post and not wanted["n"] else wanted["thread"]
        found = self._api.comment(where, wanted["id"])
        if root:
            self.raws.append(comment_raw(found, self._own, "", "", root))
            return
        state.can_read = True
        title = state.title_of(post) or wanted["title"]
        self.raws.append(comment_raw(found, self._own, post or wanted["thread"], title))
        parent = read_comment_urn(part_of(found, "parentComment"))[1]
        if not parent:
            state.count(wanted["id"], n_replies_of(found))
        elif not state.has_met(parent) and parent not in state.deleted:
            self._want(wanted | {"id": parent, "n": 0})  # what it answers may be older than anything that we read

    def _refused(self, wanted: news.Wanted, error: RemoteError) -> None:
        """Try again later what is not there yet; of what is not for our eyes, keep what the feed itself said."""
        state = self._state
        if is_not_found(error):
            wanted |= {"n": wanted["n"] + 1, "at": self._now}
            if wanted["of"] == "comment" and wanted["n"] == 2 and wanted["post"] in state.posts:
                self._walks.hurry(wanted["post"])  # if it is still there, the list has it
            if wanted["n"] >= _MOST_TRIES or wanted["of"] == "post":
                state.wanted.remove(wanted)
            return
        is_theirs = wanted["of"] == "mention" or bool(wanted.get("root"))
        if not isinstance(error, Unauthorized) or error.status != 403 or not (is_theirs or state.can_read):
            raise error
        state.wanted.remove(wanted)
        raw = news.raw_as_told(wanted, self._own) if is_theirs else None
        if raw is not None:
            self.raws.append(raw)
        else:
            self._notes.append(f"{wanted['id']} was told of and cannot be read: {error}")
