"""The three kinds of feed (RSS, Atom, JSON Feed) read into entries of one shape; pure."""

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from io import BytesIO
from typing import Annotated, Any
from urllib.parse import urljoin, urlsplit

import feedparser
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from connectors.base import Json
from monitor.core.text import plain_text
from monitor.errors import Malformed
from monitor.http import Answer


def _as_utc(at: datetime) -> datetime:
    """An instant without a zone is taken as UTC; one that no calendar holds in UTC is refused."""
    try:
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError("a time out of range") from None


Instant = Annotated[datetime, AfterValidator(_as_utc)]


class Entry(BaseModel):
    """One entry of a feed, as it stands there; `body` is HTML unless `is_plain`."""

    model_config = ConfigDict(extra="forbid")

    id: str
    link: str = ""
    title: str = ""  # plain
    body: str = ""
    is_plain: bool = False
    author: str = ""
    author_url: str = ""
    published: Instant | None = None
    updated: Instant | None = None
    reply_ref: str = ""  # the id of what it answers
    reply_href: str = ""
    comments_url: str = ""  # the feed of the comments on it
    n_comments: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    stars: Annotated[float, Field(ge=0, le=10)] | None = None

    @property
    def version(self) -> str:
        """Changes when what the entry says changes."""
        said = "\0".join((self.title, self.body, self.author, str(self.updated)))
        return blake2b(said.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An entry that cannot be read, as it came, and why."""

    raw: Json
    why: str


@dataclass(frozen=True, slots=True)
class FeedPage:
    """One document of a feed: its entries in its own order, where its older entries are, how long it keeps."""

    entries: tuple[Entry, ...]
    unreadable: tuple[Unreadable, ...] = ()
    next_url: str = ""
    ttl: timedelta | None = None
    generator: str = ""


def read_feed(answer: Answer) -> FeedPage:
    """The feed that came.

    Raises: Malformed, when it is no feed (a login page) or only the beginning of one.
    """
    start = answer.body[:1000].lstrip(b"\xef\xbb\xbf \t\r\n")
    return _read_json(answer) if start.startswith(b"{") else _read_xml(answer)


# XML: feedparser opens no file and no address when it is given a stream (given bytes it would try them as a file
# name), loads no external entity and drops every DOCTYPE that defines more than plain text.

_ENDS = re.compile(rb"</(?:\w+:)?(?:feed|rss|RDF)\s*>\s*(?:<!--.*?-->\s*)*\Z", re.DOTALL)


def _read_xml(answer: Answer) -> FeedPage:
    feed = feedparser.parse(
        BytesIO(answer.body),
        # Without its address: relative ids would be resolved against it and change with each redirect.
        response_headers={"content-type": answer.headers.get("content-type", "")},
        sanitize_html=False,  # what is kept is plain text; `monitor.core.text` takes the markup off
        resolve_relative_uris=False,
    )
    if not dict.get(feed, "version"):
        raise _malformed(answer, "something that is no feed")
    if feed.bozo and not _ENDS.search(answer.body[-2000:].replace(b"\0", b"")):
        raise _malformed(answer, "only the beginning of a feed")
    ttl = str(dict.get(feed.feed, "ttl", ""))
    return FeedPage(
        entries=tuple(_xml_entry(entry, answer.url) for entry in feed.entries),
        next_url=web_address(_linked(feed.feed, "next") or _linked(feed.feed, "prev-archive"), answer.url),
        ttl=timedelta(minutes=int(ttl)) if re.fullmatch("[0-9]{1,5}", ttl) else None,
        generator=str(dict.get(feed.feed, "generator", "")),
    )


def _malformed(answer: Answer, what: str) -> Malformed:
    payload = answer.body[:20_000].decode("utf-8", "replace")
    return Malformed(f"{answer.shown} answered {answer.status} with {what}", payload=payload, status=answer.status)


def _xml_entry(entry: dict[str, Any], base: str) -> Entry:
    get = _getter(entry)
    content = next(iter(get("content", [])), None) or get("summary_detail", {})
    reply = get("thr_in-reply-to", {})
    author, author_url = _xml_author(entry)
    replies = _replies_link(entry)
    published, updated = _instant(get("published_parsed")), _instant(get("updated_parsed"))
    body = str(content.get("value") or "").replace("</br>", "")  # how feedparser closes XHTML's <br/>
    ref, xml_base = str(reply.get("ref") or ""), str(content.get("base") or "")
    return Entry(
        id=str(get("id", "")) or _made_up_id(get("link", ""), author, str(published or updated), body),
        link=web_address(get("link", ""), base),
        title=_xml_title(get("title_detail", {})),
        body=body,
        is_plain=content.get("type") == "text/plain",
        author=author,
        author_url=author_url,
        published=published,
        updated=updated,
        reply_ref=urljoin(xml_base, ref) if ref and xml_base else ref,  # as feedparser does to ids
        reply_href=web_address(str(reply.get("href") or ""), base),
        comments_url=web_address(get("wfw_commentrss", "") or replies.get("href", ""), base),
        n_comments=_count(get("slash_comments") or replies.get("thr:count") or get("thr_total")),
        stars=_stars(get("im_rating")),
    )


def _xml_title(detail: dict[str, Any]) -> str:
    title = str(detail.get("value") or "")
    return title if detail.get("type") == "text/plain" else plain_text(title)


def _getter(entry: dict[str, Any]) -> Any:
    # Its own `get` answers for missing keys with others' values, and warns.
    return lambda key, default=None: dict.get(entry, key) or default


def _xml_author(entry: dict[str, Any]) -> tuple[str, str]:
    name = str(dict.get(entry, "author") or "")
    if rss := re.fullmatch(r"\S+@\S+\s+\((.+)\)", name):  # RSS: kim@shop.example (Kim)
        return rss[1], ""
    detail = dict.get(entry, "author_detail") or {}
    return str(detail.get("name") or name), str(detail.get("href") or "")


def _linked(entry: dict[str, Any], rel: str) -> str:
    return next((str(link.get("href", "")) for link in dict.get(entry, "links", []) if link.get("rel") == rel), "")


def _replies_link(entry: dict[str, Any]) -> dict[str, str]:
    """Atom's link to the feed of the answers. Source: RFC 4685, section 4."""
    for link in dict.get(entry, "links", []):
        if link.get("rel") == "replies" and link.get("type") == "application/atom+xml":
            return dict(link)
    return {}


def _instant(parsed: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC) if parsed else None
    except (ValueError, OverflowError, OSError):
        return None


def web_address(address: str, base: str = "") -> str:
    """An absolute web address, or "" for anything else (`javascript:`, a bare id)."""
    try:
        address = urljoin(base, address.strip()) if address else ""
        return address if urlsplit(address).scheme in ("http", "https") else ""
    except ValueError:
        return ""


def _count(value: Any) -> int | None:
    return int(value) if re.fullmatch("[0-9]{1,9}", str(value)) else None


def _stars(value: Any) -> float | None:
    return float(value) if re.fullmatch(r"[0-9](\.[0-9]+)?", str(value)) else None


def _made_up_id(link: str, author: str, date: str, body: str) -> str:
    if link:
        return link
    said = "\0".join((author, date, body)).encode("utf-8", "surrogatepass")
    return f"hash:{blake2b(said, digest_size=12).hexdigest()}"


class _JsonAuthor(BaseModel):
    name: str = ""
    url: str = ""


class _JsonEntry(BaseModel):
    """Source: jsonfeed.org/version/1.1 (`author` is 1.0's)."""

    id: Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, int | float) else value)] = ""
    url: str = ""
    title: str = ""
    content_html: str = ""
    content_text: str = ""
    summary: str = ""
    date_published: Instant | None = None
    date_modified: Instant | None = None
    authors: list[_JsonAuthor] = []
    author: _JsonAuthor | None = None


def _read_json(answer: Answer) -> FeedPage:
    feed = answer.json()
    items = feed.get("items") if isinstance(feed, dict) else None
    if not isinstance(items, list) or "jsonfeed.org" not in str(feed.get("version")):
        raise _malformed(answer, "JSON that is no feed")
    entries: list[Entry] = []
    unreadable: list[Unreadable] = []
    for raw in items:
        try:
            entries.append(_json_entry(raw, answer.url))
        except ValueError as error:
            unreadable.append(Unreadable(raw, _why(error)))
    next_url = feed.get("next_url")
    return FeedPage(
        tuple(entries), tuple(unreadable), web_address(next_url, answer.url) if isinstance(next_url, str) else ""
    )


def _why(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False))
    return str(error)


def _json_entry(raw: Json, base: str) -> Entry:
    # A key that is there with null says the same as a missing one.
    item = _JsonEntry.model_validate(
        {key: value for key, value in raw.items() if value is not None} if isinstance(raw, dict) else raw
    )
    author = next(iter(item.authors), item.author or _JsonAuthor())
    body = item.content_html or item.content_text or item.summary
    return Entry(
        id=item.id or _made_up_id(item.url, author.name, str(item.date_published), body),
        link=web_address(item.url, base),
        title=item.title,
        body=body,
        is_plain=not item.content_html,
        author=author.name,
        author_url=author.url,
        published=item.date_published,
        updated=item.date_modified,
    )
