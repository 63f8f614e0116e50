"""Finding the phrases and patterns of all rules in a text: one pass of one automaton, whatever their number.

Phrases are found in a canonical form of the text (case folded, one form of each letter and apostrophe, invisible
characters dropped) and only as whole words, in the sense of the phrase's own script. Patterns are RE2 and see the
text as it was written. RE2 takes linear time on any input, so that no pattern and no text can hang the program.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import re2

LONGEST_PHRASE = 200
LONGEST_PATTERN = 1_000
_LONGEST_TEXT = 100_000  # characters looked at; no platform lets one write more
_PATTERN_MEMORY = 1 << 20
_SET_MEMORY = 32 << 20
_NOTHING: frozenset[int] = frozenset()

_APOSTROPHE = re.compile("[`´‘’‛ʼʹ′＇]")
# Invisible and direction-changing characters; then vowel points that writers of Arabic or Hebrew may leave out, the
# Arabic stretch, and the dot that case folding leaves of a Turkish capital I.
_DROPPED = re.compile(
    "[\u00ad\u034f\u061c\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef"
    "\u0610-\u061a\u0640\u064b-\u065f\u0670\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0307]"
)
_PIECE = 1_000  # characters normalised at once: sorting a long run of combining marks takes quadratic time

# Scripts that do not put spaces between words, or (Korean) put endings onto them: no word boundary is asked for.
_UNSPACED = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3040-\u318f\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc\U00020000-\U0003ffff]"
)


def canonical(text: str) -> str:
    """The form in which phrases are compared: what differs only in typing, case or invisible characters is equal."""
    if text.isascii():
        folded = text.lower().replace("`", "'")
        if folded.isprintable() and "  " not in folded:
            return folded.strip()  # most texts: nothing to join
    else:
        normal = "".join(unicodedata.normalize("NFKC", piece) for piece in _pieces(_APOSTROPHE.sub("'", text)))
        folded = _DROPPED.sub("", normal.casefold()).replace("ı", "i")
    return " ".join(folded.split())


def _pieces(text: str) -> Iterator[str]:
    """The text in stretches of bounded length, cut at a space where there is one."""
    start = 0
    while len(text) - start > _PIECE:
        end = text.rfind(" ", start + 1, start + _PIECE)
        end = end if end > start else start + _PIECE
        yield text[start:end]
        start = end
    yield text[start:] if start else text


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_" or unicodedata.category(char)[0] == "M"


def _wants_boundary(char: str) -> bool:
    return _is_word(char) and not _UNSPACED.match(char)


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase ready to be found; `*` at its start or end in the rule lets the word go on there."""

    text: str
    wants_start: bool
    wants_end: bool

    @classmethod
    def of(cls, written: str) -> "Phrase":
        """Raises: ValueError saying why it cannot be looked for."""
        if len(written) > LONGEST_PHRASE:
            raise ValueError(f"a phrase has at most {LONGEST_PHRASE} characters")
        folded = canonical(written)
        bare = canonical(folded.removeprefix("*").removesuffix("*"))
        if not bare:
            raise ValueError(f"there is nothing to look for in {written!r}")
        starts, ends = not folded.startswith("*"), not folded.endswith("*")
        return cls(bare, starts and _wants_boundary(bare[0]), ends and _wants_boundary(bare[-1]))

    def is_in(self, text: str) -> bool:
        """Whether a canonical text contains it, as whole words."""
        at = text.find(self.text)
        while at >= 0:
            end = at + len(self.text)
            starts = not self.wants_start or at == 0 or not _is_word(text[at - 1])
            if starts and (not self.wants_end or end == len(text) or not _is_word(text[end])):
                return True
            at = text.find(self.text, at + 1)
        return False


def compile_pattern(pattern: str) -> "re2._Regexp":
    """An RE2 pattern with bounded size.

    Raises: ValueError saying what is wrong with it.
    """
    if len(pattern) > LONGEST_PATTERN:
        raise ValueError(f"a pattern has at most {LONGEST_PATTERN} characters")
    try:
        compiled = re2.compile(pattern, _options(_PATTERN_MEMORY))
    except (re2.error, UnicodeEncodeError) as error:
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise ValueError(f"RE2 does not accept it: {reason}") from error
    if compiled.search("") is not None:
        raise ValueError("it matches the empty text, so it would match everything")
    return compiled


def _options(memory: int) -> "re2.Options":
    options = re2.Options()
    options.log_errors = False
    options.max_mem = memory
    return options


class _Automaton:
    """All expressions of one kind in one RE2 set, and one by one where the set is too large for its memory.

    A set that runs out of memory while it matches says "nothing found". The empty expression at its head always
    matches, so an answer without it is that failure and not an answer.
    """

    def __init__(self, expressions: Sequence[bytes]) -> None:
        self._expressions = expressions
        self._singly: list[re2._Regexp] = []
        self._find = self._compile_set() if expressions else None

    def _compile_set(self) -> Callable[[bytes], Sequence[int] | None] | None:
        try:
            together = re2.Set.SearchSet(_options(_SET_MEMORY))
            for expression in (b"", *self._expressions):
                together.Add(expression)
            together.Compile()
        except re2.error:
            return self._find_singly
        match: Callable[[bytes], Sequence[int] | None] = together.Match
        return match

    def search(self, text: bytes) -> Sequence[int]:
        """The numbers of the expressions that occur in the text."""
        if self._find is None:
            return ()
        found = self._find(text)
        if not found or 0 not in found:
            found = self._find_singly(text)
        return () if len(found) == 1 else [number - 1 for number in found if number]

    def _find_singly(self, text: bytes) -> list[int]:
        if not self._singly:
            self._singly = [re2.compile(each, _options(_PATTERN_MEMORY)) for each in self._expressions]
        return [0, *(number for number, each in enumerate(self._singly, 1) if each.search(text))]


class Matcher:
    """Every phrase and pattern of a rule set; conditions hold the numbers that `add_phrase` and `add_pattern` gave.

    All are added first; `build` is called once; then any number of threads may `search`.
    """

    def __init__(self) -> None:
        self._phrases: dict[Phrase, int] = {}
        self._patterns: dict[str, int] = {}
        self._in_order: list[Phrase] = []
        self.build()

    def add_phrase(self, written: str) -> int:
        """Raises: ValueError saying why it cannot be looked for."""
        return self._phrases.setdefault(Phrase.of(written), len(self._phrases))

    def add_pattern(self, pattern: str) -> int:
        """Raises: ValueError saying what is wrong with it."""
        compile_pattern(pattern)
        return self._patterns.setdefault(pattern, -1 - len(self._patterns))

    def build(self) -> None:
        self._in_order = list(self._phrases)
        self._phrase_set = _Automaton([re2.escape(phrase.text.encode()) for phrase in self._in_order])
        self._pattern_set = _Automaton([pattern.encode() for pattern in self._patterns])

    def search(self, text: str) -> frozenset[int]:
        """The numbers of all phrases and patterns that occur in the text."""
        text = text[:_LONGEST_TEXT]
        folded = canonical(text) if self._phrases else ""
        phrases = self._phrase_set.search(folded.encode("utf-8", "replace"))
        patterns = self._pattern_set.search(text.encode("utf-8", "replace"))
        if not phrases and not patterns:
            return _NOTHING
        found = [number for number in phrases if self._in_order[number].is_in(folded)]
        return frozenset(found + [-1 - number for number in patterns])


def matched_words(compiled: "re2._Regexp", text: str, longest: int = 100) -> str:
    """What a pattern found, cut to a length that can be shown."""
    found = compiled.search(text[:_LONGEST_TEXT].encode("utf-8", "replace").decode())
    return str(found.group())[:longest] if found else ""
