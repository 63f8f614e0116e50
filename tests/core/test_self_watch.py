"""The daemon's own troubles: when they begin, when they are over."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.core.self_watch import Limits, Seen, over, troubles

LIMITS = Limits(lag=timedelta(minutes=10), unreadable_per_hour=20, free_bytes=500 * 2**20)

seen_at_random = st.builds(
    Seen,
    lags=st.dictionaries(
        st.sampled_from(["threads", "alerts"]), st.timedeltas(timedelta(0), timedelta(hours=1)), max_size=2
    ),
    unreadable=st.dictionaries(st.sampled_from(["blog", "page"]), st.integers(0, 60), max_size=2),
    free_bytes=st.none() | st.integers(0, 2 * 2**30),
)


def test_a_queue_that_is_far_behind_is_told_with_how_far() -> None:
    found = troubles(Seen({"threads": timedelta(minutes=12), "alerts": timedelta(minutes=9)}), LIMITS)
    assert list(found) == ["lag:threads"]
    assert "12 min behind" in found["lag:threads"]


def test_a_quarantine_that_grows_names_the_source_and_what_to_do() -> None:
    found = troubles(Seen(unreadable={"shop-page": 25, "shop-blog": 3}), LIMITS)
    assert list(found) == ["quarantine:shop-page"]
    assert "25 answers of shop-page" in found["quarantine:shop-page"]
    assert "heedful fetch shop-page" in found["quarantine:shop-page"]


def test_a_disk_that_fills_is_told_and_one_that_is_not_ours_is_not() -> None:
    assert "100 MiB" in troubles(Seen(free_bytes=100 * 2**20), LIMITS)["disk"]
    assert troubles(Seen(free_bytes=None), LIMITS) == {}
    assert troubles(Seen(free_bytes=500 * 2**20), LIMITS) == {}


def test_a_lag_that_wavers_about_its_limit_is_one_trouble() -> None:
    just_below = Seen({"threads": timedelta(minutes=9)})
    assert troubles(just_below, LIMITS) == {}
    assert over(["lag:threads"], just_below, LIMITS) == []
    assert over(["lag:threads"], Seen({"threads": timedelta(minutes=5)}), LIMITS) == ["lag:threads"]


def test_what_is_no_longer_measured_is_over() -> None:
    assert over(["lag:links", "quarantine:gone", "disk"], Seen(), LIMITS) == ["lag:links", "quarantine:gone", "disk"]


@given(seen_at_random)
def test_nothing_begins_and_ends_at_the_same_look(seen: Seen) -> None:
    assert over(list(troubles(seen, LIMITS)), seen, LIMITS) == []
