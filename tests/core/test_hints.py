"""Hints: which sources they are about, and when a poll may be asked for."""

from datetime import UTC, datetime, timedelta

import pytest

from monitor.core.hints import Hint, Standing, concerns, gap, is_welcome

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
EVERY = timedelta(minutes=5)


@pytest.mark.parametrize(
    ("hint", "watch", "own", "is_about"),
    [
        (Hint(), "page", {"1055"}, True),
        (Hint("1055"), "page", {"1055"}, True),
        (Hint("1055"), "page", {"2066"}, False),
        (Hint("1055"), "page", set(), True),  # not read yet: whose it is has not been learned
        (Hint("1055", "page"), "reviews", {"1055"}, False),
        (Hint("1055", "page"), "", {"1055"}, True),  # a connector that watches all at once
        (Hint("", "messages"), "messages", {"1055"}, True),
    ],
)
def test_a_hint_is_about_the_sources_of_its_account_that_watch_it(
    hint: Hint, watch: str, own: set[str], is_about: bool
) -> None:
    assert concerns(hint, watch, own) == is_about


@pytest.mark.parametrize(
    ("changes", "is_it"),
    [
        ({}, True),
        ({"next_poll_at": NOW + EVERY}, True),
        ({"next_poll_at": NOW + EVERY + timedelta(seconds=1)}, False),  # its platform asked for a pause
        ({"is_requested": True}, False),
        ({"is_held": True}, False),
        ({"is_failing": True}, False),
        ({"is_closed": True}, False),
    ],
)
def test_a_poll_is_asked_for_unless_it_comes_anyway_or_patience_was_asked_for(
    changes: dict[str, datetime | bool], is_it: bool
) -> None:
    standing = {"id": "s", "own_author_ids": (), "next_poll_at": NOW + timedelta(minutes=1)} | changes
    assert is_welcome(Standing(**standing), EVERY, NOW) == is_it  # type: ignore[arg-type]


def test_hints_make_polls_at_most_five_times_as_frequent() -> None:
    assert gap(timedelta(minutes=5)) == timedelta(minutes=1)
    assert gap(timedelta(seconds=2)) == timedelta(seconds=1)
