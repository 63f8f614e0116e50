"""Another look at known comments and posts of LinkedIn: as they are now, what is new below them, and what is gone.

What LinkedIn does not find by its number counts as gone only while it shows other comments of the same post, or counts
none there: to some roles it shows empty lists.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from connectors.base import Json, Known, Rechecked
from connectors.linkedin_api import (
    Api,
    comment_urn,
    is_not_found,
    part_of,
    read_comment_urn,
    read_number,
    read_post,
    read_thread,
)
from connectors.linkedin_payloads import comment_raw, n_replies_of, number_of, post_raw, title_of
from monitor.errors import RemoteError, Unauthorized

_MOST_PAGES = 5  # of replies, or of comments on one post


@dataclass(slots=True)
class _Place:
    """What we know below one post. `roots` are the comments on top, each with the known replies to it."""

    urn: str
    is_ours: bool
    roots: dict[str, set[str]] = field(default_factory=dict)


class Look:
    """One recheck; `own` is our page."""

    def __init__(self, api: Api, own: str, known: Sequence[Known]) -> None:
        self._api, self._own = api, own
        self._raws: list[Json] = []
        self._gone: list[str] = []
        self._ids = {one.native_id for one in known}
        self._posts = [one.native_id for one in known if read_post(one.native_id)]
        self._places = _placed(known)
        self._titles: dict[str, str] = {}

    def take(self) -> Rechecked:
        """Ask for everything, in as few requests as can tell."""
        lost = [post for post in self._posts if not self._look_at_post(post)]
        if lost:
            self._api.posts(self._own, count=1)  # where this fails we may no longer read
            self._gone += lost
        for place in self._places:
            try:
                self._look_below(place)
            except Unauthorized as error:
                if error.status != 403:
                    raise
        return Rechecked(self._raws, self._gone)

    def _look_at_post(self, urn: str) -> bool:
        """Whether a post is still there, or not for our eyes."""
        try:
            post = self._api.post(urn)
        except RemoteError as error:
            if is_not_found(error):
                return False
            if isinstance(error, Unauthorized) and error.status == 403:
                return True
            raise
        self._titles[urn] = title_of(post)
        self._raws.append(post_raw(post, self._own))
        return True

    def _look_below(self, place: _Place) -> None:
        found = self._listed(place) if place.is_ours and len(place.roots) > 1 else {}
        missing: set[str] = set()
        for root, replies in place.roots.items():
            told = found.get(root) or self._asked(place, root)
            shown = {root: told} if told is not None else {}
            if told is not None and (replies or n_replies_of(told)):
                shown |= self._replies(place, told, root)
            for number in {root, *replies} & self._ids - shown.keys():
                one = self._asked(place, number) if number != root else None
                shown |= {number: one} if one is not None else {}
            missing |= {root, *replies} & self._ids - shown.keys()
            self._keep(place, shown.values())
        if missing and self._shows_comments(place.urn):
            self._gone += sorted(missing)

    def _listed(self, place: _Place) -> dict[str, Json]:
        """Comments on a post, until all that we look for are among them."""
        found: dict[str, Json] = {}
        start = 0
        for _ in range(min(_MOST_PAGES, len(place.roots))):
            try:
                listed = self._api.comments(place.urn, start)
            except RemoteError as error:
                if not is_not_found(error):
                    raise
                break
            found |= {number_of(row): row for row in listed.rows}
            start = listed.following
            if not start or place.roots.keys() <= found.keys():
                break
        return found

    def _asked(self, place: _Place, number: str) -> Json:
        try:
            return self._api.comment(place.urn, number)
        except RemoteError as error:
            if not is_not_found(error):
                raise
            return None

    def _replies(self, place: _Place, root: Json, number: str) -> dict[str, Json]:
        urn = part_of(root, "commentUrn") or part_of(root, "$URN")
        if not read_comment_urn(urn)[1]:
            urn = comment_urn(read_thread(part_of(root, "object")) or place.urn, number)
        found: dict[str, Json] = {}
        start = 0
        for _ in range(_MOST_PAGES):
            listed = self._api.comments(urn, start)
            found |= {number_of(row): row for row in listed.rows}
            start = listed.following
            if not start:
                break
        return found

    def _keep(self, place: _Place, comments: Iterable[Json]) -> None:
        title = self._title(place.urn) if place.is_ours else ""
        for comment in comments:
            if place.is_ours:
                self._raws.append(comment_raw(comment, self._own, place.urn, title))
            else:
                self._raws.append(comment_raw(comment, self._own, "", "", place.urn))

    def _title(self, urn: str) -> str:
        if urn not in self._titles:
            self._titles[urn] = ""
            try:
                self._titles[urn] = title_of(self._api.post(urn)) if read_post(urn) else ""
            except RemoteError as error:
                if not is_not_found(error) and not isinstance(error, Unauthorized):
                    raise
        return self._titles[urn]

    def _shows_comments(self, urn: str) -> bool:
        """Whether LinkedIn lets us see what is below a post; a post that is gone itself took its comments with it."""
        try:
            if self._api.comments(urn, count=1).rows:
                return True
            return self._api.n_comments(urn) == 0
        except RemoteError as error:
            if not is_not_found(error):
                raise
        if read_post(urn) and not self._look_at_post(urn):
            self._api.posts(self._own, count=1)
            return True
        return False


def _placed(known: Sequence[Known]) -> list[_Place]:
    places: dict[str, _Place] = {}
    for one in known:
        root = one.root_native_id or one.native_id
        urn = read_thread(one.subject_native_id) or read_post(root)
        if not read_number(one.native_id) or not urn:
            continue
        place = places.setdefault(urn, _Place(urn, is_ours=not read_post(root)))
        top = one.native_id if read_post(root) else root
        place.roots.setdefault(top, set()).update({one.native_id} - {top})
    return list(places.values())
