"""Text from outside made plain: out of HTML, fit for a database, fit to be shown to a person.

Three different things: `plain_text` and `storable` give what is stored and measured, as its author wrote it;
`printable` and `excerpt` give what people see, with everything removed that would change how the rest is read.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

# What SQLite or Postgres refuses (NUL, half of a surrogate pair) and controls that stand for nothing in a text.
_UNSTORABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]+")
# Both match only where something has to change: most texts have single spaces and nothing else.
_SPACES = re.compile(r" *[\t\xa0][ \t\xa0]*|  +")
_BLANKS = re.compile(r" *[\t\r\n\f\xa0][ \t\r\n\f\xa0]*|  +[ \t\r\n\f\xa0]*")

# Marks for where a block begins or ends: halves of surrogate pairs, which no parsed text can contain.
_LINE, _PARAGRAPH = "\ud800", "\ud801"
_BREAK_RUN = re.compile(f"[ \t\xa0]*[\n{_LINE}{_PARAGRAPH}][ \t\xa0\n{_LINE}{_PARAGRAPH}]*")
_LINES = ("li", "div", "ul", "ol", "tr", "table", "section", "article", "header", "footer", "figure", "figcaption")
_MORE_LINES = ("details", "summary", "hr", "dl", "dt", "dd", "aside", "address", "center", "form", "fieldset", "nav")
_PARAGRAPHS = ("p", "pre", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6")
_AROUND = dict.fromkeys(_LINES + _MORE_LINES, _LINE) | dict.fromkeys(_PARAGRAPHS, _PARAGRAPH) | {"td": " ", "th": " "}
_UNSEEN = frozenset({"script", "style", "template", "title", "noscript", "iframe", "object", "select", "svg", "math"})
_SHORTENING = frozenset({"invisible", "ellipsis"})
_CUT_MARKS = ("…", "...")
_MAX_HTML = 100_000  # more than any platform lets one write; the parser takes quadratic time over hostile nesting


def plain_text(html: str) -> str:
    """What a reader of this piece of HTML sees, entities unescaped once, blocks on lines of their own.

    A link comes out as its address where the page shows that address shortened, and as its words otherwise. Any
    input gives some text; of more than 100,000 characters of HTML the rest is left out.

    Source: docs.joinmastodon.org, entities/Status: the text of long links is split into span.invisible, span.ellipsis.
    """
    if "<" not in html and "&" not in html:
        return _BLANKS.sub(" ", storable(html)).strip()
    return _tidied("".join(_seen_parts(html)))


def _seen_parts(html: str) -> list[str]:
    # Here, because a command that only shows stored text must not pay for the import.
    from selectolax.lexbor import LexborHTMLParser

    parts: list[str] = []
    # Closing breaks and what comes after a subtree wait on the stack: hostile nesting is deeper than any recursion.
    waiting: list[LexborNode | str] = []
    parser = LexborHTMLParser(_UNSTORABLE.sub("", html[:_MAX_HTML]), is_fragment=True)
    if parser.root is not None:
        waiting.append(parser.root)
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            parts.append(node)
            continue
        if (after := node.next) is not None:
            waiting.append(after)
        _open(node, parts, waiting)
    return parts


def _open(node: "LexborNode", parts: list[str], waiting: "list[LexborNode | str]") -> None:
    """Add what this node itself shows; what is inside it goes on the stack."""
    if node.is_text_node:
        text = node.text_content or ""
        parts.append(text if _is_preformatted(node) else _BLANKS.sub(" ", text))
        return
    tag = node.tag or ""
    if tag in _UNSEEN:
        return
    if tag == "img":  # an emoji drawn as a picture, or what its author says the picture shows
        parts.append(node.attributes.get("alt") or "")
    if tag == "a" and (address := _shortened_address(node)):
        parts.append(address)
        return
    if tag == "br":
        parts.append("\n")
    elif around := _AROUND.get(tag):
        parts.append(around)
        waiting.append(around)
    if (child := node.child) is not None:
        waiting.append(child)


def _is_preformatted(node: "LexborNode") -> bool:
    above = node.parent
    if above is not None and above.tag == "code":
        above = above.parent
    return above is not None and above.tag == "pre"


def _shortened_address(link: "LexborNode") -> str:
    """The address of a link whose visible text is a part of that address, else ""."""
    address = storable(link.attributes.get("href") or "").strip()
    if not address.startswith(("https://", "http://")) or " " in address:
        return ""
    child = link.child
    while child is not None:
        if child.tag == "span" and not _SHORTENING.isdisjoint((child.attributes.get("class") or "").split()):
            return address
        child = child.next
    shown = link.text().strip()
    shown_part = shown.rstrip("….")
    return address if shown_part and shown.endswith(_CUT_MARKS) and shown_part in address else ""


def _tidied(text: str) -> str:
    """Each run of breaks and the blanks about it as one line end, or as two where a paragraph or a blank line was."""
    lines = _BREAK_RUN.sub(lambda run: "\n\n" if _PARAGRAPH in run[0] or run[0].count("\n") > 1 else "\n", text)
    return storable(_SPACES.sub(" ", lines)).strip()


def storable(text: str) -> str:
    """A text without what a database refuses (NUL, lone surrogates, controls); line ends become newlines."""
    if text.isprintable():
        return text  # nearly every text of one line
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNSTORABLE.sub("", text)


# Letters and pictures of scripts in which a joiner changes what is seen: Persian, the Indic scripts, emoji.
# Between Latin, Greek or Cyrillic letters it only hides a word from whoever looks for it.
_JOINING = "\u0590-\u1fff\u2190-\u2bff\u3000-\ud7ff\uf900-\ufe2f\U00010000-\U0001ffff"
_NEVER_SHOWN = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff"  # control characters, halves of surrogate pairs
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # turns of direction
    "\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0"
    "\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f"
)
_MAY_BE_UNPRINTABLE = re.compile(f"[{_NEVER_SHOWN}]")  # finds at once that there is nothing for `_UNPRINTABLE`
_UNPRINTABLE = re.compile(
    "(\U0001f3f4[\U000e0020-\U000e007e]{1,6}\U000e007f)"  # kept: the flag of England is spelt in invisible letters
    f"|(?<=[{_JOINING}])([\u200c\u200d])(?=[{_JOINING}])"  # kept: a joiner where it joins
    f"|[{_NEVER_SHOWN}]"
)
_LINE_ENDS = re.compile("\r\n?|[\u0085\u2028\u2029]")
_MAX_MARKS = 4  # one letter carries at most three in the spelling of any living language we know of
_MAY_BE_MARKS = re.compile(r"[^\w\x00-\u02ff]" * (_MAX_MARKS + 1))  # no mark is a letter, a digit or before U+0300


def printable(text: str) -> str:
    """What can be shown among other text without disturbing it.

    Drops control characters, turns of direction, invisible characters (a joiner stays where it joins emoji or
    letters of a script that needs it) and marks stacked more than four high. Newlines and tabs stay.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _LINE_ENDS.sub("\n", text)
    if _MAY_BE_UNPRINTABLE.search(text):
        text = _UNPRINTABLE.sub(r"\1\2", text)
    return _with_few_marks(text) if _MAY_BE_MARKS.search(text) else text


def _with_few_marks(text: str) -> str:
    kept: list[str] = []
    n_marks = 0
    category: Callable[[str], str] = unicodedata.category
    for character in text:
        n_marks = n_marks + 1 if category(character) in ("Mn", "Me") else 0
        if n_marks <= _MAX_MARKS:
            kept.append(character)
    return "".join(kept)


def excerpt(text: str, length: int = 140) -> str:
    """The beginning of a text on one printable line of at most `length` characters, a cut marked with an ellipsis."""
    line = " ".join(printable(text).split())
    if len(line) <= length:
        return line
    if length < 1:
        return ""
    end = length - 1
    while end > 0 and _is_within_a_sign(line, end):
        end -= 1
    at_word = line.rfind(" ", max(0, end - 20), end + 1)
    return line[: at_word if at_word > 0 else end].rstrip() + "…"


def _is_within_a_sign(line: str, at: int) -> bool:
    """Whether a cut here would part a letter from its marks or an emoji from what is joined to it."""
    after = line[at]
    return (
        unicodedata.category(after) in ("Mn", "Me", "Mc")
        or after in "\u200c\u200d"
        or line[at - 1] in "\u200c\u200d"
        or "\U0001f3fb" <= after <= "\U0001f3ff"  # a skin tone
    )
