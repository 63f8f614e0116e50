"""What Meta's webhooks tell of Facebook, Instagram and Threads, as hints.

Source: developers.facebook.com/docs/graph-api/webhooks/getting-started (signature, challenge, 36 hours of retries);
instagram-platform/webhooks; threads/webhooks. Events are signed with the secret of the app.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from connectors.base import Hint, Json, Named, Push
from connectors.meta_fields import part, read_id
from monitor.core.signatures import Signature

SIGNED = Signature("X-Hub-Signature-256")
RETRIED_FOR = timedelta(hours=37)
MILLISECONDS = 10**11  # as seconds this would be the year 5138
_NO_COMMENT = frozenset({"reaction", "like", "share"})  # nobody waits for an answer to a like

Entry = Callable[[Json, str, datetime | None], Iterator[Hint]]


def _of_page(value: Json, field: str, at: datetime | None) -> Iterator[Hint]:
    if field == "mention":
        yield Hint(watch="page", at=at, named=_named(part(value, "comment_id"), part(value, "post_id")))
    elif field == "feed":
        if part(value, "item") not in _NO_COMMENT:
            yield Hint(watch="page", at=at)
    else:
        yield Hint(watch={"ratings": "reviews"}.get(field, _messages(field)), at=at)


def _of_instagram(value: Json, field: str, at: datetime | None) -> Iterator[Hint]:
    if field == "mentions":
        yield Hint(watch="tags", at=at, named=_named(part(value, "comment_id"), part(value, "media_id")))
    elif field != "story_insights":
        yield Hint(watch="media" if field in ("comments", "live_comments") else _messages(field), at=at)


def _messages(field: str) -> str:
    return "messages" if field.startswith(("messag", "conversation", "standby")) else ""


def _named(comment: Json, post: Json) -> Named | None:
    """A comment below somebody else's post, or that post itself where it names us."""
    comment_id, post_id = read_id(comment), read_id(post)
    if comment_id and comment_id != post_id:
        return Named(comment_id, post_id or None, post_id or None)
    return Named(post_id, None, post_id) if post_id else None


def _reader(what: str, of: Entry) -> Callable[[bytes], Sequence[Hint]]:
    def read(body: bytes) -> Sequence[Hint]:
        payload = _parsed(body)
        if part(payload, "object") != what:
            raise ValueError(f"not about {what}")
        entries = part(payload, "entry")
        return [hint for entry in entries for hint in _of_entry(entry, of)] if isinstance(entries, list) else []

    return read


def _of_entry(entry: Json, of: Entry) -> Iterator[Hint]:
    """The hints of one entry: changes of fields, or messages; by Instagram Login the field stands in it directly."""
    about, at = read_id(part(entry, "id")), _instant(part(entry, "time"))
    changes = part(entry, "changes")
    found = changes if isinstance(changes, list) else [entry] if isinstance(part(entry, "field"), str) else []
    for change in found:
        field = part(change, "field")
        for hint in of(part(change, "value"), field if isinstance(field, str) else "", at):
            yield Hint(about, hint.watch, hint.at, hint.named)
    if any(isinstance(part(entry, name), list) for name in ("messaging", "standby")):
        yield Hint(about, "messages", at)


def _read_threads(body: bytes) -> Sequence[Hint]:
    """Threads has an envelope of its own; `values` may be one or several. All of it is for the account's one source."""
    payload = _parsed(body)
    values = part(payload, "values")
    found = values if isinstance(values, list) else [values]
    at = _instant(part(payload, "time"))
    return [Hint(at=at) for value in found[:1] if isinstance(part(value, "field"), str)]


def _parsed(body: bytes) -> Json:
    try:
        payload = json.loads(body)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(payload, dict):
        raise ValueError("not an object")
    return payload


def _instant(value: Json) -> datetime | None:
    """A time in unix seconds, or sometimes milliseconds."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 10**14:
        return None
    return datetime.fromtimestamp(value / 1000 if value > MILLISECONDS else value, UTC)


PAGE = Push(SIGNED, _reader("page", _of_page), "token", RETRIED_FOR)
INSTAGRAM = Push(SIGNED, _reader("instagram", _of_instagram), "token", RETRIED_FOR)
THREADS = Push(SIGNED, _read_threads, "token", RETRIED_FOR)
