"""Replaying the rules over what is stored: what they would have flagged, and when, if they had been these."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from monitor.core.opinions import Opinion
from monitor.core.storage import shown_text
from monitor.core.threads import fold
from monitor.flows import feedback
from monitor.flows.assess import facts_of, team_of
from monitor.flows.feedback import Feedback, heed
from monitor.flows.measuring import measured
from monitor.flows.plan import Brand, Plan
from monitor.model import Flag, StoredComment, Team, ThreadActs
from monitor.store import comments, overview, threads

BATCH = 200
MOST_LOOKS = 500  # at one thread; a longer conversation is looked at every so many comments


@dataclass(frozen=True, slots=True)
class Replayed:
    """One thread's flags, each with when it was first raised; `text` is of the comment that it rests on."""

    brand: str
    thread_id: int
    flags: tuple[Flag, ...]
    text: str


def replay(
    connection: Connection, plan: Plan, brand: Brand, since: datetime, now: datetime
) -> Iterator[Replayed | None]:
    """What the plan's rules would have flagged from `since` on, for each thread that spoke then (None: nothing)."""
    team = team_of(connection, brand)
    batch: list[int] = []
    for row in overview.all_threads(connection, brand.id, since):
        batch.append(row.id)
        if len(batch) == BATCH:
            yield from _replay_batch(connection, plan, brand, team, batch, since, now)
            batch = []
    if batch:
        yield from _replay_batch(connection, plan, brand, team, batch, since, now)


def _replay_batch(
    connection: Connection, plan: Plan, brand: Brand, team: Team, ids: Sequence[int], since: datetime, now: datetime
) -> Iterator[Replayed | None]:
    rows = threads.load_rows(connection, brand.id, ids)
    held = comments.load_threads(connection, brand.id, ids)
    window = plan.rules.people_window
    read = Feedback(feedback.calibrations(connection, brand.id))
    under = comments.load_under_posts(connection, brand.id, ids, since - window) if window else {}
    asked = {*ids, *(c.thread_id for said in under.values() for c in said)}
    opinions = plan.adviser.load(connection, brand.id, asked) if plan.adviser else {}
    for thread_id in ids:
        told = _as_news(plan, held[thread_id], opinions)
        beside = _as_news(plan, under.get(thread_id, []), opinions)
        story = Story(plan, brand, team, rows[thread_id], told, beside, read)
        flags = story.tell(since, now)
        yield Replayed(brand.id, thread_id, flags, story.text_of(flags[0])) if flags else None


def _as_news(plan: Plan, held: Sequence[StoredComment], opinions: Mapping[int, Opinion]) -> list[StoredComment]:
    """The comments in order of time, as if none were history, measured by today's signals."""
    ordered = sorted(held, key=lambda c: (c.comment.created_at, c.id))
    return [replace(c, is_history=False) for c in measured(plan, ordered, opinions)]


@dataclass(frozen=True, slots=True)
class Story:
    """One thread from its first comment to now."""

    plan: Plan
    brand: Brand
    team: Team
    row: threads.ThreadRow
    comments: Sequence[StoredComment]
    under_post: Sequence[StoredComment]
    feedback: Feedback  # calibrations only: what people did meanwhile is not the rules' doing

    def tell(self, since: datetime, until: datetime) -> tuple[Flag, ...]:
        """Each rule's first flag within the time, in order."""
        found: dict[str, Flag] = {}
        spoken = sorted({c.comment.created_at for c in (*self.comments, *self.under_post)})
        looks = [at for at in spoken if since <= at <= until]
        looks = looks[:: max(1, len(looks) // MOST_LOOKS)]
        for place, at in enumerate(looks):
            end = looks[place + 1] if place + 1 < len(looks) else until
            for flag in self._between(at, end):
                found.setdefault(flag.rule, flag)
        return tuple(sorted(found.values(), key=lambda flag: (flag.raised_at, flag.severity.rank)))

    def _between(self, at: datetime, end: datetime) -> Iterator[Flag]:
        """The verdicts from one comment to the next, wherever the clock alone changes them."""
        for _ in range(MOST_LOOKS):
            verdict_flags, due_at = self._look(at)
            yield from verdict_flags
            if due_at is None or due_at >= end or due_at <= at:
                return
            at = due_at

    def _look(self, at: datetime) -> tuple[tuple[Flag, ...], datetime | None]:
        said = [_as_of(c, at) for c in self.comments if c.comment.created_at <= at]
        window = self.plan.rules.people_window or timedelta(0)
        under = [_as_of(c, at) for c in self.under_post if at - window <= c.comment.created_at <= at]
        acts = ThreadActs()  # what people did meanwhile is not the rules' doing
        state = fold(said, self.team, acts, at, self.plan.fold)
        facts = facts_of(self.brand, self.team, replace(self.row, acts=acts), said, state, under, _counts(said))
        verdict = self.plan.rules.evaluate(heed(facts, self.feedback), at)
        instants = [due for due in (verdict.due_at, state.due_at) if due is not None]
        return verdict.flags, min(instants, default=None)

    def text_of(self, flag: Flag) -> str:
        texts = {c.id: shown_text(c) for c in (*self.under_post, *self.comments)}
        return next((texts[comment_id] for comment_id in flag.evidence if comment_id in texts), "")


def _as_of(stored: StoredComment, at: datetime) -> StoredComment:
    """A comment that is deleted now and was not then."""
    return replace(stored, deleted_at=None) if stored.deleted_at and stored.deleted_at > at else stored


def _counts(said: Sequence[StoredComment]) -> Mapping[str, int]:
    """As if everybody were new to the brand: what they wrote elsewhere by then is not looked up."""
    counts: dict[str, int] = {}
    for stored in said:
        counts[stored.comment.author.key] = counts.get(stored.comment.author.key, 0) + 1
    return counts
