"""personal_data: what should not stand in public: phone, e-mail, card, IBAN, order or policy numbers, a home address.

Pure detection, so nothing is learned from and nothing is quoted: `explain` says what kind it is and how it ends.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from monitor.model import SignalValue
from monitor.signals.prepared import LINK, Prepared

_DIGIT = re.compile(r"\d")
_LONG = re.compile(r"\d(?:[ ()./-]{0,2}\d){6}")  # finds at once that there is no long number
_EMAIL = re.compile(r"@[\w-]{1,63}(?:\.[\w-]{2,63})+")
_SPELT_EMAIL = re.compile(  # "anna dot b at gmail dot com"
    r"(?:\b\w{1,32}(?: dot |\.))?\b\w{1,32} ?(?:\(at\)|\[at\]|@| at ) ?(?:gmail|hotmail|outlook|yahoo|icloud|gmx)\b"
    r"(?:(?: dot |\.)[a-z]{2,3}\b)?",
    re.IGNORECASE,
)
_PROVIDER = re.compile("gmail|hotmail|outlook|yahoo|icloud|gmx", re.IGNORECASE)
_EMAIL_NAME = re.compile(r"[\w.+-]{1,64}\Z")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_NUMBER = re.compile(r"(?<![\w.,/#$€£-])(?:\+|\(\+?)?\d(?:[ ()./-]{0,2}\d){6,18}(?![\w%€£$])")
_DATE = re.compile(r"\d{1,2}[./-]\d{1,2}[./-](?:\d{2}|\d{4})|\d{4}[./-]\d{1,2}[./-]\d{1,2}")
_GROUPED = re.compile(
    r"(?:1[ .-])?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}|\d{3}[ .-]\d{4}|\d{5} \d{6}|0\d{2,4}[ /-]\d{5,8}|"
    r"0\d{1,4}(?:[ ./-]\d{2,4}){2,4}"
)
_FREE_OF_CHARGE = re.compile(r"\(?(?:1[ .-]?)?\(?8(?:00|33|44|55|66|77|88)")  # a business's hotline
_CALLS = re.compile(
    r"\b(?:call|phone|tel|telephone|mobile|cell|ring|text me|whatsapp|reach me|contact me|my number|number is|"
    r"teléfono|telefono|móvil|movil|celular|llám\w+|numéro|téléphone|portable|appel\w+|telefon\w*|handy\w*|nummer|"
    r"ruf\w*|telefone|celular|zap|liga\w*|cellulare|chiam\w+|telefoon\w*|mobiel|bel|هاتف|جوال|رقمي|اتصل\w*|فون|फोन|फ़ोन|नंबर|मोबाइल)\b",
    re.IGNORECASE,
)
_BESIDE = 40  # characters around a number in which a word says what it is
_CASE = re.compile(r"\d[A-Za-z0-9-]{0,20}\d[A-Za-z0-9-]{0,4}\b")
_CASE_LETTERS = re.compile(r"(?<![\w.,/$€£-])[A-Z]{0,6}-?\Z", re.IGNORECASE)  # right before its first digit
_CASE_WORDS = (
    "order|booking|reservation|ticket|policy|patient|invoice|account|customer|membership|member|case|claim|tracking|"
    "parcel|confirmation|reference|ref|pnr|passport|nhs|ssn|pedido|reserva|factura|póliza|cliente|cuenta|commande|"
    "réservation|facture|dossier|compte|billet|bestell\\w*|buchung\\w*|auftrag\\w*|rechnung\\w*|kunden\\w*|vertrag\\w*|"
    "vorgang\\w*|konto\\w*|encomenda|apólice|conta|protocolo|ordine|prenotazione|fattura|polizza|pratica|conto|"
    "boeking\\w*|order\\w*|klant\\w*|factuur\\w*|polis\\w*|طلب|الطلب|طلبي|حجز|الحجز|حجزي|فاتورة|ऑर्डर|आर्डर|बुकिंग|खाता|बिल"
)
_CASE_STEMS = frozenset(word[:4] for word in _CASE_WORDS.split("|"))  # most numbers have none of them before them
_WORDS_BEFORE = 4
_CASE_WORD = re.compile(  # stands right before a number of that case
    rf"\b(?P<what>{_CASE_WORDS})"
    r"(?P<explicit> ?(?:\b(?:number|numbers|no|nr|num|id|ref|reference|code|número|numéro|nummer|numero|codice|"
    r"código|رقم)\b|नंबर|n[º°]|#)[.:]?)?"
    r" ?(?:is|was|es|est|ist|é|è|:|=|-|–|هو|है)? ?[#№]?\Z",
    re.IGNORECASE,
)
_HASHED = re.compile(r"(?<![\w&])#(?P<value>\d{5,14})\b")
_NUMBER_AND_STREET = re.compile(
    r"\d{1,5}[a-z]?,? (?:(?:[A-Z][\w'’-]{1,20} ){1,3}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Drive|Close|Court|Way|Place|"
    r"Terrace|Crescent|Boulevard|Blvd|Gardens|Grove)\b"
    r"|(?:rue|avenue|boulevard|place|impasse) (?:de |du |des |la |le |l['’])*[A-ZÉ][\w-]+)"
)
_HOUSE = re.compile(r" \d{1,4}\b")
_STREETS_END = ("straße", "strasse", "str.", "weg", "gasse", "platz", "straat", "laan")
_STREETS_BEGIN = ("alle ", "venida ", "ua ", "ia ", "iale ", "iazza ")
_STREET = re.compile(
    r"\d{1,5}[a-z]?,? (?:(?:[A-Z][\w'’-]{1,20} ){1,3}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Drive|Close|Court|Way|Place|"
    r"Terrace|Crescent|Boulevard|Blvd|Gardens|Grove)\b"
    r"|(?:rue|avenue|boulevard|place|impasse) (?:de |du |des |la |le |l['’])*[A-ZÉ][\w-]+)"
)
_HOUSE = re.compile(r" \d{1,4}\b")
_MAY_BE_A_STREET = re.compile(
    r"(?:straße|strasse|str\.|weg|gasse|platz|straat|laan|(?:alle|venida|ua|ia|iale|iazza)(?: [A-Z][\w-]*){1,3},?) \d"
)
_STREET = re.compile(  # stands right before the number of a house
    r"\b(?:[A-ZÄÖÜ][\w-]{2,25}(?:straße|strasse|str\.|weg|gasse|platz|straat|laan)"
    r"|(?:[Cc]alle|[Aa]venida|[Rr]ua|[Vv]ia|[Vv]iale|[Pp]iazza)(?: [A-Z][\w-]{1,20}){1,3},?)\Z"
)
_AT_HOME = re.compile(
    r"\b(?:i live|we live|my (?:home |new |delivery |)address|my house|my flat|home address|living at|i am at|im at|"
    r"deliver(?:ed)? (?:it )?to|"
    r"send it to|vivo en|mi (?:dirección|casa)|j['’]habite|mon adresse|chez moi|"
    r"ich wohne|wir wohnen|meine (?:adresse|anschrift)|"
    r"moro n\w|meu endereço|minha casa|abito|abitiamo|il mio indirizzo|casa mia|ik woon|wij wonen|mijn adres)\b",
    re.IGNORECASE,
)
_YEAR = re.compile("(?:19|20)[0-9]{2}")
_LEAST_DIGITS = 4
_MOST_FOUND = 8


class Piece(NamedTuple):
    """Where personal data stands in a text, how sure that is, and what it is, in words that do not give it away."""

    start: int
    end: int
    score: float
    says: str


class PersonalData:
    name = "personal_data"
    version = "1"
    range = (0.0, 1.0)

    def measure(self, batch: Sequence[Prepared]) -> list[SignalValue]:
        return [max((piece.score for piece in find(text.text)), default=0.0) for text in batch]

    def explain(self, text: Prepared) -> tuple[str, ...]:
        surest_first = sorted(find(text.text), key=lambda piece: -piece.score)
        return tuple(dict.fromkeys(piece.says for piece in surest_first))[:_MOST_FOUND]


def find(text: str) -> list[Piece]:
    """Personal data in a text, in order; of what overlaps only the surest."""
    digit = _DIGIT.search(text)
    has_mail = text.find("@", 1) > 0 or _spells_at(text)
    if digit is None and not has_mail:
        return []
    hidden = LINK.sub(lambda link: " " * len(link[0]), text) if "://" in text or "www." in text else text
    pieces = list(_emails(hidden)) if has_mail else []
    if digit is not None:
        pieces += _with_digits(hidden, digit.start())
    return _surest(pieces) if len(pieces) > 1 else pieces


def _surest(pieces: Sequence[Piece]) -> list[Piece]:
    kept: list[Piece] = []
    for piece in sorted(pieces, key=lambda piece: -piece.score):
        if all(piece.end <= other.start or piece.start >= other.end for other in kept):
            kept.append(piece)
    return sorted(kept)


def _with_digits(text: str, first: int) -> Iterator[Piece]:
    """What has numbers in it; the first digit is at `first`."""
    if _LONG.search(text, first) is not None:
        yield from _ibans(text)
        yield from _numbers(text)
    yield from _cases(text, first)
    yield from _addresses(text, first)


def _spells_at(text: str) -> bool:
    return " at " in text or "(at)" in text or "[at]" in text


def _emails(text: str) -> Iterator[Piece]:
    for found in _EMAIL.finditer(text):
        if name := _EMAIL_NAME.search(text[max(found.start() - 64, 0) : found.start()]):
            yield Piece(found.start() - len(name[0]), found.end(), 0.98, "e-mail address")
    if _spells_at(text) and _PROVIDER.search(text):
        for found in _SPELT_EMAIL.finditer(text):
            yield Piece(found.start(), found.end(), 0.9, "e-mail address")


def _ibans(text: str) -> Iterator[Piece]:
    for found in _IBAN.finditer(text):
        if _is_iban(found[0].replace(" ", "")):
            yield Piece(found.start(), found.end(), 0.99, f"IBAN ending {found[0][-2:]}")


def _is_iban(compact: str) -> bool:
    """ISO 13616: the first four characters moved to the end, letters as 10 to 35, the whole is 1 modulo 97."""
    if not 15 <= len(compact) <= 34:
        return False
    return int("".join(str(int(one, 36)) for one in compact[4:] + compact[:4])) % 97 == 1


def _numbers(text: str) -> Iterator[Piece]:
    for found in _NUMBER.finditer(text):
        digits = "".join(filter(str.isdigit, found[0]))
        if 13 <= len(digits) <= 19 and _is_card(digits):
            yield Piece(found.start(), found.end(), 0.97, f"card number ending {digits[-2:]}")
        elif score := _as_phone(text, found, digits):
            yield Piece(found.start(), found.end(), score, f"phone number ending {digits[-2:]}")


def _is_card(digits: str) -> bool:
    """Luhn's check digit; and no ordinary text repeats one digit so long."""
    doubled = [int(one) * (2 if place % 2 else 1) for place, one in enumerate(reversed(digits))]
    return sum(one - 9 if one > 9 else one for one in doubled) % 10 == 0 and len(set(digits)) > 1


def _as_phone(text: str, found: re.Match[str], digits: str) -> float:
    written = found[0]
    if not 7 <= len(digits) <= 15 or _DATE.match(written) or _FREE_OF_CHARGE.match(written) or len(set(digits)) < 3:
        return 0.0
    is_told = _CALLS.search(text[max(found.start() - _BESIDE, 0) : found.end() + _BESIDE // 2]) is not None
    if written.startswith(("+", "(+")) or (digits.startswith("00") and len(digits) > 9):
        return 0.97
    if is_told:
        return 0.95
    if _GROUPED.fullmatch(written):
        return 0.9
    return 0.7 if digits.startswith("0") and 9 <= len(digits) <= 12 and written.isdigit() else 0.0


def _cases(text: str, first: int) -> Iterator[Piece]:
    for found in _CASE.finditer(text, first):
        if not _may_follow_a_case(text[max(found.start() - _BESIDE, 0) : found.start()]):
            continue
        letters = _CASE_LETTERS.search(text[max(found.start() - 8, 0) : found.start()])
        if letters is None:
            continue
        start = found.start() - len(letters[0])
        value = text[start : found.end()]
        word = _CASE_WORD.search(text[max(start - _BESIDE, 0) : start])
        if word and _is_case(value, word["explicit"] is not None or word[0].endswith("#")):
            yield Piece(start, found.end(), 0.93, _case_says(word["what"].lower(), value))
    for found in _HASHED.finditer(text) if "#" in text else ():
        yield Piece(found.start("value"), found.end("value"), 0.6, f"number ending {found['value'][-2:]}")


def _may_follow_a_case(before: str) -> bool:
    last = before.lower().replace("#", " ").replace("(", " ").split()[-_WORDS_BEFORE:]
    return any(word[:4].rstrip(":.") in _CASE_STEMS for word in last)


def _is_case(value: str, is_explicit: bool) -> bool:
    n_digits = sum(map(str.isdigit, value))
    return n_digits >= 2 and (is_explicit or (n_digits >= _LEAST_DIGITS and not _YEAR.fullmatch(value)))


def _case_says(what: str, value: str) -> str:
    return f"{what}{'' if what.endswith('nummer') else ' number'} ending {value[-2:]}"


def _addresses(text: str, first: int) -> Iterator[Piece]:
    for found in _NUMBER_AND_STREET.finditer(text, first):
        yield _address(text, found.start(), found.end())
    for found in _HOUSE.finditer(text, max(first - 1, 0)):
        before = text[max(found.start() - 2 * _BESIDE, 0) : found.start()]
        may_be = before.endswith(_STREETS_END) or any(word in before for word in _STREETS_BEGIN)
        if may_be and (street := _STREET.search(before)):
            yield _address(text, found.start() - len(street[0]), found.end())


def _address(text: str, start: int, end: int) -> Piece:
    is_home = _AT_HOME.search(text[max(start - 2 * _BESIDE, 0) : end + _BESIDE]) is not None
    return Piece(start, end, 0.9 if is_home else 0.3, "street address")  # shops have addresses, too
