"""Slips with the calendar: a weekday that is not that date's, and an announcement of what is over."""

import re
from datetime import timedelta

from monitor.core.own_posts.dates import WEEKDAY, WEEKDAY_NAMES, DateMention, either, mentions_in
from monitor.core.own_posts.draft import Draft, PostFinding

_SOON = {
    0: (
        "today",
        "tonight",
        "this evening",
        "heute",
        "heute abend",
        "aujourd'hui",
        "ce soir",
        "hoy",
        "esta noche",
        "oggi",
        "stasera",
        "hoje",
        "vandaag",
        "vanavond",
    ),
    1: ("tomorrow", "tomorrow night", "demain", "mañana", "domani", "amanhã"),
}  # fmt: skip  - "morgen" is also the morning
_BESIDE = {
    ahead: re.compile(rf"\b(?:{either(words)})\b\s*[,(]\s*(?P<weekday>{either(WEEKDAY)})\b", re.IGNORECASE)
    for ahead, words in _SOON.items()
}
_ANNOUNCES = re.compile(
    r"\b(?:join us|come (?:along|by|and|to)|see you|save the date|don'?t miss|book (?:now|your)|tickets?|"
    r"register|sign up|"
    r"will (?:be|take|start|open|have|host)|starts?|takes place|doors open|is open|we(?:'re| are) (?:hosting|"
    r"holding|having|open)|"
    r"offer ends|ends on|until|deadline|meeting (?:is|on)|upcoming|next|"
    r"kommt|wir laden|einladung|anmeld\w+|findet statt|beginnt|ab dem|bis zum|noch bis|"
    r"rejoignez|venez|rendez-vous|inscri\w+|aura lieu|jusqu'au|réserv\w+|"
    r"únete|ven a|los esperamos|te esperamos|inscr[ií]b\w+|tendrá lugar|hasta el|reserva|"
    r"venite|vi aspettiamo|iscri\w+|si terrà|fino al|prenota|junte-se|venha|inscreva|até|reserve|"
    r"kom naar|doe mee|tot en met|reserveer)\b",
    re.IGNORECASE,
)
_LOOKS_BACK = re.compile(
    r"\b(?:was|were|had|did|thank(?:s| you)|last|since|ago|yesterday|recap|look(?:ing)? back|photos? (?:from|"
    r"of)|anniversary|"
    r"on this day|remember|born|founded|happened|update|correction|sorry|"
    r"war|waren|gestern|danke|seit|rückblick|letzte\w*|gegründet|korrektur|était|hier|merci|dernier\w*|depuis|"
    r"retour sur|"
    r"fue|fueron|ayer|gracias|pasad[oa]|desde|era|ieri|grazie|scors[oa]|foi|ontem|obrigad[oa]|passad[oa]|"
    r"gisteren|bedankt|vorige|afgelopen)\b",
    re.IGNORECASE,
)


def weekday_date(draft: Draft) -> PostFinding | None:
    """A weekday and a date that disagree ("Thursday the 13th", and the 13th is a Friday)."""
    today = draft.local_time.date()
    for mention in mentions_in(draft.post.text, today):
        if mention.weekday is not None and all(day.weekday() != mention.weekday for day in mention.days):
            return PostFinding("weekday_date", _disagreement(mention), (mention.words,))
    for ahead, pattern in _BESIDE.items():
        match = pattern.search(draft.post.text)
        day = today + timedelta(days=ahead)
        if match and WEEKDAY[match["weekday"].lower()] != day.weekday():
            words = " ".join(match.group().split())
            says = f"“{words}”, but that day is a {WEEKDAY_NAMES[day.weekday()]} ({day:%d %B %Y})"
            return PostFinding("weekday_date", says, (words,))
    return None


def _disagreement(mention: DateMention) -> str:
    day = mention.days[0]
    return f"“{mention.words}”, but {day:%d %B %Y} is a {WEEKDAY_NAMES[day.weekday()]}"


def past_date(draft: Draft) -> PostFinding | None:
    """A date that was over when the post announced it."""
    text = draft.post.text
    if not _ANNOUNCES.search(text) or _LOOKS_BACK.search(text):
        return None
    today = draft.local_time.date()
    dated = [mention for mention in mentions_in(text, today) if mention.has_month]
    if not dated or any(day >= today for mention in dated for day in mention.days):
        return None
    first = dated[0]
    says = f"announces “{first.words}”, but {first.days[0]:%d %B %Y} was over when this was posted"
    return PostFinding("past_date", says, (first.words,))
