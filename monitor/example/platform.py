"""The simulated platform: the part of Mastodon's client API that a monitor reads, told from a scene.

Source: docs.joinmastodon.org (methods/notifications, methods/statuses, methods/accounts, methods/timelines).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from typing import Any
from urllib.parse import parse_qs, urlencode

from monitor.example.world import MENTION, Person, Scene, Status

TOKEN = "example-token"  # noqa: S105 - it opens nothing but the simulated platform on loopback
HOME = "tidewell.example"  # the server's name in everything that must stay the same when the port changes

_URL = re.compile(r"https?://[^\s]+[^\s.,!?)]")
_HASHTAG = re.compile(r"(?<![\w/&])#(\w+)")
Fields = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the platform answers: a status code, a JSON value and further headers."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


NOT_FOUND = Reply(404, {"error": "Record not found"})
UNAUTHORISED = Reply(401, {"error": "The access token is invalid"})


class Platform:
    """Answers the API's questions about one scene; `base_url` is where it is served."""

    def __init__(self, scene: Scene, people: Sequence[Person], base_url: str) -> None:
        self.scene, self.base_url = scene, base_url
        self._people = {person.id: person for person in people}
        self._handles = {person.handle: person for person in people}

    def answer(self, path: str, query: str, token: str) -> Reply:
        """The answer to GET `path?query` with this bearer token."""
        fields = parse_qs(query)
        if path in ("/api/v1/instance", "/api/v2/instance"):
            return Reply(200, {"domain": HOME, "uri": HOME, "title": "Example", "version": "4.3.0"})
        if token != TOKEN:
            return UNAUTHORISED
        for pattern, method in _ROUTES:
            if found := pattern.fullmatch(path):
                return method(self, fields, *found.groups())
        return NOT_FOUND

    def verify_credentials(self, _fields: Fields) -> Reply:
        return Reply(200, self.account(self.scene.brand))

    def notifications(self, fields: Fields) -> Reply:
        wanted = {*fields.get("types[]", ()), *fields.get("include_types[]", ())}
        if (wanted and "mention" not in wanted) or "mention" in fields.get("exclude_types[]", ()):
            return Reply(200, [])
        told = {
            _told_id(status): status for status in self.scene.statuses.values() if self.scene.brand in status.addresses
        }
        return self._page("/api/v1/notifications", told, fields, self.mention)

    def account_statuses(self, fields: Fields, account_id: str) -> Reply:
        if account_id not in self._people:
            return NOT_FOUND
        alone = _is_true(fields, "exclude_replies")
        own = {
            status.id: status
            for status in self.scene.statuses.values()
            if status.author.id == account_id and not (alone and status.answers)
        }
        return self._page(f"/api/v1/accounts/{account_id}/statuses", own, fields, self.status)

    def tag(self, fields: Fields, hashtag: str) -> Reply:
        tagged = {
            status.id: status
            for status in self.scene.statuses.values()
            if hashtag.casefold() in (tag.casefold() for tag in _HASHTAG.findall(status.text))
        }
        return self._page(f"/api/v1/timelines/tag/{hashtag}", tagged, fields, self.status)

    def lookup(self, fields: Fields) -> Reply:
        handle = fields.get("acct", ("",))[0].partition("@")[0]
        person = self._handles.get(handle)
        return Reply(200, self.account(person)) if person else NOT_FOUND

    def account_by_id(self, _fields: Fields, account_id: str) -> Reply:
        person = self._people.get(account_id)
        return Reply(200, self.account(person)) if person else NOT_FOUND

    def one_status(self, _fields: Fields, status_id: str) -> Reply:
        status = self.scene.statuses.get(status_id)
        return Reply(200, self.status(status)) if status else NOT_FOUND

    def several_statuses(self, fields: Fields) -> Reply:
        wanted = (self.scene.statuses.get(status_id) for status_id in fields.get("id[]", ()))
        return Reply(200, [self.status(status) for status in wanted if status])

    def context(self, _fields: Fields, status_id: str) -> Reply:
        status = self.scene.statuses.get(status_id)
        if status is None:
            return NOT_FOUND
        above, below = self.scene.ancestors(status), self.scene.descendants(status)
        return Reply(200, {"ancestors": [*map(self.status, above)], "descendants": [*map(self.status, below)]})

    def _page(
        self, path: str, found: Mapping[str, Status], fields: Fields, shown: Callable[[Status], Mapping[str, Any]]
    ) -> Reply:
        """Newest first, at most `limit`; `min_id` gives the page right after it, `since_id` the newest one above it."""
        limit = min(int(fields.get("limit", ("20",))[0]), 80)
        below, above, after = (int(fields.get(key, ("0",))[0]) for key in ("max_id", "since_id", "min_id"))
        ids = sorted((i for i in map(int, found) if max(above, after) < i and (not below or i < below)), reverse=True)
        page = ids[-limit:] if after else ids[:limit]
        headers = {}
        if page:
            kept = [(key, value) for key, value in _flat(fields) if key not in ("max_id", "since_id", "min_id")]
            older, newer = (urlencode([*kept, end]) for end in (("max_id", page[-1]), ("min_id", page[0])))
            at = f"{self.base_url}{path}"
            headers["Link"] = f'<{at}?{older}>; rel="next", <{at}?{newer}>; rel="prev"'
        return Reply(200, [shown(found[str(i)]) for i in page], headers)

    def mention(self, status: Status) -> dict[str, Any]:
        return {
            "id": _told_id(status),
            "type": "mention",
            "created_at": _instant(status.created_at),
            "account": self.account(status.author),
            "status": self.status(status),
        }

    def account(self, person: Person) -> dict[str, Any]:
        return {
            "id": person.id,
            "username": person.handle,
            "acct": person.handle,
            "display_name": person.name,
            "bot": False,
            "locked": False,
            "url": f"{self.base_url}/@{person.handle}",
            "uri": f"https://{HOME}/users/{person.handle}",
            "followers_count": person.n_followers,
        }

    def status(self, status: Status) -> dict[str, Any]:
        above = self.scene.answered_by(status)
        return {
            "id": status.id,
            "uri": f"https://{HOME}/users/{status.author.handle}/statuses/{status.id}",
            "url": f"{self.base_url}/@{status.author.handle}/{status.id}",
            "created_at": _instant(status.created_at),
            "edited_at": _instant(status.edited_at) if status.edited_at else None,
            "in_reply_to_id": above.id if above else None,
            "in_reply_to_account_id": status.answers_author.id if status.answers_author else None,
            "visibility": "public",
            "sensitive": False,
            "spoiler_text": "",
            "language": "en",
            "content": self._html(status),
            "account": self.account(status.author),
            "mentions": [self._mentioned(person) for person in status.addresses],
            "tags": [{"name": tag, "url": f"{self.base_url}/tags/{tag}"} for tag in _HASHTAG.findall(status.text)],
            "media_attachments": [],
            "emojis": [],
            "reblog": None,
            "replies_count": len(self.scene.answers.get(status.id, ())),
            "reblogs_count": 0,
            "favourites_count": status.n_likes,
        }

    def _mentioned(self, person: Person) -> dict[str, str]:
        url = f"{self.base_url}/@{person.handle}"
        return {"id": person.id, "username": person.handle, "acct": person.handle, "url": url}

    def _html(self, status: Status) -> str:
        written = set(MENTION.findall(status.text))
        addressed = [f"@{person.handle}" for person in status.addresses if person.handle not in written]
        text = " ".join([*addressed, status.text])
        words = (self._word(word) for word in re.split(r"(\s+)", text))
        return f"<p>{''.join(words)}</p>"

    def _word(self, word: str) -> str:
        if found := _URL.match(word):
            link, rest = found.group(), word[found.end() :]
            return f'<a href="{escape(link)}" rel="nofollow noopener">{escape(link)}</a>{escape(rest)}'
        if (found := MENTION.match(word)) and found.group(1) in self._handles:
            handle, rest = found.group(1), word[found.end() :]
            href = f"{self.base_url}/@{handle}"
            link = f'<a href="{href}" class="u-url mention">@<span>{handle}</span></a>'
            return f'<span class="h-card">{link}</span>{escape(rest)}'
        return escape(word, quote=False).replace("\n\n", "</p><p>").replace("\n", "<br>")


_ROUTES: tuple[tuple[re.Pattern[str], Callable[..., Reply]], ...] = tuple(
    (re.compile(pattern), method)
    for pattern, method in (
        (r"/api/v1/accounts/verify_credentials", Platform.verify_credentials),
        (r"/api/v1/accounts/lookup", Platform.lookup),
        (r"/api/v1/accounts/(\d+)/statuses", Platform.account_statuses),
        (r"/api/v1/accounts/(\d+)", Platform.account_by_id),
        (r"/api/v1/notifications", Platform.notifications),
        (r"/api/v1/statuses", Platform.several_statuses),
        (r"/api/v1/statuses/(\d+)", Platform.one_status),
        (r"/api/v1/statuses/(\d+)/context", Platform.context),
        (r"/api/v1/timelines/tag/(\w+)", Platform.tag),
    )
)


def _told_id(status: Status) -> str:
    """The id of the notice that the brand gets of it: its own numbers, in the order in which they came."""
    return str(int(status.id) + 1_000_000_007)


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _flat(fields: Fields) -> list[tuple[str, str]]:
    return [(key, value) for key, values in fields.items() for value in values]


def _is_true(fields: Fields, key: str) -> bool:
    return fields.get(key, ("",))[0] in ("1", "true", "True")
