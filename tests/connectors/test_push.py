"""What Meta, X and YouTube tell us becomes hints, and whatever else is sent becomes an error that is expected."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Hint, Named, Push
from connectors.meta_push import INSTAGRAM, PAGE, THREADS
from connectors.x_push import X_PUSH
from connectors.youtube import YouTubeSettings
from connectors.youtube_push import YOUTUBE_PUSH

AT = datetime(2026, 10, 1, 7, 0, 5, tzinfo=UTC)
CHANNEL, OTHER = "UC" + "a" * 22, "UC" + "B-_9" * 5 + "zz"
PUSHES = {"facebook": PAGE, "instagram": INSTAGRAM, "threads": THREADS, "x": X_PUSH, "youtube": YOUTUBE_PUSH}


def read(push: Push, payload: Any) -> list[Hint]:
    return list(push.read(json.dumps(payload).encode()))


def page(field: str, value: Any, time: Any = 1790838005) -> dict[str, Any]:
    return {"object": "page", "entry": [{"id": "1055", "time": time, "changes": [{"field": field, "value": value}]}]}


def instagram(field: str, value: Any) -> dict[str, Any]:
    entry = {"id": "17841400000000001", "time": 1790838005, "changes": [{"field": field, "value": value}]}
    return {"object": "instagram", "entry": [entry]}


def test_a_comment_on_a_page_is_a_hint_for_its_posts() -> None:
    value = {"item": "comment", "verb": "add", "post_id": "1055_12", "comment_id": "12_87"}
    assert read(PAGE, page("feed", value)) == [Hint("1055", "page", AT)]


def test_times_in_milliseconds_are_the_same_times() -> None:
    assert read(PAGE, page("feed", {"item": "comment"}, 1790838005000)) == [Hint("1055", "page", AT)]


@pytest.mark.parametrize("item", ["reaction", "like", "share"])
def test_a_like_is_no_hint(item: str) -> None:
    assert read(PAGE, page("feed", {"item": item, "verb": "add"})) == []


@pytest.mark.parametrize(
    ("field", "watch"),
    [("ratings", "reviews"), ("messages", "messages"), ("conversations", "messages"), ("something_new", "")],
)
def test_each_field_of_a_page_is_for_who_watches_it(field: str, watch: str) -> None:
    assert read(PAGE, page(field, {})) == [Hint("1055", watch, AT)]


def test_who_names_the_page_elsewhere_is_to_be_read_by_its_id() -> None:
    below = read(PAGE, page("mention", {"item": "comment", "post_id": "2066_9", "comment_id": "9_5"}))
    post = read(PAGE, page("mention", {"item": "post", "post_id": "2066_9"}))
    assert [hint.named for hint in (*below, *post)] == [
        Named("9_5", "2066_9", "2066_9"),
        Named("2066_9", None, "2066_9"),
    ]


def test_mentions_on_instagram_are_to_be_read_by_their_id() -> None:
    below = read(INSTAGRAM, instagram("mentions", {"media_id": "179", "comment_id": "178"}))
    assert below == [Hint("17841400000000001", "tags", AT, Named("178", "179", "179"))]
    caption = read(INSTAGRAM, instagram("mentions", {"media_id": "179"}))
    assert caption[0].named == Named("179", None, "179")


@pytest.mark.parametrize("hostile", ["../me", "179?fields=x", "1" * 40, {"id": 1}, None, True, -5, 1.5])
def test_what_is_no_id_names_nothing(hostile: Any) -> None:
    (hint,) = read(INSTAGRAM, instagram("mentions", {"media_id": hostile, "comment_id": hostile}))
    assert hint.named is None


def test_by_instagram_login_the_field_stands_in_the_entry() -> None:
    entry = {"id": "17841400000000001", "time": 1790838005, "field": "comments", "value": {"id": "178"}}
    assert read(INSTAGRAM, {"object": "instagram", "entry": [entry]}) == [Hint("17841400000000001", "media", AT)]


@pytest.mark.parametrize(("push", "kind"), [(PAGE, "page"), (INSTAGRAM, "instagram")])
def test_messages_come_in_a_list_of_their_own(push: Push, kind: str) -> None:
    entry = {"id": "1055", "time": 1790838005, "messaging": [{"message": {"text": "hi"}}]}
    assert read(push, {"object": kind, "entry": [entry]}) == [Hint("1055", "messages", AT)]


def test_a_batch_gives_a_hint_for_each_entry() -> None:
    entries = page("feed", {"item": "comment"})["entry"] * 1_000
    assert len(read(PAGE, {"object": "page", "entry": entries})) == 1_000


def test_what_is_about_something_else_is_not_read() -> None:
    with pytest.raises(ValueError, match="not about page"):
        read(PAGE, instagram("comments", {}))


@pytest.mark.parametrize("several", [False, True])
def test_threads_has_an_envelope_of_its_own(several: bool) -> None:
    value = {"value": {"id": "180", "replied_to": {"id": "179"}}, "field": "replies"}
    payload = {"app_id": "1", "topic": "moderate", "target_id": "7", "time": 1790838005}
    assert read(THREADS, payload | {"values": [value] if several else value}) == [Hint("", "", AT)]


def test_a_mention_on_x_is_a_hint_for_the_account_that_is_named() -> None:
    event = {"event_type": "post.mention.create", "filter": {"user_id": "99"}}
    post = {"payload": {"id": "300", "created_at": "2026-10-01T07:00:05.000Z"}}
    assert read(X_PUSH, {"data": event | post}) == [Hint("99", "mentions", AT)]
    assert read(X_PUSH, {"for_user_id": "99", "tweet_create_events": [{}]}) == [Hint("99", "mentions")]
    deleted = {"event_type": "post.delete", "filter": {"user_id": "99"}}
    assert read(X_PUSH, {"data": deleted | post}) == [Hint("99", "mentions")], "it tells when the post was written"


@pytest.mark.parametrize("kind", ["follow.follow", "dm.received", "like.create", None])
def test_what_we_do_not_read_on_x_is_no_hint(kind: str | None) -> None:
    assert read(X_PUSH, {"data": {"event_type": kind, "filter": {"user_id": "99"}}}) == []
    assert read(X_PUSH, {"for_user_id": "99", "favorite_events": [{}]}) == []


def atom(*channels: str) -> bytes:
    entries = "".join(f"<entry><yt:channelId>{channel}</yt:channelId></entry>" for channel in channels)
    return f'<?xml version="1.0"?><feed xmlns:yt="http://y" xmlns="http://a">{entries}</feed>'.encode()


def test_a_new_video_is_a_hint_for_its_channel() -> None:
    assert YOUTUBE_PUSH.read(atom(CHANNEL, CHANNEL, OTHER)) == [Hint(CHANNEL), Hint(OTHER)]


def test_a_video_that_was_taken_down_is_one_too() -> None:
    body = f'<feed><at:deleted-entry ref="yt:video:x"><at:by><uri>https://www.youtube.com/channel/{CHANNEL}</uri>'
    assert YOUTUBE_PUSH.read(body.encode()) == [Hint(CHANNEL)]


def test_of_a_feed_that_names_thousands_of_channels_some_are_heard() -> None:
    many = [f"UC{number:022}" for number in range(2_000)]
    assert len(YOUTUBE_PUSH.read(atom(*many))) == 100


def test_a_channel_is_subscribed_to_at_the_hub_of_the_settings() -> None:
    assert YOUTUBE_PUSH.subscription is not None
    wanted = YOUTUBE_PUSH.subscription(YouTubeSettings(hub_url="https://hub.example"), CHANNEL)
    assert wanted.hub == "https://hub.example"
    assert wanted.topic == f"https://www.youtube.com/xml/feeds/videos.xml?channel_id={CHANNEL}"


def described(push: Push, body: bytes) -> Iterator[Hint]:
    """The hints of a body, each as it must be; ValueError is what a body that cannot be read is told by."""
    try:
        found = push.read(body)
    except ValueError:
        return
    for hint in found:
        assert isinstance(hint.about, str)
        assert hint.at is None or hint.at.tzinfo is not None
        yield hint


NAMES = (
    "object entry id time changes field value values messaging item data payload event_type filter user_id created_at"
    " for_user_id tweet_create_events media_id comment_id"
)
keys = st.sampled_from(NAMES.split())
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | keys
leaves |= st.sampled_from(["page", "instagram", "feed", "mention", "mentions", "post.create", "2026-10-01T07:00:05Z"])
trees = st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=6))


@given(st.sampled_from(list(PUSHES.values())), trees)
def test_no_json_whatever_raises_what_is_not_expected(push: Push, tree: Any) -> None:
    assert len(list(described(push, json.dumps(tree).encode()))) <= 1_000


@given(st.sampled_from(["page", "instagram"]), st.lists(trees, max_size=4))
def test_no_entries_whatever_raise_what_is_not_expected(kind: str, entries: list[Any]) -> None:
    body = json.dumps({"object": kind, "entry": entries}).encode()
    for hint in described(PAGE if kind == "page" else INSTAGRAM, body):
        assert hint.named is None or hint.named.native_id.replace("_", "").isdigit()


@given(st.sampled_from(list(PUSHES.values())), st.binary(max_size=300))
def test_no_bytes_whatever_raise_what_is_not_expected(push: Push, body: bytes) -> None:
    assert list(described(push, body)) == []


@pytest.mark.parametrize("push", PUSHES.values(), ids=PUSHES)
@pytest.mark.parametrize("body", [b"[" * 200_000, b'{"a":' * 200_000, b"9" * 200_000, b'{"entry":[]}' * 2])
def test_bodies_that_choke_a_parser_are_refused(push: Push, body: bytes) -> None:
    with pytest.raises(ValueError):
        push.read(body)
