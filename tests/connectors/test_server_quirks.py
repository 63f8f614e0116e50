"""What other software that speaks a platform's API, and older versions of it, send for a comment: each is read.

Payloads are made up after the documentation and the source of those servers; nothing is recorded.
"""

from typing import Any

import pytest

from connectors.base import Connector
from connectors.mastodon import Mastodon, MastodonSettings
from connectors.reddit import Reddit, RedditSettings
from connectors.wordpress import WordPress, WordPressSettings
from connectors.x import X, XSettings
from monitor.http import HttpClient
from monitor.model import Comment

Body = dict[str, Any]


def _read(connector: Connector, raw: Any) -> Comment:
    comment = connector.normalise(raw)
    assert comment is not None
    return comment


@pytest.fixture
def mastodon(http: HttpClient) -> Mastodon:
    given = {"base_url": "https://social.example", "token": "made-up", "watch": "mentions"}
    return Mastodon(MastodonSettings.model_validate(given), http)


STATUS: Body = {"id": "1", "created_at": "2026-03-02T10:00:00.000Z", "content": "<p>Late again</p>"}
ACCOUNT: Body = {"id": "7", "acct": "kim@elsewhere.example"}
SERVERS: dict[str, Body] = {
    # Flakes as ids, an object of its own, no edit and no language, a quote in full.
    "Pleroma": {"id": "AuEJSNmYpXHm6WsFX6", "edited_at": None, "language": None, "pleroma": {"local": False}},
    "Akkoma": {"id": "AuEJSNmYpXHm6WsFX6", "akkoma": {"source": None}, "quote": None, "emoji_reactions": []},
    # ULIDs, a bot flag only for bots, a policy of who may answer.
    "GoToSocial": {"id": "01HZX7Q2G4M0KQ6E3T7N3J1P5V", "interaction_policy": {"can_reply": {"always": ["public"]}}},
    # Numbers as ids of people, counts as text.
    "Pixelfed": {
        "id": "512345678901234567",
        "favourites_count": "3",
        "mentions": [{"username": "brand"}],
        "tags": None,
    },
    # Mentions without what Mastodon says of them, reactions in place of likes, no visibility of the known ones.
    "Misskey's bridge": {"id": "9zq1k2m3n4", "mentions": [None, {"id": "9a", "acct": "brand"}], "reactions": {"👍": 1}},
    "Mastodon 2.4": {"replies_count": None, "in_reply_to_account_id": None, "application": None, "card": None},
}


@pytest.mark.parametrize("software", SERVERS)
def test_a_status_of_other_software_is_read(software: str, mastodon: Mastodon) -> None:
    account = ACCOUNT | ({"id": 7, "followers_count": -1} if software == "Pixelfed" else {})
    status = STATUS | {"account": account} | SERVERS[software]
    comment = _read(mastodon, {"status": status, "own": "", "root": status["id"], "subject": None})
    assert comment.native_id == f"social.example/{status['id']}"
    assert (comment.text, comment.author.native_id) == ("Late again", "social.example/7")
    assert comment.author.n_followers is None
    assert comment.n_likes == (3 if software == "Pixelfed" else 0)


def test_a_notification_that_does_not_say_its_kind_is_no_status(mastodon: Mastodon) -> None:
    follow = {"id": "5", "created_at": STATUS["created_at"], "account": ACCOUNT}
    with pytest.raises(ValueError, match="content"):
        mastodon.normalise({"status": follow})


COMMENT: Body = {
    "id": 5,
    "post": 3,
    "parent": 0,
    "author": 0,
    "author_name": "Kim",
    "date_gmt": "2026-03-02T10:00:00",
    "content": {"rendered": "<p>Late again</p>"},
    "link": "https://shop.example/a/#comment-5",
    "status": "approved",
    "type": "comment",
}
PLUGINS: dict[str, Body] = {
    "numbers for texts": {"author_name": 2020},
    "no pictures": {"author_avatar_urls": {"24": False, "48": False}},
    "pictures off": {"author_avatar_urls": None},
    "an empty map, as PHP has it": {"_embedded": [], "author_avatar_urls": []},
    "an unreadable post": {"_embedded": {"up": [{"code": "rest_forbidden", "message": "No."}]}},
    "nulls": {"parent": None, "author": None, "status": None, "type": None, "meta": None},
    "fields of plugins": {"acf": False, "meta": {"rating": ["5"]}, "karma": "0", "yoast_head_json": {"a": [1]}},
    "version 4.7": {"type": "", "status": "approved", "author_avatar_urls": {"24": "https://gravatar.example/a.png"}},
}


@pytest.mark.parametrize("quirk", PLUGINS)
def test_a_comment_of_a_site_with_plugins_is_read(quirk: str, http: HttpClient) -> None:
    site = WordPress(WordPressSettings(base_url="https://shop.example"), http)
    comment = _read(site, COMMENT | PLUGINS[quirk])
    assert (comment.native_id, comment.text) == ("shop.example/5", "Late again")
    assert (comment.parent_native_id, comment.root_native_id) == (None, "shop.example/5")
    assert not comment.is_hidden
    assert comment.author.name == ("2020" if quirk == "numbers for texts" else "Kim")


def test_a_type_without_title_text_or_author_is_a_post_all_the_same(http: HttpClient) -> None:
    site = WordPress(WordPressSettings(base_url="https://shop.example"), http)
    bare = {"id": 3, "date_gmt": "2026-03-02T10:00:00", "modified_gmt": None, "link": "https://shop.example/a/"}
    post = _read(site, bare)
    assert (post.native_id, post.kind, post.text, post.edited_at) == ("shop.example/post/3", "post", "", None)


def test_a_comment_of_no_date_and_one_that_names_no_post_are_not_stored(http: HttpClient) -> None:
    site = WordPress(WordPressSettings(base_url="https://shop.example"), http)
    for broken in (COMMENT | {"date_gmt": "-0001-11-30T00:00:00"}, {k: v for k, v in COMMENT.items() if k != "post"}):
        with pytest.raises(ValueError, match="validation error"):
            site.normalise(broken)


def test_a_comment_of_reddit_that_does_not_say_what_it_answers_is_not_stored(http: HttpClient) -> None:
    given = {"own_account": "brand", "token": "made-up", "subreddits": ["bread"]}
    reddit = Reddit(RedditSettings.model_validate(given), http)
    data = {"name": "t1_a", "created_utc": 1.7e9, "author": "kim", "body": "Late again", "link_id": "t3_p"}
    assert _read(reddit, {"data": data | {"parent_id": "t3_p", "score": -4}}).parent_native_id == "t3_p"
    assert _read(reddit, {"data": data | {"parent_id": "t1_b", "edited": "yes", "author": None}}).edited_at is None
    with pytest.raises(ValueError, match="answers"):
        reddit.normalise({"data": data})


@pytest.mark.parametrize(
    "quirk",
    [
        {"withheld": {"copyright": True, "country_codes": ["XY"]}},
        {"entities": {"mentions": [None, {"username": "brand"}], "urls": "none"}},
        {"public_metrics": {"like_count": -1, "reply_count": "2"}},
        {"created_at": "yesterday", "edit_history_tweet_ids": ["1700000000000000001", "1700000000000000001"]},
    ],
    ids=lambda quirk: next(iter(quirk)),
)
def test_a_post_of_x_is_read_without_its_author_and_with_odd_parts(quirk: Body, http: HttpClient) -> None:
    connector = X(XSettings.model_validate({"token": "made-up", "own_account": "990001"}), http)
    post = {"id": "1700000000000000001", "text": "Late again", "author_id": "7"}  # of a suspended account nothing comes
    comment = _read(connector, {"post": post | quirk, "author": None, "own": "990001", "root": None, "parent": ""})
    assert (comment.native_id, comment.text, comment.author.native_id) == (post["id"], "Late again", "7")
    assert (comment.created_at.year, comment.edited_at) == (2023, None)
