"""What an entry of a feed says, as a comment or as a post; pure."""

import re
from html import unescape
from typing import Literal

from pydantic import BaseModel

from connectors.feed_formats import Entry, Instant, web_address
from monitor.core.text import plain_text, storable
from monitor.model import Author, Comment, Kind


class RawEntry(BaseModel):
    """An entry as it is handed on to `normalise`: what the feed says, and what only the fetching could know.

    `created_at` is never in the future of the fetching, and stays what it was at first for an entry without a date.
    `post_id`, `post_title` and `post_url` are given where the entry came from the comment feed of a known post.
    """

    host: str
    role: Literal["post", "comment"]
    entry: Entry
    created_at: Instant
    edited_at: Instant | None = None
    post_id: str = ""
    post_title: str = ""
    post_url: str = ""


def to_comment(raw: RawEntry, kind: Kind, own_authors: frozenset[str]) -> Comment:
    """The comment that this entry is. `own_authors` are casefolded names and addresses.

    Raises: ValueError, when it says nothing.
    """
    raw = _without_reply_line(raw) if kind == "comment" and raw.role == "comment" else raw
    entry, is_post = raw.entry, raw.role == "post"
    kind = "post" if is_post else kind
    text = _text(entry, kind)
    if not text:
        raise ValueError(f"an entry without any text: {entry.id}")
    author = Author(
        native_id=storable(entry.author_url), name=_line(entry.author), url=storable(web_address(entry.author_url))
    )
    is_own = bool(own_authors & {author.name.casefold(), entry.author_url.casefold()} - {""})
    subject_id, subject_title, subject_url = _subject(raw, kind)
    return Comment(
        native_id=storable(f"{raw.host}:{entry.id}"),
        kind=kind,
        text=text,
        author=author,
        created_at=raw.created_at,
        permalink=storable(web_address(entry.link)),
        parent_native_id=_parent(raw, subject_url) if kind == "comment" else None,
        subject_native_id=subject_id or None,
        subject_title=subject_title,
        subject_url=subject_url,
        edited_at=raw.edited_at,
        stars=entry.stars,
        n_replies=entry.n_comments,
        is_ours=True if is_post or is_own else None,
    )


_REPLY_LINE = re.compile(
    r'\s*(?:<p>)?[^<>]{1,60}<a href="([^"#]+)#([^"]+)"[^<>]*>[^<>]*</a>[^<>\w]{0,3}(?:</p>|\n|\Z)\s*'
)


def _without_reply_line(raw: RawEntry) -> RawEntry:
    """WordPress writes "In reply to Lee." (in the site's language) above an answer; it tells the comment answered.

    Source: WordPress core, wp-includes/comment-template.php, get_comment_text (only in feeds of comments).
    """
    entry = raw.entry
    line = None if entry.is_plain else _REPLY_LINE.match(entry.body)
    page, mark, _ = entry.link.partition("#")
    if line is None or not mark or unescape(line[1]) != page or not re.fullmatch(r"comment-[0-9]+", line[2]):
        return raw
    # The guid of a comment there is that of its post with the comment's fragment.
    ref = entry.reply_ref or f"{entry.id.partition('#')[0]}#{line[2]}"
    answered = {"body": entry.body[line.end() :] or entry.body, "reply_ref": ref, "reply_href": f"{page}#{line[2]}"}
    return raw.model_copy(update={"entry": entry.model_copy(update=answered)})


def _text(entry: Entry, kind: Kind) -> str:
    """The body; what is no comment begins with its title, which comment feeds fill with "By: Kim"."""
    if entry.is_plain:
        body = storable(entry.body).strip()
    elif "<" in entry.body:
        body = plain_text(entry.body)
    else:  # an HTML type without any tag: its line ends are its author's
        body = storable(unescape(entry.body)).strip()
    title = _line(entry.title)
    if body and (kind == "comment" or body.startswith(title)):
        return body
    return f"{title}\n\n{body}".strip()


def _line(text: str) -> str:
    return " ".join(storable(text).split())


def _subject(raw: RawEntry, kind: Kind) -> tuple[str, str, str]:
    """Id, title and address of the post that a comment hangs under, as far as the feed tells them.

    Without the post's own id its address stands for it: a comment's link is the post's with a fragment.
    """
    if raw.post_id:
        post_url = storable(web_address(raw.post_url))
        return storable(f"{raw.host}:{raw.post_id}"), _line(raw.post_title) or _short(post_url), post_url
    page, mark, _ = storable(web_address(raw.entry.link)).partition("#")
    if kind != "comment" or not page or not mark:
        return "", "", ""
    # Source: WordPress core, wp-includes/feed-rss2-comments.php (the English wording; others show no title).
    title = re.fullmatch(r"Comment on (.+) by .+", _line(raw.entry.title))
    return f"{raw.host}:{page}", title[1] if title else _short(page), page


def _short(address: str) -> str:
    """An address as people name a page whose title they do not know."""
    return re.sub(r"^https?://(www\.)?", "", address).rstrip("/")


def _parent(raw: RawEntry, subject_url: str) -> str | None:
    """The comment that this one answers; an answer to the post itself has none.

    Source: RFC 4685, section 3; WordPress core, wp-includes/feed-atom-comments.php (top-level comments refer to
    the post by its guid and its address).
    """
    entry = raw.entry
    is_to_post = entry.reply_ref == raw.post_id or (
        subject_url != "" and entry.reply_href.rstrip("/") == subject_url.rstrip("/")
    )
    return None if not entry.reply_ref or is_to_post else storable(f"{raw.host}:{entry.reply_ref}")
