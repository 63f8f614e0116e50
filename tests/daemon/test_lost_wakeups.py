"""What arrives while its thread is being assessed is assessed too: writers and assessors at work on few threads."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from threading import Event, Thread
from time import monotonic, sleep

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from monitor import signals
from monitor.errors import ClaimLost
from monitor.flows import assess
from monitor.model import Author, Comment, Team
from monitor.store import comments as store
from monitor.store import due, schema
from monitor.store.engine import reading, writing
from monitor.store.instants import to_us
from tests.crash import check
from tests.flows.brand import SOURCE, Bakery

pytestmark = pytest.mark.slow

N_THREADS, N_WRITERS, N_ASSESSORS = 6, 4, 3
SECONDS = 1.0  # at least; longer where the machine is slow


class Crowd:
    """Threads of a process that all do their work again and again until it is over; what they raised is kept."""

    def __init__(self) -> None:
        self.over, self.failures, self._threads = Event(), list[str](), list[Thread]()

    def add(self, work: Callable[[], object]) -> None:
        self._threads.append(Thread(target=self._run, args=(work,), daemon=True))

    def run(self, seconds: float, is_enough: Callable[[], bool]) -> None:
        for thread in self._threads:
            thread.start()
        self.over.wait(seconds)
        end = monotonic() + 120
        while not is_enough() and monotonic() < end:
            sleep(0.05)
        self.over.set()
        for thread in self._threads:
            thread.join(timeout=120)
            assert not thread.is_alive()

    def _run(self, work: Callable[[], object]) -> None:
        while not self.over.is_set():
            try:
                work()
            except ClaimLost:
                pass
            except SQLAlchemyError as error:
                self.failures.append(f"{type(error).__name__}: {error}"[:500])


class Writer:
    """Says something in a few threads at once, as one page, in an order of its own."""

    def __init__(self, bakery: Bakery, number: int, n_subjects: int = 0) -> None:
        self.bakery, self.number, self.n_subjects = bakery, number, n_subjects
        self.chance, self.n_said = Random(number), 0

    def write(self) -> None:
        threads = self.chance.sample(range(N_THREADS), 3)
        said = [self._comment(thread) for thread in threads]
        page = store.Incoming("bakery", "tiny", SOURCE, self.bakery.now, said, signals.measure(said), signals.VERSION)
        with writing(self.bakery.engine) as connection:
            store.save_page(connection, page, (), datetime.now(UTC))

    def _comment(self, thread: int) -> Comment:
        self.n_said += 1
        name = f"w{self.number}-{self.n_said}"
        by = self.chance.choice(("bakery", "kim", "lou"))
        text = self.chance.choice(("Is it open?", "This is UNACCEPTABLE, you should be ashamed!!!", "We are sorry."))
        return Comment(
            native_id=name,
            kind="comment",
            text=text,
            author=Author(by, by),
            created_at=datetime.now(UTC),
            parent_native_id=f"root-{thread}",
            root_native_id=f"root-{thread}",
            subject_native_id=f"post-{thread % self.n_subjects}" if self.n_subjects else None,
        )


def _bakery(engine: Engine) -> Bakery:
    bakery = Bakery(engine, now=datetime.now(UTC) - timedelta(seconds=1))
    with writing(engine) as connection:
        connection.execute(schema.sources.update().values(own_author_ids='["bakery"]'))
    return bakery


def _work_side_by_side(bakery: Bakery, n_subjects: int) -> tuple[Crowd, list[Writer]]:
    crowd, writers = Crowd(), [Writer(bakery, number, n_subjects) for number in range(N_WRITERS)]
    for writer in writers:
        crowd.add(writer.write)
    for _ in range(N_ASSESSORS):
        crowd.add(lambda: assess.assess_due(bakery.engine, bakery.plan, _now, lambda queue: None, batch=4))
    crowd.run(SECONDS, lambda: sum(writer.n_said for writer in writers) > 60)
    return crowd, writers


@pytest.mark.parametrize("n_subjects", [0, 2], ids=["alone", "under two posts"])
def test_every_comment_that_comes_while_its_thread_is_assessed_is_assessed_too(engine: Engine, n_subjects: int) -> None:
    bakery = _bakery(engine)
    crowd, writers = _work_side_by_side(bakery, n_subjects)
    while assess.assess_due(engine, bakery.plan, _now, bakery.woken.append):
        pass
    now = datetime.now(UTC)
    assert check.stale_threads(engine, Team(author_ids=frozenset({("tiny", "bakery")})), now) == []
    with reading(engine) as connection:
        assert due.lag(connection, "threads", now) == timedelta(0)
        n_stored = connection.execute(select(func.count()).select_from(schema.comments)).scalar_one()
        n_leased = connection.execute(
            select(func.count()).where(schema.threads.c.due_at.between(to_us(now), to_us(now + bakery.plan.lease)))
        ).scalar_one()
    assert n_leased == 0, "a thread was left claimed"
    assert n_stored > 30
    assert crowd.failures == []
    assert n_stored == sum(writer.n_said for writer in writers)


def test_two_sources_that_show_the_same_comments_in_another_order_do_not_block_each_other(engine: Engine) -> None:
    bakery, crowd = _bakery(engine), Crowd()
    pages = [_Echo(bakery, number) for number in range(N_WRITERS)]
    for page in pages:
        crowd.add(page.write)
    crowd.run(SECONDS, lambda: min(page.n_written for page in pages) > 4)
    assert crowd.failures == []
    assert min(page.n_written for page in pages) > 3
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(schema.comments)).scalar_one() == 40


class _Echo:
    """Shows the same forty comments again and again, each time with other texts, in an order of its own."""

    def __init__(self, bakery: Bakery, number: int) -> None:
        self.bakery, self.number, self.chance, self.n_written = bakery, number, Random(number), 0

    def write(self) -> None:
        self.n_written += 1
        said = [self._comment(place) for place in self.chance.sample(range(40), 40)]
        page = store.Incoming("bakery", "tiny", SOURCE, self.bakery.now, said, signals.measure(said), signals.VERSION)
        with writing(self.bakery.engine) as connection:
            store.save_page(connection, page, (), _now())

    def _comment(self, place: int) -> Comment:
        text = f"Change {self.n_written} by {self.number}"
        return Comment(f"c{place}", "comment", text, Author("kim", "Kim"), self.bakery.now)


def _now() -> datetime:
    return datetime.now(UTC)
