"""An account that signs for itself, what each error of Google Play means, goldens, settings."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.google_play import GooglePlaySettings
from connectors.google_play_reviews import read_raw
from monitor.errors import Gone, Malformed, RateLimited, Unauthorized, Unavailable
from monitor.http import HttpClient
from tests.connectors.discovery import schemas, strangers
from tests.connectors.google_play import Reading, fake, one_app, reading
from tests.platforms.base import Fault, World
from tests.platforms.google_play import PACKAGES, TOKEN, Fake, private_key
from tests.platforms.server import Reply
from tests.platforms.youtube import error
from tests.platforms.youtube import stamp as written

__all__ = ["fake", "reading"]

GOLDENS = sorted((Path(__file__).resolve().parents[1] / "golden" / "google_play").glob("*.json"))


# --- credentials ---


def test_a_token_is_asked_for_once_an_hour_and_not_for_each_request(reading: Reading, fake: Fake, world: World) -> None:
    world.comment(world.post())
    connector = reading("service account").build()
    cursor = None
    for _ in range(4):
        cursor = connector.fetch_page(cursor, world.advance()).cursor
    assert fake.n_tokens == 1


def test_a_token_refused_before_its_end_is_asked_for_anew_once(reading: Reading, fake: Fake, world: World) -> None:
    key = world.comment(world.post())
    connector = reading("service account").build()
    cursor = connector.fetch_page(None, world.now).cursor
    fake.valid_token = "another-token-that-nobody-may-see"
    page = connector.fetch_page(cursor, world.advance())
    assert fake.n_tokens == 2
    assert len(page.raws) == 1
    assert connector.normalise(page.raws[0]) is not None
    assert fake.native_id(key).startswith(PACKAGES[0])


def test_an_account_that_is_refused_with_a_fresh_token_is_told_at_once(reading: Reading, fake: Fake) -> None:
    fake.refuses = error(401, "permissionDenied", "The current user has insufficient permissions.")
    with pytest.raises(Unauthorized):
        reading("service account").poll()
    assert fake.n_tokens == 1


def test_a_deleted_key_or_a_wrong_clock_is_a_matter_of_credentials(reading: Reading, fake: Fake) -> None:
    fake.refuses_signature = True
    with pytest.raises(Unauthorized, match="clock") as caught:
        reading("service account").poll()
    assert "PRIVATE KEY" not in str(caught.value)


def test_an_expired_token_is_a_matter_of_credentials(reading: Reading) -> None:
    with pytest.raises(Unauthorized):
        reading(token="expired-an-hour-ago").poll()


def test_a_source_without_any_credential_says_what_to_run(reading: Reading) -> None:
    with pytest.raises(Unauthorized, match="heedful auth"):
        reading(token=None).poll()


def test_a_key_file_that_is_none_is_refused_without_showing_it() -> None:
    for text in ("not json at all", json.dumps({"client_email": "a@b.example", "secret_thing": "hush"})):
        with pytest.raises(ValidationError, match="service account") as caught:
            GooglePlaySettings.model_validate({"packages": [PACKAGES[0]], "service_account": text})
        assert "hush" not in str(caught.value)


def test_a_private_key_that_cannot_be_used_is_a_matter_of_credentials(reading: Reading, fake: Fake) -> None:
    key = {"client_email": "a@b.example", "private_key": "-----BEGIN PRIVATE KEY-----\nAAAA", "token_uri": fake.url}
    reader = reading(token=None, service_account=json.dumps(key))
    with pytest.raises(Unauthorized, match="file complete") as caught:
        reader.poll()
    assert "AAAA" not in str(caught.value)
    assert "AAAA" not in repr(reader.settings)


# --- errors ---


def test_a_429_waits_as_long_as_it_says(reading: Reading, fake: Fake) -> None:
    fake.fail(Fault.RATE_LIMITED, retry_after=90)
    with pytest.raises(RateLimited) as caught:
        reading().poll()
    assert caught.value.retry_at is not None
    assert caught.value.retry_at - datetime.now(UTC) > timedelta(seconds=80)


@pytest.mark.parametrize(("reason", "least"), [("quotaExceeded", 50), ("rateLimitExceeded", 0)])
def test_a_used_up_quota_waits(reading: Reading, fake: Fake, reason: str, least: int) -> None:
    fake.refuses = error(403, reason)
    with pytest.raises(RateLimited) as caught:
        reading().poll()
    assert caught.value.retry_at is not None
    assert caught.value.retry_at - datetime.now(UTC) > timedelta(minutes=least)


@pytest.mark.parametrize("reason", ["forbidden", "insufficientPermissions", "accessNotConfigured"])
def test_a_missing_permission_is_a_matter_of_credentials(reading: Reading, fake: Fake, reason: str) -> None:
    fake.refuses = error(403, reason, "The caller does not have permission", "PERMISSION_DENIED")
    with pytest.raises(Unauthorized):
        reading().poll()


def test_an_app_that_does_not_exist_is_gone(reading: Reading) -> None:
    with pytest.raises(Gone):
        reading(packages=["com.example.nothing"]).poll()


def test_a_backend_error_is_tried_again_later(reading: Reading, fake: Fake) -> None:
    fake.refuses = error(503, "backendError")
    with pytest.raises(Unavailable):
        reading().poll()


def test_no_reviews_are_an_empty_object_and_a_list_is_malformed(reading: Reading, fake: Fake) -> None:
    reader = reading()
    reader.poll()
    assert reader.present == set()
    bodies: list[Any] = [[], {"reviews": {}}, {"reviews": "none"}]
    for told in bodies:
        fake.refuses = Reply(told)
        with pytest.raises(Malformed):
            reader.poll()


def test_a_list_that_leads_back_to_itself_is_a_loop(reading: Reading, fake: Fake) -> None:
    fake.refuses = Reply({"reviews": [], "tokenPagination": {"nextPageToken": "again"}})
    with pytest.raises(Malformed, match="loop"):
        reading().poll()


def test_a_review_that_cannot_be_read_goes_to_quarantine_alone(reading: Reading, fake: Fake) -> None:
    good = {
        "reviewId": "gp:1",
        "comments": [{"userComment": {"text": "hi", "lastModified": {"seconds": "1790000000"}}}],
    }
    broken: list[Any] = [{"reviewId": "../x", "comments": []}, "words", {"reviewId": "gp:2"}]
    fake.refuses = Reply({"reviews": [*broken, good]})
    reader = one_app(reading)
    raws = reader.fetch().raws
    assert len(raws) == 4
    for raw in raws[:3]:
        with pytest.raises(ValueError, match=r"package|id|validation"):
            read_raw(raw)
    assert read_raw(raws[3]).text == "hi"


# --- goldens, schema, settings ---


@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: path.stem)
def test_a_raw_review_is_read_as_its_golden_says(path: Path) -> None:
    golden = json.loads(path.read_text())
    comment = read_raw(golden["raw"])
    assert {name: _plain(getattr(comment, name)) for name in golden["comment"]} == golden["comment"]


def _plain(value: Any) -> Any:
    return written(value) if isinstance(value, datetime) else value


def test_the_fake_and_the_goldens_invent_no_field(fake: Fake, world: World, http: HttpClient) -> None:
    known = schemas("androidpublisher.v3")
    review = world.comment(world.post())
    fake.translated.add(review)
    world.reply(review)
    url, headers = f"{fake.url}/applications/{PACKAGES[0]}/reviews", {"Authorization": f"Bearer {TOKEN}"}
    told = http.get(url, headers=headers).json()
    assert strangers(known, {"$ref": "ReviewsListResponse"}, told) == []
    for path in GOLDENS:
        raw = json.loads(path.read_text())["raw"]
        part = {"UserComment": raw["user"]} if "user" in raw else {"DeveloperComment": raw["developer"]}
        for name, value in part.items():
            assert strangers(known, {"$ref": name}, value, path.stem) == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"packages": []}, "1 to 10 apps"),
        ({"packages": ["https://play.google.com/x"]}, "com.example"),
        ({"packages": ["a/../b.c"]}, "com.example"),
        ({"packages": [PACKAGES[0]], "base_url": "play.example"}, "must be an address"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_words(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        GooglePlaySettings.model_validate(given)


def test_two_credentials_are_refused() -> None:
    key = json.dumps({"client_email": "a@b.example", "private_key": private_key()})
    with pytest.raises(ValidationError, match="not both"):
        GooglePlaySettings.model_validate({"packages": [PACKAGES[0]], "service_account": key, "token": "t"})
