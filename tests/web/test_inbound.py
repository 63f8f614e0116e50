"""What every door stands on: replays within a window, and refusals that are told once in a while."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from monitor.web.inbound import AHEAD, Refused, Replays, Tally

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_what_was_let_in_is_known_until_the_window_is_over() -> None:
    replays = Replays(HOUR)
    assert not replays.is_known("id-1", NOW)
    replays.remember("id-1", NOW)
    assert replays.is_known("id-1", NOW + HOUR + AHEAD)
    assert replays.is_known(b"id-1", NOW), "an id and its bytes are the same"
    assert not replays.is_known("id-2", NOW)
    assert not replays.is_known("id-1", NOW + HOUR + AHEAD + timedelta(seconds=1))


@given(st.timedeltas(-HOUR, AHEAD), st.timedeltas(timedelta(0), 2 * HOUR))
@example(AHEAD, HOUR + AHEAD)
@example(AHEAD, HOUR + timedelta(seconds=1))
def test_there_is_no_moment_at_which_a_replay_is_let_in(sent: timedelta, waits: timedelta) -> None:
    replays, sent_at = Replays(HOUR), NOW + sent
    replays.check_time("try", sent_at, NOW)
    replays.remember("body", NOW)
    later = NOW + waits
    with suppress(Refused):
        replays.check_time("try", sent_at, later)
        assert replays.is_known("body", later)


@pytest.mark.parametrize("late", [-HOUR, AHEAD, timedelta(0)])
def test_what_was_sent_within_the_window_is_let_in(late: timedelta) -> None:
    Replays(HOUR).check_time("try", NOW + late, NOW)


@pytest.mark.parametrize("late", [-HOUR - timedelta(seconds=1), AHEAD + timedelta(seconds=1)])
def test_what_was_sent_too_long_ago_or_tomorrow_is_refused(late: timedelta) -> None:
    with pytest.raises(Refused, match="time"):
        Replays(HOUR).check_time("try", NOW + late, NOW)


def test_what_is_remembered_does_not_grow_without_end() -> None:
    replays = Replays(HOUR, most=100)
    for number in range(1_000):
        replays.remember(str(number), NOW)
    assert [number for number in range(1_000) if replays.is_known(str(number), NOW)] == list(range(900, 1_000))
    replays.remember("new", NOW + 2 * HOUR)
    assert len(replays) == 1


def test_refusals_are_counted_one_by_one_and_told_once_a_minute() -> None:
    clock = [NOW]
    tally = Tally(lambda: clock[0])
    with capture_logs() as lines:
        for _ in range(500):
            tally.refused("push", "signature")
        tally.refused("push", "time")
        clock[0] += timedelta(minutes=1)
        tally.refused("push", "signature")
        tally.accepted("push")
    assert [(line["why"], line["n"]) for line in lines] == [("signature", 1), ("time", 1), ("signature", 500)]
    counted = {
        tuple(sample.labels.values()): sample.value
        for metric in tally.counter.collect()
        for sample in metric.samples
        if sample.name == "heedful_inbound_total"
    }
    assert counted == {
        ("push", "refused_signature"): 501,
        ("push", "refused_time"): 1,
        ("push", "accepted"): 1,
    }
