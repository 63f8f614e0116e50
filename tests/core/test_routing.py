"""Routing: the first route that matches, and never nobody because a channel is dead."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.routing import Route, route
from monitor.model import Alert, Severity

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
ALERT = Alert("bakery", 1, "angry", "angry@brand", Severity.HIGH, "open", NOON, platform="isso")
ALL = ("chat", "phone", "page")


def test_without_routes_every_channel_is_told() -> None:
    assert route([], ALERT, channels=ALL) == ALL


def test_where_no_route_matches_every_channel_is_told() -> None:
    assert route([Route(("phone",), brand="cinema")], ALERT, channels=ALL) == ALL


def test_the_first_matching_route_is_taken() -> None:
    routes = [Route(("phone",), brand="cinema"), Route(("chat",)), Route(("page",))]
    assert route(routes, ALERT, channels=ALL) == ("chat",)


def test_a_route_that_continues_goes_on_to_the_next_match_and_no_channel_is_told_twice() -> None:
    routes = [Route(("chat",), continue_=True), Route(("x",), rule="no"), Route(("page", "chat")), Route(("phone",))]
    assert route(routes, ALERT, channels=ALL) == ("chat", "page")


@pytest.mark.parametrize(
    ("fields", "is_match"),
    [
        ({"brand": "bakery"}, True),
        ({"brand": "cinema"}, False),
        ({"platform": "isso"}, True),
        ({"platform": "feeds"}, False),
        ({"rule": "angry"}, True),
        ({"rule": "mistake"}, False),
        ({"severity": "medium"}, True),
        ({"severity": "high"}, True),
        ({"severity": "crisis"}, False),
    ],
)
def test_a_route_matches_by_each_of_its_fields(fields: dict[str, Any], is_match: bool) -> None:
    assert Route(("chat",), **fields).matches(ALERT) is is_match


def test_a_rules_own_route_comes_before_all_others() -> None:
    routes = [Route(("chat",)), Route(("phone",), name="legal", brand="cinema")]
    assert route(routes, replace(ALERT, route="legal"), channels=ALL) == ("phone",)
    assert route(routes, replace(ALERT, route="gone"), channels=ALL) == ("chat",)


def test_a_dead_channel_is_left_out_while_another_of_its_route_lives() -> None:
    assert route([Route(("chat", "page"))], ALERT, frozenset({"chat"}), ALL) == ("page",)


def test_a_dead_channel_alone_is_replaced_by_a_living_one_of_another_route() -> None:
    routes = [Route(("chat",)), Route(("page",), brand="cinema")]
    assert route(routes, ALERT, frozenset({"chat"})) == ("page",)
    assert route(routes, ALERT, frozenset({"chat"}), ALL) == ("phone",)


def test_where_every_channel_is_dead_the_notice_waits_for_its_own() -> None:
    assert route([Route(("chat",))], ALERT, frozenset(ALL), ALL) == ("chat",)


def test_a_route_to_nobody_tells_nobody() -> None:
    assert route([Route((), severity="high")], ALERT, channels=ALL) == ()


NAMES = st.lists(st.sampled_from(ALL), min_size=1, max_size=3, unique=True).map(tuple)
ROUTES = st.lists(
    st.builds(
        Route,
        NAMES,
        brand=st.sampled_from(["", "bakery", "cinema"]),
        severity=st.sampled_from(["", "low", "crisis"]),
        continue_=st.booleans(),
    ),
    max_size=5,
)


@given(ROUTES, st.frozensets(st.sampled_from(ALL)))
def test_a_notice_is_never_lost(routes: list[Route], dead: frozenset[str]) -> None:
    told = route(routes, ALERT, dead, ALL)
    assert told
    assert len(set(told)) == len(told)
    assert not dead.intersection(told) or dead == set(ALL)
