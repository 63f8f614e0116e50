"""What a rule may look at: the facts of one thread, loaded before and unchanged while it is judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.core.calendar import Calendar
from monitor.core.cover_up import Vanished
from monitor.core.instants import micros
from monitor.core.matching import Matcher
from monitor.core.own_posts import PostFinding
from monitor.model import Signals, StoredComment, Team, ThreadActs, ThreadState

_NOTHING: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Facts:
    """One thread as the rules see it.

    `subject_people` are the customers' comments under the post that this thread stands for (a post's own thread
    row), not older than `RuleSet.people_window`; empty for every other thread. `n_earlier_by_author` counts, by
    `Author.key`, what each author wrote to the brand before this thread; needed only if
    `RuleSet.needs_first_timer`. `post_findings` holds the posts of ours in this thread that were checked, by id, and
    what is wrong with each; `vanished` what is gone that should not be, of all `suspects` that are gone. `refuted` are,
    by rule, the comments for which people have called it wrong. Signals are as the brand reads them
    (`core.calibration`); `measured` holds those of its comments as they were measured, if they differ.
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
    post_findings: Mapping[int, Sequence[PostFinding]] = field(default_factory=dict)
    vanished: Mapping[int, Vanished] = field(default_factory=dict)
    suspects: frozenset[int] = _NOTHING
    refuted: Mapping[str, frozenset[int]] = field(default_factory=dict)
    measured: Mapping[int, Signals] = field(default_factory=dict)


class View:
    """The facts, now, and the one open comment that the rules are asked about (None: the post itself).

    What several conditions need is worked out once, when the first of them asks.
    """

    __slots__ = ("_hits", "_matcher", "_opening", "_waiting", "comment", "facts", "now", "now_micros")

    def __init__(self, facts: Facts, now: datetime, matcher: Matcher) -> None:
        self.facts, self.now, self.now_micros = facts, now, micros(now)
        self.comment: StoredComment | None = None
        self._matcher = matcher
        self._hits: dict[int, frozenset[int]] = {}
        self._opening: dict[tuple[datetime, timedelta], int] = {}
        self._waiting: dict[int, datetime | None] | None = None

    def look_at(self, comment: StoredComment | None) -> None:
        self.comment = comment

    def hits(self) -> frozenset[int]:
        """The numbers of the phrases and patterns in the comment's text."""
        return self.hits_in(self.comment) if self.comment else frozenset()

    def hits_in(self, stored: StoredComment) -> frozenset[int]:
        found = self._hits.get(stored.id)
        if found is None:
            found = self._hits[stored.id] = self._matcher.search(stored.comment.text)
        return found

    def waiting_since(self) -> datetime | None:
        """Since when the comment's author has been waiting in this thread."""
        if self._waiting is None:
            customers = self.facts.state.customers
            self._waiting = {number: each.awaiting_since for each in customers for number in each.open_ids}
        return self._waiting.get(self.comment.id) if self.comment else None

    def opening_time_after(self, since: datetime, length: timedelta) -> int:
        """When so much of the brand's business time has passed, in microseconds since 1970."""
        at = self._opening.get((since, length))
        if at is None:
            at = self._opening[since, length] = micros(self.facts.calendar.add(since, length))
        return at
