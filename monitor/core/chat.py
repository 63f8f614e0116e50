"""What people say to heedful in a chat: a few words, understood whichever chat they come from. Pure.

A command is a verb, what it is about (the id of an alert or a thread, as messages show it, or nothing where the chat
itself says which alert is meant), and what the verb needs besides. Words are read without regard to case.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Literal

from monitor.core.durations import parse_duration
from monitor.core.nearest import nearest
from monitor.errors import HeedfulError

Verb = Literal["ack", "snooze", "assign", "close", "wrong", "show", "take", "done", "backlog", "help"]

NAME = "heedful"  # what a message in a room must begin with to be meant for us
HELP = (
    "ack ALERT: it is mine · snooze ALERT 2h (or: tomorrow) · assign ALERT: it and its threads are "
    "mine · close ALERT: nothing more is needed · wrong ALERT: it should not have been flagged · show ALERT or "
    "THREAD · take ALERT 3, done ALERT 3: a step of its plan · backlog: who waits longest. Under an alert's own "
    "message its id is not needed."
)
_VERBS: dict[str, Verb] = {
    "ack": "ack",
    "acknowledge": "ack",
    "mine": "ack",
    "on it": "ack",
    "snooze": "snooze",
    "later": "snooze",
    "assign": "assign",
    "assign to me": "assign",
    "close": "close",
    "resolve": "close",
    "wrong": "wrong",
    "wrong flag": "wrong",
    "show": "show",
    "show the thread": "show",
    "take": "take",
    "step": "take",
    "done": "done",
    "backlog": "backlog",
    "help": "help",
}
_WORDS = sorted(_VERBS, key=len, reverse=True)
_ID = re.compile(r"(?=[0-9a-z]*[0-9]|[0-9a-z]{8})[0-9a-z]{4,13}")  # a short word without a digit is a word
_LONGEST = 300  # characters; nobody commands in more
_LONGEST_SNOOZE = timedelta(days=30)
_MORNING = 9


class NotUnderstood(HeedfulError):
    """What was said is no command; the text says so in words fit for the chat."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command. `about` is an id as typed, "" for the one at hand; `until` ends a snooze; `step` is from 1."""

    verb: Verb
    about: str = ""
    until: datetime | None = None
    step: int = 0


def addressed(text: str) -> str | None:
    """What follows our name in a message to a room; None if it is not meant for us."""
    found = re.match(rf"\s*[@/!]?{NAME}\b[\s,:]*", text[:_LONGEST], re.IGNORECASE)
    return None if found is None else text[found.end() : found.end() + _LONGEST].strip()


def is_verb(word: str) -> bool:
    """Whether a command may begin with this word."""
    return word in _VERBS


def parse(text: str, now: datetime, zone: tzinfo) -> Command:
    """The command that these words are; `zone` is where "tomorrow" begins.

    Raises: NotUnderstood: answer with its text.
    """
    words = " ".join(text[:_LONGEST].casefold().split())
    if not words:
        return Command("help")
    verb = next((known for known in _WORDS if words == known or words.startswith(f"{known} ")), None)
    if verb is None:
        first = words.split()[0][:20]
        raise NotUnderstood(f"I do not know “{first}”{nearest(first, list(_VERBS))}. {HELP}")
    return _read(_VERBS[verb], words[len(verb) :].split(), now, zone)


def _read(verb: Verb, rest: Sequence[str], now: datetime, zone: tzinfo) -> Command:
    if verb == "snooze":
        about, length = _split(rest)
        return Command(verb, about, _until(length, now, zone))
    if verb in ("take", "done"):
        return _read_step(verb, rest)
    if verb in ("backlog", "help"):
        return Command(verb)
    about, more = _split([word for word in rest if word not in ("me", "to", "for", "it", "this")])
    if more:
        raise NotUnderstood(f"I understood “{verb}”, but not “{' '.join(more)[:40]}”. {HELP}")
    return Command(verb, about)


def _read_step(verb: Verb, rest: Sequence[str]) -> Command:
    numbers = [word for word in rest if word.isdecimal() and len(word) <= 2]
    others = [word for word in rest if word not in numbers]
    if not numbers and verb == "take":  # "take it": the alert itself
        about, more = _split([word for word in others if word not in ("it", "this")])
        if not more:
            return Command("ack", about)
    about, more = _split(others)
    if len(numbers) != 1 or more:
        raise NotUnderstood(f"which step? Say “{verb} 3”, or “{verb} ALERT 3”")
    return Command(verb, about, step=int(numbers[0]))


def _split(words: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The id that these words begin with, or "", and the rest."""
    if words and _ID.fullmatch(words[0].lstrip("#")) and not _is_length(words[0]):
        return words[0].lstrip("#"), words[1:]
    return "", words


def _is_length(word: str) -> bool:
    try:
        parse_duration(word)
    except ValueError:
        return word in ("tomorrow", "hour", "hours", "minutes", "days")
    return True


def _until(words: Sequence[str], now: datetime, zone: tzinfo) -> datetime:
    said = " ".join(word for word in words if word not in ("for", "until", "till"))
    if said in ("", "an hour", "hour"):
        return now + timedelta(hours=1)
    if said == "tomorrow":
        there = now.astimezone(zone)
        morning = there.replace(hour=_MORNING, minute=0, second=0, microsecond=0, fold=0)
        return (morning + timedelta(days=1)).astimezone(now.tzinfo)
    try:
        length = parse_duration(said.replace(" ", ""))
    except ValueError:
        raise NotUnderstood(f"for how long? “{said[:40]}” is no duration; say “2h”, “1d” or “tomorrow”") from None
    if not timedelta(0) < length <= _LONGEST_SNOOZE:
        raise NotUnderstood(f"a snooze may last up to {_LONGEST_SNOOZE.days} days")
    return now + length
