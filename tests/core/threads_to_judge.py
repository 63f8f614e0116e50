"""Threads for the rules to judge, made from the small tables in which docs/rules.md writes its examples."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from monitor.core import cover_up
from monitor.core.calendar import Calendar
from monitor.core.cover_up import Surroundings
from monitor.core.own_posts import Draft, OwnPost, check_post
from monitor.core.rules import Facts
from monitor.model import Author, Comment, CustomerState, StoredComment, Team, ThreadActs, ThreadState

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)  # a Wednesday
OFFICE = Calendar("UTC", {day: ((time(9), time(17)),) for day in range(5)})
TEAM = Team(author_ids=frozenset({("example", "Team")}))
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def length(text: str) -> timedelta:
    return timedelta(**{_UNITS[text[-1]]: float(text[:-1])})


def stored(example: Mapping[str, Any], number: int = 1, now: datetime = NOON, thread_id: int = 1) -> StoredComment:
    """A comment as an example describes it; `ago`, `replied` and `edited` are durations before now."""
    platform = example.get("platform", "example")
    name = example.get("author", "Somebody")
    author = Author(
        native_id=example.get("author_id", name),
        name=name,
        handle=example.get("handle", ""),
        n_followers=example.get("followers"),
        is_bot=example.get("is_bot", False),
    )
    created_at = now - length(example.get("ago", "10m"))
    comment = Comment(
        native_id=str(number),
        kind=example.get("kind", "comment"),
        text=example.get("text", "x"),
        author=author,
        created_at=created_at,
        language=example.get("language", ""),
        stars=example.get("stars"),
        n_likes=example.get("likes", 0),
    )
    return StoredComment(
        brand=example.get("brand", "example"),
        platform=platform,
        source_id=example.get("source", "example"),
        id=number,
        thread_id=thread_id,
        parent_id=example.get("parent"),
        subject_id=example.get("subject"),
        comment=comment,
        seen_at=created_at,
        text_changed_at=now - length(example["edited"]) if "edited" in example else None,
        deleted_at=now if example.get("deleted") else None,
        is_history=example.get("is_history", False),
        signals=example.get("signals", {}),
        signals_version="angry=7,mistake=8",
    )


def thread_of(
    examples: Sequence[Mapping[str, Any]],
    now: datetime = NOON,
    calendar: Calendar = OFFICE,
    acts: ThreadActs | None = None,
    due_at: datetime | None = None,
) -> Facts:
    """A thread in which every example is an open comment; `replied` adds an answer of ours."""
    comments = {number: stored(each, number, now) for number, each in enumerate(examples, 1)}
    first = comments[1]
    open_ids = tuple(comments)
    customers: dict[str, list[StoredComment]] = {}
    for it in comments.values():
        customers.setdefault(it.comment.author.key, []).append(it)
    for number, each in enumerate(examples, 1):
        if "replied" in each:
            reply = {"author": "Team", "ago": each["replied"], "parent": number, "platform": first.platform}
            comments[100 + number] = stored(reply, 100 + number, now)
    states = tuple(
        CustomerState(key, "awaiting", their[0].comment.created_at, tuple(it.id for it in their), now)
        for key, their in customers.items()
    )
    return Facts(
        brand=first.brand,
        source_id=first.source_id,
        platform=first.platform,
        calendar=calendar,
        team=TEAM,
        state=ThreadState(first.comment.created_at, open_ids, states, len(comments), now, due_at=due_at),
        comments=comments,
        acts=acts or ThreadActs(),
        thread_id=1,
        n_earlier_by_author={stored(each).comment.author.key: each.get("earlier", 0) for each in examples},
    )


def post_with(people: Sequence[Mapping[str, Any]], now: datetime = NOON, acts: ThreadActs | None = None) -> Facts:
    """A post's own thread, whose comments we never saw, and the comments of people under it."""
    return Facts(
        brand="example",
        source_id="example",
        platform="example",
        calendar=OFFICE,
        team=TEAM,
        state=ThreadState(None, (), (), 0, None),
        comments={},
        acts=acts or ThreadActs(),
        thread_id=99,
        subject_people=[stored(each, number, now, number) for number, each in enumerate(people, 1)],
    )


def our_post(example: Mapping[str, Any], now: datetime = NOON) -> Facts:
    """A thread that holds one post of ours, checked."""
    it = stored({"author": "Team", "kind": "post", "text": example["our_post"], **example}, now=now)
    found = check_post(Draft(OwnPost(it.id, it.comment.text, it.comment.created_at)))
    return Facts(
        brand="example",
        source_id="example",
        platform="example",
        calendar=OFFICE,
        team=TEAM,
        state=ThreadState(None, (), (), 1, now),
        comments={it.id: it},
        acts=ThreadActs(),
        thread_id=it.id,
        post_findings={it.id: found},
    )


def vanished_below_our_post(example: Mapping[str, Any], now: datetime = NOON) -> Facts:
    """A thread below a post of ours whose only comment was deleted; `others` of its author stand."""
    it = stored({**example, "text": example["gone"], "deleted": True, "subject": 50}, now=now)
    post = stored({"author": "Team", "kind": "post", "text": "Come and see us", "ago": "2h"}, 50, now, 50)
    n_others = example.get("others", 0)
    around = Surroundings(TEAM, ThreadActs(), post, {it.comment.author.key: n_others} if n_others else {})
    return Facts(
        brand="example",
        source_id="example",
        platform="example",
        calendar=OFFICE,
        team=TEAM,
        state=ThreadState(None, (), (), 1, now),
        comments={it.id: it},
        acts=ThreadActs(),
        thread_id=it.id,
        vanished=cover_up.find([it], around, now),
        suspects=frozenset({it.id}),
    )


def facts_of(example: Mapping[str, Any]) -> Facts:
    """What an example of docs/rules.md describes: one open comment, a post and its people, one of ours, or gone."""
    if "our_post" in example:
        return our_post(example)
    if "gone" in example:
        return vanished_below_our_post(example)
    return post_with(example["people"]) if "people" in example else thread_of([example])


def rules_where(when: Mapping[str, Any], **keys: Any) -> tuple[tuple[str, dict[str, Any]], ...]:
    """One rule file with one rule, "it"."""
    return (("rules.toml", {"rules": {"it": {"severity": "high", "when": when, **keys}}}),)
