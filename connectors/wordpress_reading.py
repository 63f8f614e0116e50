"""How one WordPress site is read, step by step, and what must be remembered between the steps.

WordPress tells no modification time of a comment, and what it approves late keeps its old date and id. So a poll
reads the newest by id; a window of `overlap` is read again each hour, and at once when the site's total does not
add up. What vanished from among the newest is asked for by id; changes further down are left to `recheck`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from connectors.base import Json
from connectors.wordpress_api import COMMENT_FIELDS, PAGE_MOST, POST_FIELDS, Api, code_of
from monitor.errors import Unauthorized

_SWEEP_EVERY = timedelta(hours=1)
_LEARN_EVERY = timedelta(days=1)
_MOST_HELD = 100
_MOST_STEPS_BACK = 5  # a site that does not sort as asked must not keep us turning pages
_MOST_LOOK_UPS = 20  # of single comments within one call; the others have their turn at a later recheck


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where reading stands; times are ISO 8601 in UTC. `phase` is what the next call does."""

    since: str  # what is older, and was there at the first poll, is not read
    prefix: str = ""  # of the API's addresses
    phase: Literal["newest", "missing", "sweep", "posts"] = "newest"
    offset: int = 0
    anchor: int = 0  # the next page must begin at or above this id; 0: nothing is known of it
    n_back: int = 0  # how often that was not so in the walk under way
    first_top: int = -1  # the highest id at the first poll
    mark: int = 0  # everything up to this id was read
    top: int = 0  # the highest id of the walk under way
    total: int | None = None  # how many comments the site said it has, when the mark was set
    n_new: int = 0
    window: str = ""  # where the sweep that is under way, or due, begins
    swept_at: str = ""
    recent: tuple[int, ...] = ()  # what stood on the newest page
    held: tuple[int, ...] = ()  # what was seen waiting for approval
    missing: tuple[int, ...] = ()  # what is not where it was
    at_type: int = 0
    post_marks: tuple[str, ...] = ()  # for each post type the newest change that was read
    post_top: str = ""
    own: int | None = None
    learned_at: str = ""
    sees_held: bool = True  # False once the site refused to list to our user what is not approved

    @classmethod
    def read(cls, cursor: Json, since: datetime) -> "Cursor":
        """The cursor as stored, or a new one where there is none or it is of another make."""
        try:
            stored: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in cursor.items()}
            return cls(**stored)
        except (AttributeError, TypeError):
            return cls(since=iso(since))

    def as_json(self) -> dict[str, Any]:
        """What is stored."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @property
    def is_at_rest(self) -> bool:
        """Whether all is read for now."""
        return self.phase == "newest" and self.offset == 0


Step = tuple[list[Json], list[int], Cursor]  # what was read, the ids that are gone, where to go on


class Reader:
    """Takes the steps: each reads one page."""

    def __init__(self, api: Api, per_page: int, overlap: timedelta, post_types: Sequence[str]) -> None:
        self._api, self._per_page, self._overlap, self._post_types = api, per_page, overlap, post_types

    def read(self, here: Cursor, now: datetime) -> Step:
        """Read one page, and with it what is little: what is missing, and the first page of changed posts.

        Raises: as `Api.get`; Gone may mean that the API has moved.
        """
        raws, gone, here = self._step(here, now)
        while here.offset == 0 and here.phase in ("missing", "posts"):
            more_raws, more_gone, here = self._step(here, now)
            raws, gone = raws + more_raws, gone + more_gone
        return raws, gone, here

    def _step(self, here: Cursor, now: datetime) -> Step:
        if here.phase == "missing":
            return self._missing(here)
        if here.phase == "sweep":
            return self._sweep(here, now)
        if here.phase == "posts":
            return self._posts(here, now)
        return self._newest(self._learned(here, now), now)

    def _learned(self, here: Cursor, now: datetime) -> Cursor:
        """With who we are there, asked once a day."""
        if not self._api.has_credentials or here.offset or here.learned_at > iso(now - _LEARN_EVERY):
            return here
        return replace(here, own=self._api.own_user_id(here.prefix) or here.own, learned_at=iso(now))

    def _newest(self, here: Cursor, now: datetime) -> Step:
        """Read by descending id down to the mark; at the first poll one page."""
        raws, total, here = self._comments(here, {"offset": here.offset})
        ids = _ids(raws)
        if _leaves_gap(here, ids):
            return raws, [], self._stepped_back(here)
        if here.offset == 0:
            here = self._looked_over(here, raws, total)
        is_first = here.first_top < 0
        n_new = sum(number > here.mark and number < (here.anchor or number + 1) for number in ids)
        here = replace(here, top=max([here.top, *ids]), n_new=here.n_new + n_new)
        if not is_first and min(ids, default=0) > here.mark and self._goes_on(here, raws, total):
            return raws, [], self._stepped_on(here, raws)
        here = replace(here, offset=0, anchor=0, n_back=0, first_top=here.top if is_first else here.first_top)
        return raws, [], self._next(self._marked(here, total, now, is_first))

    def _looked_over(self, here: Cursor, raws: Sequence[Json], total: int | None) -> Cursor:
        """Note what stands on the first page, and what stood there before and does not now."""
        ids = _ids(raws)
        floor = 0 if total is not None and total <= len(raws) else min(ids, default=0)
        missing = {i for i in here.recent if i > floor} | set(here.held)
        return replace(_noted(here, raws), recent=tuple(ids), missing=tuple(sorted(missing - set(ids))))

    def _marked(self, here: Cursor, total: int | None, now: datetime, is_first: bool) -> Cursor:
        """Set the mark, and decide whether what lies below must be swept.

        The total moves without new ids when a comment is approved late, trashed or deleted.
        """
        adds_up = total is None or here.total is None or total == here.total + here.n_new
        window = here.since if is_first else max(here.since, iso(now - self._overlap))
        here = replace(here, mark=max(here.mark, here.top), top=0, n_new=0, total=total)
        if total is not None and total <= self._per_page:
            return replace(here, swept_at=iso(now))  # the first page is all there is
        is_due = is_first or not adds_up or here.swept_at <= iso(now - _SWEEP_EVERY)
        return replace(here, window=window if is_due else "")

    def _missing(self, here: Cursor) -> Step:
        raws, gone, here = self.look_again(here, here.missing[:PAGE_MOST])
        left = set(here.held) - set(here.missing)
        here = replace(here, missing=here.missing[PAGE_MOST:], held=tuple(sorted(left)))
        return raws, gone, self._next(_noted(here, raws))

    def _sweep(self, here: Cursor, now: datetime) -> Step:
        # Source: WordPress compares `after` with the site's local dates unless, as here, it carries a zone.
        raws, total, here = self._comments(here, {"offset": here.offset, "after": here.window})
        ids = _ids(raws)
        if _leaves_gap(here, ids):
            return raws, [], self._stepped_back(here)
        here = _noted(here, raws)
        if self._goes_on(here, raws, total):
            return raws, [], self._stepped_on(here, raws)
        return raws, [], self._next(replace(here, offset=0, anchor=0, n_back=0, window="", swept_at=iso(now)))

    def _posts(self, here: Cursor, now: datetime) -> Step:
        """Read what was published or changed since the last time, of one post type, the latest change first."""
        kinds, at = self._post_types, here.at_type
        marks = [*here.post_marks, *[here.since] * len(kinds)][: len(kinds)]
        floor = iso(datetime.fromisoformat(marks[at]) - timedelta(seconds=2))
        asked = {"orderby": "modified", "modified_after": floor, "offset": here.offset, "_fields": POST_FIELDS}
        rows, total = self._api.list(here.prefix, kinds[at], asked | {"per_page": self._per_page})
        raws = [raw for raw in rows if _changed(raw) > floor]  # WordPress before 5.7 sends all
        top = max([here.post_top, *(when for raw in raws if (when := _changed(raw)) <= iso(now))])
        if raws and len(rows) >= self._per_page and self._goes_on(here, rows, total):
            return raws, [], replace(here, offset=here.offset + self._per_page, post_top=top)
        marks[at] = max(marks[at], top)
        is_last = at + 1 >= len(kinds)
        here = replace(here, post_marks=tuple(marks), post_top="", offset=0, at_type=0 if is_last else at + 1)
        return raws, [], replace(here, phase="newest" if is_last else "posts")

    def _next(self, here: Cursor) -> Cursor:
        if here.missing:
            return replace(here, phase="missing")
        if here.window:
            return replace(here, phase="sweep")
        return replace(here, phase="posts" if self._post_types else "newest")

    def _goes_on(self, here: Cursor, rows: Sequence[Json], total: int | None) -> bool:
        # Source: rows that we may not see are left out after the query, so a short page is not the last one.
        return bool(rows) if total is None else here.offset + self._per_page < total

    def _stepped_on(self, here: Cursor, raws: Sequence[Json]) -> Cursor:
        """One page on, overlapping by one, so that a deletion above cannot shift another comment out of sight."""
        size, ids = self._per_page, _ids(raws)
        return replace(here, offset=here.offset + size - 1, anchor=ids[-1] if len(ids) == size else 0)

    def _stepped_back(self, here: Cursor) -> Cursor:
        """A page back, because something above was deleted and what follows moved up."""
        return replace(here, offset=max(0, here.offset - self._per_page), n_back=here.n_back + 1)

    def _comments(self, here: Cursor, asked: dict[str, Any]) -> tuple[list[Json], int | None, Cursor]:
        """List comments by descending id, those waiting for approval too where we may see them."""
        params = {"orderby": "id", "order": "desc", "per_page": self._per_page, **asked}
        params |= {"_fields": COMMENT_FIELDS, "_embed": "up"}
        if self._api.has_credentials and here.sees_held:
            try:
                return *self._api.list(here.prefix, "comments", params | {"status": "all"}), here
            except Unauthorized as error:
                if error.status != 403 or code_of(error) != "rest_forbidden_param":
                    raise
                here = replace(here, sees_held=False)  # a user who may not moderate
        return *self._api.list(here.prefix, "comments", params), here

    def look_again(self, here: Cursor, numbers: Sequence[int]) -> Step:
        """Ask for these comments: what they are now, and which are deleted, trashed or spam."""
        if not numbers:
            return [], [], here
        include = {"include": ",".join(map(str, numbers)), "per_page": PAGE_MOST}
        raws, _, here = self._comments(here, include)
        gone = []
        for number in [n for n in numbers if n not in _ids(raws)][:_MOST_LOOK_UPS]:
            params = {"_fields": COMMENT_FIELDS, "_embed": "up"}
            found, raw = self._api.look_up(here.prefix, f"comments/{number}", params)
            raws += [raw] if found == "here" else []
            gone += [number] if found == "gone" else []
        return raws, gone, here

    def look_again_at_posts(self, here: Cursor, numbers: Sequence[int]) -> tuple[list[Json], list[int]]:
        """Ask for these posts: what they are now, and which are deleted or trashed."""
        raws: list[Json] = []
        kinds = self._post_types
        include = {"include": ",".join(map(str, numbers)), "per_page": PAGE_MOST, "_fields": POST_FIELDS}
        for kind in kinds if numbers else ():
            raws += self._api.list(here.prefix, kind, include)[0]
        gone = []
        for number in [n for n in numbers if n not in _ids(raws)][:_MOST_LOOK_UPS]:
            found = {self._api.look_up(here.prefix, f"{kind}/{number}", {"_fields": "id,status"})[0] for kind in kinds}
            if found == {"gone"}:  # each type knows only its own
                gone.append(number)
        return raws, gone


def iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _ids(raws: Iterable[Json]) -> list[int]:
    """The ids of the readable ones, in their order."""
    return [raw["id"] for raw in raws if isinstance(raw, dict) and isinstance(raw.get("id"), int) and raw["id"] > 0]


def _leaves_gap(here: Cursor, ids: Sequence[int]) -> bool:
    """Whether comments may have slipped from this page to the one before while we turned it."""
    return bool(ids) and ids[0] < here.anchor and here.n_back < _MOST_STEPS_BACK


def _changed(raw: Json) -> str:
    """When a post was last changed; of an unreadable one the end of time, so that it reaches quarantine."""
    return _instant(raw.get("modified_gmt") if isinstance(raw, dict) else None) or "~"


def _instant(value: object) -> str:
    """A time as the cursor has it, "" for what is none (WordPress makes "-0001-11-30T00:00:00" of no date)."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        return iso(at.astimezone(UTC) if at.tzinfo else at) if at is not None else ""
    except (ValueError, OverflowError):
        return ""


def _noted(here: Cursor, raws: Sequence[Json]) -> Cursor:
    """With what waits for approval, the newest of it if there is too much."""
    held = set(here.held) - set(_ids(raws))
    held |= set(_ids(raw for raw in raws if isinstance(raw, dict) and raw.get("status") == "hold"))
    return replace(here, held=tuple(sorted(held)[-_MOST_HELD:]))


def is_too_old(raw: Json, there: Cursor) -> bool:
    """Whether it is older than the backfill and was there before us; what came later counts, whatever its date."""
    if not isinstance(raw, dict) or "post" not in raw or not _ids([raw]):
        return False
    return bool(raw["id"] <= there.first_top and "" < _instant(raw.get("date_gmt")) < there.since)
