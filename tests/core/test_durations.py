from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.durations import parse_duration, show_duration
from monitor.core.nearest import nearest


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("5m", 300), ("1h30m", 5_400), ("2 h", 7_200), ("30d", 2_592_000), ("1w", 604_800), ("250ms", 0.25)],
)
def test_durations_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "m", "5x", "-5m", "5m!", "1e9h", None, True, [], "999999999w", "５ｍ h"])
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"duration|unit|years"):
        parse_duration(text)


@given(st.integers(0, 3_000_000_000).map(lambda n: timedelta(milliseconds=n)))
def test_what_is_shown_is_read_back(duration: timedelta) -> None:
    assert parse_duration(show_duration(duration)) == duration


@given(st.text(max_size=30), st.lists(st.text(max_size=10), max_size=20))
def test_a_hint_is_always_words_or_nothing(name: str, names: list[str]) -> None:
    assert nearest(name, names) == "" or nearest(name, names).startswith("; ")


def test_the_nearest_name_is_found_whatever_its_case() -> None:
    assert nearest("europe/lodnon", ["Europe/London", "Asia/Tokyo"]) == '; did you mean "Europe/London"?'
    assert nearest("x", ["park", "box"]) == "; there are park, box"
    assert nearest("x", []) == ""
