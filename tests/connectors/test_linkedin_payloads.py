"""What LinkedIn sends and what it becomes: goldens, markup, odd and hostile values."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.linkedin_api import _following, read_comment_urn, read_ms, read_thread
from connectors.linkedin_news import comment_of, key_of, source_of, wanted_mention
from connectors.linkedin_payloads import comment_raw, number_of, plain, post_raw, read_raw

GOLDENS = sorted((Path(__file__).resolve().parents[1] / "golden" / "linkedin").glob("*.json"))
PAGE = "urn:li:organization:123"
POST, ACTIVITY = "urn:li:share:7340000000000000001", "urn:li:activity:7345000000000000001"
AT = 1_772_445_600_000
BARE: dict[str, Any] = {"id": "7350000000000000001", "object": ACTIVITY, "created": {"time": AT}}


def _comment(**fields: Any) -> Any:
    return read_raw(comment_raw(BARE | fields, PAGE, POST, "We are open."))


@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: path.stem)
def test_a_raw_comment_is_read_as_its_golden_says(path: Path) -> None:
    golden = json.loads(path.read_text())
    comment = read_raw(golden["raw"])
    assert comment is not None
    assert json.loads(json.dumps(asdict(comment), default=str)) == golden["comment"]


def test_there_is_a_golden_of_each_kind() -> None:
    kinds = [json.loads(path.read_text())["comment"]["kind"] for path in GOLDENS]
    assert {kind: kinds.count(kind) for kind in kinds} == {"comment": 4, "mention": 2, "post": 1}


# --- comments ---


def test_a_comment_needs_its_number_its_time_and_what_it_hangs_under_and_nothing_else() -> None:
    comment = _comment()
    assert (comment.native_id, comment.text, comment.is_ours) == ("7350000000000000001", "", None)
    assert comment.created_at == datetime(2026, 3, 2, 10, tzinfo=UTC)
    for name in ("id", "created"):
        with pytest.raises(ValueError, match="without its number, its time"):
            _comment(**{name: None})


@pytest.mark.parametrize(
    "fields",
    [
        {"id": 7350000000000000001},
        {"id": None, "commentUrn": f"urn:li:comment:({ACTIVITY},7350000000000000001)"},
        {"id": None, "$URN": f"urn:li:comment:({ACTIVITY},7350000000000000001)"},
        {"id": None, "commentUrn": "urn:li:comment:(activity:7345000000000000001,7350000000000000001)"},
    ],
)
def test_a_comment_has_the_same_number_whichever_field_tells_it(fields: dict[str, Any]) -> None:
    comment = _comment(**fields)
    assert comment.native_id == "7350000000000000001"
    assert comment.permalink == _comment().permalink


def test_an_edit_is_a_later_change_and_not_the_milliseconds_of_storing_it() -> None:
    assert _comment(lastModified={"time": AT + 300}).edited_at is None
    assert _comment(lastModified={"time": AT}).edited_at is None
    edited_at = _comment(lastModified={"time": AT + 90_500}).edited_at
    assert edited_at == datetime(2026, 3, 2, 10, 1, 30, 500_000, tzinfo=UTC)


@pytest.mark.parametrize("time", [-1, 0, True, "2026", 1e12, 10**18, 253_402_300_800_000])
def test_a_time_that_is_none_is_refused(time: Any) -> None:
    with pytest.raises(ValueError, match="its time"):
        _comment(created={"time": time})


@pytest.mark.parametrize(
    "value",
    [
        {"com.linkedin.common.CompanyAttributedEntity": {"company": PAGE}},
        {"organization": {"organization": PAGE}},
        {"organization": PAGE},
    ],
)
def test_whom_a_comment_names_is_known_in_every_dialect(value: Any) -> None:
    message = {"text": "Bakery, hello", "attributes": [{"start": 0, "length": 6, "value": value}]}
    assert _comment(message=message).mentions == (PAGE,)


def test_a_pages_name_is_taken_where_it_comes_along_and_no_members() -> None:
    told = {"actor": "urn:li:organization:77", "actor~": {"localizedName": "Cakes Ltd"}}
    raw = comment_raw(BARE | told, PAGE, POST, "")
    assert "actor~" not in raw["comment"], "what is decorated is not kept"
    assert _comment(actor="urn:li:person:aB3x").author.name == "A LinkedIn member"
    assert _comment(actor="urn:li:organization:77").author.name == "LinkedIn page 77"


def test_who_liked_it_and_what_else_came_along_is_not_kept() -> None:
    told = {
        "likesSummary": {"totalLikes": 2, "selectedLikes": ["urn:li:like:(urn:li:person:q,1)"]},
        "commentsSummary": {"totalFirstLevelComments": 1, "selectedComments": ["urn:li:comment:x"]},
        "agent": "urn:li:person:adminX",
        "somethingNew": {"email": "kim@mail.example"},
    }
    raw = comment_raw(BARE | told, PAGE, POST, "")
    assert [word for word in ("selected", "person:q", "adminX", "mail") if word in json.dumps(raw)] == []
    comment = read_raw(raw)
    assert comment is not None
    assert (comment.n_likes, comment.n_replies) == (2, 1)


# --- posts ---


@pytest.mark.parametrize(
    ("written", "says"),
    [
        (r"Meet @[Kim \(baker\)](urn:li:person:kim)\.", r"Meet Kim (baker)\."),
        (r"{hashtag|\#|bread} and {hashtag|#|cakes}", "#bread and #cakes"),
        (r"3 \< 4 \_really\_ \\ \~ \| \{\}", r"3 < 4 _really_ \ ~ | {}"),
        ("@[broken](not a urn) {hashtag|", "@[broken](not a urn) {hashtag|"),
        ("plain", "plain"),
    ],
)
def test_a_posts_text_is_what_was_typed(written: str, says: str) -> None:
    assert plain(written)[0] == says


@given(st.text(alphabet=r"\@[](){}<>#*_~|ab :hashtgurnlipso1", max_size=60))
def test_any_markup_is_read_without_an_error(written: str) -> None:
    text, mentions = plain(written)
    assert len(text) <= len(written)
    assert all(one.startswith("urn:li:") for one in mentions)


@pytest.mark.parametrize(("by_author", "is_edited"), [(True, True), (False, False), (None, True)])
def test_a_post_is_edited_where_its_author_changed_it(by_author: bool | None, is_edited: bool) -> None:
    post: dict[str, Any] = {
        "id": POST,
        "author": PAGE,
        "commentary": "x",
        "createdAt": AT,
        "lastModifiedAt": AT + 9_000,
    }
    post |= {"lifecycleStateInfo": {"isEditedByAuthor": by_author}} if by_author is not None else {}
    comment = read_raw(post_raw(post, PAGE))
    assert comment is not None
    assert (comment.edited_at is not None) == is_edited


def test_a_post_of_an_article_alone_has_its_title() -> None:
    post = {"id": POST, "author": PAGE, "commentary": "", "content": {"article": {"title": "Why bread"}}}
    comment = read_raw(post_raw(post | {"publishedAt": AT}, PAGE))
    assert comment is not None
    assert comment.text == "Why bread"


# --- names, lists and the feed ---


@pytest.mark.parametrize(
    "value",
    ["", None, 7, "urn:li:comment:(x)", "urn:li:comment:(urn:li:activity:1,2)/../posts", "urn:li:comment:(a:1,b)"],
)
def test_what_is_no_comments_name_is_none(value: Any) -> None:
    assert read_comment_urn(value) == ("", "")


def test_a_name_without_its_beginning_is_the_same() -> None:
    assert read_comment_urn("urn:li:comment:(activity:1,2)") == read_comment_urn("urn:li:comment:(urn:li:activity:1,2)")
    assert read_thread("activity:1") == read_thread("urn:li:activity:1") == "urn:li:activity:1"


@pytest.mark.parametrize(
    ("paging", "n_rows", "following"),
    [
        (None, 30, 0),
        (None, 100, 90),
        ({"start": 0, "count": 50, "links": []}, 50, 45),
        ({"count": 100, "links": [{"rel": "prev", "href": "?start=0"}]}, 30, 0),
        ({"count": 100, "links": [{"rel": "next", "href": "/rest/x?count=100&start=100"}]}, 30, 97),
        ({"count": 100, "links": [{"rel": "next", "href": None}]}, 30, 27),
        ({"count": 100, "links": [{"rel": "next", "href": "?start=100"}]}, 0, 100),
        ({"count": 100, "total": 31}, 30, 27),
        ({"count": 100, "total": 31}, 0, 0),
        ({"count": 10, "links": "odd", "total": True}, 3, 0),
        ("odd", 3, 0),
    ],
)
def test_a_list_goes_on_where_any_sign_says_so(paging: Any, n_rows: int, following: int) -> None:
    assert _following(paging, 0, 100, n_rows) == following


def test_the_feed_is_read_with_and_without_its_decorations() -> None:
    urn = f"urn:li:comment:({ACTIVITY},7)"
    bare = {"action": "COMMENT", "sourcePost": POST, "generatedActivity": urn}
    decorated = {
        "action": "COMMENT",
        "sourcePost": ACTIVITY,
        "decoratedSourcePost": {"entity": POST, "owner": PAGE},
        "decoratedGeneratedActivity": {"comment": {"entity": urn}},
    }
    assert comment_of(bare) == comment_of(decorated) == (ACTIVITY, "7")
    assert (source_of(bare), source_of(decorated)) == ((POST, ""), (POST, PAGE))


def test_a_row_of_the_feed_without_a_number_is_known_by_what_it_is_about() -> None:
    assert key_of({"notificationId": 7}) == key_of({"notificationId": "7"}) == "7"
    assert key_of({"action": "COMMENT", "generatedActivity": "a"}) != key_of(
        {"action": "COMMENT", "generatedActivity": "b"}
    )


def test_a_mention_is_the_post_that_came_about_or_the_one_that_it_was_found_in() -> None:
    theirs = "urn:li:ugcPost:7340000000000000009"
    told = wanted_mention({"action": "SHARE_MENTION", "generatedActivity": theirs, "sourcePost": POST}, PAGE)
    source = wanted_mention({"action": "SHARE_MENTION", "sourcePost": theirs}, PAGE)
    assert told is not None
    assert source is not None
    assert told["id"] == source["id"] == theirs
    assert wanted_mention({"action": "SHARE", "sourcePost": POST}, PAGE) is None, "that one is ours"
    assert wanted_mention({"action": "SHARE_MENTION", "sourcePost": ACTIVITY}, PAGE) is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda one: (
            st.lists(one, max_size=3)
            | st.dictionaries(
                st.sampled_from(["id", "action", "decoratedSourcePost", "entity", "paging", "links"]), one, max_size=4
            )
        ),
        max_leaves=9,
    )
)
def test_nothing_that_the_feed_could_say_raises(row: Any) -> None:
    assert isinstance(key_of(row), str)
    assert len(comment_of(row)) == len(source_of(row)) == 2
    assert number_of(row) == "" or number_of(row).isdecimal()
    assert wanted_mention(row, PAGE) is None
    assert read_ms(row) >= 0
