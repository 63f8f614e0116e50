"""Direct messages on Facebook (Messenger) and Instagram, which Meta serves as one: conversations and their messages.

Of each conversation Meta shows no more than the 20 newest messages, to the token of the Page or account itself.
Source: developers.facebook.com/docs/messenger-platform/conversations; mirrored in graph-api reference/conversation.
"""

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel

from connectors.base import Json
from connectors.fields import Instant, Text
from connectors.lenient import OrNone, Readable
from connectors.meta_api import Api, is_too_much
from connectors.meta_fields import Opaque, Person, author_of, part, read_seconds, rows
from monitor.errors import Malformed, Unavailable
from monitor.model import Comment

SHOWN = 20  # messages of a conversation that have their text
_OVERLAP = timedelta(minutes=10)
_FIELDS = (
    f"id,updated_time,messages.limit({SHOWN}){{id,created_time,from,message,attachments{{name,mime_type}},sticker}}"
)
_SIZE = 20
_MAX_RESTARTS = 3


def new_state(now: datetime, backfill: timedelta) -> dict[str, Any]:
    """The state of an inbox that was never read: everything that changed until `mark` was handed out."""
    since = int((now - backfill).timestamp())
    return {"v": 1, "since": since, "mark": since, "top": 0, "after": {}, "size": _SIZE, "again": 0}


def read_inbox(
    api: Api, state: dict[str, Any], inbox: str, own: tuple[str, str], params: dict[str, str]
) -> tuple[list[Json], bool, str]:
    """The messages of one page of conversations, whether there is more at once, and what the operator should know.

    `own` is our id there and our name, where messages tell that. Conversations come with what changed
    last first, so that those above the mark are all that is new.
    """
    note = ""
    try:
        conversations, following = _page(api, state, inbox, params)
    except Malformed as error:
        if error.status != 400 or not state["after"]:
            raise
        state |= {"after": {}, "again": state["again"] + 1}
        if state["again"] <= _MAX_RESTARTS:
            return [], True, ""
        conversations, following, note = [], {}, f"the inbox could not be read to its end: {error}"
    changed = [at for one in conversations if (at := read_seconds(part(one, "updated_time"))) is not None]
    if not state["after"]:
        state["top"] = max(changed, default=state["mark"])
    floor = state["mark"] - int(_OVERLAP.total_seconds())
    is_back = bool(changed) and min(changed) < floor
    if is_back or not following or following == state["after"]:
        state |= {"mark": max(state["mark"], state["top"]), "after": {}, "again": 0}
    else:
        state["after"] = following
    raws = [raw for one in conversations for raw in _messages(one, own, state["since"])]
    return raws, bool(state["after"]), note


def _page(api: Api, state: dict[str, Any], inbox: str, params: dict[str, str]) -> tuple[list[Json], dict[str, str]]:
    while True:
        try:
            asked = {**params, "fields": _FIELDS, "limit": state["size"], **state["after"]}
            conversations, following, _ = api.edge(f"{inbox}/conversations", asked)
            return conversations, following
        except Unavailable as error:
            if state["size"] <= 1 or not is_too_much(error):
                raise
            state["size"] //= 2


def _messages(conversation: Json, own: tuple[str, str], since: int) -> list[Json]:
    found = []
    for message in rows(conversation, "messages"):
        at = read_seconds(part(message, "created_time"))
        if at is None or at >= since:
            found.append({"message": message, "in": part(conversation, "id"), "own": own[0], "us": own[1]})
    return found


class _Attachment(BaseModel):
    name: Text = ""
    mime_type: Text = ""


class _Attachments(BaseModel):
    data: Readable[_Attachment] = []


class _Message(BaseModel):
    id: Opaque
    created_time: Instant
    message: Text = ""
    attachments: OrNone[_Attachments] = None


class _Placed(BaseModel):
    message: dict[str, Any]
    conversation: Opaque
    own: Text = ""
    us: Text = ""


def read_message(raw: Json) -> Comment:
    """Read one raw message.

    Raises: ValueError for what is none.
    """
    placed = _Placed.model_validate({**raw, "conversation": raw.get("in")})
    message = _Message.model_validate(placed.message)
    sender = placed.message.get("from")
    person = Person.model_validate(sender) if sender is not None else None
    files = [one.name or one.mime_type for one in (message.attachments.data if message.attachments else ())]
    is_ours = person is not None and (
        (bool(placed.own) and person.id == placed.own) or (bool(placed.us) and person.username == placed.us)
    )
    return Comment(
        native_id=message.id,
        kind="message",
        text=message.message or "\n".join(f"[{name}]" for name in files if name),
        author=author_of(person, message.id),
        created_at=message.created_time,
        root_native_id=placed.conversation,
        is_ours=True if is_ours else None,
        is_private=True,
    )
