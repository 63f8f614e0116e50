"""What a budget allows: windows, and proposals that always fit."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.quota import DAY, SHORTEST, Asking, a_day, fits, propose, rounded_up, usable, window
from monitor.model import Budget

INTERVALS = st.integers(1, 7 * 86_400).map(lambda seconds: timedelta(seconds=seconds))
COSTS = st.floats(0.01, 5_000)
ASKING = st.lists(st.tuples(INTERVALS, COSTS, st.integers(0, 10_000)), min_size=1, max_size=12).map(
    lambda rows: [Asking(f"s{n}", *row) for n, row in enumerate(rows)]
)
NUMBERS = st.floats(0.5, 1e7)
LENGTHS = st.sampled_from([timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), DAY, timedelta(days=30)])
BUDGETS = st.builds(Budget, NUMBERS, LENGTHS)


def _at(asking: list[Asking], every: dict[str, timedelta]) -> list[Asking]:
    return [Asking(one.source_id, every[one.source_id], one.cost, one.n_new) for one in asking]


@given(ASKING, BUDGETS)
def test_a_proposal_always_fits_and_never_asks_for_more_than_now(asking: list[Asking], budget: Budget) -> None:
    proposed = dict(propose(asking, budget))
    assert fits(_at(asking, proposed), budget)
    assert sum(one.a_day for one in _at(asking, proposed)) <= budget.n * (DAY / budget.per)
    assert all(proposed[one.source_id] >= one.every for one in asking)
    changed = [proposed[one.source_id] for one in asking if proposed[one.source_id] != one.every]
    assert all(every >= SHORTEST and every == rounded_up(every) for every in changed)


@given(ASKING, BUDGETS, st.floats(1, 100))
def test_a_larger_budget_never_makes_anybody_wait_longer(asking: list[Asking], budget: Budget, more: float) -> None:
    larger = Budget(budget.n * more, budget.per)
    little, much = propose(asking, budget), propose(asking, larger)
    assert all(much[name] <= little[name] for name in little)


@given(ASKING, BUDGETS)
def test_a_proposal_that_is_followed_is_not_changed_again(asking: list[Asking], budget: Budget) -> None:
    proposed = dict(propose(asking, budget))
    assert propose(_at(asking, proposed), budget) == proposed


def test_who_brings_more_that_is_new_is_polled_more_often() -> None:
    busy, quiet = Asking("busy", timedelta(minutes=1), 5, 400), Asking("quiet", timedelta(minutes=1), 5, 3)
    proposed = propose([quiet, busy], Budget(2_000, DAY))
    assert proposed == {"busy": timedelta(minutes=5), "quiet": timedelta(minutes=60)}


def test_what_fits_stays_as_it_is_even_where_it_is_no_round_number() -> None:
    asking = [Asking("a", timedelta(seconds=437), 1, 0)]
    assert propose(asking, Budget(10_000, DAY)) == {"a": timedelta(seconds=437)}


@pytest.mark.parametrize(
    ("now", "start", "end"),
    [
        (
            datetime(2026, 7, 1, 3, tzinfo=UTC),
            datetime(2026, 6, 30, 7, tzinfo=UTC),
            datetime(2026, 7, 1, 7, tzinfo=UTC),
        ),
        (datetime(2026, 3, 8, 9, tzinfo=UTC), datetime(2026, 3, 8, 8, tzinfo=UTC), datetime(2026, 3, 9, 7, tzinfo=UTC)),
    ],
)
def test_a_day_is_the_platforms_own_also_when_it_has_23_hours(now: datetime, start: datetime, end: datetime) -> None:
    assert window(Budget(10_000, DAY, resets_in="America/Los_Angeles"), now) == (start, end)


@given(BUDGETS, st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_every_instant_lies_in_its_window_and_the_next_begins_where_it_ends(budget: Budget, now: datetime) -> None:
    start, end = window(budget, now)
    assert start <= now < end
    assert window(budget, end)[0] == end


def test_a_twentieth_is_left_for_people() -> None:
    assert usable(Budget(10_000, DAY)) == 9_500
    assert a_day(Budget(1_000, timedelta(minutes=10))) == pytest.approx(950 * 144)
