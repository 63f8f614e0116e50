"""Normalised texts as hashed word and character n-grams, many texts at once, and the sums of their weights.

What is read is `Prepared.seen`: words, marks and signs, one blank on each side of each. Its UTF-8 bytes are laid end to
end, each text after a gap of `GAP` zero bytes. Of every byte (those of the gap before a text count as the text's) the
3, 4 and 5 bytes that begin there are grams; so are each run of bytes between two blanks, the gap being one, and each
two such runs in a row. Nothing reaches beyond the gap that follows: no gram depends on a neighbour. Grams are counted
as often as they occur, and each falls into one of 2^18 buckets by arithmetic modulo 2^64: the same on every machine.

The value of a text for one output is `scale * sum(weight of each gram's bucket) / sqrt(number of grams) + bias`. The
weights lie in three tables of int8, [buckets, outputs] (see `model`): 2^18 buckets for the signals' outputs, and 2^16
and 2^15 for the kinds of mistakes and the languages; a smaller table's bucket is the first bits of the large one's.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BITS = 18
BUCKETS = 1 << BITS
OUTPUTS = 8  # a bucket's weights, a byte each, are read as one number of 64 bits
GAP = 4
LONGEST_BYTES = 1 << 15  # of a text; what follows is not read
_PIECE_BYTES = 1 << 14  # of texts together, more or less: what is computed from so many stays in the processor's cache

Ids = NDArray[np.int64]
Floats = NDArray[np.float64]
Words64 = NDArray[np.uint64]

_CHARS = (  # of how many bytes, as a mask, and the odd factor that scatters them
    (np.uint64(0xFFFFFF), np.uint64(0x9E3779B97F4A7C15)),
    (np.uint64(0xFFFFFFFF), np.uint64(0xC2B2AE3D27D4EB4F)),
    (np.uint64(0xFFFFFFFFFF), np.uint64(0xD6E8FEB86659FD93)),
)
_LENGTHS = (3, 4, 5)
_WORDS = (np.uint64(0xA0761D6478BD642F), np.uint64(0xE7037ED1A0B428DB))  # of one word, of two
_BASE = 0x2545F4914F6CDD1D
_TO_BUCKET = np.uint64(64 - BITS)
_FOLD = np.uint64(29)
_BLANK = 32
_DIGITS_TO_ZERO = bytes(48 if 48 <= byte <= 57 else byte for byte in range(256))
_LANES, _LANE = np.uint64(0x00FF00FF00FF00FF), np.uint64(8)
_SIGN = 128  # is added to each weight, so that lanes hold no negative numbers
_AT_ONCE = 64  # places whose weights a lane of 16 bits can hold: 64 places * 3 grams * 255


class Grams(NamedTuple):
    """The buckets of some texts' grams. A text's begin where `char_starts` and `word_starts` say; `n` is how many."""

    chars: tuple[Ids, ...]
    words: tuple[Ids, ...]
    char_starts: Ids
    word_starts: Ids
    n: Ids


class Alone(NamedTuple):
    """One text: the bytes at which its grams begin, in order, and its grams' buckets."""

    raw: NDArray[np.uint8]
    ids: tuple[Ids, ...]


def grams(texts: Sequence[str]) -> Iterator[Grams]:
    """The buckets of the texts' grams, in order, in pieces of some texts each."""
    piece: list[bytes] = []
    size = 0
    for text in texts:
        raw = _as_bytes(text)
        if piece and size + len(raw) > _PIECE_BYTES:
            yield _hashed(piece)
            piece, size = [], 0
        piece.append(raw)
        size += len(raw)
    if piece:
        yield _hashed(piece)


def buckets(texts: Sequence[str]) -> Iterator[tuple[Ids, Ids]]:
    """The same for training: buckets, and beside each the number of its text; a piece of some texts at a time."""
    first = 0
    for piece in grams(texts):
        n_texts = len(piece.n)
        numbers = np.arange(first, first + n_texts, dtype=np.int64)
        by_char = np.repeat(numbers, np.diff(piece.char_starts, append=len(piece.chars[0])))
        by_word = np.repeat(numbers, np.diff(piece.word_starts, append=len(piece.words[0])))
        yield (
            np.concatenate([*piece.chars, *piece.words]),
            np.concatenate([by_char] * len(piece.chars) + [by_word] * len(piece.words)),
        )
        first += n_texts


def packed(table: NDArray[np.int8]) -> Words64:
    """A table of weights [buckets, up to 8 outputs] as one number a bucket, which is what `sums` reads."""
    n_buckets, n_outputs = table.shape
    lanes = np.full((n_buckets, OUTPUTS), _SIGN, np.uint8)
    lanes[:, :n_outputs] = (table.astype(np.int16) + _SIGN).astype(np.uint8)
    return lanes.view("<u8").astype(np.uint64).ravel()


def lanes(rows: Words64) -> NDArray[np.int16]:
    """The weights in rows of a packed table: [rows, 8]."""
    return rows.astype("<u8").view(np.uint8).reshape(-1, OUTPUTS).astype(np.int16) - _SIGN


def sums(table: Words64, piece: Grams) -> NDArray[np.int64]:
    """For each text the sum of its grams' weights: [texts, 8]. A table of fewer buckets is read by the first bits."""
    shift = BITS - (len(table).bit_length() - 1)
    total = _sum_lanes([table.take(ids >> shift if shift else ids) for ids in piece.chars], piece.char_starts)
    total += _sum_lanes([table.take(ids >> shift if shift else ids) for ids in piece.words], piece.word_starts)
    total -= _SIGN * piece.n[:, None]
    return total


def alone(text: str) -> Alone:
    """One text's grams, with the bytes at which they begin."""
    raw = _as_bytes(text)
    squeezed, size = _squeezed(np.frombuffer(raw, np.uint8), np.array([len(raw)]))
    found = _grams(squeezed, size)
    return Alone(squeezed, (*found.chars, *found.words))


def shared(text: str, read: Alone, values: Sequence[Floats]) -> Floats:
    """The values of a text's grams, as `read.ids` lists them, shared among the words as `text.split()` gives them.

    A gram's value is shared among its bytes, and that of two words between them. Words beyond `LONGEST_BYTES` add
    nothing.
    """
    *chars, one, two = values
    by_byte = np.zeros(len(read.raw) + 8)
    for length, value in zip(_LENGTHS, chars, strict=True):
        each = value / length
        for place in range(length):
            by_byte[place : place + len(each)] += each
    blanks = np.flatnonzero(read.raw == _BLANK)
    found = np.add.reduceat(by_byte[: len(read.raw)], blanks[:-1]) + one[1:] + (two[:-1] + two[1:]) / 2
    whole = np.zeros(len(text.split()))
    whole[: len(found)] = found[: len(whole)]
    return whole


def _as_bytes(text: str) -> bytes:
    raw = text.encode("utf-8", "ignore")[:LONGEST_BYTES].translate(_DIGITS_TO_ZERO, b"\0")  # no gap of its own
    return b"\0\0\0\0 %b " % raw.strip()


def _hashed(piece: Sequence[bytes]) -> Grams:
    size = np.fromiter(map(len, piece), np.int64, len(piece))
    return _grams(*_squeezed(np.frombuffer(b"".join(piece), np.uint8), size))


def _grams(raw: NDArray[np.uint8], size: Ids) -> Grams:
    starts = np.cumsum(size) - size
    n_bytes = len(raw)
    padded = np.zeros(n_bytes + 8, np.uint8)
    padded[:n_bytes] = raw
    eight = np.ndarray((n_bytes,), "<u8", padded.data, strides=(1,)).astype(np.uint64)  # from each byte on
    chars = tuple(_char_bucket(eight & mask, factor) for mask, factor in _CHARS)
    blanks = np.flatnonzero(raw == _BLANK)
    word_starts = np.searchsorted(blanks, starts)
    words = _hashed_words(raw, blanks)
    n = len(chars) * size + len(words) * np.diff(word_starts, append=len(blanks))
    return Grams(chars, words, starts, word_starts, n)


def _hashed_words(raw: NDArray[np.uint8], blanks: Ids) -> tuple[Ids, ...]:
    """A word's polynomial is the difference of two running sums, divided by the power at which the word begins."""
    powers, inverse = _powers()
    running = np.zeros(len(raw) + 1, np.uint64)
    np.cumsum((raw + np.uint64(1)) * powers[: len(raw)], out=running[1:])
    begins = np.zeros(len(blanks) + 1, np.int64)
    begins[1:] = blanks + 1
    ends = blanks
    one = (running[ends] - running[begins[:-1]]) * inverse[begins[:-1]]
    following = np.append(one[1:], _GAP_HASH)
    return _bucket(_scattered(one, _WORDS[0])), _bucket(_scattered(one * np.uint64(_BASE) + following, _WORDS[1]))


def _scattered(hashed: Words64, factor: np.uint64) -> Words64:
    mixed = hashed ^ (hashed >> _FOLD)
    mixed *= factor
    return mixed


def _char_bucket(grams: Words64, factor: np.uint64) -> Ids:
    grams *= factor
    return _bucket(grams)


def _bucket(mixed: Words64) -> Ids:
    mixed >>= _TO_BUCKET
    return mixed.view(np.int64)


def _squeezed(raw: NDArray[np.uint8], size: Ids) -> tuple[NDArray[np.uint8], Ids]:
    """Without the fourth and further ones of a row of the same byte ("sooooo"); the gap stays, it is no longer."""
    same = raw[1:] == raw[:-1]
    extra = np.flatnonzero(same[2:] & same[1:-1] & same[:-2] & (raw[3:] != 0)) + 3
    if not len(extra):
        return raw, size
    of_text = np.searchsorted(np.cumsum(size), extra, side="right")
    return np.delete(raw, extra), size - np.bincount(of_text, minlength=len(size))


def _sum_lanes(rows: Sequence[Words64], starts: Ids) -> NDArray[np.int64]:
    """Even and odd bytes are summed apart, as four lanes of 16 bits each, so few places at once that none overflows."""
    cuts = np.unique(np.concatenate((starts, np.arange(0, len(rows[0]), _AT_ONCE))))
    of_text = np.searchsorted(cuts, starts)
    total = np.empty((len(starts), OUTPUTS), np.int64)
    for odd in (0, 1):
        lanes = _lanes(rows[0], odd)
        for row in rows[1:]:
            lanes += _lanes(row, odd)
        some = np.add.reduceat(lanes, cuts).astype("<u8").view("<u2").reshape(-1, OUTPUTS // 2)
        total[:, odd::2] = np.add.reduceat(some, of_text, axis=0, dtype=np.int64)
    return total


def _lanes(row: Words64, odd: int) -> Words64:
    if not odd:
        return row & _LANES
    shifted = row >> _LANE
    shifted &= _LANES
    return shifted


@cache
def _powers() -> tuple[Words64, Words64]:
    """The powers of the base modulo 2^64, and of its inverse."""
    n = LONGEST_BYTES + GAP + 2
    return tuple(_row(base, n) for base in (_BASE, pow(_BASE, -1, 1 << 64)))  # type: ignore[return-value]


def _row(base: int, n: int) -> Words64:
    row = np.full(n, base, np.uint64)
    row[0] = 1
    return np.cumprod(row)


_GAP_HASH = np.uint64(sum(pow(_BASE, place, 1 << 64) for place in range(GAP)) % (1 << 64))
