"""What the fakes of Meta's platforms share: the Graph API's fields, edges, cursors and errors.

A node is a dict of everything that its kind has; an edge among it is a function of its modifiers. What was not asked
for is not answered, and a field that the kind has not is an error. Source: developers.facebook.com/docs/graph-api.
"""

import base64
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from tests.platforms.base import Entry, World
from tests.platforms.server import HttpFakePlatform, Reply, Request

TOKEN = "EAAG-a-token-that-nobody-may-see"
VERSION = "v26.0"
Node = dict[str, Any]


@dataclass(frozen=True)
class Field:
    """One asked field: comments.limit(2){id} is Field("comments", {"limit": "2"}, [Field("id")])."""

    name: str
    modifiers: dict[str, str] = field(default_factory=dict)
    within: list["Field"] = field(default_factory=list)


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, code: int, subcode: int = 0, message: str = "An error", status: int = 400) -> None:
        super().__init__(message)
        self.code, self.subcode, self.message, self.status = code, subcode, message, status

    @property
    def body(self) -> dict[str, Any]:
        error = {"message": self.message, "type": "OAuthException", "code": self.code, "fbtrace_id": "AbCdEf"}
        return {"error": error | ({"error_subcode": self.subcode} if self.subcode else {})}


def missing(object_id: str) -> Refused:
    """What is answered for an object that is not there, or not for this token."""
    says = f"Unsupported get request. Object with ID '{object_id}' does not exist, cannot be loaded due to missing "
    return Refused(100, 33, says + "permissions, or does not support this operation.")


def parse_fields(text: str) -> list[Field]:
    """The value of `fields` as a tree."""
    found, rest = _parse(text)
    assert not rest, f"unreadable fields: {text!r}"
    return found


def _parse(text: str) -> tuple[list[Field], str]:
    found: list[Field] = []
    while match := re.match(r"([a-z_]+)((?:\.[a-z_]+\([^()]*\))*)", text):
        text = text[match.end() :]
        within: list[Field] = []
        if text.startswith("{"):
            within, text = _parse(text[1:])
            assert text.startswith("}"), f"unreadable fields at {text!r}"
            text = text[1:]
        found.append(Field(match[1], dict(re.findall(r"\.([a-z_]+)\(([^()]*)\)", match[2])), within))
        if not text.startswith(","):
            break
        text = text[1:]
    return found, text


class GraphFake(HttpFakePlatform):
    """A Graph API; a subclass says in `route` what stands where."""

    secret = TOKEN
    own_id: ClassVar[str]
    buc_type: ClassVar[str]

    def __init__(self, world: World, folder: Path) -> None:
        super().__init__(world, folder)
        self.tokens = {TOKEN}
        self.refuse: dict[str, Refused] = {}  # by path behind the version
        self.usage: dict[str, str] = {}  # headers of each answer
        self.has_holes = False  # before each further page comes an empty one
        self.heaviest = 1_000  # more rows of a list than that, and the answer is too large
        self.needs_proof = False
        self._table = 0  # cursors of other tables are refused
        self._existing_now: list[Entry] = []
        self._below_now: dict[str, list[Entry]] = {}
        self._by_native_id: dict[str, Entry] = {}

    def expire_cursors(self) -> None:
        self._table += 1

    def changed(self) -> None:
        self._existing_now, self._below_now, self._by_native_id = [], {}, {}

    def _exists(self, entry: Entry) -> bool:
        above = entry.reply_to or entry.post
        return entry.deleted_at is None and (above is None or self._exists(self.world[above]))

    def existing(self) -> list[Entry]:
        """What is there now: below something deleted there is nothing."""
        if not self._existing_now:
            self._existing_now = [entry for entry in self.world.entries if self._exists(entry)]
            for entry in self._existing_now:
                for above in dict.fromkeys(filter(None, (entry.post, self.top(entry).key))):
                    self._below_now.setdefault(above, []).append(entry)
        return self._existing_now

    def existing_of(self, native_id: str) -> Entry | None:
        """What is there now under this id."""
        existing = self.existing()
        self._by_native_id = self._by_native_id or {self.native_id(entry.key): entry for entry in existing}
        found = self._by_native_id.get(native_id)
        if found is not None and self.native_id(found.key) == native_id:
            return found
        return next((entry for entry in existing if self.native_id(entry.key) == native_id), None)

    def under(self, key: str) -> list[Entry]:
        """What is below a post, or the replies to a comment at the top, at whatever depth they were meant."""
        self.existing()
        return [entry for entry in self._below_now.get(key, []) if entry.key != key]

    def top(self, entry: Entry) -> Entry:
        """The comment at the top above a reply."""
        while entry.reply_to is not None:
            entry = self.world[entry.reply_to]
        return entry

    def error_body(self, status: int) -> Any:
        codes = {401: 190, 403: 200, 404: 2500, 429: 80001}
        return Refused(codes.get(status, 2), message="Something went wrong").body

    def rate_limit_headers(self, retry_after: int) -> dict[str, str]:
        entry = {"type": self.buc_type, "call_count": 100, "total_cputime": 20, "total_time": 20}
        minutes = -(-retry_after // 60)
        return {"X-Business-Use-Case-Usage": json.dumps({self.own_id: [entry | {_ESTIMATE: minutes}]})}

    def answer(self, request: Request) -> Reply:
        headers = {"facebook-api-version": VERSION, **self.usage}
        try:
            token = request.headers.get("authorization", "").removeprefix("Bearer ")
            if token not in self.tokens:
                raise Refused(190, 467, "Invalid OAuth access token - Cannot parse access token", 401)
            if self.needs_proof and not request.get("appsecret_proof"):
                raise Refused(100, 0, "API calls from the server require an appsecret_proof argument")
            path = request.path.removeprefix(f"/{VERSION}").strip("/")
            if path in self.refuse:
                raise self.refuse[path]
            if int(request.get("limit") or 0) > self.heaviest:
                raise Refused(1, 0, "Please reduce the amount of data you're asking for, then retry your request")
            return Reply(self.route(path, request, token), headers=headers)
        except Refused as error:
            return Reply(error.body, error.status, headers)

    def route(self, path: str, request: Request, token: str) -> Any:
        """The answer to a request whose token is good."""
        raise NotImplementedError

    def batch(self, request: Request, node: Callable[[str], Node | None]) -> Any:
        """The answer to ?ids=: one that is missing spoils all."""
        ids = request.get("ids").split(",")
        nodes = {one: node(one) for one in ids}
        if lost := [one for one in ids if nodes[one] is None]:
            raise missing(lost[0])
        fields = parse_fields(request.get("fields") or "id")
        return {one: self.project(found, fields) for one, found in nodes.items() if found is not None}

    def project(self, node: Node, fields: Sequence[Field]) -> Node:
        """What was asked for of a node; what is None there is left out."""
        found: Node = {}
        for asked in fields:
            if asked.name not in node:
                raise Refused(100, 0, f"(#100) Tried accessing nonexisting field ({asked.name}) on node type (Node)")
            value = node[asked.name]
            value = value(asked) if callable(value) else value
            if isinstance(value, dict) and asked.within and "data" not in value:
                value = {one.name: value[one.name] for one in asked.within if one.name in value}
            if value is not None:
                found[asked.name] = value
        return found

    def edge(
        self,
        entries: Iterable[Entry],
        node: Callable[[Entry], Node],
        asked: Field,
        path: str = "",
        *,
        oldest_first: bool = False,
        after: str = "",
        most: int = 100,
    ) -> Node:
        """One page of an edge, newest first, with a cursor that is the place of its last row."""
        sign = 1 if oldest_first else -1
        rows = sorted(entries, key=lambda entry: (sign * entry.created_at.timestamp(), sign * entry.number))
        is_hole = self.has_holes and after and not after.endswith("!")
        if after:
            place = self._place(after.rstrip("!"))
            rows = [one for one in rows if (sign * one.created_at.timestamp(), sign * one.number) > tuple(place)]
        limit = min(int(asked.modifiers.get("limit", "25")), most)
        page = [] if is_hole else rows[: min(limit, self.page_size)]
        answer: Node = {"data": [self.project(node(entry), asked.within or [Field("id")]) for entry in page]}
        if limit == 0:
            return answer
        if is_hole:
            cursor = f"{after}!"
        elif page:
            cursor = self._cursor((sign * page[-1].created_at.timestamp(), sign * page[-1].number))
        else:
            return answer
        answer["paging"] = {"cursors": {"before": "QVFI", "after": cursor}}
        if is_hole or len(rows) > len(page):
            answer["paging"]["next"] = f"{self.url}/{VERSION}/{path}?access_token={TOKEN}&limit={limit}&after={cursor}"
        return answer

    def _cursor(self, place: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps([self._table, *place]).encode()).decode().rstrip("=")

    def _place(self, cursor: str) -> list[float]:
        try:
            table, *place = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        except ValueError:
            table, place = -1, []
        if table != self._table:
            raise Refused(100, 0, "(#100) Invalid cursors values in after cursor")
        return [float(part) for part in place]


_ESTIMATE = "estimated_time_to_regain_access"
