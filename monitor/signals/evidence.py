"""Why a trained signal has its value: the words that weighed most, and the sentence. Imports numpy: imported late."""

import re
from collections.abc import Iterator
from dataclasses import replace

from monitor.model import Comment
from monitor.signals.model import Look, model
from monitor.signals.phrasebook import phrasebook
from monitor.signals.prepared import Prepared, prepare
from monitor.signals.weights import OUTPUTS

_LEAST_VALUE = 0.1  # below this nothing speaks for a signal, whatever weighs in it
_LEAST_WEIGHT = 0.25  # of log odds
_LEAST_SHARE = 0.2  # of the heaviest word's weight
_MOST_WORDS = 8
_SENTENCE = re.compile(r"[^.!?…\n।؟。！？]+[.!?…।؟。！？]*")
_MOST_SENTENCES = 40
_LONGEST_SENTENCE = 200
_SAYS = {  # of the surface, as a person calls it
    "asks": "?",
    "questions": "?",
    "ends_asking": "?",
    "exclaims": "!",
    "exclamations": "!",
    "asks_and_exclaims": "?!",
    "capitals": "CAPITALS",
    "shouts": "CAPITALS",
    "angry_emoji": "emoji",
    "warm_emoji": "emoji",
    "sad_emoji": "emoji",
    "emoji": "emoji",
    "emoji_only": "emoji only",
    "few_stars": "stars",
    "many_stars": "stars",
    "tags_only": "names only",
}


def words_for(name: str, text: Prepared, least_value: float = _LEAST_VALUE) -> tuple[str, ...]:
    """What speaks for a trained signal: phrases, words and marks, heaviest first; nothing where its value is low."""
    column, look = OUTPUTS.index(name), Look(model(), text)
    if look.probability(column) < max(least_value, _LEAST_VALUE):
        return ()
    heaviest = sorted(_weighed(look, column, text), key=lambda pair: -pair[0])
    least = max(_LEAST_WEIGHT, _LEAST_SHARE * heaviest[0][0]) if heaviest else 0.0
    kept: list[str] = []
    for weight, words in heaviest:
        if weight >= least and not any(words in other or other in words for other in kept):
            kept.append(words)
    return tuple(kept[:_MOST_WORDS])


def sentence_for(name: str, comment: Comment) -> str:
    """The sentence of a comment, as written, that speaks most for a trained signal."""
    whole = prepare(comment)
    found = (one[0].strip() for one in _SENTENCE.finditer(whole.text))
    sentences = [one for one in found if one][:_MOST_SENTENCES]
    if len(sentences) < 2:
        return whole.text[:_LONGEST_SENTENCE]
    apart = [prepare(replace(comment, text=one)) for one in sentences]
    logits = model().logits(apart)[:, OUTPUTS.index(name)]
    return sentences[int(logits.argmax())][:_LONGEST_SENTENCE]


def _weighed(look: Look, column: int, text: Prepared) -> Iterator[tuple[float, str]]:
    book = phrasebook()
    by_name = look.by_feature(column)
    for hit in text.hits:
        weight = by_name.get(f"group.{book.groups[hit]}", 0.0)
        if weight > 0 and (quoted := book.quote(hit, text.padded)):
            yield weight, quoted
    for name, says in _SAYS.items():
        weight = by_name.get(f"surface.{name}", 0.0)
        if weight > 0:
            yield weight, f"{text.stars:g} of 5 stars" if says == "stars" and text.stars is not None else says
    words = text.seen.split()
    for word, weight in zip(words, look.by_word(column).tolist(), strict=True):
        if weight > 0 and word[0] != "/" and any(map(str.isalnum, word)):
            yield weight, word
