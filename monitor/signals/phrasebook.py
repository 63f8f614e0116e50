"""All phrases of all signals as one automaton, so that a text is searched once whatever there is to be found.

A phrase is matched against a normalised text (see `prepared`): lower-case words, marks and mentions, each with one
blank before and after it. Blanks are therefore the word boundaries, in every script.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files

import re2

FILES = ("angry", "needs_reply", "closing", "mistake", "tagging", "urgent", "threat")
_AUTOMATON_BYTES = 48 << 20  # the most that the states met so far may take; full, it forgets them and goes on
_KIN = {"es": ("pt",), "pt": ("es",), "nl": ("de",), "de": ("nl",)}  # short texts of these are easily mistaken
_ELISION = re.compile(r"\b([cdjlmnst]|qu) (?=\w)")
_PIECE = re.compile(r" \.\.\. |(?:(?<=[ (|])|^)[?!]|[()|*%?]|[^ .!?()|*%]+|.")
_REGEX = {
    " ... ": " (?:[^ ]+ ){0,4}",  # up to four words in between
    "(": "(?:",
    ")": ")",
    "|": "|",
    "*": "[^ ]*",  # the rest of the word
    "%": "[0-9][0-9a-z]*(?: [0-9][0-9a-z]*)?",  # a number: 13th, 9.30, 10am
}
_MARK = {"?": r"!*\?[?!]*", "!": r"\?*![?!]*"}  # as words of their own; glued to something "?" makes that optional


@dataclass(frozen=True, slots=True)
class Phrase:
    """One phrase: the group ("angry.insult") it belongs to, its pattern, and the languages that it is from."""

    group: str
    pattern: str
    languages: frozenset[str]

    def speaks(self, language: str) -> bool:
        """Whether it means what it says in a text of this language; English is mixed into every other."""
        here = {language, *_KIN.get(language, ())}
        return not language or "en" in self.languages or not here.isdisjoint(self.languages)


class Phrasebook:
    """The phrases and their automaton."""

    def __init__(self, phrases: Sequence[Phrase]) -> None:
        self.phrases = tuple(phrases)
        self.groups = tuple(phrase.group for phrase in self.phrases)
        self._masks: dict[str, tuple[bool, ...]] = {}
        self._quoting: dict[int, re2._Regexp] = {}
        self._set = re2.Set.SearchSet(_options())
        for phrase in self.phrases:
            self._set.Add(phrase.pattern)
        self._set.Compile()

    def find(self, padded: str, language: str) -> list[int]:
        """The numbers, ascending, of the phrases in a normalised text of this language ("" if that is not known)."""
        mask = self._masks.get(language)
        if mask is None:
            mask = self._masks[language] = tuple(phrase.speaks(language) for phrase in self.phrases)
        found = self._set.Match(padded.encode("utf-8", "replace"))
        return sorted([hit for hit in found if mask[hit]]) if found else []

    def quote(self, number: int, padded: str) -> str:
        """What phrase `number` matched in a normalised text."""
        compiled = self._quoting.get(number)
        if compiled is None:
            compiled = self._quoting[number] = re2.compile(self.phrases[number].pattern)
        found = compiled.search(padded.encode("utf-8", "replace"))  # of bytes RE2 need not count the characters
        return str(found[0], "utf-8").strip() if found else ""


def _options() -> re2.Options:
    options = re2.Options()
    options.max_mem = _AUTOMATON_BYTES
    options.log_errors = False
    return options


@cache
def phrasebook() -> Phrasebook:
    """The shipped phrases; read and compiled when first needed."""
    return Phrasebook(tuple(_shipped()))


@cache
def digest_of_phrases() -> str:
    """Another one whenever a phrase changes, and with it what is measured."""
    folder = files("monitor.signals") / "phrases"
    return sha256(b"\0".join((folder / f"{name}.toml").read_bytes() for name in (*FILES, "language"))).hexdigest()


def _shipped() -> Iterator[Phrase]:
    folder = files("monitor.signals") / "phrases"
    for name in FILES:
        for group, by_language in tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8")).items():
            languages: dict[str, set[str]] = {}
            for language, listed in by_language.items():
                for written in filter(None, (" ".join(one.split()) for one in listed.split(","))):
                    languages.setdefault(as_pattern(written, language), set()).add(language)
            for pattern, found in languages.items():
                yield Phrase(f"{name}.{group}", pattern, frozenset(found))


def as_pattern(written: str, language: str = "en") -> str:
    """A phrase of the lists as a regular expression over normalised text."""
    plain = written.lower().replace("'", "").replace("’", "")
    if language in ("fr", "it"):
        plain = _ELISION.sub(r"\1", plain)  # l' and c' are joined to the next word by the normalisation
    pieces: list[str] = []
    for found in _PIECE.finditer(plain):
        piece = found[0]
        before = plain[found.start() - 1] if found.start() else " "
        if piece in _MARK and before in " (|":
            pieces.append(_MARK[piece])
        else:
            pieces.append(_REGEX.get(piece) or ("?" if piece == "?" else re.escape(piece) if piece != " " else " "))
    return " " + "".join(pieces) + " "
