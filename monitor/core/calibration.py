"""Calibration: a brand's own reading of a signal, fitted to what its people said about flags.

Platt's two numbers on the log odds: p -> sigmoid(slope * logit(p) + offset). A prior holds them near 1 and 0, so that a
few corrections move little; the slope stays positive, so that a higher value never becomes a lower one than another.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, fsum, log

from monitor.core.facts import Facts
from monitor.model import Signals, StoredComment

LEAST_CORRECTIONS = 20  # of both kinds
_PRIOR = 2.0  # as strong as a handful of corrections
_LEAST_SLOPE = 0.05
_CERTAIN = 16.0
_EDGE = 1e-6
_ROUNDS = 60
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Calibration:
    """How one brand reads one signal; `n` corrections are behind it."""

    slope: float = 1.0
    offset: float = 0.0
    n: int = 0

    def __call__(self, value: float) -> float:
        """The calibrated probability; rises with the value."""
        if self.slope == 1.0 and self.offset == 0.0:
            return value
        return round(_sigmoid(self.slope * _logit(value) + self.offset), _DIGITS)


def fit(said: Iterable[tuple[float, bool]]) -> Calibration:
    """The calibration of (measured value, was it right); the identity unless there are enough of both kinds."""
    pairs = sorted(said)  # sums of floats depend on their order, and a calibration must not
    rights = sum(right for _, right in pairs)
    if len(pairs) < LEAST_CORRECTIONS or rights in (0, len(pairs)):
        return Calibration()
    points = [(_logit(value), float(right)) for value, right in pairs]
    slope, offset = _newton(points, 1.0, 0.0, is_free=True)
    if slope < _LEAST_SLOPE:  # the loss is convex: the best that is allowed lies on the border
        slope, offset = _newton(points, _LEAST_SLOPE, 0.0, is_free=False)
    return Calibration(round(slope, _DIGITS), round(offset, _DIGITS), len(pairs))


def _newton(
    points: Sequence[tuple[float, float]], slope: float, offset: float, *, is_free: bool
) -> tuple[float, float]:
    """The least loss (log loss and prior), by Newton's method with halved steps; the slope as given unless free."""
    loss = _loss(points, slope, offset)
    for _ in range(_ROUNDS):
        by_slope, by_offset = _step(points, slope, offset, is_free)
        size = 1.0
        while (now := _loss(points, slope - size * by_slope, offset - size * by_offset)) > loss and size > _EDGE:
            size /= 2
        if loss - now < _EDGE * _EDGE:
            break
        slope, offset, loss = slope - size * by_slope, offset - size * by_offset, now
    return slope, offset


def _step(points: Sequence[tuple[float, float]], slope: float, offset: float, is_free: bool) -> tuple[float, float]:
    found = [(x, _sigmoid(slope * x + offset), y) for x, y in points]
    down = fsum(p - y for _, p, y in found) + _PRIOR * offset
    bend = fsum(p * (1 - p) for _, p, _ in found) + _PRIOR
    if not is_free:
        return 0.0, down / bend
    down_slope = fsum((p - y) * x for x, p, y in found) + _PRIOR * (slope - 1)
    bend_slope = fsum(p * (1 - p) * x * x for x, p, _ in found) + _PRIOR
    both = fsum(p * (1 - p) * x for x, p, _ in found)
    area = bend * bend_slope - both * both  # positive: the prior sees to it
    return (bend * down_slope - both * down) / area, (bend_slope * down - both * down_slope) / area


def _loss(points: Sequence[tuple[float, float]], slope: float, offset: float) -> float:
    prior = _PRIOR / 2 * ((slope - 1) ** 2 + offset**2)
    return fsum(_surprise(slope * x + offset, y) for x, y in points) + prior


def _surprise(z: float, y: float) -> float:
    """-log of the probability of y, whatever the size of z."""
    towards = z if y else -z
    return log(1 + exp(-towards)) if towards > -_CERTAIN * 2 else -towards


def _logit(value: float) -> float:
    kept = min(max(value, _EDGE), 1 - _EDGE)
    return log(kept / (1 - kept))


def _sigmoid(z: float) -> float:
    return 1 / (1 + exp(-min(max(z, -_CERTAIN), _CERTAIN)))


def calibrated(facts: Facts, calibrations: Mapping[str, Calibration]) -> Facts:
    """The facts as the brand reads them: the one place where a measured value becomes what the rules see."""

    def read(stored: StoredComment) -> StoredComment:
        return replace(stored, signals=_read(stored.signals, calibrations))

    return replace(
        facts,
        comments={number: read(it) for number, it in facts.comments.items()},
        subject_people=[read(it) for it in facts.subject_people],
        measured={it.id: it.signals for it in (*facts.subject_people, *facts.comments.values())},
    )


def _read(measured: Signals, calibrations: Mapping[str, Calibration]) -> Signals:
    read = dict(measured)
    for name, calibration in calibrations.items():
        value = measured.get(name)
        if isinstance(value, float):
            read[name] = calibration(value)
    return read
