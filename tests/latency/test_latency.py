"""A daemon that is told more than it hears in a month loses nothing; how fast it is, `python -m tests.latency` says."""

import json
from pathlib import Path

import pytest

from tests.latency.feeding import waits
from tests.latency.running import Wanted, run


@pytest.mark.slow
def test_every_angry_comment_of_a_flood_arrives_at_the_webhook_once(database_url: str, tmp_path: Path) -> None:
    outcome = run(tmp_path, database_url, Wanted(rate=50, seconds=6, n_pages=3, told_share=0.5))
    assert (outcome.n_said, outcome.n_told) == (300, 150)
    assert outcome.n_lost == 0
    assert outcome.n_doubled == 0
    assert min(outcome.waits_s) > 0
    told = json.loads(outcome.last_line())
    assert (told["n"], told["lost"]) == (150, 0)
    assert all(len(each) == 150 for each in outcome.stages.seconds.values())


def test_what_never_arrived_has_no_time_and_is_not_left_out_of_what_was_lost() -> None:
    assert waits({"c1": 1.0, "c2": 2.0, "c3": 3.0}, {"c3": 3.5, "c1": 2.5, "c9": 4.0}) == [0.5, 1.5]
