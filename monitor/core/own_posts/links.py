"""Links in our posts: not even a link, not for the public, or leading nowhere."""

import re
from urllib.parse import urlsplit

from monitor.core.own_posts.draft import Draft, PostFinding

_LINK = re.compile(r"\bhttps?://[^\s<>\"“”„«»]+", re.IGNORECASE)
_BROKEN = re.compile(
    r"\b(?:h+t*tps?(?<!http)(?<!https)[:;]?//?\w|https?(?:;//?|:/(?!/)|//|:\s+//|://\s+\w|:(?=\w))|https?://https?\b|"
    r"www,\w|www\s*\.\s+\w+\.\w{2,}|https?://[^\s/]*[,;]\w)\S*",
    re.IGNORECASE,
)
_NOT_PUBLIC = re.compile(
    r"(?:^|\.)(?:localhost|local|internal|test|invalid|example)$|^(?:staging|stage|dev|test|preview|uat)[.-]|"
    r"(?:^|\.)example\.(?:com|org|net)$|^(?:10|127|192\.168)\.[\d.]+$",
    re.IGNORECASE,
)
_MOST_LINKS = 10


def links_in(text: str) -> tuple[str, ...]:
    """The web addresses of a text, each once, without the punctuation of the sentence around them."""
    found = (_trimmed(match.group()) for match in _LINK.finditer(text))
    return tuple(dict.fromkeys(link for link in found if _host(link)))[:_MOST_LINKS]


def _trimmed(link: str) -> str:
    while link and link[-1] in ".,;:!?…'’*_)]}":
        if link[-1] == ")" and link.count("(") >= link.count(")"):
            break
        link = link[:-1]
    return link


def _host(link: str) -> str:
    try:
        return urlsplit(link).hostname or ""
    except ValueError:
        return ""


def malformed_link(draft: Draft) -> PostFinding | None:
    """Something that was meant as a link and is none, or one that only we can open."""
    text = draft.post.text
    broken = _BROKEN.search(text)
    if broken:
        return PostFinding(
            "malformed_link", f"“{broken.group()[:80]}” is not a working address", (broken.group()[:80],)
        )
    for match in _LINK.finditer(text):
        link = _trimmed(match.group())
        host = _host(link)
        if not host or "." not in host.strip(".") or ".." in host:
            return PostFinding("malformed_link", f"“{link[:80]}” is not a working address", (link[:80],))
        if _NOT_PUBLIC.search(host):
            return PostFinding("malformed_link", f"“{link[:80]}” cannot be opened by the public", (link[:80],))
    return None


def dead_link(draft: Draft) -> PostFinding | None:
    """A link that was opened and leads nowhere."""
    for link in links_in(draft.post.text):
        state = draft.links.get(link)
        if state is not None and state.is_dead:
            return PostFinding("dead_link", f"“{link[:80]}” leads nowhere: {state.says}", (link[:80],))
    return None
