"""Conditions on who wrote a comment, and on what they did after we answered."""

from monitor.core.facts import View
from monitor.core.nearest import nearest
from monitor.core.truth import MANY, Asked, Condition, Found, Leaf
from monitor.model import Author, StoredComment


def author_in(section: Asked) -> Condition:
    """Whether the author is on a list: its name, or the entries themselves."""
    value = section.get("author_in")
    if isinstance(value, str):
        if value not in section.context.lists:
            section.refuse("author_in", f"there is no list {value!r}{nearest(value, section.context.lists)}")
        entries, says = section.context.lists[value], f"the author is on the list {value}"
    else:
        entries, says = section.texts("author_in"), "the author is on the rule's list"
    handles = {entry.lstrip("@").casefold() for entry in entries if entry.startswith("@") or ":" not in entry}
    keys = {entry for entry in entries if ":" in entry}
    names = {key.removeprefix("name:").casefold() for key in keys if key.startswith("name:")}

    def is_on(view: View, author: Author) -> bool:
        return (
            (bool(author.handle) and author.handle.lstrip("@").casefold() in handles)
            or (bool(author.native_id) and f"{view.facts.platform}:{author.native_id}" in keys)
            or (bool(names) and author.name.casefold() in names)
        )

    return Leaf("author_in", says).about(
        lambda view, it: is_on(view, it.comment.author),
        lambda _, it: Found(f"written by {it.comment.author.name}", it.comment.author.handle or it.comment.author.name),
    )


def followers(section: Asked) -> Condition:
    least = section.number("followers_at_least", 0, MANY)
    leaf = Leaf("followers_at_least", f"the author has at least {least:,g} followers", least)

    def found(_: View, it: StoredComment) -> Found:
        number = it.comment.author.n_followers
        return Found("followers unknown" if number is None else f"the author has {number:,} followers", number)

    return leaf.about(lambda _, it: (it.comment.author.n_followers or 0) >= least, found)


def is_bot(section: Asked) -> Condition:
    wanted = section.truth("is_bot")
    leaf = Leaf("is_bot", "the author is a bot" if wanted else "the author is no bot")
    return leaf.about(
        lambda _, it: it.comment.author.is_bot is wanted,
        lambda _, it: Found("the author is a bot" if it.comment.author.is_bot else "the author is no bot"),
    )


def first_timer(section: Asked) -> Condition:
    wanted = section.truth("first_timer")

    def earlier(view: View, it: StoredComment) -> int:
        return view.facts.n_earlier_by_author.get(it.comment.author.key, 0)

    says = "the author writes for the first time" if wanted else "the author has written before"
    return Leaf("first_timer", says, needs_first_timer=True).about(
        lambda view, it: (earlier(view, it) == 0) is wanted,
        lambda view, it: Found(f"{earlier(view, it)} earlier comments by this author", earlier(view, it)),
    )


def edited_after_reply(section: Asked) -> Condition:
    wanted = section.truth("edited_after_reply")

    def found(_: View, it: StoredComment) -> Found:
        at = it.text_changed_at
        return Found(
            f"its text changed {at:%Y-%m-%d %H:%M} UTC" if at else "never edited", at.isoformat() if at else None
        )

    says = f"was {'' if wanted else 'not '}edited after our reply"
    return Leaf("edited_after_reply", says).about(lambda view, it: _was_edited_after_reply(view, it) is wanted, found)


def _was_edited_after_reply(view: View, it: StoredComment) -> bool:
    changed_at, facts = it.text_changed_at, view.facts
    if changed_at is None:
        return False
    return any(
        each.deleted_at is None
        and it.comment.created_at <= each.comment.created_at <= changed_at
        and facts.team.owns(facts.platform, each.comment)
        and _answers(view, each, it)
        for each in facts.comments.values()
    )


def _answers(view: View, reply: StoredComment, it: StoredComment) -> bool:
    """Whether a reply of ours was to this comment: below it, naming its author, or there is only one customer."""
    author = it.comment.author
    if len(view.facts.state.customers) <= 1 or {author.native_id, author.handle} & set(reply.comment.mentions):
        return True
    seen: set[int] = set()
    parent = reply.parent_id
    while parent is not None and parent not in seen:
        if parent == it.id:
            return True
        seen.add(parent)
        above = view.facts.comments.get(parent)
        parent = above.parent_id if above else None
    return False
