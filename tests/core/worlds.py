"""Threads in a few words, for the tests of the fold: who wrote what, when, under what."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from monitor.core.threads import FoldPolicy, fold
from monitor.model import Author, Comment, CustomerState, StoredComment, Team, ThreadActs, ThreadState

NOBODY_ACTED = ThreadActs()
SHIPPED = FoldPolicy()
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
NOW = START + timedelta(hours=12)
TEAM = Team(author_ids=frozenset({("town", "bakery")}), handles=frozenset({"bakery_anna", "bakerybot"}))
BOTS_COUNT = Team(TEAM.author_ids, TEAM.handles, bot_replies_count=True)
OURS = ("bakery", "bakery_anna", "bakerybot")
CLOSER = {"closing": 0.9, "needs_reply": 0.1}
TAG = {"tagging_only": 0.97}


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def said(
    number: int,
    who: str,
    text: str = "Is there rye bread today?",
    *,
    minute: float | None = None,
    under: int | None = None,
    kind: str = "comment",
    seen: float | None = None,
    edited: float | None = None,
    told_edited: float | None = None,
    deleted: bool = False,
    **fields: object,
) -> StoredComment:
    """Comment `number`, written at that minute unless `minute` says another; `edited` and `seen` are minutes too."""
    signals = fields.pop("signals", {})
    written = at(number if minute is None else minute)
    comment = Comment(
        native_id=str(number),
        kind=kind,  # type: ignore[arg-type]
        text=text,
        author=Author(who, who.title(), who, is_bot=who.endswith("bot")),
        created_at=written,
        parent_native_id=None if under is None else str(under),
        edited_at=None if told_edited is None else at(told_edited),
        **fields,  # type: ignore[arg-type]
    )
    return StoredComment(
        brand="bakery",
        platform="town",
        source_id="page",
        id=number,
        thread_id=1,
        parent_id=under,
        subject_id=None,
        comment=comment,
        seen_at=written if seen is None else at(seen),
        text_changed_at=None if edited is None else at(edited),
        deleted_at=NOW if deleted else None,
        signals=signals,  # type: ignore[arg-type]
    )


def state(
    *comments: StoredComment,
    team: Team = TEAM,
    acts: ThreadActs = NOBODY_ACTED,
    now: datetime = NOW,
    policy: FoldPolicy = SHIPPED,
) -> ThreadState:
    return fold(comments, team, acts, now, policy)


def customer(thread: ThreadState, who: str) -> CustomerState:
    return next(one for one in thread.customers if one.author_key == who)


def waits(comments: Sequence[StoredComment], **how: object) -> tuple[int, ...]:
    return state(*comments, **how).open_ids  # type: ignore[arg-type]
