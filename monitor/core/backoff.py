"""When to try again after failures: later each time, and never given up."""

from datetime import datetime, timedelta

BASE = timedelta(seconds=30)
CAP = timedelta(hours=1)


def next_try(
    n_failures: int, now: datetime, base: timedelta = BASE, cap: timedelta = CAP, spread: float = 0.0
) -> datetime:
    """The instant of the next try: after `base`, doubling with each failure in a row up to `cap`.

    `spread` in [0, 1) is a random number that the caller draws; it brings the try forward by up to half the
    wait, so that many rows that failed together do not come back together. Never later than `cap` from now.
    """
    wait = _doubled(base, n_failures - 1, cap)
    return now + wait - wait / 2 * spread


def _doubled(base: timedelta, n_times: int, cap: timedelta) -> timedelta:
    """`base` times two to the power of `n_times`, at most `cap`; stops doubling early, so no count overflows."""
    wait = min(base, cap)
    for _ in range(n_times):
        wait = min(wait * 2, cap)
        if wait == cap or not wait:
            break
    return wait
