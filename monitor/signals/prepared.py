"""A text made ready to be measured: quotations stripped, words normalised, phrases found, surface counted.

This is done once for a text, and every signal reads it.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from monitor.model import Comment
from monitor.signals.language import detect
from monitor.signals.phrasebook import phrasebook

LONGEST = 10_000  # characters that are looked at: no platform's comment that means something is longer

_QUOTE_LINES = re.compile(r"^[ \t]*>.*$", re.MULTILINE)
_RETWEET = re.compile(r"\bRT @\w+:?.*", re.DOTALL)
_QUOTED_TWEET = re.compile(r"[\"“”]@\w+:[^\"“”]*[\"“”]?")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_LINK = re.compile(r"(?:https?://|www\.)\S*", re.IGNORECASE)
_MENTION = re.compile(r"@\w[\w.-]*")
_TOKEN = re.compile(r"\w+|[?!]+|@|#\w+")
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
_ANY_MARK, _TO_OURS = re.compile(f"[{''.join(_MARKS)}]"), str.maketrans(_MARKS)


class Prepared(NamedTuple):
    """What the signals see of one text.

    `padded` is the normalised text with a blank around every word; `hits` are the numbers of the phrases in it and
    `groups` how many phrases of each group were found.
    """

    text: str  # the writer's own words as written
    padded: str
    words: Sequence[str]
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


def prepare(comment: Comment) -> Prepared:
    """A comment's own words, normalised, with everything that the signals look at."""
    text = own_words(comment.text[:LONGEST])
    n_mentions = n_links = n_emoji = n_angry = n_warm = n_sad = 0
    leads = text.startswith(("@", ".@"))
    capitals = len(_CAPITALS.findall(text)) if _MAY_SHOUT.search(text) else 0
    plain = text if text.isascii() else _in_our_letters(text)
    if "@" in plain:
        plain, n_mentions = _MENTION.subn(" @ ", plain)
    if "://" in plain or "www." in plain:
        plain, n_links = _LINK.subn(" ", plain)
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
        text, padded, words, hits, groups, comment.kind, comment.stars, language, comment.language,
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
    return _TOKEN.findall(lower.replace("'", "") if lower.isascii() else _APOSTROPHES.sub("", lower))


def own_words(text: str) -> str:
    """A text without what it quotes: "RT @shop: ..." and what follows, a quoted post, lines that begin with ">"."""
    if ">" in text:
        text = _QUOTE_LINES.sub("", text)
    if "RT @" in text:
        text = _RETWEET.sub("", text)
    if ":" in text and "@" in text:
        text = _QUOTED_TWEET.sub(" ", text)
    return text.strip()
