"""What is App Store Connect's own: signed tokens, answers beside reviews, reviews that are dated anew."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import ValidationError

from connectors.app_store import AppStore, AppStoreSettings
from monitor.errors import Gone, RateLimited, Unauthorized, Unavailable
from monitor.http import HttpClient
from tests.contract.reader import Reader
from tests.platforms.app_store import KEY_ID, PEM, Fake
from tests.platforms.base import BRAND, Fault, World

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "app_store").glob("*.json"))
BASE: dict[str, Any] = {"apps": ["1"], "key_id": KEY_ID, "private_key": PEM}


@pytest.fixture
def fake(world: World, tmp_path: Path) -> Iterator[Fake]:
    with Fake(world, tmp_path) as platform:
        yield platform


@pytest.fixture
def reader(fake: Fake, http: HttpClient) -> Reader:
    return Reader(AppStore, fake, http)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_payload_reads_as_it_should(path: Path, http: HttpClient) -> None:
    golden = json.loads(path.read_text())
    comment = AppStore(AppStoreSettings.model_validate(BASE), http).normalise(golden["raw"])
    assert comment is not None
    assert json.loads(json.dumps(asdict(comment), default=str)) == golden["comment"]


# --- tokens and permissions ---


def test_a_token_is_es256_with_a_raw_signature_and_lives_less_than_twenty_minutes(reader: Reader, fake: Fake) -> None:
    reader.poll()
    token = fake.requests[0].headers["authorization"].removeprefix("Bearer ")
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert header == {"alg": "ES256", "kid": KEY_ID, "typ": "JWT"}
    assert set(claims) == {"iss", "iat", "exp", "aud"}
    assert 0 < claims["exp"] - datetime.now(UTC).timestamp() <= 1200
    assert len(urlsafe_b64decode(token.split(".")[2] + "==")) == 64, "not DER"


def test_an_individual_key_speaks_for_its_user(fake: Fake, world: World, http: HttpClient) -> None:
    fake.issuer = ""
    world.comment(world.post())
    reader = Reader(AppStore, fake, http)
    reader.poll()
    assert reader.present == fake.expected()


def test_an_expired_or_revoked_key_says_what_it_may_be(reader: Reader, fake: Fake) -> None:
    fake.issuer = "another-one"
    with pytest.raises(Unauthorized, match=r"revoked.*clock"):
        reader.poll()


def test_a_missing_role_and_a_missing_agreement_are_told_apart(reader: Reader, fake: Fake) -> None:
    fake.fail(Fault.FORBIDDEN)
    with pytest.raises(Unauthorized, match="role Customer Support"):
        reader.poll()
    fake.has_agreement = False
    with pytest.raises(Unauthorized, match="agreement"):
        reader.poll()


P384 = generate_private_key(SECP384R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    "pem", ["", "a-secret-that-is-no-key", PEM[:-60], P384], ids=["empty", "words", "cut", "P-384"]
)
def test_a_key_that_is_none_is_refused_without_a_word_of_it(pem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        AppStoreSettings.model_validate(BASE | {"private_key": pem})
    says = "; ".join(error["msg"] for error in caught.value.errors())
    assert "P-256" in says
    assert not pem or pem[30:60] not in says or pem[30:60] == ""


def test_a_key_may_come_from_a_variable_with_its_line_ends_escaped() -> None:
    assert AppStoreSettings.model_validate(BASE | {"private_key": PEM.replace("\n", "\\n")}).private_key


# --- limits ---


class _Bursting(Fake):
    """The limit of each minute, which no header tells of."""

    def rate_limit_headers(self, retry_after: int) -> dict[str, str]:
        return {}


def test_a_burst_limit_without_a_header_waits_two_minutes(world: World, tmp_path: Path, http: HttpClient) -> None:
    with _Bursting(world, tmp_path) as fake:
        fake.fail(Fault.RATE_LIMITED)
        with pytest.raises(RateLimited) as caught:
            Reader(AppStore, fake, http).poll()
    assert caught.value.retry_at is not None
    assert timedelta(seconds=110) < caught.value.retry_at - datetime.now(UTC) <= timedelta(seconds=120)


def test_the_last_requests_of_the_hour_are_kept(reader: Reader, fake: Fake) -> None:
    assert reader.fetch().poll_after is None
    fake.left = 9
    waits_until = reader.fetch().poll_after
    assert waits_until is not None
    assert timedelta(minutes=9) < waits_until - datetime.now(UTC) <= timedelta(minutes=10)


# --- reviews and answers ---


def test_an_edited_review_is_dated_anew_after_our_answer_so_it_waits_again(reader: Reader, world: World) -> None:
    key = world.comment(world.post(), "It lost my data", by="kim")
    world.advance()
    ours = world.reply(key)
    reader.poll()
    assert reader.of(ours).created_at > reader.of(key).created_at
    world.advance()
    world.edit(key, "And it does so again")
    reader.poll()
    assert reader.of(key).created_at > reader.of(ours).created_at
    assert reader.of(ours).parent_native_id == reader.of(key).native_id


def test_our_answer_to_an_old_review_is_found_when_it_is_looked_at_again(
    reader: Reader, fake: Fake, world: World
) -> None:
    fake.page_size = 2
    app = world.post()
    old = world.comment(app, "Old")
    for _ in range(9):
        world.advance()
        world.comment(app)
    reader.poll()
    world.advance()
    ours = world.reply(old)
    reader.poll()
    assert fake.native_id(ours) not in reader.held, "it lies below the first page, or this test shows nothing"
    reader.recheck()
    assert reader.of(ours).is_ours
    assert reader.of(ours).root_native_id == fake.native_id(old)


def test_an_answer_that_was_taken_back_is_gone_and_its_review_is_not(reader: Reader, fake: Fake, world: World) -> None:
    key = world.comment(world.post())
    ours = world.reply(key)
    reader.poll()
    world.delete(ours)
    reader.catch_up()
    assert reader.gone == {fake.native_id(ours)}
    assert reader.present == fake.expected()


def test_a_deleted_review_takes_our_answer_with_it(reader: Reader, fake: Fake, world: World) -> None:
    app = world.post()
    key, other = world.comment(app), world.comment(app)
    ours = world.reply(key)
    reader.poll()
    world.delete(key)
    reader.catch_up()
    assert reader.gone == {fake.native_id(key), fake.native_id(ours)}
    assert reader.present == {fake.native_id(other)}


def test_a_gone_review_is_believed_only_while_its_app_is_shown(reader: Reader, fake: Fake, world: World) -> None:
    world.comment(world.post())
    reader.poll()
    fake.fail(Fault.NOT_FOUND, times=9)
    with pytest.raises(Unavailable):
        reader.recheck()
    assert not reader.gone


def test_an_app_that_is_gone_closes_its_source(fake: Fake, world: World, http: HttpClient) -> None:
    settings = AppStoreSettings.model_validate(fake.source_settings() | {"apps": ["77"]})
    with pytest.raises(Gone):
        AppStore(settings, http).fetch_page(None, world.now)


def test_an_answer_that_is_not_yet_published_is_hidden_and_ours(reader: Reader, fake: Fake, world: World) -> None:
    ours = world.reply(world.comment(world.post()))
    fake.pending.add(ours)
    reader.poll()
    assert (reader.of(ours).is_hidden, reader.of(ours).is_ours, reader.of(ours).author.name) == (True, True, "Bakery 1")


def test_the_next_page_is_asked_of_apple_whatever_host_its_link_names(reader: Reader, fake: Fake, world: World) -> None:
    fake.page_size = 3
    app = world.post()
    for _ in range(10):
        world.comment(app)
    reader.poll()
    assert reader.present == fake.expected()
    assert any("cursor" in request.query for request in fake.requests)
    assert {"-createdDate"} == {request.get("sort") for request in fake.requests if "customerReviews" in request.path}


def test_times_with_an_offset_become_utc(reader: Reader, world: World) -> None:
    key = world.comment(world.post(), by=BRAND)
    reader.poll()
    assert reader.of(key).created_at == world[key].created_at
    assert reader.of(key).created_at.tzinfo is UTC


@pytest.mark.slow
def test_20_000_reviews_are_brought_in_while_new_ones_arrive_within_the_quota(
    reader: Reader, fake: Fake, world: World
) -> None:
    fake.page_size = 200
    app = world.post()
    for number in range(20_000):
        if number % 50 == 0:
            world.advance(timedelta(minutes=30))
        world.comment(app, by=f"kim{number % 999}")
    n_fetches = 0
    while True:
        page = reader.fetch()
        reader.keep(page)
        n_fetches += 1
        if n_fetches < 60:
            world.advance(timedelta(seconds=20))
            world.comment(app, "Written while the past is read")
        if not page.more:
            break
    reader.poll()
    assert reader.present == fake.expected()
    budget = AppStore.abilities.budget
    assert budget is not None
    assert fake.n_requests <= budget.n
