"""The YouTube Data API of one channel, as far as a reader of comments sees it.

The brand's posts are its videos. Two levels of comments, a few replies sent along with each thread, page tokens that
are positions in a list, HTML unless plain text is asked for. Source: the discovery document youtube.v3, and the
recorded answers for what is left out.
"""

import base64
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any, ClassVar

from tests.platforms.base import BRAND, Entry, World
from tests.platforms.server import HttpFakePlatform, Reply, Request

CREDENTIAL = "a-credential-that-nobody-may-see"
CHANNEL = "UCbrand00000000000000000"
UPLOADS = "UUbrand00000000000000000"
TITLE = "How we bake"


def error(status: int, reason: str, message: str = "Refused", kind: str = "", detail: str = "") -> Reply:
    """An error as Google's APIs tell it; the newer of them give the reason that matters in a detail."""
    told = {"message": message, "domain": "youtube", "reason": reason}
    body: dict[str, Any] = {"code": status, "message": message, "errors": [told]}
    if detail:
        body["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": detail}]
    return Reply({"error": body | ({"status": kind} if kind else {})}, status)


class Fake(HttpFakePlatform):
    """Serves a world as one channel; its variants are as whom a source may read it."""

    secret = CREDENTIAL
    variants: ClassVar[tuple[str, ...]] = ("owner", "key")

    def __init__(self, world: World, folder: Path) -> None:
        super().__init__(world, folder)
        self.n_along = 5  # replies that are sent along with a thread
        self.held: dict[str, str] = {}  # keys of comments that are held back, with how
        self.no_comments: set[str] = set()  # keys of videos whose comments are disabled
        self.drafts: set[str] = set()  # keys of videos that only the owner sees
        self.not_by_id: set[str] = set()  # keys of comments that exist and are not shown by id
        self.uncounted: set[str] = set()  # keys of comments that do not change the number of their video
        self.anonymous: set[str] = set()  # keys of comments whose author's account is gone
        self.about_channel: set[str] = set()  # keys of comments that hang under no video
        self.refuses_held = False  # the token is not the owner's
        self.has_no_channel = False
        self.refuses: dict[str, Reply] = {}  # by the end of the path
        self._generation = 0  # of page tokens
        self._kept: _Index | None = None

    def changed(self) -> None:
        self._kept = None

    @property
    def _index(self) -> "_Index":
        self._kept = self._kept or _Index(self.world)
        return self._kept

    def source_settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = {"base_url": self.url}
        if self.variant == "key":
            return settings | {"channel": CHANNEL, "api_key": CREDENTIAL}
        return settings | {"token": CREDENTIAL}

    def native_id(self, key: str) -> str:
        return self._id(self.world[key])

    def expected(self) -> set[str]:
        shown = [entry for entry in self.world.comments if self._exists(entry)]
        visible = [
            entry for entry in shown if self._is_shown(entry) or (self.variant == "owner" and entry.key in self.held)
        ]
        return {self._id(entry) for entry in (*visible, *self._videos()) if entry.key not in self.drafts}

    def expire_cursors(self) -> None:
        self._generation += 1

    def error_body(self, status: int) -> Any:
        reason = {401: "authError", 403: "forbidden", 404: "channelNotFound", 429: "rateLimitExceeded"}
        return error(status, reason.get(status, "backendError")).body

    def answer(self, request: Request) -> Reply:
        name = request.path.rpartition("/")[2]
        if name in self.refuses:
            return self.refuses[name]
        if (refused := self._refused(request)) is not None:
            return refused
        match name:
            case "channels":
                return self._channels(request)
            case "playlistItems":
                if request.get("playlistId") != UPLOADS or not self._videos():
                    return error(404, "playlistNotFound")
                return self._listed(request, "playlistItem", self._videos()[::-1], self._upload, 50)
            case "videos":
                wanted = request.get("id").split(",")
                assert len(wanted) <= 50
                return _list("video", [self._video(one) for one in self._videos() if self._id(one) in wanted])
            case "commentThreads":
                return self._threads(request)
            case "comments":
                return self._comments(request)
        return error(404, "notFound")

    def _refused(self, request: Request) -> Reply | None:
        bearer, key = request.headers.get("authorization", ""), request.get("key")
        if key:
            if key == CREDENTIAL:
                return None
            return error(400, "badRequest", "API key not valid.", "INVALID_ARGUMENT", "API_KEY_INVALID")
        if bearer != f"Bearer {CREDENTIAL}":
            return error(401, "authError", "Invalid Credentials", "UNAUTHENTICATED")
        return None

    # --- what there is ---

    def _videos(self) -> list[Entry]:
        own = [entry for entry in self.world.posts if entry.is_ours]
        return own if self.variant == "owner" else [entry for entry in own if entry.key not in self.drafts]

    def _root(self, entry: Entry) -> Entry:
        return _root_of(self.world, entry)

    def _exists(self, entry: Entry) -> bool:
        """A deleted comment takes its replies along, a deleted video all its comments."""
        post = self.world[entry.post or ""]
        return all(one.deleted_at is None for one in (entry, self._root(entry), post)) and post.is_ours

    def _is_shown(self, entry: Entry) -> bool:
        is_hidden = entry.key in self.held or self._root(entry).key in self.held
        return self._exists(entry) and not is_hidden and entry.post not in self.no_comments

    def _tops(self, status: str = "") -> list[Entry]:
        tops = [entry for entry in self._index.tops if self._exists(entry)]
        if status:
            tops = [entry for entry in tops if self.held.get(entry.key) == status]
        else:
            tops = [entry for entry in tops if self._is_shown(entry)]
        return tops

    def _replies(self, top: Entry) -> list[Entry]:
        return [one for one in self._index.below.get(top.key, []) if self._is_shown(one)][::-1]

    def _id(self, entry: Entry) -> str:
        if entry.is_post:
            return f"vid{entry.number:08d}"
        root = self._root(entry)
        thread = f"Ugx{root.number:06d}Ew0yS3xQ4AaABAg"
        return thread if root.key == entry.key else f"{thread}.9x{entry.number:06d}"

    # --- how it is told ---

    def _channels(self, request: Request) -> Reply:
        is_mine = request.get("mine") == "true" and not request.get("key") and not self.has_no_channel
        if not (is_mine or request.get("id") == CHANNEL or request.get("forHandle") == f"@{BRAND}"):
            return Reply({"kind": "youtube#channelListResponse", "pageInfo": {"totalResults": 0, "resultsPerPage": 5}})
        playlists = {"likes": "", "uploads": UPLOADS}
        return _list("channel", [{"id": CHANNEL, "contentDetails": {"relatedPlaylists": playlists}}])

    def _threads(self, request: Request) -> Reply:
        status = request.get("moderationStatus")
        is_owner = not request.get("key") and not self.refuses_held
        if status and not is_owner:
            return error(403, "forbidden", "The request is not authorised.", "PERMISSION_DENIED")
        if "id" in request.query:
            assert not {"order", "maxResults", "moderationStatus", "pageToken"} & set(request.query)
            wanted = request.get("id").split(",")
            assert len(wanted) <= 50
            tops = [one for one in (*self._tops(), *self._own_held()) if self._id(one) in wanted]
            return _list(
                "commentThread", [self._shown_thread(one, request) for one in tops if one.key not in self.not_by_id]
            )
        tops = self._tops(status)
        if "videoId" in request.query:
            if (refused := self._closed(request.get("videoId"))) is not None:
                return refused
            tops = [one for one in tops if self._id(self.world[one.post or ""]) == request.get("videoId")]
        elif request.get("allThreadsRelatedToChannelId") != CHANNEL:
            return error(404, "channelNotFound")
        return self._listed(request, "commentThread", tops, lambda one: self._shown_thread(one, request), 100)

    def _own_held(self) -> list[Entry]:
        """What its owner is shown by id although it is held back."""
        is_seen = self.variant == "owner" and not self.refuses_held
        return [one for status in set(self.held.values()) for one in self._tops(status)] if is_seen else []

    def _closed(self, video: str) -> Reply | None:
        found = next((one for one in self._videos() if self._id(one) == video), None)
        if found is None:
            is_draft = any(self.native_id(key) == video for key in self.drafts)
            return error(403, "forbidden") if is_draft else error(404, "videoNotFound")
        return error(403, "commentsDisabled", "disabled comments") if found.key in self.no_comments else None

    def _comments(self, request: Request) -> Reply:
        if "id" in request.query:
            wanted = request.get("id").split(",")
            shown = [one for one in self.world.comments if self._is_shown(one) and one.key not in self.not_by_id]
            return _list("comment", [self._comment(one, request) for one in shown if self._id(one) in wanted])
        top = next((one for one in self._tops() if self._id(one) == request.get("parentId")), None)
        if top is None:
            return error(404, "commentNotFound")
        return self._listed(request, "comment", self._replies(top), lambda one: self._comment(one, request), 100)

    def _listed(self, request: Request, kind: str, entries: list[Entry], body: Any, most: int) -> Reply:
        size = min(int(request.get("maxResults") or 20), most, self.page_size)
        start = 0
        if token := request.get("pageToken"):
            generation, _, offset = base64.b64decode(token).decode().partition(":")
            if int(generation) != self._generation:
                return error(400, "invalidPageToken", "The request specifies an invalid page token.")
            start = int(offset)
        following = base64.b64encode(f"{self._generation}:{start + size}".encode()).decode()
        listed = _list(kind, [body(one) for one in entries[start : start + size]])
        if start + size < len(entries):
            listed.body["nextPageToken"] = following
        return listed

    def _shown_thread(self, top: Entry, request: Request) -> dict[str, Any]:
        replies = self._replies(top)
        place = {} if top.key in self.about_channel else {"videoId": self._id(self.world[top.post or ""])}
        thread: dict[str, Any] = {
            "kind": "youtube#commentThread",
            "etag": "j6xRRd8dTPVVptg711",
            "id": self._id(top),
            "snippet": {
                "channelId": CHANNEL,
                **place,
                "topLevelComment": self._comment(top, request) | {"id": self._id(top)},
                "canReply": True,
                "totalReplyCount": len(replies),
                "isPublic": True,
            },
        }
        if along := replies[: self.n_along]:
            thread["replies"] = {"comments": [self._comment(one, request) for one in along]}
        return thread

    def _comment(self, entry: Entry, request: Request) -> dict[str, Any]:
        is_plain = request.get("textFormat") == "plainText"
        snippet: dict[str, Any] = {
            "channelId": CHANNEL,
            "textDisplay": entry.text if is_plain else escape(entry.text).replace("\n", "<br>"),
            "authorDisplayName": "" if entry.key in self.anonymous else f"@{entry.by}",
            "authorProfileImageUrl": "https://yt3.example/a=s48",
            "authorChannelUrl": "" if entry.key in self.anonymous else f"http://www.youtube.com/@{entry.by}",
            "canRate": True,
            "viewerRating": "none",
            "likeCount": 0,
            "publishedAt": stamp(entry.created_at),
            "updatedAt": stamp(entry.edited_at or entry.created_at),
        }
        if entry.key not in self.anonymous:
            snippet["authorChannelId"] = {"value": channel_of(entry.by)}
        if entry.reply_to:
            snippet["parentId"] = self._id(self._root(entry))
        if "id" not in request.query and self.variant == "owner":
            snippet["moderationStatus"] = self.held.get(entry.key, "published")
        return {"kind": "youtube#comment", "etag": "W05nAf1QR8i2AYeULDR0", "id": self._id(entry), "snippet": snippet}

    def _upload(self, video: Entry) -> dict[str, Any]:
        details = {"videoId": self._id(video), "videoPublishedAt": stamp(video.created_at)}
        return {"kind": "youtube#playlistItem", "id": f"UExPQU{video.number}", "contentDetails": details}

    def _video(self, video: Entry) -> dict[str, Any]:
        below = [one for one in self._index.under.get(video.key, []) if self._is_shown(one)]
        count = str(len([one for one in below if one.key not in self.uncounted]))
        statistics = {"viewCount": "907", "likeCount": "12", "favoriteCount": "0"}
        if video.key not in self.no_comments:
            statistics["commentCount"] = count
        return {
            "kind": "youtube#video",
            "id": self._id(video),
            "snippet": {
                "publishedAt": stamp(video.created_at),
                "channelId": CHANNEL,
                "title": f"{TITLE} {video.number}",
                "description": video.text,
                "channelTitle": BRAND.title(),
                "categoryId": "26",
                "liveBroadcastContent": "none",
            },
            "status": {"privacyStatus": "private" if video.key in self.drafts else "public"},
            "statistics": statistics,
        }


class _Index:
    """What hangs where, so that a channel of twenty thousand comments can be served."""

    def __init__(self, world: World) -> None:
        self.tops: list[Entry] = []  # the newest first
        self.below: dict[str, list[Entry]] = {}
        self.under: dict[str, list[Entry]] = {}
        for entry in world.comments:
            self.under.setdefault(entry.post or "", []).append(entry)
            if entry.reply_to:
                self.below.setdefault(_root_of(world, entry).key, []).append(entry)
            else:
                self.tops.append(entry)
        self.tops.sort(key=lambda one: (one.created_at, one.number), reverse=True)


def _root_of(world: World, entry: Entry) -> Entry:
    while entry.reply_to:
        entry = world[entry.reply_to]
    return entry


def _list(kind: str, entries: list[dict[str, Any]]) -> Reply:
    info = {"totalResults": len(entries), "resultsPerPage": 20}
    return Reply({"kind": f"youtube#{kind}ListResponse", "etag": "x", "pageInfo": info, "items": entries})


def channel_of(by: str) -> str:
    """The channel id of somebody."""
    return CHANNEL if by == BRAND else f"UC{by:0<22}"


def stamp(at: datetime) -> str:
    """A time as YouTube writes it."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
