"""What is Tripadvisor's own: five reviews in a language, no words without permission, a key in the address."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from connectors.base import Known
from connectors.tripadvisor import SWEEP, Tripadvisor, TripadvisorSettings
from connectors.tripadvisor_api import AGAIN, Limits
from monitor.errors import Gone, Malformed, RateLimited, Unauthorized, Unavailable
from monitor.http import HttpClient
from tests.contract.reader import Reader
from tests.platforms.base import Fault, World
from tests.platforms.server import Reply
from tests.platforms.tripadvisor import BODIES, KEY, LOCATIONS, Fake

GOLDENS = sorted((Path(__file__).resolve().parents[1] / "golden" / "tripadvisor").glob("*.json"))
Reading = Callable[..., Reader]


@pytest.fixture
def fake(world: World, tmp_path: Path) -> Iterator[Fake]:
    with Fake(world, tmp_path) as platform:
        platform.one_language = "en"
        yield platform


@pytest.fixture
def reading(fake: Fake, http: HttpClient) -> Reading:
    def build(*locations: str, **settings: object) -> Reader:
        reader = Reader(Tripadvisor, fake, http)
        named = {"locations": locations or LOCATIONS[:1], "languages": ["en"]}
        reader.settings = TripadvisorSettings.model_validate(fake.source_settings() | named | settings)
        return reader

    return build


def _asked(fake: Fake, end: str) -> int:
    return sum(request.path.endswith(end) for request in fake.requests)


def _built(reader: Reader, http: HttpClient) -> Tripadvisor:
    assert isinstance(reader.settings, TripadvisorSettings)
    return Tripadvisor(reader.settings, http)


def _reviews(world: World, n: int) -> list[str]:
    """Reviews of the first location, a minute apart."""
    post = world.posts[0].key if world.posts else world.post()
    keys = []
    for number in range(n):
        world.advance(timedelta(minutes=1))
        keys.append(world.comment(post, f"Review {number}", by=f"kim{number}"))
    return keys


# --- reviews and responses ---


@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: path.stem)
def test_golden(path: Path, http: HttpClient) -> None:
    golden = json.loads(path.read_text())
    settings = TripadvisorSettings.model_validate({"locations": LOCATIONS, "api_key": KEY})
    comment = Tripadvisor(settings, http).normalise(golden["raw"])
    assert comment is not None
    assert json.loads(json.dumps(asdict(comment), default=str)) == golden["comment"]


def test_without_texts_no_word_of_a_review_or_response_is_read(reading: Reading, world: World) -> None:
    (key,) = _reviews(world, 1)
    answer = world.reply(key, "Our own words")
    reader = reading(texts=False)
    raws = json.dumps(list(reader.fetch().raws))
    assert "Review 0" not in raws
    assert "Our own words" not in raws
    assert "A title" not in raws
    reader.poll()
    review, response = reader.of(key), reader.of(answer)
    assert (review.text, review.stars, review.author.name, review.created_at) == ("", 2, "kim0", world.now)
    assert review.permalink.endswith("?m=66827#review"), "the terms want the link as it is"
    assert (response.text, response.is_ours, response.parent_native_id) == ("", True, review.native_id)


def test_words_are_read_only_by_the_operators_decision() -> None:
    settings = TripadvisorSettings.model_validate({"locations": LOCATIONS, "api_key": KEY})
    assert settings.texts is False
    rules = Tripadvisor.abilities.storage
    assert (rules.text_for, rules.author_for, rules.renews) == (timedelta(days=1), timedelta(days=1), False)


def test_a_review_without_user_stars_or_address_is_read(reading: Reading, fake: Fake, world: World) -> None:
    (key,) = _reviews(world, 1)
    fake.raw_parts[key] = {"user": None, "rating": None, "url": None, "title": None, "owner_response": None}
    reader = reading()
    reader.poll()
    assert (reader.of(key).author.name, reader.of(key).stars, reader.of(key).text) == ("", None, "Review 0")


def test_our_response_to_a_review_whose_count_did_not_change_is_found_within_twelve_hours(
    reading: Reading, world: World
) -> None:
    (key,) = _reviews(world, 1)
    reader = reading()
    reader.poll()
    answer = world.reply(key)
    reader.poll()
    assert len(reader.held) == 1
    world.advance(SWEEP)
    reader.poll()
    assert reader.is_ours(answer)


def test_our_response_is_found_when_its_review_is_looked_at_again(reading: Reading, world: World) -> None:
    (key,) = _reviews(world, 1)
    reader = reading()
    reader.poll()
    answer = world.reply(key)
    reader.recheck()
    assert reader.is_ours(answer)


def test_a_plan_that_shows_no_responses_leaves_the_answer_unknown(reading: Reading, fake: Fake, world: World) -> None:
    fake.shows_responses = False
    (key,) = _reviews(world, 1)
    world.reply(key)
    reader = reading()
    reader.catch_up()
    assert set(reader.held) == {fake.native_id(key)}
    assert reader.of(key).n_replies is None


# --- what is new, although there is no "since" ---


def test_reviews_are_fetched_only_when_a_count_changed(reading: Reading, fake: Fake, world: World) -> None:
    _reviews(world, 2)
    reader = reading()
    reader.poll()
    reader.poll()
    assert _asked(fake, "/reviews") == 1
    _reviews(world, 1)
    reader.poll()
    assert _asked(fake, "/reviews") == 2


def test_more_new_reviews_than_five_are_told_with_the_address(reading: Reading, fake: Fake, world: World) -> None:
    _reviews(world, 1)
    reader = reading()
    reader.poll()
    keys = _reviews(world, 8)
    page = reader.fetch()
    reader.keep(page)
    assert {fake.native_id(key) for key in keys[-5:]} <= reader.present
    assert page.note.startswith("3 more new at Brand Hotel 7, which the API does not show: https://www.tripadvisor.com")


def test_a_review_that_was_moderated_for_days_is_found_below_newer_ones(
    reading: Reading, fake: Fake, world: World
) -> None:
    _reviews(world, 2)
    reader = reading()
    reader.poll()
    late = world.comment(world.posts[0].key, "Held for days", at=world.now - timedelta(days=3))
    reader.poll()
    assert fake.native_id(late) in reader.present


def test_each_language_of_the_settings_is_asked_for(reading: Reading, fake: Fake, world: World) -> None:
    fake.one_language = ""
    keys = _reviews(world, 7)
    reader = reading(languages=["de", "pt_PT"])
    reader.poll()
    wanted = [key for key in keys if fake.language_of(world[key]) in ("de", "pt_PT")]
    assert reader.present == {fake.native_id(key) for key in wanted}
    assert {comment.language for comment in reader.held.values()} == {"de", "pt-PT"}


def test_a_language_that_is_added_later_is_read_at_once(reading: Reading, fake: Fake, world: World) -> None:
    fake.one_language = "de"
    (key,) = _reviews(world, 1)
    reader = reading()
    reader.poll()
    assert reader.held == {}
    with_german = reading(languages=["en", "de"])
    with_german.cursor = reader.cursor
    with_german.poll()
    assert with_german.present == {fake.native_id(key)}


def test_a_review_that_is_no_longer_shown_is_not_gone(reading: Reading, fake: Fake, world: World) -> None:
    keys = _reviews(world, 3)
    reader = reading()
    reader.poll()
    world.delete(keys[0])
    reader.catch_up()
    assert reader.gone == set()
    assert fake.native_id(keys[0]) in reader.present


# --- locations ---


def test_a_location_is_named_by_its_number_or_by_its_page() -> None:
    page = "https://www.tripadvisor.co.uk/Hotel_Review-g1-d1234567-Reviews-Brand_Hotel.html"
    settings = TripadvisorSettings.model_validate({"locations": [page, "1234567", " 1234568"], "api_key": KEY})
    assert settings.locations == LOCATIONS


def test_a_gone_object_alone_is_gone(reading: Reading, fake: Fake) -> None:
    fake.lost.add(LOCATIONS[0])
    with pytest.raises(Gone, match="Location not found"):
        reading().poll()


def test_a_location_that_is_gone_does_not_keep_the_others_from_being_read(
    reading: Reading, fake: Fake, world: World
) -> None:
    fake.lost.add(LOCATIONS[1])
    (key,) = _reviews(world, 1)
    while int(world.now.timestamp() // 60) % 2:
        world.advance(timedelta(minutes=1))
    reader = reading(*LOCATIONS)
    page = reader.fetch()
    reader.keep(page)
    assert reader.present == {fake.native_id(key)}
    assert f"{LOCATIONS[1]} is not read for a day" in page.note
    reader.poll()
    assert _asked(fake, f"{LOCATIONS[1]}/details") == 1


def test_a_look_at_a_location_that_is_gone_says_nothing_of_its_reviews(
    reading: Reading, fake: Fake, world: World
) -> None:
    _reviews(world, 1)
    reader = reading()
    reader.poll()
    fake.lost.add(LOCATIONS[0])
    reader.recheck()
    assert reader.gone == set()


def test_only_locations_of_the_settings_are_looked_at_again(reading: Reading, fake: Fake, http: HttpClient) -> None:
    connector = _built(reading(), http)
    found = connector.recheck([Known("1", "location/77", None), Known("2", None, None), Known("3", "x/../y", None)])
    assert (found.raws, found.spent, fake.n_requests) == ([], 0, 0)


# --- refusals ---


def test_the_key_is_in_no_error(reading: Reading, fake: Fake) -> None:
    fake.refuses = Reply({"error": {"message": f"Invalid API key {KEY}"}}, 401)
    with pytest.raises(Unauthorized, match="the key is not valid") as caught:
        reading().poll()
    assert KEY not in str(caught.value) + caught.value.payload


def test_an_expired_token_is_refused_by_the_api_and_by_its_gateway(reading: Reading, fake: Fake) -> None:
    for reply in (fake.refusal(401), fake.refusal(403), Reply({"message": "Forbidden"}, 403), Reply("", 403)):
        fake.refuses = reply
        with pytest.raises(Unauthorized, match="the key is not valid, not for this IP address"):
            reading().poll()


def test_a_missing_permission_of_a_key_for_one_site_is_met_by_its_referer(
    reading: Reading, fake: Fake, world: World
) -> None:
    (key,) = _reviews(world, 1)
    fake.referer = "https://www.brand-hotel.example"
    with pytest.raises(Unauthorized, match="User is not authorized to access this resource"):
        reading().poll()
    reader = reading(referer="https://www.brand-hotel.example")
    reader.poll()
    assert fake.native_id(key) in reader.present


def test_after_a_429_two_seconds_are_waited_and_then_an_hour() -> None:
    limits, now = Limits(), datetime(2026, 3, 2, tzinfo=UTC)
    assert limits.refused(now) - now == timedelta(seconds=2)
    later = now + timedelta(seconds=3)
    assert limits.refused(later) - later == timedelta(hours=1)
    much_later = later + AGAIN
    assert limits.refused(much_later) - much_later == timedelta(seconds=2)


def test_a_connector_that_is_refused_twice_waits_an_hour(reading: Reading, fake: Fake, http: HttpClient) -> None:
    connector = _built(reading(), http)
    fake.refuses = fake.refusal(429)
    waits = []
    for _ in range(2):
        with pytest.raises(RateLimited, match="Too Many Requests") as caught:
            connector.fetch_page(None, datetime.now(UTC))
        assert caught.value.retry_at is not None
        waits.append(caught.value.retry_at - datetime.now(UTC))
    assert waits[0] <= timedelta(seconds=2)
    assert timedelta(minutes=59) < waits[1] <= timedelta(hours=1)


def test_a_limit_between_two_locations_keeps_what_was_read(reading: Reading, fake: Fake, world: World) -> None:
    world.post()
    world.comment(world.post())
    fake.fail(Fault.RATE_LIMITED, after=1, retry_after=300)
    page = reading(*LOCATIONS).fetch()
    assert page.poll_after is not None
    assert "Too Many Requests" in page.note


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(BODIES[400], 400), Malformed),
        (Reply({"message": "Internal server error"}, 500), Unavailable),
        (Reply({}, 302, {"Location": "https://elsewhere.example/"}), Unavailable),
        (Reply([]), Malformed),
        (Reply({"Message": "Endpoint request timed out"}), Malformed),
        (Reply("[" * 100_000, 404), Gone),
    ],
)
def test_any_other_refusal_is_sorted(reading: Reading, fake: Fake, reply: Reply, kind: type[Exception]) -> None:
    fake.refuses = reply
    with pytest.raises(kind):
        reading().poll()


@pytest.mark.parametrize(
    "bad",
    [
        {"locations": []},
        {"locations": ["Brand Hotel"]},
        {"locations": ["../1"]},
        {"languages": []},
        {"languages": ["English"]},
        {"referer": "brand-hotel.example"},
        {"referer": "https://a.example/\r\nX: y"},
    ],
)
def test_settings_that_cannot_work_are_refused_without_the_key(bad: dict[str, object]) -> None:
    good: dict[str, object] = {"locations": ["1234567"], "api_key": KEY}
    assert TripadvisorSettings.model_validate(good)
    with pytest.raises(ValidationError) as caught:
        TripadvisorSettings.model_validate(good | bad)
    assert KEY not in str(caught.value)
