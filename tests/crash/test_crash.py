"""kill -9 at random points loses nothing, doubles nothing, and repeats at most one message for each kill."""

from pathlib import Path

import pytest

from tests.crash.killing import kill_daemons

N_KILLS = 12  # a hundred: python -m tests.crash --kills 100


@pytest.mark.slow
def test_daemons_that_are_killed_at_random_store_each_comment_once_and_tell_each_alert(
    database_url: str, tmp_path: Path
) -> None:
    outcome = kill_daemons(database_url, tmp_path, N_KILLS, seed=7)
    assert outcome.wrong == []
    assert outcome.n_lives_that_read > N_KILLS / 3, "the kills come before anything happens"
    assert outcome.n_comments > 200
    assert outcome.n_deliveries > 20
    assert outcome.n_repeated <= N_KILLS
    print(outcome)  # noqa: T201 - shown by pytest -s
