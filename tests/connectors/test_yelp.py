"""What is Yelp's own: excerpts in an order of its own, languages, a count that says more, businesses that move."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from connectors.yelp import SWEEP, Yelp, YelpSettings
from connectors.yelp_api import bare_url, read_instant
from monitor.errors import Gone, Malformed, RateLimited, Unauthorized, Unavailable
from monitor.http import HttpClient
from tests.contract.reader import Reader, every_raw
from tests.platforms.base import Fault, World
from tests.platforms.server import Reply
from tests.platforms.yelp import ALIAS, BUSINESSES, KEY, SLOW_DOWN, USED_UP, Fake, refusal

GOLDENS = sorted((Path(__file__).resolve().parents[1] / "golden" / "yelp").glob("*.json"))
Reading = Callable[..., Reader]


@pytest.fixture
def fake(world: World, tmp_path: Path) -> Iterator[Fake]:
    with Fake(world, tmp_path) as platform:
        platform.one_language = "en"
        yield platform


@pytest.fixture
def reading(fake: Fake, http: HttpClient) -> Reading:
    def build(*businesses: str, **settings: object) -> Reader:
        reader = Reader(Yelp, fake, http)
        named = {"businesses": businesses or BUSINESSES[:1]}
        reader.settings = YelpSettings.model_validate(fake.source_settings() | named | settings)
        return reader

    return build


def _asked(fake: Fake, end: str) -> int:
    return sum(request.path.endswith(end) for request in fake.requests)


def _reviews(world: World, n: int) -> list[str]:
    """Reviews of the first business, a minute apart."""
    post = world.posts[0].key if world.posts else world.post()
    keys = []
    for number in range(n):
        world.advance(timedelta(minutes=1))
        keys.append(world.comment(post, f"Review {number}", by=f"kim{number}"))
    return keys


# --- what is read ---


@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: path.stem)
def test_golden(path: Path, http: HttpClient) -> None:
    golden = json.loads(path.read_text())
    settings = YelpSettings.model_validate({"businesses": BUSINESSES, "api_key": KEY})
    comment = Yelp(settings, http).normalise(golden["raw"])
    assert comment is not None
    assert json.loads(json.dumps(asdict(comment), default=str)) == golden["comment"]


def test_a_time_without_a_zone_is_pacific() -> None:
    assert read_instant("2026-01-15 02:00:05") == datetime(2026, 1, 15, 10, 0, 5, tzinfo=UTC)
    assert read_instant("2026-07-15 02:00:05") == datetime(2026, 7, 15, 9, 0, 5, tzinfo=UTC)
    assert read_instant("soon") is None


@pytest.mark.parametrize(
    ("given", "bare"),
    [
        ("https://www.yelp.com/biz/a?adjust_creative=x&hrid=r1&utm_source=y", "https://www.yelp.com/biz/a?hrid=r1"),
        ("https://www.yelp.com/biz/caf%C3%A9?utm_source=y", "https://www.yelp.com/biz/caf%C3%A9"),
        ("javascript:alert(1)", ""),
        ("https://[broken", ""),
        (None, ""),
    ],
)
def test_an_address_loses_only_what_tracks(given: object, bare: str) -> None:
    assert bare_url(given) == bare


def test_a_review_without_a_user_or_stars_is_read_and_one_without_an_id_spoils_no_other(
    reading: Reading, fake: Fake, world: World
) -> None:
    bare, broken, good = _reviews(world, 3)
    fake.raw_parts[bare] = {"user": None, "rating": None, "url": None}
    fake.raw_parts[broken] = {"id": None}
    reader = reading()
    raws = every_raw(_Lenient(reader))
    assert len(raws) == 3
    assert {fake.native_id(bare), fake.native_id(good)} == set(reader.held)
    assert (reader.of(bare).author.name, reader.of(bare).stars, reader.of(bare).permalink) == ("", None, "")


class _Lenient(Reader):
    """Sets aside what cannot be read, as heedful does."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader.connector, reader.fake, reader.http)
        self.settings, self.held = reader.settings, reader.held

    def _keep_one(self, raw: object) -> None:
        try:
            super()._keep_one(raw)
        except ValueError:
            return


# --- what is new, although Yelp knows no "since" ---


def test_the_newest_are_asked_for_since_yelps_own_order_hides_them(reading: Reading, fake: Fake, world: World) -> None:
    keys = _reviews(world, 7)
    reader = reading()
    reader.poll()
    assert reader.present == {fake.native_id(key) for key in keys[-3:]}


def test_a_plan_that_does_not_know_the_order_is_read_without_it(reading: Reading, fake: Fake, world: World) -> None:
    fake.knows_newest = False
    keys = _reviews(world, 2)
    reader = reading()
    reader.poll()
    assert reader.present == {fake.native_id(key) for key in keys}


def test_reviews_are_fetched_only_when_the_count_or_the_rating_changed(
    reading: Reading, fake: Fake, world: World
) -> None:
    _reviews(world, 2)
    reader = reading()
    reader.poll()
    reader.poll()
    assert _asked(fake, "/reviews") == 1
    fake.rating = 3.0  # one was removed and another one came
    reader.poll()
    assert _asked(fake, "/reviews") == 2
    _reviews(world, 1)
    reader.poll()
    assert _asked(fake, "/reviews") == 3


def test_an_edited_excerpt_is_seen_within_a_day(reading: Reading, world: World) -> None:
    (key,) = _reviews(world, 1)
    reader = reading()
    reader.poll()
    world.edit(key, "It was better the second time.")
    world.advance(SWEEP)
    reader.poll()
    assert reader.of(key).text == "It was better the second time."


def test_every_language_that_yelp_tells_of_is_asked_for(reading: Reading, fake: Fake, world: World) -> None:
    fake.one_language = ""
    keys = _reviews(world, 5)
    reader = reading()
    reader.poll()
    assert reader.present == {fake.native_id(key) for key in keys}
    world.advance(SWEEP)
    before = _asked(fake, "/reviews")
    reader.poll()
    assert _asked(fake, "/reviews") - before == 5, "the languages are known by now"


def test_only_the_languages_of_the_settings_are_read(reading: Reading, fake: Fake, world: World) -> None:
    fake.one_language = ""
    keys = _reviews(world, 9)
    reader = reading(languages=["fr", "de_AT"])
    reader.poll()
    wanted = [key for key in keys if fake.language_of(world[key]) in ("fr", "de")]
    assert reader.present == {fake.native_id(key) for key in wanted}
    assert {request.get("locale") for request in fake.requests} == {"", "fr_FR", "de_AT"}


def test_what_is_older_than_the_backfill_is_left_out_until_it_is_shown_anew(
    reading: Reading, fake: Fake, world: World
) -> None:
    post = world.post()
    world.comment(post, at=world.now - timedelta(days=40))
    young = world.comment(post)
    reader = reading()
    reader.poll()
    assert reader.present == {fake.native_id(young)}
    late = world.comment(post, "Was not recommended until now", at=world.now - timedelta(days=35))
    reader.poll()
    assert reader.present == {fake.native_id(young), fake.native_id(late)}


def test_new_reviews_that_are_counted_and_not_shown_are_told_with_the_address(
    reading: Reading, fake: Fake, world: World
) -> None:
    _reviews(world, 1)
    reader = reading()
    first = reader.fetch()
    reader.keep(first)
    assert first.note == "", "how many there were before is nothing new"
    _reviews(world, 5)
    page = reader.fetch()
    reader.keep(page)
    assert page.note.startswith("2 more new at Brand Café 1, which the API does not show: https://www.yelp.com/biz/")
    assert "utm_" not in page.note
    assert reader.fetch().note == "", "once"


def test_a_count_that_falls_deletes_nothing(reading: Reading, fake: Fake, world: World) -> None:
    keys = _reviews(world, 3)
    reader = reading()
    reader.poll()
    world.delete(keys[1])
    page = reader.fetch()
    reader.keep(page)
    assert (page.gone, page.note) == ((), "")
    assert fake.native_id(keys[1]) in reader.present


def test_a_business_without_reviews_is_no_error(reading: Reading, fake: Fake, world: World) -> None:
    world.post()
    reader = reading()
    reader.poll()
    assert reader.held == {}
    fake.n_hidden = 2  # counted, and "not found" when asked for
    fake.raw_parts.clear()
    reader.poll()
    assert reader.held == {}


def test_reviews_that_are_not_found_although_they_are_counted_are_asked_for_again(
    reading: Reading, fake: Fake, world: World
) -> None:
    (key,) = _reviews(world, 1)
    reader = reading()
    fake.fail(Fault.NOT_FOUND, after=1)
    reader.poll()
    assert reader.held == {}
    reader.poll()
    assert reader.present == {fake.native_id(key)}


# --- businesses ---


def test_an_alias_is_asked_for_once_and_then_the_id(reading: Reading, fake: Fake, world: World) -> None:
    _reviews(world, 1)
    reader = reading(ALIAS)
    reader.poll()
    reader.poll()
    assert [request.path for request in fake.requests if not request.path.endswith("/reviews")] == [
        f"/businesses/{ALIAS}",
        f"/businesses/{BUSINESSES[0]}",
    ]


def test_a_business_that_moved_is_read_on_under_its_new_id(reading: Reading, fake: Fake, world: World) -> None:
    _reviews(world, 1)
    reader = reading()
    reader.poll()
    fake.moved[BUSINESSES[0]] = "nEwId_of-the-cAfE"
    keys = _reviews(world, 1)
    reader.poll()
    assert reader.of(keys[0]).subject_native_id == "business/nEwId_of-the-cAfE"
    before = fake.n_requests
    reader.poll()
    assert fake.n_requests - before == 1


def test_a_business_that_is_gone_does_not_keep_the_others_from_being_read(
    reading: Reading, fake: Fake, world: World
) -> None:
    _reviews(world, 1)
    other = world.comment(world.post(), "Of the second business")
    reader = reading(BUSINESSES[1], "gone-business")
    world.now = world.now.replace(minute=0)
    if int(world.now.timestamp() // 60) % 2:
        world.advance(timedelta(minutes=1))
    page = reader.fetch()
    reader.keep(page)
    assert reader.present == {fake.native_id(other)}
    assert "gone-business is not read for a day" in page.note
    assert "BUSINESS_NOT_FOUND" in page.note
    before = _asked(fake, "gone-business")
    world.advance()
    reader.poll()
    assert _asked(fake, "gone-business") == before
    world.advance(timedelta(days=1))
    while int(world.now.timestamp() // 60) % 2:
        world.advance(timedelta(minutes=1))
    reader.poll()
    assert _asked(fake, "gone-business") == before + 1


def test_a_gone_object_alone_is_gone(reading: Reading) -> None:
    with pytest.raises(Gone, match="BUSINESS_NOT_FOUND"):
        reading("gone-business").poll()


def test_a_business_that_is_unavailable_is_asked_for_a_day_later(reading: Reading, fake: Fake, world: World) -> None:
    (key,) = _reviews(world, 1)
    fake.refused[BUSINESSES[0]] = refusal(403, "BUSINESS_UNAVAILABLE")
    reader = reading()
    page = reader.fetch()
    reader.keep(page)
    assert "BUSINESS_UNAVAILABLE" in page.note
    fake.refused.clear()
    world.advance()
    reader.poll()
    assert (reader.held, fake.n_requests) == ({}, 1)
    world.advance(timedelta(days=1))
    reader.poll()
    assert reader.present == {fake.native_id(key)}


# --- refusals ---


def test_too_many_requests_in_a_second_wait_two_seconds(reading: Reading, fake: Fake, world: World) -> None:
    _reviews(world, 1)
    fake.refuses = refusal(429, SLOW_DOWN)
    with pytest.raises(RateLimited, match=SLOW_DOWN) as caught:
        reading().poll()
    assert caught.value.retry_at is not None
    assert timedelta(0) < caught.value.retry_at - datetime.now(UTC) <= timedelta(seconds=2)


@pytest.mark.parametrize("named", ["2099-01-01T00:00:00+00:00", "", "nonsense"])
def test_a_day_that_is_used_up_waits_for_the_next_one_and_never_longer(
    reading: Reading, fake: Fake, named: str
) -> None:
    headers = {"RateLimit-ResetTime": named, "RateLimit-Remaining": "0"}
    fake.refuses = Reply(refusal(429, USED_UP).body, 429, headers)
    with pytest.raises(RateLimited, match=USED_UP) as caught:
        reading().poll()
    assert caught.value.retry_at is not None
    assert timedelta(0) < caught.value.retry_at - datetime.now(UTC) <= timedelta(days=1)


def test_the_last_request_of_the_day_says_so_itself(reading: Reading, fake: Fake, world: World) -> None:
    _reviews(world, 1)
    fake.remaining = 0
    page = reading().fetch()
    assert len(page.raws) == 1
    assert page.poll_after == fake.reset_at


def test_a_quota_that_ends_between_two_businesses_keeps_what_was_read(
    reading: Reading, fake: Fake, world: World
) -> None:
    world.post()
    world.comment(world.post())
    fake.fail(Fault.RATE_LIMITED, after=1, retry_after=300)
    page = reading(*BUSINESSES).fetch()
    assert page.poll_after is not None
    assert USED_UP in page.note


@pytest.mark.parametrize("code", ["TOKEN_INVALID", "UNAUTHORIZED_ACCESS_TOKEN"])
def test_an_expired_token_names_the_key_and_never_shows_it(reading: Reading, fake: Fake, code: str) -> None:
    fake.refuses = refusal(401, code)
    with pytest.raises(Unauthorized, match="does not accept the API key") as caught:
        reading().poll()
    assert KEY not in str(caught.value) + caught.value.payload


def test_a_missing_permission_names_the_plan(reading: Reading, fake: Fake) -> None:
    fake.refuses = refusal(403, "AUTHORIZATION_ERROR")
    with pytest.raises(Unauthorized, match="the plan does not include this"):
        reading().poll()


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (refusal(400), Malformed),
        (refusal(500), Unavailable),
        (refusal(301, "BUSINESS_MIGRATED"), Unavailable),
        (Reply([]), Malformed),
        (Reply({"id": 7}), Malformed),
        (Reply({"error": "a word"}, 404), Gone),
        (Reply("<html>", 403), Unauthorized),
    ],
)
def test_any_other_refusal_is_sorted(reading: Reading, fake: Fake, reply: Reply, kind: type[Exception]) -> None:
    fake.refuses = reply
    with pytest.raises(kind):
        reading().poll()


# --- settings and rules ---


@pytest.mark.parametrize(
    "bad",
    [
        {"businesses": []},
        {"businesses": ["a/b"]},
        {"businesses": [".."]},
        {"businesses": [f"b{number}" for number in range(21)]},
        {"languages": ["klingon"]},
    ],
)
def test_settings_that_cannot_work_are_refused_without_the_key(reading: Reading, bad: dict[str, object]) -> None:
    good = {"businesses": ["b"], "api_key": KEY}
    assert YelpSettings.model_validate(good)
    with pytest.raises(ValidationError) as caught:
        YelpSettings.model_validate(good | bad)
    assert KEY not in str(caught.value)


def test_an_alias_may_have_letters_of_any_alphabet() -> None:
    assert YelpSettings.model_validate({"businesses": ["café-zürich-2"], "api_key": KEY}).businesses


def test_copies_go_after_a_day_as_yelps_terms_say() -> None:
    rules = Yelp.abilities.storage
    assert (rules.text_for, rules.author_for, rules.renews) == (timedelta(days=1), timedelta(days=1), False)
