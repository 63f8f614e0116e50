"""Whether heedful itself is well: what is wrong with it now, and what is over. Pure.

A trouble begins at its limit and ends well below it, so that what wavers about the limit is told once.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from monitor.core.phrasing import counted, waiting

LAG, QUARANTINE, DISK = "lag:", "quarantine:", "disk"
PREFIXES = (LAG, QUARANTINE, DISK)
_EASED = 2  # a trouble is over at its limit divided by this


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on something is told: a queue's lag, a source's unreadable payloads in an hour, bytes left free."""

    lag: timedelta = timedelta(minutes=10)
    unreadable_per_hour: int = 20
    free_bytes: int = 500 * 2**20


@dataclass(frozen=True, slots=True)
class Seen:
    """How things are: lag by queue, unreadable payloads of the last hour by source, free bytes (None: not known)."""

    lags: Mapping[str, timedelta] = field(default_factory=dict)
    unreadable: Mapping[str, int] = field(default_factory=dict)
    free_bytes: int | None = None


def troubles(seen: Seen, limits: Limits) -> dict[str, str]:
    """What is to be told, by its key: what is wrong, what follows, what to do."""
    return dict((*_lags(seen, limits), *_unreadable(seen, limits), *_disk(seen, limits)))


def _lags(seen: Seen, limits: Limits) -> Iterator[tuple[str, str]]:
    for queue, lag in seen.lags.items():
        if lag >= limits.lag:
            yield (
                LAG + queue,
                f"The queue of {queue} is {waiting(lag)} behind, so what happens now is told late. The machine may be "
                "too busy or the database too slow: look at `heedful status` and at the log.",
            )


def _unreadable(seen: Seen, limits: Limits) -> Iterator[tuple[str, str]]:
    for source, n in seen.unreadable.items():
        if n >= limits.unreadable_per_hour:
            yield (
                QUARANTINE + source,
                f"{counted(n, 'answer', 'answers')} of {source} could not be read within an hour and "
                f"{'waits' if n == 1 else 'wait'} in quarantine: the platform may have changed. Nothing is lost, but "
                f"it is not seen. `heedful fetch {source}` shows what arrives; a newer heedful may read it.",
            )


def _disk(seen: Seen, limits: Limits) -> Iterator[tuple[str, str]]:
    if seen.free_bytes is not None and seen.free_bytes < limits.free_bytes:
        yield (
            DISK,
            f"The disk of the database has {seen.free_bytes // 2**20:,} MiB left. When it is full nothing can be "
            "stored or told: make room.",
        )


def over(open_keys: Collection[str], seen: Seen, limits: Limits) -> list[str]:
    """Which of the troubles that people were told of are over."""
    return [key for key in open_keys if _is_over(key, seen, limits)]


def _is_over(key: str, seen: Seen, limits: Limits) -> bool:
    if key.startswith(LAG):
        return seen.lags.get(key.removeprefix(LAG), timedelta(0)) <= limits.lag / _EASED
    if key.startswith(QUARANTINE):
        return seen.unreadable.get(key.removeprefix(QUARANTINE), 0) <= limits.unreadable_per_hour / _EASED
    return seen.free_bytes is None or seen.free_bytes >= limits.free_bytes * _EASED
