"""Whether work grows with what is given to it or with its square; how fast the machine is does not matter."""

from collections.abc import Callable
from time import process_time

TIMES = 8
MOST = 25.0  # where the square would be 64; what is only measured roughly leaves room below and above


def growth(work: Callable[[int], object], n: int) -> float:
    """How many times as long the work takes on eight times as much; each measured at its best of three."""
    return _least_s(work, TIMES * n) / max(_least_s(work, n), 0.000_1)


def _least_s(work: Callable[[int], object], n: int) -> float:
    return min(_seconds(work, n) for _ in range(3))


def _seconds(work: Callable[[int], object], n: int) -> float:
    began = process_time()
    work(n)
    return process_time() - began
