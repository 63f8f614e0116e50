"""What one raw comment or video of YouTube becomes, which fields are real, and which settings cannot work."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.youtube import YouTube, YouTubeSettings
from connectors.youtube_payloads import read_raw
from monitor.http import HttpClient
from tests.connectors.discovery import schemas, strangers
from tests.platforms.base import World
from tests.platforms.youtube import CHANNEL, CREDENTIAL, UPLOADS, Fake, stamp

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "youtube"
GOLDENS = sorted(GOLDEN.glob("*.json"))


@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: path.stem)
def test_a_raw_comment_is_read_as_its_golden_says(http: HttpClient, path: Path) -> None:
    golden = json.loads(path.read_text())
    settings = YouTubeSettings(channel=CHANNEL, api_key=CREDENTIAL)  # type: ignore[arg-type]
    comment = YouTube(settings, http).normalise(golden["raw"])
    assert comment is not None
    assert {name: _plain(getattr(comment, name)) for name in golden["comment"]} == golden["comment"]


def _plain(value: Any) -> Any:
    return stamp(value) if isinstance(value, datetime) else value


def test_the_goldens_invent_no_field() -> None:
    known = schemas("youtube.v3")
    kinds = {"thread": "CommentThread", "reply": "Comment", "video": "Video"}
    for path in GOLDENS:
        raw = json.loads(path.read_text())["raw"]
        name = next(name for name in ("thread", "reply", "video") if isinstance(raw.get(name), dict))
        assert strangers(known, {"$ref": kinds[name]}, raw[name], name) == []


@pytest.mark.parametrize("variant", Fake.variants)
def test_the_fake_invents_no_field(http: HttpClient, tmp_path: Path, variant: str) -> None:
    known, world = schemas("youtube.v3"), World()
    top = world.comment(world.post())
    world.reply(top)
    headers = {"Authorization": f"Bearer {CREDENTIAL}"} if variant == "owner" else {}
    key = {"key": CREDENTIAL} if variant == "key" else {}
    with Fake(world, tmp_path) as fake:
        fake.variant = variant
        asked: dict[str, tuple[str, dict[str, str]]] = {
            "commentThreads": ("CommentThreadListResponse", {"allThreadsRelatedToChannelId": CHANNEL}),
            "comments": ("CommentListResponse", {"parentId": fake.native_id(top)}),
            "channels": ("ChannelListResponse", {"id": CHANNEL}),
            "playlistItems": ("PlaylistItemListResponse", {"playlistId": UPLOADS}),
            "videos": ("VideoListResponse", {"id": fake.native_id(world.posts[0].key)}),
        }
        for path, (schema, params) in asked.items():
            told = http.get(f"{fake.url}/{path}", params=params | key, headers=headers).json()
            assert told["items"]
            assert strangers(known, {"$ref": schema}, told, path) == []


def _top(**changed: Any) -> dict[str, Any]:
    snippet = {"publishedAt": "2026-10-05T07:22:10Z", "textDisplay": "hi"} | changed
    top = {"topLevelComment": {"id": "UgyMadeUp4AaABAg", "snippet": snippet}}
    return {"thread": {"id": "UgyMadeUp4AaABAg", "snippet": top}}


def test_a_comment_needs_no_more_than_its_id_and_its_time() -> None:
    raw = _top()
    del raw["thread"]["snippet"]["topLevelComment"]["snippet"]["textDisplay"]
    comment = read_raw(raw)
    assert (comment.native_id, comment.text, comment.author.native_id) == ("UgyMadeUp4AaABAg", "", "")


def test_a_count_below_zero_is_as_if_it_were_not_told() -> None:
    assert read_raw(_top(likeCount=-1)).n_likes == 0


def test_broken_characters_are_dropped_and_their_comment_kept() -> None:
    text = read_raw(_top(textDisplay="cut \ud83d emoji\x00", authorDisplayName="\udc00kim")).text
    text.encode()
    assert "emoji" in text


@pytest.mark.parametrize("changed", [{"publishedAt": "yesterday"}, {"publishedAt": None}], ids=str)
def test_what_cannot_be_read_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read_raw(_top(**changed))


def test_an_address_that_is_not_of_the_web_is_not_passed_on() -> None:
    assert read_raw(_top(authorChannelUrl="javascript:alert(1)")).author.url == ""


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"channel": "bakery"}, "UC"),
        ({"channel": "https://youtube.com/@bakery"}, "UC"),
        ({"api_key": "k"}, "needs the channel"),
        ({"api_key": "k", "channel": "@bakery", "token": "t"}, "not both"),
        ({"api_key": "k", "channel": "@bakery", "spam": True}, "owner"),
        ({"base_url": "www.googleapis.com/youtube/v3"}, "must be an address"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_words(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        YouTubeSettings.model_validate(given)
