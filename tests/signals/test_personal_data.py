"""Personal data is seen, what only looks like it is not, and no word of it is repeated. All data is invented."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.model import Author, Comment
from monitor.signals import explain, measure
from monitor.signals.personal_data import find
from tests.growth import MOST, growth

SEEN = (
    ("mail me at anna.b@example.org please", "e-mail address"),
    ("write to anna dot b at gmail dot com", "e-mail address"),
    ("my order number is 48213", "order number ending 13"),
    ("Order #A-9931 never came", "order number ending 31"),
    ("booking ref QK7T2P, please check", "booking number ending 2P"),
    ("pedido 88123412 sin llegar", "pedido number ending 12"),
    ("Bestellnummer: 4711-0815", "bestellnummer ending 15"),
    ("رقم الطلب 55123", "الطلب number ending 23"),
    ("patient number 99812", "patient number ending 12"),
    ("IBAN DE89 3704 0044 0532 0130 00", "IBAN ending 00"),
    ("you charged my card 4111 1111 1111 1111", "card number ending 11"),
    ("call me on 555-0142", "phone number ending 42"),
    ("ring 07700 900123 any time", "phone number ending 23"),
    ("+49 151 23456789", "phone number ending 89"),
    ("(202) 555-0147 is mine", "phone number ending 47"),
    ("I live at 12 Mill Road and nothing came", "street address"),
    ("ich wohne Lindenstraße 4, bitte hier abgeben", "street address"),
)
NOT_SEEN = (
    "",
    "Order 2024 was a good year",
    "my order is late",
    "I'd order 3 pizzas and 12 buns",
    "open 9.00-17.00 on 12/05/2026",
    "is it 12 High Street?",
    "@anna.b look at this",
    "£1200000 for that? 1,200,000!",
    "from 2020-2024",
    "flight BA1234 at 1840 to Faro",
    "https://example.com/status/1234567890123",
    "call 1 800 555 0199, they said",
    "card 4111 1111 1111 1112",
    "DE89 3704 0044 0532 0130 02",
    "0000000000",
    "meet me at 8 at the corner",
    "ha²³¹ ١٢٣ 1²",
)
MIXED = st.lists(
    st.sampled_from(
        ["1", "4111", "@", "order", "number", "-", " ", "+", "a", ".", "example.org", "#", "IBAN", "٣", "²", "(", ")"]
    )
    | st.characters(codec=None, categories=None),
    max_size=60,
).map("".join)


@pytest.mark.parametrize(("text", "says"), SEEN)
def test_personal_data_is_seen_and_named_without_giving_it_away(text: str, says: str):
    assert value(text) >= 0.5
    assert explain("personal_data", comment(text))[0] == says
    (piece,) = [one for one in find(text) if one.says == says]
    assert text[piece.start : piece.end] not in says


@pytest.mark.parametrize("text", NOT_SEEN)
def test_what_only_looks_like_it_is_not_taken_for_personal_data(text: str):
    assert value(text) < 0.5


def test_several_pieces_are_all_found_in_their_places():
    text = "I'm Jo, order 55123, jo@example.org or +44 7700 900123. Thanks"
    assert [(text[piece.start : piece.end], piece.says) for piece in find(text)] == [
        ("55123", "order number ending 23"),
        ("jo@example.org", "e-mail address"),
        ("+44 7700 900123", "phone number ending 23"),
    ]


@settings(max_examples=300, deadline=None)
@given(MIXED)
def test_of_any_text_the_pieces_lie_within_it_and_beside_each_other(text: str):
    pieces = find(text)
    places = [place for piece in pieces for place in (piece.start, piece.end)]
    assert places == sorted(places)
    assert all(0 <= piece.start < piece.end <= len(text) and 0 < piece.score <= 1 for piece in pieces)
    assert 0.0 <= value(text) <= 1.0


@pytest.mark.parametrize(
    "piece", ["1", "1 ", "a.", "@a", "a@a.", "order number ", "AB12 ", "Street 1 ", "12 Aa ", "1-", " at "]
)
def test_what_it_costs_grows_no_faster_than_the_text(piece: str):
    assert growth(lambda n: find(piece * (n // len(piece))), 10_000) < MOST


def comment(text: str) -> Comment:
    return Comment("1", "comment", text, Author("1", "Jo"), datetime(2026, 3, 1, tzinfo=UTC))


def value(text: str) -> float:
    found = measure([comment(text)])[0]["personal_data"]
    assert isinstance(found, float)
    return found
