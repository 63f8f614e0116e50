"""The same as `python -m tests.backfill`, at a small size: whole, within the quota, and late replies found in time."""

from pathlib import Path

import pytest

from tests.backfill.brand import SMALL, build
from tests.backfill.cases import CASES, Case
from tests.backfill.harness import Harness


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_a_brand_is_brought_in_whole_while_comments_arrive_and_a_late_reply_is_found_in_time(
    case: Case, tmp_path: Path
) -> None:
    found = Harness(case, SMALL, tmp_path).run()
    assert found.wrong == ()
    assert found.stored >= found.shown
    assert (found.arrived > 0) == case.is_alive
    assert set(found.late) == set(case.late)


def test_the_brand_has_as_many_posts_and_comments_as_was_asked_for_and_they_are_a_year_old() -> None:
    world, oldest = build(SMALL)
    assert (len(world.posts), len(world.comments)) == (SMALL.n_posts, SMALL.n_comments)
    assert all(entry.created_at <= world.now for entry in world.entries)
    assert (world.now - world[oldest.comment].created_at).days > 365
    assert world[oldest.comment].post == oldest.post
