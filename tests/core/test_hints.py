"""Hints: which sources they are about, and when a poll may be asked for."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.hints import (
    BURST,
    LEAST_GAP,
    Hint,
    Standing,
    allowance,
    concerns,
    has_settled,
    is_allowed,
    is_welcome,
    spend,
)

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


def test_a_burst_of_hints_is_allowed_and_then_two_polls_an_interval() -> None:
    present, now, n = allowance(None, EVERY, NOW), NOW, 0
    for _ in range(24 * 60 * 6):
        present, now = allowance(present, EVERY, now), now + timedelta(seconds=10)
        if is_allowed(present, EVERY):
            present, n = spend(present), n + 1
    a_day = timedelta(days=1) / EVERY
    assert BURST < n <= 2 * a_day + BURST


@given(st.lists(st.timedeltas(timedelta(0), timedelta(minutes=20)), max_size=80))
def test_whenever_hints_come_they_keep_to_their_allowance(waits: list[timedelta]) -> None:
    present, now = allowance(None, EVERY, NOW), NOW
    asked: list[datetime] = []
    for wait in waits:
        now += wait
        present = allowance(present, EVERY, now)
        if is_allowed(present, EVERY):
            present = spend(present)
            asked.append(now)
    assert all(later - sooner >= LEAST_GAP for sooner, later in pairwise(asked))
    for place, begins in enumerate(asked):
        for n, ends in enumerate(asked[place:], 1):
            assert n <= BURST + 2 * (ends - begins) / EVERY + 1e-6


@pytest.mark.parametrize(
    ("first_s", "last_s", "is_so"),
    [(0.5, 0.5, False), (1, 1, True), (4, 0.1, False), (5, 0, True)],
)
def test_a_flood_is_waited_for_but_not_for_long(first_s: float, last_s: float, is_so: bool) -> None:
    came = (NOW - timedelta(seconds=first_s), NOW - timedelta(seconds=last_s))
    assert has_settled(*came, NOW) == is_so
