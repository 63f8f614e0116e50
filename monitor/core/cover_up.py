"""What has vanished that should not have: a complaint under a post of ours, or a post of ours that was under fire.

Nobody can see from outside who took a comment away. So only that is told which a second person should look at: the
comment hurt or asked, nobody had answered it, and its author's other words are still there (an account that left took
them all). A post that was taken down counts only if nothing that corrects it has followed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from monitor.core.matching import canonical
from monitor.model import StoredComment, Team, ThreadActs
from monitor.signals.flags import thresholds

What = Literal["complaint", "question", "post"]
WHATS: tuple[What, ...] = ("complaint", "question", "post")

LOOKED_AT_FOR = timedelta(days=7)  # after it vanished
GRACE = timedelta(minutes=15)  # in which a post that was taken down may be put right
LOOK_AGAIN = timedelta(hours=1)  # whether it has been put right since
UNDER_FIRE = 2  # people upset under one post
_SAME_THING = 0.5  # of the words of both posts together
_LEAST_SHARED = 4
_WORD = re.compile(r"[^\W\d_]{4,}")
_CORRECTS = re.compile(
    r"\b(?:corrections?|corrected|we (?:were|got (?:it|this|that)) wrong|our mistake|mistakenly|sorry|apolog\w+|oops"
    r"|we (?:removed|deleted|took down)|was (?:wrong|incorrect)|clarif\w+"
    r"|korrektur|berichtig\w+|entschuldig\w+|tut uns leid|unser fehler|richtigstellung|gelöscht"
    r"|correctif|rectific\w+|désolée?s?|nos excuses|notre erreur|supprimé"
    r"|correcci[oó]n|disculp\w+|lo sentimos|nuestro error|perd[oó]n|correzione|scus\w+|ci dispiace"
    r"|correção|desculp\w+|lamentamos|rectificatie|excuses|onze fout)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Vanished:
    """One finding: what vanished, and why it is told."""

    what: What
    says: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is around the comments of one thread.

    `post` is the post that the thread hangs under, if we hold it; `standing` counts, by `Author.key`, what else of an
    author is still there; `upset` are the stirring comments under the post that this thread stands for; `later` are
    posts of ours of the same source, any order.
    """

    team: Team
    acts: ThreadActs
    post: StoredComment | None = None
    standing: Mapping[str, int] = field(default_factory=dict)
    upset: Sequence[StoredComment] = ()
    later: Sequence[StoredComment] = ()


def suspects(comments: Sequence[StoredComment], acts: ThreadActs, now: datetime) -> list[StoredComment]:
    """The comments that were seen to vanish lately, and that nobody has looked at since by closing their thread."""
    return [
        it
        for it in comments
        if it.deleted_at is not None
        and not it.is_history
        and now - it.deleted_at <= LOOKED_AT_FOR
        and (acts.closed_at is None or acts.closed_at < it.deleted_at)
    ]


def find(comments: Sequence[StoredComment], around: Surroundings, now: datetime) -> dict[int, Vanished]:
    """What of this thread has vanished and should be looked at, by the comment's id."""
    found = {}
    for it in suspects(comments, around.acts, now):
        if around.team.owns(it.platform, it.comment):
            vanished = _post(it, around, now) if it.comment.kind == "post" else None
        else:
            vanished = _comment(it, comments, around)
        if vanished is not None:
            found[it.id] = vanished
    return found


def look_again_at(
    comments: Sequence[StoredComment], found: Mapping[int, Vanished], around: Surroundings, now: datetime
) -> datetime | None:
    """When the clock or a later post could change what was found; None where neither can."""
    return min(_instants(comments, found, around, now), default=None)


def _instants(
    comments: Sequence[StoredComment], found: Mapping[int, Vanished], around: Surroundings, now: datetime
) -> Iterator[datetime]:
    for it in suspects(comments, around.acts, now):
        if it.deleted_at is None:
            continue
        is_post = it.comment.kind == "post" and around.team.owns(it.platform, it.comment)
        is_forgotten = not (it.has_text and it.has_author)  # then a flag may stand that was raised before
        if is_post or is_forgotten or it.id in found:
            yield it.deleted_at + LOOKED_AT_FOR + timedelta(microseconds=1)
        if is_post:
            yield it.deleted_at + GRACE if now < it.deleted_at + GRACE else now + LOOK_AGAIN


def _comment(it: StoredComment, comments: Sequence[StoredComment], around: Surroundings) -> Vanished | None:
    post = _post_above(it, comments, around)
    if post is None or post.deleted_at is not None or not it.has_author:
        return None  # with its post everything below it goes
    n_others = around.standing.get(it.comment.author.key, 0)
    if not n_others or _was_answered(it, comments, around.team):
        return None
    what = _kind_of(it)
    if what is None:
        return None
    others = "another comment" if n_others == 1 else f"{n_others} other comments"
    says = (
        f"a {what} under our post is gone, unanswered, while {others} of its author stand: if one of us hid or deleted "
        "it, put it back and answer it"
    )
    return Vanished(what, says)


def _kind_of(it: StoredComment) -> What | None:
    def says_yes(name: str) -> bool:
        value = it.signals.get(name)
        return isinstance(value, float) and value >= thresholds()[name]

    if says_yes("angry") or says_yes("mistake"):
        return "complaint"
    return "question" if says_yes("needs_reply") else None


def _post_above(it: StoredComment, comments: Sequence[StoredComment], around: Surroundings) -> StoredComment | None:
    """The post of ours that it was written under: the thread's subject or its root."""
    root = next((c for c in comments if c.id == it.thread_id and c.id != it.id), None)
    for post in (around.post, root):
        if post is not None and around.team.owns(post.platform, post.comment):
            return post
    return None


def _was_answered(it: StoredComment, comments: Sequence[StoredComment], team: Team) -> bool:
    """Whether we had answered it, or anything below it."""
    parents = {c.id: c.parent_id for c in comments}
    for reply in comments:
        if reply.comment.created_at < it.comment.created_at or not team.owns(reply.platform, reply.comment):
            continue
        above, seen = reply.parent_id, {reply.id}
        while above is not None and above not in seen:
            if above == it.id:
                return True
            seen.add(above)
            above = parents.get(above)
        if it.id == it.thread_id and reply.comment.kind != "post":
            return True  # a platform that does not say what a reply answers
    return False


def _post(it: StoredComment, around: Surroundings, now: datetime) -> Vanished | None:
    if it.deleted_at is None or now < it.deleted_at + GRACE:
        return None
    upset = {
        c.comment.author.key
        for c in around.upset
        if not around.team.owns(c.platform, c.comment) and c.seen_at <= it.deleted_at
    }
    if len(upset) < UNDER_FIRE or any(_corrects(other, it) for other in around.later):
        return None
    says = (
        f"our post is gone while {len(upset)} people were upset under it, and no post of ours has corrected it: say "
        "what was wrong, apologise, and answer those who wrote"
    )
    return Vanished("post", says)


def _corrects(other: StoredComment, gone: StoredComment) -> bool:
    if other.id == gone.id or other.deleted_at is not None or other.comment.created_at <= gone.comment.created_at:
        return False
    if _CORRECTS.search(other.comment.text):
        return True
    here, there = _words(other), _words(gone)
    shared = here & there
    return len(shared) >= _LEAST_SHARED and len(shared) >= _SAME_THING * len(here | there)


def _words(it: StoredComment) -> set[str]:
    return set(_WORD.findall(canonical(it.comment.text)))
