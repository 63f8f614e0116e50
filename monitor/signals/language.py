"""language: the ISO 639-1 code of the language that a text is written in, "" where that cannot be told.

By script where one script tells it, and otherwise by frequent small words. Where the text alone does not tell, the
platform's word is taken.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import chain
from typing import TYPE_CHECKING

from monitor.model import SignalValue

if TYPE_CHECKING:
    from monitor.signals.prepared import Prepared

_SCRIPTS = (  # the first script of which there is enough decides: kana before the Chinese characters beside them
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("ko", re.compile("[\uac00-\ud7af\u1100-\u11ff]")),
    ("zh", re.compile("[\u4e00-\u9fff]")),
    ("uk", re.compile("[іїєґІЇЄҐ]")),
    ("ru", re.compile("[\u0400-\u04ff]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("hi", re.compile("[\u0900-\u097f]")),
    ("el", re.compile("[\u0370-\u03ff]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
)
_BEYOND_LATIN = re.compile("[\u0370-\u1fff\u3040-\ud7af]")
_LATIN = re.compile("[a-zA-Z]")
_LETTERS = (  # letters that hardly any other of our languages has
    ("es", re.compile("[ñÑ¿¡]")),
    ("de", re.compile("ß")),
    ("pt", re.compile("[ãõÃÕ]")),
    ("tr", re.compile("[ğışĞİŞ]")),
    ("pl", re.compile("[ąćęłńśźżŁ]")),
    ("sv", re.compile("[åÅ]")),
)
_MOST_WORDS = 80
_LETTER_WEIGHT = 1.5
_ENOUGH = 1.0  # of a word's evidence; words that several languages share count for less
_LEAD = 1.25  # how far ahead of the second the first must be
_SURE_SCRIPT = 0.25  # the part of a text's letters from which a script decides


@cache
def _weights() -> Mapping[str, tuple[tuple[str, float], ...]]:
    """For each small word the languages it speaks for, and how much."""
    text = (files("monitor.signals") / "phrases" / "language.toml").read_text(encoding="utf-8")
    languages: dict[str, list[str]] = {}
    for language, listed in tomllib.loads(text).items():
        for word in sorted(set(listed.split())):
            languages.setdefault(word, []).append(language)
    return {word: tuple((one, 1.0 / len(found)) for one in found) for word, found in languages.items()}


def detect(text: str, words: Sequence[str]) -> str:
    """The language of a text, given with its normalised words; "" when unsure."""
    scores: dict[str, float] = {}
    if not text.isascii():
        if _BEYOND_LATIN.search(text) is not None and (script := _by_script(text)):
            return script
        for language, letters in _LETTERS:
            if letters.search(text) is not None:
                scores[language] = _LETTER_WEIGHT
    for language, weight in chain.from_iterable(filter(None, map(_weights().get, words[:_MOST_WORDS]))):
        scores[language] = scores.get(language, 0.0) + weight
    if not scores:
        return ""
    first = max(scores, key=scores.__getitem__)
    best = scores.pop(first)
    return first if best >= _ENOUGH and best >= _LEAD * max(scores.values(), default=0.0) else ""


def _by_script(text: str) -> str:
    n_latin = len(_LATIN.findall(text))
    for language, letters in _SCRIPTS:
        n = len(letters.findall(text))
        if n and (n >= _SURE_SCRIPT * (n + n_latin) or (language == "uk" and n > 1)):
            return language
    return ""


class Language:
    name = "language"
    version = "1"
    range = None

    def measure(self, batch: "Sequence[Prepared]") -> list[SignalValue]:
        return [text.language or _iso(text.told_language) for text in batch]

    def explain(self, text: "Prepared") -> tuple[str, ...]:
        language = text.language
        known = _weights()
        return tuple(dict.fromkeys(one for one in text.words if (language, 1.0) in known.get(one, ())))[:8]


def _iso(told: str) -> str:
    """The two letters of what a platform says ("en-GB", "pt_BR"); "" for what says nothing ("und")."""
    code = re.split("[-_]", told.strip().lower(), maxsplit=1)[0]
    return code if len(code) == 2 and code.isascii() and code.isalpha() else ""
