"""What Facebook and Instagram share: usage headers and links to next pages, also hostile ones."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from connectors.fields import read_instant
from connectors.meta_api import next_position, proof_of, read_usage
from connectors.meta_fields import read_id

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["next", "cursors", "after", "call_count", "paging", "data"]), inner, max_size=4
        )
    ),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("headers", "percent", "minutes"),
    [
        ({"x-app-usage": '{"call_count":28,"total_time":25,"total_cputime":91}'}, 91, 0),
        ({"x-business-use-case-usage": '{"5":[{"call_count":97,"estimated_time_to_regain_access":20}]}'}, 97, 20),
        ({"x-business-use-case-usage": '{"5":[{"call_count":9}],"6":[{"total_time":80}]}'}, 80, 0),
        ({"x-app-usage": '{"call_count":1e999}', "x-business-use-case-usage": "[1"}, float("inf"), 0),
        (
            {"x-app-usage": "[]", "x-business-use-case-usage": '{"5":[{"estimated_time_to_regain_access":1e300}]}'},
            0,
            1440,
        ),
        ({}, 0, 0),
    ],
)
def test_usage_headers_say_how_much_is_used_and_how_long_to_wait(
    headers: dict[str, str], percent: float, minutes: int
) -> None:
    assert read_usage(headers) == (percent, timedelta(minutes=minutes))


@given(JSON)
def test_no_usage_header_and_no_paging_breaks_anything(value: Any) -> None:
    percent, wait = read_usage({"x-app-usage": json.dumps(value), "x-business-use-case-usage": json.dumps(value)})
    assert percent >= 0
    assert timedelta(0) <= wait <= timedelta(days=1)
    for edge in (value, {"paging": value}, {"paging": {"next": value, "cursors": value}}):
        position = next_position(edge)
        assert all(isinstance(part, str) for pair in position.items() for part in pair)


def test_the_position_of_a_next_page_holds_no_token() -> None:
    link = "https://graph.example/v26.0/1/feed?access_token=EAAG&until=17&__paging_token=enc_x&limit=25"
    assert next_position({"paging": {"next": link}}) == {"until": "17", "__paging_token": "enc_x"}
    by_cursor = {"paging": {"next": "https://graph.example/1/comments?access_token=EAAG&after=Mg", "cursors": {}}}
    assert next_position(by_cursor) == {"after": "Mg"}


def test_without_a_link_there_is_no_next_page_unless_the_list_leaves_links_out() -> None:
    edge = {"data": [{"id": "1"}], "paging": {"cursors": {"after": "Mg"}}}
    assert next_position(edge) == {}
    assert next_position(edge, needs_next=False) == {"after": "Mg"}
    assert next_position(edge | {"data": []}, needs_next=False) == {}


def test_the_proof_of_the_app_is_the_hmac_of_the_token() -> None:
    # RFC 4231, test case 2, has this key and these data.
    proof = proof_of(SecretStr("Jefe"), "what do ya want for nothing?")
    assert proof == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


@pytest.mark.parametrize("value", ["me", "1/../2", "1?x=", "", None, True, 1.5, "1_", "_1", "９"])
def test_what_is_no_id_never_reaches_an_address(value: object) -> None:
    assert read_id(value) == ""


def test_times_of_meta_are_read_with_their_zone_and_others_not_at_all() -> None:
    at = read_instant("2026-03-01T10:20:30+0100")
    assert at is not None
    assert at.isoformat() == "2026-03-01T09:20:30+00:00"
    assert read_instant("2026-03-01T10:20:30") is None
    assert read_instant("0001-01-01T00:00:00+1400") is None
