"""WordPress's REST API as it answers: where it is, what its errors mean, what its objects hold.

Source: WordPress core, class-wp-rest-comments-controller.php and class-wp-rest-posts-controller.php; the codes were
seen on a real WordPress 6.5.
"""

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from html import unescape
from typing import Annotated, Any, Literal
from urllib.parse import urlencode, urlsplit

from pydantic import BaseModel, BeforeValidator, Field, PositiveInt, SecretStr

from connectors.base import Json
from connectors.lenient import OrNone
from monitor.core.text import plain_text, storable
from monitor.errors import Gone, Malformed, RemoteError, Unauthorized, Unavailable
from monitor.http import Answer, HttpClient

COMMENT_FIELDS = (
    "id,post,parent,author,author_name,author_url,author_avatar_urls,date_gmt,content,link,status,type,"
    "_links.up,_embedded"  # with _embed=up the post's title comes along, at no request of its own
)
POST_FIELDS = "id,date_gmt,modified_gmt,link,title,content,author,status"
PAGE_MOST = 100  # what WordPress allows for per_page
_ROOT_LINK = re.compile(r'<([^<>]+)>;\s*rel="?https://api\.w\.org/"?')
_LOOPBACK = ("127.0.0.1", "::1", "localhost")

Found = Literal["here", "gone", "hidden"]


def takes_passwords(url: str) -> bool:
    """Whether a password may travel to this address."""
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in _LOOPBACK


def site_key(base_url: str) -> str:
    """What tells one site from another in native ids: host and path, without the API's part."""
    parts = urlsplit(base_url)
    path = re.sub(r"/(wp-json|index\.php)(/.*)?$", "", parts.path.rstrip("/"))
    return (parts.netloc.rpartition("@")[2] + path).casefold()


def code_of(error: RemoteError) -> str:
    """The code that WordPress gives its errors ("rest_cannot_read"), "" where something else answered."""
    try:
        told = json.loads(error.payload)
    except (ValueError, RecursionError):
        return ""
    return str(told.get("code", "")) if isinstance(told, dict) else ""


def _given_prefix(base_url: str) -> str:
    """What the addresses of the API begin with, where the setting names the API itself; else ""."""
    parts = urlsplit(base_url)
    if "rest_route=" in parts.query or parts.path.endswith("/wp-json"):
        return _prefix(base_url)
    return f"{base_url}/" if "/wp/v2" in parts.path else ""


def _prefix(root: str) -> str:
    return root.rstrip("/") + "/wp/v2/"


class Api:
    """One site's API. `prefix`, in all calls, is what `locate` found; `n_spent` counts the requests."""

    def __init__(self, base_url: str, username: str, password: SecretStr | None, http: HttpClient) -> None:
        self._base_url, self._http = base_url, http
        self._located = _given_prefix(base_url)  # saves a request; what must be remembered is in the cursor
        self._headers = {"Accept": "application/json"}
        self.has_credentials = password is not None
        self.n_spent = 0
        if password is not None:
            pair = f"{username}:{password.get_secret_value()}"
            self._headers["Authorization"] = "Basic " + b64encode(pair.encode()).decode()

    def locate(self, again: bool = False) -> str:
        """Find where the API is, as every page of the site tells in its Link header; `again`: do not rely on memory.

        Raises: Malformed where the site names an API that is not its own, or one that a password cannot travel to.
        """
        if not self._located or (again and not _given_prefix(self._base_url)):
            self._located = self._discover()
        return self._located

    def _discover(self) -> str:
        self.n_spent += 1
        answer = self._http.get(f"{self._base_url}/")  # without the password: this may redirect
        named = _ROOT_LINK.search(answer.headers.get("link", ""))
        root = named[1] if named else f"{self._base_url}/wp-json"
        asked, found, home = (urlsplit(url).hostname or "" for url in (answer.url, root, self._base_url))
        if found.removeprefix("www.") not in (asked.removeprefix("www."), home.removeprefix("www.")):
            raise Malformed(
                f"{home} says that its API is at another host; if that is so, make it the base_url: {found}"
            )
        if self.has_credentials and not takes_passwords(root):
            raise Malformed(f"{home} says that its API is at {found} without https: no password will be sent there")
        return _prefix(root)

    def get(self, prefix: str, route: str, params: Mapping[str, Any]) -> Answer:
        """GET a route.

        Raises: Unavailable where something before WordPress (a firewall, a challenge) refused us; otherwise as
        `HttpClient.request`, the error's payload holding WordPress's own.
        """
        join = "&" if "?" in prefix else "?"
        self.n_spent += 1
        try:
            return self._http.get(f"{prefix}{route}{join}{urlencode(params)}", headers=self._headers)
        except Unauthorized as error:
            if error.status == 403 and not code_of(error):
                raise Unavailable(f"{error}, but not in WordPress's words: a firewall in front of it?") from None
            raise

    def list(self, prefix: str, route: str, params: Mapping[str, Any]) -> tuple[list[Json], int | None]:
        """GET a collection: its rows on this page, and how many there are in all, where it says so."""
        answer = self.get(prefix, route, params)
        rows = answer.json()
        if not isinstance(rows, list):
            raise Malformed(f"{answer.shown} answered with no list", payload=json.dumps(rows)[:20_000])
        total = answer.headers.get("x-wp-total", "")
        return rows, int(total) if total.isdecimal() else None

    def look_up(self, prefix: str, route: str, params: Mapping[str, Any]) -> tuple[Found, Json]:
        """GET one comment or post, and say how it stands there."""
        try:
            raw = self.get(prefix, route, params).json()
        except Gone as error:
            if code_of(error) in ("rest_comment_invalid_id", "rest_post_invalid_id"):
                return "gone", None
            raise
        except Unauthorized as error:
            # It is there, and not approved, or its post is not public: for all we know it may come back.
            if code_of(error) in ("rest_cannot_read", "rest_cannot_read_post", "rest_forbidden"):
                return "hidden", None
            raise
        status = raw.get("status") if isinstance(raw, dict) else None
        return ("gone", None) if status in ("trash", "spam", "post-trashed") else ("here", raw)

    def own_user_id(self, prefix: str) -> int | None:
        """The id of the user whose password we have; None where a plugin hides users.

        Raises: Unauthorized: the password is wrong or was revoked.
        """
        try:
            me = self.get(prefix, "users/me", {"_fields": "id"}).json()
        except Gone:
            return None
        except Unauthorized as error:
            if error.status == 401:
                raise Unauthorized(f"{error}: is the application password right?", status=401) from None
            return None
        return me["id"] if isinstance(me, dict) and isinstance(me.get("id"), int) else None


def _in_utc(value: object) -> object:
    """Source: WordPress writes date_gmt without a zone."""
    if not isinstance(value, str):
        raise ValueError("not a time")
    at = datetime.fromisoformat(value)
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        raise ValueError("not a time of this world") from None


def _web(value: object) -> str:
    text = storable(value) if isinstance(value, str) else ""
    try:
        return text if urlsplit(text).scheme in ("http", "https") else ""
    except ValueError:
        return ""


Gmt = Annotated[datetime, BeforeValidator(_in_utc)]
Web = Annotated[str, BeforeValidator(_web)]
Text = Annotated[str, BeforeValidator(lambda value: storable(value) if isinstance(value, str) else value)]


def _told(value: object) -> str:
    """A plugin that turns whatever looks like one into a number does so with names too."""
    return storable(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else ""


Told = Annotated[str, BeforeValidator(_told)]
Number = Annotated[int, BeforeValidator(lambda value: value or 0)]  # plugins send null, "" and false for none


class Rendered(BaseModel):
    rendered: Text

    @property
    def text(self) -> str:
        return plain_text(self.rendered)


class PostPayload(BaseModel):
    """A post or page as /wp/v2/posts tells it; what its type has not (a title, an author) is left out."""

    id: PositiveInt
    date_gmt: Gmt
    modified_gmt: OrNone[Gmt] = None
    link: Web = ""
    title: OrNone[Rendered] = None
    content: OrNone[Rendered] = None
    author: Number = 0


class CommentPayload(BaseModel):
    """A comment as /wp/v2/comments tells it."""

    id: PositiveInt
    post: Number
    parent: Number = 0
    author: Number = 0
    author_name: Told = ""
    author_url: Web = ""
    author_avatar_urls: Json = None  # PHP's empty map is a list, and an address may be false
    date_gmt: Gmt
    content: Rendered
    link: Web = ""
    status: Annotated[str, BeforeValidator(lambda value: value or "approved")] = "approved"
    type: Annotated[str, BeforeValidator(lambda value: value or "comment")] = "comment"
    embedded: Json = Field(None, alias="_embedded")  # PHP's empty map is a list here too

    @property
    def name(self) -> str:
        return storable(unescape(self.author_name)).strip()

    @property
    def guest(self) -> str:
        """The hash of a guest's e-mail address, which stands in their picture's address; "" without one."""
        pictures = self.author_avatar_urls.values() if isinstance(self.author_avatar_urls, dict) else ()
        found = re.search(r"/avatar/([0-9a-f]{32,64})", next((one for one in pictures if isinstance(one, str)), ""))
        return found[1] if found else ""

    @property
    def subject(self) -> tuple[str, str]:
        """The title and address of what it was written under, where it is public."""
        try:
            post = self.embedded["up"][0]
            return plain_text(storable(post["title"]["rendered"])), _web(post["link"])
        except (LookupError, TypeError, AttributeError):
            return "", ""
