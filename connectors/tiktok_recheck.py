"""Another look at known comments of TikTok: as they are now, replies that are new below them, and what is gone.

What is deleted is merely absent. A comment counts as gone where it is not among those asked for by id while its video
is still shown; a reply, where all replies of its comment are listed, as many as are counted; a video, where it is in
no list and its comments are refused as those of no video of ours.
"""

from collections import defaultdict
from collections.abc import Sequence

from connectors.base import Json, Known, Rechecked
from connectors.tiktok_api import Api, count_of, has_vanished, part_of, read_id
from connectors.tiktok_payloads import comment_raw, context_of, replies_in, video_raw
from monitor.errors import Gone

_MOST_REPLY_PAGES = 10


class Look:
    """One recheck of comments and posts of the account `business`."""

    def __init__(self, api: Api, business: str, username: str, name: str) -> None:
        self._api, self._business, self._username, self._name = api, business, username, name
        self._raws: list[Json] = []
        self._gone: list[str] = []

    def take(self, known: Sequence[Known]) -> Rechecked:
        """Ask for everything, in as few requests as can tell."""
        posts = [one.native_id for one in known if one.subject_native_id is None and read_id(one.native_id)]
        below: dict[str, list[Known]] = defaultdict(list)
        for one in known:
            if (video := read_id(one.subject_native_id)) and read_id(one.native_id):
                below[video].append(one)
        ids = sorted({*posts, *below})
        videos = {read_id(part_of(one, "item_id")): one for one in self._api.videos_named(ids)} if ids else {}
        for post in posts:
            self._look_at_post(post, videos.get(post))
        for video, comments in below.items():
            self._look_below(video, videos.get(video), comments)
        return Rechecked(self._raws, self._gone, float(self._api.n))

    def _look_at_post(self, post: str, video: Json) -> None:
        if video is not None:
            self._raws.append(video_raw(video, self._username, self._name, self._business))
            return
        try:
            self._api.comments(post, 0)
        except Gone as error:
            if not has_vanished(error):
                raise
            self._gone.append(post)

    def _look_below(self, video_id: str, video: Json, known: Sequence[Known]) -> None:
        roots = list(dict.fromkeys(read_id(one.root_native_id) or one.native_id for one in known))
        try:
            rows = {read_id(part_of(one, "comment_id")): one for one in self._api.comments_named(video_id, roots)}
        except Gone as error:
            if not has_vanished(error):
                raise
            return  # the video is private, or deleted: hidden, perhaps to return
        if video is None:
            return  # without its video a comment has no place
        context = context_of(video)
        for root in roots:
            beside = {one.native_id for one in known if one.native_id == root or one.root_native_id == root}
            if root not in rows:
                self._gone += sorted(beside)
                continue
            self._raws.append(comment_raw(rows[root], context, self._username))
            self._look_at_replies(rows[root], root, context, beside - {root})

    def _look_at_replies(self, comment: Json, root: str, context: dict[str, str], known: set[str]) -> None:
        """The replies to a comment, and which of those we know are gone."""
        shown = {read_id(part_of(one, "comment_id")): one for one in replies_in(comment)}
        count, is_whole = count_of(part_of(comment, "replies")), False
        if (count or 0) > len(shown) or known - shown.keys():
            is_whole = self._list(context["id"], root, shown)
        self._raws += [comment_raw(one, context, self._username, root) for one in shown.values()]
        if is_whole and count is not None and len(shown) >= count:
            self._gone += sorted(known - shown.keys())

    def _list(self, video: str, root: str, shown: dict[str, Json]) -> bool:
        """Add all replies to those shown; whether the list came to its end."""
        at = 0
        for _ in range(_MOST_REPLY_PAGES):
            try:
                batch = self._api.replies(video, root, at)
            except Gone as error:
                if not has_vanished(error):
                    raise
                return False
            shown |= {read_id(part_of(one, "comment_id")): one for one in batch.entries}
            if batch.following is None:
                return True
            at = batch.following
        return False
