"""Dates as people write them in posts, in the languages of most businesses, with the weekday beside them.

What is ambiguous (11/12) is read in every way in which it could be meant: a check speaks only where none is right.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

_WEEKDAYS = (
    "monday mon montag lundi lunes lunedì lunedi segunda-feira segunda maandag",
    "tuesday tue tues dienstag mardi martes martedì martedi terça-feira terça dinsdag",
    "wednesday wed mittwoch mercredi miércoles miercoles mercoledì mercoledi quarta-feira quarta woensdag",
    "thursday thu thur thurs donnerstag jeudi jueves giovedì giovedi quinta-feira quinta donderdag",
    "friday fri freitag vendredi viernes venerdì venerdi sexta-feira sexta vrijdag",
    "saturday sat samstag sonnabend samedi sábado sabado sabato zaterdag",
    "sunday sun sonntag dimanche domingo domenica zondag",
)
_MONTHS = (
    "january jan januar jänner janvier enero gennaio janeiro januari",
    "february feb februar février fevrier febrero febbraio fevereiro februari",
    "march mar märz maerz mars marzo março marco maart",
    "april apr avril abril aprile",
    "may mai mayo maggio maio mei",
    "june jun juni juin junio giugno junho",
    "july jul juli juillet julio luglio julho",
    "august aug août aout agosto augustus",
    "september sep sept septembre septiembre settembre setembro",
    "october oct oktober okt octobre octubre ottobre outubro",
    "november nov novembre noviembre novembro",
    "december dec dezember dez décembre decembre diciembre dicembre dezembro",
)
WEEKDAY = {name: number for number, names in enumerate(_WEEKDAYS) for name in names.split()}
_MONTH = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}
WEEKDAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def either(names: object) -> str:
    """An alternation of these names, the longest first."""
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))  # type: ignore[call-overload]


_WD = rf"(?P<weekday>\b(?:{either(WEEKDAY)})\b)\.?"
_MO = rf"(?P<month>{either(_MONTH)})\b\.?"
_DAY = r"(?P<day>\d{1,2})(?P<ordinal>st|nd|rd|th|er|º|ª|\.)?"
_YEAR = r"(?:,?\s+(?P<year>20\d\d))?"
_NO_RANGE = r"(?!\s*(?:[-–/]|to|bis|au|al|t/m)\s*\d)(?!\d|[:h%€$£]|\s*(?:am|pm|uhr|h|%|€|o'clock|heures)\b)"
_SMALL = r"(?:,?\s+(?:the|den|dem|der|le|el|il|o|op|dia|día|giorno|on)\b|,|\s*\()?\s*"
_OF = r"\s+(?:of\s+|de\s+|di\s+)?"
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"{_WD}{_SMALL}{_DAY}{_OF}{_MO}{_YEAR}",  # Thursday the 13th of November
        rf"{_WD}{_SMALL}{_MO}\s+{_DAY}{_NO_RANGE}{_YEAR}",  # Thursday, November 13th
        rf"{_WD}{_SMALL}(?P<day>\d{{1,2}})(?P<between>[./])(?P<second>\d{{1,2}})(?:[./](?P<year>20\d\d))?\.?(?![\d:])",
        rf"{_DAY}{_OF}{_MO}{_YEAR}\s*[,(]?\s*(?:(?:is|which is)\s+)?(?:an?\s+)?{_WD}",  # 13 November (Thursday)
        rf"{_MO}\s+{_DAY}{_YEAR}\s*[,(]?\s*(?:(?:is|which is)\s+)?(?:an?\s+)?{_WD}",
        rf"{_WD}{_SMALL}{_DAY}{_NO_RANGE}",  # Thursday the 13th
        rf"\b{_DAY}\s*[,(]?\s*(?:(?:is|falls on)\s+)?(?:an?\s+)?{_WD}",  # the 13th is a Thursday
        rf"{_DAY}{_OF}{_MO}{_YEAR}",  # 13 November
        rf"\b{_MO}\s+{_DAY}{_NO_RANGE}{_YEAR}",
    )
)
_RANGE_BEFORE = re.compile(rf"(?:{either(WEEKDAY)})\.?\s*(?:[-–/&+]|to|through|bis|und|and|au|al|et|y|e|en)\s*$", re.I)
_RANGE_OF_DAYS = re.compile(
    r"\d{1,2}(?:st|nd|rd|th|\.)?\s*(?:[-–/&+]|to|through|bis|und|and|au|al|et|y|e|en)\s*$", re.I
)
_ORDINALS = {"st", "nd", "rd", "th"}
_LEADS = {"the", "den", "dem", "le", "el", "il", "dia", "día", "op"}


@dataclass(frozen=True, slots=True)
class DateMention:
    """A date as written: `days` are all that it can mean; `weekday` (0 is Monday) is None where none is written."""

    words: str
    weekday: int | None
    days: tuple[date, ...]

    @property
    def has_month(self) -> bool:
        return len({day.day for day in self.days}) == 1 and len(self.days) <= 2


def mentions_in(text: str, today: date) -> list[DateMention]:
    """The dates in a text published on that day, in their order; each part of the text is read once."""
    found: list[tuple[int, DateMention]] = []
    taken: list[tuple[int, int]] = []
    for form in _FORMS:
        for match in form.finditer(text):
            start, end = match.span()
            if any(start < stop and begin < end for begin, stop in taken):
                continue
            if _is_range(text[:start]):
                taken.append((start, end))
                continue
            mention = _read(match, today)
            if mention is not None:
                taken.append((start, end))
                found.append((start, mention))
    return [mention for _, mention in sorted(found, key=lambda each: each[0])]


def _is_range(before: str) -> bool:
    """Whether it is the end of "Friday to Sunday 13th" or "13. bis 15. November": no weekday stands for one day."""
    head = before[-20:]
    return bool(_RANGE_BEFORE.search(head) or _RANGE_OF_DAYS.search(head))


def _read(match: re.Match[str], today: date) -> DateMention | None:
    parts = match.groupdict()
    weekday = WEEKDAY.get((parts.get("weekday") or "").lower())
    day, year = int(parts["day"]), int(parts["year"]) if parts.get("year") else None
    if parts.get("second"):
        second = int(parts["second"])
        pairs = {(day, second)} if parts["between"] == "." else {(day, second), (second, day)}
        days = [found for d, m in sorted(pairs) for found in _on(d, m, year, today)]
    elif parts.get("month"):
        days = list(_on(day, _MONTH[parts["month"].lower()], year, today))
    elif _is_a_day(match):
        days = list(_soon(day, today))
    else:
        return None
    return DateMention(" ".join(match.group().split()), weekday, tuple(days)) if days else None


def _is_a_day(match: re.Match[str]) -> bool:
    """Whether a number beside a weekday is a day of the month: "Friday the 13th", "vendredi 13", not "Friday 12"."""
    name = (match["weekday"] or "").lower().rstrip(".")
    is_english = name.endswith("day") or len(name) <= 5
    if (match["ordinal"] or "").lower() in _ORDINALS:
        return True
    return not is_english or any(word in _LEADS for word in match.group().lower().split())


def _on(day: int, month: int, year: int | None, today: date) -> Iterator[date]:
    """That day of that month: without a year the one that can be meant, a little back or most of a year ahead."""
    years = [year] if year else [today.year - 1, today.year, today.year + 1]
    for each in years:
        try:
            found = date(each, month, day)
        except ValueError:
            continue
        if year or timedelta(days=-60) <= found - today <= timedelta(days=304):
            yield found


def _soon(day: int, today: date) -> Iterator[date]:
    """The days with this number from a few days ago to six weeks ahead."""
    for ahead in range(-3, 45):
        at = today + timedelta(days=ahead)
        if at.day == day:
            yield at
