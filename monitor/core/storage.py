"""What platforms let us keep: when a text or an author must go, and what stays so that the thread's state still holds.

An author becomes an opaque name that is the same wherever that author wrote or is mentioned, so that threads and
counts go on. Of a text stays what the fold asks of it, as traits.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.core.handoff import asks_to_go_private, says_sent
from monitor.model import Author, Comment, Reason, Remains, StorageRules, StoredComment, Team, make_id, show_id

_HARMLESS = frozenset({"kind", "platform", "source", "brand", "language", "mistake_kind"})
NOT_KEPT = "(text no longer kept: platform's rules)"

_WORD_OR_QUESTION = re.compile(r"[^\W_]|[?？؟]")
_QUESTION = re.compile(r"[?？؟](?![\w=/])")  # not the one within a link
_TRAITS: Mapping[str, Callable[[str], bool]] = {
    "words": lambda text: _WORD_OR_QUESTION.search(text) is not None,  # more than emoji
    "question": lambda text: _QUESTION.search(text) is not None,
    "blank": lambda text: not text.strip(),
    "asks_to_go_private": asks_to_go_private,
    "says_sent": says_sent,
}


def has(stored: StoredComment, trait: str) -> bool:
    """Whether a comment's text is such, or was when it had to go."""
    if stored.remains is not None and not stored.remains.has_text:
        return trait in stored.remains.traits
    return _TRAITS[trait](stored.comment.text)


def traits_of(text: str) -> frozenset[str]:
    return frozenset(trait for trait, is_such in _TRAITS.items() if is_such(text))


def shown_text(stored: StoredComment) -> str:
    """A comment's text for people."""
    return stored.comment.text if stored.has_text else NOT_KEPT


def unquoted(reason: Reason) -> Reason:
    """A reason without what it quotes of a comment; its numbers stay."""
    if reason.condition in _HARMLESS:
        return replace(reason, words=())
    quotes = not isinstance(reason.value, float | int) or any(word in reason.says for word in reason.words)
    value = reason.value if isinstance(reason.value, float | int) else None
    return replace(reason, says=NOT_KEPT if quotes else reason.says, words=(), value=value)


@dataclass(frozen=True, slots=True)
class Terms:
    """What decides when a stored comment's parts must go."""

    seen_at: datetime
    refreshed_at: datetime | None = None  # when the platform gave it to us last
    deleted_at: datetime | None = None
    remains: Remains | None = None


def ends(rules: StorageRules, terms: Terms) -> tuple[datetime | None, datetime | None]:
    """When the text and when the author must go; None for what may stay, or is gone."""
    since = (terms.refreshed_at or terms.seen_at) if rules.renews else terms.seen_at
    deleted_at = terms.deleted_at if rules.forgets_deleted else None
    remains = terms.remains or Remains()
    text_at = _end(since, rules.text_for, deleted_at) if remains.has_text else None
    author_at = _end(since, rules.author_for, deleted_at) if remains.has_author else None
    return text_at, author_at


def _end(since: datetime, length: timedelta | None, deleted_at: datetime | None) -> datetime | None:
    kept_until = None if length is None else since + length
    return min((at for at in (kept_until, deleted_at) if at is not None), default=None)


def forget_at(rules: StorageRules, terms: Terms) -> datetime | None:
    """When the next part of a comment must go."""
    return min((at for at in ends(rules, terms) if at is not None), default=None)


def forget(
    stored: StoredComment, rules: StorageRules, refreshed_at: datetime | None, team: Team, now: datetime
) -> StoredComment:
    """The comment without what must be gone by now."""
    terms = Terms(stored.seen_at, refreshed_at, stored.deleted_at, stored.remains)
    text_at, author_at = ends(rules, terms)
    if author_at is not None and author_at <= now:
        remains = replace(stored.remains or Remains(), has_author=False)
        stored = replace(stored, comment=without_author(stored, team), remains=remains)
    if text_at is not None and text_at <= now:
        remains = replace(stored.remains or Remains(), has_text=False, traits=traits_of(stored.comment.text))
        stored = replace(stored, comment=replace(stored.comment, text="", subject_title=""), remains=remains)
    return stored


def admitted(
    comment: Comment, held: StoredComment, rules: StorageRules, now: datetime
) -> tuple[Comment, Remains | None]:
    """What may be stored of a comment that comes again after parts of it had to go, and what is then missing."""
    text_at, author_at = ends(rules, Terms(held.seen_at, now))
    may_keep = Remains(text_at is None or text_at > now, author_at is None or author_at > now)
    kept = held.comment
    if not held.has_author and not may_keep.has_author:
        comment = replace(
            comment, author=kept.author, mentions=kept.mentions, is_ours=kept.is_ours, permalink=kept.permalink
        )
    has_author = held.has_author or may_keep.has_author
    if held.has_text or may_keep.has_text:
        return comment, None if has_author else Remains(has_author=False)
    return replace(comment, text="", subject_title=""), Remains(False, has_author, traits_of(comment.text))


def opaque(brand: str, platform: str, name: str) -> str:
    """What stands for a person whose name must go: the same wherever it is written, as mentions are compared."""
    return "~" + show_id(make_id(brand, platform, f"author\0{_folded(name)}"))


def opaque_key(brand: str, platform: str, author: Author) -> str:
    """The key of an author once its name had to go."""
    return opaque(brand, platform, author.key)


def without_author(stored: StoredComment, team: Team) -> Comment:
    """A comment that says only whether it is ours or whose other comments are by the same person; our name stays."""
    comment, brand, platform = stored.comment, stored.brand, stored.platform
    author, is_ours = comment.author, team.owns(platform, comment)
    mentions = tuple(
        name if _is_of_team(platform, name, team) else opaque(brand, platform, name) for name in comment.mentions
    )
    if is_ours:
        return replace(comment, mentions=mentions, is_ours=True)
    hidden = Author(
        opaque_key(brand, platform, author),
        "",
        opaque(brand, platform, author.handle) if author.handle else "",
        is_bot=author.is_bot,
    )
    link = "" if _names(comment.permalink, author) else comment.permalink
    return replace(comment, author=hidden, mentions=mentions, is_ours=False, permalink=link)


def alike(comments: Sequence[StoredComment], team: Team) -> Sequence[StoredComment]:
    """A thread's comments with every author opaque, if one of them is: so the same person has one name in it."""
    if not any(c.remains is not None and not c.remains.has_author for c in comments):
        return comments
    return [replace(c, comment=without_author(c, team)) if c.has_author else c for c in comments]


def _is_of_team(platform: str, name: str, team: Team) -> bool:
    return (platform, name) in team.author_ids or _folded(name) in team.handles


def _names(link: str, author: Author) -> bool:
    """Whether an address tells who wrote."""
    said = link.casefold()
    return any(len(name) > 2 and name in said for name in (_folded(author.handle), author.native_id.casefold()))


def _folded(name: str) -> str:
    return name.lstrip("@").casefold()
