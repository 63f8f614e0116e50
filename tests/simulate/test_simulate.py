"""Two days of the simulated month: every comment stored, every flag told or held with a reason, nothing twice."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.simulate.account import reckon
from tests.simulate.month import begun
from tests.simulate.world import Writer


@pytest.mark.slow
def test_in_two_days_with_a_crisis_at_night_nothing_is_lost_and_nothing_is_told_twice(tmp_path: Path) -> None:
    with begun(tmp_path, 2, 700, 11, drain=timedelta(hours=12)) as run:
        run.work()
        account = reckon(run)
    assert account.wrong == []
    assert account.flagged > 100
    assert account.told + account.held == account.flagged
    assert run.crises
    assert 0 < account.crisis_delay_p99_s < 600
    assert "flagged" in account.last_line()


def test_the_same_seed_writes_the_same_month() -> None:
    assert Writer(2, 300, 5).write() == Writer(2, 300, 5).write()
    assert Writer(2, 300, 5).write() != Writer(2, 300, 6).write()
