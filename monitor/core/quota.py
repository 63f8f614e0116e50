"""What an account may ask of its platform, what its sources ask, and how often they could be polled instead.

A proposal shares the budget so that news wait as little as they can on the whole: a source that brings `n` news a day
at a cost of `c` for each poll gets a share that grows with the square root of both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import sqrt
from zoneinfo import ZoneInfo

from monitor.model import Budget

RESERVE = 0.05  # of a budget, left for looks at known comments and for people
DAY = timedelta(days=1)
SHORTEST = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXACT = 1 + 1e-9  # how far sums of the same numbers may differ
_MINUTES = (1, 2, 3, 5, 10, 15, 20, 30, 60, 90, 120, 180, 240, 360, 480, 720, 1440)


@dataclass(frozen=True, slots=True)
class Asking:
    """What one source costs: how often it is polled, and what a poll costs and how much new it brought in a day."""

    source_id: str
    every: timedelta
    cost: float = 1.0
    n_new: int = 0

    @property
    def a_day(self) -> float:
        """What its polls cost a day."""
        return self.cost * (DAY / self.every)


def window(budget: Budget, now: datetime) -> tuple[datetime, datetime]:
    """Begin and end of the window in which a budget's spending is counted at this instant.

    A day is one of the platform's; any other length is counted from 1970, since no platform tells when it began.
    """
    if budget.per == DAY:
        zone = ZoneInfo(budget.resets_in)
        midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        next_midnight = (midnight + DAY).replace(tzinfo=zone)  # by the clock there: some days have 23 hours
        return midnight.astimezone(UTC), next_midnight.astimezone(UTC)
    start = _EPOCH + (now - _EPOCH) // budget.per * budget.per
    return start, start + budget.per


def usable(budget: Budget) -> float:
    """What polls may spend in one window."""
    return budget.n * (1 - RESERVE)


def a_day(budget: Budget) -> float:
    """What polls may spend in a day."""
    return usable(budget) * (DAY / budget.per)


def fits(asking: Sequence[Asking], budget: Budget) -> bool:
    return sum(one.a_day for one in asking) <= a_day(budget) * _EXACT


def propose(asking: Sequence[Asking], budget: Budget) -> Mapping[str, timedelta]:
    """How often to poll each source so that all of them fit; as now where they do. No source is polled more often."""
    if fits(asking, budget):
        return {one.source_id: one.every for one in asking}
    level = _level(asking, a_day(budget))
    return {one.source_id: _slowed(one, level * _weight(one)) for one in asking}


def _weight(one: Asking) -> float:
    return sqrt(one.cost * (1 + one.n_new))


def _level(asking: Sequence[Asking], total: float) -> float:
    """What each unit of weight gets, when nobody gets more than it asks for now."""
    waiting = sorted((one for one in asking if one.cost > 0), key=lambda one: one.a_day / _weight(one))
    weight = sum(_weight(one) for one in waiting)
    for one in waiting:
        if one.a_day / _weight(one) * weight >= total:
            break
        total -= one.a_day
        weight -= _weight(one)
    return total / weight


def _slowed(one: Asking, share: float) -> timedelta:
    """The shortest sensible interval that costs at most this share a day."""
    if one.a_day <= share and one.every >= SHORTEST:
        return one.every
    wanted = max(SHORTEST, one.every, timedelta(seconds=min(one.cost * 86_400 / share, 1e12)))
    return rounded_up(wanted)


def rounded_up(interval: timedelta) -> timedelta:
    """The next length that people would write: minutes and hours of the clock, days, and then twice as many."""
    for minutes in _MINUTES:
        if timedelta(minutes=minutes) >= interval:
            return timedelta(minutes=minutes)
    length = DAY
    while length < interval:
        length *= 2
    return length
