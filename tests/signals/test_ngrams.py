"""Hashed n-grams: the same for a text wherever it stands, and exactly what the slow and plain way computes."""

from functools import cache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.signals import ngrams
from monitor.signals.ngrams import (
    BUCKETS,
    GAP,
    LONGEST_BYTES,
    OUTPUTS,
    alone,
    buckets,
    grams,
    lanes,
    packed,
    shared,
    sums,
)

TEXTS = st.lists(st.text(st.characters(codec=None, categories=None), max_size=60), max_size=8)
ANY = st.text(st.sampled_from("ab 0? \u00e9\U0001f621\0\n") | st.characters(codec=None, categories=None), max_size=200)


@cache
def table() -> np.ndarray:
    return np.random.default_rng(7).integers(-128, 128, (BUCKETS, OUTPUTS)).astype(np.int8)


def of(texts: list[str]) -> np.ndarray:
    found = [sums(packed(table()), piece) for piece in grams(texts)]
    return np.concatenate(found) if found else np.empty((0, OUTPUTS), np.int64)


def ids_of(text: str) -> np.ndarray:
    ((ids, rows),) = buckets([text])
    assert set(rows.tolist()) <= {0}
    return ids


@settings(max_examples=200, deadline=None)
@given(TEXTS | st.lists(ANY, max_size=5))
def test_the_sums_of_a_text_do_not_depend_on_its_neighbours(texts: list[str]):
    alone = [of([text])[0] for text in texts]
    assert of(texts).tolist() == [row.tolist() for row in alone]


@settings(max_examples=200, deadline=None)
@given(ANY)
def test_the_sums_are_those_of_the_buckets_one_by_one(text: str):
    ids = ids_of(text)
    assert ids.min() >= 0
    assert ids.max() < BUCKETS
    assert of([text])[0].tolist() == table()[ids].sum(axis=0, dtype=np.int64).tolist()
    assert [piece.n.tolist() for piece in grams([text])] == [[len(ids)]]


def slowly(text: str) -> list[int]:
    """The documented arithmetic with Python's own numbers."""
    words = text.encode().split(b" ")[1:-1]
    data = bytes(GAP) + text.encode() + bytes(GAP)
    found = [
        int.from_bytes(data[start : start + length], "little") * int(factor) % 2**64 >> 46
        for length, (_, factor) in zip((3, 4, 5), ngrams._CHARS, strict=True)
        for start in range(len(data) - GAP)
    ]
    base = 0x2545F4914F6CDD1D
    one = [sum((byte + 1) * base**place for place, byte in enumerate(word)) % 2**64 for word in (bytes(GAP), *words)]
    two = [(first * base + second) % 2**64 for first, second in zip(one, [*one[1:], one[0]], strict=True)]
    for hashed, factor in zip((one, two), ngrams._WORDS, strict=True):
        found += [((h ^ (h >> 29)) * int(factor)) % 2**64 >> 46 for h in hashed]
    return sorted(found)


def test_the_buckets_are_those_of_the_documented_arithmetic():
    for text in (" when do you open ? ", " é 😡 /capitals ", " a "):
        assert sorted(ids_of(text).tolist()) == slowly(text)


def test_digits_are_one_digit_and_long_rows_of_a_letter_are_three():
    assert ids_of(" 19 eggs ").tolist() == ids_of(" 20 eggs ").tolist()
    assert ids_of(" sooooooo good ").tolist() == ids_of(" sooo good ").tolist()
    assert ids_of(" soo good ").tolist() != ids_of(" so good ").tolist()


def test_a_zero_byte_is_no_gap_and_surrogates_are_nothing():
    assert ids_of(" a\0\0\0\0b ").tolist() == ids_of(" ab ").tolist()
    assert ids_of(" a\ud800b ").tolist() == ids_of(" ab ").tolist()


def test_of_an_endless_text_only_the_beginning_is_read_and_no_sum_overflows():
    long = " wor" * LONGEST_BYTES
    assert of([long + " tail "]).tolist() == of([long]).tolist()
    heaviest = packed(np.full((BUCKETS, OUTPUTS), 127, np.int8))
    for piece in grams([long, " a "]):
        assert sums(heaviest, piece).tolist() == [[127 * n] * OUTPUTS for n in piece.n.tolist()]


def test_a_smaller_table_is_read_by_the_first_bits():
    small = table()[: BUCKETS >> 3]
    (piece,) = grams([" where is it "])
    assert (
        sums(packed(small), piece)[0].tolist()
        == small[ids_of(" where is it ") >> 3].sum(axis=0, dtype=np.int64).tolist()
    )


def test_packed_weights_can_be_read_back():
    assert (lanes(packed(table()[:1000])) == table()[:1000]).all()


@settings(max_examples=60, deadline=None)
@given(ANY)
def test_what_the_words_add_is_no_more_than_the_whole(text: str):
    read = alone(text)
    words = shared(text, read, [np.ones(len(ids)) for ids in read.ids])
    assert len(words) == len(text.split())
    assert -1e-9 <= words.sum() <= len(ids_of(text)) + 1e-6


def test_the_word_that_carries_the_weight_is_found():
    heavy, text = list(set(ids_of(" refund ").tolist())), " please refund me now "
    read = alone(text)
    added = shared(text, read, [np.isin(ids, heavy).astype(float) for ids in read.ids])
    assert added.argmax() == 1
