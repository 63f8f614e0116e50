"""LinkedIn's refusals, its credentials and versions, what it allows a day, and what it lets us keep."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from pydantic import ValidationError

from connectors.linkedin import LinkedIn, LinkedInSettings
from connectors.linkedin_api import translated
from monitor.errors import Gone, Malformed, RateLimited, Unauthorized, Unavailable
from monitor.flows.credentials import drill, granted
from monitor.http import HttpClient
from monitor.sealing import Box
from monitor.store.credentials import Credential
from tests.connectors.linkedin import DEVELOPMENT_TIER, Reading, asked, cost_of, fake, polled_until, reading
from tests.platforms.base import Fault, World
from tests.platforms.linkedin import FEED, POSTS, SOCIAL, TOKEN, Fake, refusal
from tests.platforms.server import Reply

__all__ = ["fake", "reading"]
MINUTES = timedelta(minutes=30)
TOO_MANY = "Resource level throttle DAY limit for calls to this resource is reached."


# --- settings and versions ---


@pytest.mark.parametrize("organization", ["123", " 123 ", "urn:li:organization:123"])
def test_a_page_is_named_by_its_number_or_its_urn(organization: str) -> None:
    assert LinkedInSettings(organization=organization).organization == "urn:li:organization:123"


@pytest.mark.parametrize("organization", ["", "acme", "urn:li:person:aB3x", "https://linkedin.com/company/acme", "١٢"])
def test_what_is_no_page_is_refused(organization: str) -> None:
    with pytest.raises(ValidationError, match="by its number"):
        LinkedInSettings(organization=organization)


@pytest.mark.parametrize("version", ["2026-07", "202613", "26.07", ""])
def test_what_is_no_version_is_refused(version: str) -> None:
    with pytest.raises(ValidationError, match="a year and a month"):
        LinkedInSettings(organization="123", version=version)


def test_a_version_that_linkedin_has_ended_says_what_to_set(reading: Reading) -> None:
    with pytest.raises(Malformed, match="no longer serves version 202507: set `version`"):
        reading(version="202507").poll()


def test_a_version_near_its_end_is_said_once_a_day(reading: Reading, fake: Fake, world: World) -> None:
    fake.versions.add("202505")  # ten months before the world's March
    reader, young = reading(version="202505"), reading()
    notes = []
    for _ in range(4):
        page = reader.fetch()
        reader.keep(page)
        notes.append("soon ends" in page.note)
        world.advance(timedelta(hours=11))
    assert notes == [True, False, False, True]
    assert not young.fetch().note


# --- refusals ---


@pytest.mark.parametrize(("number", "says"), [(65600, "is invalid"), (65601, "was revoked"), (65602, "has expired")])
def test_an_expired_or_revoked_token_says_to_authorise_again(
    reading: Reading, fake: Fake, number: int, says: str
) -> None:
    fake.refuses[POSTS] = refusal(401, "EXPIRED_ACCESS_TOKEN", "The token used in the request is no good", number)
    with pytest.raises(Unauthorized, match=f"the token {says}: run `heedful auth`"):
        reading().poll()


@pytest.mark.parametrize("path", [FEED, POSTS])
def test_a_lost_role_or_a_missing_permission_is_a_matter_of_credentials(
    reading: Reading, fake: Fake, path: str
) -> None:
    says = "Not enough permissions to access: GET-comments /socialActions"
    fake.refuses[path] = refusal(403, "ACCESS_DENIED", says, 100)
    with pytest.raises(Unauthorized, match=r"a new token alone does not help \(ACCESS_DENIED Not enough permissions"):
        reading().poll()


def test_a_token_without_the_permission_for_comments_is_said_at_the_first_post(
    reading: Reading, fake: Fake, world: World
) -> None:
    world.comment(world.post())
    fake.refuses[SOCIAL] = refusal(403, "ACCESS_DENIED", "Not enough permissions", 100)
    with pytest.raises(Unauthorized):
        reading().poll()
    world.advance()
    with pytest.raises(Unauthorized):
        reading().poll()


def test_one_post_that_is_refused_holds_up_nothing(reading: Reading, fake: Fake, world: World) -> None:
    post = world.post()
    world.comment(post)
    world.advance()
    reader = reading()
    reader.poll()
    world.advance(MINUTES)
    world.comment(post)
    fake.refuses[SOCIAL] = refusal(403, "ACCESS_DENIED", "Not enough permissions", 100)
    page = reader.fetch()
    assert "cannot be read" in page.note
    world.advance(timedelta(days=2))
    reader.keep(reader.fetch())
    fake.refuses.clear()
    key = world.comment(post)
    reader.poll()
    assert fake.native_id(key) in reader.present
    world.advance(timedelta(days=1, hours=1))
    reader.poll()
    assert reader.present == fake.expected()


def test_a_comment_that_is_gone_when_it_is_fetched_is_dropped_after_three_tries(
    reading: Reading, fake: Fake, world: World
) -> None:
    post = world.post()
    world.comment(post)
    reader = reading()
    reader.poll()
    world.advance(MINUTES)
    key = world.comment(post)
    fake.lag[key] = timedelta(days=30)
    for _ in range(6):
        reader.poll()
        world.advance(MINUTES)
    assert asked(fake, SOCIAL, fake.native_id(key)) == 3
    assert not reader.gone
    assert cost_of(fake, reader.poll) == 1


def test_a_404_of_something_in_front_of_linkedin_is_no_word_of_linkedins(
    reading: Reading, fake: Fake, world: World
) -> None:
    world.comment(world.post())
    reader = reading()
    reader.poll()
    fake.refuses[SOCIAL] = Reply("<html>Not found</html>", 404, {"Content-Type": "text/html"})
    with pytest.raises(Gone):
        reader.recheck()
    assert not reader.gone


def test_a_parameter_that_linkedin_refuses_is_shown_with_its_code(reading: Reading, fake: Fake) -> None:
    fake.refuses[FEED] = refusal(400, "PARAM_INVALID", 'Invalid param. "timeRange"')
    with pytest.raises(Malformed, match="PARAM_INVALID Invalid param"):
        reading().poll()


def test_what_linkedin_says_cannot_bring_markup_or_much_of_it_into_an_error(reading: Reading, fake: Fake) -> None:
    fake.refuses[FEED] = refusal(403, "ACCESS_DENIED", f"<b>{TOKEN}</b> [x](http://evil.example) " + "a" * 5_000)
    with pytest.raises(Unauthorized) as caught:
        reading().poll()
    says = str(caught.value)
    assert TOKEN not in says
    assert "<b>" not in says
    assert "](" not in says
    assert len(says) < 500


@pytest.mark.parametrize("status", [500, 503, 504])
def test_a_server_in_trouble_is_tried_again_later(reading: Reading, fake: Fake, status: int) -> None:
    fake.refuses[FEED] = refusal(status, "INTERNAL_SERVER_ERROR", "Internal Server Error")
    with pytest.raises(Unavailable):
        reading().poll()


# --- 429 ---


def _retry_at(fake: Fake, reading: Reading, message: str) -> datetime:
    fake.refuses[FEED] = refusal(429, "TOO_MANY_REQUESTS", message)
    with pytest.raises(RateLimited) as caught:
        reading().poll()
    assert caught.value.retry_at is not None
    return caught.value.retry_at


def test_a_429_without_a_header_waits_for_midnight_utc(reading: Reading, fake: Fake) -> None:
    now = datetime.now(UTC)
    retry_at = _retry_at(fake, reading, TOO_MANY)
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    assert timedelta(0) < retry_at - midnight < timedelta(minutes=3)


def test_a_429_of_a_minute_waits_for_a_minute(reading: Reading, fake: Fake) -> None:
    now = datetime.now(UTC)
    retry_at = _retry_at(fake, reading, "Short-term limit of 1 minute reached")
    assert timedelta(minutes=1) <= retry_at - now <= timedelta(minutes=2)


def test_a_429_with_a_header_waits_as_it_says(reading: Reading, fake: Fake) -> None:
    fake.fail(Fault.RATE_LIMITED, retry_after=40)
    with pytest.raises(RateLimited) as caught:
        reading().poll()
    assert caught.value.retry_at is not None
    assert timedelta(seconds=30) < caught.value.retry_at - datetime.now(UTC) < timedelta(seconds=41)


def test_a_refusal_keeps_what_it_was_raised_with() -> None:
    error = Unavailable("api.linkedin.com/rest/posts answered 503", status=503)
    assert translated(error, "202607") is error


# --- a day of the Development tier ---


def _brand(world: World, n_posts: int, n_comments: int) -> list[str]:
    posts = []
    for _ in range(n_posts):
        posts.append(world.post())
        for number in range(n_comments):
            world.reply(world.comment(posts[-1], by=f"kim{number}"), by="lee") if number == 0 else world.comment(
                posts[-1]
            )
            world.advance(timedelta(minutes=20))
        world.advance(timedelta(days=1))
    return posts


def test_a_day_of_the_development_tier_is_enough_for_polls_sweeps_and_24_comments(
    reading: Reading, fake: Fake, world: World
) -> None:
    posts = _brand(world, 20, 3)
    reader = reading(sweep_a_day=DEVELOPMENT_TIER)
    for _ in range(8 * 48):  # the first days are the backfill's
        reader.poll()
        world.advance(MINUTES)
    assert reader.present == fake.expected()
    for _ in range(3):
        before = fake.n_requests
        for number in range(48):
            if number % 4 == 0:
                world.reply(world.comment(posts[-1]))
            reader.poll()
            world.advance(MINUTES)
        assert fake.n_requests - before <= 95, "a twentieth is left for looks"
        assert reader.present == fake.expected()


def test_new_comments_are_read_at_once_while_the_backfill_waits_for_its_credit(
    reading: Reading, fake: Fake, world: World
) -> None:
    posts = _brand(world, 25, 4)
    fake.page_size = 2
    reader = reading(sweep_a_day=DEVELOPMENT_TIER)
    reader.poll()
    assert fake.expected() - reader.present, "the backfill is not done, or this test shows nothing"
    for _ in range(4):
        world.advance(MINUTES)
        key = world.comment(posts[0])
        reader.poll()
        assert fake.native_id(key) in reader.present
    for _ in range(12 * 48):
        world.advance(MINUTES)
        reader.poll()
    assert reader.present == fake.expected()


def test_what_the_feed_leaves_out_is_found_within_the_credit_of_the_development_tier(
    reading: Reading, fake: Fake, world: World
) -> None:
    posts = _brand(world, 10, 2)
    reader = reading(sweep_a_day=DEVELOPMENT_TIER)
    for _ in range(4 * 48):
        reader.poll()
        world.advance(MINUTES)
    reply = world.reply(world.comments[0].key, by="kim")
    new = world.comment(posts[4])
    fake.silent = {reply, new}
    # The stated delay: a day, and 1 request for each post and thread at 16 a day.
    for key in (reply, new):
        polled_until(reader, fake.native_id(key), timedelta(days=2))


@pytest.mark.slow
def test_20_000_comments_on_200_posts_are_brought_in_while_new_ones_arrive(
    reading: Reading, fake: Fake, world: World
) -> None:
    fake.page_size = 100
    posts = []
    for _ in range(200):
        posts.append(world.post())
        for number in range(100):
            key = world.comment(posts[-1], by=f"kim{number}")
            if number % 10 == 0:
                world.reply(key)
            world.advance(timedelta(seconds=60))
    old = world.posts[0].key
    reader = reading()
    n = 0
    while True:
        page = reader.fetch()
        reader.keep(page)
        n += 1
        if not page.more:
            break
        world.advance(timedelta(seconds=5))
        if n < 40:
            world.comment(old if n % 2 else posts[-1], f"In between {n}")
    reader.poll()
    assert reader.present == fake.expected()
    n_lists, n_news, n_threads = 400, 22_000 // 45, 2_000  # a full page may not be the last one
    assert fake.n_requests < 1.1 * (n_lists + n_news + n_threads)
    print(f"{fake.n_requests} requests; a cursor of {len(json.dumps(reader.cursor)):,} bytes")  # noqa: T201
    assert len(json.dumps(reader.cursor)) < 150_000
    world.advance(timedelta(days=365))
    late = world.reply(world.comments[0].key, "A year later", by="kim")
    for _ in range(2):
        reader.poll()
    assert fake.native_id(late) in reader.present


# --- OAuth ---


def test_a_code_verifier_is_never_sent() -> None:
    assert not LinkedIn.oauth.uses_pkce
    assert LinkedIn.oauth.scopes == ("r_organization_social_feed", "rw_organization_admin")
    assert not [scope for scope in LinkedIn.oauth.scopes if scope.startswith("w_")]


def test_a_refresh_does_not_renew_the_year_of_the_permission() -> None:
    box, now = Box(Fernet.generate_key().decode()), datetime(2026, 11, 1, tzinfo=UTC)
    told = {"access_token": "a", "expires_in": 5_184_000, "refresh_token": "r", "refresh_token_expires_in": 31_536_000}
    first = granted(box, LinkedIn.oauth, told, {}, now)
    assert first.refresh_expires_at == now + timedelta(days=365)
    later = now + timedelta(days=352)
    again = granted(box, LinkedIn.oauth, told | {"refresh_token_expires_in": 13 * 86_400}, told, later)
    assert again.refresh_expires_at == first.refresh_expires_at
    held = Credential("linkedin", "linkedin", "", again.expires_at, again.refresh_expires_at, (), now, 2, None, True)
    assert [one.says for one in drill([held], {}, later)] == ["ends on 01 November 2027"]


def test_the_token_is_asked_for_at_each_request(fake: Fake, world: World, http: HttpClient) -> None:
    class Renewed:
        """An access whose token is new each time."""

        n = 0

        def token(self) -> str:
            self.n += 1
            fake.valid_token = f"token-number-{self.n}"
            return fake.valid_token

    access = Renewed()
    settings: dict[str, Any] = fake.source_settings() | {"token": None}
    LinkedIn(LinkedInSettings.model_validate(settings), http, access).fetch_page(None, world.now)
    assert access.n == fake.n_requests == 2


# --- what may be kept ---


def test_texts_may_be_kept_for_two_days_and_people_for_one_and_nothing_renews_that() -> None:
    rules = LinkedIn.abilities.storage
    assert (rules.text_for, rules.author_for) == (timedelta(hours=48), timedelta(hours=24))
    assert rules.forgets_deleted
    assert not rules.renews
    assert LinkedIn.abilities.budget is not None
    assert LinkedIn.abilities.budget.resets_in == "UTC"
