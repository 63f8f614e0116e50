"""A text made ready to be measured: quotations stripped, words normalised, phrases found, surface counted.

This is done once for a text, and every signal reads it.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from html import unescape
from typing import NamedTuple

from monitor.model import Comment
from monitor.signals.language import detect
from monitor.signals.phrasebook import phrasebook

LONGEST = 10_000  # characters that are looked at: no platform's comment that means something is longer

_QUOTE_LINES = re.compile(r"^[ \t]*>.*$", re.MULTILINE)
_QUOTE_MARKS = re.compile(r"^[ \t>]+", re.MULTILINE)
_RETWEET = re.compile(r"\bRT @\w+:?.*", re.DOTALL)
_QUOTED_TWEET = re.compile(r"[\"“”]@\w+:[^\"“”]*[\"“”]?")
_INVISIBLE = re.compile(
    "[\u00ad\u0300-\u036f\u061c\u0640\u064b-\u065f\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)  # and what is piled on letters: accents beyond the composed ones, Arabic vowels and the line that stretches words
LINK = re.compile(r"(?:https?://|www\.)\S*", re.IGNORECASE)
_MENTION = re.compile(r"@\w[\w.-]*")
_TOKEN = re.compile(r"\w+|[?!]+|@|#\w+")
_VOWELS = "\u0900-\u0963\u0966-\u0dff\u0e31-\u0e3a\u0e47-\u0e4e"  # of India and Thailand: no letters to `\w`
_TOKEN_BEYOND = re.compile(rf"[\w{_VOWELS}]+|[?!]+|@|#\w+")
_CAPITAL = "[A-ZÀ-ÖØ-ÞΑ-ΩА-Я]"
_MAY_SHOUT = re.compile(f"{_CAPITAL}{_CAPITAL}{{2}}")  # finds at once that there is nothing for `_CAPITALS`
_CAPITALS = re.compile(rf"\b{_CAPITAL}{{3,}}\b")
_PICTURE = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u2764\u203c\u2049]")
_SMILEY = re.compile(r":[-']?[()D/]|<3")
_ANGRY_EMOJI = re.compile("[😡🤬😠👿💩🖕😤🤮🤢👎🙄😒😑🤦🤷🔥🤡]")
_WARM_EMOJI = re.compile("[😀-😍😘😚😋🤗🙏👍👏❤💕💖💗💙💚💛💜🎉🙌✨😎☺🥰🤩💯👌✌🥳]|:[-']?[)D]|<3")
_SAD_EMOJI = re.compile("[😕😖😞😟😢😣😥😩😫😭😿🙁☹😰😱😔😓💔🥺]|:[-']?[(/]")
_APOSTROPHES = re.compile("['’‘`´ʼ＇]")
_MARKS = {"？": "?", "！": "!", "¿": "?", "¡": "!", "؟": "?", "\u037e": "?"}  # the last one is Greek
_OF_INTEREST = re.compile(r"\.\.|[\"“”«»„*$€£₹]")  # for the model alone; the first of each kind is named
_SIGNS = {"..": "/dots", "*": "/star"} | dict.fromkeys('"“”«»„', "/quote") | dict.fromkeys("$€£₹", "/money")
_MOST_SIGNS = 12
_MANY_CAPITALS = 4
_ANY_MARK, _TO_OURS = re.compile(f"[{''.join(_MARKS)}]"), str.maketrans(_MARKS)


class Prepared(NamedTuple):
    """What the signals see of one text.

    `padded` is the normalised text with a blank around every word; `hits` are the numbers of the phrases in it and
    `groups` how many phrases of each group were found. `signs` names what is in no word: emoji, /capital, /capitals,
    /shouting, /link, /dots, /quote, /money, /star.
    """

    text: str  # the writer's own words as written
    padded: str
    signs: str
    n_words: int
    hits: Sequence[int]
    groups: Mapping[str, int]
    kind: str
    stars: float | None
    language: str
    told_language: str
    n_mentions: int
    n_links: int
    n_capitals: int
    n_questions: int
    n_exclamations: int
    n_emoji: int
    n_angry_emoji: int
    n_warm_emoji: int
    n_sad_emoji: int
    leads_with_mention: bool

    @property
    def words(self) -> list[str]:
        """The words of `padded`; not kept, because a page of them would push everything else out of the cache."""
        return self.padded.split()

    @property
    def seen(self) -> str:
        """What the model reads: the normalised words, then the signs; a blank on each side of each."""
        return f"{self.padded}{self.signs} " if self.signs else self.padded


def prepare(comment: Comment) -> Prepared:
    """A comment's own words, normalised, with everything that the signals look at."""
    return ready(comment.text, comment.kind, comment.stars, comment.language)


def ready(text: str, kind: str, stars: float | None, told_language: str) -> Prepared:
    """The same of what the signals look at: whatever else a comment has changes nothing."""
    text = text[:LONGEST]
    text = own_words(unescape(text) if "&" in text else text)  # some platforms give "&amp;", some files do
    n_mentions = n_links = n_emoji = n_angry = n_warm = n_sad = 0
    leads = text.startswith(("@", ".@"))
    capitals = len(_CAPITALS.findall(text)) if _MAY_SHOUT.search(text) else 0
    plain = text if text.isascii() else _in_our_letters(text)
    if "@" in plain:
        plain, n_mentions = _MENTION.subn(" @ ", plain)
    if "://" in plain or "www." in plain:
        plain, n_links = LINK.subn(" ", plain)
    if drawn := _emoji(plain):
        n_emoji, together = len(drawn), " ".join(drawn)
        n_angry, n_warm, n_sad = (len(one.findall(together)) for one in (_ANGRY_EMOJI, _WARM_EMOJI, _SAD_EMOJI))
    words = _words(plain.lower())
    padded = f" {' '.join(words)} "
    book = phrasebook()
    language = detect(plain, words)
    hits = book.find(padded, language)
    groups: dict[str, int] = {}
    for hit in hits:
        group = book.groups[hit]
        groups[group] = groups.get(group, 0) + 1
    return Prepared(
        text, padded, _signs(plain, drawn, capitals, n_links), len(words), hits, groups,
        kind, stars, language, told_language,
        n_mentions, n_links, capitals, padded.count("?"), padded.count("!"),
        n_emoji, n_angry, n_warm, n_sad, leads,
    )  # fmt: skip


def _in_our_letters(text: str) -> str:
    """Without invisible characters, each letter in its plainest form and each mark as English writes it."""
    if _ANY_MARK.search(text):
        text = text.translate(_TO_OURS)  # before NFKC, which makes a semicolon of the Greek question mark
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))


def _emoji(plain: str) -> list[str]:
    drawn = [] if plain.isascii() else _PICTURE.findall(plain)
    return drawn + _SMILEY.findall(plain) if ":" in plain or "<3" in plain else drawn


def _words(lower: str) -> list[str]:
    if lower.isascii():
        return _TOKEN.findall(lower.replace("'", ""))
    return _TOKEN_BEYOND.findall(_APOSTROPHES.sub("", lower))


def _signs(plain: str, drawn: Sequence[str], capitals: int, n_links: int) -> str:
    signs = list(drawn[:_MOST_SIGNS])
    if capitals:
        signs.append("/capital" if capitals == 1 else "/capitals" if capitals < _MANY_CAPITALS else "/shouting")
    if n_links:
        signs.append("/link")
    if found := _OF_INTEREST.findall(plain):
        signs += dict.fromkeys(map(_SIGNS.__getitem__, found))
    return " ".join(signs)


def own_words(text: str) -> str:
    """A text without what it quotes: "RT @shop: ..." and what follows, a quoted post, lines that begin with ">"."""
    if ">" in text:
        answer = _QUOTE_LINES.sub("", text)
        # Where the answer stands on the line of its quotation nothing tells the two apart: better both than nothing.
        text = answer if answer.strip() else _QUOTE_MARKS.sub("", text)
    if "RT @" in text:
        text = _RETWEET.sub("", text)
    if ":" in text and "@" in text:
        text = _QUOTED_TWEET.sub(" ", text)
    return text.strip()
