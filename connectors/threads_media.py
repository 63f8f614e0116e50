"""One post or reply of Threads as a comment: pure."""

from pydantic import BaseModel

from connectors.base import Json
from connectors.fields import Instant, Text
from connectors.meta_fields import Id, Named, part, read_id, web_address
from monitor.core.text import excerpt
from monitor.model import Author, Comment, Kind

# Source: developers.facebook.com/documentation/threads/reply-management; NOT_HUSHED and UNHUSHED are shown.
_HIDDEN = frozenset({"HIDDEN", "COVERED", "BLOCKED", "RESTRICTED"})


class _Media(BaseModel):
    # Meta leaves out what is empty or not for this token, the text of a picture too: only these two always come.
    id: Id
    timestamp: Instant
    text: Text = ""
    username: Text = ""
    permalink: Text = ""
    media_type: Text = ""
    is_reply: bool | None = None
    is_reply_owned_by_me: bool | None = None
    hide_status: Text = ""
    root_post: Named | None = None
    replied_to: Named | None = None

    @property
    def root_id(self) -> str:
        return self.root_post.id if self.root_post else ""

    @property
    def above_id(self) -> str:
        return self.replied_to.id if self.replied_to else ""


class _Placed(BaseModel):
    """A post or reply with our username, and the post of ours that it hangs under."""

    media: _Media
    own: Text = ""
    root: _Media | None = None


def is_by(media: Json, own: str) -> bool:
    """Whether the account of this username wrote it."""
    username = part(media, "username")
    said = part(media, "is_reply_owned_by_me")
    return said is True or (bool(own) and isinstance(username, str) and username.casefold() == own.casefold())


def top_of(media: Json) -> str:
    """The id of the top of the conversation that a reply is in, "" for what is no reply or where it is not told."""
    return read_id(part(part(media, "root_post"), "id"))


def read_media(raw: Json) -> Comment | None:
    """Read one placed post or reply; None for a repost, which says nothing of its own.

    Raises: ValueError.
    """
    placed = _Placed.model_validate(raw)
    media = placed.media
    if media.media_type == "REPOST_FACADE":
        return None
    subject = placed.root if placed.root and placed.root.id != media.id else None
    ours = is_by(raw["media"], placed.own)
    is_direct = subject is not None and media.above_id == subject.id
    handle = media.username
    return Comment(
        native_id=media.id,
        kind=_kind(media, ours, subject),
        text=media.text,
        # Threads tells no id of who wrote, only the name, which may change.
        author=Author(
            "", handle, handle=handle, url=f"https://www.threads.net/@{handle}" if _is_handle(handle) else ""
        ),
        created_at=media.timestamp,
        permalink=web_address(media.permalink),
        parent_native_id=media.above_id if media.above_id and not is_direct else None,
        root_native_id=_root(media, subject),
        subject_native_id=subject.id if subject else None,
        subject_title=excerpt(subject.text) if subject else "",
        subject_url=web_address(subject.permalink) if subject else "",
        is_ours=True if ours else None,
        is_hidden=media.hide_status in _HIDDEN,
    )


def _kind(media: _Media, ours: bool, subject: _Media | None) -> Kind:
    """The same for what came by whatever list, or two of them would edit it to and fro."""
    is_reply = bool(media.is_reply or media.root_id or media.above_id)
    if ours:
        return "comment" if is_reply else "post"
    return "comment" if subject is not None else "mention"


def _root(media: _Media, subject: _Media | None) -> str | None:
    """Somebody else's top; below a post of ours the root is known only of what answers the post itself."""
    if subject is None:
        return media.root_id or media.id
    return media.id if media.above_id == subject.id else None


def _is_handle(handle: str) -> bool:
    return 0 < len(handle) <= 60 and handle.isascii() and handle.replace(".", "").replace("_", "").isalnum()
