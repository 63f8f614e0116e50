"""Going on in private: when the brand asks for a direct message, and when the customer says that it is sent.

Only the fold (`core.threads`) asks these questions, of the few texts that follow such a request; what a text
means otherwise is measured by the signals.
"""

import re

_PRIVATE = (  # nobody names these in public but to go there
    r"d\.?m\.?s?|p\.?m\.?s?|(?:direct|private)[ -]?(?:messages?|msgs?|notes?)|inbox|messenger|whats ?app"
    r"|md|(?:mensajes?|messages?|messaggi[oi]?|mensage(?:m|ns)) (?:priv\w+|direc?t\w+)|privado|mp|en privé|in privato"
    r"|privatnachricht|direktnachricht|pn|privébericht|pb"
)
_OPEN = r"e-?mails?|mail|messages?|msg|nachricht|mensaje|mensagem|messaggio|bericht|form"
_ASKS = re.compile(
    rf"\b(?:{_PRIVATE})\b"
    rf"|\b(?:e-?mail|message|mail|call|phone|ring) us\b|\b(?:send|drop|shoot|write|give) (?:us|me) an? (?:{_OPEN})\b"
    rf"|\b(?:via|by|per|por|par|via|per) (?:{_OPEN})\b"
    r"|\b(?:escr[ií]b[ea]nos|[ée]crivez[- ]nous|contactez[- ]nous|schreib(?:en sie)? uns|scriveteci|scrivici"
    r"|escreva[- ]nos|stuur ons|mail ons)\b",
    re.IGNORECASE,
)
_DONE = (
    r"sent|sending|dropped|replied|done|enviad[oa]s?|envoy[ée]e?s?|geschickt|gesendet|inviat[oa]|mandat[oa]|mandad[oa]"
)
_SENT = re.compile(
    rf"\b(?:{_DONE}|gestuurd|verzonden|raus)\b[^.!?]{{0,40}}\b(?:{_PRIVATE}|{_OPEN})\b"
    rf"|\b(?:{_PRIVATE}|{_OPEN})\b[^.!?]{{0,20}}\b(?:{_DONE}|gestuurd|verzonden|geschrieben|raus)\b"
    r"|\b(?:dm|pm)[’']?e?d\b|\b(?:e-?mailed|messaged|inboxed) (?:you|u|ya|y[’']all|them)\b"
    r"|\b(?:just|i(?:[’']?ve| have)?|already) (?:dm|pm|message|e-?mail|inbox)(?:[’']?e?d)?,? (?:you|u|ya|y[’']all)\b"
    r"|\bcheck (?:your|ur|the|my)? ?(?:dm|pm|inbox|message|e-?mail|mail)s?\b"
    rf"|^\W*(?:@\w+\W+)*(?:(?:i|ok|okay|all|just|have|yes|yep)\W+)*(?:{_DONE}|did|verzonden)"
    r"(?: it| so| you| that| now| already)*\W*(?:and )?(?:thanks?|thank you|thx|ty|gracias|merci|danke|grazie)?\W*$",
    re.IGNORECASE,
)
_NOT_SETTLED = re.compile(
    r"\?|!!!|\b(?:(?:can|won|don|didn|haven|couldn)[’']?t|cannot|unable|not|never|no|nobody|nothing|still|again|ignor\w+"
    r"|wait\w*|days?|weeks?|several|twice|times|how|where|need|they|sent me|no[- ]?one|nadie|niemand|personne|nessuno"
    r"|kein\w*|sin|pas|toujours|todav[ií]a|ainda|ancora|nog)\b",
    re.IGNORECASE,
)
_LONGEST_REQUEST, _LONGEST_CONFIRMATION = 2_000, 160


def asks_to_go_private(text: str) -> bool:
    """Whether this reply of the brand moves the conversation to private messages, mail or a call."""
    return _ASKS.search(text[:_LONGEST_REQUEST]) is not None


def says_sent(text: str) -> bool:
    """Whether a customer who was asked to says shortly that it is sent, and neither asks nor complains besides."""
    return len(text) <= _LONGEST_CONFIRMATION and _SENT.search(text) is not None and not _NOT_SETTLED.search(text)
