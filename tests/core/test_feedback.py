"""What people said of flags: calibrations, intervals and proposed thresholds, whatever was said."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.calibration import LEAST_CORRECTIONS, Calibration, fit
from monitor.core.corrections import Correction
from monitor.core.precision import Counts, count, propose, threshold_of, verdicts, wilson
from monitor.core.rules import load_rules

AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
PROBABILITIES = st.floats(0, 1)
SAID = st.lists(st.tuples(PROBABILITIES, st.booleans()), max_size=80)
ENOUGH = SAID.map(lambda said: [*said, *((0.7, n % 2 == 0) for n in range(LEAST_CORRECTIONS))])


@given(ENOUGH, PROBABILITIES, PROBABILITIES)
def test_a_calibration_never_turns_the_order_of_two_values(
    said: Sequence[tuple[float, bool]], one: float, other: float
) -> None:
    calibration = fit(said)
    assert calibration.n == len(said)
    low, high = sorted((one, other))
    assert 0 <= calibration(low) <= calibration(high) <= 1


@given(st.lists(st.tuples(PROBABILITIES, st.booleans()), max_size=LEAST_CORRECTIONS - 1), PROBABILITIES)
def test_with_too_few_corrections_every_value_stays_what_it_is(
    said: Sequence[tuple[float, bool]], value: float
) -> None:
    assert fit(said) == Calibration()
    assert fit(said)(value) == value


@given(st.lists(PROBABILITIES, max_size=80), st.booleans(), PROBABILITIES)
def test_with_corrections_of_one_kind_every_value_stays_what_it_is(
    values: Sequence[float], right: bool, value: float
) -> None:
    assert fit((one, right) for one in values)(value) == value


@given(ENOUGH, st.randoms(use_true_random=False))
def test_the_order_in_which_it_was_said_does_not_matter(said: list[tuple[float, bool]], random: object) -> None:
    before = fit(said)
    random.shuffle(said)  # type: ignore[attr-defined]
    assert fit(said) == before


@given(ENOUGH, st.integers(0, 100), st.booleans())
def test_more_of_one_kind_never_moves_all_values_the_other_way(
    said: Sequence[tuple[float, bool]], n: int, right: bool
) -> None:
    before, after = fit(said), fit([*said, *((0.7, right) for _ in range(n))])
    moved = after(0.7) - before(0.7)
    assert moved >= -1e-5 if right else moved <= 1e-5


def test_what_people_keep_finding_wrong_is_believed_less() -> None:
    said = [(0.75, False)] * 30 + [(0.95, True)] * 30
    calibration = fit(said)
    assert calibration(0.75) < 0.5 < calibration(0.95)
    assert fit([(0.75, n % 4 > 0) for n in range(400)])(0.75) == pytest.approx(0.75, abs=0.01)


def test_twenty_corrections_move_little_and_two_hundred_move_much() -> None:
    few, many = ([(0.8, n % 5 == 0) for n in range(size)] for size in (20, 200))
    assert 0.8 > fit(few)(0.8) > fit(many)(0.8) > 0.2


@given(ENOUGH)
def test_a_calibration_is_as_good_as_none_at_the_least_on_what_it_was_fitted_to(
    said: Sequence[tuple[float, bool]],
) -> None:
    from math import log

    def loss(calibration: Calibration) -> float:
        kept = [min(max(calibration(value), 1e-6), 1 - 1e-6) for value, _ in said]
        return -sum(log(p if right else 1 - p) for p, (_, right) in zip(kept, said, strict=True))

    assert loss(fit(said)) <= loss(Calibration()) + 1e-3 * len(said)


@given(st.integers(0, 500), st.integers(0, 500))
def test_the_interval_holds_the_share_and_narrows_with_more(n_right: int, n_wrong: int) -> None:
    n = n_right + n_wrong
    low, high = wilson(n_right, n)
    assert 0 <= low <= high <= 1
    if n:
        assert low - 1e-9 <= n_right / n <= high + 1e-9
        wider = wilson(n_right * 4, n * 4)
        assert wider[1] - wider[0] < high - low


def test_the_interval_is_that_of_the_books() -> None:
    low, high = wilson(8, 10)
    assert (round(low, 4), round(high, 4)) == (0.4902, 0.9433)


@given(SAID, st.floats(0, 1))
def test_a_proposal_is_never_below_the_present_threshold_and_never_worse(
    said: Sequence[tuple[float, bool]], present: float
) -> None:
    flags = [(value, right) for value, right in said if value >= present]
    proposal = propose(said, present)
    assert (proposal is None) == (len(flags) < 10)
    if proposal is None:
        return
    assert proposal.threshold >= present
    kept = proposal.kept_right + proposal.kept_wrong
    assert kept == sum(value >= proposal.threshold for value, _ in flags)
    assert kept + proposal.dropped_right + proposal.dropped_wrong == len(flags)
    n_right = sum(right for _, right in flags)
    assert 2 * proposal.kept_right * (len(flags) + n_right) >= 2 * n_right * (kept + n_right)


def test_the_threshold_that_parts_right_from_wrong_is_found_and_is_round() -> None:
    said = [(0.71 + n / 100, False) for n in range(6)] + [(0.85 + n / 100, True) for n in range(6)]
    proposal = propose(said, 0.7)
    assert proposal is not None
    assert (proposal.threshold, proposal.kept_right, proposal.kept_wrong) == (0.81, 6, 0)
    assert (proposal.dropped_right, proposal.dropped_wrong) == (0, 6)


def correction(thread: int, is_wrong: bool, minute: int = 0) -> Correction:
    return Correction("bakery", thread, thread, "angry", is_wrong, "anna", AT + timedelta(minutes=minute))


def test_each_flag_is_counted_once_and_by_what_was_said_last() -> None:
    said = [correction(1, False, 5), correction(1, True), correction(2, True)]
    raised = [(1, "angry", False), (2, "angry", False), (3, "angry", True), (4, "angry", False), (4, "rude", True)]
    assert count(raised, verdicts(said)) == {"angry": Counts(1, 1, 1, 1), "rude": Counts(n_open=1)}
    assert Counts(3, 1, 5, 2).precision == 0.75
    assert Counts(n_quiet=5).precision is None


@pytest.mark.parametrize(
    ("when", "threshold"),
    [
        ({"signal": "angry", "at_least": 0.7}, ("angry", 0.7)),
        ({"all": [{"signal": "angry", "at_least": 0.7}, {"kind": "review"}]}, ("angry", 0.7)),
        ({"all": [{"signal": "angry", "at_least": 0.7}, {"signal": "mistake", "at_least": 0.5}]}, None),
        (
            {"all": [{"signal": "angry", "at_least": 0.7}, {"not": {"signal": "closing", "at_least": 1}}]},
            ("angry", 0.7),
        ),
        ({"signal": "closing", "below": 0.5}, None),
        ({"kind": "review"}, None),
    ],
)
def test_a_rule_has_a_threshold_if_it_asks_for_one_signal(when: object, threshold: object) -> None:
    rules = load_rules([("rules.toml", {"rules": {"it": {"severity": "low", "when": when}}})])
    assert threshold_of(rules.conditions["it"]) == threshold
