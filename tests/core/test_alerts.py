"""Alerts: each standing flag is in exactly one open alert, whatever was raised and cleared in whatever order."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.alerts import Key, Timings, group
from monitor.model import Alert, Flag, Severity, make_id

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TIMINGS = Timings()


def flag(
    thread_id: int = 1,
    group_key: str = "angry@brand",
    severity: Severity = Severity.MEDIUM,
    is_history: bool = False,
    brand: str = "bakery",
    source_id: str = "blog",
) -> Flag:
    return Flag(
        brand, thread_id, group_key.partition("@")[0], severity, group_key, (), (thread_id,), NOON, is_history,
        playbook="calm", route="legal", platform="isso", source_id=source_id,
    )  # fmt: skip


def _after(alerts: dict[Key, Alert], changed: Sequence[Alert]) -> dict[Key, Alert]:
    """What is open once the changed alerts are saved."""
    now = alerts | {(alert.brand, alert.group_key): alert for alert in changed}
    return {key: alert for key, alert in now.items() if alert.status != "resolved"}


def test_a_first_flag_opens_an_alert_that_carries_what_routing_needs() -> None:
    (alert,) = group([flag()], [], {}, NOON, TIMINGS)
    assert alert == Alert(
        brand="bakery",
        id=make_id("bakery", "alert", f"angry@brand@{NOON.isoformat()}"),
        rule="angry",
        group_key="angry@brand",
        severity=Severity.MEDIUM,
        status="open",
        opened_at=NOON,
        members={flag().fingerprint: Severity.MEDIUM},
        playbook="calm",
        route="legal",
        platform="isso",
        source_id="blog",
    )


def test_flags_of_one_group_join_one_alert_and_the_most_urgent_gives_its_severity() -> None:
    (alert,) = group(
        [flag(1), flag(2, severity=Severity.CRISIS), flag(3, severity=Severity.LOW)], [], {}, NOON, TIMINGS
    )
    assert len(alert.members) == 3
    assert alert.severity is Severity.CRISIS


def test_an_alert_calms_down_when_its_most_urgent_flag_leaves() -> None:
    worst = flag(2, severity=Severity.CRISIS)
    alerts = _after({}, group([flag(1), worst], [], {}, NOON, TIMINGS))
    (alert,) = group([], [worst], alerts, NOON, TIMINGS)
    assert (alert.severity, set(alert.members)) == (Severity.MEDIUM, {flag(1).fingerprint})


def test_a_flag_raised_again_as_it_was_changes_nothing() -> None:
    alerts = _after({}, group([flag()], [], {}, NOON, TIMINGS))
    assert group([flag()], [], alerts, NOON + MINUTE, TIMINGS) == ()


def test_an_alert_is_resolved_when_its_last_flag_leaves_and_coming_back_is_a_new_alert() -> None:
    alerts = _after({}, group([flag()], [], {}, NOON, TIMINGS))
    (resolved,) = group([], [flag()], alerts, NOON + MINUTE, TIMINGS)
    assert (resolved.status, resolved.resolved_at, resolved.members) == ("resolved", NOON + MINUTE, {})
    (again,) = group([flag()], [], _after(alerts, [resolved]), NOON + 2 * MINUTE, TIMINGS)
    assert again.id != resolved.id
    assert (again.status, again.told, again.n_told) == ("open", frozenset(), 0)


POST = "pile-on@subject:0000000000007"


def _past(*resolved: Alert) -> dict[Key, Alert]:
    return {(alert.brand, alert.group_key): alert for alert in resolved}


def _resolved(group_key: str, **fields: Any) -> Alert:
    alerts = _after({}, group([flag(1, group_key)], [], {}, NOON, TIMINGS))
    (over,) = group([], [flag(1, group_key)], alerts, NOON + MINUTE, TIMINGS)
    return replace(over, **fields)


def test_the_same_post_coming_up_again_soon_opens_the_same_alert_with_its_ladder_and_owner_as_new() -> None:
    was = _resolved(POST, n_told=3, acknowledged_by="ana", acknowledged_at=NOON, step=2, n_repeats=4, playbook="old")
    (again,) = group([flag(2, POST, Severity.HIGH)], [], {}, NOON + 60 * MINUTE, TIMINGS, _past(was))
    assert (again.id, again.status, again.opened_at, again.resolved_at) == (was.id, "open", NOON + 60 * MINUTE, None)
    assert (again.n_told, again.n_reopened, again.told) == (3, 1, frozenset())
    assert (again.acknowledged_by, again.step, again.n_repeats, again.playbook) == ("", 0, 0, "calm")
    assert (again.severity, set(again.members)) == (Severity.HIGH, {flag(2, POST).fingerprint})


def test_what_was_over_before_anybody_heard_so_was_never_over() -> None:
    was = _resolved(POST, n_told=1, told=frozenset({"pile-on:1"}), acknowledged_by="ana", step=1)
    (again,) = group([flag(1, POST)], [], {}, NOON + 2 * MINUTE, TIMINGS, _past(was))
    assert (again.id, again.status, again.acknowledged_by, again.opened_at) == (was.id, "acknowledged", "ana", NOON)
    assert (again.told, again.n_reopened, again.step) == (was.told, 0, 1)


@pytest.mark.parametrize("group_key", ["angry@brand", "angry@source:blog"])
def test_what_gathers_whatever_comes_begins_anew(group_key: str) -> None:
    (again,) = group([flag(2, group_key)], [], {}, NOON + 2 * MINUTE, TIMINGS, _past(_resolved(group_key)))
    assert again.n_reopened == 0
    assert again.opened_at == NOON + 2 * MINUTE


def test_what_comes_up_again_after_a_long_time_is_a_new_alert() -> None:
    late = NOON + MINUTE + TIMINGS.reopen_within
    was = _resolved(POST, n_told=1)
    (soon,) = group([flag(2, POST)], [], {}, late - MINUTE, TIMINGS, _past(was))
    (again,) = group([flag(2, POST)], [], {}, late, TIMINGS, _past(was))
    assert (soon.id == was.id, again.id == was.id, again.n_told) == (True, False, 0)


def test_a_flag_that_comes_as_the_last_one_leaves_keeps_the_alert_open() -> None:
    alerts = _after({}, group([flag(1)], [], {}, NOON, TIMINGS))
    (alert,) = group([flag(2)], [flag(1)], alerts, NOON, TIMINGS)
    assert (alert.status, set(alert.members)) == ("open", {flag(2).fingerprint})


def test_history_opens_no_alert_and_joins_none() -> None:
    assert group([flag(is_history=True)], [], {}, NOON, TIMINGS) == ()
    alerts = _after({}, group([flag(1)], [], {}, NOON, TIMINGS))
    assert group([flag(2, is_history=True)], [], alerts, NOON, TIMINGS) == ()


def test_a_flag_of_which_only_history_is_left_leaves_its_alert() -> None:
    alerts = _after({}, group([flag(1)], [], {}, NOON, TIMINGS))
    (alert,) = group([flag(1, is_history=True)], [], alerts, NOON, TIMINGS)
    assert alert.status == "resolved"


def test_a_flag_whose_group_changed_moves() -> None:
    alerts = _after({}, group([flag(1, "angry@author:a"), flag(2, "angry@author:a")], [], {}, NOON, TIMINGS))
    changed = group([flag(1, "angry@author:b")], [], alerts, NOON, TIMINGS)
    assert {alert.group_key: set(alert.members) for alert in changed} == {
        "angry@author:a": {flag(2).fingerprint},
        "angry@author:b": {flag(1).fingerprint},
    }


def test_brands_never_share_an_alert() -> None:
    changed = group([flag(brand="bakery"), flag(brand="cinema")], [], {}, NOON, TIMINGS)
    assert {alert.brand for alert in changed} == {"bakery", "cinema"}
    assert len({alert.id for alert in changed}) == 2


def test_an_alert_forgets_its_source_once_it_is_of_several() -> None:
    (alert,) = group([flag(1, source_id="blog"), flag(2, source_id="blog")], [], {}, NOON, TIMINGS)
    assert alert.source_id == "blog"
    (alert,) = group([flag(3, source_id="shop")], [], _after({}, [alert]), NOON, TIMINGS)
    assert alert.source_id == ""
    (alert,) = group([flag(4, source_id="blog")], [], _after({}, [alert]), NOON, TIMINGS)
    assert alert.source_id == ""


def test_what_people_did_and_were_told_stays_when_a_flag_joins() -> None:
    (alert,) = group([flag(1)], [], {}, NOON, TIMINGS)
    told = replace(alert, status="acknowledged", acknowledged_by="ana", told=frozenset(alert.members), n_told=1)
    (joined,) = group([flag(2)], [], _after({}, [told]), NOON, TIMINGS)
    assert (joined.status, joined.acknowledged_by, joined.told, joined.n_told) == ("acknowledged", "ana", told.told, 1)


GROUPS = ["angry@brand", "angry@source:blog", "mistake@subject:0000000000007"]
FLAGS = st.builds(
    flag, st.integers(1, 5), st.sampled_from(GROUPS), st.sampled_from(list(Severity)), st.booleans(),
    st.sampled_from(["bakery", "cinema"]), st.sampled_from(["blog", "shop"]),
)  # fmt: skip
STEPS = st.lists(st.tuples(st.lists(FLAGS, max_size=4), st.integers(0, 15)), max_size=12)


@settings(deadline=None)
@given(STEPS)
def test_each_standing_flag_is_in_exactly_one_open_alert_and_history_in_none(
    steps: list[tuple[list[Flag], int]],
) -> None:
    standing: dict[tuple[str, str], Flag] = {}
    alerts: dict[Key, Alert] = {}
    past: dict[Key, Alert] = {}
    for number, (raised, choice) in enumerate(steps):
        raised = list({(each.brand, each.fingerprint): each for each in raised}.values())
        names = sorted(standing.keys() - {(each.brand, each.fingerprint) for each in raised})
        cleared = [standing.pop(name) for place, name in enumerate(names) if choice >> place & 1]
        standing |= {(each.brand, each.fingerprint): each for each in raised}
        changed = group(raised, cleared, alerts, NOON + number * MINUTE, TIMINGS, past)
        assert all(alert != alerts.get((alert.brand, alert.group_key)) for alert in changed)
        backwards = group(raised[::-1], cleared[::-1], alerts, NOON + number * MINUTE, TIMINGS, past)
        assert {alert.id: alert for alert in backwards} == {alert.id: alert for alert in changed}
        alerts = _after(alerts, changed)
        past |= _past(*(alert for alert in changed if alert.status == "resolved"))
        assert len({alert.id for alert in alerts.values()}) == len(alerts)
        found = [(key[0], name, key[1]) for key, alert in alerts.items() for name in alert.members]
        wanted = [(brand, name, each.group_key) for (brand, name), each in standing.items() if not each.is_history]
        assert sorted(found) == sorted(wanted)
        for alert in alerts.values():
            assert alert.members
            assert alert.severity.rank == min(severity.rank for severity in alert.members.values())
