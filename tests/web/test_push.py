"""Push over real HTTP: challenges, signatures, replays and floods, and what becomes of a hint."""

import base64
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha1, sha256
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from monitor import log
from monitor.app import read_settings
from monitor.core.hints import Named
from monitor.flows.subscriptions import path_of
from monitor.store import hints, schema, sources
from monitor.store.engine import reading, writing
from monitor.web.inbound import MAX_BODY
from monitor.web.push import open_door
from tests.web.house import House, open_house

SECRET, CONSUMER, OURS = "secret-of-the-meta-app", "consumer-secret-of-x", "a-secret-of-our-own"
TOKEN = "a-text-that-we-chose"
GRAM, CHANNEL = "17841400000000001", "UC" + "a" * 22
ACCOUNTS = f"""
[accounts.gram]
connector = "instagram"
token = "t"
push_secret = "{SECRET}"
verify_token = "{TOKEN}"
[accounts.page]
connector = "facebook"
token = "t"
push_secret = "{SECRET}-old {SECRET}"
[accounts.bird]
connector = "x"
token = "t"
push_secret = "{CONSUMER}"
[accounts.tube]
connector = "youtube"
token = "t"
hub_url = "http://127.0.0.1:9/subscribe"
push_secret = "{OURS}"
[accounts.quiet]
connector = "instagram"
token = "t"
[sources.media]
brand = "shop"
account = "gram"
[sources.tags]
brand = "shop"
account = "gram"
watch = "tags"
[sources.posts]
brand = "shop"
account = "page"
[sources.named]
brand = "shop"
account = "bird"
[sources.channel]
brand = "shop"
account = "tube"
[sources.elsewhere]
brand = "shop"
account = "quiet"
"""


@pytest.fixture
def house(tmp_path: Path, sqlite_url: str) -> Iterator[House]:
    with open_house(tmp_path, [open_door], sqlite_url, ACCOUNTS) as house:
        learned = {"media": GRAM, "tags": GRAM, "posts": "1055", "named": "99", "channel": CHANNEL}
        read_all(house, learned)
        yield house


def read_all(house: House, learned: dict[str, str] | None = None) -> list[str]:
    """Read every source that is due, as the daemon would: which they were."""
    now = house.now()
    with writing(house.app.engine) as connection:
        claims = [claimed for _, claimed in sources.claim(connection, now, timedelta(minutes=2), 20, {}, 20)]
        for claimed in claims:
            own = (learned or {}).get(claimed.id)
            later = now + timedelta(minutes=5)
            outcome = sources.Outcome(later, later, own_author_ids=frozenset({own}) if own else None)
            sources.release(connection, claimed, outcome, now)
    return sorted(claimed.id for claimed in claims)


def hinted(house: House) -> list[str]:
    """Which sources the hints that came in until now make due."""
    house.ahead += timedelta(seconds=10)
    house.chore("hints")
    return read_all(house)


def comments_of(house: House, entry: str = GRAM, field: str = "comments", value: Any = None, n: int = 0) -> bytes:
    time = int(house.now().timestamp())
    change = {"field": field, "value": value or {"id": str(178 + n), "text": "Any news?"}}
    return json.dumps({"object": "instagram", "entry": [{"id": entry, "time": time, "changes": [change]}]}).encode()


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    signature = "sha256=" + hmac.new(secret.encode(), body, sha256).hexdigest()
    return {"content-type": "application/json", "x-hub-signature-256": signature}


def tell(house: House, body: bytes, account: str = "gram", headers: dict[str, str] | None = None) -> int:
    sent = headers if headers is not None else signed(body)
    return house.client.post(f"/push/{account}", content=body, headers=sent).status_code


# --- challenges ---


def asked(**changes: str) -> dict[str, str]:
    given = {"mode": "subscribe", "verify_token": TOKEN, "challenge": "1158201444"} | changes
    return {f"hub.{name}": value for name, value in given.items() if value}


def test_meta_is_answered_with_its_challenge_if_it_knows_the_token(house: House) -> None:
    answer = house.client.get("/push/gram", params=asked())
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert house.counted("push", "challenge") == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"verify_token": "a-text-that-we-chose!"},
        {"verify_token": ""},
        {"verify_token": "\u0430-text-that-we-chose"},
        {"mode": "unsubscribe"},
        {"mode": ""},
    ],
)
def test_who_does_not_know_the_token_is_refused(house: House, wrong: dict[str, str]) -> None:
    assert house.client.get("/push/gram", params=asked(**wrong)).status_code == 403


@pytest.mark.parametrize("challenge", ["", "a b", "\x00", "é", "1" * 501])
def test_a_challenge_that_is_none_is_not_shown_back(house: House, challenge: str) -> None:
    answer = house.client.get("/push/gram", params=asked(challenge=challenge))
    assert (answer.status_code, answer.text) == (400, "Bad Request\n")


def test_an_account_without_a_token_of_its_own_confirms_nothing(house: House) -> None:
    assert house.client.get("/push/page", params=asked(verify_token="")).status_code == 403
    assert house.client.get("/push/page", params=asked()).status_code == 403


def test_x_is_answered_with_its_token_signed(house: House) -> None:
    answer = house.client.get("/push/bird", params={"crc_token": "Nzc4YjQ5-_="})
    digest = hmac.new(CONSUMER.encode(), b"Nzc4YjQ5-_=", sha256).digest()
    assert answer.json() == {"response_token": "sha256=" + base64.b64encode(digest).decode()}


@given(event=st.dictionaries(st.text(), st.text()))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nobody_can_have_an_event_signed_by_the_challenge_of_x(house: House, event: dict[str, str]) -> None:
    answer = house.client.get("/push/bird", params={"crc_token": json.dumps(event)})
    assert answer.status_code == 400
    assert "sha256=" not in answer.text


def test_two_tokens_at_once_are_refused(house: House) -> None:
    assert house.client.get("/push/bird?crc_token=a&crc_token=b").status_code == 400


@pytest.mark.parametrize(
    "path", ["/push/nobody", "/push/quiet", "/push/gram/x", "/push/tube", "/push/tube/" + "0" * 40, "/push/gram?path=x"]
)
def test_there_is_no_other_address(house: House, path: str) -> None:
    body = comments_of(house)
    assert house.client.get(path, params=asked()).status_code in (404, 200 if path.endswith("?path=x") else 404)
    if "?" not in path:
        assert house.client.post(path, content=body, headers=signed(body)).status_code == 404


# --- what is told ---


def test_a_comment_on_instagram_makes_the_source_of_its_media_due(house: House) -> None:
    assert tell(house, comments_of(house)) == 200
    assert house.woken == []
    assert hinted(house) == ["media"]
    assert house.woken == ["sources"]
    assert house.counted("push", "accepted") == 1


def test_a_mention_is_kept_until_it_is_read_by_its_id(house: House) -> None:
    assert tell(house, comments_of(house, field="mentions", value={"media_id": "179", "comment_id": "178"})) == 200
    with reading(house.app.engine) as connection:
        assert hints.waiting(connection, "tags", 10) == [Named("178", "179", "179")]
        assert hints.waiting(connection, "media", 10) == []
    assert hinted(house) == ["tags"]


def test_an_account_of_somebody_else_is_not_read_for_it(house: House) -> None:
    assert tell(house, comments_of(house, entry="1784")) == 200
    assert hinted(house) == []


def test_while_a_secret_is_being_replaced_both_are_good(house: House) -> None:
    for secret in (SECRET, f"{SECRET}-old"):
        time = int(house.now().timestamp())
        change = {"field": "feed", "value": {"item": "comment", "by": secret}}
        body = json.dumps({"object": "page", "entry": [{"id": "1055", "time": time, "changes": [change]}]}).encode()
        assert tell(house, body, "page", signed(body, secret)) == 200
    assert tell(house, body, "page", signed(body, f"{SECRET}-older")) == 403


def test_an_event_of_x_makes_its_source_due(house: House) -> None:
    body = json.dumps({"data": {"event_type": "post.mention.create", "filter": {"user_id": "99"}}}).encode()
    signature = base64.b64encode(hmac.new(CONSUMER.encode(), body, sha256).digest()).decode()
    headers = {"content-type": "application/json", "x-twitter-webhooks-signature": f"sha256={signature}"}
    assert tell(house, body, "bird", headers) == 200
    assert hinted(house) == ["named"]


def test_a_new_video_makes_its_channel_due(house: House) -> None:
    body = f"<feed><entry><yt:channelId>{CHANNEL}</yt:channelId></entry></feed>".encode()
    signature = "sha1=" + hmac.new(OURS.encode(), body, sha1).hexdigest()
    headers = {"content-type": "application/atom+xml; charset=utf-8", "x-hub-signature": signature}
    (path,) = path_of("tube", house.app.plan.listeners["tube"])
    assert tell(house, body, f"tube/{path}", headers) == 200
    assert hinted(house) == ["channel"]
    assert tell(house, body + b" ", f"tube/{path}", headers) == 403


# --- what is not let in ---


@pytest.mark.parametrize(
    "changes",
    [
        {"x-hub-signature-256": ""},
        {"x-hub-signature-256": "sha256="},
        {"x-hub-signature-256": "sha256=" + "0" * 64},
        {"x-hub-signature-256": "sha1=" + "0" * 40},
    ],
)
def test_what_is_not_signed_is_refused(house: House, changes: dict[str, str]) -> None:
    body = comments_of(house)
    assert tell(house, body, headers=signed(body) | changes) == 403
    assert hinted(house) == []


def test_a_signature_of_another_kind_and_two_of_them_are_refused(house: House) -> None:
    body = comments_of(house)
    old = {"content-type": "application/json", "x-hub-signature": "sha1=" + hmac.new(b"x", body, sha1).hexdigest()}
    assert tell(house, body, headers=old) == 403
    twice = [*signed(body).items(), ("x-hub-signature-256", "sha256=" + "0" * 64)]
    assert house.client.post("/push/gram", content=body, headers=twice).status_code == 403
    assert house.counted("push", "refused_signature") == 2


@given(place=st.integers(0), change=st.integers(1, 255), is_header=st.booleans())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_byte_that_is_changed_is_refused(house: House, place: int, change: int, is_header: bool) -> None:
    body = bytearray(comments_of(house))
    headers = signed(bytes(body))
    if is_header:
        right = headers["x-hub-signature-256"]
        at = place % len(right)
        headers["x-hub-signature-256"] = right[:at] + chr(33 + (ord(right[at]) - 33 + change) % 93) + right[at + 1 :]
        if headers["x-hub-signature-256"] == right:
            return
    else:
        body[place % len(body)] ^= change
    assert tell(house, bytes(body), headers=headers) == 403


def test_a_time_that_is_moved_is_a_body_that_is_changed(house: House) -> None:
    body = comments_of(house)
    house.ahead = timedelta(days=3)
    moved = body.replace(str(json.loads(body)["entry"][0]["time"]).encode(), str(int(house.now().timestamp())).encode())
    assert moved != body
    assert tell(house, moved, headers=signed(body)) == 403


@pytest.mark.parametrize("ahead", [timedelta(hours=37, minutes=1), timedelta(minutes=-6)])
def test_what_was_sent_days_ago_or_in_the_future_is_refused(house: House, ahead: timedelta) -> None:
    body = comments_of(house)
    house.ahead = ahead
    assert tell(house, body) == 403
    assert house.counted("push", "refused_time") == 1
    house.ahead = timedelta(hours=36)
    assert tell(house, body) == 200, "Meta repeats for 36 hours what it could not deliver"


def test_what_is_told_again_asks_for_no_second_poll(house: House) -> None:
    body = comments_of(house)
    assert tell(house, body) == 200
    assert hinted(house) == ["media"]
    for hours in (1, 12, 36):
        house.ahead = timedelta(hours=hours)
        read_all(house)
        assert tell(house, body) == 200
        assert hinted(house) == []
    assert house.counted("push", "repeated") == 3
    house.ahead = timedelta(hours=38)
    assert tell(house, body) == 403


def test_what_we_failed_to_take_is_taken_when_it_is_told_again(house: House) -> None:
    body = comments_of(house, field="mentions", value={"media_id": "179"})
    with writing(house.app.engine) as connection:
        connection.execute(text("ALTER TABLE hints RENAME TO elsewhere"))
    assert tell(house, body) == 500
    with writing(house.app.engine) as connection:
        connection.execute(text("ALTER TABLE elsewhere RENAME TO hints"))
    assert tell(house, body) == 200
    assert hinted(house) == ["tags"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
def test_another_kind_of_content_is_refused(house: House, kind: str) -> None:
    body = comments_of(house)
    assert tell(house, body, headers=signed(body) | {"content-type": kind}) == 415


def test_a_body_that_is_too_long_is_refused_before_it_is_looked_at(house: House) -> None:
    body = b" " * (MAX_BODY + 1)
    try:
        assert tell(house, body) == 413
    except httpx.TransportError:  # the connection may be closed while we still write
        assert house.counted("push", "refused_too_long") == 1


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b'{"object":"page"}', b"[" * 100_000, b"\xff\xfe"])
def test_what_is_signed_and_cannot_be_read_is_refused_and_breaks_nothing(house: House, body: bytes) -> None:
    assert tell(house, body) == 400
    assert house.counted("push", "refused_unreadable") == 1


def test_a_thousand_hints_cost_one_poll(house: House) -> None:
    for number in range(1_000):
        assert tell(house, comments_of(house, n=number)) == 200
    with reading(house.app.engine) as connection:
        assert connection.execute(select(schema.sources.c.poll_requested)).scalars().all().count(True) == 0
    assert hinted(house) == ["media"]
    assert hinted(house) == []
    assert house.counted("push", "accepted") == 1_000


def test_a_store_that_is_away_does_not_keep_the_door_from_closing(house: House) -> None:
    assert tell(house, comments_of(house)) == 200
    with writing(house.app.engine) as connection:
        connection.execute(text("ALTER TABLE sources RENAME TO elsewhere"))
    house.server.stop()
    with pytest.raises(httpx.ConnectError):
        tell(house, comments_of(house))


def test_a_reload_replaces_the_secrets(house: House) -> None:
    file = house.app.settings.file
    file.write_text(file.read_text().replace(f'"{SECRET}"', '"another-secret-of-the-app"'))
    house.app.reload(read_settings(file))
    body = comments_of(house)
    assert tell(house, body) == 403
    assert tell(house, body, headers=signed(body, "another-secret-of-the-app")) == 200


def test_no_secret_and_nothing_that_was_sent_is_in_the_log(house: House) -> None:
    lines = StringIO()
    log.start("json", lines)
    body = comments_of(house)
    tell(house, body)
    tell(house, body, headers=signed(body, "wrong-secret-of-somebody"))
    tell(house, b"[" * 1_000)
    house.client.get("/push/gram", params=asked(verify_token="guess-by-somebody"))
    house.client.get("/push/tube/guess-by-somebody")
    hinted(house)
    said = lines.getvalue()
    assert "inbound.refused" in said
    for secret in (
        SECRET,
        CONSUMER,
        OURS,
        TOKEN,
        "guess-by-somebody",
        "Any news?",
        signed(body)["x-hub-signature-256"],
    ):
        assert secret not in said
