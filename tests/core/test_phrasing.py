"""How times, durations and counts are put into words."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.phrasing import counted, local_time, waiting


@pytest.mark.parametrize(
    ("delta", "says"),
    [
        (timedelta(seconds=-5), "under 1 min"),
        (timedelta(seconds=59), "under 1 min"),
        (timedelta(seconds=60), "1 min"),
        (timedelta(minutes=59, seconds=59), "59 min"),
        (timedelta(hours=1), "1 h"),
        (timedelta(hours=3, minutes=40), "3 h"),
        (timedelta(hours=47, minutes=59), "47 h"),
        (timedelta(hours=48), "2 days"),
        (timedelta(days=59, hours=23), "59 days"),
        (timedelta(days=60), "2 months"),
        (timedelta(days=729), "24 months"),
        (timedelta(days=730), "2 years"),
        (timedelta(days=365 * 12), "12 years"),
    ],
)
def test_a_duration_reads_in_its_largest_fitting_unit(delta: timedelta, says: str) -> None:
    assert waiting(delta) == says


@given(st.timedeltas())
def test_any_duration_has_words(delta: timedelta) -> None:
    assert waiting(delta)[-1].isalpha()


def test_a_time_is_shown_on_the_brands_clock_with_its_zone() -> None:
    at = datetime(2026, 11, 12, 13, 5, tzinfo=UTC)
    assert local_time(at, "Europe/Berlin") == "Thu 12 Nov 2026, 14:05 CET"
    assert local_time(at, ZoneInfo("America/New_York")) == "Thu 12 Nov 2026, 08:05 EST"
    assert local_time(at, UTC) == "Thu 12 Nov 2026, 13:05 UTC"


def test_the_two_same_hours_of_an_autumn_night_read_differently() -> None:
    first = local_time(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "Europe/Berlin")
    second = local_time(datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "Europe/Berlin")
    assert (first, second) == ("Sun 25 Oct 2026, 02:30 CEST", "Sun 25 Oct 2026, 02:30 CET")


def test_a_count_agrees_with_its_noun() -> None:
    assert [counted(n, "person", "people") for n in (0, 1, 1200)] == ["0 people", "1 person", "1,200 people"]
