"""How often people agreed with a rule, and which threshold would have agreed with them best."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, sqrt

from monitor.core.corrections import Correction
from monitor.core.truth import Condition

LEAST_CORRECTIONS = 10
_SURE = 1.959964  # 95 %
_STEPS = 100  # thresholds are written with two digits


@dataclass(frozen=True, slots=True)
class Proposal:
    """A threshold, and what of the corrected flags it would have kept and dropped."""

    threshold: float
    kept_right: int
    kept_wrong: int
    dropped_right: int
    dropped_wrong: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How often a rule flagged a thread, and what became of it.

    `quiet` are the flags that went (answered, closed) without a word of anybody about them; `n_open` still stand.
    """

    n_right: int = 0
    n_wrong: int = 0
    n_quiet: int = 0
    n_open: int = 0

    @property
    def n(self) -> int:
        return self.n_right + self.n_wrong + self.n_quiet + self.n_open

    @property
    def precision(self) -> float | None:
        """How often people agreed, of those times when they said anything."""
        n_said = self.n_right + self.n_wrong
        return self.n_right / n_said if n_said else None


Raised = tuple[int, str, bool]
"""A flag: its thread, its rule, and whether it stands."""


def verdicts(said: Iterable[Correction]) -> dict[tuple[int, str], bool]:
    """By thread and rule whether people found it right; what was said last counts."""
    return {(one.thread_id, one.rule): not one.is_wrong for one in sorted(said, key=lambda one: one.at)}


def count(raised: Iterable[Raised], found_right: Mapping[tuple[int, str], bool]) -> dict[str, Counts]:
    """For each rule that flagged anything what became of its flags."""
    tallies: dict[str, Counter[str]] = {}
    for thread_id, rule, stands in raised:
        right = found_right.get((thread_id, rule))
        became = ("n_open" if stands else "n_quiet") if right is None else "n_right" if right else "n_wrong"
        tallies.setdefault(rule, Counter())[became] += 1
    return {rule: Counts(**tally) for rule, tally in tallies.items()}


def wilson(n_right: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share, honest for small numbers too (Wilson); (0, 1) of nothing."""
    if not n:
        return 0.0, 1.0
    share, square = n_right / n, _SURE**2
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = _SURE * sqrt(share * (1 - share) / n + square / (4 * n * n)) / (1 + square / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def threshold_of(condition: Condition | None) -> tuple[str, float] | None:
    """The one signal that a rule asks to be high, and how high; None if it asks for none or for several."""
    found = set(_thresholds(condition)) if condition else set()
    return found.pop() if len(found) == 1 else None


def _thresholds(condition: Condition) -> Iterator[tuple[str, float]]:
    if condition.reaches is not None:
        yield condition.reaches
    for child in condition.children if condition.name != "not" else ():
        yield from _thresholds(child)


def propose(said: Iterable[tuple[float, bool]], present: float) -> Proposal | None:
    """The threshold with the best F1 on corrected flags (value, was it right); None while they are too few.

    What lies below the present threshold was never raised, so it is never lowered. Of equals the lowest is taken.
    """
    flags = [(value, right) for value, right in said if value >= present]
    if len(flags) < LEAST_CORRECTIONS:
        return None
    tried = [_try(flags, threshold) for threshold in _candidates(flags, present)]
    return max(tried, key=lambda one: (_f1(one), -one.threshold))


def _candidates(flags: Sequence[tuple[float, bool]], present: float) -> list[float]:
    """The present threshold, and the roundest that lies between each two neighbouring values."""
    values = sorted({value for value, _ in flags})
    return [present, *(_between(low, high) for low, high in pairwise(values))]


def _between(low: float, high: float) -> float:
    first, last = floor(low * _STEPS) + 1, floor(high * _STEPS)
    return ceil((first + last) / 2) / _STEPS if first <= last else high


def _try(flags: Sequence[tuple[float, bool]], threshold: float) -> Proposal:
    kept = [right for value, right in flags if value >= threshold]
    dropped = [right for value, right in flags if value < threshold]
    return Proposal(threshold, sum(kept), len(kept) - sum(kept), sum(dropped), len(dropped) - sum(dropped))


def _f1(one: Proposal) -> float:
    whole = 2 * one.kept_right + one.kept_wrong + one.dropped_right
    return 2 * one.kept_right / whole if whole else 0.0
