"""What a post says against our other posts: the same twice, or the same thing with another price or time."""

import re
from datetime import timedelta

from monitor.core.matching import canonical
from monitor.core.own_posts.dates import WEEKDAY, either, mentions_in
from monitor.core.own_posts.draft import Draft, OwnPost, PostFinding

DOUBLE_WITHIN = timedelta(hours=24)
SAME_THING_WITHIN = timedelta(days=14)
_ALIKE = 0.5  # of the words of both together that both must share to speak of one thing
_LEAST_SHARED = 3
_WEEKDAY = re.compile(rf"\b(?:{either(WEEKDAY)})\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{4,}")
_AMOUNT = r"\d{1,6}(?:[.,]\d{2})?"
_PRICE = re.compile(
    rf"(?P<before>[$€£])\s?(?P<first>{_AMOUNT})|(?P<second>{_AMOUNT})\s?(?P<after>[$€£]|(?:eur|euros?|usd|"
    rf"dollars?|gbp|pounds?|kr|zł)\b)",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"(?<![\d.,/])(?P<hour>[01]?\d|2[0-3])(?:[:.h](?P<minute>[0-5]\d)\s?(?P<half>am|pm|uhr|h)?|\s?(?P<alone>am|"
    r"pm|uhr|h|heures))\b(?![.,/]\d)",
    re.IGNORECASE,
)
_CHANGES = re.compile(
    r"\b(?:now|was|instead|reduced|sale|off|corrections?|correct(?:ed)?|updated?|moved|changed?|new (?:price|"
    r"time|date)|sorry|oops|"
    r"from|statt|jetzt|korrektur|neue[rs]?|verschoben|geändert|correction|désormais|au lieu|corrección|ahora|cambio|"
    r"correzione|ora|adesso|correção|agora|mudança|nu|gewijzigd)\b",
    re.IGNORECASE,
)
_NAMES = {"€": "eur euro euros", "$": "usd dollar dollars", "£": "gbp pound pounds"}
_CURRENCIES = {name: sign for sign, names in _NAMES.items() for name in names.split()}


def double_post(draft: Draft) -> PostFinding | None:
    """Word for word what another post of ours said within a day before."""
    said = canonical(draft.post.text)
    if not said:
        return None
    for other in draft.others:
        age = draft.post.created_at - other.created_at
        is_earlier = age > timedelta(0) or (age == timedelta(0) and other.id < draft.post.id)
        if is_earlier and age <= DOUBLE_WITHIN and canonical(other.text) == said:
            return PostFinding("double_post", f"the same words as in our post of {_when(draft, other)}")
    return None


def differs(draft: Draft) -> PostFinding | None:
    """Another price or another time than in a recent post of ours about the same thing."""
    post = draft.post
    if _CHANGES.search(post.text):
        return None  # it says itself that something has changed
    earlier = [o for o in draft.others if timedelta(0) < post.created_at - o.created_at <= SAME_THING_WITHIN]
    for other in sorted(earlier, key=lambda each: each.created_at, reverse=True):
        if _is_same_thing(draft, other):
            for found_in, what in ((_prices, "price"), (_times, "time")):
                here, there = found_in(post.text), found_in(other.text)
                if len(here) == len(there) == 1 and here.keys() != there.keys() and _comparable(here, there):
                    (word,), (old,) = here.values(), there.values()
                    says = f"the {what} is “{word}” here and “{old}” in our post of {_when(draft, other)}"
                    return PostFinding("differs", says, (word, old))
    return None


def _is_same_thing(draft: Draft, other: OwnPost) -> bool:
    """Whether two posts share most of their words, and speak of the same days."""
    here, there = _words(draft.post.text), _words(other.text)
    shared = here & there
    if len(shared) < _LEAST_SHARED or len(shared) < _ALIKE * len(here | there):
        return False
    return _days(draft, draft.post) == _days(draft, other)


def _days(draft: Draft, post: OwnPost) -> set[object]:
    """The dates and the weekdays that a post speaks of."""
    today = post.created_at.astimezone(draft.zone).date()
    dates: set[object] = {mention.days for mention in mentions_in(post.text, today)}
    return dates | {WEEKDAY[name.lower()] for name in _WEEKDAY.findall(post.text)}


def _words(text: str) -> set[str]:
    return set(_WORD.findall(canonical(text)))


def _prices(text: str) -> dict[tuple[str, float], str]:
    """Each price as (currency, amount), with how it is written."""
    found = {}
    for match in _PRICE.finditer(text):
        sign = (match["before"] or match["after"]).lower()
        amount = float((match["first"] or match["second"]).replace(",", "."))
        found[_CURRENCIES.get(sign, sign), amount] = match.group().strip()
    return found


def _times(text: str) -> dict[tuple[str, float], str]:
    """Each time of day as ("", minutes), with how it is written."""
    found = {}
    for match in _TIME.finditer(text):
        hour, minute = int(match["hour"]), int(match["minute"] or 0)
        half = (match["half"] or match["alone"] or "").lower()
        if half in ("am", "pm") and 1 <= hour <= 12:
            hour = hour % 12 + 12 * (half == "pm")
        found["", float(60 * hour + minute)] = match.group().strip()
    return found


def _comparable(here: dict[tuple[str, float], str], there: dict[tuple[str, float], str]) -> bool:
    (mine, _), (theirs, _) = next(iter(here)), next(iter(there))
    return mine == theirs


def _when(draft: Draft, other: OwnPost) -> str:
    return f"{other.created_at.astimezone(draft.zone):%d %B, %H:%M}"
