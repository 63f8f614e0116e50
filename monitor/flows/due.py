"""Working the due-queues: claim what is due, hand each claim to its flow, until nothing is due.

A pump is a thread that sleeps until somebody wakes it: the clock's tick, or a commit that made rows due. A
wake-up during the work is not lost: the pump looks once more.
"""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from monitor import log
from monitor.errors import ClaimLost
from monitor.store.due import Claim

_log = log.get()


class Trouble:
    """Logs that the work on a queue fails when that begins and when it is over, not at every tick in between."""

    def __init__(self, queue: str) -> None:
        self._queue, self._outages = queue, log.Outages()

    def failed(self, error: BaseException) -> None:
        if self._outages.lost(self._queue, datetime.now(UTC)):
            _log.error("queue.failed", queue=self._queue, exc_info=error)

    def worked(self) -> None:
        if since := self._outages.back(self._queue, datetime.now(UTC)):
            _log.info("queue.recovered", queue=self._queue, n_failures=since["n_failures"], lost_s=since["lost_s"])


class Pump:
    """One queue's worker thread; `work` claims and does what is due, and returns when nothing is.

    What it returns is after how many seconds something will be (None: the clock's next tick is soon enough).
    """

    def __init__(self, name: str, work: Callable[[], float | None]) -> None:
        self.name = name
        self._work = work
        self._again: float | None = None
        self._woken = threading.Event()
        self._stopping = False
        self._trouble = Trouble(name)
        self._thread = threading.Thread(target=self._run, name=f"pump-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Look at the queue now."""
        self._woken.set()

    def stop(self, timeout: float) -> bool:
        """Finish what is at hand and end; whether that was done in time."""
        self._stopping = True
        self._woken.set()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping:
            self._woken.wait(self._again)
            self._woken.clear()
            if not self._stopping:
                self._try()

    def _try(self) -> None:
        self._again = None
        try:
            self._again = self._work()
        except ClaimLost:
            self._woken.set()  # the facts moved: the row is due again
        except Exception as error:
            self._trouble.failed(error)  # a pump that died would be silence; the tick wakes it again
            return
        self._trouble.worked()


class Crew:
    """A pool of threads that works single claims side by side, and knows how busy each account is."""

    def __init__(self, name: str, size: int, on_done: Callable[[], None]) -> None:
        self._pool = ThreadPoolExecutor(size, thread_name_prefix=name)
        self._size, self._on_done, self._trouble = size, on_done, Trouble(name)
        self._busy: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def n_free(self) -> int:
        with self._lock:
            return self._size - self._busy.total()

    def busy(self) -> dict[str, int]:
        """How many claims of each group (account, channel) are being worked on."""
        with self._lock:
            return dict(self._busy)

    def put(self, group: str, work: Callable[[Claim], Any], claimed: Claim) -> None:
        """Work one claim on a free thread."""
        with self._lock:
            self._busy[group] += 1
        self._pool.submit(work, claimed).add_done_callback(lambda future: self._done(group, future))

    def _done(self, group: str, future: "Future[Any]") -> None:
        with self._lock:
            self._busy[group] -= 1
            if not self._busy[group]:
                del self._busy[group]
        if future.cancelled():
            return  # it never began: whoever starts next takes it up
        error = future.exception()
        if error is not None and not isinstance(error, ClaimLost):
            self._trouble.failed(error)
        else:
            self._trouble.worked()
        self._on_done()

    def stop(self) -> None:
        """Wait for what is being worked on; nothing new is taken."""
        self._pool.shutdown(wait=True, cancel_futures=True)
