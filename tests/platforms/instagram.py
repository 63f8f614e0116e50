"""A professional Instagram account as the Graph API serves it: media, comments one level below, replies below those.

Only our own posts of the world are media of ours; posts of others are seen where they tag us. A comment's replies
come oldest first. Source: developers.facebook.com/docs/instagram-platform (ig-media, ig-comment, ig-user).
"""

from pathlib import Path
from typing import Any, ClassVar

from tests.platforms.base import BRAND, Entry, World
from tests.platforms.facebook import stamp
from tests.platforms.graph import TOKEN, VERSION, Field, GraphFake, Node, Refused, missing, parse_fields
from tests.platforms.server import Request

ACCOUNT = "17841400000000001"
PAGE = "1055"
PAGE_TOKEN = "EAAB-the-token-of-the-page"
PERSONS_TOKEN = "EAAP-the-token-of-a-person"


class Fake(GraphFake):
    """Serves a world as one account."""

    own_id: ClassVar[str] = ACCOUNT
    buc_type: ClassVar[str] = "instagram"

    def __init__(self, world: World, folder: Path) -> None:
        super().__init__(world, folder)
        self.tokens |= {PAGE_TOKEN, PERSONS_TOKEN}
        self.tagged: set[str] = set()  # posts of others that tag us
        self.inbox: set[str] = set()  # posts that begin a conversation; their comments are its messages
        self.hidden: set[str] = set()
        self.nameless: set[str] = set()  # comments whose author is not told
        self.shows_no_comments = False
        self.omits_next = False  # cursors without a link to the next page, as for tags
        self.login = "instagram"  # or "page", "person": whose token it is, with Facebook Login
        self.n_accounts = 1  # that a person reaches
        self.lag = 0  # so many comments are counted that are not shown
        self.variants_settings: dict[str, Any] = {}
        self._people: dict[str, str] = {BRAND: ACCOUNT}

    def source_settings(self) -> dict[str, Any]:
        token = {"instagram": TOKEN, "page": PAGE_TOKEN, "person": PERSONS_TOKEN}[self.login]
        return {"api_url": f"{self.url}/{VERSION}", "token": token, **self.variants_settings}

    def native_id(self, key: str) -> str:
        entry = self.world[key]
        return str((17_900_000_000_000_000 if entry.is_post else 17_870_000_000_000_000) + entry.number)

    def author_id(self, by: str) -> str:
        return self._people.setdefault(by, f"17890000{len(self._people):04}")

    def expected(self) -> set[str]:
        return {self.native_id(entry.key) for entry in self.existing()}

    def _media_of_ours(self) -> list[Entry]:
        return [e for e in self.existing() if e.is_post and e.by == BRAND and e.key not in self.inbox]

    # --- what is asked ---

    def route(self, path: str, request: Request, token: str) -> Any:
        fields = parse_fields(request.get("fields") or "id") if "mentioned_" not in request.get("fields") else []
        match path.split("/"):
            case ["me"]:
                return self._me(fields, token)
            case ["me", "accounts"] if token == PERSONS_TOKEN:
                return {"data": [self._page(number) for number in range(self.n_accounts)]}
            case [page] if page == PAGE and token == PERSONS_TOKEN:
                return {"access_token": PAGE_TOKEN, "id": PAGE}
            case ["me", "conversations"] if token != PERSONS_TOKEN:
                return self._listed("conversations", request, fields)
            case [account] if account == ACCOUNT and "mentioned_" in request.get("fields"):
                return self._mentioned(request.get("fields"))
            case [account, ("media" | "tags") as edge] if account == ACCOUNT:
                return self._listed(edge, request, fields)
            case [object_id, ("comments" | "replies") as edge]:
                return self._below(object_id, edge, request, fields)
            case [object_id]:
                found = self._by_id(object_id)
                if found is None:
                    raise missing(object_id)
                return self.project(found, fields)
        raise Refused(2500, 0, f"Unknown path components: /{path}", 404)

    def _me(self, fields: list[Field], token: str) -> Node:
        kinds: dict[str, Node] = {
            TOKEN: {"id": "31415", "user_id": ACCOUNT, "username": BRAND},
            PAGE_TOKEN: {"instagram_business_account": {"id": ACCOUNT, "username": BRAND}, "id": PAGE},
            PERSONS_TOKEN: {"id": "2718", "name": "Ann"},
        }
        return self.project(kinds[token], fields)

    def _page(self, number: int) -> Node:
        account = {"id": ACCOUNT if number == 0 else f"{ACCOUNT}{number}", "username": f"{BRAND}{number or ''}"}
        return {"id": PAGE if number == 0 else f"{PAGE}{number}", "instagram_business_account": account}

    def _listed(self, edge: str, request: Request, fields: list[Field]) -> Any:
        entries = {
            "media": self._media_of_ours(),
            "tags": [e for e in self.existing() if e.key in self.tagged],
            "conversations": [e for e in self.existing() if e.key in self.inbox],
        }[edge]
        asked = Field(edge, {"limit": request.get("limit") or "25"}, fields)
        node = self._conversation if edge == "conversations" else self._media
        return self._without_link(self.edge(entries, node, asked, f"{ACCOUNT}/{edge}", after=request.get("after")))

    def _without_link(self, answer: Node) -> Node:
        if self.omits_next and "paging" in answer:
            answer["paging"].pop("next", None)
        return answer

    def _below(self, object_id: str, edge: str, request: Request, fields: list[Field]) -> Any:
        above = self.existing_of(object_id)
        if above is None:
            raise missing(object_id)
        asked = Field(edge, {"limit": request.get("limit") or "25"}, fields)
        found = self._comments(above, asked) if edge == "comments" else self._replies(above, asked)
        return found(request.get("after"))

    def _by_id(self, object_id: str) -> Node | None:
        entry = self.existing_of(object_id)
        if entry is not None and entry.is_post:
            return self._media(entry) if entry.by == BRAND else None
        return self._comment(entry) if entry is not None and not self.shows_no_comments else None

    def _mentioned(self, fields: str) -> Node:
        name, rest = fields.split(".", 1)
        object_id, asked = rest.partition("(")[2].split(")", 1)
        entry = self.existing_of(object_id)
        if entry is None:
            raise missing(object_id)
        node = self._media(entry) if entry.is_post else {**self._comment(entry), "media": {"id": "17900000000000001"}}
        return {name: self.project(node, parse_fields(asked[1:-1])), "id": ACCOUNT}

    # --- what is answered ---

    def _comments(self, media: Entry, asked: Field) -> Any:
        top = [e for e in self.under(media.key) if e.reply_to is None]
        top = [] if self.shows_no_comments else top
        path = f"{self.native_id(media.key)}/comments"
        return lambda after="": self.edge(top, self._comment, asked, path, after=after, most=50)

    def _replies(self, comment: Entry, asked: Field) -> Any:
        below = self.under(comment.key)
        path = f"{self.native_id(comment.key)}/replies"
        return lambda after="": self.edge(below, self._comment, asked, path, oldest_first=True, after=after, most=50)

    def _media(self, entry: Entry) -> Node:
        below = self.under(entry.key)
        return {
            "id": self.native_id(entry.key),
            "caption": entry.text,
            "comments_count": len(below) + self.lag,
            "like_count": 4,
            "media_type": "IMAGE",
            "permalink": f"https://www.instagram.com/p/C{entry.number}x/",
            "timestamp": stamp(entry.created_at),
            "username": entry.by,
            "comments": lambda asked: self._nested(self._comments(entry, asked)()),
        }

    def _nested(self, answer: Node) -> Node | None:
        return answer if answer["data"] else None  # an edge with nothing in it is left out

    def _comment(self, entry: Entry) -> Node:
        top = self.top(entry)
        is_told = entry.key not in self.nameless
        return {
            "id": self.native_id(entry.key),
            "text": entry.text,
            "timestamp": stamp(entry.created_at),
            "username": entry.by if is_told else None,
            "from": {"id": self.author_id(entry.by), "username": entry.by} if is_told else None,
            "user": {"id": ACCOUNT} if entry.by == BRAND else None,
            "hidden": entry.key in self.hidden,
            "like_count": 0,
            "parent_id": self.native_id(top.key) if top.key != entry.key else None,
            "replies": lambda asked: self._nested(self._replies(entry, asked)()),
        }

    def _conversation(self, entry: Entry) -> Node:
        messages = [entry, *self.under(entry.key)]
        return {
            "id": f"aWdfZAG06{entry.number}",
            "updated_time": stamp(max(one.created_at for one in messages)),
            "messages": lambda asked: self.edge(messages, self._message, asked, most=20),
        }

    def _message(self, entry: Entry) -> Node:
        return {
            "id": f"aWdfZAG1faXRlb{entry.number}",
            "created_time": stamp(entry.created_at),
            "from": {"id": self.author_id(entry.by), "username": entry.by},
            "message": entry.text,
            "attachments": None,
            "sticker": None,
        }
