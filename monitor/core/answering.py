"""Answering: how long customers waited for the brand's answers, question by question."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from monitor.core.calendar import BEGINNING, Calendar
from monitor.core.conversation import NEVER, Customer, address, place_of, sort_voices
from monitor.core.threads import FoldPolicy, wants_answer
from monitor.model import StoredComment, Team

_SECOND = timedelta(seconds=1)


def answered(comments: Sequence[StoredComment], team: Team, policy: FoldPolicy) -> list[tuple[datetime, datetime]]:
    """When each question of a thread was asked and when it was answered; those still open are left out.

    What a customer adds before the answer belongs to the same question; what they ask after it is another one.
    """
    thread = sort_voices(comments, team)
    address(thread)
    found: list[tuple[datetime, datetime]] = []
    for customer in thread.customers.values():
        wanting = [one for one in customer.messages if wants_answer(one, thread, team, policy)]
        found += _turns(customer, wanting)
    return sorted(found)


def _turns(customer: Customer, wanting: Sequence[StoredComment]) -> list[tuple[datetime, datetime]]:
    turns: list[tuple[datetime, datetime]] = []
    settled = NEVER
    for one in wanting:
        asked = place_of(one)
        if asked <= settled:
            continue
        replies = [(reply.comment.created_at, reach) for reach, reply in customer.replies if reach >= asked]
        if not replies:
            break
        replied_at, settled = min(replies)
        turns.append((asked[0], max(asked[0], replied_at)))
    return turns


def asked_before(calendar: Calendar, now: datetime, promised: timedelta) -> datetime:
    """Who has waited since before this instant has waited longer than was promised, in business time."""
    early, late = BEGINNING, now
    while late - early > _SECOND:
        middle = early + (late - early) / 2
        if calendar.elapsed(middle, now) > promised:
            early = middle
        else:
            late = middle
    return late
