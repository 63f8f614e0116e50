"""What each error of Google Business Profile means, hostile answers, goldens, settings."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.google_business import SCOPE, GoogleBusiness, GoogleBusinessSettings
from connectors.google_business_reviews import read_raw
from monitor.errors import Gone, Malformed, RateLimited, RemoteError, Unauthorized, Unavailable
from monitor.http import HttpClient
from monitor.settings.tables import SourceTable
from tests.connectors.google_business import Reading, asked, fake, reading
from tests.platforms.base import Fault, World
from tests.platforms.google_business import ACCOUNT, GROUP, LOCATIONS, Fake, error
from tests.platforms.server import Reply, Request
from tests.platforms.youtube import stamp as written

__all__ = ["fake", "reading"]

GOLDENS = sorted((Path(__file__).resolve().parents[1] / "golden" / "google_business").glob("*.json"))
REFUSED = {
    "not ours": (error(403, "PERMISSION_DENIED", "The caller does not have permission"), Unauthorized, "neither owns"),
    "unverified": (error(400, "FAILED_PRECONDITION", "Precondition check failed."), Unauthorized, "not verified"),
    "moved": (error(404, "NOT_FOUND", "Requested entity was not found."), Gone, "moved or merged"),
}


def _shut_all(fake: Fake, reply: Reply) -> None:
    fake.shut = dict.fromkeys(LOCATIONS, reply)


# --- credentials ---


def test_reading_asks_for_the_one_scope_there_is() -> None:
    assert GoogleBusiness.oauth.scopes == (SCOPE,)
    assert GoogleBusiness.oauth.authorize_params["access_type"] == "offline", "or there is no refresh token"


def test_an_expired_token_is_a_matter_of_credentials(reading: Reading, fake: Fake) -> None:
    with pytest.raises(Unauthorized) as caught:
        reading(token="expired-an-hour-ago").poll()
    assert caught.value.status == 401


def test_a_source_without_any_credential_says_what_to_run(reading: Reading) -> None:
    with pytest.raises(Unauthorized, match="heedful auth"):
        reading(token=None).poll()


def test_a_renewed_token_is_used_at_the_next_request(fake: Fake, http: HttpClient, world: World) -> None:
    class Renewing:
        held = "first-token-that-nobody-may-see"

        def token(self) -> str:
            return self.held

    access = Renewing()
    settings = GoogleBusinessSettings.model_validate(fake.source_settings() | {"token": None})
    connector = GoogleBusiness(settings, http, access)
    fake.valid_token = access.held
    cursor = connector.fetch_page(None, world.now).cursor
    fake.valid_token = access.held = "second-token-that-nobody-may-see"
    assert connector.fetch_page(cursor, world.advance()).spent == 2


def test_a_project_that_is_not_approved_says_so_and_does_not_wait_for_a_quota_of_none(
    reading: Reading, fake: Fake
) -> None:
    refused = error(429, "RESOURCE_EXHAUSTED", "Quota exceeded", "RATE_LIMIT_EXCEEDED", quota_limit_value="0")
    _shut_all(fake, refused)
    with pytest.raises(Unauthorized, match="not yet approved"):
        reading().poll()


@pytest.mark.parametrize(
    ("reason", "says"), [("SERVICE_DISABLED", "not enabled"), ("ACCESS_TOKEN_SCOPE_INSUFFICIENT", "business.manage")]
)
def test_a_missing_permission_of_the_whole_project_stops_the_source(
    reading: Reading, fake: Fake, reason: str, says: str
) -> None:
    fake.shut["456"] = error(403, "PERMISSION_DENIED", "Refused", reason)
    with pytest.raises(Unauthorized, match=says):
        reading().poll()


def test_a_person_without_any_location_is_told_so(reading: Reading, fake: Fake) -> None:
    fake.accounts = {ACCOUNT: [], GROUP: []}
    with pytest.raises(Unauthorized, match="no location"):
        reading().poll()


# --- errors ---


@pytest.mark.parametrize("limit", ["", "300"])
def test_a_429_waits_more_than_a_minute_though_no_header_says_so(reading: Reading, fake: Fake, limit: str) -> None:
    metadata = {"quota_limit_value": limit} if limit else {}
    fake.shut["456"] = error(429, "RESOURCE_EXHAUSTED", "Quota exceeded", "RATE_LIMIT_EXCEEDED", **metadata)
    with pytest.raises(RateLimited) as caught:
        reading().poll()
    assert caught.value.retry_at is not None
    assert timedelta(seconds=60) <= caught.value.retry_at - datetime.now(UTC) <= timedelta(seconds=90)


@pytest.mark.parametrize("kind", sorted(REFUSED))
def test_where_not_one_location_can_be_read_the_source_fails_and_says_why(
    reading: Reading, fake: Fake, kind: str
) -> None:
    refused, becomes, says = REFUSED[kind]
    _shut_all(fake, refused)
    with pytest.raises(becomes, match=says):
        reading().poll()


def test_an_api_that_was_shut_down_deletes_nothing(reading: Reading, fake: Fake, world: World) -> None:
    world.comment(world.post())
    reader = reading()
    reader.poll()
    for step in (reader.poll, reader.recheck):
        fake.fail(Fault.NOT_FOUND)
        with pytest.raises(Gone):
            step()
    assert not reader.gone


@pytest.mark.parametrize("status", [500, 503])
def test_a_backend_error_is_tried_again_later(reading: Reading, fake: Fake, status: int) -> None:
    fake.shut["456"] = error(status, "UNAVAILABLE")
    with pytest.raises(Unavailable):
        reading().poll()


def test_an_error_in_any_shape_is_still_that_error(reading: Reading, fake: Fake) -> None:
    for body in ("", "[]", '{"error": 7}', '{"error": {"details": [7, {"metadata": 7}]}}', "[" * 5_000):
        for status, becomes in ((403, Unauthorized), (404, Gone), (429, RateLimited), (400, Malformed)):
            fake.shut["456"] = Reply(body, status)
            with pytest.raises(becomes):
                reading().poll()


# --- hostile answers ---


def test_an_empty_location_is_an_empty_object_and_a_list_is_malformed(reading: Reading, fake: Fake) -> None:
    reader = reading()
    reader.poll()
    assert reader.present == set()
    bodies: list[Any] = [[], {"reviews": {}}, {"reviews": [], "nextPageToken": 7}]
    for body in bodies:
        fake.shut["456"] = Reply(body)
        with pytest.raises(Malformed):
            reader.poll()


def test_a_list_that_leads_back_to_itself_is_a_loop(reading: Reading, fake: Fake) -> None:
    fake.shut["456"] = Reply({"reviews": [], "nextPageToken": "again"})
    with pytest.raises(Malformed, match="loop"):
        reading().poll()


def test_a_review_that_cannot_be_read_goes_to_quarantine_alone(reading: Reading, fake: Fake) -> None:
    at = "2026-03-02T09:00:00Z"
    broken: list[Any] = [
        {"reviewId": "../x", "createTime": at},
        "words",
        {"reviewId": "r2"},
        {"reviewId": "r3", "createTime": "yesterday"},
        {"reviewId": "r4", "createTime": at, "comment": {"html": "x"}},
    ]
    fake.shut["456"] = Reply({"reviews": [*broken, {"name": "accounts/1/locations/2/reviews/r5", "updateTime": at}]})
    raws = reading(locations=["456"]).fetch().raws
    assert len(raws) == 6
    for raw in raws[:5]:
        with pytest.raises(ValueError, match="validation"):
            read_raw(raw)
    assert read_raw(raws[5]).native_id == "456/r5"


def test_a_reply_that_cannot_be_read_does_not_spoil_its_review(reading: Reading, fake: Fake, world: World) -> None:
    key = world.comment(world.post())
    world.reply(key)
    fake.reply_parts[key] = {"comment": 7}
    review, reply = reading().fetch().raws
    assert read_raw(review).native_id == fake.native_id(key)
    with pytest.raises(ValueError, match="validation"):
        read_raw(reply)


def test_names_that_do_not_belong_in_an_address_are_left_out(reading: Reading, fake: Fake, world: World) -> None:
    world.comment(world.post())
    fake.accounts = {"accounts/../../x": ["456"], ACCOUNT: ["456"]}
    reader = reading()
    reader.poll()
    assert len(reader.present) == 1
    assert not [one.path for one in fake.requests if ".." in one.path]


def test_a_title_of_any_length_stays_small_in_the_cursor(reading: Reading, fake: Fake, world: World) -> None:
    fake.metadata = {"mapsUri": "https://maps.example/" + "x" * 5_000}
    reader = reading()
    reader.poll()
    assert len(json.dumps(reader.cursor)) < 3_000


# --- lists ---


def test_lists_of_accounts_and_locations_are_read_to_their_end(reading: Reading, fake: Fake, world: World) -> None:
    fake.page_size = 1
    for _ in range(2):
        world.comment(world.post())
    fake.accounts = {ACCOUNT: ["456", "457"], GROUP: []}
    reader = reading()
    reader.poll()
    assert reader.present == fake.expected()
    assert asked(fake, "/management/v1/accounts") == 2


class _Forgetful(Fake):
    """Forgets the first position in a list of locations that it hands out."""

    n_refused = 0

    def answer(self, request: Request) -> Reply:
        if request.path.endswith("/locations") and request.get("pageToken") and not self.n_refused:
            self.n_refused += 1
            return error(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")
        return super().answer(request)


def test_a_position_lost_in_a_list_of_locations_begins_it_again(world: World, http: HttpClient, tmp_path: Path) -> None:
    with _Forgetful(world, tmp_path) as forgetful:
        forgetful.page_size, forgetful.accounts = 1, {ACCOUNT: ["456", "457"]}
        settings = GoogleBusinessSettings.model_validate(forgetful.source_settings())
        page = GoogleBusiness(settings, http).fetch_page(None, world.now)
        assert forgetful.n_refused == 1
    assert sorted(page.cursor["locations"]) == ["456", "457"]


# --- goldens, settings ---


@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: path.stem)
def test_a_raw_review_is_read_as_its_golden_says(path: Path) -> None:
    golden = json.loads(path.read_text())
    comment = read_raw(golden["raw"])
    assert {name: _plain(getattr(comment, name)) for name in golden["comment"]} == golden["comment"]


def _plain(value: Any) -> Any:
    return written(value) if isinstance(value, datetime) else value


def test_there_are_goldens() -> None:
    assert len(GOLDENS) >= 4


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"locations": ["Main Street"]}, "not a number"),
        ({"locations": ["1/../2"]}, "not a number"),
        ({"business_group": "groups/7"}, "not a number"),
        ({"reviews_url": "mybusiness.example"}, "must be an address"),
        ({"accounts_url": "https://user:pass@x.example"}, "must be an address"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_words(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        GoogleBusinessSettings.model_validate(given)


def test_no_setting_has_the_name_of_one_that_every_source_has() -> None:
    assert not set(SourceTable.model_fields) & set(GoogleBusinessSettings.model_fields)


def test_errors_name_neither_token_nor_query(reading: Reading, fake: Fake) -> None:
    fake.fail(Fault.SERVER_ERROR)
    with pytest.raises(RemoteError) as caught:
        reading().poll()
    assert fake.secret not in str(caught.value)
    assert "?" not in str(caught.value)
