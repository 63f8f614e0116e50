"""What a rule may look at: the facts of one thread, loaded before and unchanged while it is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitor.model import StoredComment, Team, ThreadActs, ThreadState

if TYPE_CHECKING:
    from monitor.core.calendar import Calendar


@dataclass(frozen=True, slots=True)
class Facts:
    """One thread as the rules see it.

    `subject_people` are the customers' comments under the post that this thread stands for (a post's own thread
    row), not older than `RuleSet.people_window`; empty for every other thread. `n_earlier_by_author` counts, by
    `Author.key`, what each author wrote to the brand before this thread; needed only if
    `RuleSet.needs_first_timer`.
    """

    brand: str
    source_id: str
    platform: str
    calendar: Calendar
    team: Team
    state: ThreadState
    comments: Mapping[int, StoredComment]
    acts: ThreadActs
    thread_id: int
    subject_people: Sequence[StoredComment] = ()
    n_earlier_by_author: Mapping[str, int] = field(default_factory=dict)
