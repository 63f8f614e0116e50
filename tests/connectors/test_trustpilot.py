"""What is Trustpilot's own: keys and tokens, edits that move nothing, private lists, blocks that are no refusals."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.trustpilot import Trustpilot, TrustpilotSettings
from connectors.trustpilot_reviews import read_raw
from monitor.errors import Gone, Malformed, RateLimited, Unauthorized, Unavailable
from monitor.http import HttpClient
from tests.contract.reader import Reader
from tests.platforms.base import Fault, World
from tests.platforms.server import Reply
from tests.platforms.trustpilot import DOMAIN, HTML, KEY, SECRET, TOKEN, UNITS, Fake, refusal
from tests.platforms.youtube import stamp as written

GOLDENS = sorted((Path(__file__).resolve().parents[1] / "golden" / "trustpilot").glob("*.json"))
Reading = Callable[..., Reader]


@pytest.fixture
def fake(world: World, tmp_path: Path) -> Iterator[Fake]:
    with Fake(world, tmp_path) as platform:
        yield platform


@pytest.fixture
def reading(fake: Fake, http: HttpClient) -> Reading:
    def build(variant: str = "public", **settings: object) -> Reader:
        fake.variant = variant
        reader = Reader(Trustpilot, fake, http)
        reader.settings = TrustpilotSettings.model_validate(fake.source_settings() | settings)
        return reader

    return build


def _asked(fake: Fake, end: str) -> int:
    return sum(request.path.endswith(end) for request in fake.requests)


# --- reviews and replies ---


def test_a_review_comes_with_its_stars_its_person_and_its_company(reading: Reading, fake: Fake, world: World) -> None:
    key = world.comment(world.post(), "Three weeks and no refund.", by="Marc P.")
    fake.raw_parts[key] = {"title": "No refund", "stars": 1, "numberOfLikes": 2}
    reader = reading()
    reader.poll()
    review = reader.of(key)
    assert (review.kind, review.stars, review.n_likes, review.author.name) == ("review", 1, 2, "Marc P.")
    assert review.text == "No refund\n\nThree weeks and no refund."
    assert review.permalink == f"https://www.trustpilot.com/reviews/{review.native_id}"
    assert review.subject_native_id == f"unit/{UNITS[0]}"
    assert review.subject_url == f"https://www.trustpilot.com/review/{DOMAIN}"


@pytest.mark.parametrize(
    ("title", "text", "says"),
    [
        ("Three weeks and…", "Three weeks and no refund.", "Three weeks and no refund."),
        ("Bad", None, "Bad"),
        (None, "Only a text", "Only a text"),
        (None, None, ""),
    ],
)
def test_title_and_text_may_be_missing_or_the_same(
    reading: Reading, fake: Fake, world: World, title: str | None, text: str | None, says: str
) -> None:
    key = world.comment(world.post())
    fake.raw_parts[key] = {"title": title, "text": text}
    reader = reading()
    reader.poll()
    assert reader.of(key).text == says


def test_a_person_is_named_as_the_api_or_as_a_webhook_does(reading: Reading, fake: Fake, world: World) -> None:
    first, second = world.comment(world.post()), world.comment(world.post())
    fake.raw_parts[first] = {"consumer": {"name": "Ann"}}
    fake.raw_parts[second] = {"consumer": {"displayName": "Ann", "numberOfReviews": {"total": 4}}}
    reader = reading()
    reader.poll()
    assert [reader.of(key).author.name for key in (first, second)] == ["Ann", "Ann"]
    assert reader.of(first).author.key != reader.of(second).author.key


def test_counts_may_be_objects(reading: Reading, fake: Fake, world: World) -> None:
    key = world.comment(world.post())
    fake.raw_parts[key] = {"numberOfLikes": {"total": 5}}
    reader = reading()
    reader.poll()
    assert reader.of(key).n_likes == 5


def test_our_reply_hangs_under_its_review_and_an_edit_of_it_is_seen(reading: Reading, fake: Fake, world: World) -> None:
    review = world.comment(world.post())
    reply = world.reply(review)
    reader = reading()
    reader.poll()
    assert reader.is_ours(reply)
    assert reader.of(reply).parent_native_id == fake.native_id(review)
    assert reader.of(reply).edited_at is None
    world.advance()
    world.edit(reply, "We have sent it.")
    reader.catch_up()
    assert (reader.of(reply).text, reader.of(reply).edited_at) == ("We have sent it.", world.now)


def test_a_review_edited_after_our_reply_is_edited_after_it(reading: Reading, world: World) -> None:
    review = world.comment(world.post(), "Bad")
    reply = world.reply(review)
    reader = reading()
    reader.poll()
    world.advance()
    world.edit(review, "Still bad")
    reader.catch_up()
    edited_at = reader.of(review).edited_at
    assert edited_at is not None
    assert edited_at > reader.of(reply).created_at


@pytest.mark.parametrize(("status", "is_hidden"), [("active", False), ("reported", True), (None, False)])
def test_a_reported_review_is_hidden_and_not_gone(
    reading: Reading, fake: Fake, world: World, status: str | None, is_hidden: bool
) -> None:
    key = world.comment(world.post())
    fake.raw_parts[key] = {"status": status}
    reader = reading()
    reader.catch_up()
    assert reader.of(key).is_hidden == is_hidden
    assert not reader.gone
    assert {one.get("includeReportedReviews") for one in fake.requests if one.path.endswith("/reviews")} == {"true"}


def test_private_lists_leave_their_personal_data_behind(reading: Reading, fake: Fake, world: World) -> None:
    key = world.comment(world.post())
    world.reply(key)
    raws = reading("private").fetch().raws
    assert _asked(fake, f"/private/business-units/{UNITS[0]}/reviews") == 1
    told = json.dumps(raws)
    assert len(raws) == 2
    assert "kim@mail.example" not in told
    assert "order-77" not in told


# --- gone ---


def test_a_deleted_review_takes_our_reply_with_it(reading: Reading, fake: Fake, world: World) -> None:
    place = world.post()
    review, other = world.comment(place), world.comment(place)
    reply = world.reply(review)
    reader = reading()
    reader.poll()
    world.delete(review)
    reader.catch_up()
    assert reader.gone == {fake.native_id(review), fake.native_id(reply)}
    assert reader.present == {fake.native_id(other)}


def test_a_reply_that_was_taken_back_is_gone_and_its_review_is_not(reading: Reading, fake: Fake, world: World) -> None:
    reply = world.reply(world.comment(world.post()))
    reader = reading()
    reader.poll()
    world.delete(reply)
    reader.catch_up()
    assert reader.gone == {fake.native_id(reply)}


def test_reviews_of_a_unit_that_is_shown_no_more_are_not_gone(reading: Reading, fake: Fake, world: World) -> None:
    world.comment(world.post())
    other = world.comment(world.post())
    reader = reading()
    reader.poll()
    fake.lost_units.add(UNITS[0])
    world.delete(other)
    reader.recheck()
    assert reader.gone == {fake.native_id(other)}


# --- pages, heads and sweeps ---


def test_a_company_is_found_by_its_domain_once_a_week(reading: Reading, fake: Fake, world: World) -> None:
    key = world.comment(world.post())
    reader = reading(business_units=[DOMAIN.upper()])
    for _ in range(3):
        reader.poll()
        world.advance(timedelta(days=2))
    assert fake.native_id(key) in reader.present
    assert _asked(fake, "/business-units/find") == 1
    world.advance(timedelta(days=3))
    reader.poll()
    assert _asked(fake, "/business-units/find") == 2


def test_a_domain_that_trustpilot_does_not_know_is_gone(reading: Reading) -> None:
    with pytest.raises(Gone):
        reading(business_units=["nobody.example"]).poll()


def test_the_next_page_is_asked_of_trustpilot_whatever_host_its_link_names(
    reading: Reading, fake: Fake, world: World
) -> None:
    fake.page_size = 3
    place = world.post()
    for _ in range(10):
        world.comment(place)
    reader = reading()
    reader.poll()
    assert reader.present == fake.expected()
    assert [one.get("page") for one in fake.requests if UNITS[0] in one.path] == ["1", "2", "3", "4"]


def test_without_links_a_full_page_means_another_one(reading: Reading, fake: Fake, world: World) -> None:
    fake.has_links, fake.page_size = False, 100
    place = world.post()
    for number in range(205):
        world.comment(place, by=f"kim{number}")
    reader = reading()
    reader.poll()
    assert reader.present == fake.expected()
    assert _asked(fake, f"{UNITS[0]}/reviews") == 3


def test_a_quiet_poll_costs_one_request_for_each_unit(reading: Reading, fake: Fake, world: World) -> None:
    fake.page_size = 5
    for number in range(50):
        world.comment(world.post(), by=f"kim{number}")
        world.advance(timedelta(hours=12))
    reader = reading()
    reader.poll()
    world.advance(timedelta(minutes=15))
    assert reader.fetch().spent == 2


@pytest.mark.parametrize(("age", "delay"), [(30, 1), (120, 7)])
def test_an_edit_and_a_reply_far_down_the_list_are_found_within_the_stated_delay(
    reading: Reading, fake: Fake, world: World, age: int, delay: int
) -> None:
    place = world.post()
    old, edited = world.comment(place, "Old"), world.comment(place, "Edited")
    for number in range(30):
        world.comment(place, by=f"kim{number}")
    world.advance(timedelta(days=age))
    world.comment(place, "New")
    fake.page_size = 10
    reader = reading(backfill="P365D", business_units=[UNITS[0]])
    reader.poll()
    reply = world.reply(old)
    world.edit(edited, "Now in other words")
    begun_at = world.now
    while fake.native_id(reply) not in reader.present or reader.of(edited).text != "Now in other words":
        world.advance(timedelta(hours=1))
        before = fake.n_requests
        reader.poll()
        assert fake.n_requests - before <= 2 + 5, "a head and 5 of a sweep"
        assert world.now - begun_at <= timedelta(days=delay, hours=2)
    assert world.now - begun_at >= timedelta(days=delay), "it is not at the head, or this test shows nothing"


def test_a_sweep_that_fails_does_not_keep_new_reviews_out(reading: Reading, fake: Fake, world: World) -> None:
    place = world.post()
    world.comment(place)
    reader = reading(business_units=[UNITS[0]])
    reader.poll()
    world.advance(timedelta(days=2))
    new = world.comment(place, "New")
    fake.fail(Fault.OVERLOADED, after=1)
    page = reader.fetch()
    reader.keep(page)
    assert fake.native_id(new) in reader.present
    assert "a sweep waits" in page.note
    fake.fail(Fault.RATE_LIMITED, after=1)
    assert reader.fetch().poll_after is not None


def test_a_deletion_between_two_pages_hides_its_neighbour_for_a_day_at_most(
    reading: Reading, fake: Fake, world: World
) -> None:
    fake.page_size = 2
    place = world.post()
    keys = [world.comment(place, by=f"kim{number}") for number in range(30)]
    reader = reading(business_units=[UNITS[0]])
    reader.keep(reader.fetch())
    assert reader.cursor["position"], "it is in the middle of the list"
    world.delete(keys[-1])
    world.advance(timedelta(seconds=5))
    reader.poll()
    shifted = fake.expected() - reader.present
    assert len(shifted) == 1, "one slipped from the next page to the last one, or this test shows nothing"
    for _ in range(26):
        world.advance(timedelta(hours=1))
        reader.poll()
    assert fake.expected() <= reader.present


def test_the_cursor_is_small(reading: Reading, world: World) -> None:
    for number in range(100):
        world.comment(world.post(), by=f"kim{number}")
    reader = reading()
    reader.poll()
    assert len(json.dumps(reader.cursor)) < 700


@pytest.mark.slow
def test_20_000_reviews_are_brought_in_while_new_ones_arrive_within_the_quota(
    reading: Reading, fake: Fake, world: World
) -> None:
    fake.page_size = 100
    place = world.post()
    for number in range(20_000):
        world.comment(place, by=f"kim{number % 999}")
        world.advance(timedelta(minutes=2))
    reader = reading()
    n_fetches = 0
    while True:
        page = reader.fetch()
        reader.keep(page)
        n_fetches += 1
        if not page.more:
            break
        world.advance(timedelta(seconds=5))
        if n_fetches < 25:
            world.comment(place, f"Written between two pages, {n_fetches}")
    reader.poll()
    assert reader.present == fake.expected()
    assert fake.n_requests < 300
    print(f"{fake.n_requests} requests; a cursor of {len(json.dumps(reader.cursor)):,} bytes")  # noqa: T201


# --- credentials and errors ---


def test_a_token_is_asked_for_once_in_its_life_and_not_for_each_request(
    reading: Reading, fake: Fake, world: World
) -> None:
    connector = reading("private").build()
    cursor = None
    for _ in range(4):
        cursor = connector.fetch_page(cursor, world.advance()).cursor
    assert fake.n_tokens == 1


@pytest.mark.parametrize("lives", ["360000", 360000, None, "soon"])
def test_the_life_of_a_token_may_be_text_or_a_number(reading: Reading, fake: Fake, world: World, lives: Any) -> None:
    fake.lives = lives
    connector = reading("private").build()
    for _ in range(2):
        connector.fetch_page(None, world.now)
    assert fake.n_tokens == 1


def test_a_token_refused_before_its_end_is_asked_for_anew_once(reading: Reading, fake: Fake, world: World) -> None:
    connector = reading("private").build()
    cursor = connector.fetch_page(None, world.now).cursor
    fake.valid_token = "another-token-that-nobody-may-see"
    connector.fetch_page(cursor, world.advance())
    assert fake.n_tokens == 2
    fake.refuses = refusal(401, "Unauthorized")
    with pytest.raises(Unauthorized):
        connector.fetch_page(cursor, world.advance())
    assert fake.n_tokens == 3


def test_an_expired_token_given_by_hand_is_a_matter_of_credentials(reading: Reading) -> None:
    with pytest.raises(Unauthorized, match="not valid"):
        reading(token="expired-100-hours-ago").poll()


def test_a_wrong_key_and_a_wrong_secret_are_matters_of_credentials(reading: Reading, fake: Fake) -> None:
    with pytest.raises(Unauthorized):
        reading(api_key="another-key-altogether").poll()
    fake.refuses_secret = True
    with pytest.raises(Unauthorized) as caught:
        reading("private").poll()
    assert SECRET not in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_a_plan_without_the_private_lists_says_so(reading: Reading, fake: Fake) -> None:
    fake.refuses = refusal(403, "Forbidden")
    with pytest.raises(Unauthorized, match="plan"):
        reading("private").poll()


def test_a_403_page_of_html_is_a_block_and_not_a_refusal(reading: Reading, fake: Fake) -> None:
    fake.refuses = Reply(HTML, 403, {"Content-Type": "text/html"})
    with pytest.raises(Unavailable, match="blocks us") as caught:
        reading().poll()
    assert caught.value.retry_at is not None
    assert caught.value.retry_at - datetime.now(UTC) > timedelta(minutes=4)


def test_every_request_says_who_asks_and_that_json_is_wanted(reading: Reading, fake: Fake) -> None:
    reading("private").poll()
    assert {one.headers["accept"] for one in fake.requests} == {"application/json"}
    assert all(one.headers["user-agent"].startswith("heedful/") for one in fake.requests)
    assert not [one for one in fake.requests if KEY in str(one.query)]


def test_a_429_without_a_header_waits_five_minutes(reading: Reading, fake: Fake) -> None:
    fake.refuses = refusal(429, "Too many requests")
    with pytest.raises(RateLimited) as caught:
        reading().poll()
    assert caught.value.retry_at is not None
    assert timedelta(minutes=4) < caught.value.retry_at - datetime.now(UTC) <= timedelta(minutes=5)


def test_a_wrong_unit_is_gone(reading: Reading) -> None:
    with pytest.raises(Gone):
        reading(business_units=["0" * 24]).poll()


@pytest.mark.parametrize("body", [[], {}, {"reviews": {}}, "words"])
def test_an_answer_without_a_list_is_malformed(reading: Reading, fake: Fake, body: Any) -> None:
    fake.refuses = Reply(json.dumps(body))
    with pytest.raises(Malformed):
        reading().poll()


def test_a_review_that_cannot_be_read_goes_to_quarantine_alone(reading: Reading, fake: Fake, world: World) -> None:
    at = "2026-03-02T09:00:00Z"
    good = {"id": "a" * 24, "createdAt": at}
    broken: list[Any] = [
        "words",
        {"id": "../x", "createdAt": at},
        {"id": "b" * 24},
    ]
    fake.refuses = Reply({"reviews": [*broken, good, good | {"companyReply": "Sorry"}], "links": []})
    raws = reading(business_units=[UNITS[0]]).fetch().raws
    assert len(raws) == 6
    for raw in (*raws[:3], raws[5]):
        with pytest.raises(ValueError, match="validation"):
            read_raw(raw)
    assert [read_raw(raw).native_id for raw in raws[3:5]] == ["a" * 24, "a" * 24]


def test_a_review_with_odd_stars_or_an_odd_author_is_read_without_them(reading: Reading, fake: Fake) -> None:
    review = {"id": "c" * 24, "createdAt": "2026-03-02T09:00:00Z", "text": "Cold soup."}
    fake.refuses = Reply({"reviews": [review | {"stars": 9}, review | {"consumer": "Ann"}], "links": []})
    comments = [read_raw(raw) for raw in reading(business_units=[UNITS[0]]).fetch().raws]
    assert [(it.text, it.stars, it.author.name) for it in comments] == [("Cold soup.", None, "")] * 2


# --- goldens, settings ---


@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: path.stem)
def test_a_raw_review_is_read_as_its_golden_says(path: Path) -> None:
    golden = json.loads(path.read_text())
    comment = read_raw(golden["raw"])
    assert {name: _plain(getattr(comment, name)) for name in golden["comment"]} == golden["comment"]


def _plain(value: Any) -> Any:
    return written(value) if isinstance(value, datetime) else value


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"business_units": []}, "1 to 10 companies"),
        ({"business_units": ["https://www.trustpilot.com/review/x.example"]}, "bakery.example"),
        ({"api_key": None}, "api_key is missing"),
        ({"api_secret": "s", "token": "t"}, "not both"),
        ({"base_url": "trustpilot"}, "must be an address"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_words(given: dict[str, Any], says: str) -> None:
    base: dict[str, Any] = {"business_units": [DOMAIN], "api_key": KEY}
    with pytest.raises(ValidationError, match=says) as caught:
        TrustpilotSettings.model_validate(base | given)
    assert KEY not in str(caught.value)
