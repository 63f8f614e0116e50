"""What the stack adds to the model: the groups of phrases found in a text, and its surface, as numbers with names.

The trainer trains on precisely these. Every number is a multiple of 1/4, so that weighted sums are exact (see `model`).
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain
from math import log2

import numpy as np
from numpy.typing import NDArray

from monitor.signals.phrasebook import phrasebook
from monitor.signals.prepared import Prepared

Floats = NDArray[np.float64]

_STEP = 0.25  # a group's second and third phrase count a quarter of the first; the tenth says no more than the third
_MOST_OF_A_GROUP = 3
_OF_A_GROUP = tuple(1.0 + _STEP * (n - 1) for n in range(_MOST_OF_A_GROUP + 1))
_SHORT, _LONG = 4, 12  # words beside mentions
_SHOUTED = 0.3  # the part of the words that is in capitals when somebody shouts
_FEW_BESIDE_A_TAG = 8
_MOST_WORDS = 1000
_LENGTHS = tuple(round(log2(1 + n) * 4) / 4 for n in range(_MOST_WORDS + 1))
_NUMBER = re.compile("[0-9]")
_HOSTILE = frozenset(
    {"angry.insult", "angry.swear", "angry.verdict", "angry.reproach", "angry.leaving", "angry.sarcasm", "angry.threat"}
)

_MARKS = ("asks", "questions", "ends_asking", "exclaims", "exclamations", "asks_and_exclaims", "capitals", "shouts")
_EMOJI = ("angry_emoji", "warm_emoji", "sad_emoji", "emoji", "emoji_only")
_SHAPE = ("length", "short", "long", "says_nothing", "links", "mentions", "leads_with_mention", "number")
_SIGNS = ("money", "quote", "dots", "star")
_ORIGIN = ("few_stars", "many_stars", "review", "message", "mention", "english", "unknown_language")
_THANKS = ("thanks_and_asks", "thanks_and_but", "thanks_and_solved", "thanks_briefly", "thanks_angrily")
_TAGS = ("tags_only", "tags_with_a_word", "tags_with_few", "tags_and_friendly", "tags_and_asks")
_NO_SIGNS = (False,) * len(_SIGNS)
SURFACE = _MARKS + _EMOJI + _SHAPE + _SIGNS + _ORIGIN + _THANKS + _TAGS
_MOST_COUNTED = {"questions": 3, "exclamations": 4, "capitals": 4, "mentions": 3} | dict.fromkeys(_EMOJI, 3)
_MOST = np.array([_MOST_COUNTED.get(name, 10) for name in SURFACE])  # lengths and stars stay below ten


def features(batch: Sequence[Prepared]) -> tuple[tuple[str, ...], Floats]:
    """The names of the features, and their values for each text: [texts, features]."""
    columns = _columns()
    n_columns = len(feature_names())
    found = np.zeros((len(batch), n_columns))
    places: list[int] = []
    values: list[float] = []
    for number, text in enumerate(batch):
        for group, n in text.groups.items():
            places.append(number * n_columns + columns[group])
            values.append(_OF_A_GROUP[min(n, _MOST_OF_A_GROUP)])
    found.put(places, values)
    if batch:
        surface = np.fromiter(chain.from_iterable(map(_surface, batch)), np.float64, len(batch) * len(SURFACE))
        np.minimum(surface.reshape(len(batch), len(SURFACE)), _MOST, out=found[:, len(columns) :])
    return feature_names(), found


@cache
def feature_names() -> tuple[str, ...]:
    """The names of the features, in the order of their columns."""
    return (*(f"group.{group}" for group in _columns()), *(f"surface.{name}" for name in SURFACE))


@cache
def _columns() -> Mapping[str, int]:
    return {group: column for column, group in enumerate(dict.fromkeys(phrasebook().groups))}


def _surface(text: Prepared) -> tuple[float, ...]:
    """The values of `SURFACE`, in order."""
    said = text.n_words - text.n_mentions
    return (
        *_of_marks(text),
        *_of_emoji(text, said),
        *_of_shape(text, said),
        *(_of_signs(text.signs) if text.signs else _NO_SIGNS),
        *_of_origin(text),
        *_of_thanks(text, said),
        *_of_tags(text, said),
    )


def _of_marks(text: Prepared) -> tuple[float, ...]:
    n_questions, n_exclamations = text.n_questions, text.n_exclamations
    return (
        n_questions > 0,
        n_questions,
        n_questions > 0 and "?" in text.padded[text.padded.rfind(" ", 0, -1) :],
        n_exclamations > 0,
        n_exclamations,
        n_questions > 0 and n_exclamations > 0,
        text.n_capitals,
        text.n_capitals >= 3 and text.n_capitals >= _SHOUTED * text.n_words,
    )


def _of_emoji(text: Prepared, said: int) -> tuple[float, ...]:
    if not text.n_emoji:
        return (0.0,) * len(_EMOJI)
    return text.n_angry_emoji, text.n_warm_emoji, text.n_sad_emoji, True, said == 0 and not text.n_links


def _of_shape(text: Prepared, said: int) -> tuple[float, ...]:
    return (
        _LENGTHS[min(said, _MOST_WORDS)],
        said <= _SHORT,
        said > _LONG,
        said == 0,
        text.n_links > 0,
        text.n_mentions,
        text.leads_with_mention,
        _NUMBER.search(text.padded) is not None,
    )


def _of_signs(signs: str) -> tuple[bool, ...]:
    return "/money" in signs, "/quote" in signs, "/dots" in signs, "/star" in signs


def _of_origin(text: Prepared) -> tuple[float, ...]:
    stars = 3.0 if text.stars is None else round(min(max(text.stars, 1.0), 5.0) * 4) / 4
    return (
        max(3.0 - stars, 0.0),
        max(stars - 3.0, 0.0),
        text.kind == "review",
        text.kind == "message",
        text.kind == "mention",
        text.language == "en",
        not text.language,
    )


def _of_thanks(text: Prepared, said: int) -> tuple[bool, ...]:
    groups = text.groups
    if "closing.thanks" not in groups:
        return (False,) * len(_THANKS)
    return (
        text.n_questions > 0,
        "closing.but" in groups,
        "closing.solved" in groups,
        said <= _LONG,
        not _HOSTILE.isdisjoint(groups),
    )


def _of_tags(text: Prepared, said: int) -> tuple[bool, ...]:
    """In mentions, messages and reviews the name that is tagged is ours."""
    if not text.n_mentions or text.kind in ("mention", "message", "review"):
        return (False,) * len(_TAGS)
    groups = text.groups
    asks = text.n_questions > 0 or "needs_reply.ask" in groups
    return said == 0, 0 < said <= 2, 2 < said <= _FEW_BESIDE_A_TAG, "tagging.friend" in groups and not asks, asks
