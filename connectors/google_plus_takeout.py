"""The JSON of Google+ (Takeout's posts and activity log, dumps of the old API) as raw comments of one shape; pure.

The shape is Takeout's: what a post or comment `said` with its author, and the post that it is `on`.
Source: Takeout archives of 2018 and 2019 as described by Plexodus-Tools and other readers; the Google+ API v1.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn
from urllib.parse import unquote

from connectors.base import Json
from monitor.core.text import excerpt, plain_text

_POST_URL = re.compile(r"/posts/([A-Za-z0-9_-]{1,64})")
_THREAD = re.compile(r"users/[^/]{1,64}/posts/([A-Za-z0-9_-]{1,64})")
_PERSON = re.compile(r"plus\.google\.com/(?:u/\d+/)?(\+?[^/?#\s]{1,128})")
_USER = re.compile(r"(?:users|people)/([^/\s]{1,64})")
_COUNTED = ("comments", "plusOnes", "reshares")  # of a post: too much to keep with it
_COMMENT_CREATED = "commentCreatedItem"


@dataclass
class Found:
    """What one file holds: raw comments, and how many posts were not public and were left out."""

    raws: list[Json] = field(default_factory=list)
    n_left_out: int = 0


def read_json(name: str, data: bytes, with_private: bool) -> Found:
    """The raw comments of one JSON file; none where it is not about posts. Broken JSON is one unreadable raw."""
    try:
        document = json.loads(data.decode("utf-8-sig"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        return Found([unreadable(name, f"not JSON: {error}")])
    found = Found()
    _read(name, document, with_private, found)
    return found


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def unreadable(name: str, why: str) -> Json:
    """What goes to quarantine in place of a file's comments."""
    return {"file": name, "error": why}


def _read(name: str, document: Json, with_private: bool, found: Found) -> None:
    if not isinstance(document, dict):
        return
    kind = str(document.get("kind", ""))
    listed = document.get("items")
    if kind == "plus#activity":
        read_post(name, _from_activity(document), with_private, found)
    elif kind == "plus#comment":
        found.raws += _from_api_comment(name, document)
    elif isinstance(listed, list):
        for one in listed:
            if not isinstance(one, dict):
                continue
            if str(one.get("kind", "")).startswith("plus#"):
                _read(name, one, with_private, found)
            else:
                _read_act(name, one, with_private, found)
    elif _is_post(document):
        read_post(name, document, with_private, found)


def _is_post(document: Mapping[str, Any]) -> bool:
    known = post_id(document) or "postAcl" in document
    return bool(known) or ("author" in document and "content" in document)


def post_id(post: Mapping[str, Any]) -> str:
    """What we call a post: the end of its address, which every form of export has; "" where it has no name at all."""
    for key, pattern in (("url", _POST_URL), ("postPermalink", _POST_URL), ("resourceName", _THREAD)):
        value = post.get(key)
        if isinstance(value, str) and (match := pattern.search(value)):
            return match[1]
    return ""


def person_ids(author: Any) -> tuple[str, str]:
    """Someone's numeric id and the name in their address ("+Alias", or the number again); "" where not told."""
    if not isinstance(author, dict):
        return "", ""
    number = _USER.match(_string(author.get("resourceName")))
    page = _PERSON.search(_string(author.get("profilePageUrl")))
    return (number[1] if number else ""), (unquote(page[1]) if page else "")


def person_key(author: Any) -> str:
    """What tells the writers under one post apart in every form of export: their address, id or name."""
    number, page = person_ids(author)
    return (page or number or _string(author.get("displayName") if isinstance(author, dict) else "")).casefold()


def read_post(name: str, post: Mapping[str, Any], with_private: bool, found: Found) -> None:
    """Add a post of Takeout's shape and the comments on it."""
    is_public = _is_public(post.get("postAcl"))
    if not is_public and not with_private:
        found.n_left_out += 1
        return
    if not (native := post_id(post)):
        found.raws.append(unreadable(name, "a post with neither url nor resourceName"))
        return
    comments = _list(post.get("comments"))
    on = {
        "id": native,
        "url": _string(post.get("url")),
        "title": excerpt(plain_text(_string(post.get("content")))),
        "author": person_key(post.get("author")),
        "is_public": is_public,
        "in_community": _in_community(post.get("postAcl")),
    }
    said = {key: value for key, value in post.items() if key not in _COUNTED}
    found.raws.append(
        {
            "file": name,
            "what": "post",
            "on": on,
            "said": said,
            "n_likes": len(_list(post.get("plusOnes"))),
            "n_replies": len(comments),
            "liked_by": [person_ids(_part(one, "plusOner")) for one in _list(post.get("plusOnes"))][:1000],
        }
        | {key: post[key] for key in ("n_likes", "n_replies") if key in post}
    )
    found.raws += _comment_raws(name, on, comments)


def _comment_raws(name: str, on: Json, comments: list[Any]) -> Iterator[Json]:
    """`nth` tells apart what one person said twice within a second."""
    seen: Counter[tuple[str, str]] = Counter()
    for comment in comments:
        raw = {"file": name, "what": "comment", "on": on, "said": comment}
        if isinstance(comment, dict):
            said = (_string(comment.get("creationTime")), person_key(comment.get("author")))
            if seen[said]:
                raw["nth"] = seen[said]
            seen[said] += 1
        yield raw


def _is_public(acl: Any) -> bool:
    if not isinstance(acl, dict):
        return False
    circles = _list(_part(acl.get("visibleToStandardAcl"), "circles"))
    return acl.get("isPublic") is True or any(_part(one, "type") == "CIRCLE_TYPE_PUBLIC" for one in circles)


def _in_community(acl: Any) -> bool:
    return isinstance(acl, dict) and bool(acl.get("communityAcl"))


def _read_act(name: str, act: Mapping[str, Any], with_private: bool, found: Found) -> None:
    """A line of the activity log: only comments that hold their text say anything; the rest is +1s and votes."""
    created = act.get(_COMMENT_CREATED)
    if not isinstance(created, dict):
        return
    text = next((created[key] for key in ("content", "commentContent") if isinstance(created.get(key), str)), "")
    if not text:
        return
    if act.get("visibility") != "PUBLIC" and not with_private:
        found.n_left_out += 1
        return
    is_public = act.get("visibility") == "PUBLIC"
    on = {"id": post_id(created), "url": _string(created.get("postPermalink")), "is_public": is_public}
    authors = (created.get(key) for key in ("author", "commentAuthor"))
    author: Json = next((one for one in authors if isinstance(one, dict)), {})
    said = {"author": author, "content": text, "creationTime": _from_ms(act.get("timestampMs"))}
    found.raws.append({"file": name, "what": "comment", "on": on, "said": said, "is_own": True})


def _from_ms(value: Any) -> str:
    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(value))).isoformat()
    except (TypeError, ValueError, OverflowError):
        return ""


def _from_activity(activity: Mapping[str, Any]) -> Json:
    """A post as the old API gave it; `updated` says nothing there, for a new comment moved it too."""
    body = activity.get("object")
    listed = _part(activity.get("access"), "items")
    is_public = listed is None or any(_part(one, "type") == "public" for one in _list(listed))
    return {
        "url": activity.get("url"),
        "author": _from_actor(activity.get("actor")),
        "content": _string(activity.get("annotation")) or _string(_part(body, "content")),
        "creationTime": activity.get("published"),
        "postAcl": {"isPublic": is_public},
        "n_likes": _part(_part(body, "plusoners"), "totalItems") or 0,
        "n_replies": _part(_part(body, "replies"), "totalItems") or 0,
    }


def _from_api_comment(name: str, comment: Mapping[str, Any]) -> Iterator[Json]:
    above = next((one for one in _list(comment.get("inReplyTo")) if isinstance(one, dict)), {})
    if not (native := post_id(above)):
        yield unreadable(name, "a comment that does not say on what")
        return
    said = {
        "author": _from_actor(comment.get("actor")),
        "content": _part(comment.get("object"), "content") or "",
        "creationTime": comment.get("published"),
        "updateTime": comment.get("updated"),
    }
    likes = _part(comment.get("plusoners"), "totalItems") or 0
    on = {"id": native, "url": _string(above.get("url")), "is_public": True}
    yield {"file": name, "what": "comment", "on": on, "said": said, "n_likes": likes}


def _from_actor(actor: Any) -> Json:
    return {
        "displayName": _part(actor, "displayName") or "",
        "profilePageUrl": _part(actor, "url") or "",
        "resourceName": f"users/{_part(actor, 'id')}" if _part(actor, "id") else "",
    }


def _part(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""
