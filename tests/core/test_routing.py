"""Routing: the tree of routes, who is on call, who is further up, and never nobody because somebody is away."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.calendar import Calendar
from monitor.core.routing import Reach, Route, Step, explain, ladder_of, matching, person_called, recipients, route
from monitor.core.telling import Person
from monitor.model import Alert, NoticeReason, Recipient, Severity

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
ALERT = Alert("bakery", 1, "angry", "angry@brand", Severity.HIGH, "open", NOON, platform="isso")
OWNED = replace(ALERT, status="acknowledged", acknowledged_by="Ana Ng")
ALWAYS = Calendar("UTC", None)
ALL = ("chat", "phone", "page")
ANA = Person("ana", "Ana Ng", ("ana-sms", "ana-mail"), ALWAYS)
BEN = Person("ben", "Ben", ("ben-sms",), ALWAYS)
PEOPLE = {"ana": ANA, "ben": BEN}
ON_CALL = {"support": ("ben",), "empty": ()}
REACH = Reach((*ALL, "ana-sms", "ana-mail", "ben-sms"), PEOPLE, lambda name: ON_CALL.get(name, ()))
LADDER = (Step(timedelta(minutes=15), on_call=("support",)), Step(timedelta(hours=1), people=("ana",)))


def _dead(*names: str) -> Reach:
    return replace(REACH, dead=frozenset(names))


def _channels(routes: list[Route], alert: Alert = ALERT, reach: Reach = REACH, *languages: str) -> tuple[str, ...]:
    return tuple(each.channel for each in route(matching(routes, alert, frozenset(languages)), reach))


def _whom(reason: NoticeReason, routes: list[Route], alert: Alert = ALERT, reach: Reach = REACH, **more: Any) -> str:
    """As "channel" or "channel:person", in order."""
    told = recipients(
        alert, reason, matching(routes, alert), more.get("ladder", LADDER), reach, more.get("already", ())
    )
    return " ".join(f"{each.channel}:{each.person}".rstrip(":") for each in told)


def test_without_routes_every_room_is_told_and_nobody_on_their_own_channel() -> None:
    assert _channels([]) == ALL


def test_where_there_are_only_people_they_are_told_as_themselves() -> None:
    alone = replace(REACH, channels=("ana-sms", "ben-sms"))
    assert route((), alone) == (Recipient("ana-sms", "ana"), Recipient("ben-sms", "ben"))


def test_where_no_route_matches_every_room_is_told() -> None:
    assert _channels([Route(("phone",), brand=("cinema",))]) == ALL


def test_the_first_matching_route_is_taken() -> None:
    assert _channels([Route(("phone",), brand=("cinema",)), Route(("chat",)), Route(("page",))]) == ("chat",)


def test_a_route_that_continues_goes_on_to_the_next_match_and_no_channel_is_told_twice() -> None:
    routes = [Route(("chat",), continue_=True), Route(("x",), rule=("no",)), Route(("page", "chat")), Route(("phone",))]
    assert _channels(routes) == ("chat", "page")


TREE = [
    Route(
        ("chat",),
        brand=("bakery",),
        ladder="support",
        routes=(
            Route(("page",), severity="crisis", ladder="owners"),
            Route(people=("ana",), language=("de", "fr"), continue_=True),
            Route(
                platform=("isso",),
                routes=(Route(("phone",), rule=("legal",)),),
            ),
        ),
    ),
    Route(("page",)),
]


@pytest.mark.parametrize(
    ("fields", "languages", "told", "ladder"),
    [
        ({}, (), "chat", "support"),
        ({"severity": Severity.CRISIS}, (), "page", "owners"),
        ({"rule": "legal"}, (), "phone", "support"),
        ({"platform": "feeds"}, (), "chat", "support"),
        ({"platform": "feeds"}, ("de", "en"), "ana-sms ana-mail", "support"),
        ({"rule": "legal"}, ("fr",), "ana-sms ana-mail phone", "support"),
        ({"brand": "cinema"}, ("fr",), "page", ""),
    ],
)
def test_the_deepest_match_is_taken_with_what_it_has_from_those_above(
    fields: dict[str, Any], languages: tuple[str, ...], told: str, ladder: str
) -> None:
    alert = replace(ALERT, **fields)
    assert " ".join(_channels(TREE, alert, REACH, *languages)) == told
    assert ladder_of(matching(TREE, alert, frozenset(languages))) == ladder


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"brand": ("cinema", "bakery")}, ""),
        ({"brand": ("cinema", "zoo")}, "brand is bakery, not cinema or zoo"),
        ({"platform": ("isso",)}, ""),
        ({"platform": ("feeds",)}, "platform is isso, not feeds"),
        ({"rule": ("angry",)}, ""),
        ({"rule": ("mistake",)}, "rule is angry, not mistake"),
        ({"language": ("de",)}, ""),
        ({"language": ("fr",)}, "language is de or en, not fr"),
        ({"severity": "medium"}, ""),
        ({"severity": "high"}, ""),
        ({"severity": "crisis"}, "severity is high, less than crisis"),
    ],
)
def test_a_route_matches_by_each_of_its_fields_and_says_why_not(fields: dict[str, Any], refusal: str) -> None:
    one = Route(("chat",), **fields)
    assert one.refusal(ALERT, frozenset({"en", "de"})) == refusal
    assert one.matches(ALERT, frozenset({"en", "de"})) is not bool(refusal)


def test_a_language_that_is_not_known_matches_no_route_that_wants_one() -> None:
    assert Route(("chat",), language=("de",)).refusal(ALERT, frozenset()) == "language is not known, not de"


def test_a_rules_own_route_comes_before_all_others_wherever_it_lies() -> None:
    legal = Route(("phone",), name="legal", brand=("cinema",))
    for routes in ([Route(("chat",)), legal], [Route(("chat",), brand=("zoo",), routes=(legal,))]):
        assert _channels(routes, replace(ALERT, route="legal")) == ("phone",)
        assert [one.is_taken for one in explain(routes, replace(ALERT, route="legal"))] == [False, True]
    assert _channels([Route(("chat",)), legal], replace(ALERT, route="gone")) == ("chat",)


def test_every_route_says_why_it_was_taken_or_not() -> None:
    told = [("  " * one.depth + one.says, one.is_taken) for one in explain(TREE, ALERT)]
    assert told == [
        ("it matches, and one within it", False),
        ("  severity is high, less than crisis", False),
        ("  language is not known, not de or fr", False),
        ("  it matches", True),
        ("    rule is angry, not legal", False),
        ("an earlier one was taken", False),
    ]


def test_a_dead_channel_is_left_out_while_another_of_its_route_lives() -> None:
    assert _channels([Route(("chat", "page"))], ALERT, _dead("chat")) == ("page",)


def test_a_dead_channel_alone_is_replaced_by_a_living_room() -> None:
    assert _channels([Route(("chat",))], ALERT, _dead("chat")) == ("phone",)


def test_where_every_room_is_dead_a_person_is_told() -> None:
    assert route(matching([Route(("chat",))], ALERT), _dead(*ALL)) == (Recipient("ana-sms", "ana"),)


def test_where_every_channel_is_dead_the_notice_waits_for_its_own() -> None:
    assert _channels([Route(("chat",))], ALERT, _dead(*REACH.channels)) == ("chat",)


def test_a_route_to_nobody_tells_nobody() -> None:
    assert _channels([Route((), severity="high")]) == ()


def test_a_rota_that_names_nobody_now_leaves_it_to_every_room() -> None:
    assert _channels([Route(on_call=("empty",))]) == ALL
    assert _channels([Route(on_call=("empty", "support"))]) == ("ben-sms",)


def test_a_step_goes_to_its_own_people_and_where_that_is_nobody_to_the_next_step() -> None:
    assert _whom("escalated", TREE) == "ben-sms:ben"
    assert _whom("escalated", TREE, replace(ALERT, step=1)) == "ana-sms:ana ana-mail:ana"
    lost = (Step(timedelta(1), on_call=("empty",)), *LADDER[1:])
    assert _whom("escalated", TREE, ladder=lost) == "ana-sms:ana ana-mail:ana"
    assert _whom("escalated", TREE, ladder=lost[:1]) == "chat phone page"


def test_news_and_reminders_go_to_everybody_who_was_asked_so_far() -> None:
    assert _whom("repeat", TREE) == "chat"
    assert _whom("more", TREE, replace(ALERT, step=1)) == "chat ben-sms:ben"
    assert _whom("repeat", TREE, replace(ALERT, step=2)) == "chat ben-sms:ben ana-sms:ana ana-mail:ana"


def test_news_of_what_somebody_has_goes_to_them_and_to_the_rooms() -> None:
    routes = [Route(("chat",), people=("ben",))]
    assert _whom("more", routes, OWNED) == "chat ana-sms:ana ana-mail:ana"
    assert _whom("repeat", [Route(people=("ben",))], OWNED) == "ana-sms:ana ana-mail:ana"
    assert _whom("more", routes, replace(OWNED, acknowledged_by="the night shift")) == "chat"
    nobody = replace(OWNED, acknowledged_by="the night shift")
    assert _whom("more", [Route(people=("ben",))], nobody) == "ben-sms:ben", "somebody must hear of it"


def test_news_of_what_somebody_has_whose_channels_are_dead_goes_to_whoever_the_route_names() -> None:
    assert _whom("more", [Route(people=("ben",))], OWNED, _dead("ana-sms", "ana-mail")) == "ben-sms:ben"


def test_what_grew_more_urgent_is_told_to_those_it_concerns_now_and_to_those_who_know_of_it() -> None:
    already = [Recipient("chat"), Recipient("ben-sms", "ben")]
    crisis = replace(OWNED, severity=Severity.CRISIS)
    assert _whom("severity_rose", TREE, crisis, already=already) == "page chat ben-sms:ben"


def test_the_all_clear_goes_to_everybody_who_was_told() -> None:
    already = [Recipient("page"), Recipient("ben-sms", "ben")]
    assert _whom("resolved", TREE, already=already) == "page ben-sms:ben"
    assert _whom("resolved", TREE, already=already, reach=_dead("page")) == "ben-sms:ben"
    assert _whom("resolved", TREE) == "chat", "who was told is forgotten by now"


def test_a_channel_that_is_named_twice_is_told_once_as_its_persons() -> None:
    routes = [Route(("ben-sms",), continue_=True), Route(people=("ben",), on_call=("support",))]
    assert _whom("first", routes) == "ben-sms:ben"


@pytest.mark.parametrize(("typed", "who"), [("ana", "ana"), ("ana ng", "ana"), ("Ben", "ben"), ("", None), ("x", None)])
def test_a_person_is_known_by_id_or_name(typed: str, who: str | None) -> None:
    found = person_called(typed, PEOPLE)
    assert (found.id if found else None) == who


def test_a_name_that_two_people_share_is_nobodys() -> None:
    assert person_called("Ben", {"b1": replace(BEN, id="b1"), "b2": replace(BEN, id="b2")}) is None


NAMES = st.lists(st.sampled_from(ALL), max_size=3, unique=True).map(tuple)


def _routes(inner: st.SearchStrategy[tuple[Route, ...]]) -> st.SearchStrategy[tuple[Route, ...]]:
    one = st.builds(
        Route,
        NAMES,
        people=st.sampled_from([(), ("ana",), ("ben", "gone")]),
        on_call=st.sampled_from([(), ("support",), ("empty",)]),
        brand=st.sampled_from([(), ("bakery",), ("cinema",)]),
        severity=st.sampled_from(["", "low", "crisis"]),
        language=st.sampled_from([(), ("de",)]),
        continue_=st.booleans(),
        routes=inner,
    ).filter(lambda each: each.has_targets)
    return st.lists(one, max_size=3).map(tuple)


ROUTES = st.recursive(st.just(()), _routes, max_leaves=6)
REASONS: list[NoticeReason] = ["first", "more", "severity_rose", "repeat", "escalated", "reopened", "resolved"]
TOLD = st.lists(st.sampled_from([Recipient("chat"), Recipient("ben-sms", "ben")]), unique=True)


@given(
    ROUTES,
    st.frozensets(st.sampled_from(REACH.channels)),
    st.sampled_from(REASONS),
    st.sampled_from([ALERT, OWNED]),
    st.integers(0, 1),
    TOLD,
    st.frozensets(st.sampled_from(["de", "en"])),
)
def test_a_notice_is_never_lost(
    routes: tuple[Route, ...], dead: frozenset[str], reason: NoticeReason, alert: Alert, step: int,
    already: list[Recipient], languages: frozenset[str],
) -> None:  # fmt: skip
    reach = replace(REACH, dead=dead)
    taken = matching(routes, alert, languages)
    told = recipients(replace(alert, step=step), reason, taken, LADDER, reach, already)
    assert told
    assert len({each.channel for each in told}) == len(told)
    assert not dead.intersection(each.channel for each in told) or dead == set(REACH.channels)


@given(ROUTES, st.sampled_from([ALERT, replace(ALERT, brand="cinema")]), st.frozensets(st.sampled_from(["de", "en"])))
def test_what_is_explained_is_what_is_taken(routes: tuple[Route, ...], alert: Alert, languages: frozenset[str]) -> None:
    explained = [one.route for one in explain(routes, alert, languages) if one.is_taken]
    taken = matching(routes, alert, languages)
    assert [each.routes for each in taken] == [each.routes for each in explained]
    assert [each.language for each in taken] == [each.language for each in explained]
    assert all(each.has_targets for each in taken)
