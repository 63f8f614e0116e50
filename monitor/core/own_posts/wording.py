"""Wording that was not meant to go out: placeholders, tests, private words, and what the brand itself forbids."""

import re

from monitor.core.matching import canonical
from monitor.core.own_posts.draft import Draft, PostFinding

_PLACEHOLDER = re.compile(
    r"\{\{?\s*[\w.|-]{1,40}\s*\}?\}|\[\s*(?:[A-Z][A-Z _-]{2,30}|(?:your|insert|enter|add|link|name|date|time|"
    r"price|city)\b[^\]]{0,40})\s*\]|"
    r"<\s*(?:insert|your|name|link|date|time|first ?name)\b[^>]{0,30}>|%%?[A-Z_]{4,30}%%?|\*\|[A-Z_]{3,30}\|\*|"
    r"\b(?:lorem ipsum|dolor sit amet|todo:|fixme|xx/xx(?:/xx+)?|insert (?:link|name|date|time|text|photo|"
    r"image) here|"
    r"(?:link|text|caption|copy) goes here|hier (?:text|link) einfügen|insérer (?:le )?(?:lien|texte)|"
    r"insertar (?:enlace|texto))\b",
)
_NOT_A_PLACEHOLDER = re.compile(r"\[(?:LIVE|NEW|UPDATE|VIDEO|SOLD OUT|FREE|CLOSED|OPEN|AD|WERBUNG|ANZEIGE|PUB)\]")
_TEST = re.compile(
    r"^\W*(?:(?:this is (?:just |only )?a )?test(?:ing)?(?: post| tweet| message| \d+)?|testing testing|asdf\w*|"
    r"qwert\w*|foo ?bar|hello world|"
    r"testbeitrag|(?:nur )?ein test|ceci est un test|esto es una prueba|prueba|prova|teste|[a-z])\W*\d*\W*$|"
    r"\b(?:test post|please ignore|ignore this post|do not publish|not for publication|draft only|internal only|"
    r"bitte ignorieren|nicht veröffentlichen|ne pas publier|no publicar|non pubblicare|não publicar)\b",
    re.IGNORECASE,
)
_PERSONAL = re.compile(
    r"\b(?:love (?:you|u) (?:babe|baby|hun|mum|mom|xx+)|miss (?:you|u) (?:babe|baby|so much)|babe|so (?:drunk|"
    r"hungover|wasted)|hungover|"
    r"my (?:ex|boyfriend|girlfriend|hubby|therapist|hangover|boss is|boss can|manager is)|"
    r"(?:pick|picking) (?:me|up the kids|the kids) up|mum,|mom,|call me (?:back|when)|can u (?:call|pick)|text me|"
    r"i hate (?:my job|this job|mondays? here|it here)|stuck at work|so bored at work|on my period|"
    r"hab dich lieb|schatz,|mein(?:e)? (?:ex|freundin|chef ist)|ich hasse (?:meinen job|diesen job)|"
    r"mon amour|ma chérie|mon ex|te amo|mi amor|mi ex|ti amo|amore mio|te quiero)\b",
    re.IGNORECASE,
)
_SHORT = 30  # words; a longer text that mentions a boyfriend is a story


def placeholder(draft: Draft) -> PostFinding | None:
    """A gap of a template that nobody filled ("[NAME]", "{{first_name}}", "lorem ipsum")."""
    text = _NOT_A_PLACEHOLDER.sub(" ", draft.post.text)
    match = _PLACEHOLDER.search(text) or _PLACEHOLDER.search(text.lower())
    if match is None:
        return None
    return PostFinding("placeholder", f"“{match.group()}” is a gap that nobody filled", (match.group(),))


def not_for_public(draft: Draft) -> PostFinding | None:
    """A test, or private words: meant for nobody, or for another account."""
    text = draft.post.text.strip()
    match = _TEST.search(text)
    if match:
        return PostFinding("not_for_public", "this reads like a test", (match.group().strip()[:80],))
    match = _PERSONAL.search(text) if len(text.split()) <= _SHORT else None
    if match:
        return PostFinding("not_for_public", f"“{match.group()}” sounds private", (match.group(),))
    return None


def forbidden(draft: Draft) -> PostFinding | None:
    """Words that the brand has decided never to use."""
    said = canonical(draft.post.text)
    words = tuple(written for written, phrase in draft.forbidden.items() if phrase.is_in(said))
    if not words:
        return None
    return PostFinding("forbidden_word", "says " + ", ".join(f"“{word}”" for word in words), words)
