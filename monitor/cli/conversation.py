"""A conversation drawn for a terminal: who answered whom, in order of time."""

from collections.abc import Iterator, Sequence
from textwrap import wrap

from monitor.cli.show import words
from monitor.core.phrasing import local_time
from monitor.core.storage import shown_text
from monitor.core.text import printable
from monitor.model import StoredComment

DEEPEST = 6  # answers below this are not moved further right


def draw(comments: Sequence[StoredComment], timezone: str, width: int) -> Iterator[str]:
    """The lines of a conversation: roots first, each comment above its answers, all in order of time."""
    ids = {one.id for one in comments}
    below: dict[int | None, list[StoredComment]] = {}
    for one in sorted(comments, key=lambda c: (c.comment.created_at, c.id)):
        below.setdefault(one.parent_id if one.parent_id in ids else None, []).append(one)
    waiting = [(one, 0) for one in reversed(below.get(None, []))]
    drawn: set[int] = set()
    while waiting:
        one, depth = waiting.pop()
        if one.id in drawn:
            continue  # a platform that says that two comments answer each other
        drawn.add(one.id)
        yield from _lines(one, min(depth, DEEPEST) * 2, timezone, width)
        waiting += [(answer, depth + 1) for answer in reversed(below.get(one.id, []))]


def _lines(one: StoredComment, indent: int, timezone: str, width: int) -> Iterator[str]:
    comment, margin = one.comment, " " * indent
    name = words(comment.author.name or comment.author.handle or "somebody", 40)
    marks: list[str] = [comment.kind] if comment.kind != "comment" else []
    marks += [f"{comment.stars:g} stars"] if comment.stars is not None else []
    marks += [f"{comment.n_likes} likes"] if comment.n_likes else []
    marks += ["edited"] if one.text_changed_at or comment.edited_at else []
    marks += ["deleted"] if one.deleted_at else []
    marks += ["private"] if comment.is_private else []
    rest = f" ({', '.join(marks)})" if marks else ""
    yield f"{margin}{name}, {local_time(comment.created_at, timezone)}{rest}"
    for paragraph in printable(shown_text(one)).splitlines() or [""]:
        for line in wrap(paragraph, max(20, width - indent - 2)) or [""]:
            yield f"{margin}  {line}".rstrip()
