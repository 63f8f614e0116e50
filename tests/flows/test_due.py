"""Pumps and crews: a trouble that lasts is logged when it begins and when it is over, and nothing stops them."""

import threading
from collections.abc import Callable

import structlog

from monitor.errors import ClaimLost
from monitor.flows.due import Crew, Pump
from monitor.store.due import Claim

CLAIM = Claim("shop", 1, 1)


def _failing(times: int, error: Exception) -> tuple[Callable[..., None], threading.Semaphore]:
    """Work that fails so many times and then works; the semaphore counts how often it was done."""
    done, left = threading.Semaphore(0), [error] * times

    def work(*_: object) -> None:
        done.release()
        if left:
            raise left.pop()

    return work, done


def _events(lines: list[structlog.typing.EventDict]) -> list[tuple[str, object, object]]:
    return [(line["event"], line["queue"], line.get("n_failures")) for line in lines]


def test_a_pump_whose_database_is_away_says_so_once_and_once_that_it_is_back() -> None:
    work, done = _failing(5, OSError("the database is away"))
    pump = Pump("threads", work)
    with structlog.testing.capture_logs() as lines:
        pump.start()
        for _ in range(8):
            pump.wake()
            assert done.acquire(timeout=60)
        assert pump.stop(60)
    assert pump.is_alive is False
    assert _events(lines) == [("queue.failed", "threads", None), ("queue.recovered", "threads", 5)]


def test_a_lost_claim_is_no_trouble_and_is_tried_again_at_once() -> None:
    work, done = _failing(1, ClaimLost("the facts moved"))
    pump = Pump("threads", work)
    with structlog.testing.capture_logs() as lines:
        pump.start()
        pump.wake()
        assert done.acquire(timeout=60)
        assert done.acquire(timeout=60)
        assert pump.stop(60)
    assert lines == []


def test_a_crew_says_once_that_its_work_fails_and_goes_on() -> None:
    work, done = _failing(4, OSError("the database is away"))
    finished = threading.Semaphore(0)
    crew = Crew("poll", 2, finished.release)
    with structlog.testing.capture_logs() as lines:
        for _ in range(6):
            crew.put("an account", work, CLAIM)
            assert done.acquire(timeout=60)
            assert finished.acquire(timeout=60)
        crew.stop()
    assert crew.n_free == 2
    assert _events(lines) == [("queue.failed", "poll", None), ("queue.recovered", "poll", 4)]


def test_work_that_a_stop_keeps_from_beginning_is_no_trouble() -> None:
    begun, go_on, n_done = threading.Event(), threading.Event(), threading.Semaphore(0)

    def work(_claim: Claim) -> None:
        begun.set()
        go_on.wait(10)

    crew = Crew("poll", 1, n_done.release)
    with structlog.testing.capture_logs() as lines:
        crew.put("an account", work, CLAIM)
        crew.put("an account", work, CLAIM)
        assert begun.wait(10)
        stopping = threading.Thread(target=crew.stop)
        stopping.start()
        while crew.n_free < 0:
            stopping.join(0.01)  # until the second is taken back
        go_on.set()
        stopping.join(10)
    assert lines == []
    assert crew.n_free == 1
