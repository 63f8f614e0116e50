"""Later each time, never given up."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.core.backoff import next_try

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
COUNTS = st.integers(0, 10**9)
SPREADS = st.floats(0, 1, exclude_max=True)


def wait(n_failures: int, **how: object) -> timedelta:
    return next_try(n_failures, NOW, **how) - NOW  # type: ignore[arg-type]


def test_the_first_failure_waits_half_a_minute_and_each_further_one_twice_as_long():
    assert [wait(n).total_seconds() for n in (1, 2, 3, 4)] == [30, 60, 120, 240]


def test_the_wait_grows_to_an_hour_and_stays_there_for_ever():
    assert wait(7) == timedelta(minutes=32)
    assert wait(8) == wait(1000) == wait(10**9) == timedelta(hours=1)


def test_a_base_beyond_the_cap_waits_the_cap():
    assert wait(1, base=timedelta(hours=3), cap=timedelta(minutes=5)) == timedelta(minutes=5)


def test_a_base_of_nothing_tries_again_at_once():
    assert wait(50, base=timedelta(0)) == timedelta(0)


@given(COUNTS, SPREADS)
def test_the_spread_takes_at_most_half_of_the_wait(n_failures: int, spread: float):
    assert wait(n_failures) / 2 <= wait(n_failures, spread=spread) <= wait(n_failures)


@given(COUNTS, COUNTS, SPREADS)
def test_more_failures_never_come_back_sooner(one: int, other: int, spread: float):
    fewer, more = sorted((one, other))
    assert wait(fewer, spread=spread) <= wait(more, spread=spread) <= timedelta(hours=1)
