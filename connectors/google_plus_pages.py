"""The HTML form of a Takeout archive: one page for each post, read into the shape of its JSON; pure.

Words on these pages are in the account's language, so everything is found by its class. The one exception is whether
a post was public, which only a word says.
Source: exported pages of 2018 and 2019, and the classes that two independent readers of them rely on.
"""

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from connectors.base import Json
from connectors.google_plus_takeout import Found, read_post, unreadable

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

MAX_PAGE = 5_000_000  # characters
MAX_DEPTH = 300  # a real page has under 20; the parser takes quadratic time over hostile nesting
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_NEVER_CLOSED = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "li", "link", "meta", "p", "source", "track", "wbr"}
)
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d{4}")
_BEFORE_COLON = re.compile(r"^[^:：]*[:：]")


def read_page(name: str, data: bytes, with_private: bool, public_words: Collection[str]) -> Found:
    """The post and comments of one page; none where it is a page about something else."""
    html = data.decode("utf-8", "replace")
    found = Found()
    if 'class="main-content"' not in html and 'class="comments"' not in html:
        return found
    if len(html) > MAX_PAGE or _is_deep(html):
        found.raws.append(unreadable(name, "a page that is too large or too deeply nested to be Google's"))
        return found
    from selectolax.lexbor import LexborHTMLParser  # here, because most archives are JSON

    page = LexborHTMLParser(html)
    post = _post(page)
    words = {word.casefold() for word in public_words}
    post["postAcl"] = _acl(page, words)
    read_post(name, post, with_private, found)
    return found


def _is_deep(html: str) -> bool:
    depth = 0
    for closes, tag in _TAG.findall(html):
        if tag.lower() not in _NEVER_CLOSED:
            depth = max(0, depth + (-1 if closes else 1))
            if depth > MAX_DEPTH:
                return True
    return False


def _post(page: "LexborHTMLParser") -> dict[str, Any]:
    author = page.css_first("a.author")
    shown = [link for link in page.css("a") if _TIME.fullmatch(link.text(strip=True))]
    dated = shown[0] if shown else None
    post: dict[str, Any] = {
        "author": _person(author),
        "content": "<br>".join(_html(body) for body in _outermost(page, "div.main-content")),
        "creationTime": dated.text(strip=True) if dated else "",
        "comments": [_comment(one) for one in page.css("div.comments div.comment")],
        "plusOnes": [{"plusOner": _person(link)} for link in page.css("div.plus-oners a")],
    }
    if dated is not None:
        post["url"] = dated.attributes.get("href") or ""
        beside = dated.next
        if beside is not None and (updated := _TIME.search(beside.text())):
            post["updateTime"] = updated[0]
    if (link := page.css_first("a.link-embed")) is not None:
        post["link"] = {"title": link.text(strip=True), "url": link.attributes.get("href") or ""}
    if (shared := page.css_first("a.reshare-attribution")) is not None:
        # Who shared stands in words of the account's language; they are kept as they are.
        post["resharedPost"] = {"attribution": shared.text(strip=True)}
    return post


def _outermost(page: "LexborHTMLParser", selector: str) -> "list[LexborNode]":
    inner = {node.mem_id for node in page.css(f"{selector} {selector}")}
    return [node for node in page.css(selector) if node.mem_id not in inner]


def _comment(node: "LexborNode") -> Json:
    time, body = node.css_first("span.time"), node.css_first("div.comment-content")
    said = _TIME.search(time.text()) if time is not None else None
    return {
        "author": _person(node.css_first("a.author")),
        "content": _html(body) if body is not None else "",
        # A time in another form is kept as it stands, for whoever looks at the quarantine.
        "creationTime": said[0] if said else (time.text(strip=True) if time is not None else ""),
    }


def _person(link: "LexborNode | None") -> Json:
    if link is None:
        return {}
    return {"displayName": link.text(strip=True), "profilePageUrl": link.attributes.get("href") or ""}


def _html(node: "LexborNode") -> str:
    return node.html or ""


def _acl(page: "LexborHTMLParser", public_words: Collection[str]) -> Json:
    """Whom the post was shared with, as far as a page tells: "Shared with: Public, <a>A community</a>"."""
    shown = page.css_first("div.visibility")
    if shown is None:
        return {}
    names = _BEFORE_COLON.sub("", shown.text()).split(",")
    acl: dict[str, Any] = {"isPublic": any(name.strip().casefold() in public_words for name in names)}
    if any("/communities/" in (link.attributes.get("href") or "") for link in shown.css("a")):
        acl["communityAcl"] = {"community": {}}
    return acl
