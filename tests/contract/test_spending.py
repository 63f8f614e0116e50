"""What reading costs is told as it is: budgets and `heedful quota` rest on it."""

import pytest

from connectors.base import Known
from tests.contract.conftest import Case
from tests.contract.reader import MAX_PAGES, Reader
from tests.platforms.base import FakePlatform, World
from tests.platforms.server import HttpFakePlatform

REQUESTS = ("requests", "calls", "units")  # units of which each request costs one


def _requests_of(case: Case, fake: FakePlatform) -> HttpFakePlatform:
    budget = case.connector.abilities.budget
    if not isinstance(fake, HttpFakePlatform):
        pytest.skip(f"{case.name} makes no requests")
    if budget is not None and budget.unit not in REQUESTS:
        pytest.skip(f"{case.name} pays in {budget.unit}")
    return fake


def _n_charged(fake: HttpFakePlatform) -> int:
    """Requests so far, without those for a token, which no platform counts with the rest."""
    return sum(not ("token" in one.path and one.method == "POST") for one in fake.requests)


def _some_talk(world: World) -> None:
    for _ in range(3):
        post = world.post()
        for number in range(4):
            world.advance()
            world.reply(world.comment(post, by=f"kim{number}"))


def test_a_page_counts_each_of_its_requests(case: Case, reader: Reader, fake: FakePlatform, world: World) -> None:
    served = _requests_of(case, fake)
    served.page_size = 5
    _some_talk(world)
    for _ in range(MAX_PAGES):
        before = _n_charged(served)
        page = reader.fetch()
        assert page.spent == _n_charged(served) - before
        reader.keep(page)
        if not page.more:
            break


def test_a_look_at_known_comments_counts_each_of_its_requests(
    case: Case, reader: Reader, fake: FakePlatform, world: World
) -> None:
    served = _requests_of(case, fake)
    if not (size := case.connector.abilities.recheck_batch):
        pytest.skip(f"{case.name} has no recheck")
    _some_talk(world)
    reader.catch_up()
    known = [Known(one.native_id, one.subject_native_id, one.root_native_id) for one in reader.held.values()]
    for start in range(0, len(known), size):
        before = _n_charged(served)
        assert reader.build().recheck(known[start : start + size]).spent == _n_charged(served) - before
