"""What LinkedIn's feed of an organisation says in one row: a comment or a post that is now to be fetched. Pure.

Source: organizations/organization-social-action-notifications; `sourcePost` is a share in some answers and an activity
in others, and the decorated parts are not always there.
"""

from typing import Any

from connectors.base import Json
from connectors.linkedin_api import SHARED, part_of, read_actor, read_comment_urn, read_ms, read_post, read_thread
from connectors.linkedin_payloads import comment_raw, plain, post_raw
from monitor.core.text import excerpt

Wanted = dict[str, Any]
_MOST_TEXT = 4_000  # of what is kept until it was fetched


def key_of(row: Json) -> str:
    """What tells one row of the feed from another."""
    told = part_of(row, "notificationId")
    number = str(told) if isinstance(told, int | str) and not isinstance(told, bool) else ""
    return (number or f"{part_of(row, 'action')} {part_of(row, 'generatedActivity')}")[:120]


def comment_of(row: Json) -> tuple[str, str]:
    """What the comment that a row is about hangs under, and its number."""
    found = read_comment_urn(part_of(row, "generatedActivity"))
    return found if found[1] else read_comment_urn(part_of(row, "decoratedGeneratedActivity", "comment", "entity"))


def source_of(row: Json) -> tuple[str, str]:
    """The post that a row is about, as far as it says so, and that post's author."""
    decorated = part_of(row, "decoratedSourcePost")
    post = read_post(part_of(decorated, "entity")) or read_post(part_of(row, "sourcePost"))
    return post, read_actor(part_of(decorated, "owner"))


def thread_of(row: Json) -> str:
    """The source post as an activity, "" where it is named otherwise."""
    return read_thread(part_of(row, "sourcePost"))


def wanted_comment(row: Json, post: str, root: str) -> Wanted:
    """A comment to fetch. `root`: the stranger's post that it answers."""
    thread, number = comment_of(row)
    text = part_of(row, "decoratedSourcePost", "text")
    title = excerpt(plain(text)[0], 100) if isinstance(text, str) else ""
    wanted = {"of": "comment", "id": number, "thread": thread, "post": post, "root": root, "title": title, "n": 0}
    return wanted | {"told": _told(row, "comment") if root else {}}


def wanted_mention(row: Json, own: str) -> Wanted | None:
    """A post that mentions or shares us, to fetch; None where there is none, or it says nothing."""
    shared = part_of(row, "action") == SHARED
    decorated = part_of(row, "decoratedGeneratedActivity", "share")
    urn = read_post(part_of(row, "generatedActivity")) or read_post(part_of(decorated, "entity"))
    if not urn and not shared:
        urn = read_post(part_of(row, "sourcePost"))
    told = _told(row, "share")
    text = part_of(decorated, "text")
    if not urn or told["owner"] == own or (shared and isinstance(text, str) and not text.strip()):
        return None
    return {"of": "mention", "id": urn, "shared": shared, "n": 0, "told": told}


def _told(row: Json, what: str) -> dict[str, Any]:
    decorated = part_of(row, "decoratedGeneratedActivity", what)
    text = part_of(decorated, "text")
    at = read_ms(part_of(row, "lastModifiedAt"))
    return {
        "owner": read_actor(part_of(decorated, "owner")),
        "text": text[:_MOST_TEXT] if isinstance(text, str) else "",
        "at": at,
    }


def raw_as_told(wanted: Wanted, own: str) -> Json:
    """The raw comment of what the feed itself said, for what LinkedIn does not show; None where it said nothing."""
    told, number = wanted["told"], wanted["id"]
    if not told or not told["text"] or not told["owner"]:
        return None
    if wanted["of"] == "mention":
        post = {"id": number, "author": told["owner"], "commentary": told["text"], "publishedAt": told["at"]}
        return post_raw(post, own, is_plain=True, is_shared=wanted["shared"])
    comment = {"id": number, "actor": told["owner"], "object": wanted["thread"], "created": {"time": told["at"]}}
    return comment_raw(comment | {"message": {"text": told["text"]}}, own, "", "", wanted["root"])
