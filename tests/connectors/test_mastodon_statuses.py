"""What one status of Mastodon or of a compatible server becomes, and which settings cannot work."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.mastodon import Mastodon, MastodonSettings
from connectors.mastodon_api import read_reset
from monitor.http import HttpClient
from monitor.model import Comment
from tests.platforms.mastodon import TOKEN, stamp


def _raw(**changed: Any) -> dict[str, Any]:
    account = {"id": "7", "acct": "kim@other.example", "display_name": "Kim"}
    status = {"id": "5", "created_at": "2026-03-02T10:00:00.000Z", "account": account, "content": "<p>hi</p>"}
    return {"status": status | changed}


def _comment(http: HttpClient, raw: Any, **settings: Any) -> Comment | None:
    given = {"base_url": "https://brand.example", "token": TOKEN, **settings}
    return Mastodon(MastodonSettings.model_validate(given), http).normalise(raw)


def test_a_boost_is_not_a_comment(http: HttpClient) -> None:
    assert _comment(http, _raw(reblog={"id": "4"})) is None
    assert _comment(http, _raw(reblog=None)) is not None


def test_a_shortened_link_comes_out_as_where_it_leads(http: HttpClient) -> None:
    shown = '<span class="invisible">https://</span><span class="ellipsis">shop.example/a</span>'
    link = f'<p>see <a href="https://shop.example/a/long/way">{shown}<span class="invisible">/long/way</span></a></p>'
    comment = _comment(http, _raw(content=link))
    assert comment is not None
    assert comment.text == "see https://shop.example/a/long/way"


def test_broken_characters_are_dropped_and_their_comment_kept(http: HttpClient) -> None:
    comment = _comment(http, _raw(content="<p>cut \ud83d emoji\x00</p>", spoiler_text="\udc00!", language=None))
    assert comment is not None
    comment.text.encode()
    assert "emoji" in comment.text
    assert "\x00" not in comment.text


@pytest.mark.parametrize(
    "changed",
    [{"id": "../../oauth"}, {"id": True}, {"id": ""}, {"created_at": "2026-03-02T10:00:00"}, {"created_at": 5}],
    ids=str,
)
def test_what_is_no_id_or_no_time_is_refused(http: HttpClient, changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        _comment(http, _raw(**changed))


def test_an_address_that_is_not_of_the_web_is_not_passed_on(http: HttpClient) -> None:
    comment = _comment(http, _raw(url="javascript:alert(1)", uri="https://other.example/55"))
    assert comment is not None
    assert comment.permalink == "https://other.example/55"


GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "mastodon"


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_a_status_of_each_kind_of_server_is_read_as_its_golden_says(http: HttpClient, path: Path) -> None:
    golden = json.loads(path.read_text())
    comment = _comment(http, golden["raw"])
    assert comment is not None
    got = {name: _plain(getattr(comment, name)) for name in golden["comment"]}
    assert got == golden["comment"]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return stamp(value)
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize(
    ("value", "at"),
    [
        ("2026-03-02T10:05:00.123456Z", datetime(2026, 3, 2, 10, 5, 0, 123456, UTC)),
        ("1772445900", datetime(2026, 3, 2, 10, 5, tzinfo=UTC)),
        ("soon", None),
        ("9" * 30, None),
    ],
)
def test_the_reset_of_a_rate_limit_is_read_in_both_spellings(value: str, at: datetime | None) -> None:
    assert read_reset(value) == at


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"base_url": "mastodon.example"}, "https://host"),
        ({"base_url": "https://kim:secret@mastodon.example"}, "https://host"),
        ({"base_url": "https://mastodon.example"}, "needs a token"),
        ({"base_url": "https://mastodon.example", "watch": "own_posts"}, "own_account"),
        ({"base_url": "https://mastodon.example", "watch": "hashtag"}, "needs a hashtag"),
        ({"base_url": "https://mastodon.example", "watch": "hashtag", "hashtag": "a/b"}, "needs a hashtag"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_words(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        MastodonSettings.model_validate(given)
