"""A Facebook Page as the Graph API serves it to the Page's own token.

Replies have two levels; what hangs below a deleted comment goes with it. Posts of the world are posts of the feed,
but for those that the sets below name. Source: developers.facebook.com/docs/graph-api/reference (page, comment).
"""

from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from tests.platforms.base import BRAND, Entry, World
from tests.platforms.graph import TOKEN, VERSION, Field, GraphFake, Node, Refused, missing, parse_fields
from tests.platforms.server import Request

PAGE = "1055"
PERSONS_TOKEN = "EAAP-the-token-of-a-person"


class Fake(GraphFake):
    """Serves a world as one Page."""

    own_id: ClassVar[str] = PAGE
    buc_type: ClassVar[str] = "pages"

    def __init__(self, world: World, folder: Path) -> None:
        super().__init__(world, folder)
        self.reels: set[str] = set()  # keys of posts that are reels
        self.shared_reels: set[str] = set()  # and of those that are posts of the feed as well
        self.ads: set[str] = set()
        self.tagged: set[str] = set()  # posts of others, elsewhere, that tag the Page
        self.reviews: dict[str, Node] = {}  # recommendations, with the fields that differ
        self.inbox: set[str] = set()  # posts that begin a conversation in Messenger; their comments are its messages
        self.albums: dict[str, int] = {}  # posts with so many photos
        self.on_photo: dict[str, int] = {}  # comments below the photo of this number of their post
        self.hidden: set[str] = set()
        self.nameless: set[str] = set()  # entries whose author is not told
        self.stickers: set[str] = set()
        self.withholds_ids = False  # of comments, as to a token without the task MODERATE
        self.ignores_order = False
        self.shows_no_comments = False  # the edge is empty, and nothing says why
        self.is_persons = False  # the token given is a person's
        self.n_pages = 1  # that the person manages
        self.variants_settings: dict[str, Any] = {}
        self.tokens.add(PERSONS_TOKEN)
        self._people: dict[str, str] = {BRAND: PAGE}

    def source_settings(self) -> dict[str, Any]:
        token = PERSONS_TOKEN if self.is_persons else TOKEN
        return {"api_url": f"{self.url}/{VERSION}", "token": token, **self.variants_settings}

    def native_id(self, key: str) -> str:
        entry = self.world[key]
        if entry.is_post:
            return self._post_id(entry)
        assert entry.post is not None
        above = self._photo_id(self.world[entry.post], self.on_photo[key]) if key in self.on_photo else ""
        prefix = above or self._post_id(self.world[entry.post]).rpartition("_")[2]
        return f"{prefix}_{5000 + entry.number}"

    def author_id(self, by: str) -> str:
        return self._people.setdefault(by, f"7100000000{len(self._people):04}")

    def expected(self) -> set[str]:
        return {self.native_id(entry.key) for entry in self.existing()}

    def _post_id(self, entry: Entry) -> str:
        if entry.key in self.reels:
            return str(8000 + entry.number)
        return f"{PAGE if entry.key not in self.tagged else '2066'}_{1000 + entry.number}"

    def _photo_id(self, post: Entry, number: int) -> str:
        return str(90_000 + 100 * post.number + number)

    # --- what is asked ---

    def route(self, path: str, request: Request, token: str) -> Any:
        if token == PERSONS_TOKEN:
            return self._to_person(path, request)
        if not path:
            return self.batch(request, self._by_id)
        match path.split("/"):
            case ["me"]:
                return self.project(self._page(), parse_fields(request.get("fields")))
            case [page, edge] if page == PAGE:
                return self._list(edge, request)
            case [object_id, "comments"]:
                return self._comments_of(object_id, request)
            case [object_id] if (found := self._by_id(object_id)) is not None:
                return self.project(found, parse_fields(request.get("fields") or "id"))
            case [object_id]:
                raise missing(object_id)
        raise Refused(2500, 0, f"Unknown path components: /{path}", 404)

    def _to_person(self, path: str, request: Request) -> Any:
        if path == "me/accounts":
            return {"data": [{"id": PAGE if n == 0 else str(9_000 + n), "name": f"P{n}"} for n in range(self.n_pages)]}
        if path == PAGE:
            return {"access_token": TOKEN, "id": PAGE}
        if path == "me" and "category" in request.get("fields"):
            raise Refused(100, 0, "(#100) Tried accessing nonexisting field (category) on node type (User)")
        return {"data": []}  # with a person's token there are no comments, and no error

    def _page(self) -> Node:
        return {"id": PAGE, "name": "Brand", "category": "Bakery"}

    def _list(self, edge: str, request: Request) -> Any:
        posts = [entry for entry in self.existing() if entry.is_post]
        asked = Field(edge, {"limit": request.get("limit") or "25"}, parse_fields(request.get("fields") or "id"))
        after = request.get("after")
        kinds = {
            "feed": [e for e in posts if self._is_in_feed(e)],
            "video_reels": [e for e in posts if e.key in self.reels | self.shared_reels],
            "ads_posts": [e for e in posts if e.key in self.ads],
            "tagged": [e for e in posts if e.key in self.tagged],
            "ratings": [e for e in posts if e.key in self.reviews],
            "conversations": [e for e in posts if e.key in self.inbox],
        }
        node = {"ratings": self._review, "conversations": self._conversation, "video_reels": self._reel}
        if edge not in kinds:
            raise Refused(2500, 0, f"Unknown path components: /{edge}", 404)
        return self.edge(kinds[edge], node.get(edge, self._post), asked, f"{PAGE}/{edge}", after=after)

    def _is_in_feed(self, entry: Entry) -> bool:
        return entry.key not in self.reels | self.ads | self.tagged | self.inbox | self.reviews.keys()

    def _comments_of(self, object_id: str, request: Request) -> Any:
        found = self._below(object_id)
        if found is None:
            raise missing(object_id)
        modifiers = {name: request.get(name) for name in ("limit", "filter", "order") if request.get(name)}
        asked = Field("comments", modifiers, parse_fields(request.get("fields") or "id"))
        return self._comments(found, asked, f"{object_id}/comments", request.get("after"))

    def _by_id(self, object_id: str) -> Node | None:
        entry = self.existing_of(object_id)
        if entry is not None and (entry.is_post or not self.shows_no_comments):
            return self._comment(entry) if not entry.is_post else self._post_or_reel(entry)
        for entry in self.existing():
            if entry.key in self.albums and self._photo_number(entry, object_id) is not None:
                return {"id": object_id, "comments": lambda asked: self._comments(self._below(object_id) or [], asked)}
        return None

    def _photo_number(self, post: Entry, object_id: str) -> int | None:
        numbers = range(self.albums.get(post.key, 0))
        return next((n for n in numbers if self._photo_id(post, n) == object_id), None)

    def _below(self, object_id: str) -> list[Entry] | None:
        for post in (entry for entry in self.existing() if entry.is_post):
            number = self._photo_number(post, object_id)
            if self._post_id(post) == object_id or number is not None:
                return [entry for entry in self.under(post.key) if self.on_photo.get(entry.key) == number]
        return None

    # --- what is answered ---

    def _comments(self, entries: list[Entry], asked: Field, path: str = "", after: str = "") -> Node:
        shown = [] if self.shows_no_comments else entries
        if asked.modifiers.get("filter") != "stream":
            shown = [entry for entry in shown if entry.reply_to is None]
        is_newest_first = asked.modifiers.get("order") == "reverse_chronological" and not self.ignores_order
        answer = self.edge(shown, self._comment, asked, path, oldest_first=not is_newest_first, after=after)
        if asked.modifiers.get("summary"):
            answer["summary"] = {"order": "chronological", "total_count": len(entries), "can_comment": True}
        return answer

    def _from(self, entry: Entry) -> Node | None:
        if entry.key in self.nameless:
            return None
        return {"id": self.author_id(entry.by), "name": entry.by.title()}

    def _address(self, entry: Entry) -> str:
        number = self._post_id(self.world[entry.post or entry.key]).rpartition("_")[2]
        address = f"https://www.facebook.com/{PAGE}/posts/{number}"
        if entry.is_post:
            return address
        top = self.top(entry)
        reply = f"&reply_comment_id={5000 + entry.number}" if top.key != entry.key else ""
        return f"{address}?comment_id={5000 + top.number}{reply}"

    def _post_or_reel(self, entry: Entry) -> Node:
        return self._reel(entry) if entry.key in self.reels else self._post(entry)

    def _post(self, entry: Entry) -> Node:
        post_id = self._post_id(entry)
        photos = [
            {"media_type": "photo", "target": {"id": self._photo_id(entry, number)}}
            for number in range(self.albums.get(entry.key, 0))
        ]
        attachments = {"data": [{"title": "Photos", "subattachments": {"data": photos}}]} if photos else None
        return {
            "id": post_id,
            "message": entry.text,
            "story": None,
            "created_time": stamp(entry.created_at),
            "updated_time": stamp(entry.created_at),
            "permalink_url": self._address(entry),
            "from": self._from(entry),
            "is_hidden": entry.key in self.hidden,
            "message_tags": None,
            "reactions": {"data": [], "summary": {"total_count": 3}},
            "attachments": attachments,
            "comments": lambda asked: self._comments(self._below(post_id) or [], asked, f"{post_id}/comments"),
        }

    def _reel(self, entry: Entry) -> Node:
        video_id = str(8000 + entry.number)
        below = self._below(self._post_id(entry)) or []
        return {
            "id": video_id,
            "title": None,
            "description": entry.text,
            "created_time": stamp(entry.created_at),
            "updated_time": stamp(entry.created_at),
            "permalink_url": f"/reel/{video_id}/",
            "post_id": str(1000 + entry.number),
            "from": self._from(entry),
            "comments": lambda asked: self._comments(below, asked, f"{video_id}/comments"),
        }

    def _comment(self, entry: Entry) -> Node:
        top = self.top(entry)
        return {
            "id": None if self.withholds_ids else self.native_id(entry.key),
            "message": "" if entry.key in self.stickers else entry.text,
            "created_time": stamp(entry.created_at),
            "from": self._from(entry),
            "parent": {"id": self.native_id(top.key)} if top.key != entry.key and not self.withholds_ids else None,
            "permalink_url": self._address(entry),
            "like_count": 0,
            "comment_count": len(self.under(entry.key)),
            "is_hidden": entry.key in self.hidden,
            "is_private": entry.is_private,
            "user_likes": False,
            "message_tags": None,
            "attachment": {"type": "sticker", "url": "https://www.facebook.com/s.png"}
            if entry.key in self.stickers
            else None,
        }

    def _review(self, entry: Entry) -> Node:
        row: Node = {
            "created_time": stamp(entry.created_at),
            "has_rating": False,
            "rating": None,
            "has_review": bool(entry.text),
            "recommendation_type": "positive",
            "review_text": entry.text,
            "reviewer": self._from(entry),
            "open_graph_story": {"id": self._post_id(entry)},
        }
        return row | self.reviews[entry.key]

    def _conversation(self, entry: Entry) -> Node:
        messages = [entry, *self.under(entry.key)]
        changed = max(one.created_at for one in messages)
        return {
            "id": f"t_{entry.number}",
            "updated_time": stamp(changed),
            "messages": lambda asked: self.edge(messages, self._message, asked, most=20),
        }

    def _message(self, entry: Entry) -> Node:
        return {
            "id": f"m_{entry.number}-x",
            "created_time": stamp(entry.created_at),
            "from": self._from(entry),
            "message": entry.text,
            "attachments": None,
            "sticker": None,
        }


def stamp(at: datetime) -> str:
    """A time as Meta writes it."""
    return at.strftime("%Y-%m-%dT%H:%M:%S+0000")
