"""What leaves the house holds nobody's number, address or name at a platform."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.core.redaction import redacted

_RISKY = st.sampled_from(
    ["0", "7", "12", "555", "4242", "20231", "٣", "１２３", "①", "@", "＠", ".", "-", " ", "/", "#", "+", "(", ")", ":",
     "a", "kim", "kim@x.example", "https://", "www.", "x.example", "\u200b", "\u2060", "\ufe0f", "\u20e3", "\n", "é",
     "😡", " at ", " dot ", "(at)", "AB"]
)  # fmt: skip
TEXTS = st.one_of(st.lists(_RISKY, max_size=40).map("".join), st.text(max_size=200))


@given(TEXTS)
@example("1\u200b2\u200b3\u200b4\u200b5\u200b6")
@example("@@kim@x.example@")
@example("u/12345 @1234567")
def test_no_run_of_six_digits_no_mail_address_and_no_handle_survives(text: str) -> None:
    left = redacted(text)
    assert not re.search(r"\d{6}", left)
    assert not re.search(r"\d{5}", left)
    assert not re.search(r"[^\s@]@[^\s@]", left)
    assert not re.search(r"@\S", left)


@given(
    st.lists(st.sampled_from("0123456789"), min_size=6, max_size=19), st.sampled_from([" ", "-", ".", "/", " - ", ""])
)
def test_a_number_written_in_pieces_does_not_survive_either(digits: list[str], separator: str) -> None:
    number = separator.join(digits)
    assert redacted(f"call me: {number} please") == "call me: [number] please"


@given(TEXTS)
def test_redacting_twice_finds_nothing_new_that_is_somebodys(text: str) -> None:
    assert len(re.findall(r"\d", redacted(redacted(text)))) <= len(re.findall(r"\d", redacted(text)))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Ring me on +44 20 7946 0018!", "Ring me on [number]!"),
        ("mail kim.lee+shop@mail.example.com now", "mail [email] now"),
        ("kim (at) mail (dot) com", "[email]"),
        ("kim at gmail.com", "[email]"),
        ("my card 4242 4242 4242 4242, exp 12/27", "my card [number], exp 12/27"),
        ("IBAN GB29 NWBK 6016 1331 9268 19", "IBAN [number]"),
        ("order #48213 and ref AB12-CD34", "order [number] and ref [number]"),
        ("booking XK9P2Q", "booking [number]"),
        ("@shop tell @kim@social.example", "[name] tell [email]"),
        ("asked u/kim_lee too", "asked [name] too"),
        ("see https://kim:pw@shop.example:8080/orders/7?mail=kim@x.example", "see https://shop.example/[path]"),
        (
            "see www.shop.example/kim and shop.example/orders?id=3",
            "see www.shop.example/[path] and shop.example/[path]",
        ),
        ("1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣", "[number]"),
    ],
)
def test_what_is_somebodys_is_replaced(text: str, left: str) -> None:
    assert redacted(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "Thursday the 13th? 13.11.2026 is a Friday!",
        "It says 2026-11-13 and 12/11/2026.",
        "Closed on Sundays, open 10-12, since 1998.",
        "I paid $1200 for 3 rolls at 9.30",
        "See you at noon. Thanks",
        "covid19 rules, 10am, 7PM",
        "I am ANGRY!!! 😡",
        "C'est fermé; naïve façade",
    ],
)
def test_what_is_nobodys_stays(text: str) -> None:
    assert redacted(text) == text


def test_a_long_hostile_text_takes_no_time() -> None:
    for piece in ("a", "1 ", "1-", "@", ".", "a.", "u/", "AB1-", "12 at "):
        assert redacted(piece * (2_000 // len(piece))) is not None
