"""What each fault of a platform must become, and that nothing is lost by it."""

import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from monitor.errors import Gone, Malformed, RateLimited, RemoteError, Unauthorized, Unavailable
from monitor.http import HttpClient
from tests.contract.reader import Reader
from tests.platforms.base import FakePlatform, Fault, World

BECOMES: dict[Fault, type[RemoteError]] = {
    Fault.RATE_LIMITED: RateLimited,
    Fault.UNAUTHORIZED: Unauthorized,
    Fault.FORBIDDEN: Unauthorized,
    Fault.NOT_FOUND: Gone,
    Fault.SERVER_ERROR: Unavailable,
    Fault.OVERLOADED: Unavailable,
    Fault.RESET: Unavailable,
    Fault.SLOW_DRIP: Unavailable,
    Fault.CUT_OFF: Unavailable,
    Fault.TRUNCATED: Malformed,
    Fault.HTML: Malformed,
    Fault.OVERSIZE: Malformed,
}


def _inject(fake: FakePlatform, fault: Fault, **how: int) -> None:
    if fault in fake.exempt_faults:
        pytest.skip(fake.exempt_faults[fault])
    fake.fail(fault, **how)


def _error_of(step: Callable[[], object]) -> type[RemoteError] | None:
    try:
        step()
    except RemoteError as error:
        return type(error)
    return None


def test_every_fault_has_its_error() -> None:
    assert set(BECOMES) == set(Fault)


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name.lower())
def test_a_fault_gives_the_right_error_without_the_secret_and_loses_nothing(
    reader: Reader, fake: FakePlatform, world: World, fault: Fault, http: HttpClient, hasty: HttpClient
) -> None:
    for _ in range(3):
        world.comment(world.post())
    reader.poll()
    world.advance()
    world.comment(world.posts[0].key, "Written while the platform was failing")
    _inject(fake, fault)
    reader.http = hasty if fault is Fault.SLOW_DRIP else http
    with pytest.raises(RemoteError) as caught:
        reader.poll()
    assert type(caught.value) is BECOMES[fault]
    reader.http = http
    says = "".join(traceback.format_exception(caught.value))
    assert not fake.secret or fake.secret not in says
    fake.heal()
    reader.poll()
    assert reader.present == fake.expected()


@pytest.mark.parametrize("fault", [Fault.OVERLOADED, Fault.RESET, Fault.TRUNCATED, Fault.RATE_LIMITED])
@pytest.mark.parametrize("after", [1, 2, 3, 5])
def test_a_fault_in_the_middle_of_a_read_loses_nothing(
    reader: Reader, fake: FakePlatform, world: World, fault: Fault, after: int
) -> None:
    fake.page_size = 2
    post = world.post()
    for _ in range(9):
        world.advance(timedelta(minutes=1))
        world.comment(post)
    _inject(fake, fault, after=after)
    assert _error_of(reader.poll) in (None, BECOMES[fault])
    fake.heal()
    reader.poll()
    assert reader.present == fake.expected()


def test_a_rate_limit_says_when_to_come_back(reader: Reader, fake: FakePlatform, world: World) -> None:
    world.comment(world.post())
    _inject(fake, Fault.RATE_LIMITED, retry_after=120)
    with pytest.raises(RateLimited) as caught:
        reader.poll()
    assert caught.value.retry_at is not None
    assert timedelta(seconds=60) < caught.value.retry_at - datetime.now(UTC) <= timedelta(seconds=121)


@pytest.mark.parametrize("fault", [Fault.NOT_FOUND, Fault.OVERLOADED, Fault.TRUNCATED, Fault.HTML])
def test_a_failing_platform_deletes_nothing(reader: Reader, fake: FakePlatform, world: World, fault: Fault) -> None:
    post = world.post()
    for _ in range(4):
        world.comment(post)
    reader.catch_up()
    before = reader.present
    _inject(fake, fault, times=200)
    # Where several requests fail a recheck sums up.
    assert {_error_of(step) for step in (reader.poll, reader.recheck)} <= {None, BECOMES[fault], Unavailable}
    fake.heal()
    assert reader.present == before
