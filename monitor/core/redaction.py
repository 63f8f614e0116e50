"""Personal data taken out of a text before it leaves the house: placeholders stand where numbers and addresses were.

Rather too much than too little: what is left must only still say how somebody means it. Names of people and streets
in running text are not found.
"""

import re
import unicodedata

_UNSEEN = frozenset({"Cf", "Me", "Cs", "Co"})  # between two digits they would hide a number
_LINK = re.compile(r"\b(https?://|ftp://|www\.)(?:[^\s/?#@]*@)?([^\s/?#:@]*)\S*", re.IGNORECASE)
_BARE_LINK = re.compile(r"(?<![\w@])((?:[^\W_][\w-]*\.)+[^\W\d_]{2,})[/?#:]\S+")
_MAIL = re.compile(r"@?[^\s@]+@[^\s@]+")
_SPELT_MAIL = re.compile(
    r"[\w.+-]+\s?(?:[(\[{]\s?at\s?[)\]}]|\sat\s)\s?[\w-]+"
    r"(?:\.|\s?[(\[{]\s?dot\s?[)\]}]\s?|\sdot\s)[^\W\d_]\w+",
    re.IGNORECASE,
)
_HANDLE = re.compile(r"@\S+|(?<![\w/])/?u/[\w-]{3,}")
_IBAN = re.compile(r"\b[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]{4}){2,7}(?:[ -]?[A-Za-z0-9]{1,3})?\b")
_NUMBER = re.compile(r"[#+(]*\d(?:[\s()./\\_*–—-]{0,3}\d)*")
_TOKEN = re.compile(r"\w[\w-]*")
_CODE = re.compile(r"(?=[A-Z]*\d)(?=\d*[A-Z])[A-Z\d]{5,}")  # of a booking; "10AM" is none
_DATE = r"(?:[0-3]?\d[./-][01]?\d[./-](?:19|20)\d\d|(?:19|20)\d\d[./-][01]?\d[./-][0-3]?\d)"
_TIME = r"(?:[01]?\d|2[0-4])[.][0-5]\d"
_WHEN = re.compile(rf"(?:{_DATE}|{_TIME})(?:\s?[–—-]?\s?(?:{_DATE}|{_TIME}))?")
_LONGEST_RUN, _MOST_DIGITS = 4, 5  # that a price, a year or an hour needs
_RUN = re.compile(r"\d+")


def redacted(text: str) -> str:
    """The text without e-mail addresses, handles, the paths of links, and numbers long enough to be somebody's.

    It holds no run of more than four digits and nothing behind an @. Dates and hours stay: mistakes are about them.
    """
    plain = _LINK.sub(r"\1\2/[path]", _without_unseen(unicodedata.normalize("NFKC", text)))
    plain = _BARE_LINK.sub(r"\1/[path]", plain)
    plain = _SPELT_MAIL.sub("[email]", _MAIL.sub("[email]", plain))
    plain = _IBAN.sub("[number]", _HANDLE.sub("[name]", plain))
    return _TOKEN.sub(_unless_a_word, _NUMBER.sub(_unless_harmless, plain))


def _without_unseen(text: str) -> str:
    if text.isascii():
        return text
    return "".join(c for c in text if unicodedata.category(c) not in _UNSEEN and not "\ufe00" <= c <= "\ufe0f")


def _unless_harmless(found: re.Match[str]) -> str:
    runs = _RUN.findall(found[0])
    is_short = len("".join(runs)) <= _MOST_DIGITS and max(map(len, runs)) <= _LONGEST_RUN
    if (is_short and not (found[0].startswith("#") and len(runs[0]) >= _LONGEST_RUN)) or _WHEN.fullmatch(found[0]):
        return found[0]
    return "[number]"


def _unless_a_word(found: re.Match[str]) -> str:
    """An order's code mixes letters with four digits or more."""
    token = found[0]
    n_digits = sum(c.isdecimal() for c in token)
    is_mixed = n_digits >= _LONGEST_RUN and any(c.isalpha() for c in token)
    return "[number]" if is_mixed or _CODE.fullmatch(token) else token
